"""The access token: refreshed in time, once for all who ask, never lost because a refresh failed."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
import time_machine

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.errors import DeserializationError, SignInRequired
from sso_magic.local import Fault
from sso_magic.signin import access_token as provider
from sso_magic.signin import marks, tokens

ENDED_AT = r"The sign-in to corp ended at (\S+ )?\d\d:\d\d \S+\. Run %sso_login corp"


@pytest.fixture
def corp(center, prompt) -> IdentityCenter:
    """Signed in to corp by device code, with a refresh token."""
    found = IdentityCenter("corp")
    center.auto_approve = True
    found.sign_in(force=True, method="device", prompt=prompt)
    center.requests.clear()
    return found


def rewrite(corp, **changes):
    """Changes the token's file, as time or another program would."""
    path = cache.token_path("corp")
    content = json.loads(path.read_text())
    cache.write(path, content | changes)
    return content


def ends_in(seconds: float) -> str:
    return cache.format_timestamp(datetime.now(timezone.utc) + timedelta(seconds=seconds))


def test_the_file_is_the_aws_clis(corp, center):
    content = json.loads(cache.token_path("corp").read_text())
    assert list(content) == [
        "startUrl",
        "region",
        "accessToken",
        "expiresAt",
        "clientId",
        "clientSecret",
        "registrationExpiresAt",
        "refreshToken",
    ]
    assert (content["startUrl"], content["region"]) == (center.start_url, center.region)


def test_a_token_that_holds_is_used_as_it_is(corp, center):
    assert corp.tokens.get() == json.loads(cache.token_path("corp").read_text())["accessToken"]
    assert center.requests.total() == 0


def test_a_token_near_its_end_is_refreshed_and_written(corp, center):
    old = rewrite(corp, expiresAt=ends_in(299), theirs={"kept": True})
    token = corp.tokens.get()
    new = json.loads(cache.token_path("corp").read_text())
    assert token == new["accessToken"] != old["accessToken"]
    assert new["theirs"] == {"kept": True}
    assert center.requests.total("CreateToken") == 1


def test_a_token_with_more_than_five_minutes_is_not_refreshed(corp, center):
    rewrite(corp, expiresAt=ends_in(330))
    corp.tokens.get()
    assert center.requests.total() == 0


def test_the_refresh_token_stays_where_none_is_returned():
    now = datetime.now(timezone.utc)
    old = tokens.Token(Secret("a"), now, refresh_token=Secret("r"))
    assert old.refreshed(Secret("b"), 3600, None, now).refresh_token == "r"
    assert old.refreshed(Secret("b"), 3600, Secret("s"), now).refresh_token == "s"


def test_a_valid_token_survives_a_refresh_that_fails(corp, center):
    old = rewrite(corp, expiresAt=ends_in(60))
    center.faults.append(Fault("CreateToken", status=400, error="InvalidGrantException"))
    assert corp.tokens.get() == old["accessToken"]
    assert corp.tokens.get() == old["accessToken"]
    assert center.requests.total("CreateToken") == 1, "the second try came before 30 s had passed"


def test_an_ended_token_that_cannot_be_refreshed_says_why(corp, center):
    rewrite(corp, expiresAt=ends_in(-10))
    center.end_session()
    with pytest.raises(SignInRequired, match=ENDED_AT):
        corp.tokens.get()


UNSENDABLE = json.dumps({"accessToken": "aoa\x1f", "tokenType": "Bearer", "expiresIn": 3600})
NO_TOKEN = "The service gave no access token. Try again. If it persists, contact your AWS administrator."


def test_a_refresh_that_gives_what_no_header_can_hold_is_none(corp, center):
    rewrite(corp, expiresAt=ends_in(-10))
    center.faults.append(Fault("CreateToken", body=UNSENDABLE))
    with pytest.raises(SignInRequired) as caught:
        corp.tokens.get()
    assert str(caught.value) == f"The sign-in to corp could not be refreshed ({NO_TOKEN}). Run %sso_login corp"


def test_a_sign_in_that_gives_what_no_header_can_hold_is_none(center, prompt):
    center.faults.append(Fault("CreateToken", body=UNSENDABLE))
    with pytest.raises(DeserializationError) as caught:
        IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert str(caught.value) == NO_TOKEN
    assert not cache.token_path("corp").exists()


def test_a_registration_that_has_ended_cannot_refresh(corp, center):
    rewrite(corp, expiresAt=ends_in(-10), registrationExpiresAt=ends_in(-1))
    with pytest.raises(SignInRequired, match=ENDED_AT):
        corp.tokens.get()
    assert center.requests.total() == 0


def test_a_refused_token_is_refreshed_once_and_the_call_goes_through(corp, center):
    center.revoke()
    assert len(corp.accounts()) > 5
    assert center.requests.total("CreateToken") == 1


def test_a_portal_that_refuses_the_refreshed_token_too_asks_for_a_sign_in(corp, center):
    center.faults.append(Fault("GetRoleCredentials", status=401))
    with pytest.raises(SignInRequired) as caught:
        corp.role("payments-dev", "ReadOnly").credentials()
    assert str(caught.value) == "corp refuses the access token. Run %sso_login corp"
    assert center.requests.total("CreateToken") == 1
    assert center.requests.total("GetRoleCredentials") == 2


def test_a_token_another_kernel_got_is_taken_without_a_refresh(corp, center):
    old = corp.tokens.get()
    rewrite(corp, accessToken=center.access_token())
    center.revoke(old.reveal())
    assert len(corp.accounts()) > 5
    assert center.requests.total("CreateToken") == 0


def test_a_sign_out_elsewhere_is_seen_at_the_next_call(corp):
    IdentityCenter("corp").sign_out()
    with pytest.raises(SignInRequired, match=r"Not signed in to corp\. Run %sso_login corp"):
        corp.accounts()


def test_a_sign_out_elsewhere_in_the_moment_of_the_sign_in_is_told(center, prompt, monkeypatch):
    center.auto_approve = True
    other = IdentityCenter("corp")
    monkeypatch.setattr(prompt, "close", lambda _: other.sign_out())
    with pytest.raises(SignInRequired) as caught:
        IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    assert str(caught.value) == "Not signed in to corp. Run %sso_login corp"


def test_who_is_signed_in_can_be_asked_before_anybody_is(center):
    assert IdentityCenter("corp").sign_in_line() == "Not signed in to corp."


def test_many_threads_make_one_refresh(corp, center):
    rewrite(corp, expiresAt=ends_in(-10))
    got = []
    threads = [threading.Thread(target=lambda: got.append(corp.tokens.get())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert len(got) == 10
    assert center.requests.total("CreateToken") == 1


def test_lifetimes_of_seconds_go_on(corp, center):
    center.access_token_lifetime = 5
    rewrite(corp, expiresAt=ends_in(-10))
    first = corp.tokens.get()
    center.advance(6)
    rewrite(corp, expiresAt=ends_in(-1))
    assert corp.tokens.get() != first


def test_a_refused_registration_is_made_anew(corp, center, prompt):
    path = next(
        path
        for path, content in cache.scan(cache.sso_directory())
        if "clientId" in content and "startUrl" not in content
    )
    stale = json.loads(path.read_text())
    center.reset()
    center.auto_approve = True
    corp.sign_in(force=True, method="device", prompt=prompt)
    assert center.requests.total("RegisterClient") == 1
    assert json.loads(path.read_text())["clientId"] != stale["clientId"]


def test_a_registration_is_used_again(corp, center, prompt):
    corp.sign_in(force=True, method="device", prompt=prompt)
    assert center.requests.total("RegisterClient") == 0


def test_the_gap_between_failed_refreshes_is_the_decided_one():
    assert (provider.REFRESH_WINDOW, provider.RETRY_GAP) == (300, 30)


def test_tokens_of_ten_seconds_are_refreshed_about_twenty_times_in_150_seconds(corp, center):
    center.access_token_lifetime = 10
    rewrite(corp, expiresAt=ends_in(-1))
    began = datetime.now(timezone.utc)
    with time_machine.travel(began, tick=False) as now:
        for _ in range(3000):
            corp.tokens.get()
            now.shift(0.05)
    assert 18 <= center.requests.total("CreateToken") <= 22


def test_a_failed_refresh_of_a_token_of_ten_seconds_is_repeated_before_the_token_expires(corp, center, monkeypatch):
    center.access_token_lifetime = 10
    rewrite(corp, expiresAt=ends_in(-1))
    corp.tokens.get()
    clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr(provider, "time", clock)
    center.faults = [Fault("CreateToken", status=403, error="ForbiddenException", times=1)]
    center.requests.clear()
    with time_machine.travel(datetime.now(timezone.utc) + timedelta(seconds=8)):
        corp.tokens.get()
        corp.tokens.get()
        assert center.requests.total("CreateToken") == 1
        clock.monotonic = lambda: 1000.3
        corp.tokens.get()
    assert center.requests.total("CreateToken") == 2


def test_a_service_that_does_not_say_how_long_a_token_lasts_is_asked_as_before(corp, center):
    corp.tokens._lifetime = 0.0
    assert corp.tokens._refresh_window > 0


def test_a_process_remembers_the_marks_of_the_last_tokens_only(corp, center):
    center.access_token_lifetime = 1000
    for _ in range(5):
        marks.refreshed(corp.session, corp.tokens.peek(), corp.tokens.peek())
    session = corp.session
    for number in range(marks._MOST + 10):
        marks._remember(session, f"digest-{number}", marks.Mark("id", 0.0))
    assert len(marks._here) == marks._MOST
    assert (session.key, f"digest-{marks._MOST + 9}") in marks._here
