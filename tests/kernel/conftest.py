"""Roles without a portal: credentials that last as long as a test says, fetched as often as it counts."""

from __future__ import annotations

import itertools
import os
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from sso_magic.common.secret import Secret
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.kernel.kernel_role import KERNEL, KernelRole, Use

if TYPE_CHECKING:
    from collections.abc import Iterator


_numbers = itertools.count(1)


class FakeRole:
    """A role whose credentials are numbered; `failure` is raised instead of the next ones."""

    def __init__(self, account_id: str, name: str, role: str = "ReadOnly", lifetime: float = 3600) -> None:
        self.account_id = account_id
        self.name = name
        self.role_name = role
        self.lifetime = lifetime
        self.failure: Exception | None = None
        self.fetched = 0
        self.issued: list[Credentials] = []
        self.in_the_way = threading.Event()  # what a fetch waits for
        self.in_the_way.set()

    def credentials(self) -> Credentials:
        number = next(_numbers)
        made = Credentials(
            self.account_id,
            self.name,
            self.role_name,
            Secret(f"ASIA{self.name.upper()}{os.getpid():08}{number:08}"),  # of this process alone
            Secret(f"secret-{self.name}-{number}"),
            Secret(f"token-{self.name}-{number}"),
            datetime.now(timezone.utc) + timedelta(seconds=self.lifetime),
        )
        self.issued.append(made)
        return made

    def fetch(self) -> Credentials:
        self.fetched += 1
        self.in_the_way.wait()
        if self.failure is not None:
            raise self.failure
        return self.credentials()

    def use(self, *, region: str | None = None, session: str = "corp", serve: bool = False) -> Use:
        return Use(self.credentials(), region, session, self.fetch, serve=serve)

    def newest(self) -> tuple[str, str, str]:
        keys = self.issued[-1]
        return (keys.access_key_id.reveal(), keys.secret_access_key.reveal(), keys.session_token.reveal())

    def is_in_environment(self) -> bool:
        newest = self.issued[-1].environment()
        return all(os.environ.get(name) == value for name, value in newest.items())


@pytest.fixture
def role_a() -> FakeRole:
    return FakeRole("111111111111", "dev")


@pytest.fixture
def role_b() -> FakeRole:
    return FakeRole("222222222222", "prod")


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """Keys of the person's own in the environment, which end in five minutes: botocore reads them at every use."""
    own = "AKIAOWN", "own-secret", "own-token"
    end = datetime.now(timezone.utc) + timedelta(minutes=5)
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), own, strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
    return own


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelRole]:
    """The kernel's one role, released and without hooks afterwards.

    The hooks put back what they have found, which may be a test's patch: they are out before it is undone.
    """
    yield KERNEL
    KERNEL.shutdown()


def wait_until(condition, seconds: float = 60) -> None:
    """Fails if it does not come true: a bound on a hang, not on speed."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


@pytest.fixture
def until():
    return wait_until
