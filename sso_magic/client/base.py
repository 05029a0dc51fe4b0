"""The client of an AWS JSON service: configuration, a middleware stack, and `send`."""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from sso_magic.client import service_clock
from sso_magic.client.builtin import add_client_middlewares, add_command_middlewares
from sso_magic.client.config import ClientConfig, resolve_config
from sso_magic.client.middleware import HandlerArguments, HandlerContext, HandlerResult
from sso_magic.client.middleware_stack import MiddlewareStack
from sso_magic.client.service import CallOptions, Service
from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common import locks
from sso_magic.errors import ClientError, ParamValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor
    from types import TracebackType

    from typing_extensions import Self

    from sso_magic.client.command import Command, OutputT
    from sso_magic.client.http import RequestHandlerOptions
    from sso_magic.client.messages import HttpResponse, RequestHandler, Timeout
    from sso_magic.client.retry import RetryStrategy
    from sso_magic.config.files import SharedConfig


SUBMIT_THREADS = 32
"""How many calls of `Client.submit` run at a time."""


class Client:
    """What both services' clients are: resolved configuration, middleware stack, `send`, `submit`, `destroy`.

    Safe to call from many threads at a time; change `middleware_stack` before sharing the client.

    Args:
        region: The region that hosts the Identity Center instance (``sso_region``, not the workload's).
        endpoint: A URL to send requests to instead.
        profile: The profile of the shared configuration file whose settings are used.
        max_attempts: How many attempts a call may take, the first included; 1 never retries.
        retry_mode: ``standard`` (default), ``adaptive``, or ``legacy`` (``standard`` with 5 attempts).
        retry_strategy: Decides on retries instead of the two above.
        use_fips_endpoint: Whether to use the FIPS endpoint.
        use_dualstack_endpoint: Whether to use the dual-stack endpoint.
        ignore_configured_endpoint_urls: Whether to pass over endpoints of environment and files.
        endpoint_provider: Called with prefix, region, use_fips, use_dual_stack and endpoint, returns the URL.
        request_handler: Sends requests: a handler, or a dict of the options of `RequestsHandler`.
        ca_bundle: A file or directory of CA certificates.
        proxies: Protocol to proxy URL, as in requests.
        logger: Has ``info`` and ``error``, such as a `logging.Logger`; nothing is logged without one.
        custom_user_agent: Put at the end of the user agent.
        user_agent_app_id: The application's name in the user agent.
        defaults_mode: ``legacy``, ``standard``, ``in-region``, ``cross-region``, ``mobile`` or ``auto``.
        extensions: Each one's ``configure`` is called before the settings are resolved.
        validate_parameters: Whether inputs are checked before they are sent.
        environ: Where variables are read from; by default the process's environment, as it is without a role in use.
        shared_config: The shared files' content, if it has been read already.
        sleep: Waits a number of seconds between attempts.

    A value may also be a function of no arguments that returns it.

    Raises:
        ConfigError: a setting has a value it cannot have; the message names the setting and where it came from.
        EndpointError: no endpoint can be made of the settings.
    """

    service: ClassVar[Service]
    client_name: ClassVar[str] = "Client"

    def __init__(  # noqa: PLR0913 - the settings that AWS documents
        self,
        *,
        region: str | Callable[[], str] | None = None,
        endpoint: str | Callable[[], str] | None = None,
        profile: str | Callable[[], str] | None = None,
        max_attempts: int | Callable[[], int] | None = None,
        retry_mode: str | Callable[[], str] | None = None,
        retry_strategy: RetryStrategy | None = None,
        use_fips_endpoint: bool | Callable[[], bool] | None = None,
        use_dualstack_endpoint: bool | Callable[[], bool] | None = None,
        ignore_configured_endpoint_urls: bool | Callable[[], bool] | None = None,
        endpoint_provider: Callable[..., str] | None = None,
        request_handler: RequestHandler | RequestHandlerOptions | None = None,
        ca_bundle: str | Callable[[], str] | None = None,
        proxies: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        logger: Any = None,
        custom_user_agent: str | Callable[[], str] | None = None,
        user_agent_app_id: str | Callable[[], str] | None = None,
        defaults_mode: str | Callable[[], str] | None = None,
        extensions: Iterable[Any] | None = None,
        validate_parameters: bool = True,
        environ: Mapping[str, str] | None = None,
        shared_config: SharedConfig | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        settings = dict(locals())
        del settings["self"]
        self._config = resolve_config(self.service, settings)
        self._middleware_stack = MiddlewareStack()
        add_client_middlewares(self._middleware_stack, self.service)
        self._complete_stack = (-1, self._middleware_stack)
        self._executor: ThreadPoolExecutor | None = None
        self._executor_process = os.getpid()  # a forked child has none of the executor's threads
        self._executor_lock = locks.Lock()
        self._destroyed = False

    @property
    def config(self) -> ClientConfig:
        """The resolved configuration."""
        return self._config

    @property
    def middleware_stack(self) -> MiddlewareStack:
        """What happens to every call of this client."""
        return self._middleware_stack

    def send(
        self,
        command: Command[OutputT],
        *,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> OutputT:
        """Makes the call and waits for its output.

        Args:
            command: What to call, with its input.
            timeout: Seconds to connect and to wait for the answer, each attempt; a pair sets them apart.
            headers: Further request headers; those that the operation itself sends win.

        Raises:
            ServiceException: the service answered an error; its class is one of the service's.
            TransportError: no answer came.
            DeserializationError: the answer was not this operation's.
            ParamValidationError: no request can be made of the input.
            ClientError: the client was destroyed.
        """
        if self._destroyed:
            raise ClientError(f"This {type(self).__name__} was destroyed; make a new one.")
        if command.operation.service != self.service.id:
            raise ParamValidationError(
                f"{type(command).__name__} is a command of {command.operation.service}; {type(self).__name__} sends "
                f"those of {self.service.id}."
            )
        context = HandlerContext(
            client_name=self.client_name,
            command_name=type(command).__name__,
            config=self._config,
            operation=command.operation,
            options=CallOptions(_timeout(timeout), headers),
        )
        handler = self._stack_of(command).resolve(self._handler(context), context)
        output: OutputT = handler(HandlerArguments(command)).output
        return output

    def submit(
        self,
        command: Command[OutputT],
        *,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Future[OutputT]:
        """Makes the call in another thread; what `send` returns or raises is the future's.

        Args:
            command: What to call, with its input.
            timeout: As in `send`.
            headers: As in `send`.

        Raises:
            ClientError: the client was destroyed.
        """
        with self._executor_lock:
            if self._destroyed:
                raise ClientError(f"This {type(self).__name__} was destroyed; make a new one.")
            if self._executor is None or self._executor_process != os.getpid():
                from concurrent.futures import ThreadPoolExecutor

                self._executor = ThreadPoolExecutor(SUBMIT_THREADS, thread_name_prefix=self.client_name)
                self._executor_process = os.getpid()
            return self._executor.submit(self.send, command, timeout=timeout, headers=headers)

    def destroy(self) -> None:
        """Closes the connections; calls under way end, further ones are refused. A handler handed in stays open."""
        with self._executor_lock:
            self._destroyed = True
            executor, self._executor = self._executor, None
        if executor is not None and self._executor_process == os.getpid():
            executor.shutdown(wait=False, cancel_futures=True)
        if self._config.owns_request_handler:
            self._config.request_handler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.destroy()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._config.endpoint}>"

    def _stack_of(self, command: Command[Any]) -> MiddlewareStack:
        """The client's stack with what commands add, kept until somebody changes it, and the command's own."""
        version, stack = self._complete_stack
        if version != self._middleware_stack.version:
            version, stack = self._middleware_stack.version, self._middleware_stack.clone()
            add_command_middlewares(stack)
            self._complete_stack = (version, stack)
        return stack if command.own_stack is None else stack.concat(command.own_stack)

    def _handler(self, context: HandlerContext) -> Callable[[HandlerArguments], HandlerResult]:
        def handler(args: HandlerArguments) -> HandlerResult:
            if args.request is None:
                raise ClientError(
                    "There is no request to send: a middleware has taken it out. Leave args.request in its place."
                )
            asked = service_clock.here()
            response = self._config.request_handler.handle(args.request, timeout=context.options.timeout)
            tell_time(response, asked)
            return HandlerResult(response)

        return handler


def tell_time(response: HttpResponse, asked: service_clock.Moment) -> None:
    """Let the service's answer tell its time; one that a proxy made tells the proxy's."""
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES or "x-amzn-requestid" in response.headers:
        SERVICE_CLOCK.observe(response.headers.get("date"), asked)


def _timeout(value: float | Timeout | None) -> Timeout | None:
    if value is None:
        return None
    connect, read = value if isinstance(value, tuple) else (value, value)
    for seconds in (connect, read):
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
            raise ParamValidationError(f"timeout is {value!r}; it must be seconds above 0, or a pair of them.")
    return (float(connect), float(read))
