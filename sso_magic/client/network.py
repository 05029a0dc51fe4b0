"""Proxies, looked up once when a client is made (PROTOCOL.md 4.2)."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from sso_magic.client.endpoints import is_loopback
from sso_magic.common.environment import is_own
from sso_magic.common.secret import Secret, reveal
from sso_magic.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE = "code"
_TUNNEL_REFUSED = re.compile(r"[Tt]unnel connection failed: (40[1357]|451)\b")
_PASSWORD_NEEDED = (
    "could not be reached: the proxy requires a user name and a password (HTTP 407)",
    "Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, or for NTLM and Negotiate to a local helper (Px, Cntlm).",
)
_NOT_ALLOWED = (
    "could not be reached: the proxy does not allow it",
    "Ask the proxy's administrator to allow this host, or add it to NO_PROXY if it can be reached directly.",
)


def proxy_refusal(reason: str) -> tuple[str, str] | None:
    """Return what happened and what to do if a proxy has refused a tunnel; None if the reason is another one.

    Args:
        reason: The text of the error that `http.client` raises; the proxy's headers are not in it, so that the kinds
            of authentication that the proxy offers are not known.
    """
    refused = _TUNNEL_REFUSED.search(reason)
    if refused is None:
        return None
    return _PASSWORD_NEEDED if refused[1] == "407" else _NOT_ALLOWED


def environment_proxies(endpoint: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies for an endpoint by urllib's rules, none where NO_PROXY says so (PROTOCOL.md 4.2).

    A plain-http request goes to this machine alone, so no proxy of another machine is given it.

    Raises:
        ConfigError: the proxy that would be used is no URL.
    """
    parts = urlsplit(endpoint)
    found = _proxies_of(environ)
    if not found and is_own(environ):
        found = urllib.request.getproxies()  # macOS and Windows have settings of their own
    host = parts.netloc.rpartition("@")[2]
    if not found or _is_bypassed(host, found, environ):
        return {}
    proxy = found.get(parts.scheme) or found.get("all")
    if not proxy:
        return {}
    proxy = _checked(proxy, parts.scheme, f"{parts.scheme.upper()}_PROXY")
    return {} if parts.scheme == "http" and not _is_here(proxy) else {parts.scheme: proxy}


def _proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Protocol to proxy; the lower-case names win, also empty ones."""
    names = [name for name in environ if name.lower().endswith("_proxy")]
    upper = {name.lower().removesuffix("_proxy"): environ[name] for name in names if name != name.lower()}
    if "REQUEST_METHOD" in environ:
        upper.pop("http", None)  # in a CGI script HTTP_PROXY is a header of the request
    lower = {name.removesuffix("_proxy"): environ[name] for name in names if name == name.lower()}
    return {protocol: proxy for protocol, proxy in (upper | lower).items() if proxy}


def check_proxies(proxies: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """The proxies given in code.

    Raises:
        ConfigError: one is no URL, or would carry a plain-http request, and the token in it, off this machine.
    """
    scheme = urlsplit(endpoint).scheme
    checked = {protocol: _checked(proxy, protocol, CODE) for protocol, proxy in proxies.items()}
    if scheme == "http" and scheme in proxies and not _is_here(proxies[scheme]):
        raise ConfigError(f"proxies would carry requests to {endpoint} off this machine unencrypted; take 'http' out.")
    return checked


def _is_bypassed(host: str, proxies: dict[str, str], environ: Mapping[str, str]) -> bool:
    if "no" not in proxies and is_own(environ):
        return bool(urllib.request.proxy_bypass(host))
    # public since Python 3.0, but not in the type stubs
    return bool(urllib.request.proxy_bypass_environment(host, proxies))  # type: ignore[attr-defined]


def _is_here(proxy: str) -> bool:
    return is_loopback(_parts(proxy).hostname or "")


def _checked(proxy: str, protocol: str, source: str) -> str:
    """The proxy's URL; hidden where it holds a password, and not shown where it is wrong, for it may hold one."""
    try:
        parts = _parts(proxy)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"The proxy for {protocol} from {source} is not of the form http://host:port; correct it.")
    return Secret(proxy) if "@" in reveal(proxy) else proxy


def _parts(proxy: str) -> SplitResult:
    url = reveal(proxy)
    return urlsplit(url if "://" in url else f"http://{url}")
