"""The compatibility matrix: each library through one timeline, each request classified by the keys that signed it.

The timeline runs once with the role's keys in the environment and once with the credential endpoint's address
(``--serve``). Objects are made under A and used across A's expiry; others are made under A, one used and one not, and
called after a switch to B and across A's expiry; last all is released. The default profile has valid keys of a third
account, C, all along. Every reader is asked for a file of the account that it should be, so an answer proves that the
keys were that account's, and the server's log says who signed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from signers import Signers

    from sso_magic.local import LocalIdentityCenter

A, B, C = "payments-dev", "payments-prod", "data-lake"
LETTERS = {A: "A", B: "B", C: "C", "none": "none"}
CSV, PARQUET = "transactions/2026-10.csv", "transactions/2026-10.parquet"
LIFETIME = {"core": 12, "readers": 24}  # seconds: all objects of a group are made and used meanwhile
OUTPUT = Path(__file__).parents[1] / "output"


def bucket(account: str) -> str:
    return f"{account}-data"


def uri(account: str, key: str = PARQUET) -> str:
    return f"s3://{bucket(account)}/{key}"


@dataclass
class Row:
    """A library, and how it reads.

    Attributes:
        name: What the table calls it.
        finds: How it finds credentials.
        read: Reads a file of an account, through an object or, given None, by a new one.
        make: Makes an object that can be kept; None where there is none.
        noun: A word of the switch's line that names what still uses the old role; "" where nothing has to.
        ends: The modes (``keys``, ``serve``) in which an object ends with its keys, and a new one is needed.
        blind: The modes in which it finds no credentials, and says so.
        prepare: Writes what is read, into an account's bucket, with that account's role in use.
        in_a_task: True if a task of ``%%sso_each`` on threads reads it too.
    """

    name: str
    finds: str
    read: Callable[[Any, str], object]
    make: Callable[[], Any] | None = None
    noun: str = ""
    ends: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    prepare: Callable[[str], object] | None = None
    in_a_task: bool = False


@dataclass
class Cell:
    """What came of a read: who signed (letters), and whether it could read; the error's text if it could not."""

    signers: list[str]
    reads: bool
    error: str = ""


@dataclass
class Measured:
    """What was measured in one mode: row -> step -> cell, and the switch's line."""

    rows: dict[str, dict[str, Cell]] = field(default_factory=dict)
    line: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "rows": {name: {step: vars(cell) for step, cell in steps.items()} for name, steps in self.rows.items()},
        }


class Timeline:
    """One run of the timeline."""

    def __init__(
        self, center: LocalIdentityCenter, signers: Signers, rows: Iterable[Row], lifetime: float, *, serve: bool
    ) -> None:
        self._lifetime = lifetime
        self._center = center
        self._signers = signers
        self._rows = {row.name: row for row in rows}
        self._serve = serve
        self._all: list[Any] = []
        self._end = 0.0  # when the keys end that A got when it was put in use
        self.measured = Measured({name: {} for name in self._rows})

    def run(self) -> Measured:
        """Run it, and release the role; again with keys that last longer, if they expired before their time."""
        from sso_magic.kernel.kernel_role import KERNEL

        while True:
            self._center.role_lifetime = self._lifetime
            try:
                if self._is_run_in_time():
                    return self.measured
            finally:
                KERNEL.shutdown()
                for thing in self._all:
                    close(thing)
                self._all.clear()
            self._lifetime *= 2

    def _is_run_in_time(self) -> bool:
        """Run all steps; False, on a busy machine, as soon as keys have expired before a step that needs them."""
        from sso_magic.kernel.kernel_role import KERNEL

        self._use(A)
        early = self._make()
        self._old("made under A reads", early)
        self._new("new under A", A)
        if self._has_expired():
            return False
        self._wait_for_the_end()
        self._old("across the expiry", early)
        self._new("new across the expiry", A)
        self._use(A)  # with keys that are fresh
        used, unused = self._make(), self._make()
        self._old("made under A reads again", used)
        self.measured.line = self._use(B)
        self._new("new under B", B)
        self._old("made under A, under B", used)
        self._old("made under A and not used, under B", unused)
        if self._has_expired():
            return False
        self._wait_for_the_end()
        self._old("made under A, under B, across A's expiry", used)
        self._old("made under A and not used, across A's expiry", unused)
        self._new("new under B, later", B)
        self._in_a_task()
        KERNEL.release()
        self._new("new after off", C)
        return True

    def _use(self, account: str) -> str:
        from sso_magic.center.identity_center import IdentityCenter
        from sso_magic.kernel.kernel_role import KERNEL, Use

        role = IdentityCenter("corp").role(account, "ReadOnly")

        def fetch() -> Any:
            return role.credentials(refresh=True)

        line = KERNEL.use(Use(fetch(), None, "corp", fetch, serve=self._serve)).holders or ""
        if account == A:
            self._end = self._last_end()
        return line

    def _make(self) -> dict[str, Any]:
        made = {}
        for name, row in self._rows.items():
            if row.make is not None:
                try:
                    made[name] = row.make()
                except Exception as error:  # noqa: BLE001 - it is the answer
                    made[name] = error
        self._all += made.values()
        return made

    def _new(self, step: str, account: str) -> None:
        for name, row in self._rows.items():
            self._note(name, step, lambda row=row: row.read(None, account))

    def _old(self, step: str, made: dict[str, Any]) -> None:
        for name, thing in made.items():
            self._note(name, step, lambda row=self._rows[name], thing=thing: self._by(row, thing))

    @staticmethod
    def _by(row: Row, thing: Any) -> object:
        if isinstance(thing, Exception):
            raise thing
        return row.read(thing, A)

    def _note(self, name: str, step: str, read: Callable[[], object]) -> None:
        mark = self._signers.mark()
        error = ""
        try:
            if not read():
                error = "nothing was read"
        except Exception as found:  # noqa: BLE001 - it is the answer
            error = f"{type(found).__name__}: {found}".replace("\n", " ")[:300]
        signers = sorted(LETTERS.get(name, name) for name in self._signers.since(mark))
        self.measured.rows[name][step] = Cell(signers, not error, error)

    def _in_a_task(self) -> None:
        """Let each row read in a task of ``%%sso_each`` for A, in which the role in use is not A."""
        from sso_magic.center.identity_center import IdentityCenter

        def read(here: Any) -> None:
            for name, row in self._rows.items():
                if row.in_a_task:
                    self._note(name, "in a task for A, under B", lambda row=row: row.read(None, A))

        IdentityCenter("corp").each(read, "ReadOnly", A)

    def _wait_for_the_end(self) -> None:
        """Wait until all keys of A that there are now have expired."""
        time.sleep(max(0, self._last_end() - self._center.clock.now()) + 0.6)

    def _has_expired(self) -> bool:
        return self._end <= self._center.clock.now()

    def _last_end(self) -> float:
        """Return when the last of A's keys expire that there are now."""
        account_id = next(account.id for account in self._center.organization.accounts if account.name == A)
        return max(keys.expires_at for keys in list(self._center.keys.values()) if keys.account_id == account_id)


def close(thing: Any) -> None:
    """End the processes of a pool."""
    if hasattr(thing, "terminate"):
        thing.terminate()
        thing.join()
    elif hasattr(thing, "submit"):
        thing.shutdown()


def prepare(center: LocalIdentityCenter, rows: Iterable[Row]) -> None:
    """Write what the rows read, with each account's role in use, by keys that end when all is written."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.kernel.kernel_role import KERNEL

    before, lifetime, center.role_lifetime = set(center.keys), center.role_lifetime, 3600
    for account in (A, B, C):
        for row in rows:
            if row.prepare is not None:
                with IdentityCenter("corp").role(account, "ReadOnly").use():
                    row.prepare(account)
    KERNEL.shutdown()
    center.role_lifetime = lifetime
    for key_id in set(center.keys) - before:
        del center.keys[key_id]


def keep(group: str, mode: str, measured: Measured, rows: Iterable[Row]) -> None:
    """Keep what was measured in tests/output, for the table."""
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"matrix-{group}-{mode}.json"
    rows = list(rows)
    found = measured.as_json() | {
        "finds": {row.name: row.finds for row in rows},
        "named": [row.name for row in rows if row.noun and row.noun in measured.line],
    }
    path.write_text(json.dumps(found, indent=1))
