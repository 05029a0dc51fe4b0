"""One account's run of the work: its value or its error, and what it printed. The same in every kind of process."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sso_magic.common.secret import REDACTED
from sso_magic.each.output import lines_of, run_collecting
from sso_magic.each.stopping import Stopped, stoppable
from sso_magic.kernel.libraries.tasks import running

if TYPE_CHECKING:
    from sso_magic.each.here import Here
    from sso_magic.each.work import Work


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an account has no result.

    Attributes:
        error: The name of the exception's class.
        message: Its text.
        line: The line of the cell or of the function's file; None where it did not get there.
        traceback: From the work on, without what called it.
    """

    error: str
    message: str
    line: int | None = None
    traceback: str = ""


STOPPED = Failure("Stopped", "It had not finished when the run was stopped.")
NOT_BEGUN = Failure("Stopped", "It had not begun when the run was stopped.")


@dataclass(slots=True)
class Outcome:
    """The outcome of one account's run."""

    value: Any = None
    failure: Failure | None = None
    printed: list[str] = field(default_factory=list)


def perform(work: Work, here: Here, ticket: str) -> Outcome:
    """Do the work in the account. An error in it becomes part of the outcome.

    Args:
        work: What to do.
        here: Where.
        ticket: By which it can be stopped.
    """
    outcome = Outcome()
    text: list[str] = []

    def attempt() -> None:
        try:
            outcome.value = stoppable(ticket, lambda: _whole(work.run(here)))
        except Stopped:
            outcome.failure = STOPPED
        except BaseException as error:  # noqa: BLE001 - `exit()` in a cell, too, is an error of that account only
            outcome.failure = failure_of(error, work.filename)

    run_collecting(text, attempt)
    return _redacted(outcome, lines_of(text), here.known_secrets())


def perform_as_role(work: Work, here: Here, ticket: str) -> Outcome:
    """Do the work on a thread of a process that is not the account's alone; see `sso_magic.kernel.libraries.tasks`."""
    with running(here.task()):
        return perform(work, here, ticket)


def _whole(value: Any) -> Any:
    """Return the value; an iterator as a list, because it has to run while the account's role is there."""
    return list(value) if isinstance(value, Iterator) else value


def failure_of(error: BaseException, filename: str = "") -> Failure:
    """Return what is kept of an error; the exception itself would keep every frame, and what is in it, alive."""
    told = traceback.TracebackException.from_exception(error)
    frames = [(frame.filename, frame.lineno) for frame in told.stack]
    own = [number for number, (name, _) in enumerate(frames) if name == filename]
    del told.stack[: own[0] if own else 0]
    return Failure(
        type(error).__name__,
        str(error) or (traceback.format_exception_only(error)[-1].strip() if own else ""),
        frames[own[-1]][1] if own else None,
        "".join(told.format()) if own else "",
    )


def _redacted(outcome: Outcome, printed: list[str], secrets: list[str]) -> Outcome:
    """Return the outcome without the task's own keys in what it printed and in its error."""

    def without(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        return text

    outcome.printed = [without(line) for line in printed]
    failure = outcome.failure
    if failure is not None:
        outcome.failure = Failure(failure.error, without(failure.message), failure.line, without(failure.traceback))
    return outcome
