"""An operation of a service, and a call of it: the command (PROTOCOL.md 10.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from sso_magic.client.middleware import MiddlewareStack
from sso_magic.client.shapes import Structure, members
from sso_magic.common.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from sso_magic.client.http import Timeout

OutputT = TypeVar("OutputT")


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


class Command(Structure, Generic[OutputT]):
    """A call of an operation that has not been made yet; can be sent more than once.

    The fields of each subclass are the operation's input. `middleware_stack` is the command's own: what it holds is
    laid behind the client's when the command is sent.
    """

    __slots__ = ("_middleware_stack",)

    operation: ClassVar[Operation]

    def __post_init__(self) -> None:
        """Hides the secrets of the input from here on."""
        for member in members(type(self)):
            if member.kind.secret:
                value = getattr(self, member.attribute)
                if isinstance(value, str) and not isinstance(value, Secret):
                    object.__setattr__(self, member.attribute, Secret(value))

    @property
    def input(self) -> Command[OutputT]:
        """The input: the command is its own."""
        return self

    @property
    def middleware_stack(self) -> MiddlewareStack:
        """The middlewares of this command alone."""
        stack = self.own_stack
        if stack is None:
            stack = MiddlewareStack()
            object.__setattr__(self, "_middleware_stack", stack)
        return stack

    def changed(self, **members: Any) -> Self:
        """A copy with other values of some members, and with what was added to this one's stack.

        Args:
            members: The members that change, by name.
        """
        copy = replace(self, **members)
        stack = self.own_stack
        if stack is not None:
            object.__setattr__(copy, "_middleware_stack", stack.clone())
        return copy

    @property
    def own_stack(self) -> MiddlewareStack | None:
        """The same, or None where nothing has been added to it: most commands never need one."""
        try:
            stack: MiddlewareStack = object.__getattribute__(self, "_middleware_stack")
        except AttributeError:
            return None
        return stack
