"""What ``%sso_status`` tells: sessions, until when, the role in use, and what would win over it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from sso_magic.center.shared import known_sessions, token_of
from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common.text import encodable, printable
from sso_magic.common.times import span, stamp, until
from sso_magic.display import TEXT, table
from sso_magic.display.production import BADGE, MARK
from sso_magic.display.show import wrapped
from sso_magic.errors import reason
from sso_magic.kernel.competing import competing
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.magics.use import is_production
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from sso_magic.kernel.kernel_role import Use
    from sso_magic.magics.family import Magics
    from sso_magic.signin.sessions import Session


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session.

    Attributes:
        name: Its name, or its start URL.
        start_url: The access portal's URL.
        sso_region: The region of the Identity Center.
        expires_at: When the access token ends, UTC; None where there is none.
        renewable: Whether it is refreshed without asking, as long as AWS lets it.
        rejected: Why AWS does not accept the token although it has not expired; None if nothing is known against it.
    """

    name: str
    start_url: str
    sso_region: str
    expires_at: datetime | None
    renewable: bool
    rejected: str | None = None

    def words(self) -> str:
        """``signed in until 14:03 (55 min), renews automatically``."""
        if self.expires_at is None:
            return "not signed in"
        if self.rejected is not None:
            return f"has ended: {self.rejected}"
        if (self.expires_at - utc_now()).total_seconds() > 0:
            rest = "renews automatically" if self.renewable else "sign in again after that"
            return f"signed in {until(self.expires_at)}, {rest}"
        return "renews at its next use" if self.renewable else "has ended"


@dataclass(frozen=True, slots=True)
class Status:
    """What `status` found.

    Attributes:
        sessions: Every session configured, and those with a token.
        account_id: Of the role in use; None where no role is.
        account_name: Its account's name, if known.
        role_name: The role in use.
        region: The region given with it.
        expires_at: When its credentials end, UTC.
        competing: What in the environment wins over it in one library or another, each as a sentence.
        is_production: Whether its account is production.
        renewal: What renews its credentials, or why nothing does.
        at: When this was found, UTC.
    """

    sessions: tuple[SessionStatus, ...]
    account_id: str | None
    account_name: str | None
    role_name: str | None
    region: str | None
    expires_at: datetime | None
    competing: tuple[str, ...]
    is_production: bool
    renewal: str | None
    at: datetime

    def _role(self) -> str:
        if self.role_name is None or self.expires_at is None:
            return "No role is in use. %sso_use ACCOUNT [ROLE]"
        left = (self.expires_at - SERVICE_CLOCK.now()).total_seconds()
        account = f"{self.account_name} ({self.account_id})" if self.account_name else str(self.account_id)
        ends = until(SERVICE_CLOCK.to_local(self.expires_at)) if left > 0 else f"ended {span(-left)} ago"
        role = printable(f"{account} / {self.role_name}")
        return f"In use: {role}{f' in {self.region}' if self.region else ''}, {ends}, {self.renewal}"

    def __repr__(self) -> str:
        lines = [_as_of(self.at)]
        for item in self.sessions:
            lines += [wrapped(f"{item.name}: {item.words()}"), wrapped(f"  {item.start_url}, {item.sso_region}")]
        if not self.sessions:
            lines.append(_NO_SESSION)
        lines.append(wrapped((MARK if self.is_production else "") + self._role()))
        return encodable("\n".join([*lines, *map(wrapped, self.competing)]))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        rows = [(item.name, item.words(), item.start_url, item.sso_region) for item in self.sessions]
        _, html = table(("session", "sign-in", "start URL", "region"), rows)
        lines = [(BADGE if self.is_production else "") + escape(self._role()), *map(escape, self.competing)]
        if not self.sessions:
            html = ""
            lines.insert(0, _NO_SESSION)
        body = "".join(f"<div>{line}</div>" for line in lines)
        return {
            "text/plain": repr(self),
            "text/html": f'<div style="{TEXT}"><div style="opacity:.8">{_as_of(self.at)}</div>{html}'
            f'<div style="margin-top:4px">{body}</div></div>',
        }


_NO_SESSION = "No session is configured. %sso_login START_URL --sso-region REGION"


def _as_of(moment: datetime) -> str:
    """Return the line that keeps a saved notebook true: when the times below it were computed."""
    return f"Status of {stamp(moment)}"


def status(production: str | None = None) -> Status:
    """Looks at files and environment; never the network.

    Args:
        production: The pattern of ``SSOMagics.production``; None marks no account.

    Raises:
        UsageError: The pattern is not a regular expression.
    """
    use = KERNEL.current
    keys = use.credentials if use else None
    return Status(
        sessions=tuple(_session_status(session) for session in known_sessions()),
        account_id=keys.account_id if keys else None,
        account_name=keys.account_name if keys else None,
        role_name=keys.role_name if keys else None,
        region=use.region if use else None,
        expires_at=keys.expires_at if keys else None,
        competing=tuple(competing()),
        is_production=use is not None and production is not None and is_production(production, use),
        renewal=_renewal(use) if use else None,
        at=utc_now(),
    )


def shown(magics: Magics, *, notebook: str | bool | None) -> Status | pd.DataFrame:
    """Return what ``%sso_status`` shows.

    Args:
        magics: Have the settings.
        notebook: The value of ``--notebook``; True without a file.

    Raises:
        UsageError: A setting has a wrong value, or the notebook cannot be read.
    """
    if not notebook:
        return status(magics.production)
    from sso_magic.magics.ran_as import ran_as

    return ran_as(notebook if isinstance(notebook, str) else None, magics)


def _renewal(use: Use) -> str:
    """Return what renews the credentials of the role in use, or why nothing does."""
    if use.role.failure is not None:
        return f"not renewed. {reason(use.role.failure)}"
    session = next((one for one in known_sessions() if one.label == use.session), None)
    if session is None:
        return f"renews automatically from {use.session}"
    token, now = token_of(session), utc_now()
    if token is not None and token.can_refresh(now):
        return f"renews automatically with the sign-in to {session.label}"
    if token is not None and token.seconds_left(now) > 0:
        return f"renews automatically while the sign-in to {session.label} lasts, {until(token.expires_at)}"
    return f"cannot be renewed. Run {session.login_command}"


def _session_status(session: Session) -> SessionStatus:
    token = token_of(session)
    return SessionStatus(
        name=session.label,
        start_url=session.start_url,
        sso_region=session.sso_region,
        expires_at=token.expires_at if token else None,
        renewable=token.can_refresh(utc_now()) if token else False,
        rejected=token.rejected if token else None,
    )
