"""s3fs, bound to the role that was in use when the filesystem was made.

What was measured. A filesystem connects when it is first asked for something, so that one made under A and first used
after a switch to B is B. It is then kept in a cache of instances: the next ``s3fs.S3FileSystem()``, and every
``pandas.read_csv("s3://...")``, gets the old one.

What is done. A filesystem that names no credentials gets a session of the role in use when it is made, and keeps it,
also when it reconnects. One that was made outside of the tasks of ``%%sso_each`` connects as the notebook in them
too. At a switch the cache of instances is emptied; what is alive goes on for its own role.
"""

# ruff: noqa: SLF001 - what a library keeps for itself is what this is about

from __future__ import annotations

import copyreg
import functools
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.aio import clients_of_a_named_object
from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.boto import RoleReader, ambient_awaited, awaited, role_of
from sso_magic.kernel.libraries.host import host
from sso_magic.kernel.libraries.reference import RoleReference, reference
from sso_magic.kernel.libraries.tasks import outside_tasks
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class S3fsBinding:
    """The hook in `S3FileSystem`, and its instance cache."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._class: Any = None
        self._init: Any = None
        self._set_session: dict[str, Any] = {}
        self._alive: Alive[None] = Alive()

    def install(self, library: ModuleType) -> None:
        """Make each new filesystem one of the role in use."""
        self._class = library.S3FileSystem
        original = self._init = self._class.__init__

        @functools.wraps(original)
        def init(filesystem: Any, *args: Any, **kwargs: Any) -> None:
            original(filesystem, *args, **kwargs)
            if _names_no_credentials(filesystem):
                role = self._kernel.bind(lambda: None)
                if isinstance(role, RenewingRole):
                    _bind(filesystem, role, ambient_awaited)
            self._alive.add(filesystem, None)

        set_session = self._class.set_session

        @functools.wraps(set_session)
        async def set_own_session(filesystem: Any, *args: Any, **kwargs: Any) -> Any:
            # What was made in a task for its role has a session already.
            with outside_tasks(), clients_of_a_named_object():
                return await set_session(filesystem, *args, **kwargs)

        self._class.__init__ = init
        names = ("set_session", "_connect", "connect")
        self._set_session = {name: vars(self._class)[name] for name in names if name in vars(self._class)}
        self._class.set_session = self._class._connect = set_own_session
        self._class.connect = library.sync_wrapper(set_own_session)

    def enter(self, use: Use | None) -> None:  # noqa: ARG002 - the cache is of the role before, in any case
        """Empty the cache of instances."""
        for kind in (self._class, *_subclasses(self._class)):
            kind.clear_instance_cache()

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield the roles of the filesystems that have a role's session."""
        for filesystem, _ in self._alive:
            role = role_of(filesystem._s3) or _role_of_session(filesystem.session)
            if role is not None:
                yield role, "s3fs filesystem"

    def uninstall(self) -> None:
        """Put the class's methods back."""
        if self._init is not None:
            self._class.__init__ = self._init
            for name, method in self._set_session.items():
                setattr(self._class, name, method)


def _names_no_credentials(filesystem: Any) -> bool:
    named = (filesystem.anon, filesystem.key, filesystem.secret, filesystem.session, filesystem.kwargs.get("profile"))
    return not any(named) and not any(filesystem.client_kwargs.get(name) for name in _CREDENTIALS)


def _drop_empty_credentials(filesystem: Any) -> None:
    """Remove keys that are an empty string: s3fs would pass them on, and they would win over the session's."""
    for name in ("key", "secret", "token"):
        setattr(filesystem, name, getattr(filesystem, name) or None)
    settings = filesystem.client_kwargs
    filesystem.client_kwargs = {name: settings[name] for name in settings if settings[name] or name not in _CREDENTIALS}


def _bind(filesystem: Any, source: RenewingRole | RoleReference, credentials: Callable[[Any], Any] = awaited) -> None:
    """Give the filesystem a session of this role. Credentials are fetched when the filesystem is first used."""
    import aiobotocore.session

    try:
        session = aiobotocore.session.AioSession(**filesystem.kwargs)
    except Exception:  # noqa: BLE001 - s3fs makes the same session at first use, and raises the error there
        return
    session._credentials = credentials(source)
    filesystem.session = session
    filesystem._session_is_owned = False
    _drop_empty_credentials(filesystem)
    copyreg.pickle(type(filesystem), _reduce)


def _reduce(filesystem: Any) -> Any:
    """Return what pickle needs, also in a process without hooks: a Dask scheduler unpickles and pickles again."""
    source = _source_of(filesystem.session)
    if source is None:
        return filesystem.__reduce_ex__(4)
    return _unpickled, (type(filesystem), filesystem.storage_args, filesystem.storage_options, source)


def _unpickled(kind: Any, args: Any, options: Any, source: RoleReference) -> Any:
    """Return the filesystem in the process that unpickles it: of the same role, whatever is in use there."""
    role = host().bind(lambda: None)
    if isinstance(role, RenewingRole):
        is_ambient = role is source.find() and hasattr(kind.__init__, "__wrapped__")
    else:
        is_ambient = source.is_in_environment()
    made = kind(*args, **options if is_ambient else options | {"skip_instance_cache": True})
    if not is_ambient or made.session is None:
        made.session = made._s3 = None
        _bind(made, source)
    return made


def _source_of(session: Any) -> RoleReference | None:
    reader = getattr(getattr(session, "_credentials", None), "_refresh_using", None)
    if not isinstance(reader, RoleReader):
        return None
    return reference(reader.source) if isinstance(reader.source, RenewingRole) else reader.source


def _role_of_session(session: Any) -> RenewingRole | None:
    reader = getattr(getattr(session, "_credentials", None), "_refresh_using", None)
    return reader.role if isinstance(reader, RoleReader) else None


def _subclasses(kind: Any) -> Iterator[Any]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
