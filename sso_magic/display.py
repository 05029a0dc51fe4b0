"""What people see: the sign-in prompt, one line when something is done, the status. In HTML and in text.

Everything shown is an object with `_repr_mimebundle_`, text always beside HTML: it works in JupyterLab, VS Code,
nbconvert and the terminal. Colours are the front end's own or work on light and dark alike. What is live (a link, a
code) is shown through a display handle and replaced when it is over, so that a saved notebook has none of it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any

from sso_magic.address_input import CellInput, TerminalInput
from sso_magic.common import locks
from sso_magic.common.text import encodable, is_linkable, printable, printable_lines
from sso_magic.common.times import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sso_magic.common.secret import Secret
    from sso_magic.signin.browser import BrowserRequest
    from sso_magic.signin.device import DeviceRequest
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.sessions import Session


class Shown:
    """Something to look at, as text and as HTML."""

    def __init__(self, text: str, html: str | None = None) -> None:
        self.text = printable_lines(text)
        self.html = printable_lines(html) if html is not None else f'<div style="{TEXT}">{escape(self.text)}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/plain": self.text, "text/html": self.html}


TEXT = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:var(--jp-ui-font-size1,13px);line-height:1.5"
)
_CARD = (
    f"{TEXT};color:inherit;border:1px solid rgba(127,127,127,.45);border-radius:6px;padding:12px 16px;"
    "max-width:40em;display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start"
)
_BUTTON = (
    "display:inline-block;padding:6px 14px;border-radius:4px;background:#1a5fb4;color:#ffffff;text-decoration:none;"
    "font-weight:600"
)
_CODE = "font:600 1.9em/1.3 var(--jp-code-font-family,ui-monospace,monospace);letter-spacing:.06em;user-select:all"
_QUIET = "opacity:.8"


def shell() -> Any:
    """The running IPython, or None in plain Python."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def is_notebook() -> bool:
    """Whether a front end shows what this kernel displays, rather than a terminal."""
    return hasattr(shell(), "kernel")


def has_person() -> bool:
    """Whether somebody could answer: nbclient and papermill say that nobody can (reference: stdin not allowed)."""
    running = shell()
    if hasattr(running, "kernel"):
        return bool(getattr(running.kernel, "_allow_stdin", False))
    with contextlib.suppress(AttributeError, ValueError):
        return sys.stdin.isatty()
    return False


def ask_hidden() -> Callable[[str], str] | None:
    """Return what asks the person a question whose answer is not shown; None if nobody can be asked."""
    import getpass

    return getpass.getpass if has_person() else None


def prompt_here() -> Prompt:
    """Return the prompt for where this runs: the notebook's cell or the terminal."""
    return NotebookPrompt() if is_notebook() else TerminalPrompt()


def say(text: str, html: str | None = None) -> None:
    """Shows a line where the person looks."""
    if is_notebook():
        from IPython.display import display

        display(Shown(text, html))  # type: ignore[no-untyped-call]
    else:
        write(text)


def write(text: str) -> None:
    """Print to the terminal, with what its encoding lacks, and what would act on it, escaped."""
    print(encodable(printable_lines(text)), flush=True)  # noqa: T201 - a terminal's display


class NotebookPrompt:
    """The sign-in prompt in a cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._input: CellInput | None = None

    def device(self, request: DeviceRequest) -> None:
        """Shows link, code, QR code and countdown."""
        self._show(Shown(_device_text(request), device_card(request, _STOP)))

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Shows the page's link, and the code beside it once there is one."""
        card = browser_card(request, device, _STOP, opened=opened)
        self._show(Shown(_browser_text(request, opened, device), card))
        if request.is_remote:
            self._input = CellInput(shell().kernel)
            self._input.ask(PASTE)

    def pasted(self) -> Secret | None:
        """Return the address that was entered below the cell."""
        return self._input.read() if self._input is not None else None

    def wrong(self, line: str) -> None:
        """Ask for the address again."""
        if self._input is not None:
            self._input.ask(f"{line} {PASTE}")

    def _show(self, shown: Shown) -> None:
        from IPython.display import DisplayHandle

        if self._handle is None:
            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]  # before it shows anything, for `close`
            self._handle.display(shown)
        else:
            self._handle.update(shown)

    def close(self, line: str) -> None:
        """Replace them by the line, or by nothing."""
        if self._input is not None:
            self._input.close()
        if line:
            self._show(Shown(line))
        elif self._handle is not None:
            self._handle.update(Shown("", ""))


class TerminalPrompt:
    """The sign-in prompt in a terminal, with a countdown in its last line."""

    def __init__(self) -> None:
        self._ended = locks.Event()
        self._deadline = 0.0
        self._thread: threading.Thread | None = None
        self._input = TerminalInput()
        self._waiting_for = "Waiting for approval"

    def device(self, request: DeviceRequest) -> None:
        """Print link and code, and count down where the output is a terminal."""
        write(f"\n{_device_text(request)}" if request.renewed else _device_text(request))
        self._count_down(request.expires_in)

    def browser(self, request: BrowserRequest, *, opened: bool, device: DeviceRequest | None) -> None:
        """Print the page's link; in later calls, the code."""
        if device is None:
            write(_browser_text(request, opened, None))
            if request.is_remote and self._input.ask(PASTE):
                self._waiting_for = PASTE.rstrip(": ")
                if not sys.stdout.isatty():
                    write(PASTE)
            self._count_down(request.expires_in)
        else:
            write(f"\n{_device_text(device)}")
            self._count_down(device.expires_in)

    def pasted(self) -> Secret | None:
        """Return the address that was entered in the terminal."""
        return self._input.read()

    def wrong(self, line: str) -> None:
        """Print the line; the next address is read already."""
        self._write_over(line)

    def _write_over(self, line: str) -> None:
        if self._thread is not None:
            sys.stdout.write("\r" + " " * 79 + "\r")
        if line:
            write(line)

    def _count_down(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        if self._thread is None and sys.stdout.isatty():
            self._thread = threading.Thread(target=self._tick, name="sso-magic-countdown", daemon=True)
            self._thread.start()

    def _tick(self) -> None:
        while not self._ended.wait(1):
            minutes, seconds = divmod(max(0, int(self._deadline - time.monotonic())), 60)
            sys.stdout.write(f"\r{self._waiting_for}, {minutes}:{seconds:02d} left ")
            sys.stdout.flush()

    def close(self, line: str) -> None:
        """End the countdown, and print the line in its place."""
        self._input.close()
        self._ended.set()
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):  # an interrupt has stopped its start
                self._thread.join()
        self._write_over(line)


PASTE = "Paste the address here (it stays hidden), then press Enter: "
_CHECK_CODE = "Approve only if that page shows this code, and only a sign-in that you started."
_CHECK_PAGE = "Approve only a sign-in that you started yourself."
_STOP = "Stop the cell to cancel."
_RENEWED = "The previous code expired. This is a new one."


def _device_text(request: DeviceRequest) -> str:
    renewed = f"  {_RENEWED}\n" if request.renewed else ""
    return (
        f"{_title(request.session)} ({_who(request.session)})\n{_reason_line(request.reason)}{renewed}"
        f"  Open   {_address(request.verification_uri_complete)}\n"
        f"  Code   {printable(request.user_code)}\n"
        f"  {_CHECK_CODE}\n"
        f"  The code ends at {clock(request.expires_at, seconds=True)}. Interrupt to cancel."
    )


def _browser_text(request: BrowserRequest, opened: bool, device: DeviceRequest | None) -> str:  # noqa: FBT001
    lines = [f"{_title(request.session)} ({_who(request.session)})"]
    lines += [f"  {line}" for line in (_reason(request.reason), *_browser_words(request, opened)) if line]
    lines.append(f"  Open   {_address(request.url)}")
    if device is not None:
        lines += ["  That page does not reach this machine? Then use a code, here or on any device:"]
        lines += [f"  Open   {_address(device.verification_uri_complete)}", f"  Code   {printable(device.user_code)}"]
        lines += [f"  {_RENEWED}"] if device.renewed else []
    return "\n".join([*lines, f"  {_CHECK_PAGE} Interrupt to cancel."])


def _browser_words(request: BrowserRequest, opened: bool) -> tuple[str, ...]:  # noqa: FBT001
    if request.is_remote:
        return (
            "1. Open the page in the browser on your own machine, and approve there.",
            f"2. The browser ends on an address that begins with {request.callback}.",
            "3. If it cannot show that page, copy the whole address from the address bar and paste it here.",
        )
    if opened:
        return ("A page opens in your browser. If none opens, use the link.",)
    return ("Open the page in the browser of this machine.",)


def _reason(reason: str) -> str:
    """Return why this method, and how to choose the other one."""
    return printable(f"{reason} To choose: %sso_login --browser or --device.") if reason else ""


def _reason_line(reason: str) -> str:
    return f"  {_reason(reason)}\n" if reason else ""


def _title(session: Session) -> str:
    return f"Sign in to {printable(session.label)}"


def _who(session: Session) -> str:
    return printable(f"{session.portal_url}, {session.region}")


def device_card(request: DeviceRequest, cancel: str) -> str:
    """The sign-in by a code as HTML: link, code, QR code, countdown, and how to cancel."""
    return _card(
        _head(request.session),
        _reason_html(request.reason),
        _button(request.verification_uri_complete, "Open the sign-in page"),
        _code(request),
        f"<div>{_CHECK_CODE}</div>",
        f'<div style="{_QUIET};margin-top:8px">{_countdown(request)} {cancel}</div>',
        side=_qr(request.verification_uri_complete),
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
        *(f'<div style="margin-top:10px">{escape(words)}</div>' for words in _browser_words(request, opened)),
        _button(request.url, "Open it again" if opened else "Open the sign-in page"),
        f"<div>{_CHECK_PAGE}</div>",
        f'<div style="{_QUIET};margin-top:8px">{cancel}</div>',
        code,
        side=_qr(device.verification_uri_complete) if device is not None else "",
    )


def _card(*parts: str, side: str) -> str:
    return f'<div style="{_CARD}"><div style="flex:1 1 18em;min-width:0">{"".join(parts)}</div>{side}</div>'


def _head(session: Session) -> str:
    return (
        f'<div style="font-weight:600;font-size:1.15em">{escape(_title(session))}</div>'
        f'<div style="{_QUIET};overflow-wrap:anywhere">{escape(_who(session))}</div>'
    )


def _reason_html(reason: str) -> str:
    return f'<div style="{_QUIET}">{escape(_reason(reason))}</div>' if reason else ""


def _button(url: str, words: str) -> str:
    if not is_linkable(url):
        return f'<div style="margin:12px 0 8px;overflow-wrap:anywhere">{escape(_not_a_link(url))}</div>'
    return (
        f'<div style="margin:12px 0 8px"><a href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer" '
        f'style="{_BUTTON}">{words}</a></div>'
    )


def _code(request: DeviceRequest) -> str:
    words = f"Code. {_RENEWED}" if request.renewed else "Code"
    return f'<div style="{_QUIET}">{words}</div><div style="{_CODE}">{escape(printable(request.user_code))}</div>'


def _address(url: str) -> str:
    return url if is_linkable(url) else _not_a_link(url)


def _not_a_link(url: str) -> str:
    """What stands in the place of a link to an address that a browser must not be sent to (http, javascript:)."""
    return f"{printable(url)} (not a link: the address is not https)"


def _countdown(request: DeviceRequest) -> str:
    """Counts down by CSS alone: an update a second would take the focus, and a click, from the link above.

    Where a front end drops the style the time of day remains.
    """
    left = max(0, int((request.expires_at - datetime.now(timezone.utc)).total_seconds()))
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
    return f'<div style="flex:0 0 auto;line-height:0;border-radius:4px;overflow:hidden">{svg}</div>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[str, str]:
    """The rows as text and as an HTML table."""
    lines = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(line[i]) for line in [tuple(columns), *lines]) for i in range(len(columns))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [tuple(columns), *lines]
    )
    cell = "text-align:left;padding:2px 14px 2px 0;vertical-align:top"
    head = "".join(f'<th scope="col" style="{cell};font-weight:600">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{cell}">{escape(value)}</td>' for value in line) + "</tr>" for line in lines
    )
    html = (
        f'<table style="{TEXT};border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return text, html
