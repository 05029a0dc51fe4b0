"""What ``%sso_status`` tells: sessions, until when, the role in use, and what would win over it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from sso_magic.center.shared import known_sessions, token_of
from sso_magic.client.service_clock import SERVICE_CLOCK
from sso_magic.common.text import encodable, printable
from sso_magic.common.times import span, until
from sso_magic.display import table
from sso_magic.kernel.competing import competing
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin.tokens import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from sso_magic.signin.sessions import Session


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session.

    Attributes:
        name: Its name, or its start URL.
        start_url: The access portal's URL.
        region: The region of the Identity Center.
        expires_at: When the access token ends, UTC; None where there is none.
        renewable: Whether it is refreshed without asking, as long as AWS lets it.
        rejected: Why AWS does not accept the token although it has not expired; None if nothing is known against it.
    """

    name: str
    start_url: str
    region: str
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
    """

    sessions: tuple[SessionStatus, ...]
    account_id: str | None
    account_name: str | None
    role_name: str | None
    region: str | None
    expires_at: datetime | None
    competing: tuple[str, ...]

    def _role(self) -> str:
        if self.role_name is None or self.expires_at is None:
            return "No role is in use. %sso_use ACCOUNT [ROLE]"
        left = (self.expires_at - SERVICE_CLOCK.now()).total_seconds()
        account = f"{self.account_name} ({self.account_id})" if self.account_name else str(self.account_id)
        ends = until(SERVICE_CLOCK.to_local(self.expires_at)) if left > 0 else f"ended {span(-left)} ago"
        role = printable(f"{account} / {self.role_name}")
        return f"In use: {role}{f' in {self.region}' if self.region else ''}, {ends}"

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [(item.name, item.words(), item.start_url, item.region) for item in self.sessions]

    def __repr__(self) -> str:
        text, _ = table(("session", "sign-in", "start URL", "region"), self._rows())
        head = text if self.sessions else "No session is configured. %sso_login START_URL --sso-region REGION"
        return encodable("\n".join([head, self._role(), *self.competing]))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        _, html = table(("session", "sign-in", "start URL", "region"), self._rows())
        lines = [self._role(), *self.competing]
        if not self.sessions:
            html = ""
            lines.insert(0, "No session is configured. %sso_login START_URL --sso-region REGION")
        body = "".join(f"<div>{escape(line)}</div>" for line in lines)
        return {
            "text/plain": repr(self),
            "text/html": f'{html}<div style="line-height:1.6;margin-top:4px">{body}</div>',
        }


def status() -> Status:
    """Looks at files and environment; never the network."""
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
    )


def _session_status(session: Session) -> SessionStatus:
    token = token_of(session)
    return SessionStatus(
        name=session.label,
        start_url=session.start_url,
        region=session.region,
        expires_at=token.expires_at if token else None,
        renewable=token.can_refresh(utc_now()) if token else False,
        rejected=token.rejected if token else None,
    )
