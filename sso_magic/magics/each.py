"""``%%sso_each``: reads the line, runs the cell in every account, shows what came of it."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument

from sso_magic.common.text import printable
from sso_magic.errors import EachError, SignInRequired, UsageError
from sso_magic.magics.line import parse, silenced_by_semicolon
from sso_magic.magics.options import region, session_option, with_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.each.accounts import Selection
    from sso_magic.each.cell import CellWork
    from sso_magic.each.run import Result
    from sso_magic.magics.magics import SSOMagics

_NAMED = 3  # accounts that a line of the error table names
_KINDS = 10  # lines of the error table


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

    @with_arguments
    @argument("role", metavar="ROLE", help="the role, wherever it is granted to you")
    @argument("words", nargs="*", metavar="WORDS", help="only accounts that contain all of these in id, name or email")
    @argument("--accounts", metavar="EXPR", help="only these: Python for ids, names, or a DataFrame with account_id")
    @argument("--workers", type=int, metavar="N", help="accounts at a time; 16 on threads")
    @argument("--into", metavar="NAME", help="put the results in NAME and the errors in NAME_errors")
    @argument("--on", choices=("threads", "processes", "dask"), default="threads", help="where it runs")
    @argument("--region", type=region, metavar="REGION", help="the region of session")
    @argument("--dry-run", action="store_true", help="list the accounts, run nothing")
    @session_option
    @cell_magic
    @silenced_by_semicolon
    def sso_each(self, line: str, cell: str) -> pd.DataFrame | None:
        """Run this cell once an account, many at a time; its last expression becomes rows of one DataFrame.

        In the cell there are session (a boto3 session of that account and role), credentials, account (id, name,
        email), and a copy of the notebook's namespace. boto3, s3fs, pandas, pyarrow, polars, deltalake, threads and
        child processes that the cell makes use the account's role too. A client that the notebook made before stays
        the notebook's. The notebook's role and environment do not change: code that reads os.environ itself, or a
        library with a reader of its own in Rust or C++, finds the notebook's role there. Run those with --on
        processes, where each account has an environment of its own.

        What fails keeps its error in a second table, and the rest goes on. Stopping the cell returns what is there.
        --accounts NAME_errors runs those again that failed or were stopped.

        Examples::

            %%sso_each ReadOnly
            session.client("s3").list_buckets()["Buckets"]

            %%sso_each ReadOnly payments prod --into costs
            pd.DataFrame(session.client("ce").get_cost_and_usage(...)["ResultsByTime"])

            %%sso_each ReadOnly --accounts costs_errors --into more
            %%sso_each ReadOnly --dry-run
        """
        args = parse(self.sso_each, line)
        from sso_magic.display import say
        from sso_magic.each.accounts import select

        shell = cast("InteractiveShell", self.shell)
        _check_name(args.into)
        work = _work(shell, cell)
        accounts = None if args.accounts is None else _evaluated(shell, args.accounts)
        selection = select(self._magics.center(args.session), args.role, " ".join(args.words), accounts, progress=True)
        if args.dry_run:
            say(_would_run(selection))
            return selection.frame()
        result = self._run(work, selection, args)
        _keep(shell, args.into, result)
        _raise_if_all_failed(result, args.into)
        _tell(result, selection, args.into)
        return None if args.into else result.frame

    def _run(self, work: CellWork, selection: Selection, args: argparse.Namespace) -> Result:
        from sso_magic.each.run import run

        return run(
            self._magics.center(args.session),
            work,
            selection,
            on=args.on,
            workers=args.workers,
            region=args.region,
        )


def _work(shell: InteractiveShell, cell: str) -> CellWork:
    from sso_magic.each.cell import NAMES, CellWork, needed, own_functions
    from sso_magic.each.traps import refuse_own_names

    notebook = dict(shell.user_ns)
    work = CellWork(cell, notebook, own_functions(shell.user_ns))
    refuse_own_names(needed(work.code, notebook), notebook, NAMES)
    return work


def _check_name(name: str | None) -> None:
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageError(f"--into {name} is not a valid Python name. Type --into costs, for example.")


def _evaluated(shell: InteractiveShell, expression: str) -> Any:
    try:
        return shell.ev(expression)
    except Exception as error:  # noqa: BLE001 - whatever the person's own expression raises
        raise UsageError(
            f"--accounts {expression}: {type(error).__name__}: {error}. It is Python for ids or names, as in "
            "--accounts \"['data-lake']\", or for a DataFrame with account_id."
        ) from None


def _would_run(selection: Selection) -> str:
    return f"Would run in {_accounts(len(selection.jobs))} as {printable(selection.role_name)}.{_left_out(selection)}"


def _left_out(selection: Selection) -> str:
    parts = []
    if selection.without_role:
        were = "was" if selection.without_role == 1 else "were"
        parts.append(
            f" {_accounts(selection.without_role)} {were} left out: no {printable(selection.role_name)} there."
        )
    if selection.unknown:
        parts.append(f" The roles in {_accounts(len(selection.unknown))} could not be listed.")
    return "".join(parts)


def _keep(shell: InteractiveShell, name: str | None, result: Result) -> None:
    if name is not None:
        from sso_magic.each.table import errors_frame

        shell.push({name: result.frame, f"{name}_errors": errors_frame(result.errors)})


def _raise_if_all_failed(result: Result, name: str | None) -> None:
    from sso_magic.each.run import raise_if_all_failed

    try:
        raise_if_all_failed(result)
    except (EachError, SignInRequired):
        _show_errors(result.errors, name)
        raise


def _tell(result: Result, selection: Selection, name: str | None) -> None:
    """One line of what was done, and a short table of what failed."""
    from sso_magic.display import say

    rows = len(result.frame)
    text = f"{rows:,} row{'' if rows == 1 else 's'} from {result.succeeded:,} of {_accounts(result.total)}"
    text = f"Stopped: {text}" if result.was_stopped else text
    text += f" as {printable(selection.role_name)}" + (f", in {name}." if name else ".")
    say(text + _left_out(selection))
    _show_errors(result.errors, name)


def _show_errors(errors: Sequence[Mapping[str, Any]], name: str | None) -> None:
    """What failed: accounts with the same error in one line."""
    if not errors:
        return
    from sso_magic.display import say, table

    kinds: dict[tuple[str, str, int | None], list[str]] = {}
    for record in errors:
        kind = (record["error"], record["message"], record["line"])
        kinds.setdefault(kind, []).append(record["account_name"] or record["account_id"])
    most_first = sorted(kinds.items(), key=lambda item: -len(item[1]))
    rows = [
        (_listed(names), error, f"{message} (line {line})" if line else message)
        for (error, message, line), names in most_first[:_KINDS]
    ]
    if len(most_first) > _KINDS:
        rows.append((f"{sum(len(names) for _, names in most_first[_KINDS:]):,} more", "...", ""))
    say(*table(("failed", "error", "message"), rows))
    where = f"{name}_errors" if name else 'attrs["errors"] of the result'
    again = f"; --accounts {name}_errors runs them again" if name else ""
    say(f"All of it, with tracebacks, is in {where}{again}.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def _accounts(number: int) -> str:
    return f"{number:,} account{'' if number == 1 else 's'}"
