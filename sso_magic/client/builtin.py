"""The client's own work, as the middlewares that `identify()` lists (PROTOCOL.md 10.2).

Names, steps, priorities, tags and order are those of the JavaScript SDK, so that what stands relative to one of them
there stands there here too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sso_magic.client.errors import ServiceException
from sso_magic.client.metadata import ResponseMetadata, set_attempts
from sso_magic.client.user_agent import user_agent
from sso_magic.client.wire import check_header, deserialize, serialize, validate
from sso_magic.errors import ClientError, SSOMagicError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.client.messages import HttpRequest
    from sso_magic.client.middleware import Handler, HandlerArguments, HandlerContext, HandlerResult, Middleware
    from sso_magic.client.middleware_stack import MiddlewareStack
    from sso_magic.client.service import Call, Service

_SIGNERS: dict[str, Callable[[HttpRequest], None]] = {"smithy.api#noAuth": lambda _request: None}
"""How a request is signed, by scheme. The bearer token is a member of the input, not a signature."""


def add_client_middlewares(stack: MiddlewareStack, service: Service) -> None:
    """Adds what every command needs."""
    stack.add(log, name="loggerMiddleware", tags=["LOGGER"], override=True)
    stack.add_relative_to(
        auth_scheme,
        relation="before",
        to_middleware="endpointV2Middleware",
        step="serialize",
        name="httpAuthSchemeMiddleware",
        tags=["HTTP_AUTH_SCHEME"],
        override=True,
    )
    stack.add(serializer, name="serializerMiddleware", step="serialize", tags=["SERIALIZER"], override=True)
    stack.add(
        content_length,
        name="contentLengthMiddleware",
        step="build",
        tags=["SET_CONTENT_LENGTH", "CONTENT_LENGTH"],
        override=True,
    )
    stack.add(
        user_agent_header,
        name="getUserAgentMiddleware",
        step="build",
        priority="low",
        tags=["SET_USER_AGENT", "USER_AGENT"],
        override=True,
    )
    stack.add(host_header, name="hostHeaderMiddleware", step="build", priority="low", tags=["HOST"], override=True)
    stack.add(
        recursion_detection,
        name="recursionDetectionMiddleware",
        step="build",
        priority="low",
        tags=["RECURSION_DETECTION", "TRACE_CONTEXT_PROPAGATION"],
        override=True,
    )
    stack.add(retry, name="retryMiddleware", step="finalizeRequest", priority="high", tags=["RETRY"], override=True)
    stack.add_relative_to(
        sign,
        relation="after",
        to_middleware="retryMiddleware",
        step="finalizeRequest",
        name="httpSigningMiddleware",
        aliases=["apiKeyMiddleware", "tokenMiddleware", "awsAuthMiddleware"],
        tags=["HTTP_SIGNING"],
        override=True,
    )
    stack.add(
        deserializer(service), name="deserializerMiddleware", step="deserialize", tags=["DESERIALIZER"], override=True
    )


def add_command_middlewares(stack: MiddlewareStack) -> None:
    """Adds what each command brings along."""
    stack.add_relative_to(
        endpoint,
        relation="before",
        to_middleware="serializerMiddleware",
        step="serialize",
        name="endpointV2Middleware",
        tags=["ENDPOINT_PARAMETERS", "ENDPOINT_V2", "ENDPOINT"],
        override=True,
    )


def log(next_handler: Handler, context: HandlerContext) -> Handler:
    """Tells the logger how the call went; secrets hide themselves."""
    logger = context.config.logger
    if logger is None:
        return next_handler

    def handler(args: HandlerArguments) -> HandlerResult:
        record: dict[str, Any] = {
            "client_name": context.client_name,
            "command_name": context.command_name,
            "input": args.input,
        }
        try:
            result = next_handler(args)
        except SSOMagicError as error:
            # not exception(): the logger may be any object, and a traceback is the caller's to print
            logger.error({**record, "error": error, "metadata": getattr(error, "metadata", None)})  # noqa: TRY400
            raise
        logger.info({**record, "output": result.output, "metadata": result.output.metadata})
        return result

    return handler


def auth_scheme(next_handler: Handler, context: HandlerContext) -> Handler:
    """Chooses how the request is signed: as the operation says."""

    def handler(args: HandlerArguments) -> HandlerResult:
        context.auth_scheme = context.operation.auth
        return next_handler(args)

    return handler


def endpoint(next_handler: Handler, context: HandlerContext) -> Handler:
    """Chooses where the request goes: where the configuration says."""

    def handler(args: HandlerArguments) -> HandlerResult:
        context.endpoint = context.config.endpoint
        return next_handler(args)

    return handler


def serializer(next_handler: Handler, context: HandlerContext) -> Handler:
    """Checks the input and makes the request of it."""

    def handler(args: HandlerArguments) -> HandlerResult:
        command: Call = args.input
        if context.config.validate_parameters:
            validate(command)
        args.request = serialize(command, context.endpoint or context.config.endpoint)
        for name, value in (context.options.headers or {}).items():
            args.request.headers.setdefault(name.lower(), check_header(value, f"Header {name}"))
        return next_handler(args)

    return handler


def content_length(next_handler: Handler, context: HandlerContext) -> Handler:  # noqa: ARG001 - a middleware's shape
    """Says how long the body is; a POST without one says 0."""

    def handler(args: HandlerArguments) -> HandlerResult:
        request = _request(args)
        if request.body is not None or request.method == "POST":
            request.headers["content-length"] = str(len(request.body or b""))
        return next_handler(args)

    return handler


def user_agent_header(next_handler: Handler, context: HandlerContext) -> Handler:
    """Says who asks."""

    def handler(args: HandlerArguments) -> HandlerResult:
        _request(args).headers.setdefault("user-agent", user_agent(context.config))
        return next_handler(args)

    return handler


def host_header(next_handler: Handler, context: HandlerContext) -> Handler:  # noqa: ARG001 - a middleware's shape
    """Says which host is asked."""

    def handler(args: HandlerArguments) -> HandlerResult:
        request = _request(args)
        request.headers.setdefault("host", request.authority)
        return next_handler(args)

    return handler


def recursion_detection(next_handler: Handler, context: HandlerContext) -> Handler:
    """In AWS Lambda, hands the trace on, so that AWS notices a function that calls itself."""

    def handler(args: HandlerArguments) -> HandlerResult:
        environ = context.config.environ
        if environ.get("AWS_LAMBDA_FUNCTION_NAME"):
            trace = environ.get("_X_AMZN_TRACE_ID")
            if trace:
                _request(args).headers.setdefault("x-amzn-trace-id", trace)
        return next_handler(args)

    return handler


def retry(next_handler: Handler, context: HandlerContext) -> Handler:
    """Makes the call again where the retry strategy allows it, and counts the attempts."""

    def handler(args: HandlerArguments) -> HandlerResult:
        strategy, sleep = context.config.retry_strategy, context.config.sleep
        request = _request(args)
        request.headers.setdefault("amz-sdk-invocation-id", _invocation_id())
        token = strategy.acquire_initial_retry_token()
        attempts, waited = 0, 0.0
        while True:
            attempts += 1
            request.headers["amz-sdk-request"] = f"attempt={attempts}; max={strategy.max_attempts}"
            try:
                result = next_handler(args)
            except ClientError as error:
                allowed = strategy.refresh_retry_token_for_retry(token, error)
                if allowed is None:
                    _note_attempts(error, attempts, waited)
                    raise
                token = allowed
            else:
                strategy.record_success(token)
                set_attempts(result.output.metadata, attempts, waited)
                return result
            sleep(token.retry_delay)
            waited += token.retry_delay

    return handler


def sign(next_handler: Handler, context: HandlerContext) -> Handler:
    """Signs each attempt by the scheme chosen; no operation of these services is signed (PROTOCOL.md 1.1)."""

    def handler(args: HandlerArguments) -> HandlerResult:
        _SIGNERS[context.auth_scheme or context.operation.auth](_request(args))
        return next_handler(args)

    return handler


def deserializer(service: Service) -> Middleware:
    """The middleware that makes the output, or the error, of the response."""

    def middleware(next_handler: Handler, context: HandlerContext) -> Handler:  # noqa: ARG001 - a middleware's shape
        def handler(args: HandlerArguments) -> HandlerResult:
            result = next_handler(args)
            result.output = deserialize(service, args.input, result.response)
            return result

        return handler

    return middleware


def _request(args: HandlerArguments) -> HttpRequest:
    if args.request is None:
        raise ClientError("There is no request yet: serializerMiddleware was removed, or comes after this middleware.")
    return args.request


def _invocation_id() -> str:
    """A random UUID (RFC 9562, version 4); the module `uuid` would cost more to import than the rest of a call."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _note_attempts(error: ClientError, attempts: int, waited: float) -> None:
    """A transport error has no metadata but this (PROTOCOL.md 10.4)."""
    if isinstance(error, ServiceException):
        set_attempts(error.metadata, attempts, waited)
    elif isinstance(error, TransportError):
        vars(error)["metadata"] = ResponseMetadata(attempts=attempts, total_retry_delay=waited)
