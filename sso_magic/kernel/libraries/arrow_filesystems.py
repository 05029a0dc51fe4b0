"""pyarrow's filesystems of a role: with the role's keys in them, or with keys that they get when they are used.

pyarrow's own S3 filesystem takes keys when it is made and keeps them. `LazyFileSystem` makes one at first use, and
another when the role has new keys. Only opening a file and listing go through Python: the file that is opened is that
of pyarrow's own filesystem, and reading it costs nothing more.
"""

# ruff: noqa: D102 - the methods of a handler are pyarrow's

from __future__ import annotations

import copyreg
import weakref
from typing import TYPE_CHECKING, Any

from pyarrow.fs import FileSystemHandler, PyFileSystem

from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.reference import RoleReference, is_fresh, reference

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.renewal import RenewingRole

CREDENTIALS = ("access_key", "secret_key", "session_token", "anonymous", "role_arn")  # arguments of `S3FileSystem`


def keys(credentials: Credentials) -> dict[str, str]:
    """Return the credentials as `S3FileSystem` takes them."""
    return {
        "access_key": credentials.access_key_id.reveal(),
        "secret_key": credentials.secret_access_key.reveal(),
        "session_token": credentials.session_token.reveal(),
    }


class LazyFileSystem(PyFileSystem):  # type: ignore[misc]
    """A filesystem of one role.

    Args:
        source: The role, or the reference to it that an unpickled filesystem has.
        settings: The arguments of `S3FileSystem`, without credentials.
    """

    def __init__(self, source: RenewingRole | RoleReference, settings: dict[str, Any]) -> None:
        super().__init__(LazyHandler(source, settings))

    @property
    def region(self) -> str:
        """The region, as `S3FileSystem` has it."""
        return str(self.handler.filesystem().region)

    def __reduce__(self) -> tuple[Any, ...]:
        handler = self.handler
        source = handler.source
        return unpickled, (source if isinstance(source, RoleReference) else reference(source), handler.settings)


class LazyHandler(FileSystemHandler):  # type: ignore[misc]
    """What pyarrow calls: each method is that of the filesystem with the role's valid keys."""

    def __init__(self, source: RenewingRole | RoleReference, settings: dict[str, Any]) -> None:
        self.source = source
        self.settings = settings
        self._made: tuple[Credentials, Any] | None = None
        LAZY.add(self)

    __hash__ = object.__hash__

    @property
    def role(self) -> RenewingRole | None:
        """The role; None if it is not in use in this process."""
        return self.source.find() if isinstance(self.source, RoleReference) else self.source

    def filesystem(self) -> Any:
        """Return pyarrow's own filesystem with valid keys.

        Raises:
            SSOMagicError: The role has no valid keys, and none can be fetched.
        """
        from pyarrow._s3fs import S3FileSystem

        credentials, made = self.source.get(), self._made
        if made is None or made[0] != credentials:
            made = self._made = credentials, S3FileSystem(**self.settings, **keys(credentials))
        return made[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LazyHandler):
            return NotImplemented
        return self is other or (self.source, self.settings) == (other.source, other.settings)

    def get_type_name(self) -> str:
        return "s3"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> Any:
        return self.filesystem().get_file_info(paths)

    def get_file_info_selector(self, selector: Any) -> Any:
        return self.filesystem().get_file_info(selector)

    def create_dir(self, path: str, recursive: bool) -> None:  # noqa: FBT001 - the signature is pyarrow's
        self.filesystem().create_dir(path, recursive=recursive)

    def delete_dir(self, path: str) -> None:
        self.filesystem().delete_dir(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool) -> None:  # noqa: FBT001 - as above
        self.filesystem().delete_dir_contents(path, missing_dir_ok=missing_dir_ok)

    def delete_root_dir_contents(self) -> None:
        self.filesystem().delete_dir_contents("", accept_root_dir=True)

    def delete_file(self, path: str) -> None:
        self.filesystem().delete_file(path)

    def move(self, src: str, dest: str) -> None:
        self.filesystem().move(src, dest)

    def copy_file(self, src: str, dest: str) -> None:
        self.filesystem().copy_file(src, dest)

    def open_input_stream(self, path: str) -> Any:
        return self.filesystem().open_input_file(path)

    def open_input_file(self, path: str) -> Any:
        return self.filesystem().open_input_file(path)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        return self.filesystem().open_output_stream(path, compression=None, metadata=metadata)

    def open_append_stream(self, path: str, metadata: Any) -> Any:
        return self.filesystem().open_append_stream(path, compression=None, metadata=metadata)


def without_credentials(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `S3FileSystem` that are not credentials."""
    return {name: value for name, value in settings.items() if name not in CREDENTIALS}


def made(kind: Any, settings: dict[str, Any], role: RenewingRole) -> Any:
    """Return a filesystem of the role, with the keys that are known if they are valid for a while."""
    if is_fresh(role):
        return remember(type.__call__(kind, **settings, **keys(role.latest)), role)
    return LazyFileSystem(role, settings)


def remember(filesystem: Any, role: RenewingRole) -> Any:
    """Return the filesystem, known from now on to be the role's and pickled by the role's name."""
    reference(role)  # so that a child process recognizes the keys that it inherits now
    ROLES.add(filesystem, role)
    copyreg.pickle(type(filesystem), _reduce)
    return filesystem


def _reduce(filesystem: Any) -> Any:
    """Return what pickle needs: of a role's filesystem the role's name and the settings, without keys."""
    role = ROLES.get(filesystem)
    rebuild, arguments = _s3().__reduce__(filesystem)
    if role is None:
        return rebuild, arguments
    return unpickled, (reference(role), without_credentials(arguments[0]))


def unpickled(source: RoleReference, settings: dict[str, Any]) -> Any:
    """Return the filesystem again: of the same role, or one that raises at first use where the role is not in use."""
    role = source.find()
    if role is not None and is_fresh(role):
        return made(_s3(), settings, role)
    return LazyFileSystem(source, settings)


def _s3() -> Any:
    from pyarrow._s3fs import S3FileSystem

    return S3FileSystem


LAZY: weakref.WeakSet[LazyHandler] = weakref.WeakSet()
ROLES: Alive[RenewingRole] = Alive()  # of the filesystems that have keys in them
