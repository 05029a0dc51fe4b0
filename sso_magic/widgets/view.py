"""The widgets of a panel and their layout. What they do is in `sso_magic.widgets.picker`.

JupyterLab takes the arrow keys and single letters from a list box that has the focus (they move between cells, cut and
delete them), but not from a field. So the list is for the mouse and out of the TAB order, where ipywidgets can do that
(8), and the line that is chosen is a number field as well, in which the arrow keys go up and down.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, BoundedIntText, Box, Button, Dropdown, IntProgress, Layout, Select, Text, VBox
from traitlets import validate

from sso_magic.widgets.address_field import AddressField
from sso_magic.widgets.live import Live
from sso_magic.widgets.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 8  # of the list that are visible at once


@lru_cache
def _css() -> str:
    return files(__package__).joinpath("panel.css").read_text(encoding="utf-8")


class _List(Select):  # type: ignore[misc]
    """A list box that is not upset by a position which the browser chose in an older, longer list."""

    @validate("index")
    def _validate_index(self, proposal: Any) -> int | None:
        index: int | None = proposal.value
        return index if index is None or 0 <= index < len(self._options_labels) else None


class View:
    """All that is on the screen, in the order of the TAB key."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.session = Dropdown(description="Session", options=(), layout=_free())
        self.sign_in_state = HTML()
        self.sign_in = _button("Sign in", "Asks for your approval in the browser", "sso-main")
        self.cancel = _button("Cancel", "Stops waiting for your approval")
        self.sign_out = _button("Sign out", "Ends the session at AWS and removes its tokens from this machine")
        self.start_url = Text(description="Start URL", placeholder="https://example.awsapps.com/start", layout=_free())
        self.sso_region = Text(description="Its region", placeholder="eu-west-1", layout=_free())
        self.live = Live()
        self.address = AddressField()
        self.in_use = HTML()
        self.release = _button("Release", "Releases the role and restores the environment")
        self.search = Text(description="Search", placeholder="account, digits, e-mail or role", layout=_free())
        self.rows = _List(description="Roles", rows=ROWS, options=(), layout=_free())
        if self.rows.has_trait("tabbable"):
            self.rows.tabbable = False
        self.line = BoundedIntText(description="Line", value=0, min=0, max=0, continuous_update=True, layout=_free())
        self.progress = IntProgress(min=0, max=1, layout=Layout(display="none", width="auto", height="6px"))
        self.list_state = HTML()
        self.refresh = _button("Refresh", "Asks for accounts and roles again")
        self.selection = HTML()
        self.region = Text(description="Region", placeholder="unchanged", layout=_free())
        self.use = _button("Use", "Puts the role's credentials in this kernel", "sso-main")
        self.favourite = _button("☆ Favourite", "Favourites stay on top of the list")
        self.console = HTML()
        self.status = HTML()
        self._style = HTML(f"<style>{_css()}</style>")
        self.other_session = _row("sso-other", self.start_url, self.sso_region)
        self.use_box = _row("sso-use", _grow(self.in_use), self.release)
        self.box = VBox(
            [
                _hide(self._style),
                _row("sso-head", self.session, _grow(self.sign_in_state), self.sign_in, self.cancel, self.sign_out),
                self.other_session,
                self.live.widget,
                self.address.widget,
                self.use_box,
                self.search,
                self.rows,
                self.progress,
                _row("sso-info", _grow(self.list_state), self.refresh),
                _row("sso-selection", self.line, _grow(self.selection)),
                _row("sso-actions", self.region, self.use, self.favourite, self.console),
                self.status,
            ],
            layout=Layout(width="auto"),
        )
        self.box.add_class("sso-panel")
        self.live.widget.add_class("sso-live")
        self.rows.add_class("sso-list")
        self.search.add_class("sso-search")

    def put_rows(self, labels: Sequence[str], index: int | None) -> None:
        """Lists these, with one of them chosen; in one message, so that the browser never shows a mixture."""
        with self.line.hold_sync():
            self.line.max = len(labels)
            self.line.value = 0 if index is None else index + 1
        if tuple(labels) == self.rows._options_labels:  # noqa: SLF001 - `options` gives it less directly
            self.rows.index = index
            return
        with self.rows.hold_sync():
            self.rows.index = None
            self.rows.options = [(label, number) for number, label in enumerate(labels)]
            self.rows.index = index

    def close(self) -> None:
        """Closes every widget."""
        for widget in [*_all(self.box), *self.seen.widgets()]:
            widget.close()


def _button(words: str, tooltip: str, css_class: str = "sso-plain") -> Any:
    button = Button(description=words, tooltip=tooltip, layout=Layout(width="auto"))
    button.add_class("sso-button")
    button.add_class(css_class)
    return button


def _free() -> Any:
    """The width is the style sheet's affair."""
    return Layout(width="auto")


def _row(css_class: str, *children: Any) -> Any:
    row = Box(children, layout=Layout(width="auto"))
    row.add_class("sso-row")
    row.add_class(css_class)
    return row


def _grow(widget: Any) -> Any:
    widget.add_class("sso-grow")
    return widget


def _hide(widget: Any) -> Any:
    widget.layout.display = "none"
    return widget


def show(widget: Any, *, when: bool) -> None:
    """Shows the widget or takes it out of the layout, and so out of the TAB order."""
    widget.layout.display = "" if when else "none"


def _all(widget: Any) -> list[Any]:
    return [widget, *(found for child in getattr(widget, "children", ()) for found in _all(child))]
