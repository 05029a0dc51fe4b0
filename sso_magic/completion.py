"""TAB in a magic's line: sessions, accounts, roles, options. From what is cached, never from the network.

A matcher of IPython's second kind behaves alike in IPython 8 and 9 and with Jedi on, which ``set_hook`` does not.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, SimpleMatcherResult, context_matcher

from sso_magic.errors import SSOMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.completer import CompletionContext

    from sso_magic.inventory import Account
    from sso_magic.magics import SSOMagics

_HEAD = re.compile(r"^\s*(?:[\w.]+\s*=\s*)?%{0,2}(sso_\w+)\s+")
_WORD = re.compile(r"""("[^"]*"|'[^']*'|[^\s"']\S*)\s+""")
_TAKES_VALUE = {"--region", "--session", "-s", "--into", "--accounts", "--workers", "--on"}
LIMIT = 200  # more than a menu can show


def matcher(magics: SSOMagics) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """The matcher of these magics, to be put among the completer's ``custom_matchers``."""

    @context_matcher(identifier="sso_magic")
    def sso_magic_matcher(context: CompletionContext) -> SimpleMatcherResult:
        line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
        head = _HEAD.match(line)
        if not head:
            return SimpleMatcherResult(completions=[])  # type: ignore[typeddict-item]
        words, fragment = _split(line[head.end() :])
        try:
            pool = [*_candidates(magics, head[1], words, fragment)]
        except SSOMagicError:
            pool = []  # a broken configuration is told by the magic, not by TAB
        return {
            "completions": [SimpleCompletion(text=_quote(name), type=kind) for name, kind in pool[:LIMIT]],
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
            "do_not_suppress": set(),
        }

    return sso_magic_matcher


def is_ours(candidate: object) -> bool:
    """Whether a matcher was made here."""
    return getattr(candidate, "matcher_identifier", None) == "sso_magic"


def _split(rest: str) -> tuple[list[str], str]:
    """The words that are finished, without options and their values, and the one that is being typed."""
    words: list[str] = []
    skip = False
    while match := _WORD.match(rest):
        word = match[1].strip("\"'")
        if not skip and not word.startswith("-"):
            words.append(word)
        skip = match[1] in _TAKES_VALUE
        rest = rest[match.end() :]
    return words, rest


def _candidates(magics: SSOMagics, magic: str, words: list[str], fragment: str) -> Iterable[tuple[str, str]]:
    if fragment.startswith("-"):
        return _starting(_options(magics, magic), fragment, "option")
    want = fragment.lstrip("\"'")
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


def _options(magics: SSOMagics, magic: str) -> list[str]:
    shell = magics.shell
    parser = getattr(shell.find_line_magic(magic) or shell.find_cell_magic(magic), "parser", None) if shell else None
    if parser is None:
        return []
    return [option for action in parser._actions for option in action.option_strings if option.startswith("--")]  # noqa: SLF001 - argparse has no public list


def _sessions() -> list[str]:
    from sso_magic.status import known_sessions

    return [session.label for session in known_sessions()]


def _accounts(magics: SSOMagics, want: str) -> list[tuple[str, str]]:
    """Accounts by name, those that begin with the fragment first; by id where there is no name."""
    accounts = magics.center().directory.cached_accounts() or ()
    return _containing([_word(account) for account in accounts], want, "account")


def _word(account: Account) -> str:
    """Its name; its id where it has none, or one that begins like an option."""
    name = account.account_name
    return account.account_id if not name or name.startswith("-") else name


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


def _quote(name: str) -> str:
    """The name as a word of a magic's line, which is split as a shell splits it."""
    if not re.search(r"""[\s"'#\\]""", name):
        return name
    return shlex.quote(name) if '"' in name or "\\" in name else f'"{name}"'
