"""A run: the work in every account of a selection, or in regions of each, and the tables of its results.

``center.each(function, role, words)`` does from Python what ``%%sso_each ROLE WORDS`` does from a cell.

A crew of threads in this process takes one account after another, gets its role's credentials, and has the work done at
the venue: on the same thread, in a process or on a cluster. So no other process ever has the access token, and the
environment of the kernel is not changed.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.interrupts import run_then
from sso_magic.each.accounts import Job, Selection, select
from sso_magic.each.crew import PER_ACCOUNT, Crew
from sso_magic.each.leases import Leases
from sso_magic.each.places.venues import Threads, Venue, pool_of
from sso_magic.each.progress import RunProgress
from sso_magic.each.regions import in_regions, places
from sso_magic.each.saved import rows_of
from sso_magic.each.site import Site
from sso_magic.each.table import Row, put_together
from sso_magic.each.task import NOT_BEGUN, STOPPED, Failure, Outcome
from sso_magic.each.work import FunctionWork, Work, packed
from sso_magic.errors import EachError, SignInRequired, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from sso_magic.each.center import Center
    from sso_magic.each.here import Here

PLACES = ("threads", "processes", "dask")


class Result(NamedTuple):
    """The result of a run.

    Attributes:
        frame: The results; ``attrs["errors"]`` has the errors.
        errors: A record for each account, or region of one, that failed.
        succeeded: How many gave a result.
        total: How many there were.
        was_stopped: Whether it was interrupted.
        unit: What was counted: ``account``, or ``task`` in a run with a list of regions.
        earlier: How many results an earlier run had.
        not_saved: Why the results are not in the file; None if they are, or if there is none.
    """

    frame: pd.DataFrame
    errors: list[dict[str, Any]]
    succeeded: int
    total: int
    was_stopped: bool
    unit: str = "account"
    earlier: int = 0
    not_saved: str | None = None


def each(  # noqa: PLR0913 - the options of the magic
    center: Center,
    function: Callable[[Here], Any],
    role: str | Sequence[str],
    words: str | Sequence[str] = "",
    *,
    accounts: Any = None,
    exclude: str | Sequence[str] = (),
    regions: str | Sequence[str] | None = None,
    on: str | Executor = "threads",
    workers: int | None = None,
    per_account: int = PER_ACCOUNT,
    region: str | None = None,
    save: str | os.PathLike[str] | None = None,
    resume: bool | pd.DataFrame = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Call the function once for each account in which the role is granted, or once for each region of it.

    Args:
        center: The Identity Center.
        function: Is called with a `Here`: ``account`` (``id``, ``name``, ``email``), ``role_name``, ``region``,
            ``credentials`` and ``session``, a boto3 session that is made when it is first asked for. What it returns, a
            DataFrame, a list of dicts or a scalar, becomes rows; see `sso_magic.each.table`.
        role: The role's name, or a part that matches one role only. Several, in a list or with commas between them, are
            an order of preference: each account's is the first that it grants.
        words: Only accounts that contain all of these words in their id, name or email.
        accounts: Only these: ids or names, or a DataFrame with ``account_id``, such as the errors of a run before. If
            it has a column ``region`` too, only these regions of them.
        exclude: Leave out accounts that contain all words of this text, or of one of these texts.
        regions: Regions, in a list or with commas between them: the function is called in each. ``"all"``: the regions
            that each account has enabled; it is asked once a day. A region that is not enabled is skipped.
        on: ``"threads"``; ``"processes"``, whose environment has the account's role as well; ``"dask"``, the cluster
            of the current `distributed.Client`; or any `concurrent.futures.Executor`. Anything but threads gets the
            function by cloudpickle.
        workers: Tasks at a time. By default 16 on threads, the number of processors for processes, and twice the
            cluster's threads on Dask.
        per_account: Tasks at a time in one account.
        region: The region of ``session`` in a run without ``regions``; by default the one of the environment.
        save: A Parquet file (``.parquet``) that keeps each result when it is there; see `sso_magic.each.saved`.
        resume: Go on with an earlier run: run only what has no result in the file (True) or in its table (a DataFrame).
        progress: Whether to show a bar.

    Returns:
        DataFrame: account_id, account_name, role_name (strings), region (string) in a run with ``regions``, and the
        columns of the results, in the order of the accounts. ``attrs["errors"]`` has a record for each task that
        failed: the same columns, error, message, line, traceback; ``pandas.DataFrame(frame.attrs["errors"])`` is their
        table. An interrupt returns what is there; tasks that were not finished are among the errors, as ``Stopped``.

    Raises:
        RoleNotFound: No account grants such a role.
        AccountNotFound: A named account does not exist, or no account is left.
        SignInRequired: There is no access token without a person, and one was needed in every account.
        EachError: Not one account gave a result; has ``errors``.
        UsageError: An argument is not valid, or the function cannot be sent to another process.
    """
    if regions is not None and region is not None:
        raise UsageError("Give region or regions, not both.")
    if resume is True and save is None:
        raise UsageError(
            "resume=True needs save=PATH. Without a file, give the table of the earlier run: resume=frame."
        )
    named = places(accounts)
    selection = select(center, role, words, accounts, exclude=exclude, progress=progress)
    selection = in_regions(center, selection, regions, named, workers=workers, progress=progress)
    earlier = [] if isinstance(resume, bool) else rows_of(resume)
    result = run(
        center,
        FunctionWork(function),
        selection,
        earlier=earlier,
        save=save,
        resume=resume is not False,
        on=on,
        workers=workers,
        per_account=per_account,
        region=region,
        progress=progress,
    )
    if result.not_saved is not None:
        warnings.warn(f"The results are not in {save}: {result.not_saved}.", stacklevel=3)
    raise_if_all_failed(result)
    return result.frame


def run(  # noqa: PLR0913 - the options of the magic
    center: Center,
    work: Work,
    selection: Selection,
    *,
    on: str | Executor = "threads",
    workers: int | None = None,
    per_account: int = PER_ACCOUNT,
    region: str | None = None,
    earlier: Sequence[Row] = (),
    save: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Result:
    """Do the work in every account of the selection; arguments as in `each`."""
    _check_number("workers", workers)
    _check_number("per_account", per_account)
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    site = Site()

    def perform() -> Result:
        outcomes: dict[str, Outcome] = {}
        was_stopped = False
        with contextlib.ExitStack() as stack:
            stack.callback(site.close)
            saved = None if save is None else site.open_saved(save, resume=resume)
            known = {row.key: row for row in [*earlier, *(saved.earlier if saved is not None else ())]}
            jobs = [job for job in selection.jobs if job.key not in known]
            shown = RunProgress(len(jobs), bar=progress, title="Tasks" if selection.has_regions else "Accounts")
            site.venue = venue = _venue(on, work, region, site)
            hands = workers or venue.workers
            site.leases = leases = Leases(center, hands)

            def do(job: Job) -> Outcome:
                outcome = venue.run(job, leases.role(job))
                if saved is not None:
                    saved.append(job, outcome)
                return outcome

            site.crew = crew = Crew(jobs, do, hands, per_account)
            stack.callback(shown.close)
            site.collect_output()
            try:
                for job, outcome in crew:
                    outcomes[job.ticket] = outcome
                    shown.done(job.label, outcome.printed, failed=outcome.failure is not None)
            except KeyboardInterrupt:
                was_stopped = True
                begun = site.end()
                for job, outcome in crew.rest():
                    outcomes[job.ticket] = outcome
                    shown.done(job.label, outcome.printed, failed=outcome.failure is not None)
                outcomes |= {job.ticket: Outcome(failure=STOPPED) for job in begun if job.ticket not in outcomes}
            result = _result(selection, outcomes, known, was_stopped=was_stopped)
            if saved is not None:
                result = result._replace(not_saved=saved.finish(result.frame))
        return result

    return run_then(perform, site.close)  # which an interrupt may have kept the stack from calling


def _check_number(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageError(f"{name} is how many accounts at a time, 1 or more, not {value}.")


def _venue(on: str | Executor, work: Work, region: str | None, site: Site) -> Venue:
    if isinstance(on, Executor):
        client = getattr(on, "_client", None)
        if type(on).__module__.partition(".")[0] == "distributed" and client is not None:
            return _cluster(client, work, region, site)
        return pool_of(on, work, lambda: packed(work), region, site.open_line)
    if on == "threads":
        return Threads(work, region)
    if on == "processes":
        from sso_magic.each.places.processes import Processes

        return Processes(packed(work), region, site.open_line())
    if on == "dask":
        return _cluster(_current_client(), work, region, site)
    raise UsageError(f"It runs on {', '.join(PLACES)} or an executor, not on {on!r}.")


def _cluster(client: Any, work: Work, region: str | None, site: Site) -> Venue:
    from sso_magic.each.places.dask import Cluster

    site.venue = cluster = Cluster(client, packed(work), region)  # before it opens: the site closes it in any case
    cluster.open()
    return cluster


def _current_client() -> Any:
    try:
        from sso_magic.dask_cluster.clients import current_client
    except ImportError:
        raise UsageError('Dask is not installed: pip install "sso-magic[dask]"') from None
    return current_client()


def _result(
    selection: Selection,
    outcomes: dict[str, Outcome],
    known: dict[tuple[str, str | None], Row],
    *,
    was_stopped: bool,
) -> Result:
    """Put the tables together.

    Args:
        selection: Its order is the tables'.
        outcomes: What the tasks gave, by ticket.
        known: The results of an earlier run, by key; those outside the selection come last.
        was_stopped: Whether the run was interrupted.
    """
    not_begun = Outcome(failure=NOT_BEGUN)
    left = dict(known)
    rows = [
        left.pop(job.key, None) or Row(job.account, job.role_name, outcome.value, outcome.failure, job.region)
        for job in selection.jobs
        for outcome in [outcomes.get(job.ticket, not_begun)]
    ]
    rows += left.values()
    rows += [
        Row(account, selection.role_name, None, Failure("RolesUnknown", f"Its roles could not be listed: {reason}"))
        for account, reason in selection.unknown
    ]
    rows += [Row(job.account, job.role_name, None, failure) for job, failure in selection.without_regions]
    has_regions = selection.has_regions or any(row.region is not None for row in rows)
    tables = put_together(rows, has_regions=has_regions)
    unit = "task" if has_regions else "account"
    return Result(tables.frame, tables.errors, len(tables.succeeded), len(rows), was_stopped, unit, len(known))


def raise_if_all_failed(result: Result) -> None:
    """Raise an error if no account gave a result: a notebook must not go on with an empty table.

    Raises:
        SignInRequired: Every account failed with it.
        EachError: Not one account gave a result.
    """
    if result.succeeded or not result.total or result.was_stopped:
        return
    kinds = {(record["error"], record["message"]) for record in result.errors}
    error, message = max(kinds, key=lambda kind: _count(result.errors, *kind))
    if {kind for kind, _ in kinds} == {SignInRequired.__name__}:
        raise SignInRequired(message)
    number = _count(result.errors, error, message)
    which = f"All {result.total:,} {result.unit}s" if result.total > 1 else f"The one {result.unit}"
    of_them = f", {number:,} of them" if number < result.total else ""
    line = next(record["line"] for record in result.errors if (record["error"], record["message"]) == (error, message))
    where = f" (line {line})" if line else ""
    hint = " Choose one with --region or --regions; region= or regions= in Python." if error == "NoRegionError" else ""
    raise EachError(f"{which} failed{of_them} with {error}: {message}{where}{hint}", result.errors)


def _count(errors: list[dict[str, Any]], error: str, message: str) -> int:
    return sum(record["error"] == error and record["message"] == message for record in errors)
