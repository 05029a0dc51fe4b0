"""Which account and which role a person means: never a guess.

An account is its 12 digits, its name, or any words that fit one account alone. A whole name wins over being a part of
a longer one: ``payments-prod`` is itself although there is a ``payments-prod-eu``. Two that fit equally well are an
error that lists them; none is an error with the nearest names.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeVar

from sso_magic.common.text import printable
from sso_magic.errors import AccountNotFound, Ambiguous, RoleNotFound
from sso_magic.inventory.search_index import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sso_magic.inventory.rows import Account

T = TypeVar("T")

LISTED = 10  # candidates an error names
NEAREST = 5
_NEAR = 0.6  # how alike a name must be to be suggested (difflib's ratio)

# What Identity Center calls the IAM role of a permission set in an account, alone or in an ARN.
_IAM_ROLE = re.compile(r"(?:^|/)AWSReservedSSO_(?P<role>[\w+=,.@-]{1,32})_[0-9a-fA-F]{16}(?:$|/)")


def find_account(accounts: Sequence[Account], text: str) -> Account:
    """Resolve text to one account.

    Args:
        accounts: Those there are.
        text: 12 digits, a name, or words that the name, the id or the address of one account only contains (case
            ignored).

    Raises:
        Ambiguous: Several fit; lists them.
        AccountNotFound: None fits; has the nearest names.
    """
    text = text.strip()
    if not text:
        raise AccountNotFound("No account is named. Type its name or its 12 digits; %sso_accounts lists them.")
    for fitting in _accounts_that_fit(accounts, text):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise Ambiguous(_several(text, fitting))
    raise AccountNotFound(_no_account(accounts, text))


def account_digits(text: str) -> str | None:
    """Return the 12 digits of an account id, which the AWS console shows as 1111-1111-1101; None if it is none."""
    digits = re.sub(r"[-\u2010-\u2015\u2212\s]", "", text)
    return digits if re.fullmatch(r"[0-9]{12}", digits) else None


def _accounts_that_fit(accounts: Sequence[Account], text: str) -> Iterator[list[Account]]:
    """The accounts that fit, from the strictest reading of the text to the loosest."""
    yield [account for account in accounts if account.account_id == text]
    yield [account for account in accounts if account.account_name == text]
    digits = account_digits(text)
    yield [account for account in accounts if account.account_id == digits]
    folded, words = fold(text), fold(text).split()
    yield [account for account in accounts if fold(account.account_name or "") == folded]
    yield [account for account in accounts if fold(account.email_address or "") == folded]
    yield [account for account in accounts if _stand_in(words, account.account_name, account.account_id)]
    yield [
        account
        for account in accounts
        if _stand_in(words, account.account_name, account.account_id, account.email_address)
    ]


def _stand_in(words: Sequence[str], *columns: str | None) -> bool:
    text = fold("\n".join(column for column in columns if column))
    return all(word in text for word in words)


def _several(text: str, fitting: Sequence[Account]) -> str:
    listed = _listed([_both(account) for account in fitting])
    if len({account.account_name for account in fitting}) == 1:
        return f"{_quoted(text)} is the name of {len(fitting)} accounts: {listed}. Give the 12 digits."
    return f"{_quoted(text)} fits {len(fitting)} accounts: {listed}. Type more of the name, or the 12 digits."


def _no_account(accounts: Sequence[Account], text: str) -> str:
    if not accounts:
        return f"No account {_quoted(text)}: no account is assigned to you. Contact your AWS administrator."
    if re.fullmatch(r"[\d-]+", text):
        digits = text.replace("-", "")
        near = difflib.get_close_matches(digits, [account.account_id for account in accounts], NEAREST, 0.8)
        suggestion = _listed([_both(account) for account in accounts if account.account_id in near])
    else:
        suggestion = _listed(nearest(text, [account.account_name for account in accounts if account.account_name]))
    hint = f"Nearest: {suggestion}. " if suggestion else ""
    return f"No account {_quoted(text)} among your {len(accounts):,}. {hint}%sso_accounts lists them."


def find_role(account: Account, role_names: Sequence[str], text: str | None = None) -> str:
    """Resolve text to one role of an account.

    Args:
        account: The account it is in.
        role_names: Those there are in it.
        text: A role's name or a part that fits one role alone (case ignored); also the name or ARN of its IAM role,
            ``AWSReservedSSO_<role>_<16 hex digits>``. None: the only role there is.

    Raises:
        Ambiguous: Several fit, or there are several and none is named; lists them.
        RoleNotFound: None fits; lists those there are.
    """
    where = printable(account.label)
    if not role_names:
        raise RoleNotFound(f"You have no role in {where}. %sso_accounts lists the accounts that you have roles in.")
    wanted = (text or "").strip()
    if not wanted:
        if len(role_names) == 1:
            return role_names[0]
        raise Ambiguous(f"{where} has {len(role_names)} roles: {_listed(role_names)}. Name one of them.")
    iam_role = _IAM_ROLE.search(wanted)
    name = iam_role["role"] if iam_role else wanted
    for fitting in _roles_that_fit(role_names, name, whole=iam_role is not None):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise Ambiguous(f"{_quoted(wanted)} fits {len(fitting)} roles in {where}: {_listed(fitting)}. Type more.")
    raise RoleNotFound(_no_role(where, role_names, wanted, name if iam_role else None))


def _roles_that_fit(role_names: Sequence[str], name: str, *, whole: bool) -> Iterator[list[str]]:
    yield [role for role in role_names if role == name]
    yield [role for role in role_names if fold(role) == fold(name)]
    if not whole:
        yield [role for role in role_names if fold(name) in fold(role)]


def _no_role(where: str, role_names: Sequence[str], wanted: str, permission_set: str | None) -> str:
    near = nearest(permission_set or wanted, role_names)
    shown = f"Nearest: {_listed(near)}." if near else f"Your roles there: {_listed(role_names)}."
    if permission_set is None:
        return f"You have no role {_quoted(wanted)} in {where}. {shown}"
    return (
        f"{_quoted(wanted)} is the IAM role behind the permission set {permission_set}, which is not assigned to you "
        f"in {where}. {shown}"
    )


def nearest(text: str, names: Sequence[str]) -> list[str]:
    """The names most like the text, case ignored, the most alike first; at most five."""
    by_folded: dict[str, str] = {}
    for name in names:
        by_folded.setdefault(fold(name), name)
    return [by_folded[near] for near in difflib.get_close_matches(fold(text), by_folded, NEAREST, _NEAR)]


def nothing_contains(accounts: Sequence[Account], words: str | Sequence[str], role_names: Iterable[str] = ()) -> str:
    """Return the line for a search that found nothing: what was looked for, and the names that are near.

    Args:
        accounts: The accounts that were searched.
        words: What was looked for.
        role_names: The roles that were searched as well.
    """
    wanted = words.split() if isinstance(words, str) else list(words)
    roles = list(role_names)
    names = [account.account_name for account in accounts if account.account_name] + roles
    parts = {part for name in names for part in [name, *re.split(r"[\W_]+", name)] if part}
    near = dict.fromkeys(nearest(" ".join(wanted), names))
    for word in wanted:
        for part in nearest(word, sorted(parts)):
            near |= dict.fromkeys(name for name in names if part in name)
    said = " and ".join(map(_quoted, wanted))
    hint = f"Nearest: {_listed(list(near)[:NEAREST])}." if near else f"%sso_accounts lists all {len(accounts):,}."
    return f"No account{' or role' if roles else ''} contains {said}. {hint}"


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(printable(item) for item in items[:LISTED])
    return f"{shown} and {len(items) - LISTED:,} more" if len(items) > LISTED else shown


def _both(account: Account) -> str:
    return f"{account.account_name} ({account.account_id})" if account.account_name else account.account_id


def _quoted(text: str) -> str:
    return f"'{printable(text)}'"
