"""A question before a cell runs as an administrator in production accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common.text import printable
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sso_magic.each.accounts import Job

_NAMED = 5  # accounts that the question names


def confirm(
    jobs: Iterable[Job], is_administrator: Callable[[str], bool], is_production: Callable[[str | None, str], bool]
) -> None:
    """Ask the person if jobs are in production accounts and their role looks like an administrator's.

    Args:
        jobs: What is going to run.
        is_administrator: Whether the name of a role looks like an administrator's.
        is_production: Whether an account, by name and id, is marked as production.

    Raises:
        UsageError: The answer is no, or there is no person to ask.
    """
    accounts: dict[str, str] = {}
    roles: dict[str, None] = {}
    for job in jobs:
        account = job.account
        if is_administrator(job.role_name) and is_production(account.account_name, account.account_id):
            accounts[account.account_id] = printable(account.label)
            roles[printable(job.role_name)] = None
    if not accounts:
        return
    from sso_magic.display import has_person

    where = f"{len(accounts):,} production account{'' if len(accounts) == 1 else 's'} ({_listed([*accounts.values()])})"
    if not has_person():
        raise UsageError(
            f"The cell would run as {' and '.join(roles)} in {where}, and there is no person to confirm it. Add --yes."
        )
    try:
        answer = input(f"Run this cell as {' and '.join(roles)} in {where}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().casefold() not in {"y", "yes"}:
        raise UsageError("Not confirmed: nothing was run. Answer y, or leave accounts out with --exclude.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown
