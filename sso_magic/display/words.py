"""The words of a sign-in request, for the card and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.common.hints import for_caller
from sso_magic.common.text import is_linkable, printable
from sso_magic.common.times import clock

if TYPE_CHECKING:
    from sso_magic.signin.prompt import BrowserRequest, DeviceRequest
    from sso_magic.signin.sessions import Session

PASTE = "Paste the address here (it stays hidden), then press Enter: "
CHECK_CODE = "Approve only if that page shows this code, and only a sign-in that you started."
CHECK_PAGE = "Approve only a sign-in that you started yourself."
STOP = "Stop the cell to cancel."
# In Jupyter: a page that is loaded again shows a saved card, but no longer that a cell runs.
WAITS = "The kernel waits meanwhile, also after this page is loaded again. Interrupt the kernel to cancel."
CHOOSE = "To choose: %sso_login --browser or %sso_login --device."
RENEWED = "The previous code expired. This is a new one."


def device_text(request: DeviceRequest) -> str:
    """Return the sign-in by a code as text."""
    renewed = f"  {RENEWED}\n" if request.renewed else ""
    return (
        f"{title(request.session)} ({portal_words(request.session)})\n{_reason_line(request.reason)}{renewed}"
        f"  Open   {_address(request.verification_uri_complete)}\n"
        f"  Code   {printable(request.user_code)}\n"
        f"  {CHECK_CODE}\n"
        f"  The code ends at {clock(request.expires_at, seconds=True)}. Interrupt to cancel."
    )


def browser_text(request: BrowserRequest, opened: bool, device: DeviceRequest | None) -> str:  # noqa: FBT001
    """Return the sign-in through the browser as text."""
    lines = [f"{title(request.session)} ({portal_words(request.session)})"]
    lines += [f"  {line}" for line in (reason_words(request.reason), *browser_words(request, opened)) if line]
    lines.append(f"  Open   {_address(request.url)}")
    if device is not None:
        lines += ["  That page does not reach this machine? Then use a code, here or on any device:"]
        lines += [f"  Open   {_address(device.verification_uri_complete)}", f"  Code   {printable(device.user_code)}"]
        lines += [f"  {RENEWED}"] if device.renewed else []
    return "\n".join([*lines, f"  {CHECK_PAGE} Interrupt to cancel."])


def browser_words(request: BrowserRequest, opened: bool) -> tuple[str, ...]:  # noqa: FBT001
    """Return what to do in the browser, as sentences."""
    if request.is_remote:
        return (
            "1. Open the page in the browser on your own machine, and approve there.",
            f"2. The browser ends on an address that begins with {request.callback}.",
            "3. If it cannot show that page, copy the whole address from the address bar and paste it here.",
        )
    if opened:
        return ("A page opens in your browser. If none opens, use the link.",)
    return ("Open the page in the browser of this machine.",)


def reason_words(reason: str) -> str:
    """Return why this method, and how to choose the other one."""
    return printable(f"{reason} {for_caller(CHOOSE)}") if reason else ""


def _reason_line(reason: str) -> str:
    return f"  {reason_words(reason)}\n" if reason else ""


def title(session: Session) -> str:
    """Return the prompt's heading."""
    return f"Sign in to {printable(session.label)}"


def portal_words(session: Session) -> str:
    """Return which portal it is: its URL and its region."""
    return printable(f"{session.portal_url}, {session.sso_region}")


def _address(url: str) -> str:
    return url if is_linkable(url) else not_a_link(url)


def not_a_link(url: str) -> str:
    """What is shown instead of a link to an address that a browser must not open (http, javascript:)."""
    return f"{printable(url)} (not a link: the address is not https)"
