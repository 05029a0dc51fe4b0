"""Renewal against the local Identity Center while it is down, throttled, signed out of, or takes a role away."""

from __future__ import annotations

import os
import time

import boto3
import pytest

from sso_magic.center.identity_center import IdentityCenter
from sso_magic.local import Fault

LIFETIME = 6  # seconds; they are renewed when four are left


@pytest.fixture
def in_use(kernel, signed_in, monkeypatch):
    """ReadOnly in payments-dev, in use with credentials that last seconds."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    signed_in.role_lifetime = LIFETIME
    center = IdentityCenter("corp")
    center.role("payments-dev", "ReadOnly").use()
    return signed_in


def ends() -> float:
    from sso_magic.kernel.kernel_role import KERNEL

    return KERNEL.current.credentials.expires_at.timestamp()


def caller(client) -> str:
    return client.get_caller_identity()["Account"]


def keep_calling(client, until: float) -> None:
    while time.time() < until:
        assert caller(client) == "220947583614"
        time.sleep(0.2)


def new_keys_arrived(first: str):
    return lambda: os.environ["AWS_ACCESS_KEY_ID"] != first


def test_a_client_goes_on_while_the_portal_is_down_for_a_third_of_the_lifetime(in_use, kernel, until):
    client, first, end = boto3.client("sts"), os.environ["AWS_ACCESS_KEY_ID"], ends()
    in_use.faults = [Fault("GetRoleCredentials", kind="reset")]
    time.sleep(max(0, end - 4 - time.time()) + LIFETIME / 3)  # down from when they are due
    assert caller(client) == "220947583614"
    in_use.faults = []
    until(new_keys_arrived(first))
    keep_calling(client, end + 0.5)
    assert kernel.before_cell() is None


def test_a_client_goes_on_through_throttling(in_use, until):
    client, first, end = boto3.client("sts"), os.environ["AWS_ACCESS_KEY_ID"], ends()
    in_use.faults = [Fault("GetRoleCredentials", times=4, status=429)]
    until(new_keys_arrived(first))
    keep_calling(client, end + 0.5)
    assert in_use.requests.total("GetRoleCredentials") >= 4


def test_a_token_that_is_refused_is_refreshed_and_renewal_goes_on(in_use, until, kernel):
    client, first, end = boto3.client("sts"), os.environ["AWS_ACCESS_KEY_ID"], ends()
    _make_refreshable(in_use)
    in_use.revoke()
    until(new_keys_arrived(first))
    keep_calling(client, end + 0.5)
    assert in_use.requests.total("CreateToken") == 1
    assert kernel.before_cell() is None


def _make_refreshable(center) -> None:
    """The token of a real sign-in, which has what it takes to be refreshed."""
    from datetime import datetime, timedelta, timezone

    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    session = center.sign_in()
    now = datetime.now(timezone.utc)
    registration = session.registration
    token = tokens.Token(
        Secret(center.access_token(session=session)),
        now + timedelta(hours=1),
        refresh_token=Secret(session.refresh_token),
        client_id=registration.client_id,
        client_secret=Secret(registration.client_secret),
        registration_expires_at=now + timedelta(days=1),
    )
    tokens.save(find_session("corp"), token)


def test_a_role_that_is_withdrawn_lasts_to_its_end_and_the_next_cell_says_so(in_use, kernel, until):
    client = boto3.client("sts")
    in_use.faults = [Fault("GetRoleCredentials", status=403, message="No access")]
    until(lambda: kernel.current.role.warning() is not None)
    line = kernel.before_cell()
    assert "payments-dev (220947583614) / ReadOnly is not renewed; its credentials last until" in line
    assert "is refused (403, No access)" in line
    assert caller(client) == "220947583614"
    until(lambda: "ended at" in (kernel.before_cell() or ""))


def test_a_sign_out_elsewhere_lasts_to_its_end_and_a_sign_in_revives_it(in_use, kernel, until, clean_environment):
    client, first = boto3.client("sts"), os.environ["AWS_ACCESS_KEY_ID"]
    cache = next((clean_environment / ".aws" / "sso" / "cache").glob("*.json"))
    token = cache.read_bytes()
    cache.unlink()
    until(lambda: kernel.current.role.warning() is not None)
    assert "%sso_login" in kernel.before_cell()
    assert caller(client) == "220947583614"
    cache.write_bytes(token)
    kernel.retry_now()
    until(new_keys_arrived(first))
    assert kernel.before_cell() is None
    assert caller(client) == "220947583614"
