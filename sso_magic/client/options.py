"""The options that all methods of the clients take, written once and shown in each signature."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypedDict, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sso_magic.client.messages import Timeout

CallableT = TypeVar("CallableT", bound="Callable[..., object]")


class SendOptions(TypedDict, total=False):
    """Options of one call.

    Attributes:
        timeout: Seconds to connect and to wait for the answer, each attempt; a pair sets them apart.
        headers: Further request headers; those that the operation itself sends win.
    """

    timeout: float | Timeout | None
    headers: Mapping[str, str] | None


class PaginateOptions(SendOptions, total=False):
    """Options of a paginator; `timeout` and `headers` hold for each call.

    Attributes:
        page_size: The pages' size if the command has no ``max_results``.
        starting_token: Where to start; wins over the command's ``next_token``.
        stop_on_same_token: True if a token that comes twice in a row ends the listing instead of raising.
    """

    page_size: int | None
    starting_token: str | None
    stop_on_same_token: bool


def options_of(receiver: Callable[..., object]) -> Callable[[CallableT], CallableT]:
    """Return a decorator that shows the receiver's keyword-only parameters in place of ``**options``.

    The decorated function passes its ``**options`` to the receiver. `inspect.signature`, ``?`` and the documentation
    then show each option with its default. The function is not wrapped, so that a traceback has no further frame.
    """
    parameters = inspect.signature(receiver).parameters.values()
    options = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]

    def show(function: CallableT) -> CallableT:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        function.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
        return function

    return show
