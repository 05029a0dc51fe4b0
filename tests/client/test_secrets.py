"""A planted token or key is looked for wherever a client could show it: repr, log, pickle, traceback."""

from __future__ import annotations

import copy
import http.client
import pickle

import pytest

from sso_magic.common.secret import Secret
from sso_magic.errors import SSOMagicError
from sso_magic.portal import ListAccountsCommand

PLANTED = "aoaPLANTEDsecret"
EVERY_SECRET = {
    "accessToken": PLANTED + "1",
    "tokenType": "Bearer",
    "expiresIn": 3600,
    "refreshToken": PLANTED + "2",
    "idToken": PLANTED + "3",
    "clientId": "CID",
    "clientSecret": PLANTED + "4",
    "clientIdIssuedAt": 1,
    "clientSecretExpiresAt": 2,
    "deviceCode": PLANTED + "5",
    "userCode": "ABCD-EFGH",
    "verificationUri": "https://x",
    "verificationUriComplete": "https://x?user_code=ABCD-EFGH",
    "roleCredentials": {
        "accessKeyId": "ASIA1",
        "secretAccessKey": PLANTED + "6",
        "sessionToken": PLANTED + "7",
        "expiration": 1,
    },
}


@pytest.fixture
def outputs(sso, oidc, service):
    """An output of each operation that answers a secret, all of them planted."""
    service.plan(service.answer(EVERY_SECRET))
    return [
        sso.get_role_credentials(access_token=PLANTED, account_id="1", role_name="r"),
        oidc.register_client(client_name="n"),
        oidc.start_device_authorization(client_id="c", client_secret=PLANTED, start_url="https://x"),
        oidc.create_token(
            client_id="c",
            client_secret=PLANTED,
            grant_type="refresh_token",
            refresh_token=PLANTED,
            device_code=PLANTED,
            code=PLANTED,
            code_verifier=PLANTED,
        ),
    ]


def test_no_output_shows_one(outputs):
    for output in outputs:
        for shown in (repr(output), str(output), f"{output}", repr(vars(type(output))), repr(copy.deepcopy(output))):
            assert "PLANTED" not in shown


def test_no_pickle_carries_one(outputs):
    for output in outputs:
        assert b"PLANTED" not in pickle.dumps(output)


def test_a_commands_secret_hides_from_the_moment_it_is_made():
    command = ListAccountsCommand(access_token=PLANTED)
    assert "PLANTED" not in repr(command)
    assert b"PLANTED" not in pickle.dumps(command)
    assert command.access_token == PLANTED


@pytest.fixture
def secret():
    return Secret(PLANTED)


def verbose(error):
    """What IPython prints under ``%xmode Verbose`` for an error that is not ours: every local of every frame."""
    import IPython
    from IPython.core.ultratb import VerboseTB

    plain = {"theme_name": "nocolor"} if IPython.version_info >= (9,) else {"color_scheme": "NoColor"}
    return VerboseTB(**plain).text(type(error), error, error.__traceback__)


def wrapped(call):
    """The error of a call as the cause of one of somebody else's, whose traceback IPython prints in full."""
    try:
        try:
            call()
        except SSOMagicError as error:
            raise RuntimeError("mine") from error
    except RuntimeError as error:
        return error
    raise AssertionError("nothing went wrong")


@pytest.mark.parametrize(
    "answer",
    [
        {"raw": b""},
        {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"},
        {"status": 401, "body": {"message": f"token {PLANTED} unknown"}},
        {"status": 500, "body": f"<html>{PLANTED}</html>"},
        {"status": 200, "body": f"not json {PLANTED}"},
        {"status": 200, "body": {**EVERY_SECRET, "expiresIn": "soon"}},
    ],
    ids=["no answer", "half an answer", "refused", "failed", "no json", "wrong type"],
)
def test_a_verbose_traceback_shows_none_even_of_an_error_that_wraps_ours(oidc, service, secret, answer):
    service.plan(service.answer(**answer))
    text = verbose(
        wrapped(
            lambda: oidc.create_token(
                client_id="c", client_secret=secret, grant_type="refresh_token", refresh_token=secret
            )
        )
    )
    assert "RuntimeError: mine" in text
    assert "args = HandlerArguments(input=CreateTokenCommand(" in text
    assert PLANTED not in text


def test_an_interrupted_call_shows_none_in_a_verbose_traceback(oidc, secret, monkeypatch):
    def interrupt(self, message_body=None, encode_chunked=False):  # noqa: FBT002 - http.client's signature
        on_its_way = b"\r\n".join(self._buffer)
        raise KeyboardInterrupt(len(on_its_way))

    monkeypatch.setattr(http.client.HTTPConnection, "_send_output", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        oidc.create_token(client_id="c", client_secret=secret, grant_type="refresh_token")
    text = verbose(caught.value)
    assert "args = HandlerArguments(input=CreateTokenCommand(" in text
    assert PLANTED not in text
