"""Cache files, of any bytes: read as what is asked for or as nothing, and what is read can be shown and used."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import dateutil.parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import MOMENTS, TEXTS, check_error, check_shown, contents, examples, outcome_of

from sso_magic.client.signout import forget_locally, remove_role_credentials
from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.credentials import role_credentials as credentials
from sso_magic.errors import ConnectError, SignInRequired
from sso_magic.inventory import Inventory, find_account, search_frame
from sso_magic.magics.status import status
from sso_magic.signin import registration, tokens
from sso_magic.signin.access_token import TokenProvider
from sso_magic.signin.marks import Mark
from sso_magic.signin.sessions import Session

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://corp.awsapps.com/start"
CORP = Session("corp", URL, "eu-west-1", ("sso:account:access",))
LEGACY = Session(None, URL, "eu-west-1")
ROLE = ("111111111111", "prod", "Admin")

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))

TOKEN = {
    "startUrl": URL,
    "region": "eu-west-1",
    "accessToken": "aoaPLANTED",
    "expiresAt": "2030-01-01T00:00:00Z",
    "clientId": "id",
    "clientSecret": "shh",
    "registrationExpiresAt": "2030-01-01T00:00:00Z",
    "refreshToken": "aorPLANTED",
    "idToken": None,
}
REGISTRATION = {
    "clientId": "id",
    "clientSecret": "shh",
    "expiresAt": "2999-01-01T00:00:00Z",
    "scopes": ["sso:account:access"],
    "grantTypes": ["authorization_code", "refresh_token"],
}
KEYS = {
    "ProviderType": "sso",
    "Credentials": {
        "AccessKeyId": "ASIAPLANTED",
        "SecretAccessKey": "shh",
        "SessionToken": "tokPLANTED",
        "Expiration": "2999-01-01T00:00:00Z",
        "AccountId": "111111111111",
    },
    "SsoMagic": {"sessionName": "corp", "startUrl": URL, "roleName": "Admin"},
}
PART = {
    "started_at": "2026-01-01T00:00:00Z",
    "listed": True,
    "next_token": None,
    "sorted": True,
    "role_names": ["Admin", "ReadOnly"],
    "combinations": [[0], [0, 1]],
    "account_ids": ["111111111111", "222222222222", "333333333333"],
    "account_names": ["prod", None, "größe"],
    "email_addresses": ["a@example.com", None, None],
    "roles": [0, 1, None],
    "errors": {"333333333333": "no answer"},
}
INVENTORY = {
    "version": 1,
    "key": "corp",
    "whole": PART,
    "since": PART,
    "unfinished": {**PART, "listed": False, "next_token": "more"},
    "changes": json.dumps([["added", "111111111111", "prod", "Admin"]]),
}


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def unreachable():
    """The sign-in service, which a token that has ended may be refreshed at."""
    raise ConnectError("The network is away.")


@examples(40)
@given(contents(TOKEN))
@example(json.dumps({**TOKEN, "expiresAt": "9999-12-31T23:59:59Z"}).encode())
@example(json.dumps({**TOKEN, "expiresAt": "0001-01-01T00:00:00Z", "registrationExpiresAt": "9999-12-31"}).encode())
@example(json.dumps({**TOKEN, "startUrl": "https://\ud800"}).encode())
@example(json.dumps({**TOKEN, "accessToken": "a\nb"}).encode())
def test_a_token_file_holds_a_token_that_can_be_used_or_none(far_east, content):
    for session in (CORP, LEGACY):
        put(cache.token_path(session.key), content)
        provider = TokenProvider(session, oidc=unreachable, portal=unreachable)
        token = tokens.load(session)
        assert provider.peek() == token
        check_shown(status(), *status()._repr_mimebundle_().values(), token)
        if token is None:
            assert not provider.is_usable()
            continue
        assert type(token.access_token) is Secret
        assert token.access_token.isascii()
        assert token.access_token.isprintable()
        assert "PLANTED" not in repr(token)
        assert abs(token.seconds_left(tokens.utc_now())) < 60 * 60 * 24 * 366 * 1000
        got = outcome_of(provider.get, refusal=(SignInRequired, ConnectError))
        if isinstance(got, (SignInRequired, ConnectError)):
            assert token.seconds_left(tokens.utc_now()) <= 0
            check_error(got, "PLANTED")
        else:
            assert got == token.access_token
        tokens.save(session, token)
        again = tokens.load(session)
        assert again.expires_at == token.expires_at.replace(microsecond=0)
        assert again.other == token.other
        written = json.loads(cache.token_path(session.key).read_text(encoding="utf-8"))
        assert dateutil.parser.parse(written["expiresAt"]) == again.expires_at  # as botocore reads it


@given(TEXTS | st.text(st.sampled_from('\ud83d\ude00\\u"a'), max_size=8))
def test_half_a_character_becomes_one_that_can_be_written(text):
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert cache.from_json(json.dumps([text])) == [whole]
    assert cache.from_json(json.dumps([whole]).encode()) == [whole]


@examples(40)
@given(contents(REGISTRATION))
@example(json.dumps({**REGISTRATION, "expiresAt": "9999-12-31T23:59:59-23:59"}).encode())
@example(json.dumps({**REGISTRATION, "grantTypes": [{}]}).encode())
@example(json.dumps({**REGISTRATION, "clientId": 5}).encode())
def test_a_registration_file_holds_a_registration_that_still_holds_or_none(content):
    put(registration.path(CORP), content)
    now = datetime.now(timezone.utc)
    found = [registration.load(CORP, now, grant_types=grants) for grants in ((), ("authorization_code",))]
    assert None in found
    for one in filter(None, found):
        assert isinstance(one.client_id, str)
        assert type(one.client_secret) is Secret
        assert one.expires_at - now >= registration.MARGIN
        check_shown(one, one.client_id)


@examples(40)
@given(contents(KEYS))
@example(json.dumps({**KEYS, "Credentials": {**KEYS["Credentials"], "Expiration": "9999-12-31T23:59:59Z"}}).encode())
@example(json.dumps({**KEYS, "Credentials": {**KEYS["Credentials"], "SessionToken": "a\x00b"}}).encode())
@example(json.dumps({**KEYS, "SsoMagic": {"roleName": "\ud800"}}).encode())
def test_a_role_file_holds_keys_for_the_environment_or_none(far_east, content):
    path = cache.role_path(account_id=ROLE[0], role_name=ROLE[2], session_name=CORP.name, start_url=URL)
    put(path, content)
    sign_in = Mark("of a test", 0.0)
    keys = credentials.load(CORP, *ROLE, sign_in)
    if keys is not None:
        environment = keys.environment()
        assert environment["AWS_ACCOUNT_ID"] == ROLE[0]
        assert all(value.isascii() and value.isprintable() for value in environment.values())
        assert keys.seconds_left() >= credentials.WINDOW
        assert "PLANTED" not in repr(keys)
        credentials.store(CORP, keys, lambda: sign_in)
        assert credentials.load(CORP, *ROLE, sign_in) == keys or keys.expires_at.microsecond
    remove_role_credentials(session_name="corp", start_url=URL)
    left = cache.read(path)
    assert left is None or left.get("ProviderType") != "sso" or left["SsoMagic"].get("sessionName") != "corp"


@examples(25)
@given(contents(TOKEN), contents(KEYS))
def test_signing_out_removes_the_token_and_stumbles_over_no_file(token, keys):
    put(cache.token_path("other"), token)
    put(cache.role_directory() / "some.json", keys)
    put(cache.token_path("corp"), json.dumps({**TOKEN, "accessToken": "aoaMINE"}).encode())
    forget_locally(Secret("aoaMINE"))
    assert not cache.token_path("corp").exists()


@examples(40)
@given(contents(INVENTORY))
@example(json.dumps({**INVENTORY, "changes": json.dumps([["added", "\ud800", None, None]])}).encode())
@example(json.dumps({**INVENTORY, "whole": {**PART, "account_names": ["\ud800", None, None]}}).encode())
@example(json.dumps({**INVENTORY, "whole": {**PART, "errors": ["111111111111"]}}).encode())
@example(json.dumps({**INVENTORY, "whole": {**PART, "started_at": "0001-01-01T00:00:00+23:59"}}).encode())
def test_an_inventory_file_holds_an_inventory_or_none(content):
    def inventory() -> Inventory:
        return Inventory(key="corp", client=unreachable, access_token=unreachable, reauthenticate=unreachable)

    known = inventory()
    put(known._store.path, content)
    snapshot = known.cached()
    changes = known.changes()
    assert set(changes.columns) == {"change", "account_id", "account_name", "role_name"}
    assert isinstance(known.is_stale, bool)
    if snapshot is None:
        assert known.cached_accounts() is None
        return
    frame = search_frame(snapshot, "a")
    assert len(snapshot.frame()) == sum(map(len, snapshot.roles.values()))
    assert len(frame) <= len(snapshot.frame())
    for account in snapshot.accounts:
        check_shown(account.label, known.cached_roles(account.account_id))
    if snapshot.accounts:
        find_account(snapshot.accounts[:1], snapshot.accounts[0].account_id)
    check_shown(frame.to_string(), changes.to_html(), snapshot.accounts_frame().to_csv(), known.partial())
    known._store.update(lambda stored: stored)
    assert inventory().cached() == snapshot


@pytest.mark.parametrize(
    "seconds",
    [0, -1, 3600, 10**9, -(10**9), 10**30, -(10**30), 10**4000],
    ids=lambda seconds: f"{len(str(seconds))}-digits",
)
def test_a_lifetime_of_any_length_ends_at_a_moment_that_can_be_said(far_east, seconds):
    now = datetime.now(timezone.utc)
    moment = cache.seconds_after(now, seconds)
    assert cache.EARLIEST <= moment <= cache.LATEST
    assert abs(seconds) > 10**8 or moment == now + timedelta(seconds=seconds)
    check_shown(f"{moment.astimezone():%Y-%m-%d %H:%M:%S}")


@given(MOMENTS | st.datetimes(timezones=OFFSETS).map(str) | st.text("0123456789-:.+TZ ", max_size=30))
def test_a_moment_that_is_read_can_be_said_and_written(text):
    moment = cache.parse_timestamp(text)
    assert moment is None or cache.parse_timestamp(cache.format_timestamp(moment)) == moment.replace(microsecond=0)
