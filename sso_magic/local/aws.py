"""The AWS accounts behind the Identity Center: STS, S3 and what else moto has.

moto's state belongs to a process: two of its servers share buckets, and any ``@mock_aws`` test empties them. So moto
runs in a process of its own, unless the caller asks for this one. The port is open at once; a client that connects is
served as soon as moto is there.
"""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import Future
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from sso_magic.local.aws_setup import Setup, make
from sso_magic.local.errors import LocalError, NotRunning
from sso_magic.local.listener import listen

if TYPE_CHECKING:
    import socket

    from sso_magic.local.accounts import Accounts, Server
    from sso_magic.local.authority import LocalAuthority
    from sso_magic.local.network import Network


class Host(Protocol):
    """Runs moto somewhere, on a socket that listens already."""

    ready: Future[Any]

    def stop(self) -> None:
        """Close the port and every connection, and wait until nothing of it is left."""

    def reset(self) -> None:
        """Forget every bucket and role."""

    def export(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets; see `Accounts.export`."""


class AWS:
    """STS, S3 and what else moto has, for the accounts of the organization.

    Args:
        authority: Answers for whose keys a request is signed with.
        region: The region of the buckets made at the start.
        network: Where it listens, and under which names.
        content: Whether accounts have buckets with something in them.
        in_process: Whether moto runs in this process, where every other use of moto shares its state.
    """

    def __init__(
        self, authority: LocalAuthority, region: str, network: Network, *, content: bool, in_process: bool
    ) -> None:
        missing = [name for name in ("moto", "flask", "flask_cors", "yaml", "boto3") if find_spec(name) is None]
        if missing:
            raise LocalError(
                f"AWS accounts need {', '.join(missing)}: pip install 'sso-magic[local]', or go without (aws=False)."
            )
        self._authority = authority
        self._network = network
        self._setup = Setup(region, network, content)
        self._in_process = in_process
        self._port = 0
        self._host: Host | None = None

    @property
    def url(self) -> str:
        """The endpoint of every AWS service.

        Raises:
            NotRunning: It has not been started.
        """
        if not self._port:
            raise NotRunning("The local AWS accounts are not running: start() the Identity Center first.")
        return self._network.aws_url(self._port)

    @property
    def is_ready(self) -> bool:
        """True if requests are served at once."""
        ready = self._host.ready if self._host is not None else None
        return ready is not None and ready.done() and ready.exception() is None

    def start(self, port: int, *, identity: bytes | None = None, buckets: dict[str, Any] | None = None) -> None:
        """Open the port, and let moto come up behind it.

        Args:
            port: The port; 0 takes a free one.
            identity: Key and certificate for TLS; None: connections are not encrypted.
            buckets: What `export` returned at the end of another run.

        Raises:
            PortInUse: Another program has the port.
            LocalError: No process can be started; the message says why.
        """
        sock = listen(port, "--aws-port", self._network.host)
        self._port = sock.getsockname()[1]
        setup = dataclasses.replace(self._setup, identity=identity, buckets=buckets)
        try:
            if self._in_process:
                self._host = InProcess(sock, self._authority, setup)
            else:
                from sso_magic.local.aws_process import Process

                self._host = Process(sock, self._authority, setup)
        except BaseException:
            sock.close()
            raise

    def stop(self) -> None:
        """Close the port and every connection, and wait until nothing of it is left."""
        if self._host is not None:
            self._host.stop()
            self._host = None

    def reset(self) -> None:
        """Forget every bucket and role."""
        if self._host is not None:
            self.wait()
            self._host.reset()

    def export(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets with the number of changes to them until now.

        None if that is the number known, or moto is not there.
        """
        try:
            return self._host.export(known) if self._host is not None and self.is_ready else None
        except LocalError:  # its process has ended
            return None

    def wait(self) -> None:
        """Wait until moto is there.

        Raises:
            LocalError: It could not be imported; the message says why.
        """
        if self._host is not None:
            _check(self._host.ready.exception())

    def check(self) -> None:
        """Check that moto, if it is decided already, could be imported.

        Raises:
            LocalError: It could not; the message says why.
        """
        if self._host is not None and self._host.ready.done():
            _check(self._host.ready.exception())


def _check(failed: BaseException | None) -> None:
    if failed is not None:
        why = str(failed) if isinstance(failed, LocalError) else f"{type(failed).__name__}: {failed}"
        raise LocalError(f"The AWS accounts could not be started: {why}. Go without them by aws=False.")


class InProcess:
    """moto in this process, in a thread."""

    def __init__(self, sock: socket.socket, authority: LocalAuthority, setup: Setup) -> None:
        self.ready: Future[Accounts] = Future()
        self._server: Server | None = None
        # A package that two threads import at once can come out half made: what the caller is likeliest to import next,
        # and moto imports too, is imported here first.
        import boto3  # noqa: F401
        import requests  # noqa: F401

        self._thread = threading.Thread(
            target=self._run, args=(sock, authority, setup), name="sso_magic local AWS", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for the threads to end."""
        failed = self.ready.exception()
        if self._server is not None:
            self._server.stop()
        self._thread.join()
        if failed is None:
            self.ready.result().release()

    def reset(self) -> None:
        """Forget every bucket and role."""
        self.ready.result().reset()

    def export(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets; see `Accounts.export`."""
        return self.ready.result().export(known)

    def _run(self, sock: socket.socket, authority: LocalAuthority, setup: Setup) -> None:
        try:
            accounts, self._server = make(setup, sock, authority)
        except Exception as error:  # noqa: BLE001 - whatever it is
            sock.close()
            self.ready.set_exception(error)  # told to everybody who waits for it
            return
        self.ready.set_result(accounts)
        self._server.serve_forever(poll_interval=0.05)
