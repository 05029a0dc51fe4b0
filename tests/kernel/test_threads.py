"""A thousand switches among twenty threads: nobody ever gets a set of keys that is not one role's."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING

import boto3
import pytest

from sso_magic.kernel.libraries.boto_session import boto3_session

if TYPE_CHECKING:
    from typing_extensions import Self

SWITCHES = 500
READERS = ["default session"] * 5 + ["new session"] * 5 + ["own session of A"] * 4 + ["endpoint of A"] * 6


@pytest.fixture
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


class Crowd:
    """Threads that read until they are asked to stop; what is wrong ends up in `errors`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.errors: list[str] = []
        self.reads: dict[str, int] = {}
        self._threads: list[threading.Thread] = []

    def add(self, name, read) -> None:
        def run() -> None:
            while not self.stop.is_set():
                try:
                    wrong = read()
                except Exception as error:  # noqa: BLE001 - it is what is looked for
                    wrong = f"{type(error).__name__}: {error}"
                if wrong:
                    self.errors.append(f"{name}: {wrong}")
                    return
                self.reads[name] = self.reads.get(name, 0) + 1
                self.stop.wait(0.002)

        self._threads.append(threading.Thread(target=run, name=f"reader of {name}"))

    def __enter__(self) -> Self:
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0001)  # threads take turns 50 times as often as usual
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()
        sys.setswitchinterval(self._interval)


def test_no_mixed_set_of_keys_ever(kernel, role_a, role_b, region):
    def sets(role) -> set[tuple[str, str, str]]:
        return {(k.access_key_id.reveal(), k.secret_access_key.reveal(), k.session_token.reveal()) for k in role.issued}

    def wrong(found, of=None) -> str | None:
        known = sets(of) if of else sets(role_a) | sets(role_b)
        return None if found in known else f"{found} is no set of {of.name if of else 'either role'}"

    def frozen(session):
        keys = session.get_credentials().get_frozen_credentials()
        return keys.access_key, keys.secret_key, keys.token

    use_a = role_a.use()
    kernel.use(role_b.use())
    own = boto3_session(kernel.role("corp", use_a.credentials, role_a.fetch), None)
    url = kernel.endpoint.url(own._sso_magic[1]()).reveal()

    def from_endpoint():
        request = urllib.request.Request(url, headers={"Authorization": kernel.endpoint.token})
        with urllib.request.urlopen(request, timeout=30) as answer:
            keys = json.load(answer)
        return wrong((keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"]), role_a)

    ways = {
        "default session": lambda: wrong(frozen(boto3._get_default_session())),
        "new session": lambda: wrong(frozen(boto3.Session())),
        "own session of A": lambda: wrong(frozen(own), role_a),
        "endpoint of A": from_endpoint,
    }
    crowd = Crowd()
    for name in READERS:
        crowd.add(name, ways[name])
    with crowd:
        for number, role in zip(range(SWITCHES), itertools.cycle([role_a, role_b]), strict=False):
            kernel.use(role.use(region=f"eu-west-{number % 3 + 1}"))
            if crowd.errors:
                break
    assert crowd.errors == []
    assert set(crowd.reads) == set(ways)


def test_real_requests_during_switches_are_answered_for_one_account_or_the_other(kernel, signed_in, region):
    from sso_magic.center.identity_center import IdentityCenter

    center = IdentityCenter("corp")
    ids = {account.name: account.id for account in signed_in.organization.accounts}

    def caller() -> str | None:
        account = boto3.client("sts").get_caller_identity()["Account"]
        return None if account in {ids["payments-dev"], ids["payments-prod"]} else account

    center.role("payments-dev", "ReadOnly").use()
    crowd = Crowd()
    for _ in range(4):
        crowd.add("sts", caller)
    with crowd:
        for name in ["payments-dev", "payments-prod"] * 50:
            center.role(name, "ReadOnly").use()
    assert crowd.errors == []


def test_a_switch_from_keys_to_keys_removes_no_variable(kernel, role_a, role_b, region, monkeypatch):
    # Python's os.environ cannot be walked (as urllib does, to look for proxies) while another thread removes from it.
    kernel.use(role_a.use())
    with monkeypatch.context() as patch:
        patch.setattr(os.environ.__class__, "__delitem__", lambda environ, name: pytest.fail(f"{name} was removed"))
        kernel.use(role_b.use())


def test_a_block_that_a_shutdown_has_ended_already_ends_without_a_word(kernel, role_a):
    before = dict(os.environ)
    with kernel.use(role_a.use()):
        kernel.shutdown()
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_what_was_used_before_is_not_kept_for_good(kernel, role_a, role_b):
    for role in [role_a, role_b] * 10:
        layer = kernel.use(role.use())
    assert len(kernel._in_use.state.stack) <= 3
    assert layer.use is kernel.current
