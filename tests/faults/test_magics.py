"""Every magic under every fault of the network and the service: the promised result, or one line that says why not."""

from __future__ import annotations

import json
import os

import pytest
from fault_bench import ASK, FAULTS, LEAVE, LOOK, is_one_line

from sso_magic import errors
from sso_magic.client.errors import ServiceException
from sso_magic.common import cache
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left")]


def is_kind(error: Exception | None, kind: type[Exception] | None, name: str) -> bool:
    if error is None or kind is None:
        return error is kind is None
    if isinstance(error, errors.InventoryError) and error.__cause__ is not None:  # says what it could not do, and why
        error = error.__cause__
    if kind is errors.SignInRequired and name in ("login", "console, federated"):  # what refuses is not the portal
        kind = (kind, ServiceException, errors.CredentialsError)
    return isinstance(error, kind)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_asks_gets_its_answer_or_says_in_one_line_why_not(bench, strike, clean_environment, fault):
    promise = FAULTS[fault]
    environment = dict(os.environ)
    config = (clean_environment / ".aws" / "config").read_text()
    strike(promise.fault)
    wrong = []
    for name, cell in ASK.items():
        error, shown = bench.run(cell)
        if not is_kind(error, promise.error, name):
            wrong.append(f"{name}: {error!r}, not {promise.error}")
        elif error is not None and not is_one_line(error, shown):
            wrong.append(f"{name}: not one line: {shown[-300:]}")
        if error is not None:
            if bench.ran or KERNEL.current is not None or dict(os.environ) != environment:
                wrong.append(f"{name}: something was done all the same")
            if (clean_environment / ".aws" / "config").read_text() != config:
                wrong.append(f"{name}: the configuration was changed")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_looks_never_fails_and_a_sign_out_clears_this_machine_and_tells_if_the_session_lives(bench, strike, fault):
    promise = FAULTS[fault]
    strike(promise.fault)
    for name, cell in LOOK.items():
        error, shown = bench.run(cell)
        assert error is None, (name, error)
        assert "corp" in shown, (name, shown)
    for name, cell in LEAVE.items():
        error, shown = bench.run(cell)
        assert list(cache.sso_directory().glob("*.json")) == [], name
        if promise.ends:
            assert error is None, name
            assert shown == "Signed out of corp."
        else:
            assert isinstance(error.__cause__, promise.error), (name, error)
            assert is_one_line(error, shown), (name, shown)
            assert shown.startswith("ClientError: Signed out of corp on this machine only")


def test_a_sign_out_of_all_ends_each_session_also_after_one_that_cannot_be_ended(bench, signed_in, strike):
    strike(Fault("Logout", times=1, status=500))
    known = cache.token_path("corp").read_text()

    def another_session():
        other = json.loads(known) | {"accessToken": signed_in.access_token(), "startUrl": "https://other.example"}
        (cache.sso_directory() / "other.json").write_text(json.dumps(other))

    error, shown = bench.run("%sso_logout --all", another_session)
    assert shown.startswith("ClientError: Signed out of corp on this machine only")
    assert is_one_line(error, shown)
    assert list(cache.sso_directory().glob("*.json")) == []
    assert signed_in.requests.total("Logout") == 2
