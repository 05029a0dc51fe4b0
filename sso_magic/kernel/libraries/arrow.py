"""pyarrow's S3 filesystem, bound to the role that was in use when it was made.

What was measured (pyarrow 25). A filesystem without keys of its own asks the chain of AWS's C++ SDK, whose first
member reads the environment at every single request: made under A, it is B the moment after a switch to B. So are the
datasets and open files made of it, which hold the C++ object and show nothing of it to Python. Where the environment
has only the credential endpoint, the chain takes address and token of it once, when the filesystem is made, and stays
with them: that is bound, and renews.

What is done. While a role's keys are in the environment, ``S3FileSystem(...)`` and ``FileSystem.from_uri(...)``
without keys of their own get that role's. Both classes are C types that cannot be changed, so the names
`pyarrow.fs.S3FileSystem` and `pyarrow.fs.FileSystem` are given stand-ins: calling them makes an object of the real
class, and `isinstance` and `issubclass` answer as the real class does. Everything in Python goes through the two names:
datasets, parquet, ORC, ``pandas.read_parquet``. A module or a notebook that has imported them before has the stand-in
put under its own name.

What was rejected. Rebinding live objects by calling their ``__init__`` again misses datasets and open files,
and frees what another thread may be using. Giving a new filesystem the endpoint by taking the keys out of C's
environment for a moment would let a child process that starts in that moment use the default profile.

Keys do not renew inside a C++ object: after an hour it fails as its own role, and a new one is needed. With the
credential endpoint it goes on.

Making a filesystem fetches nothing: it gets the keys that are known. If they are about to end or have ended, it is an
`arrow_filesystems.LazyFileSystem`, which gets keys at each use. So is a filesystem that is unpickled where its role has
no valid keys. A pickle carries no keys, only the role's name.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.arrow_filesystems import (
    CREDENTIALS,
    LAZY,
    ROLES,
    LazyFileSystem,
    keys,
    made,
    remember,
    without_credentials,
)
from sso_magic.kernel.libraries.names import rename
from sso_magic.kernel.libraries.reference import is_fresh
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

_KEYS = ("access_key", "secret_key", "session_token")


class ArrowBinding:
    """The stand-ins, and which filesystem is of which role."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._replaced: list[tuple[type, type]] = []
        self._unbound: Alive[None] = Alive()
        self._kept: list[Any] = []
        self.s3: Any = None
        self._was_used = False

    def install(self, library: ModuleType) -> None:
        """Put the stand-ins under the two names, wherever they have been imported to."""
        try:
            self.s3 = library.S3FileSystem
        except ImportError:
            return  # this pyarrow is built without S3
        for filesystem in _in_modules(self.s3):
            self._unbound.add(filesystem, None)
        base = library.FileSystem
        for original, stand_in in ((self.s3, self._s3_stand_in()), (base, _base_stand_in(base, self.from_uri))):
            stand_in.__module__, stand_in.__qualname__ = original.__module__, original.__qualname__
            stand_in.__doc__ = original.__doc__
            rename(original, stand_in, "pyarrow._")
            self._replaced.append((original, stand_in))

    def enter(self, use: Use | None) -> None:
        """Give filesystems that read the user's own keys in the environment those keys, when a role replaces them."""
        own = [self._kernel.own(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
        if use is not None and not self._was_used and own[0] and own[1]:
            for filesystem, _ in self._unbound:
                self._pin(filesystem, dict(zip(_KEYS, own, strict=True)))
            self._unbound.clear()
        self._was_used = use is not None

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield the roles of the filesystems that were made for one."""
        for _, role in ROLES:
            yield role, "pyarrow filesystem"
        for lazy in list(LAZY):
            found = lazy.role
            if found is not None:
                yield found, "pyarrow filesystem"

    def uninstall(self) -> None:
        """Put the real classes back under their names."""
        while self._replaced:
            original, stand_in = self._replaced.pop()
            rename(stand_in, original, "pyarrow._")

    def make(self, kind: Any, arguments: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Return a filesystem of this class, for the role in use if the arguments name no credentials."""
        if _names_credentials(arguments, settings):
            return type.__call__(kind, *arguments, **settings)
        # PyIceberg's FileIO passes every setting by name: what is None or empty must not get in the way of the keys.
        settings = without_credentials(settings)
        return self._bound(lambda: type.__call__(kind, **settings), lambda role: made(kind, settings, role))

    def role_for(
        self, arguments: tuple[Any, ...], settings: dict[str, Any]
    ) -> tuple[RenewingRole | None, dict[str, str]]:
        """Return the role that a filesystem with these arguments is of, if any, and the keys to make it with."""
        role = None if _names_credentials(arguments, settings) else self._kernel.bind(lambda: None)
        if not isinstance(role, RenewingRole):
            return None, {}
        return role, {} if self._kernel.serves(role) else keys(role.latest)

    def from_uri(self, original: Callable[[Any], tuple[Any, str]], uri: Any) -> tuple[Any, str]:
        """Return a filesystem and a path, for the role in use if the URI names no credentials."""
        path = ""

        def plain(uri: Any = uri) -> Any:
            nonlocal path
            filesystem, path = original(uri)
            return filesystem

        def with_keys(role: RenewingRole) -> Any:
            if not _is_of_s3_without_keys(uri):
                return plain()
            settings = self.s3.__reduce__(plain(uri.replace("://", "://none:none@", 1)))[1][0]
            return made(self.s3, without_credentials(settings), role)

        return self._bound(plain, with_keys), path

    def _bound(self, plain: Callable[[], Any], with_keys: Callable[[RenewingRole], Any]) -> Any:
        while True:
            generation = self._kernel.generation
            role = self._kernel.bind(lambda: None)
            if not isinstance(role, RenewingRole):
                filesystem = plain()
                if self._kernel.generation == generation:
                    return self.remember_unbound(filesystem)
            elif not self._kernel.serves(role) or not is_fresh(role):  # a chain that finds no keys looks elsewhere
                return with_keys(role)
            else:
                filesystem = plain()  # the SDK takes the endpoint's address from the environment
                if self._kernel.generation == generation:
                    return filesystem if self._settings(filesystem) is None else remember(filesystem, role)

    def remember_unbound(self, filesystem: Any) -> Any:
        """Return the filesystem, which gets the user's own keys when a role comes into use if it has none."""
        if self._settings(filesystem) is not None:
            self._unbound.add(filesystem, None)
        return filesystem

    def _settings(self, filesystem: Any) -> dict[str, Any] | None:
        """Return what a filesystem was made with, if it is one of S3 that asks the chain of the SDK; else None."""
        if not isinstance(filesystem, self.s3):
            return None
        settings: dict[str, Any] = self.s3.__reduce__(filesystem)[1][0]
        if any(settings.get(name) for name in CREDENTIALS):
            return None
        return without_credentials(settings)

    def _pin(self, filesystem: Any, own: dict[str, Any]) -> None:
        settings = self._settings(filesystem)
        if settings is not None:
            # Another thread may be inside the C++ object: it is kept alive by a second filesystem that shares it.
            from pyarrow.fs import SubTreeFileSystem

            self._kept.append(SubTreeFileSystem("/", filesystem))
            filesystem.__init__(**settings | own)

    def _s3_stand_in(self) -> type:
        binding = self
        original: Any = self.s3

        class S3FileSystem(original, metaclass=_StandIn):  # type: ignore[misc]
            stands_for = original

            def __init__(self, *arguments: Any, **settings: Any) -> None:  # of a user's class that inherits from it
                role, keys_given = binding.role_for(arguments, settings)
                if role is None:
                    super().__init__(*arguments, **settings)
                    binding.remember_unbound(self)
                else:
                    super().__init__(**without_credentials(settings), **keys_given)
                    remember(self, role)

            @staticmethod
            def from_uri(uri: Any) -> tuple[Any, str]:
                return binding.from_uri(original.from_uri, uri)

        S3FileSystem.make = staticmethod(functools.partial(binding.make, original))
        return S3FileSystem


class _StandIn(type):
    """The class of the two stand-ins, which make objects of the real class and answer `isinstance` as it does."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "stands_for" not in cls.__dict__ or not hasattr(cls, "make"):
            return super().__call__(*args, **kwargs)
        return cls.make(args, kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, (cls.__dict__["stands_for"], LazyFileSystem)) if "stands_for" in cls.__dict__ else (
            super().__instancecheck__(instance)
        )  # fmt: skip

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__dict__["stands_for"]) if "stands_for" in cls.__dict__ else (
            super().__subclasscheck__(subclass)
        )  # fmt: skip


def _base_stand_in(original: Any, from_uri: Callable[..., tuple[Any, str]]) -> type:
    class FileSystem(original, metaclass=_StandIn):  # type: ignore[misc]
        stands_for = original

        @staticmethod
        def from_uri(uri: Any) -> tuple[Any, str]:
            return binding_from_uri(original.from_uri, uri)

    binding_from_uri = from_uri
    return FileSystem


def _in_modules(kind: type) -> Iterator[Any]:
    """Yield the objects of this class that are in a variable of a module or of the notebook."""
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if type(value) is kind:
                yield value


def _is_of_s3_without_keys(uri: Any) -> bool:
    """Return True for a URI whose filesystem asks the SDK's chain, which may take seconds over it, when it is made."""
    scheme, _, rest = str(uri).partition("://")
    return isinstance(uri, str) and scheme == "s3" and "@" not in rest.partition("/")[0]


def _names_credentials(arguments: tuple[Any, ...], settings: dict[str, Any]) -> bool:
    return bool(arguments) or any(settings.get(name) for name in CREDENTIALS)
