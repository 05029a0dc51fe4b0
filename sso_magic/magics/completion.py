"""TAB in a magic's line: sessions, accounts, roles, regions, options. From what is cached, never from the network."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, NamedTuple

from IPython.core.completer import SimpleCompletion, SimpleMatcherResult

from sso_magic.common import lexer
from sso_magic.common.text import printable
from sso_magic.errors import SSOMagicError
from sso_magic.magics.parsing import option, options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext

    from sso_magic.inventory import Account
    from sso_magic.magics.magics import SSOMagics

_HEAD = r"^\s*(?:[\w.]+\s*=\s*)?%{0,2}(sso_\w+)\s+"
LIMIT = 200  # more than a menu can show


def complete(magics: SSOMagics, context: CompletionContext) -> SimpleMatcherResult:
    """Return what IPython offers at the cursor, as one of its matchers does."""
    line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
    head = re.match(_HEAD, line)
    if not head:
        return SimpleMatcherResult(completions=[])  # type: ignore[typeddict-item]
    typed = _read(_parser(magics, head[1]), line[head.end() :])
    try:
        pool = [*_pool(magics, head[1], typed)] if typed is not None else []
    except SSOMagicError:
        pool = []  # the magic reports a broken configuration, TAB does not
    completions = [SimpleCompletion(text=text, type=kind) for name, kind in pool[:LIMIT] if (text := _word(name, kind))]
    return {
        "completions": completions,
        "matched_fragment": typed.fragment if typed is not None else "",
        "suppress": True,
        "ordered": True,
        "do_not_suppress": set(),
    }


class Typed(NamedTuple):
    """A line up to the cursor.

    Attributes:
        words: The positional arguments that are finished.
        fragment: What is being typed, as it is typed.
        want: The same without quotes.
        option: The option whose value is being typed; None if it is no value.
        is_option: True if the name of an option is being typed.
    """

    words: list[str]
    fragment: str
    want: str
    option: argparse.Action | None
    is_option: bool


def _parser(magics: SSOMagics, magic: str) -> argparse.ArgumentParser:
    shell = magics.shell
    function = shell.find_line_magic(magic) or shell.find_cell_magic(magic) if shell else None
    return getattr(function, "parser", None) or argparse.ArgumentParser(add_help=False)


def _read(parser: argparse.ArgumentParser, text: str) -> Typed | None:
    """Read a line up to the cursor; None in a comment."""
    line = lexer.split(text)
    if line.is_comment:
        return None
    typed = line.words.pop() if line.ends_inside and line.words else lexer.Word("", "")
    words: list[str] = []
    waiting: argparse.Action | None = None
    options_end = False
    for word in line.words:
        if waiting is not None:
            waiting = None
        elif word.raw == "--":
            options_end = True
        elif word.is_option and not options_end:
            action = option(parser, word.text)  # with `=` in it there is none, and no value to wait for
            waiting = action if action is not None and action.nargs != 0 else None
        else:
            words.append(word.text)
    name, equals, value = typed.raw.partition("=")
    if waiting is None and typed.is_option and not options_end and equals:
        return Typed(words, value, value.lstrip("\"'"), option(parser, name), is_option=False)
    is_option = waiting is None and typed.raw.startswith("-") and not options_end
    return Typed(words, typed.raw, typed.text, waiting, is_option)


def _pool(magics: SSOMagics, magic: str, typed: Typed) -> Iterable[tuple[str, str]]:
    if typed.is_option:
        return _starting(options(_parser(magics, magic)), typed.fragment, "option")
    return _candidates(magics, magic, typed) if typed.option is None else _values(magics, typed.option, typed.want)


def _candidates(magics: SSOMagics, magic: str, typed: Typed) -> Iterable[tuple[str, str]]:
    words, want = typed.words, typed.want
    if magic in {"sso_login", "sso_logout", "sso_doctor", "sso_panel"} and not words:
        return _starting(_sessions(), want, "session")
    if magic in {"sso_use", "sso_roles", "sso_as", "sso_console"}:
        if not words:
            return _accounts(magics, want)
        if len(words) == 1 and magic != "sso_roles":
            return _containing(_roles(magics, words[0]), want, "role")
    if magic in {"sso_accounts", "sso_inventory", "sso_profiles", "sso_each"}:
        of_roles = magic == "sso_each" and not words
        return _containing(_all_roles(magics), want, "role") if of_roles else _accounts(magics, want)
    return ()


def _values(magics: SSOMagics, action: argparse.Action, want: str) -> Iterable[tuple[str, str]]:
    """The values that an option takes, where they are known."""
    if action.dest in {"region", "sso_region"}:
        from sso_magic.common.regions import REGIONS

        return _starting(REGIONS, want, "region")
    if action.dest == "regions":
        from sso_magic.common.regions import REGIONS

        return _listed(_starting([*REGIONS, "all"], want.rpartition(",")[2], "region"), want)
    if action.dest == "roles":
        return _listed(_containing(_all_roles(magics), want.rpartition(",")[2], "role"), want)
    if action.dest == "session":
        return _starting(_sessions(), want, "session")
    return _starting(map(str, action.choices or ()), want, "value")


def _listed(found: Iterable[tuple[str, str]], want: str) -> list[tuple[str, str]]:
    """The last item of a list with commas, completed."""
    before, comma, _ = want.rpartition(",")
    return [(f"{before}{comma}{name}", kind) for name, kind in found]


def _sessions() -> list[str]:
    from sso_magic.center.shared import known_sessions

    return [session.label for session in known_sessions()]


def _accounts(magics: SSOMagics, want: str) -> list[tuple[str, str]]:
    """Accounts by name, those that begin with the fragment first; by id where there is no name."""
    accounts = magics.center().directory.cached_accounts() or ()
    return _containing([_called(account) for account in accounts], want, "account")


def _called(account: Account) -> str:
    """Its name; its id if it has none, or one that is no word of a line or hides signs."""
    name = account.account_name
    return (
        name
        if name and not name.startswith("-") and printable(name) == name and lexer.quote(name)
        else account.account_id
    )


def _roles(magics: SSOMagics, account: str) -> list[str]:
    from sso_magic.inventory import find_account

    directory = magics.center().directory
    found = find_account(directory.cached_accounts() or (), account)
    return list(directory.cached_roles(found.account_id) or ())


def _all_roles(magics: SSOMagics) -> list[str]:
    """The names of all roles that are known, in whatever account."""
    snapshot = magics.center().directory.cached()
    return sorted({name for names in snapshot.roles.values() for name in names}) if snapshot else []


def _starting(names: Iterable[str], want: str, kind: str) -> list[tuple[str, str]]:
    return [(name, kind) for name in names if name.casefold().startswith(want.casefold())]


def _containing(names: Iterable[str], want: str, kind: str) -> list[tuple[str, str]]:
    folded = want.casefold()
    hits = [name for name in dict.fromkeys(names) if folded in name.casefold()]
    return [(name, kind) for name in sorted(hits, key=lambda name: not name.casefold().startswith(folded))]


def _word(name: str, kind: str) -> str | None:
    """The name as a word of a line; None if it cannot be one."""
    return name if kind == "option" else lexer.quote(name)
