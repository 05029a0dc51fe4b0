"""The sign-in prompt as HTML: link, code, QR code, countdown."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sso_magic.common.output import TEXT
from sso_magic.common.text import is_linkable, is_loopback, printable
from sso_magic.common.times import clock
from sso_magic.display.words import (
    CHECK_CODE,
    CHECK_PAGE,
    RENEWED,
    browser_words,
    not_a_link,
    portal_words,
    reason_words,
    title,
)

if TYPE_CHECKING:
    from sso_magic.signin.prompt import BrowserRequest, DeviceRequest
    from sso_magic.signin.sessions import Session

_CARD = (
    f"{TEXT};color:inherit;border:1px solid rgba(127,127,127,.45);border-radius:6px;padding:12px 16px;max-width:40em"
)
_BESIDE = "display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start"
_BUTTON = (
    "display:inline-block;padding:6px 14px;border-radius:4px;background:#1a5fb4;color:#ffffff;text-decoration:none;"
    "font-weight:600"
)
_CODE = "font:600 1.9em/1.3 var(--jp-code-font-family,ui-monospace,monospace);letter-spacing:.06em;user-select:all"
_QUIET = "opacity:.8"
_ENDED = "This sign-in has expired. Start it again."
_HERE_ONLY = "For this machine only"  # a phone cannot open the link of an Identity Center on this machine
_GRACE = 30  # seconds in which a kernel that lives replaces a card whose code has expired


def device_card(request: DeviceRequest, cancel: str) -> str:
    """The sign-in by a code as HTML: link, code, QR code, countdown, and how to cancel."""
    return _card(
        _head(request.session),
        _reason_html(request.reason),
        _button(request.verification_uri_complete, "Open the sign-in page"),
        _code(request),
        f"<div>{CHECK_CODE}</div>",
        f'<div style="{_QUIET};margin-top:8px">{_countdown(request)} {cancel}</div>',
        side=_qr(request.verification_uri_complete),
        left=_left(request),
    )


def browser_card(request: BrowserRequest, device: DeviceRequest | None, cancel: str, *, opened: bool) -> str:
    """The sign-in through the browser as HTML: link, the code beside it if there is one, and how to cancel."""
    code = ""
    if device is not None:
        code = (
            f'<div style="border-top:1px solid rgba(127,127,127,.45);margin-top:12px;padding-top:10px">'
            f"That page does not reach this machine? Then use a code, here or on any device."
            f"{_button(device.verification_uri_complete, 'Use a code')}{_code(device)}"
            f'<div style="{_QUIET}">{_countdown(device)}</div></div>'
        )
    return _card(
        _head(request.session),
        _reason_html(request.reason),
        *(f'<div style="margin-top:10px">{escape(words)}</div>' for words in browser_words(request, opened)),
        _button(request.url, "Open it again" if opened else "Open the sign-in page"),
        f"<div>{CHECK_PAGE}</div>",
        f'<div style="{_QUIET};margin-top:8px">{cancel}</div>',
        code,
        side=_qr(device.verification_uri_complete) if device is not None else "",
        left=request.expires_in,
    )


def _card(*parts: str, side: str, left: float) -> str:
    """The parts, and a QR code beside them; crossed out after its end, by CSS alone: the kernel may be gone by then.

    The sentence that says so is part of the style: where a front end drops that, it is never seen.

    Args:
        parts: HTML.
        side: HTML beside them.
        left: Seconds until its end; negative after it.
    """
    name = f"sso-card-{max(0, round(left + _GRACE))}"
    after = f"1ms linear {name.rpartition('-')[2]}s forwards"
    style = (
        "@keyframes sso-card-off{to{background:rgba(127,127,127,.25);color:inherit;text-decoration:line-through;"
        "pointer-events:none}}@keyframes sso-card-dim{to{opacity:.2}}"
        "@keyframes sso-card-ended{to{visibility:visible;max-height:4em;margin-top:12px}}"
        f".{name} :is(a,.sso-code){{animation:sso-card-off {after}}}.{name} svg{{animation:sso-card-dim {after}}}"
        f".{name} .sso-ended{{font-weight:600;visibility:hidden;max-height:0;"
        f"animation:sso-card-ended {after}}}.{name} .sso-ended::after{{content:'{_ENDED}'}}"
    )
    return (
        f'<style>{style}</style><div class="{name}" style="{_CARD}"><div style="{_BESIDE}">'
        f'<div style="flex:1 1 18em;min-width:0">{"".join(parts)}</div>{side}'
        '</div><div class="sso-ended"></div></div>'
    )


def _head(session: Session) -> str:
    return (
        f'<div style="font-weight:600;font-size:1.15em">{escape(title(session))}</div>'
        f'<div style="{_QUIET};overflow-wrap:anywhere">{escape(portal_words(session))}</div>'
    )


def _reason_html(reason: str) -> str:
    return f'<div style="{_QUIET}">{escape(reason_words(reason))}</div>' if reason else ""


def _button(url: str, words: str) -> str:
    if not is_linkable(url):
        return f'<div style="margin:12px 0 8px;overflow-wrap:anywhere">{escape(not_a_link(url))}</div>'
    return (
        f'<div style="margin:12px 0 8px"><a href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer" '
        f'style="{_BUTTON}">{words}</a></div>'
    )


def _code(request: DeviceRequest) -> str:
    words = f"Code. {RENEWED}" if request.renewed else "Code"
    code = escape(printable(request.user_code))
    return f'<div style="{_QUIET}">{words}</div><div class="sso-code" style="{_CODE}">{code}</div>'


def _countdown(request: DeviceRequest) -> str:
    """Counts down by CSS alone: an update a second would take the focus, and a click, from the link above.

    Where a front end drops the style the time of day remains.
    """
    left = max(0, int(_left(request)))
    name = f"sso-{request.user_code.lower()}".replace("_", "-")
    name = "".join(letter for letter in name if letter.isalnum() or letter == "-")
    minutes, seconds = divmod(left, 60)
    style = (
        f"@property --{name}-m{{syntax:'<integer>';inherits:false;initial-value:0}}"
        f"@property --{name}-s{{syntax:'<integer>';inherits:false;initial-value:0}}"
        f"@keyframes {name}-m{{from{{--{name}-m:{minutes}}}to{{--{name}-m:-1}}}}"
        f"@keyframes {name}-s{{from{{--{name}-s:59}}to{{--{name}-s:-1}}}}"
        f".{name}{{animation:{name}-m {60 * (minutes + 1)}s steps({minutes + 1}) -{59 - seconds}s forwards,"
        f"{name}-s 60s steps(60) -{59 - seconds}s {minutes + 1} forwards;"
        f"counter-reset:m max(0,var(--{name}-m)) s max(0,var(--{name}-s));font-variant-numeric:tabular-nums}}"
        f".{name}::before{{content:counter(m) ':' counter(s,decimal-leading-zero) ' left, '}}"
    )
    return f'<style>{style}</style><span class="{name}"></span>until {clock(request.expires_at, seconds=True)}.'


def _left(request: DeviceRequest) -> float:
    return (request.expires_at - datetime.now(timezone.utc)).total_seconds()


def _qr(url: str) -> str:
    """The link as a QR code, for a phone, if segno is installed and it may be a link."""
    if not is_linkable(url):
        return ""
    try:
        import segno
    except ImportError:
        return ""
    code = segno.make(url, micro=False, error="m")
    svg = code.svg_inline(scale=4, border=2, dark="#000", light="#fff", title="QR code of the sign-in link")
    image = f'<div style="flex:0 0 auto;line-height:0;border-radius:4px;overflow:hidden">{svg}</div>'
    if not is_loopback(urlsplit(url).hostname or ""):
        return image
    return f'<div style="flex:0 0 auto;text-align:center">{image}<div style="{_QUIET}">{_HERE_ONLY}</div></div>'
