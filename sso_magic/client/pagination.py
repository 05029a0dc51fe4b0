"""Every page of a listing, one after the other (PROTOCOL.md 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sso_magic.errors import ConfigError, DeserializationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sso_magic.client.base import Client
    from sso_magic.client.command import Command
    from sso_magic.client.messages import Timeout
    from sso_magic.client.options import SendOptions

MAX_PAGES = 10_000  # a million accounts at the usual page size; AWS has no organization of that size

PageT = TypeVar("PageT")
ClientT = TypeVar("ClientT", bound="Client")


def check_client(client: ClientT, kind: type[ClientT]) -> ClientT:
    """Return the client if it is one of the service that the paginator lists.

    Raises:
        ConfigError: It is not.
    """
    if not isinstance(client, kind):
        raise ConfigError(f"The paginator needs an instance of {kind.__name__}, not of {type(client).__name__}.")
    return client


def paginate(
    client: Client,
    command: Command[PageT],
    *,
    page_size: int | None = None,
    starting_token: str | None = None,
    stop_on_same_token: bool = False,
    timeout: float | Timeout | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[PageT]:
    """Send the command again with each page's token until there is none.

    Args:
        client: Sends it.
        command: The first page's; it is not changed.
        page_size: The pages' size if the command has no ``max_results``.
        starting_token: Where to start; wins over the command's ``next_token``.
        stop_on_same_token: True if a token that comes twice in a row ends the listing instead of raising.
        timeout: Of each call, as in `Client.send`.
        headers: Of each call, as in `Client.send`.

    Raises:
        DeserializationError: The service answered with a token that it has given before, or with more than `MAX_PAGES`
            pages.
    """
    options: SendOptions = {"timeout": timeout, "headers": headers}
    return _pages(
        client, _first_page(command, page_size, starting_token), options, stop_on_same_token=stop_on_same_token
    )


def _first_page(command: Command[PageT], page_size: int | None, starting_token: str | None) -> Command[PageT]:
    """Return the command of the first page; its own size wins over the page size, the starting token over its own."""
    changes: dict[str, Any] = {}
    if command.max_results is None and page_size is not None:
        changes["max_results"] = page_size
    if starting_token is not None:
        changes["next_token"] = starting_token
    return command.changed(**changes) if changes else command


def _pages(
    client: Client, command: Command[PageT], options: SendOptions, *, stop_on_same_token: bool
) -> Iterator[PageT]:
    seen = {command.next_token}
    name = f"{client.service.id} answered {command.operation.name}"
    for _ in range(MAX_PAGES):
        page: Any = client.send(command, **options)
        yield page
        token = page.next_token
        if not token:
            return
        if token in seen:
            if stop_on_same_token and token == command.next_token:
                return
            raise DeserializationError(
                f"{name} with the token of an earlier page; the listing would never end. Try again."
            )
        seen.add(token)
        command = command.changed(next_token=token)
    raise DeserializationError(
        f"{name} with more than {MAX_PAGES:,} pages. Check the endpoint, or ask for larger pages with page_size."
    )
