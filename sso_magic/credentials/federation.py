"""The AWS console by way of the federation endpoint (PROTOCOL.md 12.1).

The portal's shortcut, `Session.console_link`, needs no secret and is what one wants; this is for those who have role
credentials and no session in their browser. Both URLs made here carry secrets. The first is sent by the standard
library, which logs nothing: urllib3 would write it to its debug log. The second is returned as a `Secret`.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from sso_magic.client.endpoints import check_region, is_loopback, partition_of
from sso_magic.client.network import environment_proxies, proxy_refusal
from sso_magic.common.cache import to_json
from sso_magic.common.secret import Secret
from sso_magic.errors import (
    ConfigError,
    ConnectError,
    CredentialsError,
    ProxyError,
    ResponseStreamError,
    SSOMagicError,
    TLSError,
)

if TYPE_CHECKING:
    from sso_magic.credentials.role_credentials import Credentials

_TIMEOUT = 20  # seconds
_LONGEST_ANSWER = 64 * 1024  # bytes

# Partition -> suffix of the sign-in host, whether it has one without a region, and the console's URL.
_SIGN_IN = {
    "aws": ("signin.aws.amazon.com", True, "https://console.aws.amazon.com/"),
    "aws-cn": ("signin.amazonaws.cn", True, "https://console.amazonaws.cn/"),
    "aws-us-gov": ("signin.amazonaws-us-gov.com", True, "https://console.amazonaws-us-gov.com/"),
    "aws-eusc": ("signin.amazonaws-eusc.eu", False, "https://console.amazonaws-eusc.eu/"),
    "aws-iso": ("signin.c2shome.ic.gov", True, None),
    "aws-iso-b": ("signin.sc2shome.sgov.gov", True, None),
    "aws-iso-e": ("signin.csphome.adc-e.uk", False, None),
    "aws-iso-f": ("signin.csphome.hci.ic.gov", False, None),
}
_PERCENT_ENCODED = [quote(bytes([byte]), safe="") for byte in range(256)]


def federated_url(
    credentials: Credentials,
    *,
    region: str | None = None,
    destination: str | None = None,
    endpoint: str | None = None,
) -> Secret:
    """Return a URL that opens the console as this role, for 15 minutes and for every person who has it.

    Args:
        credentials: The role's.
        region: The region the console opens in; it says which partition, too. Default: ``us-east-1``'s partition.
        destination: The console page to open. Default: the console's home, in that region.
        endpoint: The sign-in host to use instead of AWS's: that of an Identity Center on this machine.

    Raises:
        ConfigError: The region or the endpoint cannot be, or the partition's console is not known.
        CredentialsError: AWS gives no sign-in token for these credentials.
        TransportError: No answer came.
    """
    host = _sign_in_host(region) if endpoint is None else _checked(endpoint)
    destination = destination or _home(region)
    token = _signin_token(credentials, host)
    login = urlencode({"Action": "login", "Destination": destination})
    return Secret("".join((f"{host}/federation?{login}&SigninToken=", _quoted(token))))


def _sign_in_host(region: str | None) -> str:
    suffix, has_global, _ = _SIGN_IN[partition_of(region or "us-east-1").name]
    if region is None and has_global:
        return f"https://{suffix}"
    return f"https://{check_region(region or '', 'region')}.{suffix}"


def _home(region: str | None) -> str:
    partition = partition_of(region or "us-east-1")
    console = _SIGN_IN[partition.name][2]
    if console is None:
        raise ConfigError(f"The console of partition {partition.name} is not known: give its URL as destination.")
    return f"{console}console/home" + (f"?region={region}" if region else "")


def _checked(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
    except ValueError:  # a bracket that is not closed, for example
        parts = urlsplit("")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise ConfigError(f"endpoint {endpoint}: keys go to https, or to this machine; give an https URL.")
    return endpoint.rstrip("/")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        """None: the answer that asks for it is the answer."""


def _signin_token(credentials: Credentials, endpoint: str) -> Secret:
    host = urlsplit(endpoint).hostname or ""
    failure: SSOMagicError
    try:
        return _token_in(_get(_question(credentials, endpoint)))
    except urllib.error.HTTPError as error:
        error.close()
        failure = CredentialsError(
            f"{host} gives no sign-in token ({error.code}): the credentials may have ended. Use the role again, and "
            "retry."
        )
    except (urllib.error.URLError, OSError) as error:
        failure = _no_answer(host, error.reason if isinstance(error, urllib.error.URLError) else error)
    except http.client.HTTPException as error:  # whose text may have the URL
        failure = ResponseStreamError(f"{host} did not answer as HTTP does ({type(error).__name__}): retry.")
    except (ValueError, KeyError, TypeError, RecursionError):
        failure = CredentialsError(f"{host} answered with something that is no sign-in token: retry.")
    except BaseException as interruption:  # noqa: BLE001 - Ctrl-C above all; it goes on
        raise interruption.with_traceback(None)  # noqa: B904 - the same one; urllib's frames hold the URL
    raise failure  # here, where no error of urllib's, which has the URL, becomes its context


def _question(credentials: Credentials, endpoint: str) -> Secret:
    session = {
        "sessionId": credentials.access_key_id,
        "sessionKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
    }
    # No SessionDuration: AWS refuses it for chained roles, and some values for others. The session ends with the keys.
    keys = Secret(to_json(session))
    return Secret(f"{endpoint}/federation?Action=getSigninToken&Session={_quoted(keys)}")


def _quoted(text: Secret) -> str:
    """Percent-encode in functions that are written in C: a frame of urllib would show the text in a traceback."""
    return "".join(map(_PERCENT_ENCODED.__getitem__, text.encode()))


def _no_answer(host: str, reason: object) -> SSOMagicError:
    refused = proxy_refusal(str(reason))
    if refused is not None:
        return ProxyError(f"{host} {refused[0]}. {refused[1]}")
    if isinstance(reason, ssl.SSLError):
        return TLSError(
            f"{host} could not be trusted ({reason}). Behind a company proxy, set AWS_CA_BUNDLE to the company's CA "
            "file."
        )
    return ConnectError(f"{host} did not answer ({reason}): check the network, and retry.")


def _trust() -> ssl.SSLContext:
    """Return a context that accepts the certificates which a sign-in accepts, no matter what SSL_CERT_FILE says."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    from sso_magic.signin.ca_bundle import sign_in_ca_bundle

    bundle = sign_in_ca_bundle() or DEFAULT_CA_BUNDLE_PATH
    is_directory = os.path.isdir(bundle)  # noqa: PTH112 - a str is what requests takes
    return ssl.create_default_context(cafile=None if is_directory else bundle, capath=bundle if is_directory else None)


def _token_in(answer: bytes) -> Secret:
    token = json.loads(answer)["SigninToken"]
    if not isinstance(token, str):
        raise TypeError
    return Secret(token)


def _get(question: Secret) -> bytes:
    endpoint = "{0.scheme}://{0.netloc}".format(urlsplit(question.reveal()))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(environment_proxies(endpoint, os.environ)),
        # From Python 3.12 the default is http.client's debug level, which prints the keys.
        urllib.request.HTTPHandler(debuglevel=0),
        urllib.request.HTTPSHandler(debuglevel=0, context=_trust()),
        _NoRedirect,
    )
    request = urllib.request.Request(question.reveal())  # noqa: S310 - the scheme has been checked
    with opener.open(request, timeout=_TIMEOUT) as response:
        return bytes(response.read(_LONGEST_ANSWER))
