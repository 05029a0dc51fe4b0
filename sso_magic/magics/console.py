"""What ``%sso_console`` shows: the portal's link, or one to this kernel that leads on once."""

from __future__ import annotations

import hmac
import os
import secrets
import threading
from html import escape
from typing import TYPE_CHECKING

from sso_magic.common.loopback import LoopbackHandler, LoopbackServer
from sso_magic.common.text import is_linkable, printable
from sso_magic.display import TEXT, say
from sso_magic.errors import UsageError
from sso_magic.inventory.suggestions import FIND_ERRORS, improved
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin.where import remote_signal

if TYPE_CHECKING:
    import argparse

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.common.secret import Secret
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.magics.family import Magics

GOOD_FOR = 900  # seconds, as AWS lets a sign-in token be used (PROTOCOL.md 12.1)


def show(magics: Magics, args: argparse.Namespace) -> None:
    """Show the link that the line asks for."""
    if args.destination is not None and not is_linkable(args.destination):
        raise UsageError(
            f"--destination {printable(args.destination)} is not a URL. Type the address of a console page: "
            "--destination https://console.aws.amazon.com/s3"
        )
    center = magics.center(args.session)
    try:
        _show(center, args)
    except FIND_ERRORS as error:
        raise improved(error, center.directory, args) from None


def _show(center: IdentityCenter, args: argparse.Namespace) -> None:
    if args.federated:
        _show_federated(center, args)
        return
    if args.account:
        url = center.role(args.account, args.role).console_url(destination=args.destination)
        words = f"Open {printable(args.account)} in the AWS console"
    else:
        used = _used()
        url = center.session.console_link(used.account_id, used.role_name, args.destination)
        words = f"Open {used.account_label} / {printable(used.role_name)} in the AWS console"
    say(f"{words}: {url}", _link(url, words))


def _used() -> Credentials:
    use = KERNEL.current
    if use is None:
        raise UsageError("Which account? %sso_console ACCOUNT [ROLE]; without one it is that of the role in use.")
    return use.credentials


def _link(url: str, words: str) -> str:
    link = escape(url, quote=True)
    return f'<div style="{TEXT}"><a href="{link}" target="_blank" rel="noopener noreferrer">{escape(words)}</a></div>'


def _show_federated(center: IdentityCenter, args: argparse.Namespace) -> None:
    elsewhere = remote_signal()
    if elsewhere is not None:
        raise UsageError(
            f"--federated needs a browser on the kernel's machine, and this is {elsewhere}. Leave it out: the portal's "
            "link works everywhere."
        )
    from sso_magic.credentials.federation import federated_url

    credentials = center.role(args.account, args.role).credentials() if args.account else _used()
    target = federated_url(
        credentials,
        region=os.environ.get("AWS_REGION"),
        destination=args.destination,
        endpoint=os.environ.get("AWS_ENDPOINT_URL_SIGNIN"),
    )
    role = f"{credentials.account_label} / {printable(credentials.role_name)}"
    words = f"Open {role} in the AWS console (works once, for 15 minutes)"
    url = OneTimeLink(target).url
    say(f"{words}: {url}", _link(url, words))


class OneTimeLink(LoopbackServer):
    """A link on loopback that redirects to a secret URL once: the notebook shows the link and never the URL.

    Args:
        target: The URL to redirect to.
    """

    def __init__(self, target: Secret) -> None:
        self._target = [target]  # taken out by the first request, whichever thread has it
        self.path = f"/{secrets.token_urlsafe(24)}"
        super().__init__(_Redirect, "sso_magic console link")
        self.url = f"http://{self.authority}{self.path}"
        self._end = threading.Timer(GOOD_FOR, self.end)
        self._end.daemon = True
        self._end.start()

    def take(self, path: str) -> Secret | None:
        """Return the URL for the path of the link, the first time."""
        if not hmac.compare_digest(path.encode("utf-8", "replace"), self.path.encode()):
            return None
        try:
            return self._target.pop()
        except IndexError:
            return None

    def end(self) -> None:
        """Stop listening."""
        self._end.cancel()
        self._target.clear()
        self.stop()


class _Redirect(LoopbackHandler):
    server: OneTimeLink

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        target = self.server.take(self.path) if self.is_addressed() else None
        if target is None:
            self.send_error(410, "This link was used, or is not one")
            return
        self.send_response(302)
        self.send_header("Location", target.reveal())
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.end()
