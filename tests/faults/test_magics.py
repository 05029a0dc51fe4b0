"""Every magic under every fault of the network and the service: the promised result, or one line that says why not."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import cache, errors
from sso_magic.centers import _SHARED
from sso_magic.client.errors import ServiceException
from sso_magic.kernel import KERNEL
from sso_magic.local import Fault
from sso_magic.profiles import find_session
from sso_magic.secret import Secret
from sso_magic.signin import tokens

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left")]

PROD = "731659028443"  # payments-prod of the sample organisation

ASK = {  # what cannot do without an answer
    "login": "%sso_login --force --device",
    "accounts": "%sso_accounts",
    "roles": "%sso_roles payments-prod",
    "inventory": "%sso_inventory --refresh",
    "use": f"%sso_use {PROD} ReadOnly",
    "use by name": "%sso_use payments-prod ReadOnly",
    "as": f"%%sso_as {PROD} ReadOnly\nRAN.append(1)",
    "each": "%%sso_each ReadOnly\nRAN.append(1)",
    "console": "%sso_console payments-prod ReadOnly",
    "console, federated": f"%sso_console {PROD} ReadOnly --federated",
    "profiles": "%sso_profiles",
    "profiles, written": "%sso_profiles --write",
}
LEAVE = {"logout": "%sso_logout", "logout of all": "%sso_logout --all"}
LOOK = {"status": "%sso_status", "doctor": "%sso_doctor"}  # what shows what is wrong, and is never wrong itself


@dataclass
class Promise:
    """What is to come of a fault.

    Attributes:
        fault: The fault.
        error: The error of a magic that asks; None: it gets its result all the same.
        on_leaving: The error of a sign-out, after which this machine knows nothing of the session all the same.
    """

    fault: Fault
    error: type[errors.SSOMagicError] | None
    on_leaving: type[errors.SSOMagicError] | None = None


FAULTS = {
    "400": Promise(Fault("*", status=400), ServiceException),
    "401": Promise(Fault("*", status=401), errors.SignInRequired),
    "403": Promise(Fault("*", status=403), ServiceException),
    "404": Promise(Fault("*", status=404), ServiceException),
    "429": Promise(Fault("*", status=429), ServiceException),
    "500": Promise(Fault("*", status=500), ServiceException),
    "503, HTML": Promise(Fault("*", status=503, body="<html>Service Unavailable</html>"), ServiceException),
    "redirect": Promise(Fault("*", kind="redirect"), ServiceException),
    "an error in a 200": Promise(Fault("*", body='{"__type": "Trouble", "message": "x"}'), ServiceException),
    "reset": Promise(Fault("*", kind="reset"), errors.ConnectError, errors.ConnectError),
    "drop": Promise(Fault("*", kind="drop"), errors.ConnectError, errors.ConnectError),
    "stall": Promise(Fault("*", kind="stall"), errors.TransportError, errors.ReadTimeoutError),
    "truncated": Promise(Fault("*", kind="truncate"), errors.ResponseStreamError),
    "bad gzip": Promise(Fault("*", kind="bad-gzip"), errors.ResponseStreamError, errors.ResponseStreamError),
    "oversized": Promise(
        Fault("*", kind="oversize", size=16 * 1024 * 1024 + 1), errors.DeserializationError, errors.DeserializationError
    ),
    "HTML": Promise(Fault("*", body="<html>Sign in</html>"), errors.DeserializationError, errors.DeserializationError),
    "deep JSON": Promise(Fault("*", body="[" * 100_000), errors.DeserializationError, errors.DeserializationError),
    "wrong types": Promise(Fault("*", kind="wrong-types"), errors.DeserializationError),
    "slow drip": Promise(Fault("*", kind="drip"), None),
    "late": Promise(Fault("*", kind="delay", delay=0.02), None),
}


class Bench:
    """A notebook that is as new for each magic: signed in, nothing cached, no role in use."""

    def __init__(self, shell, center) -> None:
        self._shell = shell
        self._center = center
        self.ran: list[int] = []
        shell.user_ns["RAN"] = self.ran

    def run(self, cell: str) -> tuple[Exception | None, str]:
        """The error, and all that was printed."""
        self._renew()
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            result = self._shell.run_cell(cell)
        return result.error_before_exec or result.error_in_exec, out.getvalue().strip()

    def _renew(self) -> None:
        KERNEL.forget()
        for center in _SHARED.values():
            center.directory.forget()
            for client in (center._portal, center._oidc, center._listing):
                if client is not None:
                    client.destroy()
        _SHARED.clear()
        for magics in self._shell.configurables:
            if hasattr(magics, "_center"):
                magics._center = None
        for directory in (cache.sso_directory(), cache.role_directory()):
            for path in directory.glob("*.json"):
                path.unlink()
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        tokens.save(find_session("corp"), tokens.Token(Secret(self._center.access_token()), soon))
        self.ran.clear()


@pytest.fixture
def bench(shell, impatient):
    impatient.auto_approve = True
    return Bench(shell, impatient)


def is_one_line(error: Exception, shown: str) -> bool:
    """Whether the error is the last thing that is shown, as one line, which is no name alone."""
    [line] = error._render_traceback_()
    return "\n" not in line and len(str(error)) > 15 and shown.endswith(line) and "Traceback" not in shown


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
def test_a_sign_out_clears_this_machine_whatever_the_service_says(bench, strike, fault):
    promise = FAULTS[fault]
    strike(promise.fault)
    for name, cell in LEAVE.items():
        error, shown = bench.run(cell)
        assert is_kind(error, promise.on_leaving, name), (name, error)
        assert error is None or is_one_line(error, shown), (name, shown)
        assert list(cache.sso_directory().glob("*.json")) == [], name


@pytest.mark.parametrize("fault", FAULTS)
def test_what_shows_what_is_wrong_never_fails(bench, strike, fault):
    strike(FAULTS[fault].fault)
    for name, cell in LOOK.items():
        error, shown = bench.run(cell)
        assert error is None, (name, error)
        assert "corp" in shown, (name, shown)
