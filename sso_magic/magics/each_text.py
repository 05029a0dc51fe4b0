"""What ``%%sso_each`` says: what it would run, what it left out, results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.common.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.each.accounts import Selection
    from sso_magic.each.run import Result


_NAMED = 3  # accounts that a line of the error table names


_KINDS = 10  # lines of the error table


def would_run(selection: Selection) -> str:
    """Return where a cell would run, and what is left out."""
    where = f"in {_accounts(len(selection.jobs))}"
    if selection.has_regions:
        where = f"{_count(len(selection.jobs), 'task')} ({_where(selection)})"
    return f"Would run {where} as {printable(selection.role_name)}.{_left_out(selection)}"


def expected_calls(center: IdentityCenter, selection: Selection) -> str:
    """Return how many calls a run makes, and how many role credentials are cached."""
    from sso_magic.credentials import role_credentials as credentials

    roles = {(job.account.account_id, job.account.account_name, job.role_name) for job in selection.jobs}
    cached = sum(credentials.load(center.session, *role) is not None for role in roles)
    text = f"Expected calls: {len(selection.jobs):,} of the cell, {len(roles) - cached:,} of GetRoleCredentials"
    return f"{text} ({cached:,} cached)." if cached else f"{text}."


def _where(selection: Selection) -> str:
    return f"{_accounts(selection.accounts)}, {_count(selection.regions, 'region')}"


def _left_out(selection: Selection) -> str:
    parts = []
    if selection.without_role:
        were = "was" if selection.without_role == 1 else "were"
        parts.append(
            f" {_accounts(selection.without_role)} {were} left out: no {printable(selection.role_name)} there."
        )
    if selection.excluded:
        were = "was" if selection.excluded == 1 else "were"
        parts.append(f" {_accounts(selection.excluded)} {were} excluded.")
    if selection.unmatched:
        parts.append(f" No account contains {_quoted(selection.unmatched)}, to be excluded.")
    if selection.not_granted:
        parts.append(f" {_quoted(selection.not_granted)} is granted to you nowhere.")
    if selection.unknown:
        parts.append(f" The roles in {_accounts(len(selection.unknown))} could not be listed.")
    if selection.not_enabled:
        were = "was" if selection.not_enabled == 1 else "were"
        parts.append(f" {_count(selection.not_enabled, 'region')} {were} skipped: not enabled in the account.")
    if selection.without_regions:
        parts.append(f" The regions of {_accounts(len(selection.without_regions))} could not be listed.")
    return "".join(parts)


def _quoted(texts: Sequence[str]) -> str:
    return " or ".join(f"'{printable(text)}'" for text in texts)


def show_result(result: Result, selection: Selection, name: str | None) -> None:
    """One line of what was done, and a short table of what failed."""
    from sso_magic.display import say

    rows = len(result.frame)
    text = f"{_count(rows, 'row')} from {result.succeeded:,} of {_count(result.total, result.unit)}"
    text += f" ({_where(selection)})" if selection.has_regions else ""
    text = f"Stopped: {text}" if result.was_stopped else text
    text += f" as {printable(selection.role_name)}" + (f", in {name}." if name else ".")
    if result.earlier:
        text += f" {_count(result.earlier, result.unit)} {'was' if result.earlier == 1 else 'were'} done before."
    say(text + _left_out(selection))
    if result.not_saved is not None:
        say(f"The results are not in the file of --save: {result.not_saved}.")
    show_errors(result.errors, name)


def show_errors(errors: Sequence[Mapping[str, Any]], name: str | None) -> None:
    """What failed: accounts with the same error in one line."""
    if not errors:
        return
    from sso_magic.display import say, table

    kinds: dict[tuple[str, str, int | None], list[str]] = {}
    for record in errors:
        kind = (record["error"], record["message"], record["line"])
        kinds.setdefault(kind, []).append(_place(record))
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


def _place(record: Mapping[str, Any]) -> str:
    """How a line names an account, and the region in it."""
    account: str = record["account_name"] or record["account_id"]
    return f"{account} {record['region']}" if record.get("region") else account


def _accounts(number: int) -> str:
    return _count(number, "account")


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
