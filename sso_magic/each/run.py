"""A run: the work in every account of a selection, and the tables that come of it.

    center.each(function, role, words)    the same from Python as ``%%sso_each ROLE WORDS`` from a cell

A crew of threads here takes one account after another: gets its role's credentials, and has the work done at the venue,
be it on the same thread, in a process or on a cluster. So nothing but this process ever has the access token, and the
environment of the kernel is not touched.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.each.accounts import Job, Selection, select
from sso_magic.each.crew import Crew
from sso_magic.each.leases import Leases
from sso_magic.each.output import routed
from sso_magic.each.places.venues import Threads, Venue, pool_of
from sso_magic.each.progress import RunProgress
from sso_magic.each.table import Row, put_together
from sso_magic.each.task import NOT_BEGUN, STOPPED, Failure, Outcome
from sso_magic.each.work import FunctionWork, Work, packed
from sso_magic.errors import EachError, SignInRequired, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.each.here import Here

PLACES = ("threads", "processes", "dask")


class Result(NamedTuple):
    """What a run came to.

    Attributes:
        frame: The results; ``attrs["errors"]`` has the errors.
        errors: A record for each account that failed.
        succeeded: Accounts that gave a result.
        total: Accounts there were.
        was_stopped: Whether it was interrupted.
    """

    frame: pd.DataFrame
    errors: list[dict[str, Any]]
    succeeded: int
    total: int
    was_stopped: bool


def each(  # noqa: PLR0913 - the options of the magic
    center: IdentityCenter,
    function: Callable[[Here], Any],
    role: str,
    words: str | Sequence[str] = "",
    *,
    accounts: Any = None,
    on: str | Executor = "threads",
    workers: int | None = None,
    region: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Call the function once for each account in which the role is granted, many at a time.

    Args:
        center: Whose accounts.
        function: Is called with a `Here`: ``account`` (``id``, ``name``, ``email``), ``role_name``, ``credentials``
            and ``session``, a boto3 session that is made when it is first asked for. What it returns, a DataFrame, a
            list of dicts or a scalar, becomes rows; see `sso_magic.each.table`.
        role: The role's name, or a part that fits one role alone.
        words: Only accounts that have all these words in their id, name or email.
        accounts: Only these: ids or names, or a DataFrame with ``account_id``, such as the errors of a run before.
        on: ``"threads"``; ``"processes"``, whose environment speaks for the account as well; ``"dask"``, the cluster
            of the current `distributed.Client`; or any `concurrent.futures.Executor`. Anything but threads gets the
            function by cloudpickle.
        workers: Accounts at a time. By default 16 on threads, the number of processors for processes, and twice the
            cluster's threads on Dask.
        region: The region of ``session``; without it the one of the environment.
        progress: Whether to show a bar.

    Returns:
        DataFrame: account_id, account_name, role_name (strings), and the columns of the results, in the order of the
        accounts. ``attrs["errors"]`` has a record for each account that failed: account_id, account_name, role_name,
        error, message, line, traceback; ``pandas.DataFrame(frame.attrs["errors"])`` is their table. An interrupt
        returns what is there; what was not finished is among the errors, as ``Stopped``.

    Raises:
        RoleNotFound: There is no such role in any of the accounts.
        AccountNotFound: A named account does not exist, or no account is left.
        SignInRequired: There is no access token without a person, and one was needed in every account.
        EachError: Not one account gave a result; has ``errors``.
        UsageError: An argument cannot be meant, or the function cannot be sent to another process.
    """
    selection = select(center, role, words, accounts, progress=progress)
    result = run(center, FunctionWork(function), selection, on=on, workers=workers, region=region, progress=progress)
    raise_if_all_failed(result)
    return result.frame


def run(
    center: IdentityCenter,
    work: Work,
    selection: Selection,
    *,
    on: str | Executor = "threads",
    workers: int | None = None,
    region: str | None = None,
    progress: bool = True,
) -> Result:
    """Does the work in every account of the selection; arguments as in `each`."""
    if workers is not None and workers < 1:
        raise UsageError(f"workers is how many accounts at a time, 1 or more, not {workers}.")
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    outcomes: dict[str, Outcome] = {}
    shown = RunProgress(len(selection.jobs), bar=progress)
    was_stopped = False
    with contextlib.ExitStack() as stack:
        venue = _venue(on, work, region)
        stack.callback(venue.close)
        hands = workers or venue.workers
        leases = Leases(center, hands)
        crew = Crew(selection.jobs, lambda job: venue.run(job, leases.role(job)), hands)
        stack.callback(_end, crew, leases, venue)
        stack.callback(shown.close)
        stack.enter_context(routed())
        try:
            for job, outcome in crew:
                outcomes[job.ticket] = outcome
                shown.done(job.label, outcome.printed, failed=outcome.failure is not None)
        except KeyboardInterrupt:
            was_stopped = True
            begun = _end(crew, leases, venue)
            for job, outcome in crew.rest():
                outcomes[job.ticket] = outcome
                shown.done(job.label, outcome.printed, failed=outcome.failure is not None)
            outcomes |= {job.ticket: Outcome(failure=STOPPED) for job in begun if job.ticket not in outcomes}
    return _result(selection, outcomes, was_stopped=was_stopped)


def _end(crew: Crew, leases: Leases, venue: Venue) -> list[Job]:
    """Ends what is under way, if anything is."""
    under_way = crew.stop()
    leases.stop()
    venue.stop(under_way)
    return under_way


def _venue(on: str | Executor, work: Work, region: str | None) -> Venue:
    if isinstance(on, Executor):
        client = getattr(on, "_client", None)
        if type(on).__module__.partition(".")[0] == "distributed" and client is not None:
            from sso_magic.each.places.dask import Cluster

            return Cluster(client, packed(work), region)
        return pool_of(on, work, lambda: packed(work), region)
    if on == "threads":
        return Threads(work, region)
    if on == "processes":
        from sso_magic.each.places.processes import Processes

        return Processes(packed(work), region)
    if on == "dask":
        client = _current_client()
        from sso_magic.each.places.dask import Cluster

        return Cluster(client, packed(work), region)
    raise UsageError(f"It runs on {', '.join(PLACES)} or an executor, not on {on!r}.")


def _current_client() -> Any:
    try:
        from sso_magic.dask_cluster.cluster_role import current_client
    except ImportError:
        raise UsageError('Dask is not installed: pip install "sso-magic[dask]"') from None
    return current_client()


def _result(selection: Selection, outcomes: dict[str, Outcome], *, was_stopped: bool) -> Result:
    not_begun = Outcome(failure=NOT_BEGUN)
    rows = [
        Row(job.account, job.role_name, outcome.value, outcome.failure)
        for job in selection.jobs
        for outcome in [outcomes.get(job.ticket, not_begun)]
    ]
    rows += [
        Row(account, selection.role_name, None, Failure("RolesUnknown", f"Its roles could not be listed: {reason}"))
        for account, reason in selection.unknown
    ]
    tables = put_together(rows)
    return Result(tables.frame, tables.errors, tables.succeeded, len(rows), was_stopped)


def raise_if_all_failed(result: Result) -> None:
    """Nothing but errors is an error: a notebook that goes on with an empty table says something untrue.

    Raises:
        SignInRequired: It is what failed in every account.
        EachError: Not one account gave a result.
    """
    if result.succeeded or not result.total or result.was_stopped:
        return
    kinds = {(record["error"], record["message"]) for record in result.errors}
    error, message = max(kinds, key=lambda kind: _count(result.errors, *kind))
    if {kind for kind, _ in kinds} == {SignInRequired.__name__}:
        raise SignInRequired(message)
    number = _count(result.errors, error, message)
    which = f"All {result.total:,} accounts" if result.total > 1 else "The one account"
    of_them = f", {number:,} of them" if number < result.total else ""
    line = next(record["line"] for record in result.errors if (record["error"], record["message"]) == (error, message))
    where = f" (line {line})" if line else ""
    raise EachError(f"{which} failed{of_them} with {error}: {message}{where}", result.errors)


def _count(errors: list[dict[str, Any]], error: str, message: str) -> int:
    return sum(record["error"] == error and record["message"] == message for record in errors)
