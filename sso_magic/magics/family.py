"""`Magics`: what the modules of the single magics need of the class that registers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.kernel.kernel_role import Use
    from sso_magic.signin.sessions import Session


class Magics(Protocol):
    """The settings and the Identity Center; `sso_magic.magics.magics.SSOMagics` has them.

    Attributes:
        production: The setting ``SSOMagics.production``.
        identity_line: The setting ``SSOMagics.identity_line``.
        record_identity: The setting ``SSOMagics.record_identity``.
        shell: The running IPython.
    """

    production: Any
    identity_line: Any
    record_identity: Any
    shell: Any

    def center(self, session: str | Session | None = None, sso_region: str | None = None) -> IdentityCenter:
        """Return the Identity Center that is named, else the one that lines without a name use."""

    def remember(self, center: IdentityCenter) -> None:
        """Use this Identity Center for lines that name no session."""

    def is_production(self, use: Use) -> bool:
        """Return True if the role's account is to be marked as production."""
