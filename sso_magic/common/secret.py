"""Text that is shown nowhere: `Secret` for one token or key, `Unshown` for a dictionary of them.

IPython's verbose traceback prints every local variable of every frame, and pandas, json, rich and http.client read a
`str` past its `__repr__`. So the `str` that a `Secret` is has only the characters ``***``. The real ones are kept
beside it: `Secret.reveal` returns them as text, `Secret.encode` as bytes, which is how they get on the wire.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import ItemsView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard

    from typing_extensions import Self

REDACTED = "***"
KNOWN = 10_000
"""Secrets that are remembered, the latest, to be taken out of what is displayed (`sso_magic.common.redaction`)."""
_FORM = r"[A-Za-z0-9+/=_.~-]{16,8192}"  # a token or key; no URL and no JSON that has one in it
_known: dict[str, None] = {}


class Secret(str):
    """A token or key. As a `str` it is ``***`` for every reader, Python or C; `reveal()` returns the real characters.

    `encode()` returns the real bytes: http.client and, but for Windows, `os.environ` take what they send from it.
    Two secrets are equal if their real characters are, and a secret equals a `str` with its real characters. Pickling
    one gives a `Secret` whose real characters are ``***``.

    Args:
        text: The real characters.
    """

    __slots__ = ("_real",)

    def __new__(cls, text: str = "") -> Self:
        """Return the secret; one that is a secret already stays the same object."""
        if type(text) is cls:
            return text
        made = super().__new__(cls, REDACTED if text else "")
        _REAL.__set__(made, "".join(text))
        del text  # an interrupt from here on shows it in no traceback
        _remember(made)
        return made

    def reveal(self) -> str:
        """Return the real characters as a plain `str`, to be sent or handed on."""
        return _REAL.__get__(self)  # type: ignore[no-any-return]

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the real characters as bytes."""
        return self.reveal().encode(encoding, errors)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        from hmac import compare_digest  # here: it imports OpenSSL, which %load_ext does without

        return compare_digest(self.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))

    def __ne__(self, other: object) -> bool:  # str has a __ne__ of its own, which compares the redacted characters
        return not self == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __reduce_ex__(self, protocol: object) -> tuple[type[Secret], tuple[str]]:
        return (Secret, (REDACTED,))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def _repr_html_(self) -> str:
        return REDACTED

    def _repr_pretty_(self, printer: object, cycle: object) -> None:  # noqa: ARG002 - the signature is IPython's
        printer.text(repr(self))  # type: ignore[attr-defined]


# The slot is taken off the class, so that nothing that walks attributes (pickle, rich, a debugger) finds it.
_REAL: Any = Secret.__dict__["_real"]
del Secret._real  # type: ignore[attr-defined]  # noqa: SLF001


@functools.cache
def _form() -> re.Pattern[str]:
    """Return the form of a token or key, compiled when it is first needed: %load_ext does without it.

    `re.fullmatch` is written in Python: a traceback of an interrupt in it would show the secret.
    """
    return re.compile(_FORM)


def _remember(secret: Secret) -> None:
    """Keep a token or key in mind, so that it is not displayed when a library has it as plain text."""
    if secret.reveal() in _known or not _form().fullmatch(secret.reveal()):
        return
    _known[secret.reveal()] = None
    if len(_known) > KNOWN:
        with contextlib.suppress(StopIteration, RuntimeError):  # another thread changes it: the next call does it
            _known.pop(next(iter(_known)), None)


def known_secrets() -> tuple[str, ...]:
    """Return the tokens and keys that this process has had, oldest first."""
    return tuple(_known)


def reveal(text: str) -> str:
    """Return the real characters of a `Secret`; other text as it is."""
    return text.reveal() if isinstance(text, Secret) else text


def revealed(value: Any) -> Any:
    """Return a value for JSON with the real characters of its secrets; its objects are `Unshown`.

    Args:
        value: What `json.dumps` takes.
    """
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return Unshown((name, revealed(item)) for name, item in value.items())
    return [revealed(item) for item in value] if isinstance(value, (list, tuple)) else value


def is_sendable(value: object) -> TypeGuard[str]:
    """Return whether value is a token or key as AWS makes them: text that fits in a header and a variable."""
    return isinstance(value, str) and bool(value) and reveal(value).isascii() and reveal(value).isprintable()


class Unshown(dict[str, Any]):
    """A dictionary of secrets and what goes with them, whose values are real and never shown.

    It is made to be handed on to a library, a child process or the environment. A copy, a union and the views of it
    show no value either; ``dict(...)`` makes a plain dictionary, which does.
    """

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {REDACTED}" for name in self) + "}"

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:  # noqa: ARG002 - the signature is IPython's
        printer.text(repr(self))

    def copy(self) -> Self:
        """Return a copy whose values are not shown."""
        return self.__copy__()

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        dict.update(made, self)
        made.__dict__.update(self.__dict__)
        return made

    def __or__(self, other: Any) -> Any:
        return Unshown({**self, **other}) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return Unshown({**other, **self}) if isinstance(other, Mapping) else NotImplemented

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return a view of names and values that shows the names alone."""
        return ItemsView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return a view of the values that shows none of them."""
        return ValuesView(self)
