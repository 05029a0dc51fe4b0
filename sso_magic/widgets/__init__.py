"""The panel: what the magics do, by clicking, in one anywidget. And the table of ``%sso_inventory``, the same list.

role_widget  what panel and table have in common: whether somebody sees it, and the use of a role
role_table   the table
picker       the panel: what is shown, what a click does; calls `IdentityCenter` and the kernel's role, as the magics do
parts        what panel and table show, made from session, role in use and inventory
said         the line under the list, removed when it no longer holds
sessions     which session the panel is about
listing      the roles that the browser has
signing      a sign-in under way; loading: a refresh under way
view         the widget and its state; panel.mjs: what the browser does, the search too; panel.css: how it looks
live         the link and code of a sign-in on the screen, in no trait; address_field: the field for an address
presence     whether a browser shows the panel
work         what takes time, one after another on a thread
kept         recent and favorite roles, in a small file
words        the sentences about sessions, roles and errors
fallback     the panel where widgets cannot run

The package is not called ``panel`` so that ``sso_magic.panel`` can be the function.
"""

from __future__ import annotations

from sso_magic.widgets.picker import Panel

__all__ = ["Panel", "panel"]


def panel(session: str | None = None, *, sso_region: str | None = None) -> Panel:
    """Return the panel: sign in, find a role among thousands, use it, see until when it lasts, open the console.

    Args:
        session: An ``[sso-session]``, a profile, or a start URL; by default the one used last, else the first.
        sso_region: The region of the Identity Center, for a start URL that no file has.

    Raises:
        SessionNotFound: There is no such session.
        ConfigError: The session lacks a setting.
    """
    from sso_magic.display import shell

    running = shell()
    magics = running.magics_manager.registry.get("SSOMagics") if running is not None else None
    return Panel(session, sso_region=sso_region, magics=magics)
