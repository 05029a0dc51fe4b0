"""Where tokens are kept: the file that the AWS CLI shares, or the system's keychain.

The file is the default, since only it is shared: a token in the keychain is encrypted and seen by no other tool.
Servers and containers have no keychain; there the file is used, and `Store.notice` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.common import cache
from sso_magic.common.secret import Secret
from sso_magic.errors import CacheError, ConfigError

if TYPE_CHECKING:
    from types import ModuleType

SERVICE = "sso_magic"  # the name under which a keychain shows the tokens


class Store(Protocol):
    """Keeps the content of a token's file by the session's key."""

    notice: str | None

    def stamp(self, key: str) -> object:
        """What changes when the content is replaced; None where there is none."""

    def read(self, key: str) -> dict[str, Any] | None:
        """The content; None if there is none that can be read."""

    def write(self, key: str, content: dict[str, Any]) -> None:
        """Keeps the content; raises CacheError if that cannot be done."""

    def remove(self, key: str) -> bool:
        """Removes the content; True if there was some. Raises CacheError if that cannot be done."""


class FileStore:
    """The file of PROTOCOL.md 6.1."""

    def __init__(self, notice: str | None = None) -> None:
        self.notice = notice

    def stamp(self, key: str) -> object:
        """What changes when the file is replaced."""
        return cache.stamp(cache.token_path(key))

    def read(self, key: str) -> dict[str, Any] | None:
        """The file's content."""
        return cache.read(cache.token_path(key))

    def write(self, key: str, content: dict[str, Any]) -> None:
        """Replaces the file."""
        cache.write(cache.token_path(key), content)

    def remove(self, key: str) -> bool:
        """Removes the file."""
        return cache.remove(cache.token_path(key))


class KeyringStore:
    """The keychain of macOS, Windows or a Linux desktop, by the library keyring.

    A file that an earlier setting left is read until there is something in the keychain, which takes its place.
    """

    notice: str | None = None

    def __init__(self, keyring: ModuleType) -> None:
        self._keyring = keyring
        self._file = FileStore()

    def stamp(self, key: str) -> object:
        """The content itself: a keychain tells no time of change."""
        return self._get(key) or self._file.stamp(key)

    def read(self, key: str) -> dict[str, Any] | None:
        """What the keychain has, else the file."""
        found = self._get(key)
        return self._file.read(key) if found is None else cache.parse(found.reveal())

    def _get(self, key: str) -> Secret | None:
        try:
            return self._ask(key)
        except self._keyring.errors.KeyringError:
            return None  # locked: as good as none, and a sign-in says what is wrong when it cannot be kept

    def _ask(self, key: str) -> Secret | None:
        found = self._keyring.get_password(SERVICE, key)
        return None if found is None else Secret(found)

    def _is_gone(self, key: str) -> bool:
        try:
            return self._ask(key) is None
        except self._keyring.errors.KeyringError:
            return False

    def write(self, key: str, content: dict[str, Any]) -> None:
        """Puts it in the keychain, and takes out the file."""
        try:
            self._keyring.set_password(SERVICE, key, cache.to_json(content))
        except Exception as error:  # noqa: BLE001 - each system's backend has errors of its own
            raise CacheError(
                f"The keychain did not take the token ({type(error).__name__}). Nothing is lost in this kernel; unlock "
                "it, or keep tokens in the file: %config SSOMagics.token_store = 'file'"
            ) from None
        self._file.remove(key)

    def remove(self, key: str) -> bool:
        """Takes it out of the keychain, and the file."""
        had_file = self._file.remove(key)
        if self._get(key) is None:
            return had_file
        try:
            self._keyring.delete_password(SERVICE, key)
        except self._keyring.errors.KeyringError as error:
            if self._is_gone(key):
                return True  # it was removed in the keychain's own program meanwhile
            raise CacheError(
                f"The token could not be removed from the keychain ({error}). Remove {SERVICE} there."
            ) from None
        return True


_current: Store = FileStore()
_chosen = "file"


def current() -> Store:
    """The store in use."""
    return _current


def choose(name: str) -> Store:
    """Keeps tokens in the ``file`` or in the ``keyring`` from now on; the store that came of it.

    Where there is no keychain it is the file, and the store's `notice` says why.

    Raises:
        ConfigError: There is no such store.
    """
    global _current, _chosen
    if name not in ("file", "keyring"):
        raise ConfigError(f"token_store is {name!r}: it can be 'file' or 'keyring'.")
    if name != _chosen:
        _current, _chosen = (FileStore() if name == "file" else _keyring_or_file()), name
    return _current


def _keyring_or_file() -> Store:
    try:
        import keyring
    except ImportError:
        return FileStore('Tokens are kept in the file: keyring is not installed. pip install "sso-magic[keyring]"')
    backend = keyring.get_keyring()
    if not backend.priority > 0:
        return FileStore("Tokens are kept in the file: this system has no keychain.")
    return KeyringStore(keyring)
