"""How tasks in other processes of this machine get their role's credentials: they ask, through a local socket.

A Unix socket in a directory of one's own (a named pipe on Windows), opened with a key that the tasks are given: 128
bits for the line, and 128 more, the ticket, for each task's own role. Credentials go over it when a task asks, so that
one that runs for hours has renewed ones without ever having the access token.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING, Any

from sso_magic.each.handover import answer, opened
from sso_magic.errors import CredentialsError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from sso_magic.credentials import RoleCredentials
    from sso_magic.renewal import RenewingRole


class Line:
    """The notebook's end: answers with the credentials of the role that belongs to a ticket."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._listener = Listener(authkey=self._key)
        self._roles: dict[str, RenewingRole] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="sso_magic each line", daemon=True)
        self._thread.start()

    @property
    def far_end(self) -> FarEnd:
        """What a task gets of it."""
        return FarEnd(self._listener.address, self._key)

    def open(self, ticket: str, role: RenewingRole) -> None:
        """From now on the ticket gets this role's credentials."""
        self._roles[ticket] = role

    def close_ticket(self, ticket: str) -> None:
        """The task is over: its ticket gets nothing more."""
        self._roles.pop(ticket, None)

    def close(self) -> None:
        """Ends it, and waits for its thread."""
        self._closed = True
        self._roles.clear()
        with contextlib.suppress(OSError, EOFError):
            Client(self._listener.address, authkey=self._key).close()  # `accept` cannot be woken in another way
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        from multiprocessing import AuthenticationError

        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue  # whoever that was, the next one may be a task
            if self._closed:  # looked at after `accept`: else `close` could wait for an answer that nobody gives
                connection.close()
                return
            threading.Thread(
                target=self._answer, args=(connection,), name="sso_magic each line answer", daemon=True
            ).start()

    def _answer(self, connection: Connection) -> None:
        with contextlib.suppress(OSError, EOFError), connection:
            role = self._roles.get(connection.recv_bytes(100).decode("ascii", "replace"))
            connection.send(answer(role))


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A task's end of the line."""

    address: Any
    key: bytes = field(repr=False)

    def fetch(self, ticket: str) -> RoleCredentials:
        """Asks for the credentials of the ticket's role."""
        try:
            with Client(self.address, authkey=self.key) as connection:
                connection.send_bytes(ticket.encode())
                answered = connection.recv()  # pickled by the notebook, which this process works for
        except (OSError, EOFError) as error:
            raise CredentialsError(
                f"The notebook does not answer ({error}): its kernel is gone, or on another machine."
            ) from None
        return opened(answered)
