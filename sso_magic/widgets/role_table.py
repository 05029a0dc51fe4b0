"""The inventory as a table in a notebook that can be searched and sorted, with Use and Console in each row.

It is the panel's list in another form, not itables: one search for both, no bundle of DataTables in each notebook, and
its buttons act in the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common.text import printable
from sso_magic.errors import SignInRequired
from sso_magic.widgets import fallback, parts
from sso_magic.widgets.role_widget import RoleWidget

if TYPE_CHECKING:
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.inventory import InventorySnapshot
    from sso_magic.widgets.sessions import Magics


class RoleTable(RoleWidget):
    """The roles of a snapshot as a table.

    Args:
        center: The session whose roles they are.
        snapshot: The roles. A later refresh does not change the table.
        words: The search that the table begins with.
        note: The line under the table.
        magics: The loaded magics, whose settings and session it shares.
    """

    def __init__(
        self, center: IdentityCenter, snapshot: InventorySnapshot, words: str, note: str, magics: Magics | None
    ) -> None:
        super().__init__(center, magics, snapshot)
        self._listing.center = center
        self._view.put(form="table", words=printable(words), note=printable(note))
        self.look()

    def display(self, saved: dict[str, str]) -> None:
        """Display the table, and a saved one that is seen where the widget does not live.

        Args:
            saved: The rows as a MIME bundle of text and HTML.
        """
        fallback.show(saved, self._mime())

    def _show(self) -> None:
        self._show_role()
        self._listing.fill()
        about = parts.of_list(self._center, self._listing.snapshot, None)
        self._view.put(total=about["total"], console=about["console"])

    def _error_text(self, error: BaseException, again: str) -> str:
        # The panel's text names its button Sign in, which the table lacks; the error's own names the magic.
        return printable(str(error)) if isinstance(error, SignInRequired) else super()._error_text(error, again)
