"""``%sso_doctor``: what stands in the way of signing in and using roles, each finding with what to do about it.

Each check looks at one thing and yields findings. The service is asked once, for its clock, without any token.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from sso_magic import cache, service_clock
from sso_magic.centers import refresh_failure, token_of
from sso_magic.client.shared_config import load_shared_config, usable_config
from sso_magic.config_findings import config_findings, home_findings
from sso_magic.errors import ClientError, ConfigError, SSOMagicError, reason
from sso_magic.kernel import KERNEL
from sso_magic.profiles import find_session, region_of
from sso_magic.signin import tokens
from sso_magic.signin.tokens import utc_now
from sso_magic.status import status
from sso_magic.times import clock, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sso_magic.client.config import ClientConfig
    from sso_magic.profiles import Session

Level = Literal["ok", "note", "problem"]
WITHIN = (10.0, 10.0)  # seconds for the service to be connected to, and to answer
OLD_CLI = (2, 22)  # the first AWS CLI that signs in through the browser (portal-protocol 13)
_MARKS = {"ok": "✓", "note": "•", "problem": "✗"}
_COLORS = {"ok": "#1b7f3b", "note": "#8a6100", "problem": "#b3261e"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ``ok``, ``note`` (may matter) or ``problem``.
        text: What was found.
        fix: What to do about it; empty where nothing need be done.
    """

    level: Level
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What `examine` found.

    Attributes:
        findings: In the order in which they were looked for.
    """

    findings: tuple[Finding, ...]

    @property
    def is_ok(self) -> bool:
        """Whether there is no problem."""
        return all(finding.level != "problem" for finding in self.findings)

    def __repr__(self) -> str:
        lines = []
        for finding in self.findings:
            lines.append(f"{_MARKS[finding.level]} {finding.text}")
            if finding.fix:
                lines.append(f"    {finding.fix}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        rows = "".join(
            f'<div style="display:flex;gap:8px"><span aria-label="{finding.level}" style="flex:0 0 1.2em;height:1.2em;'
            f"border-radius:50%;text-align:center;line-height:1.2em;margin-top:.2em;color:#fff;"
            f'background:{_COLORS[finding.level]}">{_MARKS[finding.level]}</span>'
            f"<div>{escape(finding.text)}"
            + (f'<div style="opacity:.8">{escape(finding.fix)}</div>' if finding.fix else "")
            + "</div></div>"
            for finding in self.findings
        )
        html = f'<div style="font-size:var(--jp-ui-font-size1,13px);line-height:1.6">{rows}</div>'
        return {"text/plain": repr(self), "text/html": html}


def examine(session: str | None = None) -> Report:
    """Looks at configuration, network, clock, cache and environment.

    Args:
        session: The session to look at; by default the configured one.
    """
    findings = [*_profile(), *(Finding(*one) for one in (*home_findings(), *config_findings()))]
    try:
        found = find_session(session)
    except SSOMagicError as error:
        findings.append(Finding("problem", "No session can be signed in to.", str(error)))
    else:
        findings.append(Finding("ok", f"Session {found.label}: {found.portal_url}, {found.region}."))
        findings += [*_method(found), *_region(found)]
        if all(finding.level != "problem" for finding in findings):  # what is wrong there would be said again
            findings += _service(found)
        findings += _token(found)
    findings += [*_renewal(), *_environment(), *_cache(), *_aws_cli()]
    return Report(tuple(findings))


def _method(session: Session) -> Iterator[Finding]:
    from sso_magic.signin.choice import choose

    chosen = choose(session)
    if chosen.method == "browser":
        other = f"To sign in by a code: %sso_login {session.label} --device"
    else:
        other = f"To sign in through the browser: %sso_login {session.label} --browser"
    yield Finding("ok", f"Sign-in: {chosen.reason}", other)


def _region(session: Session) -> Iterator[Finding]:
    told = region_of(session.start_url)
    if told and told != session.region:
        yield Finding(
            "problem",
            f"The start URL says {told}, the session says {session.region}.",
            f"Set sso_region = {told} in the session: a sign-in in another region never ends.",
        )


def _service(session: Session) -> Iterator[Finding]:
    """Endpoint, CA bundle, proxy, reach and clock of the sign-in service."""
    from sso_magic.oidc import SSOOIDC
    from sso_magic.portal import SSO

    try:
        with (
            SSO(region=session.region, max_attempts=1, shared_config=usable_config()) as portal,
            SSOOIDC(region=session.region, max_attempts=1, shared_config=usable_config()) as oidc,
        ):
            for name, config in (("portal", portal.config), ("sign-in service", oidc.config)):
                yield from _route(name, config)
            yield from _unread_ca_bundle(oidc.config)
            yield from _answers(oidc.config)
    except SSOMagicError as error:
        yield Finding("problem", "No client can be made of the settings.", str(error))


def _route(name: str, config: ClientConfig) -> Iterator[Finding]:
    if config.is_custom_endpoint:
        host = urlsplit(config.endpoint).hostname or ""
        here = host in ("localhost", "::1") or host.startswith("127.")
        yield Finding(
            "note",
            f"The {name} is reached at {config.endpoint} ({config.sources['endpoint']}).",
            "This is not AWS." if here else f"Unset {config.sources['endpoint']} if that is not meant.",
        )
    if config.ca_bundle:
        yield Finding("note", f"The {name}'s certificate is checked against {config.ca_bundle}.")
    for protocol in config.proxies:
        yield Finding("note", f"The {name} is reached through a proxy ({protocol.upper()}_PROXY).")


def _unread_ca_bundle(config: ClientConfig) -> Iterator[Finding]:
    """A CA file that other programs read and the AWS tools do not."""
    if os.environ.get("SSL_CERT_FILE") and not config.ca_bundle:
        yield Finding(
            "note",
            "SSL_CERT_FILE is set, which the AWS tools and this package do not read.",
            "If AWS is behind that CA: AWS_CA_BUNDLE=$SSL_CERT_FILE",
        )


def _answers(config: ClientConfig) -> Iterator[Finding]:
    """Whether the service answers, and whether its clock agrees with this machine's."""
    from sso_magic.client.http import HttpRequest

    parts = urlsplit(config.endpoint)
    request = HttpRequest(
        method="GET",
        protocol=parts.scheme,
        hostname=parts.hostname or "",
        port=parts.port,
        path=f"{parts.path.rstrip('/')}/",
        headers={"host": parts.netloc},
    )
    asked = service_clock.here()
    try:
        response = config.request_handler.handle(request, timeout=WITHIN)
    except ClientError as error:
        yield Finding("problem", f"The sign-in service does not answer: {error}", _reach_fix(error))
        return
    yield Finding("ok", f"The sign-in service answers at {config.endpoint}.")
    yield from _clock(response.headers.get("date"), asked)


def _reach_fix(error: ClientError) -> str:
    from sso_magic.errors import ProxyError, TLSError

    if isinstance(error, TLSError):
        return "Behind a company proxy that opens TLS? Set AWS_CA_BUNDLE, or ca_bundle in the profile, to its CA file."
    if isinstance(error, ProxyError):
        return "Check HTTPS_PROXY and NO_PROXY in the environment of this kernel."
    return "Check the network, VPN and proxy of the machine that this kernel runs on, and the region."


def _clock(date: str | None, asked: service_clock.Moment) -> Iterator[Finding]:
    clock = service_clock.ServiceClock()  # this answer alone counts
    clock.observe(date, asked)
    if not clock.is_known:
        return
    off = clock.skew
    if off:
        yield Finding(
            "problem",
            f"This machine's clock is {span(abs(off))} {'behind' if off > 0 else 'ahead'}.",
            "Set it (NTP): tokens seem to end at the wrong time, and AWS refuses signatures more than 5 minutes off.",
        )
    else:
        yield Finding("ok", "The clock agrees with the service's.")


def _token(session: Session) -> Iterator[Finding]:
    path = cache.token_path(session.key)
    token = token_of(session)
    if path.exists() and tokens.load(session) is None:
        yield Finding(
            "problem", f"{path} holds no token that can be read.", f"Remove it and run {session.login_command}"
        )
    elif token is None:
        yield Finding("note", f"Not signed in to {session.label}.", f"Run {session.login_command}")
    elif token.seconds_left(utc_now()) <= 0 and not token.can_refresh(utc_now()):
        why = f": {token.rejected}" if token.rejected else ""
        yield Finding("note", f"The sign-in has ended{why}.", f"Run {session.login_command}")
    else:
        yield Finding("ok", "Signed in.")
    failure = refresh_failure(session)
    if failure:
        yield Finding(
            "problem",
            f"The sign-in to {session.label} could not be refreshed: {failure}",
            f"Check the network and the findings above. If it persists, run {session.login_command} --force",
        )


def _renewal() -> Iterator[Finding]:
    use = KERNEL.current
    failure = use.role.failure if use is not None else None
    if use is not None and failure is not None:
        end = clock(use.credentials.local_expires_at, seconds=True)
        yield Finding(
            "problem", f"The last renewal of {use.label} failed; its credentials last until {end}.", reason(failure)
        )


def _profile() -> Iterator[Finding]:
    try:
        config = load_shared_config()
        config.profile()
    except ConfigError as error:
        yield Finding("problem", "The active profile cannot be used.", str(error))


def _environment() -> Iterator[Finding]:
    for sentence in status().competing:
        yield Finding("problem" if KERNEL.current else "note", sentence)
    if KERNEL.current is None:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            if os.environ.get(name):
                yield Finding(
                    "note",
                    f"{name} is set to {os.environ[name]}.",
                    "%sso_use takes it out of the environment while a role is in use. The profile's settings stay.",
                )


def _cache() -> Iterator[Finding]:
    for directory in (cache.sso_directory(), cache.role_directory()):
        yield from _directory(directory)


def _directory(directory: Path) -> Iterator[Finding]:
    if directory.exists() and not directory.is_dir():
        yield Finding(
            "problem", f"{directory} is a file.", "Move it away: sign-ins are kept in a directory of that name."
        )
        return
    place = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(
            "problem",
            f"{place} cannot be written.",
            "Make it writable: without it a sign-in lasts only as long as this kernel.",
        )
    if os.name == "posix":  # on Windows the profile directory is the person's own
        for path in (directory, *sorted(directory.glob("*.json"))):
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                yield Finding("problem", f"{path} is open to other users of this machine.", f"chmod go= {path}")


def _aws_cli() -> Iterator[Finding]:
    program = shutil.which("aws")
    if program is None:
        return
    version = _version_of(program)
    if version and version < OLD_CLI:
        shown = ".".join(map(str, version))
        yield Finding(
            "note",
            f"The AWS CLI is version {shown}.",
            "From 2.22 on it signs in through the browser; older ones, and version 1, still read the tokens kept here.",
        )


def _version_of(program: str) -> tuple[int, ...] | None:
    try:
        done = subprocess.run(  # noqa: S603 - the program that the person's own PATH has
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, number = (done.stdout or done.stderr).split(" ")[0].partition("/")
    parts = number.strip().split(".")
    return tuple(map(int, parts)) if name == "aws-cli" and all(part.isdigit() for part in parts) else None
