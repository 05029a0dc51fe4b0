"""A magic's line, read: split into words by `sso_magic.common.lexer`, parsed by the magic's own argparse parser.

That parser is also where ``%magic?`` and completion take the options from.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError

from sso_magic.common import lexer
from sso_magic.common.text import printable
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PLAIN = "\0"  # before a word that argparse must not take for an option; no notebook can hold this character
_NEAR = 0.6  # how alike an option must be to be suggested (difflib's ratio)


def parsed(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """Return the line's arguments by the magic's parser.

    Raises:
        UsageError: The line cannot be read; the message says what to type.
    """
    parser: argparse.ArgumentParser = magic.parser  # type: ignore[attr-defined]
    name = display_name(magic)
    words = lexer.split(line.replace(_PLAIN, "\ufffd")).words
    _check_typography(parser, words)
    plain, options_end = [], False
    for word in words:
        if not options_end and word.raw == "--":
            options_end = True
            continue
        if word.is_option and not options_end:
            _check_option(parser, name, word.text)
        masked = word.text.startswith("-") and word.text != "-" and (options_end or not word.is_option)
        plain.append(_PLAIN + word.text if masked else word.text)
    try:
        # Without an option, nothing stands between positional arguments, and the ordinary parse, which is four times
        # as fast, reads the same.
        has_option = any(text.startswith("-") and text != "-" for text in plain)
        args = parser.parse_intermixed_args(plain) if has_option else parser.parse_args(plain)
    except IPythonUsageError as error:
        raise UsageError(_explained(parser, name, str(error).replace(_PLAIN, ""))) from None
    for key, value in vars(args).items():
        setattr(args, key, _unmasked(value))
    _refuse_empty_options(parser, args)
    args.magic = name  # for messages that name it
    return args


def display_name(magic: Callable[..., Any]) -> str:
    """Return the magic's name with its percent signs."""
    cells = getattr(getattr(magic, "__self__", None), "magics", {}).get("cell", {})
    return f"%%{magic.__name__}" if magic.__name__ in cells else f"%{magic.__name__}"


def options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the documented long options of a magic's parser, by name."""
    return {
        name: action
        for action in parser._actions  # noqa: SLF001 - argparse has no public list
        for name in action.option_strings
        if name.startswith("--") and action.help != argparse.SUPPRESS
    }


def option(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    """Return the option of this name or of a name that it begins; None if there is none, or if several begin so."""
    known = parser._option_string_actions  # noqa: SLF001 - argparse has no public lookup
    if name in known:
        return known[name]
    found = {id(known[one]): known[one] for one in known if name.startswith("--") and one.startswith(name)}
    return next(iter(found.values())) if len(found) == 1 else None


def _check_typography(parser: argparse.ArgumentParser, words: Sequence[lexer.Word]) -> None:
    """Refuse the quotes and dashes that word processors and chats put in the place of those of the keyboard."""
    for word in words:
        if not word.is_closed:
            raise UsageError('A quote is not closed. Quote names with spaces: "Team Sandbox".')
        value = word.raw.partition("=")[2] if word.is_option else word.raw
        if value[:1] and value[0] in lexer.CURLY_QUOTES:
            raise UsageError(f'The curly quote {value[0]} does not quote a name. Type straight quotes: "Team Sandbox".')
        bare = word.raw.lstrip(lexer.DASHES + "-")
        if not any(dash in word.raw[: len(word.raw) - len(bare)] for dash in lexer.DASHES):
            continue
        meant = f"--{bare.partition('=')[0]}"
        if not bare or option(parser, meant) is not None:
            shown = printable(word.raw[: len(word.raw) - len(bare)])
            typed = meant if bare else "- or --"
            raise UsageError(f"'{shown}' is a dash and no hyphen. Type {typed} with the hyphen of the keyboard.")


def _check_option(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """Refuse an option that the magic does not have, and say which one is near."""
    typed = text.partition("=")[0]
    if typed in ("-h", "--help"):
        raise UsageError(f"Usage: {usage(parser, name)}; {name}? shows help.")
    known = parser._option_string_actions  # noqa: SLF001 - argparse has no public lookup
    if f"-{typed}" not in known and (typed[:2] in known or re.fullmatch("-[0-9.]+", typed)):
        return
    if typed in known or (typed.startswith("--") and any(one.startswith(typed) for one in known)):
        return
    import difflib

    meant = difflib.get_close_matches(f"--{typed.lstrip('-').lower()}", options(parser), 1, _NEAR)
    after = f"{name} -- {printable(text)}"
    is_name = not typed.startswith("--") and any(not action.option_strings for action in parser._actions)  # noqa: SLF001
    if meant:
        hint = f"Did you mean {meant[0]}{f', or {after} for a name' if is_name else ''}?"
    else:
        hint = f"For a name that begins with a hyphen: {after}." if is_name else f"{name}? shows help."
    raise UsageError(f"{name} has no option {printable(typed)}. {hint}")


def _unmasked(value: Any) -> Any:
    if isinstance(value, str):
        return value.removeprefix(_PLAIN)
    return [_unmasked(item) for item in value] if isinstance(value, list) else value


def _refuse_empty_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    for name, action in parser._option_string_actions.items():  # noqa: SLF001 - argparse has no public list
        if name.startswith("--") and getattr(args, action.dest, None) == "":
            raise UsageError(f"The value of {name} is empty. Type a value, or leave the option out.")


def _explained(parser: argparse.ArgumentParser, name: str, error: str) -> str:
    """What argparse says, with what to type."""
    told = f"Usage: {usage(parser, name)}; {name}? shows help."
    if "arguments are required" in error:
        missing = [action.metavar or action.dest for action in parser._actions if _is_required(action)]  # noqa: SLF001
        return f"{missing[0]} is missing. {told}"
    extra = re.match(r"unrecognized arguments: (.*)", error, re.DOTALL)
    if extra:
        return _unexpected(parser, extra[1], name, told)
    found = re.match(r"argument (?:-\w/)?(--[\w-]+): (.*)", error, re.DOTALL)
    if found is None:
        return f"{printable(error)}. {told}"
    typed, problem = found.groups()
    value = problem.partition("'")[2].partition("'")[0]
    for part, explain in _PROBLEMS.items():
        if part in problem:
            return explain(options(parser)[typed], typed, printable(value))
    return f"{typed}: {printable(problem)}. {told}"


def _no_choice(action: argparse.Action, typed: str, value: str) -> str:
    import difflib

    choices = [str(choice) for choice in action.choices or ()]
    near = difflib.get_close_matches(value.lower(), choices, 1, _NEAR)
    hint = f"Did you mean {near[0]}?" if near else f"Type {', '.join(choices[:-1])} or {choices[-1]}."
    return f"{typed} cannot be '{value}'. {hint}"


# What argparse says of an option, in part, and what is said instead.
_PROBLEMS: dict[str, Callable[[argparse.Action, str, str], str]] = {
    "expected one argument": lambda action, typed, _: f"{typed} needs a value: {typed} {action.metavar or 'VALUE'}.",
    "ignored explicit argument": lambda _, typed, value: f"{typed} takes no value. Leave out ={value}.",
    "invalid choice": _no_choice,
    "invalid int value": lambda _, typed, value: f"{typed} needs a whole number, not '{value}'.",
}


def _is_required(action: argparse.Action) -> bool:
    return not action.option_strings and action.nargs is None


def _unexpected(parser: argparse.ArgumentParser, extra: str, name: str, told: str) -> str:
    from sso_magic.common.regions import is_region

    word = extra.partition(" ")[0]
    with_region = option(parser, "--region")
    if with_region is not None and is_region(word):
        return f"'{word}' is one word too many. Did you mean --region {word}?"
    if not any(not action.option_strings for action in parser._actions):  # noqa: SLF001
        return f"{name} takes no '{printable(extra)}'. {told}"
    return f"{name} does not expect '{printable(extra)}'; a name with spaces needs quotes. {told}"


def usage(parser: argparse.ArgumentParser, name: str) -> str:
    """Return how the line goes, in one line; IPython's parser formats it for a page of help."""
    text = " ".join(parser.format_usage().replace("::", "").split())
    return f"{name}{text.removeprefix(name.replace('%%', '%'))}"
