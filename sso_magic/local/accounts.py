"""moto: accounts with roles and buckets, and the WSGI server in front of them.

Imported in a process or a thread of its own, since moto is slow to import. Nothing else in the package imports moto.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

from moto.backends import list_of_moto_modules
from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sso_magic.local import locks
from sso_magic.local.content import BUCKETS, objects
from sso_magic.local.keys import role_id

if TYPE_CHECKING:
    import ssl

    from sso_magic.local.directory import Account
    from sso_magic.local.organization import Organization

_PARTITION = "aws"
_TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip


class Accounts:
    """What the gate needs of moto."""

    _users = 0  # how many of these are in use: the last one out clears moto

    def __init__(self, region: str, *, content: bool) -> None:
        self.application = _Application(create_backend_app)
        self.region = region
        self._content = content
        self._making = locks.Lock()
        self._filling = locks.Lock()  # takes longer, and must not hold up other requests
        self._filled: set[str] = set()
        self.changes = 0  # requests that may have changed a bucket
        self._buckets: dict[str, Account] = {}
        self._buckets_of: tuple[int, int] | None = None
        Accounts._users += 1

    def make_role(self, role_arn: str) -> None:
        """Make the IAM role behind the ARN if it is not there, with the id that every session of it shows."""
        backend = iam_backends[role_arn.split(":")[4]][_PARTITION]
        path, name = re.fullmatch(r"[^/]*(/.*?)([^/]*)", role_arn).groups()  # type: ignore[union-attr]
        with self._making:
            if any(role.name == name for role in list(backend.roles.values())):
                return
            role = backend.create_role(
                role_name=name,
                assume_role_policy_document=_TRUST,
                path=path,
                permissions_boundary=None,
                description="",
                tags=[],
                max_session_duration="43200",
            )
            del backend.roles[role.id]
            role.id = role_id(role_arn)
            backend.roles[role.id] = role

    def has_role(self, role_arn: str) -> bool:
        """Return True if IAM has the role."""
        backend = iam_backends[role_arn.split(":")[4]][_PARTITION]
        return any(role.arn == role_arn for role in list(backend.roles.values()))

    def owner(self, bucket: str, organization: Organization) -> str | None:
        """The account that owns the bucket, also one that is filled only when it is first looked into."""
        known = s3_backends.bucket_accounts.get(bucket)
        if known is not None:
            return known[1]
        account = self._promised(organization).get(bucket)
        return account.id if account is not None and account.id not in self._filled else None

    def fill(self, account_id: str, organization: Organization) -> None:
        """Makes the account's buckets and what is in them, when somebody first looks."""
        if account_id in self._filled:
            return
        with self._filling:
            if account_id in self._filled:
                return
            backend = s3_backends[account_id][_PARTITION]
            for bucket, account in self._promised(organization).items():
                if account.id != account_id or bucket in s3_backends.bucket_accounts:
                    continue
                backend.create_bucket(bucket_name=bucket, region_name=self.region)
                if account.buckets is None:
                    for key, (value, content_type) in objects(account, bucket).items():
                        stored = backend.put_object(bucket_name=bucket, key_name=key, value=value)
                        stored.set_metadata({"Content-Type": content_type})
            self._filled.add(account_id)

    def export(self, known: int) -> tuple[int, dict[str, Any]] | None:
        """Return the buckets with the number of changes until now; None if that is the number known."""
        from sso_magic.local.saved_buckets import export_buckets

        changes = self.changes
        if changes == known:
            return None
        with self._filling:
            return changes, {"filled": sorted(self._filled), "buckets": export_buckets()}

    def restore(self, saved: dict[str, Any] | None) -> None:
        """Make the buckets that `export` returned."""
        from sso_magic.local.saved_buckets import restore_buckets

        if saved is not None:
            restore_buckets(saved["buckets"])
            self._filled.update(saved["filled"])

    def reset(self) -> None:
        """Forgets everything that is in moto."""
        with self._making, self._filling:
            BackendDict.reset()
            self._filled.clear()
            self.changes += 1

    def release(self) -> None:
        """Called once, when it is no longer used."""
        Accounts._users -= 1
        if not Accounts._users:
            self.reset()

    def _promised(self, organization: Organization) -> dict[str, Account]:
        """Every bucket that an account of the organization has from the start."""
        now = organization.state
        if self._buckets_of != now:
            buckets: dict[str, Account] = {}
            for account in organization.accounts:
                buckets.update(dict.fromkeys(account.buckets or (), account))
            for account in organization.accounts:
                for suffix in BUCKETS if self._content and account.buckets is None else ():
                    name = f"{account.slug}-{suffix}"
                    buckets[f"{account.slug}-{account.id}-{suffix}" if name in buckets else name] = account
            self._buckets, self._buckets_of = buckets, now
        return self._buckets


class _Application(DomainDispatcherApplication):
    """moto's dispatcher, which raises for a service that moto has not, where moto prints a line and fails later."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._known: dict[str | None, Any] = {None: None}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            known = host in {"moto_api", *list_of_moto_modules()}
            if not known and not any(pattern.match(f"http://{host}") for _, pattern in self.backend_url_patterns):
                raise NotImplementedError
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


# Newer motos have a handler that lets underscores in the names of metadata through.
_Handler: type[WSGIRequestHandler] = getattr(werkzeug_app, "MotoRequestHandler", WSGIRequestHandler)


class _QuietHandler(_Handler):  # type: ignore[misc, valid-type]
    """Logs nothing, and takes uploads in chunks."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the signature is werkzeug's
        pass


class Server(ThreadedWSGIServer):
    """werkzeug's threaded server on a socket that is listening already, which leaves no connection and no thread."""

    def __init__(self, sock: socket.socket, application: Any, tls: ssl.SSLContext | None = None) -> None:
        host, port = sock.getsockname()[:2]
        self._connections: set[socket.socket] = set()
        self._handlers: set[threading.Thread] = set()
        self._guard = locks.Lock()
        super().__init__(host, port, application, _QuietHandler, fd=sock.fileno())
        self.ssl_context = tls
        sock.close()  # werkzeug has duplicated it

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread a connection, remembered until it ends."""
        thread = threading.Thread(
            target=self._handle, args=(request, client_address), name="sso_magic local AWS connection", daemon=True
        )
        with self._guard:
            self._connections.add(request)
            self._handlers.add(thread)
        thread.start()

    def _handle(self, request: Any, client_address: Any) -> None:
        try:
            if self.ssl_context is not None:
                request = self._encrypted(request, self.ssl_context)
            self.process_request_thread(request, client_address)
        except OSError:
            request.close()  # no TLS, or not with this certificate
        finally:
            with self._guard:
                self._connections.discard(request)
                self._handlers.discard(threading.current_thread())

    def _encrypted(self, request: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        """Shake hands in the connection's own thread, so that a client that says nothing holds up no other."""
        encrypted = tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._connections.discard(request)
            self._connections.add(encrypted)
        try:
            encrypted.do_handshake()
        except BaseException:
            with self._guard:
                self._connections.discard(encrypted)
            encrypted.close()
            raise
        return encrypted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""

    def stop(self) -> None:
        """Closes the port and every connection, and waits for their threads."""
        self.shutdown()
        with self._guard:
            connections, threads = list(self._connections), list(self._handlers)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
