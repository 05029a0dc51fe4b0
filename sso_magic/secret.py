"""A secret that shows itself nowhere.

Every token and key in this package is a `Secret`: a `str`, so that requests, json and `os.environ` take it as it
is, whose repr, format, pickle and HTML say ``***``. IPython's verbose traceback prints every local variable of
every frame; only a type that redacts itself survives that.

What a `str` does in C (joining, slicing, encoding, JSON) sees the real characters: that is how it gets on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard

    from typing_extensions import Self

REDACTED = "***"


class Secret(str):
    """A token or key: a `str` that prints as ``***``.

    `reveal()` gives the characters as a plain `str`, for a library that formats what it is given.
    Pickling one gives a `Secret` that holds only ``***``: a secret is handed on on purpose or not at all.
    """

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """The secret of these characters; one that is a secret already stays it."""
        return text if type(text) is cls else super().__new__(cls, text)

    def reveal(self) -> str:
        """The characters, as a plain `str`."""
        return "".join(self)

    def __repr__(self) -> str:
        return f"'{REDACTED}'"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

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


def is_sendable(value: object) -> TypeGuard[str]:
    """Whether it is a token or key as AWS makes them: text that fits in a header and an environment variable."""
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable()


class Unshown(dict[str, Any]):
    """A plain dictionary of secrets and what goes with them, but for its looks: no value is shown.

    What is in it is real, also pickled: it is made to be handed on to a library, a child process, the environment.
    """

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {REDACTED}" for name in self) + "}"

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:  # noqa: ARG002 - the signature is IPython's
        printer.text(repr(self))
