"""Sessions of a role have botocore's built-in event handlers, and each has its own list of them."""

from __future__ import annotations

import botocore.handlers
import botocore.session
import pytest

from sso_magic.kernel.libraries import boto_session


@pytest.fixture
def make(monkeypatch):
    """Return a botocore session of a new session without a role."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return lambda: boto_session.role_session_class()(None, None)._session


def handlers(session, event):
    """Return the handlers of an event, in the order in which they are called."""
    return list(session.get_component("event_emitter")._emitter._handlers.prefix_search(event))


def test_a_session_has_the_handlers_of_botocores_own_session_in_the_same_order(make):
    ours, botocores = make(), botocore.session.Session()
    events = {
        botocore.hooks.EventAliaser(None)._alias_event_name(spec[0]) for spec in botocore.handlers.BUILTIN_HANDLERS
    }
    assert len(events) > 50
    for event in events:
        assert [one for one in handlers(ours, event) if one in handlers(botocores, event)] == handlers(botocores, event)


def test_a_handler_of_one_session_is_not_called_in_another(make):
    first, second, called = make(), make(), []
    first.register("before-send.sts", lambda **_: called.append("first"))
    second.get_component("event_emitter").emit("before-send.sts.GetCallerIdentity", request=None)
    make().get_component("event_emitter").emit("before-send.sts.GetCallerIdentity", request=None)
    assert called == []
    first.get_component("event_emitter").emit("before-send.sts.GetCallerIdentity", request=None)
    assert called == ["first"]


def test_a_handler_that_was_added_to_botocores_list_is_in_the_sessions_made_later(make, monkeypatch):
    def added(**_):
        pass

    assert added not in handlers(make(), "before-send.sts.GetCallerIdentity")
    monkeypatch.setattr(
        botocore.handlers, "BUILTIN_HANDLERS", [*botocore.handlers.BUILTIN_HANDLERS, ("before-send", added)]
    )
    assert added in handlers(make(), "before-send.sts.GetCallerIdentity")
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert added not in handlers(make(), "before-send.sts.GetCallerIdentity")
