"""`Command`: a call of an operation (PROTOCOL.md 10.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sso_magic.client.middleware_stack import MiddlewareStack
from sso_magic.client.service import Call
from sso_magic.client.shapes import members
from sso_magic.common.secret import Secret

if TYPE_CHECKING:
    from typing_extensions import Self


OutputT = TypeVar("OutputT")


class Command(Call, Generic[OutputT]):
    """A call of an operation that has not been made yet; can be sent more than once.

    The fields of each subclass are the operation's input. `middleware_stack` is the command's own: what it holds is
    laid behind the client's when the command is sent.
    """

    __slots__ = ("_middleware_stack",)

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
        copy = super().changed(**members)
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
