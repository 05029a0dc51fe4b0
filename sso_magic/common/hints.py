"""What a message tells a person to run: a magic in IPython, else the Python call or the command that does the same.

Messages are written with magics. Where no IPython shell runs, `for_caller` replaces each magic: in a script, and a test
or a job that is one, by a call; under the command ``sso-magic`` by a command, where there is one.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Style = Literal["magics", "python", "command"]

_forced: Style | None = None

# Words of a sentence that may follow a magic's name and are none of its arguments.
_PROSE = frozenset(
    {"a", "again", "and", "before", "finds", "first", "for", "goes", "if", "in", "is", "lists", "looks", "may", "names"}
    | {"on", "once", "or", "puts", "says", "shows", "tells", "that", "the", "then", "to", "until", "while", "with"}
)
_MAGIC = r"%{1,2}sso_([a-z]+)\??((?: +[^\s]+)*)"  # compiled by `re` when first needed: %load_ext does without it
_END = ".,;:)"
_COMMANDS = frozenset({"login", "logout"})
_OPTIONS_WITH_VALUE = frozenset({"--sso-region", "--region", "--save", "--at-least", "--role", "--template"})


def use_style(style: Style | None) -> None:
    """Set what messages name, whether or not a shell runs; None: by whether an IPython shell runs."""
    global _forced  # noqa: PLW0603 - one setting of the process
    _forced = style


def for_caller(text: str) -> str:
    """Return a message with each magic replaced by what its reader can run."""
    if "%sso_" not in text:
        return text
    style = _forced or ("magics" if _has_shell() else "python")
    return (
        text
        if style == "magics"
        else re.sub(_MAGIC, lambda match: _replaced(match[0], match[1], match[2], style), text)
    )


def _has_shell() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return get_ipython() is not None


def _replaced(whole: str, name: str, rest: str, style: Style) -> str:
    arguments, end, prose = _arguments(rest.split())
    after = rest.split()[prose:]
    tail = end + ("" if not after else " " + " ".join(after))
    if style == "command" and name in _COMMANDS:
        return " ".join(["sso-magic", name, *arguments]) + _translated(tail, style)
    call = _call(name, arguments)
    return f"{call}{_translated(tail, style)}" if call is not None else whole


def _translated(tail: str, style: Style) -> str:
    return re.sub(_MAGIC, lambda match: _replaced(match[0], match[1], match[2], style), tail)


def _arguments(words: Sequence[str]) -> tuple[list[str], str, int]:
    """Return the magic's arguments, the punctuation that ends them, and how many words they are."""
    arguments: list[str] = []
    for word in words:
        bare = word.rstrip(_END)
        if bare.lower() in _PROSE or word.startswith(("(", "%")) or not bare:
            break
        arguments.append(bare)
        if bare != word:
            return arguments, word[len(bare) :], len(arguments)
    return arguments, "", len(arguments)


def _call(name: str, arguments: Sequence[str]) -> str | None:
    """Return the Python call, or None if there is none for the magic."""
    plain, options = _parsed(arguments)
    first = repr(plain[0]).replace("'", '"') if plain else ""
    if name == "login":
        return _sign_in(first, options)
    if name == "logout":
        return "sso_magic.sign_out_all()" if "--all" in options else f"IdentityCenter({first}).sign_out()"
    if name == "use" and "--off" in options:
        return "sso_magic.release()"
    if name == "use":
        account, role = [*plain, "ACCOUNT", "ROLE"][:2] if not plain else [*plain, "ROLE"][:2]
        return f'center.role("{account}", "{role}").use()'
    if name == "inventory":
        return "center.inventory(refresh=True)" if "--refresh" in options else "center.inventory()"
    calls = {
        "accounts": "center.accounts({})",
        "roles": "center.roles({})",
        "doctor": "sso_magic.doctor.report.examine({})",
        "status": "sso_magic.magics.status.status()",
        "profiles": "center.plan_profiles()",
        "console": "center.role(ACCOUNT, ROLE).console_url()",
        "each": "center.each(FUNCTION, ROLE)",
    }
    return calls[name].format(first) if name in calls else None


def _sign_in(first: str, options: dict[str, str]) -> str:
    region = options.get("--sso-region") or options.get("--region")
    keywords = [] if region is None else [f'sso_region="{region}"']
    center = f"IdentityCenter({', '.join(part for part in (first, *keywords) if part)})" if first else "center"
    if "--save" in options:
        return f'{center}.save("{options["--save"]}")'
    method = next((option.strip("-") for option in ("--device", "--browser") if option in options), None)
    settings = [f'method="{method}"'] if method else []
    settings += ["force=True"] if "--force" in options else []
    return f"{center}.sign_in({', '.join(settings)})"


def _parsed(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    plain: list[str] = []
    options: dict[str, str] = {}
    waiting = None
    for word in arguments:
        if waiting is not None:
            options[waiting], waiting = word, None
        elif word.startswith("--"):
            options[word] = ""
            waiting = word if word in _OPTIONS_WITH_VALUE else None
        else:
            plain.append(word.strip("[]"))
    return plain, options
