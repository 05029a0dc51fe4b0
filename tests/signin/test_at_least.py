"""A sign-in that has to last for a run, and what a run without a person says when it has ended."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import IdentityCenter
from sso_magic.__main__ import main
from sso_magic.common import cache, times
from sso_magic.errors import ParamValidationError, SignInError, SignInRequired
from sso_magic.local import Fault

SOON = r"until (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC \(\d+ (min|s)\)"


@pytest.fixture
def corp(center, prompt, monkeypatch) -> IdentityCenter:
    """Signed in to corp for an hour, and refreshable."""
    monkeypatch.setenv("TZ", "UTC")
    found = IdentityCenter("corp")
    center.auto_approve = True
    found.sign_in(force=True, method="device", prompt=prompt)
    center.requests.clear()
    return found


def rewrite(**changes) -> None:
    """Change the token file as time or another program would."""
    path = cache.token_path("corp")
    content = json.loads(path.read_text())
    cache.write(path, content | changes)


def in_(**duration) -> str:
    return cache.format_timestamp(datetime.now(timezone.utc) + timedelta(**duration))


@pytest.mark.parametrize("at_least", ["30m", "6h", timedelta(hours=6), "2 days"])
def test_a_sign_in_that_lasts_or_can_be_refreshed_is_used(corp, center, at_least):
    corp.sign_in(at_least=at_least)
    assert center.requests.total() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"refreshToken": ""},
        {"registrationExpiresAt": in_(hours=2)},
    ],
)
def test_one_that_cannot_is_signed_in_again(corp, center, prompt, changes):
    rewrite(**changes)
    corp.sign_in(at_least="6h", method="device", prompt=prompt)
    assert center.requests.total("StartDeviceAuthorization") == 1
    assert corp.tokens.peek().can_refresh(datetime.now(timezone.utc))


def test_a_run_without_a_person_fails_before_it_begins(corp, monkeypatch):
    rewrite(refreshToken="")
    monkeypatch.setattr("sso_magic.center.sign_in.is_loopback", lambda host: False)
    with pytest.raises(SignInRequired) as caught:
        corp.sign_in(at_least="6h", interactive=False)
    assert re.fullmatch(
        f"The sign-in to corp lasts {SOON} only, and this run is not interactive. Run sso-magic login corp in a "
        "terminal first, or sign in from a notebook.",
        str(caught.value),
    )


def test_a_run_without_a_person_cannot_force_a_new_sign_in(corp, monkeypatch):
    monkeypatch.setattr("sso_magic.center.sign_in.is_loopback", lambda host: False)
    with pytest.raises(SignInRequired) as caught:
        corp.sign_in(force=True, interactive=False)
    assert str(caught.value) == (
        "A new sign-in to corp needs a person, and this run is not interactive. Run sso-magic login corp in a terminal "
        "first, or sign in from a notebook."
    )


def test_a_new_sign_in_that_is_too_short_says_so(corp, center, prompt, clean_environment):
    config = clean_environment / ".aws" / "config"
    config.write_text(f"[profile old]\nsso_start_url = {center.start_url}\nsso_region = {center.region}\n")
    center.access_token_lifetime = center.session_lifetime = 3600
    with pytest.raises(SignInError) as caught:
        IdentityCenter("old").sign_in(at_least="6h", method="device", prompt=prompt)
    text = str(caught.value)
    assert re.match(rf"The sign-in to \S+ lasts {SOON} and cannot be refreshed that long: 6 h 00 min were", text), text
    assert text.endswith("Ask your AWS administrator for a longer session.")


@pytest.mark.parametrize("text", ["", "6", "h", "six hours", "-6h", "0h", "6h later", "9" * 400 + "d"])
def test_a_duration_that_is_none_is_refused(corp, center, text):
    with pytest.raises(ParamValidationError) as caught:
        corp.sign_in(at_least=text)
    why = "is too long" if text.endswith("d") else "is not a duration such as 6h or 90m"
    assert str(caught.value) == f"at_least: {text!r} {why}."
    assert center.requests.total() == 0


@pytest.mark.parametrize(
    ("text", "hours"), [("6h", 6), ("90m", 1.5), ("90 min", 1.5), ("1h30m", 1.5), ("1.5 hours", 1.5), ("2 days", 48)]
)
def test_durations(text, hours):
    assert times.duration(text) == timedelta(hours=hours)


def test_the_magic_and_the_command_ask_again(corp, center, shell, capsys, person):
    shell.run_line_magic("sso_login", "corp --at-least 6h")
    assert main(["login", "corp", "--at-least", "6h"]) == 0
    assert center.requests.total() == 0
    for run in (
        lambda: shell.run_line_magic("sso_login", "corp --device --at-least 6h"),
        lambda: main(["login", "corp", "--device", "--at-least", "6h"]),
    ):
        rewrite(refreshToken="")
        run()
    assert center.requests.total("StartDeviceAuthorization") == 2


def test_a_token_that_ended_says_when(corp, monkeypatch):
    rewrite(expiresAt="2026-01-02T03:04:05Z", refreshToken="")
    with pytest.raises(SignInRequired) as caught:
        corp.tokens.get()
    assert str(caught.value) == "The sign-in to corp ended at 2026-01-02 03:04 UTC. Run %sso_login corp"
    monkeypatch.setattr("sso_magic.center.sign_in.is_loopback", lambda host: False)
    with pytest.raises(SignInRequired) as caught:
        corp.sign_in(interactive=False)
    assert str(caught.value).startswith("The sign-in to corp ended at 2026-01-02 03:04 UTC, and this run is not")


def test_a_session_that_ended_says_when_instead_of_the_services_error(corp, center):
    rewrite(expiresAt="2026-01-02T03:04:05Z")
    center.faults.append(Fault("CreateToken", status=400, error="InvalidGrantException"))
    with pytest.raises(SignInRequired) as caught:
        corp.tokens.get()
    assert str(caught.value) == "The sign-in to corp ended at 2026-01-02 03:04 UTC. Run %sso_login corp"


@pytest.mark.parametrize(
    ("zone", "shown"), [("UTC", "UTC"), ("Europe/Paris", "CES?T"), ("America/Sao_Paulo", r"UTC-03:00"), ("X", ".+")]
)
def test_a_time_of_day_has_its_zone(monkeypatch, zone, shown):
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert re.fullmatch(rf"(\S+ )?\d\d:\d\d:\d\d {shown}", times.clock(datetime.now(timezone.utc), seconds=True))
    finally:
        monkeypatch.undo()
        time.tzset()
