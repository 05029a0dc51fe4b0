"""A session that ends before its token expires: the token counts as none, in every kernel, until a new one arrives."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.doctor.report import examine
from sso_magic.errors import SignInRequired
from sso_magic.local import Fault
from sso_magic.magics.status import status
from sso_magic.signin import refusals

ENDED = "The sign-in to corp has ended. Run %sso_login corp"
ENDED_LINE = "The sign-in to corp has ended: the portal refuses its access token. Run %sso_login corp"


@pytest.fixture
def corp(center, prompt) -> IdentityCenter:
    """Signed in to corp by device code, with a refresh token."""
    found = IdentityCenter("corp")
    center.auto_approve = True
    found.sign_in(force=True, method="device", prompt=prompt)
    center.requests.clear()
    return found


def rewrite(**changes) -> dict:
    """Change the token file as time or another program would; returns its content before."""
    path = cache.token_path("corp")
    content = json.loads(path.read_text())
    cache.write(path, content | changes)
    return content


def said(run) -> str:
    with pytest.raises(SignInRequired) as caught:
        run()
    return str(caught.value)


@pytest.fixture(params=["signed in by us", "a token without a refresh token"])
def ended(request, corp, center) -> IdentityCenter:
    """The administrator has ended the session; the token file says that the token is valid for an hour."""
    if request.param != "signed in by us":
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        content = rewrite()
        kept = {name: content[name] for name in ("startUrl", "region")}
        kept |= {"accessToken": center.access_token(), "expiresAt": cache.format_timestamp(soon)}
        cache.write(cache.token_path("corp"), kept)
    center.end_session()
    return corp


@pytest.mark.parametrize(
    "call",
    [
        lambda corp: corp.inventory(refresh=True),
        lambda corp: corp.accounts(),
        lambda corp: corp.role("111111111111", "ReadOnly").credentials(),
        lambda corp: list(corp.iter_inventory(refresh=True)),
    ],
)
def test_a_refused_token_counts_as_none_for_every_call_and_every_object(ended, center, call):
    before = cache.token_path("corp").read_text()
    assert said(lambda: call(ended)) == ENDED
    center.requests.clear()
    for other in (ended, IdentityCenter("corp")):
        assert said(lambda other=other: call(other)) == ENDED
        assert not other.tokens.is_usable()
        assert other.sign_in_line() == ENDED_LINE
    assert center.requests.total() == 0
    assert cache.token_path("corp").read_text() == before, "the file that the AWS CLI shares was changed"


def test_status_and_doctor_say_that_the_session_has_ended(ended):
    said(ended.accounts)
    (session,) = status().sessions
    assert session.words() == "has ended: the portal refuses its access token"
    report = repr(examine())
    assert "The sign-in has ended: the portal refuses its access token." in report
    assert "Signed in." not in report


def test_another_kernel_sees_it(ended, center):
    said(ended.accounts)
    center.requests.clear()
    code = "from sso_magic import IdentityCenter\nprint(IdentityCenter('corp').sign_in_line())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ENDED_LINE


def test_login_asks_and_everything_works_afterwards(ended, center, shell, capsys):
    said(lambda: shell.run_line_magic("sso_inventory", "--refresh"))
    capsys.readouterr()
    shell.run_line_magic("sso_login", "--device")
    assert "Signed in to corp until" in capsys.readouterr().out
    assert center.requests.total("StartDeviceAuthorization") == 1
    assert len(shell.run_line_magic("sso_inventory", "--refresh")) > 5
    assert IdentityCenter("corp").tokens.is_valid()


def test_a_new_token_from_another_program_counts_at_once(ended, center):
    said(ended.accounts)
    rewrite(accessToken=center.access_token())
    assert len(ended.accounts()) > 5


def test_a_refused_token_that_can_be_refreshed_is_refreshed(corp, center):
    center.revoke()
    assert len(corp.accounts()) > 5
    assert not refusals.path(corp.session).exists()


def test_no_network_while_the_refused_token_is_refreshed_marks_nothing(corp, center):
    center.revoke()
    center.faults.append(Fault("CreateToken", kind="reset"))
    with pytest.raises(OSError, match="reset by peer"):
        corp.accounts()
    center.faults = []
    assert len(corp.accounts()) > 5


def test_what_is_kept_of_a_refused_token_is_no_secret(ended):
    content = rewrite()
    said(ended.accounts)
    path = refusals.path(ended.session)
    kept = path.read_text()
    assert len(kept) > 64
    assert not any(content.get(name, "x" * 99) in kept for name in ("accessToken", "refreshToken", "clientSecret"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_dead_refresh_token_is_not_offered_as_a_renewal(corp, center):
    rewrite(expiresAt=cache.format_timestamp(datetime.now(timezone.utc) - timedelta(seconds=10)))
    center.end_session()
    said(corp.accounts)
    (session,) = status().sessions
    assert session.words() == "has ended"
    assert "Signed in." not in repr(examine())
    center.requests.clear()
    said(IdentityCenter("corp").accounts)
    assert center.requests.total() == 0


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"startUrl": "https://old.awsapps.com/start"}, "the stored token is for https://old.awsapps.com/start"),
        ({"region": "us-east-2"}, "the stored token is for the region us-east-2"),
    ],
)
def test_a_token_of_another_start_url_or_region_counts_as_none(corp, center, edit, why):
    rewrite(**edit)
    message = f"The sign-in to corp has ended: {why}. Run %sso_login corp"
    assert said(corp.accounts) == message == corp.sign_in_line()
    assert center.requests.total() == 0, "the token went to a portal that it is not for"
    assert status().sessions[0].words() == f"has ended: {why}"
    assert corp.sign_out() is True
    assert not cache.token_path("corp").exists()


def test_a_start_url_written_in_another_way_is_the_same(corp, center):
    rewrite(startUrl=f"{center.start_url}/#/")
    assert len(corp.accounts()) > 5


def test_a_region_corrected_later_makes_the_token_valid_again(corp, center):
    said_of = IdentityCenter(start_url=center.start_url).session
    assert said_of.name == "corp"
    token = corp.tokens.peek()
    wrong = type(corp.session)("corp", center.start_url, "us-west-2", corp.session.scopes)
    refusals.remember(wrong, token.access_token)
    assert not refusals.is_refused(corp.session, token.access_token)


def test_sign_out_removes_what_is_kept_of_refused_tokens(ended):
    said(ended.accounts)
    assert refusals.path(ended.session).exists()
    ended.sign_out()
    assert not refusals.path(ended.session).exists()
