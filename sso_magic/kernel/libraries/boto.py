"""botocore, boto3, aiobotocore and what is built on them, bound to the role they were made under.

What was measured. `EnvProvider` reads four or five variables one after the other, and near the end of
AWS_CREDENTIAL_EXPIRATION reads them again, whatever role they are of by then. So a client made under A becomes B an
hour after a switch to B, and a thread that makes a client at the moment of a switch gets A's key id with B's secret.

What is done. `EnvProvider` gives, while a role is in use in the environment, by keys or by the endpoint's address,
credentials of that role's `RenewingRole`: whole sets only, of that role only, renewed automatically. One class serves
default and own sessions, clients and resources, roles assumed on top (by ``credential_source = Environment`` or by
hand) and aiobotocore, whose provider inherits the method that makes the reader. Variables that other code has set
are read by botocore's own methods, under the lock that this package writes under.

What was rejected. Looking for live credentials by the garbage collector at each switch and pinning them
costs 12 ms each time and misses those that another thread is making. Replacing the default session alone leaves
`boto3.Session()` and everything that makes its own, such as polars, as it was.

Readers that were made before the hooks were installed are found by the garbage collector, once. While a role is in use
they read the environment as it is without a role, and `os.environ` when none is.

A session that has not been used has no credentials yet; `owned.py` keeps which role was in use when it was made.

In a task of ``%%sso_each`` the role is the task's, and ``boto3.client`` uses a default session of the task. A client
whose credentials were looked up in a task serves that task only; see `tasks.py`.
"""

# ruff: noqa: SLF001 - what a library keeps for itself is what this is about

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any

import botocore.credentials
import botocore.exceptions

from sso_magic.kernel.libraries import logs
from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.names import with_referrers
from sso_magic.kernel.libraries.reference import NEVER, RoleReference
from sso_magic.kernel.libraries.tasks import Task, current_task
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

METHOD = "sso_magic"

_clients: Alive[None] = Alive()  # of roles of this process


class RoleReader:
    """What botocore calls to get a role's credentials: always the same role's, always a whole set.

    Args:
        source: The role, or the reference to it that an unpickled object has.
    """

    def __init__(self, source: RenewingRole | RoleReference) -> None:
        self.source = source

    @property
    def role(self) -> RenewingRole | None:
        """The role; None if an unpickled object's role is not in use in this process."""
        return self.source if isinstance(self.source, RenewingRole) else self.source.find()

    def latest(self) -> dict[str, str]:
        """Return the credentials that are known, expired or not. Nothing is fetched, and nothing waited for."""
        keys = self.source.latest
        return metadata(keys) if keys is not None else _UNKNOWN

    def __call__(self, require_expiry: bool = True) -> Any:  # noqa: FBT001, FBT002, ARG002 - botocore's signature
        """Return valid credentials as botocore's refreshable ones take them."""
        return metadata(self.source.get())


class AwaitedReader(RoleReader):
    """The same for aiobotocore, which calls on the thread of an event loop and awaits the answer.

    Fetching takes time, and on a Dask worker new credentials come by the event loop itself: it must not be blocked.
    """

    def __call__(self, require_expiry: bool = True) -> Any:  # noqa: FBT001, FBT002 - botocore's signature
        """Return what is known where aiobotocore does not await; else valid credentials, to be awaited."""
        return asyncio.to_thread(super().__call__) if require_expiry else self.latest()


def metadata(credentials: Credentials) -> dict[str, str]:
    """Return the credentials by the names that botocore gives them."""
    return {
        "access_key": credentials.access_key_id.reveal(),
        "secret_key": credentials.secret_access_key.reveal(),
        "token": credentials.session_token.reveal(),
        "expiry_time": credentials.local_expires_at.isoformat(),
        "account_id": credentials.account_id,
    }


_UNKNOWN = dict.fromkeys(("access_key", "secret_key", "token"), "") | {"expiry_time": NEVER.isoformat()}


def refreshable(source: RenewingRole | RoleReference) -> Any:
    """Return credentials for botocore that renew automatically, of this role. Nothing is fetched before first use."""
    reader = RoleReader(source)
    return botocore.credentials.RefreshableCredentials.create_from_metadata(reader.latest(), reader, METHOD)


def awaited(source: RenewingRole | RoleReference) -> Any:
    """Return the same for aiobotocore."""
    import aiobotocore.credentials

    reader = AwaitedReader(source)
    return aiobotocore.credentials.AioRefreshableCredentials.create_from_metadata(reader.latest(), reader, METHOD)


def role_at_the_endpoint(kernel: Host) -> RenewingRole | None:
    """Return the role to use where the environment has the endpoint's address; None if it has another, or none."""
    use = kernel.current
    found = kernel.bind(lambda: None) if use is not None and use.serve else None
    return found if isinstance(found, RenewingRole) else None


def ambient(role: RenewingRole) -> Any:
    """Return credentials that botocore looks up: in a task, for that task only."""
    return _of_task(refreshable(role))


def ambient_awaited(role: RenewingRole) -> Any:
    """Return the same for aiobotocore."""
    return _of_task(awaited(role))


def _of_task(credentials: Any) -> Any:
    task = current_task()
    if task is not None:
        kind: Any = type(credentials)
        credentials.__class__ = _class_of_task(kind)
        credentials.sso_magic_task = task
    return credentials


@functools.lru_cache(maxsize=2)
def _class_of_task(kind: Any) -> Any:
    class TaskCredentials(kind):  # type: ignore[misc]
        """Credentials that a task has looked up: each use asks first whether it is in that task."""

        sso_magic_task: Task

        def _refresh(self) -> Any:
            self.sso_magic_task.check_use()
            return super()._refresh()

    return TaskCredentials


class OwnReader:
    """botocore's own reader of the environment, which never reads the keys of the role in use.

    It reads at once, while the variables are those that it was made for. While a role is in use in the environment,
    the answer is what was read last.
    """

    def __init__(self, kernel: Host, read: Callable[..., dict[str, Any]]) -> None:
        self._kernel = kernel
        self._read = read
        self._last: dict[str, Any] | None = None
        self._failure: Exception | None = None
        self._read_now(require_expiry=False)

    def __call__(self, require_expiry: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - botocore's
        """Return the credentials in the environment; while a role is in use, those that were read last."""
        self._kernel.bind(lambda: self._read_now(require_expiry))
        if self._failure is not None:
            raise self._failure
        assert self._last is not None
        return self._last

    def _read_now(self, require_expiry: bool) -> None:  # noqa: FBT001 - botocore's
        try:
            self._last, self._failure = self._read(require_expiry), None
        except botocore.exceptions.PartialCredentialsError as error:
            self._failure = error


class OwnEnvironment:
    """The environment as it is without a role in use; replaces `os.environ` where botocore only gets values."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the variable's value, or the default."""
        value = self._kernel.own(name)
        return default if value is None else value


class BotocoreBinding:
    """The hooks in botocore's two providers that read the environment."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._undo: list[Callable[[], None]] = []
        self._rebound: weakref.WeakSet[FunctionType] = weakref.WeakSet()
        self._own = OwnEnvironment(kernel)

    def install(self, library: ModuleType) -> None:
        """Replace the three methods, and rebind the readers that exist already."""
        kernel = self._kernel
        make_reader: Callable[..., Any] = library.EnvProvider._create_credentials_fetcher
        load: Callable[..., Any] = library.EnvProvider.load
        load_from_endpoint: Callable[..., Any] = library.ContainerProvider.load

        @functools.wraps(make_reader)
        def create_credentials_fetcher(provider: Any) -> Any:
            if provider.environ is not os.environ:
                return make_reader(provider)
            found = kernel.bind(lambda: OwnReader(kernel, make_reader(provider)))
            if not isinstance(found, RenewingRole):
                return found
            return AwaitedReader(found) if inspect.iscoroutinefunction(type(provider).load) else RoleReader(found)

        @functools.wraps(load)
        def load_bound(provider: Any) -> Any:
            if provider.environ is not os.environ:
                return load(provider)
            found = kernel.bind(lambda: load(provider))
            return ambient(found) if isinstance(found, RenewingRole) else found

        @functools.wraps(load_from_endpoint)
        def load_bound_from_endpoint(provider: Any) -> Any:
            role = role_at_the_endpoint(kernel) if provider._environ is os.environ else None
            return load_from_endpoint(provider) if role is None else ambient(role)

        logs.install()
        self._replace(library.EnvProvider, "_create_credentials_fetcher", create_credentials_fetcher)
        self._replace(library.EnvProvider, "load", load_bound)
        self._replace(library.ContainerProvider, "load", load_bound_from_endpoint)
        codes = [item for item in make_reader.__code__.co_consts if isinstance(item, type(make_reader.__code__))]
        with_referrers(codes, self._rebind)

    def _rebind(self, found: list[Any]) -> None:
        """Bind the readers that botocore has made before now."""
        for reader in found:
            cell = _cell(reader, "environ") if isinstance(reader, FunctionType) else None
            if cell is not None and cell.cell_contents is os.environ:
                cell.cell_contents = self._own
                self._rebound.add(reader)

    def enter(self, use: Use | None) -> None:
        """Do nothing: credentials are bound when they are made."""

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """Return nothing: clients are counted, not credentials."""
        return ()

    def uninstall(self) -> None:
        """Put the methods back, and `os.environ` into the readers that were rebound."""
        logs.uninstall()
        while self._undo:
            self._undo.pop()()
        for reader in list(self._rebound):
            _cell(reader, "environ").cell_contents = os.environ

    def _replace(self, owner: type, name: str, new: Callable[..., Any]) -> None:
        old = owner.__dict__[name]
        setattr(owner, name, new)
        self._undo.append(lambda: setattr(owner, name, old))


def _cell(reader: FunctionType, name: str) -> Any:
    names = reader.__code__.co_freevars
    return reader.__closure__[names.index(name)] if name in names and reader.__closure__ else None


def remembered(client: Any) -> Any:
    """Return the client, which the switch's line names from now on when another role comes into use."""
    if role_of(client) is not None:
        _clients.add(client, None)
    return client


def role_of(client: Any) -> RenewingRole | None:
    """Return the role of a client of botocore or aiobotocore; None if the client was not made under a role."""
    credentials = getattr(getattr(client, "_request_signer", None), "_credentials", None)
    reader = getattr(credentials, "_refresh_using", None)
    return reader.role if isinstance(reader, RoleReader) else None


class BotocoreSessionBinding:
    """The hook in the method that makes clients, so that those of roles are known; aiobotocore has its own."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._session: Any = None
        self._make_client: Any = None

    def install(self, library: ModuleType) -> None:
        """Replace the method."""
        self._session = library.Session
        make_client = self._make_client = library.Session.create_client

        @functools.wraps(make_client)
        def create_client(session: Any, *arguments: Any, **options: Any) -> Any:
            return remembered(make_client(session, *arguments, **options))

        self._session.create_client = create_client

    def enter(self, use: Use | None) -> None:
        """Do nothing: a client is bound when its credentials are made."""

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002 - as above
        """Yield the roles of the clients that are alive."""
        for client, _ in _clients:
            role = role_of(client)
            if role is not None:
                yield role, "boto3 client"

    def uninstall(self) -> None:
        """Put the method back."""
        if self._make_client is not None:
            self._session.create_client = self._make_client
