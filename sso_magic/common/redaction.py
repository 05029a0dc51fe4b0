"""Takes known secrets out of what IPython displays: results, tracebacks, and what http.client's debug level prints.

A library's own objects hold a role's keys as plain text: `os.environ`, a frozen credential of botocore, the local
variables of a failing call. `Secret` cannot redact those, but every token and key of this process has been a `Secret`
once, so it is known. What a cell itself prints is not changed.

A text is searched for every piece of a secret of 23 characters, and for the first and last 12: pandas, reprlib and rich
cut long values short.
"""

from __future__ import annotations

import builtins
import os
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sso_magic.common.secret import REDACTED, Secret, known_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.interactiveshell import InteractiveShell

_SIZE = 12  # characters of a secret that are looked up
_DATA = "base64,"  # begins an embedded image, of which each character would cost a look-up
# What a token can be part of; compiled by `re` when first needed: %load_ext does without it.
_RUN = rf"{_DATA}[A-Za-z0-9+/=]+|[A-Za-z0-9+/=_.~%-]{{{_SIZE},}}"
_BINARY = ("image/", "audio/", "video/", "application/pdf", "application/octet-stream")
_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)  # fmt: skip
_MARK = "_sso_magic_replaced"
_Pieces = dict[str, list[tuple[str, int]]]  # by the piece: the secrets that have it, and where


class _Index:
    """Pieces of every known secret, each with the secrets and places that it is at."""

    def __init__(self) -> None:
        self._plain: _Pieces = {}
        self._quoted: _Pieces = {}  # as in URLs
        self._indexed: set[str] = set()

    def update(self) -> None:
        """Add the secrets that are new, those of the environment among them."""
        for name in _VARIABLES:
            Secret(os.environ.get(name, ""))  # which is known from now on
        known = known_secrets()
        if len(self._indexed) > 2 * len(known):
            self._plain, self._quoted, self._indexed = {}, {}, set()
        for text in known:
            if text not in self._indexed:
                self._indexed.add(text)
                _add(text, self._plain)
                quoted = quote(text, safe="")
                if quoted != text:
                    _add(quoted, self._quoted)

    def redacted(self, text: str) -> str:
        """Return the text with the longest pieces of secrets replaced."""
        if "%" in text:
            text = re.sub(_RUN, lambda run: _replaced(run[0], self._quoted), text)
        return re.sub(_RUN, lambda run: _replaced(run[0], self._plain), text)


def _add(form: str, pieces: _Pieces) -> None:
    last = len(form) - _SIZE
    for offset in {*range(0, last + 1, _SIZE), last}:
        pieces.setdefault(form[offset : offset + _SIZE], []).append((form, offset))


def _replaced(run: str, pieces: _Pieces) -> str:
    if run.startswith(_DATA):
        return run
    parts, done, at = [], 0, 0
    while at + _SIZE <= len(run):
        places = pieces.get(run[at : at + _SIZE])
        if places is None:
            at += 1
            continue
        start = min(at - _common(run[done:at][::-1], form[:offset][::-1]) for form, offset in places)
        end = max(at + _common(run[at:], form[offset:]) for form, offset in places)
        parts += [run[done:start], REDACTED]
        done = at = end
    return "".join([*parts, run[done:]])


_INDEX = _Index()


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def redact(text: str) -> str:
    """Return the text with ``***`` for every known secret, and for every long enough piece of one."""
    _INDEX.update()
    return _INDEX.redacted(text)


def redact_data(data: Any) -> Any:
    """Return what a display is made of, such as a MIME bundle, with its texts redacted; binary formats as they are."""
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, dict):
        return {name: value if _is_binary(name) else redact_data(value) for name, value in data.items()}
    return [redact_data(value) for value in data] if isinstance(data, list) else data


def _is_binary(name: object) -> bool:
    return isinstance(name, str) and name.startswith(_BINARY) and name != "image/svg+xml"


class _Message:
    """An exception as the kernel sends it: its message, redacted."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def install(shell: InteractiveShell) -> None:
    """Redact what the shell displays and the tracebacks that it shows; call it once for a shell."""
    formatter: Any = shell.display_formatter
    publisher: Any = shell.display_pub
    display, send, show = formatter.format, publisher.publish, shell._showtraceback  # noqa: SLF001 - ipykernel overrides it

    def format(*args: Any, **kwargs: Any) -> tuple[Any, Any]:  # noqa: A001 - IPython's name
        formats, metadata = display(*args, **kwargs)
        return redact_data(formats), metadata

    def publish(data: Any, *args: Any, **kwargs: Any) -> None:
        send(redact_data(data), *args, **kwargs)

    def show_traceback(kind: Any, error: Any, lines: Any) -> None:
        text = str(error)
        shown = redact(text)
        show(kind, error if shown == text else _Message(shown), redact_data(lines))

    _replace(formatter, "format", format)
    _replace(publisher, "publish", publish)
    _replace(shell, "_showtraceback", show_traceback)
    shell.events.register("pre_run_cell", before_cell)
    before_cell()


def uninstall(shell: InteractiveShell) -> None:
    """Put back what `install` replaced, unless somebody else has replaced it in the meantime."""
    for owner, name in (
        (shell.display_formatter, "format"),
        (shell.display_pub, "publish"),
        (shell, "_showtraceback"),
    ):
        _restore(owner, name)
    if before_cell in shell.events.callbacks["pre_run_cell"]:
        shell.events.unregister("pre_run_cell", before_cell)
    client: Any = sys.modules.get("http.client")
    if client is not None and vars(client).get("print") is _print:
        del client.print


def _replace(owner: Any, name: str, replacement: Any) -> None:
    setattr(replacement, _MARK, vars(owner).get(name))
    setattr(owner, name, replacement)


def _restore(owner: Any, name: str) -> None:
    if not hasattr(vars(owner).get(name), _MARK):
        return
    before = getattr(vars(owner)[name], _MARK)
    if before is None:
        delattr(owner, name)
    else:
        setattr(owner, name, before)


def before_cell(*_: object) -> None:
    """Redact what http.client prints at its debug level, once something has imported it."""
    client: Any = sys.modules.get("http.client")
    if client is not None and "print" not in vars(client):
        client.print = _print


def _print(*values: object, **named: Any) -> None:
    builtins.print(*_shown(values), **named)  # noqa: T201 - the same call, redacted


def _shown(values: Iterable[object]) -> list[str]:
    return [redact(str(value)) for value in values]
