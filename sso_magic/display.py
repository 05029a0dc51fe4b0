"""What people see: the sign-in prompt, one line when something is done, the status. In HTML and in text.

Everything shown is an object with `_repr_mimebundle_`, text always beside HTML: it works in JupyterLab, VS Code,
nbconvert and the terminal. Colours are the front end's own or work on light and dark alike. What is live (a link, a
code) is shown through a display handle and replaced when it is over, so that a saved notebook has none of it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any

from sso_magic.errors import SignInRequired

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sso_magic.profiles import Session
    from sso_magic.signin.device import DeviceRequest
    from sso_magic.signin.prompt import Prompt


class Shown:
    """Something to look at, as text and as HTML."""

    def __init__(self, text: str, html: str | None = None) -> None:
        self.text = text
        self.html = html if html is not None else f'<div style="{_TEXT}">{escape(text)}</div>'

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/plain": self.text, "text/html": self.html}


_TEXT = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:var(--jp-ui-font-size1,13px);line-height:1.5"
)
_CARD = (
    f"{_TEXT};color:inherit;border:1px solid rgba(127,127,127,.45);border-radius:6px;padding:12px 16px;"
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

    return get_ipython()  # type: ignore[no-untyped-call]


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


def prompt_here(session: Session) -> Prompt:
    """The prompt for where this runs.

    Raises:
        SignInRequired: Nobody is there to be asked.
    """
    if not has_person():
        command = f"aws sso login --sso-session {session.name}" if session.name else f"%sso_login {session.label}"
        raise SignInRequired(
            f"Not signed in to {session.label}, and this run has nobody to ask. Sign in first: run "
            f"%sso_login {session.label} in a notebook" + (f", or {command} in a terminal." if session.name else ".")
        )
    return NotebookPrompt() if is_notebook() else TerminalPrompt()


def say(text: str, html: str | None = None) -> None:
    """Shows a line where the person looks."""
    if is_notebook():
        from IPython.display import display

        display(Shown(text, html))
    else:
        print(text)  # noqa: T201 - a terminal's display


def clock(moment: datetime) -> str:
    """The local time of day; with its date where that is not today."""
    local = moment.astimezone()
    today = datetime.now(timezone.utc).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def span(seconds: float) -> str:
    """A length of time in the two largest units that matter."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    minutes, hours = left // 60, left // 3600
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{hours // 24} days"


def until(moment: datetime) -> str:
    """``until 14:03 (55 min)``."""
    return f"until {clock(moment)} ({span((moment - datetime.now(timezone.utc)).total_seconds())})"


class NotebookPrompt:
    """The sign-in prompt in a cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def device(self, request: DeviceRequest) -> None:
        """Shows link, code, QR code and countdown."""
        from IPython.display import display

        self._handle = display(Shown(_device_text(request), _device_html(request)), display_id=True)

    def close(self, line: str) -> None:
        """Puts the line in their place."""
        if self._handle is None:
            say(line)
        else:
            self._handle.update(Shown(line))


class TerminalPrompt:
    """The sign-in prompt in a terminal, with a countdown in its last line."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def device(self, request: DeviceRequest) -> None:
        """Prints link and code, and counts down where the output is a terminal."""
        print(_device_text(request))  # noqa: T201
        if sys.stdout.isatty():
            self._thread = threading.Thread(target=self._count_down, args=(request,), name="sso-magic-countdown")
            self._thread.daemon = True
            self._thread.start()

    def _count_down(self, request: DeviceRequest) -> None:
        while not self._ended.wait(1):
            left = (request.expires_at - datetime.now(timezone.utc)).total_seconds()
            minutes, seconds = divmod(max(0, int(left)), 60)
            sys.stdout.write(f"\rWaiting for approval, {minutes}:{seconds:02d} left ")
            sys.stdout.flush()

    def close(self, line: str) -> None:
        """Ends the countdown and prints the line over it."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            sys.stdout.write("\r" + " " * 50 + "\r")
        print(line)  # noqa: T201


def _device_text(request: DeviceRequest) -> str:
    return (
        f"Sign in to {request.session.label} ({request.session.portal_url}, {request.session.region})\n"
        f"  Open   {_http_only(request.verification_uri_complete)}\n"
        f"  Code   {request.user_code}\n"
        f"  Approve only if that page shows this code, and only a sign-in that you started.\n"
        f"  The code ends at {request.expires_at.astimezone():%H:%M:%S}. Interrupt to cancel."
    )


def _device_html(request: DeviceRequest) -> str:
    session = request.session
    link = escape(_http_only(request.verification_uri_complete), quote=True)
    return (
        f'<div style="{_CARD}"><div style="flex:1 1 18em">'
        f'<div style="font-weight:600;font-size:1.15em">Sign in to {escape(session.label)}</div>'
        f'<div style="{_QUIET};overflow-wrap:anywhere">{escape(session.portal_url)} · {escape(session.region)}</div>'
        f'<div style="margin:12px 0 4px"><a href="{link}" target="_blank" rel="noopener noreferrer" '
        f'style="{_BUTTON}">Open the sign-in page</a></div>'
        f'<div style="margin-top:10px;{_QUIET}">Code</div><div style="{_CODE}">{escape(request.user_code)}</div>'
        "<div>Approve only if that page shows this code, and only a sign-in that you started.</div>"
        f'<div style="{_QUIET};margin-top:8px">{_countdown(request)} Stop the cell to cancel.</div>'
        f"</div>{_qr(request.verification_uri_complete)}</div>"
    )


def _http_only(url: str) -> str:
    """The URL, if a browser opens it as a page; the service's word is not enough for ``javascript:``."""
    return url if url.startswith(("https://", "http://")) else ""


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
        f"counter-reset:m var(--{name}-m) s var(--{name}-s);font-variant-numeric:tabular-nums}}"
        f".{name}::before{{content:counter(m) ':' counter(s,decimal-leading-zero) ' left, '}}"
    )
    return f'<style>{style}</style><span class="{name}"></span>until {request.expires_at.astimezone():%H:%M:%S}.'


def _qr(url: str) -> str:
    """The link as a QR code, for a phone, if segno is installed."""
    try:
        import segno
    except ImportError:
        return ""
    code = segno.make(url, micro=False, error="m")
    svg = code.svg_inline(scale=4, border=2, dark="#000", light="#fff", title="QR code of the sign-in link")
    return f'<div style="flex:0 0 auto;line-height:0;border-radius:4px;overflow:hidden">{svg}</div>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[str, str]:
    """The rows as text and as an HTML table."""
    lines = [tuple(row) for row in rows]
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
        f'<table style="{_TEXT};border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return text, html
