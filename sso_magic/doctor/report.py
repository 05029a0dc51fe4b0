"""``%sso_doctor``: what prevents signing in and using roles, each finding with what to do about it.

Each check looks at one thing and yields findings. What several findings have in common as advice is said once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Literal

from sso_magic.center.shared import refresh_failure, session_meant, token_of
from sso_magic.common import cache
from sso_magic.common.text import encodable
from sso_magic.common.times import clock
from sso_magic.config.files import load_shared_config, usable_config
from sso_magic.doctor.config import config_findings
from sso_magic.doctor.directories import cache_findings, home_findings, temporary_findings
from sso_magic.doctor.network import network_findings
from sso_magic.errors import ConfigError, SSOMagicError, reason
from sso_magic.kernel.competing import competing
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import tokens
from sso_magic.signin.sessions import Session, region_of
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sso_magic.doctor.config import Found

Level = Literal["ok", "note", "problem"]
OLD_CLI = (2, 22)  # the first AWS CLI that signs in through the browser (PROTOCOL.md 11.1)
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
        can_mark = all(encodable(mark) == mark for mark in _MARKS.values())
        lines = []
        for finding in self.findings:
            mark = _MARKS[finding.level] if can_mark else f"{finding.level}:"
            lines.append(f"{mark} {finding.text}")
            if finding.fix:
                lines.append(f"    {finding.fix}")
        return encodable("\n".join(lines))

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


def examine(session: str | Session | None = None, *, sso_region: str | None = None) -> Report:
    """Look at configuration, network, clock, cache and environment.

    Args:
        session: The session to look at, its name or a start URL; by default the configured one, else the only one that
            is signed in to.
        sso_region: The region of the Identity Center, for a start URL that is in no file.
    """
    findings = [*_profile(), *_findings(home_findings(), temporary_findings(), config_findings())]
    try:
        found = session if isinstance(session, Session) else session_meant(session, sso_region=sso_region)
    except SSOMagicError as error:
        findings.append(Finding("problem", "No session can be signed in to.", str(error)))
    else:
        findings.append(Finding("ok", f"Session {found.label}: {found.portal_url}, {found.sso_region}."))
        region_problem = list(_region(found))
        findings += [*_method(found), *region_problem]
        if _are_files_readable() and not region_problem:  # they would fail again, at the client
            findings += _findings(network_findings(found))
        findings += _token(found)
    findings += [*_renewal(), *_environment(), *_findings(cache_findings()), *_aws_cli()]
    return Report(tuple(_with_each_fix_once(findings)))


def _findings(*sources: Iterable[Found]) -> list[Finding]:
    return [Finding(*found) for source in sources for found in source]


def _with_each_fix_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    seen: set[str] = set()
    for finding in findings:
        yield replace(finding, fix="") if finding.fix in seen else finding
        seen.add(finding.fix)


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
    if told and told != session.sso_region:
        yield Finding(
            "problem",
            f"The start URL says {told}, the session says {session.sso_region}.",
            f"Set sso_region = {told} in the session: a sign-in in another region never ends.",
        )


def _token(session: Session) -> Iterator[Finding]:
    path = cache.token_path(session.key)
    token = token_of(session)
    if cache.stamp(path) is not None and tokens.load(session) is None:
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


def _are_files_readable() -> bool:
    try:
        usable_config()
    except ConfigError:
        return False
    return True


def _environment() -> Iterator[Finding]:
    for sentence in competing():
        yield Finding("problem" if KERNEL.current else "note", sentence)
    if KERNEL.current is None:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            if os.environ.get(name):
                yield Finding(
                    "note",
                    f"{name} is set to {os.environ[name]}.",
                    "%sso_use takes it out of the environment while a role is in use. The profile's settings stay.",
                )


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
