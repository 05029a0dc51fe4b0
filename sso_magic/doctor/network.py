"""What ``%sso_doctor`` finds on the way to the portal and the sign-in service.

Each service is asked once, without a token.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sso_magic.client import service_clock
from sso_magic.client.endpoints import is_loopback
from sso_magic.common.environment import own_environ
from sso_magic.common.secret import reveal
from sso_magic.common.text import printable
from sso_magic.common.times import span
from sso_magic.config.files import load_shared_config, usable_config
from sso_magic.errors import ClientError, ConfigError, SSOMagicError, TLSError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sso_magic.client.config import ClientConfig
    from sso_magic.client.messages import HttpRequest, HttpResponse
    from sso_magic.doctor.config import Found
    from sso_magic.signin.sessions import Session

WITHIN = (10.0, 10.0)  # seconds for the service to be connected to, and to answer
CA_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""Variables that name a CA file for Python's libraries; AWS tools read the last one if nothing else names a file."""

OTHER_CA_VARIABLES = ("PIP_CERT", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR")
"""Variables of other programs; tried if a certificate is not accepted."""

_AWS_HEADERS = ("x-amzn-requestid", "x-amzn-errortype", "x-amz-request-id")


def network_findings(session: Session) -> Iterator[Found]:
    """Yield what is to be known of endpoints, CA file and proxy, whether the services answer, and the clock."""
    from sso_magic.oidc import SSOOIDC
    from sso_magic.portal import SSO

    yield from _unexpanded()
    try:
        with (
            SSO(region=session.sso_region, max_attempts=1, shared_config=usable_config()) as portal,
            SSOOIDC(region=session.sso_region, max_attempts=1, shared_config=usable_config()) as oidc,
        ):
            configs = {"portal": portal.config, "sign-in service": oidc.config}
            yield from _routes(configs)
            yield from _answers([_Question(name, config) for name, config in configs.items()])
    except SSOMagicError as error:
        yield "problem", "No client can be made of the settings.", str(error)


def _unexpanded() -> Iterator[Found]:
    """Yield the CA settings that begin with ``~``, which a shell expands only in some places."""
    environ = own_environ()
    values: list[tuple[str, object]] = [(name, environ.get(name)) for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")]
    with contextlib.suppress(ConfigError):  # found elsewhere
        values.append(("ca_bundle of the active profile", load_shared_config(environ).profile().get("ca_bundle")))
    for name, value in values:
        if isinstance(value, str) and value.startswith("~"):
            yield (
                "note",
                f"{name} is {value}: boto3 and the AWS CLI do not expand ~, so they find no CA file.",
                f"Set it to the whole path: {os.path.expanduser(value)}",  # noqa: PTH111 - as in check_ca_bundle
            )


def _routes(configs: dict[str, ClientConfig]) -> Iterator[Found]:
    """Yield each setting that differs from the default, once for the services that share it."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, config in configs.items():
        for what, fix in _route(config):
            found.setdefault((what, fix), []).append(name)
    for (what, fix), names in found.items():
        verb = "are" if len(names) > 1 else "is"
        yield "note", f"The {' and the '.join(names)} {verb} {what}.", fix
    config = next(iter(configs.values()))
    if config.ca_bundle:
        yield "note", f"Certificates are checked against {config.ca_bundle} ({config.sources['ca_bundle']}).", ""
        return
    names = _unread(config, CA_VARIABLES)
    if names:
        which = f"{', '.join(names[:-1])} and {names[-1]} are" if len(names) > 1 else f"{names[0]} is"
        yield (
            "note",
            f"{which} set, which the AWS tools and this package do not read.",
            f"If AWS is behind that CA: AWS_CA_BUNDLE=${names[0]}",
        )


def _route(config: ClientConfig) -> Iterator[tuple[str, str]]:
    if config.is_custom_endpoint:
        source = config.sources["endpoint"]
        here = is_loopback(urlsplit(config.endpoint).hostname or "")
        fix = "This is not AWS." if here else f"Unset {source} if that is not meant."
        yield f"reached at {config.endpoint} ({source})", fix
    for protocol, proxy in config.proxies.items():
        yield f"reached through the proxy {_host_and_port(proxy)} ({protocol.upper()}_PROXY)", ""


def _host_and_port(proxy: str) -> str:
    """Return where a proxy is, without the user and the password that its address may have."""
    return printable(reveal(proxy).rpartition("@")[2].rpartition("//")[2].partition("/")[0])


def _unread(config: ClientConfig, names: Iterable[str]) -> list[str]:
    """Return those of the variables that name a CA file or directory which is there and not in use."""
    return [
        name
        for name in names
        if (path := os.environ.get(name)) and path != config.ca_bundle and os.path.exists(path)  # noqa: PTH110
    ]


class _Question:
    """Whether one service answers.

    Attributes:
        name: The service, as it is called in a sentence.
        config: Its client's configuration.
        asked: When it was asked.
        date: The ``Date`` of its answer; None without one.
        found: What there is to say of it.
    """

    def __init__(self, name: str, config: ClientConfig) -> None:
        self.name = name
        self.config = config
        self.asked = service_clock.here()
        self.date: str | None = None
        self.found: Found = ("problem", f"The {name} was not asked.", "")

    def ask(self) -> None:
        """Ask, and put into `found` what comes of it."""
        self.asked = service_clock.here()
        try:
            response = self.config.request_handler.handle(self._request(), timeout=WITHIN)
        except ClientError as error:
            self.found = self._failed(error)
            return
        if _is_web_page(response):
            what = f"{self.config.endpoint} answers with a web page (HTTP {response.status_code})"
            self.found = (
                "problem",
                f"{what}, which is not from the {self.name}.",
                "A proxy or a network sign-in page answers in its place: ask its administrator to allow this host.",
            )
            return
        self.date = response.headers.get("date")
        self.found = ("ok", f"The {self.name} answers at {self.config.endpoint}.", "")

    def _request(self) -> HttpRequest:
        from sso_magic.client.messages import HttpRequest

        parts = urlsplit(self.config.endpoint)
        return HttpRequest(
            method="GET",
            protocol=parts.scheme,
            hostname=parts.hostname or "",
            port=parts.port,
            path=f"{parts.path.rstrip('/')}/",
            headers={"host": parts.netloc},
        )

    def _failed(self, error: ClientError) -> Found:
        problem, fix = str(error), ""
        if isinstance(error, TransportError) and error.advice:
            problem, fix = error.problem, error.advice
        if isinstance(error, TLSError):
            fix = self._trusting() or fix
        return "problem", f"The {self.name} does not answer: {problem}", fix

    def _trusting(self) -> str:
        """Return the setting with which the service's certificate is accepted; empty if no variable names such a CA."""
        from sso_magic.client.http import RequestsHandler

        for name in _unread(self.config, (*CA_VARIABLES, *OTHER_CA_VARIABLES)):
            handler = RequestsHandler(ca_bundle=os.environ[name], proxies=self.config.proxies)
            try:
                handler.handle(self._request(), timeout=WITHIN)
            except ClientError:
                continue
            finally:
                handler.close()
            return f"AWS_CA_BUNDLE=${name} would do: the certificate is accepted with that CA file."
        return ""


def _is_web_page(response: HttpResponse) -> bool:
    """Return True for a page that no service of AWS sends: those name the request, also where they refuse it."""
    is_html = "html" in response.headers.get("content-type", "").lower()
    return is_html and not any(name in response.headers for name in _AWS_HEADERS)


def _answers(questions: Sequence[_Question]) -> Iterator[Found]:
    """Ask all services at once, and yield what came of it; then the clock, by the last answer."""
    threads = [threading.Thread(target=question.ask, daemon=True) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)  # seconds; without an end of its own, Ctrl-C does not reach it on Windows
    for question in questions:
        yield question.found
    for question in reversed(questions):
        if question.date is not None:
            yield from _clock(question.date, question.asked)
            return


def _clock(date: str, asked: service_clock.Moment) -> Iterator[Found]:
    clock = service_clock.ServiceClock()  # this answer alone counts
    clock.observe(date, asked)
    if not clock.is_known:
        return
    off = clock.skew
    if off:
        yield (
            "problem",
            f"This machine's clock is {span(abs(off))} {'behind' if off > 0 else 'ahead'}.",
            "Set it (NTP): tokens seem to end at the wrong time, and AWS refuses signatures more than 5 minutes off.",
        )
    else:
        yield "ok", "The clock agrees with the service's.", ""
