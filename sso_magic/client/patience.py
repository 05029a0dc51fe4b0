"""Retries for calls that a person or a running computation waits for.

A throttled GetRoleCredentials is made again for a minute, because without credentials the work stops. In any call, a
connection that gives no answer is given up after seconds, and the call is made again on another one; each attempt waits
longer than the one before it, so that a service that is only slow is not asked in vain.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sso_magic.client.grants import GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN
from sso_magic.client.retry import COST, STANDARD_ATTEMPTS, RetryToken, StandardRetryStrategy, error_type, retry_after
from sso_magic.common.jitter import JITTER
from sso_magic.errors import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso_magic.client.errors import ServiceException
    from sso_magic.client.middleware import Handler, HandlerArguments, HandlerContext, HandlerResult
    from sso_magic.client.middleware_stack import MiddlewareStack
    from sso_magic.client.service import Call

PATIENCE = 60.0
"""Seconds after which no further attempt of a throttled call is made."""
FIRST_DELAY = 0.25
"""Seconds to wait after the first throttle, at most; twice as long after each further one, up to `LONGEST_DELAY`.

Credentials of some seconds, as a local Identity Center's may be, would expire during longer pauses.
"""
LONGEST_DELAY = 5.0
READ_TIMEOUTS = (5.0, 15.0)
"""Seconds to wait for an answer at first and after one silence; after two, as long as the configuration says."""
CREATE_TOKEN_TIMEOUTS = (15.0,)
"""The same for a refresh of the access token, whose lost answer may have a new refresh token in it, and for a poll with
a device code: nearly every answer says that nobody has approved yet."""


@dataclass(frozen=True, slots=True)
class _Token(RetryToken):
    began: float = 0.0
    throttles: int = 0


class PatientRetryStrategy(StandardRetryStrategy):
    """``standard``, but for throttled calls: those are made again until `PATIENCE` is over, however many it takes.

    Args:
        max_attempts: How many attempts that were not throttled a call may take, the first included.
        clock: Gives seconds, for the time that a call has taken.
        uniform: Gives a number from 0 to 1 for the jitter.
    """

    def __init__(
        self,
        max_attempts: int = STANDARD_ATTEMPTS,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = JITTER.random,
    ) -> None:
        super().__init__(max_attempts, uniform=uniform)
        self._clock = clock

    def acquire_initial_retry_token(self) -> RetryToken:
        """Note when the call began."""
        return _Token(began=self._clock())

    def refresh_retry_token_for_retry(self, token: RetryToken, error: BaseException) -> RetryToken | None:
        """Return the permission for another attempt after this error; None if there is to be none."""
        assert isinstance(token, _Token)
        if error_type(error) != "throttling":
            others = replace(token, retry_count=token.retry_count - token.throttles)
            allowed = super().refresh_retry_token_for_retry(others, error)
            return None if allowed is None else self._next(token, allowed.retry_delay, allowed.retry_cost, 0)
        asked = retry_after(getattr(error, "response", None), self._now()) or 0.0
        delay = max(self._uniform() * min(FIRST_DELAY * 2.0**token.throttles, LONGEST_DELAY), asked)
        if self._clock() - token.began + delay > PATIENCE or not self._take(COST["throttling"]):
            return None
        return self._next(token, delay, COST["throttling"], 1)

    @staticmethod
    def _next(token: _Token, delay: float, cost: int | None, throttles: int) -> RetryToken:
        return _Token(token.retry_count + 1, delay, cost, token.began, token.throttles + throttles)


def throttled_text(error: ServiceException) -> str:
    """Return what to tell about a call that was throttled until its patience was over, in one line."""
    attempts, waited = error.metadata.attempts, error.metadata.total_retry_delay
    asked = retry_after(getattr(error, "response", None), time.time())
    wait = f"{asked:.0f} s" if asked and asked > 1 else "a minute"
    return (
        f"AWS throttles the requests for credentials (429): {attempts} attempt{'s' * (attempts != 1)} in {waited:.0f} "
        f"s. Wait {wait}, then try again."
    )


def add_read_timeouts(stack: MiddlewareStack, *, across_calls: bool = False) -> None:
    """Add the middleware that gives each attempt its own time for an answer, unless the call has a timeout.

    Args:
        stack: The client's stack.
        across_calls: Whether the silences of an earlier call for the same page count, because the client makes one
            attempt and its caller the others.
    """
    silences: dict[object, int] = {}

    def read_timeouts(next_handler: Handler, context: HandlerContext) -> Handler:
        return _read_timeouts(next_handler, context, silences if across_calls else {})

    stack.add_relative_to(
        read_timeouts, relation="after", to_middleware="retryMiddleware", name="readTimeoutMiddleware"
    )


def _read_timeouts(next_handler: Handler, context: HandlerContext, silences: dict[object, int]) -> Handler:
    options = context.options
    connect, longest = getattr(context.config.request_handler, "timeout", (10.0, 60.0))

    def handler(args: HandlerArguments) -> HandlerResult:
        page = _page_of(args.input)
        if options.timeout is None:
            short, count = _timeouts_of(args.input), silences.get(page, 0)
            read = min(short[count], longest) if count < len(short) else longest
            context.options = replace(options, timeout=(connect, read))
        try:
            result = next_handler(args)
        except ReadTimeoutError:
            silences[page] = silences.get(page, 0) + 1
            raise
        silences.pop(page, None)
        return result

    return handler


def _page_of(command: Call) -> object:
    """Return what tells a call's page from other pages, without the access token."""
    return (type(command), *(getattr(command, name, None) for name in ("account_id", "next_token")))


def _timeouts_of(command: Call) -> tuple[float, ...]:
    """Return how long the first attempts wait for an answer.

    The code that a browser brought is good for one answer, so that the call with it is not given up early.
    """
    grant = getattr(command, "grant_type", None)
    if grant is None:
        return READ_TIMEOUTS
    return CREATE_TOKEN_TIMEOUTS if grant in (GRANT_REFRESH_TOKEN, GRANT_DEVICE_CODE) else ()
