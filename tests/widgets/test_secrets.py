"""No token, key or code is in a trait, a repr, what is displayed, a file of the panel's, or the log."""

from __future__ import annotations

import json
import logging

from ipywidgets import Widget


def secrets_of(center) -> set[str]:
    state = center.state
    found = {*state.access_tokens, *state.refresh_tokens, *state.devices, *state.user_codes}
    found |= {registration.client_secret for registration in state.registrations.values()}
    for keys in center.keys.values():
        found |= {keys.secret_access_key, keys.session_token, keys.access_key_id}
    return found


def everything_shown(screen) -> str:
    widget = screen.panel.widget
    state = json.dumps(widget.get_state(), default=repr) + repr(widget) + repr(widget.layout)
    return "\n".join([state, repr(screen.panel), json.dumps(screen.panel._repr_mimebundle_())])


def test_nothing_secret_is_in_a_trait_at_any_time(open_panel, center, caplog, clean_environment):
    caplog.set_level(logging.DEBUG)
    screen = open_panel()
    looks = []
    screen.press("Sign in")
    code = center.wait_for_pending().user_code
    screen.until(lambda: screen.live != "")
    looks.append(everything_shown(screen))
    center.approve(code)
    screen.until(lambda: len(screen.lines) == 28)
    screen.use("ml-sandbox")
    looks.append(everything_shown(screen))
    file = (clean_environment / ".aws" / "sso_magic" / "panel.json").read_text()
    found = secrets_of(center)
    assert len(found) >= 7
    for text in [*looks, caplog.text, file]:
        assert [secret for secret in found if secret in text] == []


def test_the_widgets_state_that_a_saved_notebook_gets_has_no_code(open_panel, center):
    screen = open_panel()
    screen.press("Sign in")
    code = center.wait_for_pending().user_code
    screen.until(lambda: screen.live != "")
    state = json.dumps(Widget.get_manager_state())
    assert screen.panel.widget.model_id in state
    assert code not in state
    assert "user_code" not in state
