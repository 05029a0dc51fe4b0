"""`Settings`: looks up one setting of a client in code, environment and profile, and notes where it was found.

An extension changes what code gave before the others are looked at (PROTOCOL.md 10.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from sso_magic.client.network import CODE
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso_magic.config.grammar import Keys


DEFAULT = "default"


class ExtensionConfiguration:
    """What an extension may look at and change before the client is made: the constructor's settings by name.

    Each extension has a method ``configure(configuration)``, as in the JavaScript SDK.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.changed: set[str] = set()

    def get(self, name: str) -> Any:
        """What code gave for a setting; None if nothing."""
        return self._settings.get(name)

    def set(self, name: str, value: Any) -> None:
        """Gives a setting another value.

        Raises:
            ConfigError: there is no such setting.
        """
        if name not in self._settings:
            raise ConfigError(f"An extension sets {name!r}; the settings are {', '.join(sorted(self._settings))}.")
        self._settings[name] = value
        self.changed.add(name)


class Settings:
    """Look up settings in code, environment and profile; `sources` says where each was found."""

    def __init__(self, code: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._code = code
        self._environ = environ
        self.changed_by_extension: set[str] = set()
        self.sources: dict[str, str] = {}
        self._section: Keys = {}
        self._profile = ""

    def use_profile(self, name: str, section: Keys) -> None:
        """Look settings up in this profile's section from now on."""
        self._profile, self._section = name, section

    def code(self, name: str) -> Any:
        """What code gave: a value, or what a function of no arguments returns."""
        value = self._code.get(name)
        return value() if callable(value) else value

    def find(self, name: str, variables: tuple[str, ...] = (), key: str | None = None) -> Any:
        """The first value there is, or None; an empty variable or key is as good as none."""
        value = self.code(name)
        if value is not None:
            return self.found(name, value, "extension" if name in self.changed_by_extension else CODE)
        for variable in variables:
            if self._environ.get(variable):
                return self.found(name, self._environ[variable], variable)
        value = self._section.get(key) if key else None
        if value:
            return self.found(name, value, self.profile_source(key or ""))
        return self.found(name, None, DEFAULT)

    def profile_source(self, key: str) -> str:
        """Return what `sources` says of a key of the profile."""
        return f"{key} of profile {self._profile!r}"

    def found(self, name: str, value: Any, source: str) -> Any:
        """Note where a value was found, and return it."""
        self.sources[name] = source
        return value

    def refuse(self, name: str, value: object, wanted: str) -> NoReturn:
        """Raise the `ConfigError` of a value that the setting cannot have."""
        raise ConfigError(f"{name} from {self.sources[name]} is {value!r}; it must be {wanted}.")

    def text(self, name: str, variables: tuple[str, ...] = (), key: str | None = None) -> str | None:
        """Return a setting that is text; None if there is none."""
        value = self.find(name, variables, key)
        if value is not None and not isinstance(value, str):
            self.refuse(name, value, "text")
        return value

    def flag(self, name: str, variable: str) -> bool:
        """Return a setting that is true or false; other text than true is false, as in botocore.

        Text in code has to be one of the two. `%sso_doctor` finds other text in the environment and the files.
        """
        if self.code(name) is None and self._environ.get(variable) == "":  # it hides the file's value, as in botocore
            return bool(self.found(name, value=False, source=variable))
        value = self.find(name, (variable,), name)
        if value is None or isinstance(value, bool):
            return bool(value)
        is_text = isinstance(value, str)
        if self.sources[name] == CODE and not (is_text and value.lower() in ("true", "false")):
            self.refuse(name, value, "true or false")
        return is_text and value.lower() == "true"

    def choice(self, name: str, variable: str, allowed: tuple[str, ...], default: str) -> str:
        """Return a setting that is one of some words, in lower case."""
        value = self.find(name, (variable,), name)
        if value is None:
            return default
        if not isinstance(value, str) or value.lower() not in allowed:
            self.refuse(name, value, f"one of {', '.join(allowed)}")
        return value.lower()

    def count(self, name: str, variable: str, default: int) -> int:
        """Return a setting that is a whole number of 1 or more."""
        value = self.find(name, (variable,), name)
        if value is None:
            return default
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.refuse(name, value, "a whole number of 1 or more")
        return value
