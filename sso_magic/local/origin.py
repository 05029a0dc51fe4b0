"""Which requests another site's page may have made a browser send; every path of both servers refuses them.

A name of another site can be made to resolve to 127.0.0.1 (DNS rebinding), but the browser sends that name in the
header ``Host``. A form or script of another site can post to 127.0.0.1, but the browser says so in ``Origin`` and
``Sec-Fetch-Site``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sso_magic.local.network import Network, is_address

if TYPE_CHECKING:
    from typing import Protocol

    class _Headers(Protocol):
        def get(self, name: str, /) -> str | None: ...


LOOPBACK = Network()
_READS = ("GET", "HEAD", "OPTIONS")
_FORMS = ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded")  # what a page posts without asking


def refusal(method: str, headers: _Headers, *, subdomains: bool = False, network: Network = LOOPBACK) -> str | None:
    """Return why a request is refused; None if it is not.

    Args:
        method: The HTTP method.
        headers: The request's headers, whatever their case.
        subdomains: Whether names below the server's, such as ``bucket.localhost``, are the server's too, as S3 has
            buckets.
        network: The names and schemes that clients reach the server by.
    """
    host = headers.get("Host")
    if host is not None and not _is_own(host, network.names, subdomains=subdomains):  # every browser sends one
        if network.names == LOOPBACK.names:
            return "This server answers to 127.0.0.1 and localhost only."
        return f"This server answers to {', '.join(sorted(network.names))} only. Allow more names by --allow-host."
    if method.upper() in _READS:
        return None
    site = headers.get("Sec-Fetch-Site")
    origin = headers.get("Origin")
    if site not in (None, "same-origin", "none") or origin not in (
        None,
        *(f"{scheme}://{host}" for scheme in network.schemes),
    ):
        return "This server takes nothing that a page of another site posts."
    return None


def is_form(headers: _Headers) -> bool:
    """Return whether the body is of a type that a page of another site can post without asking."""
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower() in _FORMS


def _is_own(host: str, names: frozenset[str], *, subdomains: bool) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if "@" in host or "/" in host:
        return False
    return name in names or (subdomains and name.endswith(tuple(f".{one}" for one in names if not is_address(one))))
