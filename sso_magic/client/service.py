"""A service, its operations, and what holds for one call (PROTOCOL.md 10.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sso_magic.client.shapes import Structure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from sso_magic.client.messages import Timeout


@dataclass(frozen=True, slots=True)
class Service:
    """What the two services differ in.

    Attributes:
        id: The service id, ``SSO`` or ``SSO OIDC``.
        api_version: The model's date.
        endpoint_prefix: The first label of its hosts.
        base_error: The class of its errors that no other class stands for.
        errors: Its modelled errors by name.
    """

    id: str
    api_version: str
    endpoint_prefix: str
    base_error: type[Any]
    errors: Mapping[str, type[Any]]

    @property
    def key(self) -> str:
        """How configuration names it: ``sso`` or ``sso_oidc`` (PROTOCOL.md 3.4)."""
        return self.id.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the model.

    Attributes:
        service: The id of the service it is an operation of.
        name: Its name, such as ``ListAccounts``.
        method: The HTTP method.
        path: The path after the endpoint's.
        output: The dataclass that its answer becomes.
        auth: How requests are signed; these services sign none.
    """

    service: str
    name: str
    method: Literal["GET", "POST"]
    path: str
    output: type[Structure]
    auth: str = "smithy.api#noAuth"


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What holds for one call.

    Attributes:
        timeout: Seconds to connect and to wait for the answer, each attempt; None for the client's.
        headers: Further request headers.
    """

    timeout: Timeout | None = None
    headers: Mapping[str, str] | None = None


class Call(Structure):
    """A call of an operation, as middlewares see it; its fields are the operation's input."""

    __slots__ = ()

    operation: ClassVar[Operation]

    def changed(self, **members: Any) -> Self:
        """Return a copy with other values of some members.

        Args:
            members: The members that change, by name.
        """
        return replace(self, **members)
