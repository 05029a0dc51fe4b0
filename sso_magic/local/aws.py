"""The AWS accounts behind the Identity Center: when moto's server comes up and goes, and the keys it knows.

moto takes half a second to import. The port is open at once; who connects is served when moto is there, and
GetRoleCredentials waits for it without holding up any other call. Where something else changes the process's warning
filters meanwhile, as pytest does between tests, wait for it first: an import can fail on a warning.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sso_magic.local.errors import LocalError, NotRunning
from sso_magic.local.keys import Minted
from sso_magic.local.listener import listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from sso_magic.local.accounts import Accounts, Server
    from sso_magic.local.clock import Clock
    from sso_magic.local.knobs import Knobs
    from sso_magic.local.organization import Organization


class AWS:
    """STS, S3 and what else moto has, for the accounts of the organisation.

    moto's accounts belong to the process, not to this object: two of these in one process share buckets.

    Args:
        keys: Every key that was minted, by its id; those minted here are added.
        content: Whether accounts have buckets with something in them.
    """

    def __init__(
        self,
        knobs: Knobs,
        clock: Clock,
        keys: dict[str, Minted],
        region: str,
        organization: Callable[[], Organization],
        *,
        content: bool,
    ) -> None:
        missing = [name for name in ("moto", "flask", "flask_cors", "yaml", "boto3") if find_spec(name) is None]
        if missing:
            raise LocalError(
                f"AWS accounts need {', '.join(missing)}: pip install 'sso-magic[local]', or go without (aws=False)."
            )
        self.clock = clock
        self._knobs = knobs
        self.region = region
        self.organization = organization
        self.content = content
        self.keys = keys
        self._port = 0
        self._ready: Future[Accounts] = Future()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The endpoint of every AWS service.

        Raises:
            NotRunning: it has not been started.
        """
        if not self._port:
            raise NotRunning("The local AWS accounts are not running: start() the Identity Center first.")
        return f"http://127.0.0.1:{self._port}"

    def start(self, port: int) -> None:
        """Opens the port, and lets moto come up behind it.

        Raises:
            PortInUse: another program has the port.
        """
        sock = listen(port, "--aws-port")
        self._port = sock.getsockname()[1]
        self._ready = Future()
        # A package that two threads import at once can come out half made: what the caller is likeliest to import next,
        # and moto imports too, is imported here first.
        import boto3  # noqa: F401
        import requests  # noqa: F401

        self._thread = threading.Thread(target=self._run, args=(sock,), name="sso_magic local AWS", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the port and every connection, and waits for the threads to end."""
        assert self._thread is not None
        failed = self._ready.exception()
        if self._server is not None:
            self._server.stop()
        self._thread.join()
        if failed is None:
            self._ready.result().release()
        self._thread, self._server = None, None

    def reset(self) -> None:
        """Forgets every bucket and role."""
        if self._thread is not None:
            self.wait().reset()

    def wait(self) -> Accounts:
        """Waits until moto is there.

        Raises:
            LocalError: it could not be imported; the message says why.
        """
        failed = self._ready.exception()
        if failed is not None:
            raise LocalError(f"The AWS accounts could not be started: {failed!r}. Go without them by aws=False.")
        return self._ready.result()

    def waiting(self) -> Awaitable[Any] | None:
        """What to wait for until it is there; None if it is."""
        return None if self._ready.done() else asyncio.wrap_future(self._ready)

    def assume_role(self, role_arn: str, session_name: str, expires_at: float) -> Minted:
        """Mints keys of the role by STS AssumeRole, and knows them from now on."""
        access_key_id, secret, token = self._ready.result().assume_role(role_arn, session_name)
        account_id = role_arn.split(":")[4]
        keys = Minted(access_key_id, secret, token, account_id, role_arn, session_name, expires_at)
        self.keys[access_key_id] = keys
        return keys

    def role_lifetime(self) -> float:
        """Seconds for which role credentials are valid at most."""
        return self._knobs.role_lifetime

    def _run(self, sock: socket.socket) -> None:
        try:
            from sso_magic.local.accounts import Accounts, Server
            from sso_magic.local.gate import Gate

            accounts = Accounts(self.region, self.organization, content=self.content)
            self._server = Server(sock, Gate(self, accounts))
        except Exception as error:  # noqa: BLE001 - whatever it is
            sock.close()
            self._ready.set_exception(error)  # told to everybody who waits for it
            return
        self._ready.set_result(accounts)
        self._server.serve_forever(poll_interval=0.05)
