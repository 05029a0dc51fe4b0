"""Where the local Identity Center listens, and under which names clients reach it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from sso_magic.local.errors import KnobError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True)
class Network:
    """Addresses and names. The default is loopback alone.

    Args:
        host: The IP address to listen on. ``0.0.0.0`` is every interface, as a container needs.
        public_url: The URL that clients reach it by, as from another container; default: by its address.
        public_aws_url: The same for the AWS accounts; default: the host of `public_url`, and the port AWS listens on.
        allowed_hosts: More names that a request may have in its header ``Host``, beside loopback names and those of
            the public URLs.
        tls: Whether both ports take TLS connections alone. `LocalIdentityCenter` sets it.

    Raises:
        KnobError: A value cannot be one of these; the message says what is expected.
    """

    host: str = "127.0.0.1"
    public_url: str | None = None
    public_aws_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    tls: bool = False

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            raise KnobError(f"host: an IP address is expected, such as 0.0.0.0, not {self.host!r}.") from None
        for name in ("public_url", "public_aws_url"):
            url = getattr(self, name)
            if url is not None:
                object.__setattr__(self, name, _checked(name, url))
        for name in self.allowed_hosts:
            if not name or any(letter in name for letter in "/:@*? "):
                raise KnobError(f"allowed_hosts: a host name is expected, such as identity-center, not {name!r}.")

    @property
    def names(self) -> frozenset[str]:
        """The names that a request may have in its header ``Host``."""
        urls = [urlsplit(url).hostname for url in (self.public_url, self.public_aws_url) if url is not None]
        own = () if self.host in _EVERYWHERE else (self.host,)
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, *own, *self.allowed_hosts, *urls) if name)

    @property
    def scheme(self) -> str:
        """The scheme of both ports."""
        return "https" if self.tls else "http"

    @property
    def certificate_names(self) -> list[str]:
        """The names that a certificate for both ports has: buckets have names below the server's."""
        names = sorted(self.names)
        return [*names, *(f"*.{name}" for name in names if not is_address(name))]

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes of the origins that its own pages have in a browser."""
        return frozenset({self.scheme, *(urlsplit(url).scheme for url in (self.public_url,) if url is not None)})

    def local_url(self, port: int) -> str:
        """Return the URL of a port as this machine reaches it."""
        host = "127.0.0.1" if self.host in _EVERYWHERE else self.host
        return self._url(host, port)

    def url(self, port: int) -> str:
        """Return the URL of the Identity Center as clients reach it."""
        return self.public_url or self.local_url(port)

    def aws_url(self, port: int) -> str:
        """Return the URL of the AWS accounts as clients reach it."""
        if self.public_aws_url is None and self.public_url is not None:
            name = urlsplit(self.public_url).hostname or ""
            return self._url(name, port)
        return self.public_aws_url or self.local_url(port)

    def _url(self, host: str, port: int) -> str:
        return f"{self.scheme}://[{host}]:{port}" if ":" in host else f"{self.scheme}://{host}:{port}"


def is_address(name: str) -> bool:
    """Return True for an IP address, below which there are no names."""
    return ":" in name or name.replace(".", "").isdigit()


def _checked(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise KnobError(f"{name}: a URL without a path is expected, such as http://identity-center:8317, not {url!r}.")
    return url.rstrip("/")
