"""aiobotocore's providers of credentials, bound like botocore's (`boto.py`).

What was measured. `AioEnvProvider.load` looks for a key id in the environment before it makes a reader, and finds none
with ``--serve``. `AioContainerProvider` then takes the endpoint's address of that moment, so that a session that was
made under A and is first used after a switch to B is B.

What is done. Both ask for the role first: that of the session that is asked, or the role in use. A client keeps its
role, so the switch's line names it while it is open or held; a client of an s3fs filesystem is named as the filesystem.
"""

from __future__ import annotations

import contextlib
import functools
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.boto import ambient_awaited, role_at_the_endpoint, role_of
from sso_magic.kernel.libraries.starts import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use


_IS_OF_ANOTHER: ContextVar[bool] = ContextVar("sso_magic client of a named object", default=False)


@contextlib.contextmanager
def clients_of_a_named_object() -> Iterator[None]:
    """Do not name the clients that are made in a block: what holds them is named."""
    token = _IS_OF_ANOTHER.set(True)
    try:
        yield
    finally:
        _IS_OF_ANOTHER.reset(token)


class AiobotocoreBinding(Hooks):
    """The hooks in the two providers. Credentials are bound when they are loaded."""

    def __init__(self, kernel: Host) -> None:
        super().__init__(kernel)
        self._kernel = kernel

    def install(self, library: ModuleType) -> None:
        """Replace the two methods."""
        kernel = self._kernel
        self.replace(library.AioEnvProvider, "load", _bound("environ", lambda: kernel.bind(lambda: None)))
        self.replace(library.AioContainerProvider, "load", _bound("_environ", lambda: role_at_the_endpoint(kernel)))


def _bound(environment: str, find: Callable[[], RenewingRole | None]) -> Callable[[Callable[..., Any]], Any]:
    """Return what makes a provider's method load the role that `find` returns, if there is one."""

    def make(load: Callable[..., Any]) -> Any:
        async def load_bound(provider: Any) -> Any:
            role = find() if getattr(provider, environment) is os.environ else None
            return await load(provider) if role is None else ambient_awaited(role)

        return load_bound

    return make


class AioClientBinding:
    """The hook in the method that makes clients, so that those of roles are known."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._creator: Any = None
        self._make_client: Any = None
        self._clients: Alive[None] = Alive()

    def install(self, library: ModuleType) -> None:
        """Replace the method."""
        self._creator = library.AioClientCreator
        make_client = self._make_client = self._creator.create_client

        @functools.wraps(make_client)
        async def create_client(creator: Any, *arguments: Any, **options: Any) -> Any:
            client = await make_client(creator, *arguments, **options)
            if role_of(client) is not None and not _IS_OF_ANOTHER.get():
                self._clients.add(client, None)
            return client

        self._creator.create_client = create_client

    def enter(self, use: Use | None) -> None:
        """Do nothing: a client has the credentials of its session."""

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield the roles of the clients."""
        for client, _ in self._clients:
            role = role_of(client)
            if role is not None:
                yield role, "aiobotocore client"

    def uninstall(self) -> None:
        """Put the method back."""
        if self._make_client is not None:
            self._creator.create_client = self._make_client
