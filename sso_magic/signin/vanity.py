"""Vanity start URLs: an address of a company's own that redirects once to an AWS access portal (PROTOCOL.md 5.5).

The AWS CLI (2.36) resolves them like this, and shares its caches under the configured URL: one HEAD request (GET where
HEAD is refused), one redirect, which is not followed further; the target must be https and on a host that AWS owns. The
services are sent the target, and its host may name the region.
"""

from __future__ import annotations

import os
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from sso_magic.client.endpoints import is_loopback
from sso_magic.client.http import RequestsHandler
from sso_magic.client.messages import HttpRequest
from sso_magic.client.network import environment_proxies
from sso_magic.config.start_url import host_of, is_aws_owned, normalize, region_of
from sso_magic.errors import ConfigError
from sso_magic.signin.ca_bundle import sign_in_ca_bundle

if TYPE_CHECKING:
    from sso_magic.client.messages import HttpResponse
    from sso_magic.signin.sso_session import Session

TIMEOUT = 10.0  # seconds, as in the AWS CLI
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_HEAD = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


def resolve(session: Session) -> Session:
    """Return the session with the portal that its start URL leads to, and that portal's region.

    One request for a vanity start URL, none for a host that AWS owns and for the portal of a local Identity Center.

    Raises:
        ConfigError: The start URL is not https, or redirects to a URL that is not an AWS access portal.
        TransportError: The start URL's host could not be reached.
    """
    url = session.portal_url
    check_scheme(url)
    if is_aws_owned(url) or _is_local_portal(url):
        return session
    resolved = portal_of(url)
    if resolved == url:
        return session
    return replace(session, resolved_url=resolved, sso_region=region_of(resolved) or session.sso_region)


def _is_local_portal(url: str) -> bool:
    return is_loopback(host_of(url)) and urlsplit(url).path == "/start"


def check_scheme(url: str) -> None:
    """Refuse a start URL over plain http, except on this machine.

    Raises:
        ConfigError: The URL is not https.
    """
    if urlsplit(url).scheme != "https" and not is_loopback(host_of(url)):
        raise ConfigError(f"The start URL {url} must begin with https://. Correct it.")


def portal_of(url: str) -> str:
    """Return the portal that a start URL redirects to; the URL itself if it does not redirect.

    Raises:
        ConfigError: The redirect does not lead to an AWS access portal.
        TransportError: The host could not be reached.
    """
    handler = RequestsHandler(
        connection_timeout=TIMEOUT,
        request_timeout=TIMEOUT,
        ca_bundle=sign_in_ca_bundle(),
        proxies=environment_proxies(url, os.environ),
    )
    try:
        response = _ask(handler, "HEAD", url)
        if response.status_code in _NO_HEAD:
            response = _ask(handler, "GET", url)
    finally:
        handler.close()
    location = response.headers.get("location")
    if response.status_code not in _REDIRECTS or not location:
        return url
    target = _absolute(location, url)
    resolved = normalize(target)
    if resolved is None or not resolved.startswith("https://") or not is_aws_owned(resolved):
        raise ConfigError(
            f"The start URL {url} redirects to {_without_query(target)}, which is not an AWS access portal. "
            "Check sso_start_url, or sign in with the portal's own URL."
        )
    return resolved


def _ask(handler: RequestsHandler, method: str, url: str) -> HttpResponse:
    parts = urlsplit(url)
    request = HttpRequest(
        method=method,
        protocol=parts.scheme,
        hostname=parts.hostname or "",
        port=parts.port,
        path=parts.path or "/",
        headers={"host": parts.netloc, "accept": "*/*"},
    )
    return handler.handle(request)


def _absolute(location: str, url: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:  # a bracket that is not closed
        return location


def _without_query(url: str) -> str:
    return url.split("?", 1)[0].split("#", 1)[0]
