"""aiobotocore's providers of credentials, bound like botocore's (`boto.py`).

What was measured. `AioEnvProvider.load` looks for a key id in the environment before it makes a reader, and finds none
with ``--serve``. `AioContainerProvider` then takes the endpoint's address of that moment, so that a session that was
made under A and is first used after a switch to B is B.

What is done. Both ask for the role first: that of the session that is asked, or the role in use.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from sso_magic.libraries.boto import ambient_awaited, role_at_the_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from sso_magic.kernel import KernelRole, Use
    from sso_magic.renewal import RenewingRole


class AiobotocoreBinding:
    """The hooks in the two providers."""

    def __init__(self, kernel: KernelRole) -> None:
        self._kernel = kernel
        self._undo: list[Callable[[], None]] = []

    def install(self, library: ModuleType) -> None:
        """Replace the two methods."""
        kernel = self._kernel
        self._replace(library.AioEnvProvider, "environ", lambda: kernel.bind(lambda: None))
        self._replace(library.AioContainerProvider, "_environ", lambda: role_at_the_endpoint(kernel))

    def enter(self, use: Use | None) -> None:
        """Do nothing: credentials are bound when they are loaded."""

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """None: `owned.py` names sessions, `boto.py` clients."""
        return ()

    def uninstall(self) -> None:
        """Put the methods back."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, environment: str, find: Callable[[], RenewingRole | None]) -> None:
        load = vars(owner)["load"]

        @functools.wraps(load)
        async def load_bound(provider: Any) -> Any:
            role = find() if getattr(provider, environment) is os.environ else None
            return await load(provider) if role is None else ambient_awaited(role)

        owner.load = load_bound
        self._undo.append(lambda: setattr(owner, "load", load))
