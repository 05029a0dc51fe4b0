"""The faults of network and service, the magics, and a notebook that is as new for each magic."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from sso_magic import errors
from sso_magic.center.identity_center import SHARED
from sso_magic.client.errors import ServiceException
from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.local import Fault
from sso_magic.signin import tokens
from sso_magic.signin.sessions import find_session

if TYPE_CHECKING:
    from collections.abc import Callable

PROD = "731659028443"  # payments-prod of the sample organization

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
        ends: Whether a sign-out is carried out, or unnecessary, all the same.
    """

    fault: Fault
    error: type[errors.SSOMagicError] | None
    ends: bool = False


FAULTS = {
    "400": Promise(Fault("*", status=400), (ServiceException, errors.ConfigError)),  # a sign-in: a wrong start URL
    "401": Promise(Fault("*", status=401), errors.SignInRequired, ends=True),
    "403": Promise(
        Fault("*", status=403), (ServiceException, errors.SignInError)
    ),  # a sign-in: device codes are refused
    "404": Promise(Fault("*", status=404), ServiceException),
    "429": Promise(Fault("*", status=429), ServiceException),
    "500": Promise(Fault("*", status=500), ServiceException),
    "503, HTML": Promise(Fault("*", status=503, body="<html>Service Unavailable</html>"), ServiceException),
    "redirect": Promise(Fault("*", kind="redirect"), ServiceException),
    "an error in a 200": Promise(Fault("*", body='{"__type": "Trouble", "message": "x"}'), ServiceException),
    "reset": Promise(Fault("*", kind="reset"), errors.ConnectError),
    "drop": Promise(Fault("*", kind="drop"), errors.ConnectError),
    "stall": Promise(Fault("*", kind="stall"), errors.ReadTimeoutError),
    "truncated": Promise(Fault("*", kind="truncate"), errors.ResponseStreamError, ends=True),
    "bad gzip": Promise(Fault("*", kind="bad-gzip"), errors.ResponseStreamError),
    "oversized": Promise(Fault("*", kind="oversize", size=16 * 1024 * 1024 + 1), errors.DeserializationError),
    "HTML": Promise(Fault("*", body="<html>Sign in</html>"), errors.DeserializationError),
    "deep JSON": Promise(Fault("*", body="[" * 100_000), errors.DeserializationError),
    "wrong types": Promise(Fault("*", kind="wrong-types"), errors.DeserializationError, ends=True),
    "slow drip": Promise(Fault("*", kind="drip"), None, ends=True),
}


class Bench:
    """A notebook that is as new for each magic: signed in, nothing cached, no role in use."""

    def __init__(self, shell, center) -> None:
        self._shell = shell
        self._center = center
        self.ran: list[int] = []
        shell.user_ns["RAN"] = self.ran

    def run(self, cell: str, prepare: Callable[[], object] = lambda: None) -> tuple[Exception | None, str]:
        """The error, and all that was printed; after what is to be prepared."""
        self._renew()
        prepare()
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            result = self._shell.run_cell(cell)
        return result.error_before_exec or result.error_in_exec, out.getvalue().strip()

    def _renew(self) -> None:
        KERNEL.forget()
        for center in SHARED.values():
            with contextlib.suppress(errors.CacheError):  # a test may have put something in the file's place
                center.directory.forget()
            for client in center._made():
                if client is not None:
                    client.destroy()
        SHARED.clear()
        for magics in self._shell.configurables:
            if hasattr(magics, "_center"):
                magics._center = None
        for directory in (cache.sso_directory(), cache.role_directory()):
            for path in directory.glob("*.json"):
                if path.is_file():
                    path.unlink()
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        tokens.save(find_session("corp"), tokens.Token(Secret(self._center.access_token()), soon))
        self.ran.clear()


def is_one_line(error: Exception, shown: str) -> bool:
    """Whether the error is the last thing that is shown, as one line, which is no name alone."""
    [line] = error._render_traceback_()
    return "\n" not in line and len(str(error)) > 15 and shown.endswith(line) and "Traceback" not in shown
