"""``%%sso_each``: reads the line, runs the cell in every account, shows what came of it."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, cell_magic, magics_class
from traitlets import Unicode

from sso_magic.magics.line import parse, said_when_interrupted, silenced_by_semicolon
from sso_magic.magics.options import argument, region, session_option, with_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.each.accounts import Selection
    from sso_magic.each.cell import CellWork
    from sso_magic.each.run import Result
    from sso_magic.each.table import Row
    from sso_magic.magics.magics import SSOMagics


@magics_class
class EachMagics(Magics):
    """One cell, many accounts.

    Args:
        shell: The running IPython.
        magics: The other magics: they know which Identity Center is meant.
    """

    def __init__(self, shell: InteractiveShell, magics: SSOMagics) -> None:
        super().__init__(shell)
        self._magics = magics

    administrator = Unicode(
        "(?i)admin|superuser|root",
        help="Roles whose name this finds are an administrator's: cells ask first; empty: none.",
    ).tag(config=True)

    @with_arguments
    @argument("role", nargs="?", metavar="ROLE", help="the role, wherever it is granted to you")
    @argument("words", nargs="*", metavar="WORDS", help="only accounts that contain all of these in id, name or email")
    @argument("--role", dest="roles", metavar="ROLE,ROLE", help="instead of ROLE: the first of these that is granted")
    @argument("--regions", metavar="REGION,REGION", help="once in each of these regions; all: in each enabled one")
    @argument("--accounts", metavar="EXPR", help="only these: Python for ids, names, or a DataFrame with account_id")
    @argument("--exclude", action="append", metavar="WORDS", help="leave out accounts that contain these; repeatable")
    @argument("--workers", type=int, metavar="N", help="tasks at a time; 16 on threads")
    @argument("--per-account", type=int, metavar="N", help="tasks at a time in one account; 4")
    @argument("--save", metavar="PATH.parquet", help="keep each result in this Parquet file when it is there")
    @argument("--resume", action="store_true", help="go on with the run in --save or --into: what is missing or failed")
    @argument("--into", metavar="NAME", help="put the results in NAME and the errors in NAME_errors")
    @argument("--on", choices=("threads", "processes", "dask"), default="threads", help="where it runs")
    @argument("--region", type=region, metavar="REGION", help="the region of session")
    @argument("--dry-run", action="store_true", help="list accounts and regions, run nothing")
    @argument("--yes", action="store_true", help="run as an administrator in production without a question")
    @session_option
    @cell_magic
    @silenced_by_semicolon
    def sso_each(self, line: str, cell: str) -> pd.DataFrame | None:
        """Run this cell once an account, many at a time; its last expression becomes rows of one DataFrame.

        In the cell there are session (a boto3 session of that account and role), credentials, account (id, name,
        email), role, region if there are --regions, and a copy of the notebook's namespace. boto3, s3fs, pandas,
        pyarrow, polars, deltalake, threads and child processes that the cell makes use the account's role too. A client
        that the notebook made before stays the notebook's. The notebook's role and environment do not change: code that
        reads os.environ itself, or a library with a reader of its own in Rust or C++, finds the notebook's role there.
        Run those with --on processes, where each account has an environment of its own.

        What fails keeps its error in a second table, and the rest goes on. Stopping the cell returns what is there.
        --accounts NAME_errors runs those again that failed or were stopped.

        --regions runs the cell in each of these regions of each account, with a column region in front. A region that
        an account has not enabled is skipped and counted; an account is asked for its regions once a day. --exclude
        takes commas, too: --exclude "sandbox, payments dev". A role whose name looks like an administrator's
        (EachMagics.administrator) asks before it runs in an account that SSOMagics.production marks; without a person
        that needs --yes. Where no region is configured, most services need --region or --regions: without it boto3
        raises NoRegionError.

        --resume runs what is missing or failed in NAME of --into, or in the file of --save. The file keeps each result
        when it is there: a kernel that ends in the middle loses none of them. Tasks that were running then run again.

        role.records("ec2", "describe_instances", "Reservations[].Instances[]") is a call with all its pages as a
        DataFrame.

        Examples::

            %%sso_each ReadOnly
            session.client("s3").list_buckets()["Buckets"]

            %%sso_each ReadOnly payments prod --into costs
            pd.DataFrame(session.client("ce").get_cost_and_usage(...)["ResultsByTime"])

            %%sso_each ReadOnly --accounts costs_errors --into more
            %%sso_each ReadOnly --regions eu-west-1,us-east-1 --exclude sandbox
            %%sso_each ReadOnly --save volumes.parquet --resume
            %%sso_each --role ReadOnly,ViewOnly --regions all --dry-run
        """
        args = parse(self.sso_each, line)
        _read_role(self.sso_each, args)
        from sso_magic.display import say
        from sso_magic.each.accounts import select
        from sso_magic.each.guard import confirm
        from sso_magic.each.regions import in_regions, places
        from sso_magic.magics import each_text

        shell = cast("InteractiveShell", self.shell)
        _check_name(args.into)
        accounts = None if args.accounts is None else _evaluated(shell, args.accounts)
        named = places(accounts)
        earlier = _earlier(shell, args)
        work = _work(shell, cell, has_regions=args.regions is not None or named is not None)
        center = self._magics.center(args.session)
        exclude = [text for texts in args.exclude or () for text in texts.split(",")]
        with said_when_interrupted(args.magic):
            selection = select(center, args.role, " ".join(args.words), accounts, exclude=exclude, progress=True)
        if not (args.dry_run or args.yes):
            confirm(selection.jobs, self._is_administrator, self._is_production)
        with said_when_interrupted(args.magic):
            selection = in_regions(
                center, selection, args.regions, named, region=args.region, workers=args.workers, progress=True
            )
        if args.dry_run:
            say(each_text.would_run(selection))
            say(each_text.expected_calls(center, selection))
            return selection.frame()
        result = self._run(work, selection, args, earlier)
        _keep(shell, args.into, result)
        _raise_if_all_failed(result, args.into)
        each_text.show_result(result, selection, args.into)
        return None if args.into else result.frame

    def _run(
        self,
        work: CellWork,
        selection: Selection,
        args: argparse.Namespace,
        earlier: Sequence[Row],
    ) -> Result:
        from sso_magic.each.crew import PER_ACCOUNT
        from sso_magic.each.run import run

        return run(
            self._magics.center(args.session),
            work,
            selection,
            on=args.on,
            workers=args.workers,
            per_account=PER_ACCOUNT if args.per_account is None else args.per_account,
            region=args.region,
            earlier=earlier,
            save=args.save,
            resume=args.resume,
        )

    def _is_administrator(self, role_name: str) -> bool:
        from sso_magic.display.production import check_pattern

        return bool(check_pattern(self.administrator, "EachMagics.administrator", "(?i)admin").search(role_name))

    def _is_production(self, account_name: str | None, account_id: str) -> bool:
        from sso_magic.display.production import marks

        return marks(self._magics.production, account_name, account_id)


def _read_role(magic: Callable[..., Any], args: argparse.Namespace) -> None:
    """Take ``--role`` for the role; the first word of the line is then one of the accounts' words.

    Raises:
        UsageError: There is no role, or an option contradicts another.
    """
    from sso_magic.errors import UsageError
    from sso_magic.magics.parsing import usage

    if args.roles is not None:
        args.words = [*([args.role] if args.role is not None else []), *args.words]
        args.role = args.roles
    if args.role is None:
        raise UsageError(f"ROLE is missing. Usage: {usage(magic.parser, args.magic)}; {args.magic}? shows help.")  # type: ignore[attr-defined]
    if args.region is not None and args.regions is not None:
        raise UsageError("--region and --regions contradict each other. Leave one of them out.")


def _earlier(shell: InteractiveShell, args: argparse.Namespace) -> list[Row]:
    """The results that ``--resume`` goes on with, of those in memory; the others are in the file.

    Raises:
        UsageError: It does not say which run is meant, or NAME is no table of a run.
    """
    if not args.resume:
        return []
    if args.into is None and args.save is None:
        from sso_magic.errors import UsageError

        raise UsageError("--resume goes on with a run that --into NAME or --save PATH.parquet names. Add one of them.")
    if args.into is None or args.into not in shell.user_ns:
        return []
    from sso_magic.each.saved import rows_of

    return rows_of(shell.user_ns[args.into])


def _work(shell: InteractiveShell, cell: str, *, has_regions: bool) -> CellWork:
    from sso_magic.each.cell import NAMES, REGION_NAMES, CellWork, needed, own_functions
    from sso_magic.each.traps import refuse_own_names

    notebook = dict(shell.user_ns)
    given = REGION_NAMES if has_regions else NAMES
    work = CellWork(cell, notebook, own_functions(shell.user_ns), given)
    refuse_own_names(needed(work.code, notebook, given), notebook, given)
    return work


def _check_name(name: str | None) -> None:
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        from sso_magic.errors import UsageError

        raise UsageError(f"--into {name} is not a valid Python name. Type --into costs, for example.")


def _evaluated(shell: InteractiveShell, expression: str) -> Any:
    try:
        return shell.ev(expression)
    except Exception as error:  # noqa: BLE001 - whatever the person's own expression raises
        from sso_magic.errors import UsageError

        raise UsageError(
            f"--accounts {expression}: {type(error).__name__}: {error}. It is Python for ids or names, as in "
            "--accounts \"['data-lake']\", or for a DataFrame with account_id."
        ) from None


def _keep(shell: InteractiveShell, name: str | None, result: Result) -> None:
    if name is not None:
        from sso_magic.each.table import errors_frame

        shell.push({name: result.frame, f"{name}_errors": errors_frame(result.errors)})


def _raise_if_all_failed(result: Result, name: str | None) -> None:
    from sso_magic.each.run import raise_if_all_failed
    from sso_magic.errors import EachError, SignInRequired

    try:
        raise_if_all_failed(result)
    except (EachError, SignInRequired):
        from sso_magic.magics.each_text import show_errors

        show_errors(result.errors, name)
        raise
