"""Credentials that expire on their way to a Dask worker."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import time_machine

from sso_magic.common.secret import Secret
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.dask_cluster.worker import SentRole


def sent(seconds: float) -> Credentials:
    keys = [Secret(f"{name}-{seconds}-0123456789") for name in ("ASIA", "secret", "token")]
    end = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return Credentials("731659028443", "payments-prod", "ReadOnly", *keys, end)


def test_a_worker_takes_no_credentials_that_have_expired_on_their_way():
    role, late, good = SentRole(sent(3600)), sent(7200), sent(7300)
    with time_machine.travel(late.expires_at + timedelta(seconds=1)):
        role.receive(late)
        assert role.latest is not late
        role.receive(good)
        assert role.get() is good
