"""A credential endpoint on loopback, from which child processes and readers in Rust, Java and C++ renew automatically.

Its protocol is that of the container credentials endpoint (PROTOCOL.md 8.2), which every AWS SDK knows. Each role
has a path of its own that cannot be guessed: a reader takes the address when it is made, and so stays with its role
whatever is used afterwards. It listens on 127.0.0.1, in daemon threads, and ends with the process.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
import weakref
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache, locks
from sso_magic.common.loopback import LoopbackHandler, LoopbackServer
from sso_magic.common.secret import Secret, Unshown
from sso_magic.errors import SSOMagicError, TransportError

if TYPE_CHECKING:
    from sso_magic.kernel.config_copies import ConfigCopies
    from sso_magic.kernel.renewal import RenewingRole

_PATIENCE = 10  # seconds that keys must last to be given although new ones are due
_IDLE = 30  # seconds after which a connection that asks for nothing is closed


class CredentialEndpoint:
    """Serve the credentials of the roles that were registered, to clients that have the path and the token."""

    def __init__(self, copies: ConfigCopies) -> None:
        self.token = Secret(secrets.token_urlsafe(32))
        self._copies = copies
        self._token_file = copies.directory() / "token"
        cache.write_text(self._token_file, self.token)  # 0600, and no newline: botocore refuses one (PROTOCOL.md 8.2)
        self._roles: dict[Secret, RenewingRole] = {}  # by path
        self._lock = locks.Lock()
        self._server = _Server(self)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def url(self, role: RenewingRole) -> Secret:
        """Return the address of this role; the same one each time."""
        with self._lock:
            for path, known in self._roles.items():
                if known is role:
                    return self._address(path)
            path = Secret(f"/role/{secrets.token_urlsafe(32)}")
            self._roles[path] = role
        return self._address(path)

    def _address(self, path: Secret) -> Secret:
        return Secret(f"http://{self._server.authority}{path.reveal()}")

    def environment(self, role: RenewingRole) -> Unshown:
        """Return the variables that lead SDKs to this role."""
        return Unshown(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=self.url(role).reveal(),
            AWS_CONTAINER_AUTHORIZATION_TOKEN=self.token.reveal(),
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(self._token_file),
        )

    def forget(self, role: RenewingRole) -> None:
        """Serve this role no longer."""
        with self._lock:
            self._roles = {path: known for path, known in self._roles.items() if known is not role}

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()

    def close_after_fork(self) -> None:
        """Called in a forked child: the port is to end with the process that answers on it."""
        self._server.close_after_fork()

    def _at_path(self, path: str) -> RenewingRole | None:
        with self._lock:
            roles = list(self._roles.items())
        found = None
        for known, role in roles:  # all of them, so that the time taken says nothing
            if hmac.compare_digest(known.reveal().encode(), path.encode("utf-8", "replace")):
                found = role
        return found

    def answer(self, method: str, is_addressed: bool, path: str, token: str | None) -> tuple[int, Unshown]:  # noqa: FBT001
        """Return status and body of a request.

        Args:
            method: The HTTP method.
            is_addressed: Whether the header ``Host`` names this endpoint.
            path: The path.
            token: The header ``Authorization``.
        """
        if not is_addressed:
            return 403, _error("WrongHost", "This endpoint answers to its address only.")
        if method != "GET":
            return 405, _error("MethodNotAllowed", "Only GET.")
        role = self._at_path(path)
        if role is None:
            return 404, _error("NotFound", "There is no role at this path.")
        if token is None or not hmac.compare_digest(token.encode("utf-8", "replace"), self.token.reveal().encode()):
            return 403, _error("AccessDenied", "The authorization token is missing or wrong.")
        self._copies.refresh()
        return _credentials(role)


def _credentials(role: RenewingRole) -> tuple[int, Unshown]:
    """Return the status and the role's credentials.

    SDKs wait a second or two only, so keys that are valid for a while are sent as they are, and renewed on a thread.
    """
    if role.seconds_until_due() <= 0 and role.latest.seconds_left() > _PATIENCE:
        with contextlib.suppress(RuntimeError):  # the limit of threads: the next request tries again
            threading.Thread(target=role.renew, name="sso_magic endpoint renewal", daemon=True).start()
        keys = role.latest
    else:
        try:
            keys = role.get()
        except TransportError as error:
            return 503, _error(type(error).__name__, str(error))
        except SSOMagicError as error:
            return 403, _error(type(error).__name__, str(error))
    return 200, Unshown(
        AccessKeyId=keys.access_key_id.reveal(),
        SecretAccessKey=keys.secret_access_key.reveal(),
        Token=keys.session_token.reveal(),
        Expiration=cache.format_timestamp(keys.local_expires_at),
        AccountId=keys.account_id,
    )


def _error(code: str, message: str) -> Unshown:
    return Unshown(Code=code, Message=message)


class _Server(LoopbackServer):
    def __init__(self, endpoint: CredentialEndpoint) -> None:
        self.endpoint = weakref.proxy(endpoint)
        super().__init__(_Handler, "sso_magic credential endpoint")


class _Handler(LoopbackHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE

    def _answer(self) -> None:
        status, body = self.server.endpoint.answer(
            self.command, self.is_addressed(), self.path, self.headers.get("Authorization")
        )
        content = cache.to_json(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if status != 200 or self.command != "GET":
            self.close_connection = True  # the body of the request, if it has one, is not read
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # http.server looks up a method of this name; one answers all
            return self._answer
        raise AttributeError(name)
