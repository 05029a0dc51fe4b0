"""Start URLs of the AWS access portal: as people paste them, as AWS owns them, and the region in their host.

Sources: the AWS CLI's `sso` customization (hosts that AWS owns, regions in hosts; version 2.36.7), and the IAM Identity
Center user guides for AWS, AWS GovCloud (US) and China (the forms with ``/directory/``).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_AWS_HOSTS = frozenset(
    {
        "identitycenter.amazonaws.com",
        "identitycenter.amazonaws.com.cn",
        "identitycenter.amazonaws.eu",
        "identitycenter.us-gov.amazonaws.com",
    }
)
_AWS_SUFFIXES = (
    ".app.aws",
    ".portal.amazonaws.com",
    ".portal.amazonaws.com.cn",
    ".app.amazonwebservices.com.cn",
    ".portal.amazonaws.eu",
    ".api.amazonwebservices.eu",
    ".awsapps.com",
    ".awsapps.cn",
)
_REGION = r"([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)"
_REGION_IN_HOST = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[^.]+\.portal\.{_REGION}\.app\.(?:aws|amazonwebservices\.com\.cn)",
        rf"[^.]+\.portal\.{_REGION}\.api\.amazonwebservices\.eu",
        rf"[^.]+\.{_REGION}\.portal\.amazonaws\.(?:com|com\.cn|eu)",
        rf"start\.{_REGION}\.(?:us-gov-home\.awsapps\.com|home\.awsapps\.cn)",
    )
)
# Hosts without a region in them that belong to one region.
_REGION_OF_HOST = {"start.us-gov-home.awsapps.com": "us-gov-west-1", "identitycenter.amazonaws.eu": "eusc-de-east-1"}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::[0-9]+)?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_START = "/start"
# What a message, a mail or a web page leaves around a URL, beside white space: invisible characters, quotes, brackets.
_AROUND = "\u200b\u200c\u200d\u2060\ufeff<>()\"'`\u2018\u2019\u201c\u201d"
_AFTER = ",.;"


def looks_like_start_url(text: str) -> bool:
    """Return True if the text is a URL, or a host that AWS owns, or a host with a path: not a session's name."""
    text = _trimmed(text)
    if _SCHEME.match(text):
        return True
    host, slash, _ = text.removeprefix("//").partition("/")
    return bool(_HOST.fullmatch(host)) and (bool(slash) or is_aws_owned(f"https://{host}"))


def normalize(text: str) -> str | None:
    """Return a start URL in the form that the services are sent, or None if the text is not a URL of a web page.

    White space, invisible characters, quotation marks and parentheses around it, a comma, full stop or semicolon after
    it, upper case in scheme and host, a dot after the host, the default port, the query, the fragment (``/#/``) and a
    slash at the end are dropped. A missing scheme is ``https``. For a host
    below ``awsapps.com`` or ``awsapps.cn``, ``/start`` is added if there is no path, and what follows it is dropped.
    """
    text = _trimmed(text).removeprefix("//")
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:  # a bracket that is not closed, or a port that is not a number
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or any(c.isspace() for c in text):
        return None
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    return f"{parts.scheme}://{host}{_path(host, parts.path.rstrip('/'))}"


def _trimmed(text: str) -> str:
    while (shorter := text.strip().strip(_AROUND).rstrip(_AFTER)) != text:
        text = shorter
    return text


def _path(host: str, path: str) -> str:
    if not host.endswith((".awsapps.com", ".awsapps.cn")):
        return _START if path.lower() == _START else path
    first = path.split("/")[1].lower() if path else ""
    return _START if f"/{first}" in {_START, "/"} else path


def is_same_portal(one: str, other: str) -> bool:
    """Return True if two start URLs lead to the same portal, whether or not ``/start`` is at their end."""
    normal = normalize(one)
    return normal is not None and normal.removesuffix(_START) == (normalize(other) or "").removesuffix(_START)


def host_of(url: str) -> str:
    """Return the host in lower case without a dot at its end; empty if the text has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_aws_owned(url: str) -> bool:
    """Return True if the host is one of AWS's; any other is a vanity start URL, or a portal for tests."""
    host = host_of(url)
    return host in _AWS_HOSTS or host.endswith(_AWS_SUFFIXES)


def region_of(url: str) -> str | None:
    """Return the region that the host of a start URL names, or None if it names none."""
    host = host_of(normalize(url) or "")
    for pattern in _REGION_IN_HOST:
        match = pattern.fullmatch(host)
        if match:
            return match[1]
    return _REGION_OF_HOST.get(host)
