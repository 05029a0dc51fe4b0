"""A secret shows itself nowhere, and still gets on the wire."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle

import pytest
import requests
from IPython.lib.pretty import pretty

from sso_magic.common.secret import Secret, Unshown, revealed

PLANTED = "aoaAAAA-planted-token"


@pytest.fixture
def secret() -> Secret:
    return Secret(PLANTED)


def test_it_is_redacted_however_it_is_shown(secret, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("any").debug("token %s %r", secret, [secret])
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret, "{}".format(secret)]  # noqa: UP031, UP032
    shown += [repr({"token": secret}), pretty([secret]), secret._repr_html_(), caplog.text]
    assert not [text for text in shown if PLANTED in text]
    assert "***" in caplog.text


def test_it_is_redacted_in_a_pickle(secret):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps(secret, protocol)
        assert PLANTED.encode() not in pickled
        assert pickle.loads(pickled).reveal() == "***"


def test_a_copy_in_this_process_is_the_secret_itself(secret):
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"token": secret})["token"] is secret


def test_it_gets_on_the_wire_as_it_is(secret, monkeypatch):
    request = requests.Request("GET", "http://127.0.0.1/", headers={"x-amz-sso_bearer_token": secret}).prepare()
    assert request.headers["x-amz-sso_bearer_token"].encode() == PLANTED.encode()
    assert requests.Request("POST", "http://127.0.0.1/", data=secret).prepare().body == secret
    assert json.dumps(revealed({"token": secret, "of": [secret]})) == json.dumps({"token": PLANTED, "of": [PLANTED]})
    monkeypatch.setenv("PLANTED", secret.reveal())
    assert os.environ["PLANTED"] == PLANTED
    assert type(secret.reveal()) is str
    assert secret.reveal() == PLANTED
    assert secret.encode() == PLANTED.encode()


def test_it_equals_what_has_its_real_characters(secret):
    assert secret == PLANTED
    assert PLANTED == secret  # noqa: SIM300 - the other way round
    assert secret == Secret(PLANTED)
    assert hash(secret) == hash(PLANTED)
    assert secret in {PLANTED, ""}
    assert secret != Secret(PLANTED + "x")
    assert not secret != Secret(PLANTED)  # noqa: SIM202 - str has a != of its own
    assert secret != "***"
    assert secret != 1
    assert Secret("\ud800") == "\ud800"


def test_an_empty_secret_is_false_as_an_empty_text_is():
    assert not Secret("")
    assert Secret("").reveal() == ""
    assert Secret("x")


def test_a_secret_of_a_secret_is_the_same_one(secret):
    assert Secret(secret) is secret
    assert Secret(secret).reveal() == PLANTED


def test_a_dictionary_to_be_handed_on_is_real_and_not_shown():
    made = Unshown(AWS_SESSION_TOKEN=PLANTED)
    shown = [repr(made), str(made), f"{made}", repr([made]), pretty(made), pretty({"environment": made})]
    assert not [text for text in shown if PLANTED in text]
    assert "AWS_SESSION_TOKEN" in repr(made)
    assert {**made} == {"AWS_SESSION_TOKEN": PLANTED}
    assert pickle.loads(pickle.dumps(made)) == made
