"""The settings of the magics (``%config SSOMagics.NAME = VALUE``), which refuse a wrong value when it is set.

traitlets sets the values of a configuration file while the magics are made. A wrong one must not make `%load_ext` fail,
so that it is accepted then; `checked` refuses it when a magic needs it.
"""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Enum, Float, TraitError, Unicode

if TYPE_CHECKING:
    from traitlets import HasTraits

LONGEST_AGE = 1e9  # seconds, about 30 years; `timedelta` cannot hold every number


def checked(magics: Any, name: str) -> Any:
    """Return the value of a setting.

    Args:
        magics: The class of magics that has the setting, a `HasTraits`.
        name: The setting.

    Raises:
        UsageError: The configuration file has a value that the setting cannot have.
    """
    trait = magics.traits()[name]
    assert isinstance(trait, _Setting)
    return trait.check(magics, getattr(magics, name))


class _Setting:
    """A trait with a message of its own for a wrong value.

    Attributes:
        allowed: The values that it can have.
        example: One of them, as it is typed.
    """

    allowed: str
    example: str
    name: str | None

    def validate(self, obj: HasTraits, value: Any) -> Any:
        """Return the value as the trait keeps it.

        Raises:
            TraitError: The value is wrong. After any other error traitlets does not restore the former value.
        """
        from sso_magic.errors import UsageError

        try:
            return self.check(obj, value)
        except UsageError as error:
            if not obj.__dict__.get("are_made"):  # it is of a configuration file
                return value
            raise TraitError(str(error)) from None

    def check(self, obj: HasTraits, value: Any) -> Any:
        """Return the value as the trait keeps it.

        Raises:
            UsageError: The value is wrong.
        """
        from sso_magic.errors import UsageError

        try:
            return self.read(super().validate(obj, value))  # type: ignore[misc]
        except (TraitError, ValueError, OverflowError):
            raise UsageError(
                f"SSOMagics.{self.name} cannot be {reprlib.repr(value)}; it can be {self.allowed}. Correct it: "
                f"%config SSOMagics.{self.name} = {self.example}"
            ) from None

    def read(self, value: Any) -> Any:
        """Return the value.

        Raises:
            ValueError: It is of the right type, and wrong.
        """
        return value


class Choice(_Setting, Enum):  # type: ignore[type-arg]  # older releases of traitlets are not generic
    """One of some words."""

    def __init__(self, words: list[str], **options: Any) -> None:
        super().__init__(words, words[0], **options)
        quoted = [repr(word) for word in words]
        self.allowed, self.example = f"{', '.join(quoted[:-1])} or {quoted[-1]}", quoted[0]


class Switch(_Setting, Bool):  # type: ignore[type-arg]
    """On or off."""

    allowed, example = "True or False", "True"


def off(text: str) -> Switch:
    """Return a setting that is off by default, with this help."""
    return Switch(default_value=False, help=text).tag(config=True)


def on(text: str) -> Switch:
    """Return a setting that is on by default, with this help."""
    return Switch(default_value=True, help=text).tag(config=True)


class Seconds(_Setting, Float):  # type: ignore[type-arg]
    """A number of seconds."""

    allowed, example = f"a number of seconds from 0 to {LONGEST_AGE:,.0f}", "3600"

    def read(self, value: float) -> float:
        """Return the seconds."""
        if not (math.isfinite(value) and 0 <= value <= LONGEST_AGE):
            raise ValueError(value)
        return value


class Pattern(_Setting, Unicode):  # type: ignore[type-arg]
    """A regular expression."""

    allowed, example = "a regular expression", "'(?i)prod'"

    def read(self, value: str) -> str:
        """Return the pattern."""
        from sso_magic.display.production import check_pattern

        check_pattern(value)
        return value
