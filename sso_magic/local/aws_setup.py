"""What the AWS accounts are made with, in whichever process they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

    from sso_magic.local.accounts import Accounts, Server
    from sso_magic.local.authority import Authority
    from sso_magic.local.network import Network


@dataclass(frozen=True)
class Setup:
    """Settings of the AWS accounts.

    Attributes:
        region: The region of the buckets made at the start, and of the Identity Center.
        network: Where they listen, and under which names.
        content: Whether accounts have buckets with something in them.
        identity: Key and certificate for TLS, in PEM; None: connections are not encrypted.
        buckets: What `Accounts.export` returned before; None: nothing was kept.
    """

    region: str
    network: Network
    content: bool
    identity: bytes | None = field(default=None, repr=False)
    buckets: dict[str, Any] | None = field(default=None, repr=False)


def make(setup: Setup, sock: socket.socket, authority: Authority) -> tuple[Accounts, Server]:
    """Return moto and a server in front of it, on a socket that listens already."""
    from sso_magic.local.accounts import Accounts, Server
    from sso_magic.local.gate import Gate

    accounts = Accounts(setup.region, content=setup.content)
    accounts.restore(setup.buckets)
    context = None
    if setup.identity is not None:
        from sso_magic.local.tls import server_context

        context = server_context(setup.identity)
    return accounts, Server(sock, Gate(authority, accounts, setup.network), context)
