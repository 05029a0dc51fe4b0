"""A role that is used, and the uses that lie on top of one another in a kernel."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sso_magic.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from sso_magic.credentials import RoleCredentials
    from sso_magic.kernel import KernelRole


class Use:
    """A role that is, or was, used in this kernel.

    Args:
        credentials: The keys there are; bound to their account and role for good.
        region: The region for the work done; None leaves what was there.
        session: The label of the session they came from.
        fetch: Gets the same role's credentials again.
        serve: Whether the environment gets the address of the credential endpoint instead of the keys.
    """

    def __init__(
        self,
        credentials: RoleCredentials,
        region: str | None,
        session: str,
        fetch: Callable[[], RoleCredentials],
        *,
        serve: bool = False,
    ) -> None:
        self.region = region
        self.session = session
        self.fetch = fetch
        self.serve = serve
        self.role = RenewingRole(credentials, fetch)

    @property
    def credentials(self) -> RoleCredentials:
        """The newest credentials of the role."""
        return self.role.latest

    @property
    def label(self) -> str:
        """``payments-prod (111111111111) / ReadOnly``."""
        return self.role.label

    @property
    def key(self) -> tuple[str, str, str]:
        """Which role it is: session, account, role."""
        return (self.session, self.credentials.account_id, self.credentials.role_name)

    def current(self) -> Use:
        """This use, with new credentials if its own end soon."""
        self.role.retry_now()
        self.role.get()
        return self


class Layer:
    """One use on top of another. A block (``with``, ``%%sso_as``) ends by itself; a plain use is replaced by the next.

    Leaving a block takes out its layer and the plain uses made inside it, also where blocks of several threads end in
    another order than they began.
    """

    def __init__(self, kernel: KernelRole, use: Use | None, displaced: Layer | None = None) -> None:
        self._kernel = kernel
        self.use = use
        self.displaced = displaced
        self.is_block = False
        self.thread = threading.get_ident()
        self._forget_what_cannot_come_back()

    def _forget_what_cannot_come_back(self) -> None:
        """Cuts the chain of displaced layers, which would never be freed, where none further down can become a block.

        A thread makes a layer a block at once or never: of what it has used before, the last is enough.
        """
        threads = {self.thread}
        for layer in self.chain():
            if layer.thread in threads:
                layer.displaced = None
            threads.add(layer.thread)

    def chain(self) -> Iterator[Layer]:
        """What the layer was put in the place of, and what that was, and so on."""
        layer = self.displaced
        while layer is not None:
            yield layer
            layer = layer.displaced

    @property
    def holders(self) -> str | None:
        """What is known to use another role still, in one line; None if nothing is."""
        return self._kernel.holders()

    def find_holders(self) -> str | None:
        """Search this process and its children for what uses another role still; see `KernelRole.find_holders`."""
        return self._kernel.find_holders()

    def __enter__(self) -> Self:
        self._kernel.open_block(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self._kernel.close_block(self)
