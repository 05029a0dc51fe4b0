"""What was probably meant where an account, a role or a profile is not found: the line to type instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common import lexer
from sso_magic.config.files import load_shared_config
from sso_magic.errors import AccountNotFound, Ambiguous, RoleNotFound, SSOMagicError
from sso_magic.inventory import find_account, find_role, nearest

if TYPE_CHECKING:
    import argparse

    from sso_magic.inventory import Account, Inventory

FIND_ERRORS = (AccountNotFound, RoleNotFound, Ambiguous)


def improved(error: SSOMagicError, directory: Inventory, args: argparse.Namespace) -> SSOMagicError:
    """Return the error with the line that was probably meant; the error itself if none is known.

    Args:
        error: An error of finding an account or a role.
        directory: The inventory in which it was looked for; only what is cached is looked at.
        args: The line, with ``magic``, ``account`` and, if the magic has one, ``role``.
    """
    role = getattr(args, "role", None)
    if role:
        return _if_swapped(error, directory, args.magic, args.account, role) or error
    if not isinstance(error, AccountNotFound):
        return error
    name = _exact_role(directory, args.account)
    if name is not None:
        takes_role = hasattr(args, "role")
        line = f"{args.magic} ACCOUNT {lexer.quote(name) or name}" if takes_role else f"{args.magic} ACCOUNT"
        return type(error)(f"'{name}' is a role and no account. Name the account first: {line}")
    profiles = _near_profiles(args.account) if takes_profile(args) else []
    if profiles:
        lines = ", ".join(f"{args.magic} {lexer.quote(name) or name}" for name in profiles)
        return type(error)(f"{str(error).rstrip('.')}. Profiles of a similar name: {lines}")
    return error


def takes_profile(args: argparse.Namespace) -> bool:
    """Return True if the magic's line may name a profile in the place of an account."""
    return args.magic in {"%sso_use", "%%sso_as"} and getattr(args, "session", None) is None


def swapped_in_each(error: RoleNotFound, directory: Inventory, role: str, words: str) -> RoleNotFound:
    """Return the error of ``%%sso_each``, whose role comes first, with the line that was probably meant."""
    name = _exact_role(directory, words)
    account = _account(directory, role)
    if name is None or account is None:
        return error
    return RoleNotFound(
        f"'{role}' is an account and no role; the role comes first. Did you mean %%sso_each "
        f"{lexer.quote(name) or name} {_word(account)}?"
    )


def _if_swapped(
    error: SSOMagicError, directory: Inventory, magic: str, account: str, role: str
) -> SSOMagicError | None:
    found = _account(directory, role)
    if found is None:
        return None
    cached = directory.cached_roles(found.account_id)
    if cached is not None:
        try:
            name = find_role(found, cached, account)
        except SSOMagicError:
            return None
    elif isinstance(error, AccountNotFound):
        name = account
    else:
        return None
    line = f"{magic} {_word(found)} {lexer.quote(name) or name}"
    return type(error)(f"'{account}' is not an account; the account comes before the role. Did you mean {line}?")


def _account(directory: Inventory, text: str) -> Account | None:
    try:
        return find_account(directory.cached_accounts() or (), text)
    except SSOMagicError:
        return None


def _word(account: Account) -> str:
    """The account as a word of a line: its name, or its id if the name is none."""
    return (lexer.quote(account.account_name) if account.account_name else None) or account.account_id


def _exact_role(directory: Inventory, text: str) -> str | None:
    """The role of this name in any account, case ignored; None if there is none."""
    snapshot = directory.cached()
    names = {name for names in snapshot.roles.values() for name in names} if snapshot else set()
    return next((name for name in sorted(names) if name.casefold() == text.casefold()), None)


def _near_profiles(text: str) -> list[str]:
    """The names of profiles of SSO that are like the text."""
    config = load_shared_config()
    usable = [
        name
        for name, settings in config.profiles.items()
        if settings.get("sso_account_id") or settings.get("source_profile")
    ]
    return [name for name in nearest(text, usable) if lexer.quote(name) is not None][:3]
