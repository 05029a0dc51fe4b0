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

What was weighed against it. Rebinding live objects by calling their ``__init__`` again misses datasets and open files,
and frees what another thread may be using. Giving a new filesystem the endpoint by taking the keys out of C's
environment for a moment would let a child process that starts in that moment speak for the default profile.

Keys do not renew inside a C++ object: after an hour it fails as its own role, and a new one is needed. With the
credential endpoint it goes on. A pickled filesystem carries no keys: where it is read, that account's role has to be
in use.
"""

from __future__ import annotations

import copyreg
import functools
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError
from sso_magic.libraries.alive import Alive
from sso_magic.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.credentials import RoleCredentials
    from sso_magic.kernel import KernelRole, Use

_KEYS = ("access_key", "secret_key", "session_token")
_CREDENTIALS = (*_KEYS, "anonymous", "role_arn")


def keys(credentials: RoleCredentials) -> dict[str, str]:
    """The credentials as `S3FileSystem` takes them."""
    return {
        "access_key": credentials.access_key_id.reveal(),
        "secret_key": credentials.secret_access_key.reveal(),
        "session_token": credentials.session_token.reveal(),
    }


class ArrowBinding:
    """The stand-ins, and which filesystem speaks for which role."""

    def __init__(self, kernel: KernelRole) -> None:
        self._kernel = kernel
        self._replaced: list[tuple[type, type]] = []
        self._roles: Alive[RenewingRole] = Alive()
        self._unbound: Alive[None] = Alive()
        self._kept: list[Any] = []
        self.s3: Any = None
        self._was_used = False

    def install(self, library: ModuleType) -> None:
        """Puts the stand-ins under the two names, wherever they have been imported to."""
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
            _rename(original, stand_in)
            self._replaced.append((original, stand_in))
        copyreg.pickle(self.s3, self._reduce)

    def enter(self, use: Use | None) -> None:
        """Takes the environment away from those filesystems that would follow it from the user's own keys to a role."""
        own = [self._kernel.own(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
        if use is not None and not self._was_used and own[0] and own[1]:
            for filesystem, _ in self._unbound:
                self._pin(filesystem, dict(zip(_KEYS, own, strict=True)))
            self._unbound.clear()
        self._was_used = use is not None

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Filesystems that were made for a role."""
        for _, role in self._roles:
            yield role, "pyarrow filesystem"

    def uninstall(self) -> None:
        """Puts the real classes back under their names."""
        while self._replaced:
            original, stand_in = self._replaced.pop()
            _rename(stand_in, original)
        if self.s3 is not None:
            copyreg.dispatch_table.pop(self.s3, None)

    def make(self, kind: Any, arguments: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Return a filesystem of this class, for the role in use if the arguments name no credentials."""
        if arguments or any(settings.get(name) for name in _CREDENTIALS):
            return type.__call__(kind, *arguments, **settings)
        # PyIceberg's FileIO passes every setting by name: what is None or empty must not get in the way of the keys.
        settings = {name: value for name, value in settings.items() if name not in _CREDENTIALS}
        return self._bound(
            lambda: type.__call__(kind, **settings),
            lambda role: self._remember(type.__call__(kind, **settings, **keys(role.get())), role),
        )

    def from_uri(self, original: Callable[[Any], tuple[Any, str]], uri: Any) -> tuple[Any, str]:
        """A filesystem and a path, for the role in use if the URI names no credentials."""
        path = ""

        def plain() -> Any:
            nonlocal path
            filesystem, path = original(uri)
            return filesystem

        def with_keys(role: RenewingRole) -> Any:
            filesystem = plain()
            settings = self._settings(filesystem)
            if settings is not None:
                filesystem.__init__(**settings | keys(role.get()))
                self._remember(filesystem, role)
            return filesystem

        return self._bound(plain, with_keys), path

    def _bound(self, plain: Callable[[], Any], with_keys: Callable[[RenewingRole], Any]) -> Any:
        while True:
            generation = self._kernel.generation
            role = self._kernel.bind(lambda: None)
            if not isinstance(role, RenewingRole):
                filesystem = plain()
                if self._kernel.generation == generation:
                    return self._remember_unbound(filesystem)
            elif not self._kernel.serves(role):
                return with_keys(role)
            else:
                role.get()  # raises if there are none: a chain that finds none when it is made looks again later
                filesystem = plain()  # the SDK takes the endpoint's address from the environment
                if self._kernel.generation == generation:
                    return filesystem if self._settings(filesystem) is None else self._remember(filesystem, role)

    def _remember(self, filesystem: Any, role: RenewingRole) -> Any:
        self._roles.add(filesystem, role)
        return filesystem

    def _remember_unbound(self, filesystem: Any) -> Any:
        if self._settings(filesystem) is not None:
            self._unbound.add(filesystem, None)
        return filesystem

    def _settings(self, filesystem: Any) -> dict[str, Any] | None:
        """What it was made with, if it is one of S3 that asks the chain of the SDK; else None."""
        if not isinstance(filesystem, self.s3):
            return None
        settings: dict[str, Any] = self.s3.__reduce__(filesystem)[1][0]
        if any(settings.get(name) for name in _CREDENTIALS):
            return None
        return {name: value for name, value in settings.items() if name not in _CREDENTIALS}

    def _pin(self, filesystem: Any, own: dict[str, Any]) -> None:
        settings = self._settings(filesystem)
        if settings is not None:
            # Another thread may be inside the C++ object: it is kept alive by a second filesystem that shares it.
            from pyarrow.fs import SubTreeFileSystem

            self._kept.append(SubTreeFileSystem("/", filesystem))
            filesystem.__init__(**settings | own)

    def _reduce(self, filesystem: Any) -> Any:
        role = self._roles.get(filesystem)
        rebuild, arguments = self.s3.__reduce__(filesystem)
        if role is None or not arguments[0].get("access_key"):
            return rebuild, arguments
        settings = {name: value for name, value in arguments[0].items() if name not in _CREDENTIALS}
        return _rebuild, (role.latest.account_id, role.label, settings)

    def _s3_stand_in(self) -> type:
        binding = self
        original: Any = self.s3

        class S3FileSystem(original, metaclass=_StandIn):  # type: ignore[misc]
            stands_for = original

            def __init__(self, *arguments: Any, **settings: Any) -> None:  # of a user's class that inherits from it
                made = binding.make(original, arguments, settings)
                super().__init__(**made.__reduce__()[1][0])
                role = binding._roles.get(made)
                if role is not None:
                    binding._roles.add(self, role)

            @staticmethod
            def from_uri(uri: Any) -> tuple[Any, str]:
                return binding.from_uri(original.from_uri, uri)

        S3FileSystem.make = staticmethod(functools.partial(binding.make, original))
        return S3FileSystem


class _StandIn(type):
    """A class that passes for the one it stands for, and makes objects of that one."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "stands_for" not in cls.__dict__ or not hasattr(cls, "make"):
            return super().__call__(*args, **kwargs)
        return cls.make(args, kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__dict__["stands_for"]) if "stands_for" in cls.__dict__ else (
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


def _rename(old: type, new: type) -> None:
    """Puts the new class under each name that the old one has in a module, but for pyarrow's own C modules."""
    for namespace in gc.get_referrers(old):
        if isinstance(namespace, dict) and _is_of_module(namespace):
            for name in [name for name, value in namespace.items() if value is old]:
                namespace[name] = new


def _is_of_module(namespace: dict[Any, Any]) -> bool:
    name = namespace.get("__name__")
    return isinstance(name, str) and "__builtins__" in namespace and not name.startswith(("pyarrow._", __name__))


def _in_modules(kind: type) -> Iterator[Any]:
    """The objects of this class that stand in a variable of a module or of the notebook."""
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if type(value) is kind:
                yield value


def _rebuild(account_id: str, label: str, settings: dict[str, Any]) -> Any:
    """The filesystem again, in a process whose environment is that account's."""
    if os.environ.get("AWS_ACCOUNT_ID") != account_id:
        raise CredentialsError(
            f"This pyarrow filesystem was made for {label}, whose credentials are not in this process: use that role "
            "here, or make the filesystem anew."
        )
    from pyarrow.fs import S3FileSystem

    own = (os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
    return S3FileSystem(**settings, **dict(zip(_KEYS, own, strict=True)))
