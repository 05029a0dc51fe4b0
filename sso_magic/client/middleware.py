"""Middlewares: functions around a call (PROTOCOL.md 10.2).

    def team(args, context):
        args.request.headers["x-team"] = "data"
    sso.middleware_stack.add(before(team), step="build", name="team")

A middleware is given the next handler and the call's context, and returns a handler; `before` and `after` make one of a
function that does one thing. `sso_magic.client.middleware_stack` holds them in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sso_magic.client.config import ClientConfig
    from sso_magic.client.messages import HttpRequest, HttpResponse
    from sso_magic.client.service import Call, CallOptions, Operation


@dataclass(slots=True)
class HandlerArguments:
    """What travels inwards.

    Attributes:
        input: The command; to change its members, put a changed copy here (`Command.changed`).
        request: The HTTP request; there from the step ``serialize`` on.
    """

    input: Call
    request: HttpRequest | None = None


@dataclass(slots=True)
class HandlerResult:
    """What travels outwards.

    Attributes:
        response: The HTTP response.
        output: The operation's output; made in the step ``deserialize``.
    """

    response: HttpResponse
    output: Any = None


@dataclass(slots=True)
class HandlerContext:
    """What a call's middlewares share.

    Attributes:
        client_name: ``SSOClient`` or ``SSOOIDCClient``.
        command_name: Such as ``ListAccountsCommand``.
        config: The client's resolved configuration.
        operation: The operation of the model.
        options: The call's timeout and headers.
        endpoint: The base URL; set by ``endpointV2Middleware``.
        auth_scheme: How the request is signed; set by ``httpAuthSchemeMiddleware``.
        values: For whatever else one middleware has to tell another.
    """

    client_name: str
    command_name: str
    config: ClientConfig
    operation: Operation
    options: CallOptions
    endpoint: str | None = None
    auth_scheme: str | None = None
    values: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[HandlerArguments], HandlerResult]
Middleware = Callable[[Handler, HandlerContext], Handler]


def before(function: Callable[[HandlerArguments, HandlerContext], object]) -> Middleware:
    """A middleware that calls the function with the arguments and the context, then goes on."""

    @wraps(function)
    def middleware(next_handler: Handler, context: HandlerContext) -> Handler:
        def handler(args: HandlerArguments) -> HandlerResult:
            function(args, context)
            return next_handler(args)

        return handler

    return middleware


def after(function: Callable[[HandlerResult, HandlerContext], object]) -> Middleware:
    """A middleware that goes on, then calls the function with the result and the context."""

    @wraps(function)
    def middleware(next_handler: Handler, context: HandlerContext) -> Handler:
        def handler(args: HandlerArguments) -> HandlerResult:
            result = next_handler(args)
            function(result, context)
            return result

        return handler

    return middleware
