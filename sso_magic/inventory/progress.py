"""How far a fetch is: what is counted, and a bar that shows it in a notebook and in a terminal.

A fetch tells its progress from the thread that waits for it, a few times a second; never from a worker. Anything with
the two methods of `Progress` can show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sso_magic.display.bar import DELAY, ProgressBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sso_magic.inventory.rows import Account

_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


@dataclass(frozen=True, slots=True)
class FetchState:
    """How far a fetch is.

    Attributes:
        accounts_done: Accounts that have answered or failed.
        accounts_known: Accounts listed so far.
        all_listed: Whether these are all there are.
        roles_found: Roles so far.
        failed: Accounts that failed.
        calls_per_second: Answered calls a second, over the last seconds.
        seconds: Since the fetch began.
        seconds_left: Until it is done at this rate; None while that is not known.
        accounts: The accounts listed so far, if nothing but the list is fetched.
        interrupted: Whether the wait for it was interrupted; who raised the interrupt says what is kept.
    """

    accounts_done: int = 0
    accounts_known: int = 0
    all_listed: bool = False
    roles_found: int = 0
    failed: int = 0
    calls_per_second: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    accounts: Sequence[Account] = ()
    interrupted: bool = False

    def summary(self) -> str:
        """One line: what was done, and how long it took."""
        parts = [_counted(self.accounts_done, "account"), _counted(self.roles_found, "role")]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.accounts_done < self.accounts_known:
            parts.append(f"{self.accounts_known - self.accounts_done:,} not asked yet")
        return f"{', '.join(parts)} in {self.seconds:.1f} s"


class Progress(Protocol):
    """What shows how far a fetch is."""

    def update(self, state: FetchState) -> None:
        """It came this far."""

    def close(self, state: FetchState) -> None:
        """It ended here: done, canceled or failed."""


class TqdmProgress:
    """A bar: accounts, roles, rate and time left; one line when it is done.

    Args:
        summary: Whether to leave that line. The bar itself goes away.
        delay: Seconds before the bar appears: what is quick needs none.
    """

    def __init__(self, *, summary: bool = True, delay: float = DELAY) -> None:
        self._summary = summary
        self._delay = delay
        self._bar: ProgressBar | None = None

    def update(self, state: FetchState) -> None:
        """Moves the bar."""
        if state.seconds < self._delay:
            return
        if self._bar is None:
            self._bar = ProgressBar(_FORMAT)
        left = "" if state.seconds_left is None else f", {_clock(state.seconds_left)} left"
        more = "" if state.all_listed else ", more to come"
        failed = f", {state.failed:,} failed" if state.failed else ""
        note = f"{_counted(state.roles_found, 'role')}{failed}, {state.calls_per_second:.0f} calls/s{left}{more}"
        self._bar.show(state.accounts_done, state.accounts_known, note)

    def close(self, state: FetchState) -> None:
        """Remove the bar and leave one line, unless no account was listed or the wait was interrupted."""
        if self._bar is not None:
            self._bar.close()
        has_result = bool(state.accounts_known or state.all_listed)  # both are unset if the first call failed
        if self._summary and has_result and not state.interrupted:
            print(state.summary())  # noqa: T201 - this is what it is for


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
