"""The panel: everything by clicking, on ipywidgets 7.8 and 8.

picker      what is shown, what a click does; calls `IdentityCenter` and the kernel's role, as the magics do
sessions    which session the panel is about
listing     the list of roles: search, and what is chosen
signing     a sign-in under way; loading: a refresh under way
view        the widgets, and how they are laid out; panel.css: how they look
live        HTML on the screen that is in no trait: the link and code of a sign-in
seen        whether the browser shows what the kernel believes it shows
work        what takes time, one after another on a thread
kept        recent and favourite roles, in a small file
words       what is said of sessions, roles and errors, in text and in HTML
fallback    the panel where widgets cannot run

The package is not called ``panel`` so that ``sso_magic.panel`` can be the function.
"""

from __future__ import annotations

from sso_magic.widgets.picker import Panel

__all__ = ["Panel", "panel"]


def panel(session: str | None = None, *, region: str | None = None) -> Panel:
    """The panel: sign in, find a role among thousands, use it, see until when, open the console.

    Args:
        session: An ``[sso-session]``, a profile, or a start URL; by default the one used last, else the first.
        region: The region of the Identity Center, for a start URL that no file has.

    Raises:
        SessionNotFound: There is no such session.
        ConfigError: The session lacks a setting.
    """
    from sso_magic.display import shell

    running = shell()
    magics = running.magics_manager.registry.get("SSOMagics") if running is not None else None
    return Panel(session, region=region, magics=magics)
