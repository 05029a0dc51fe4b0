"""Where a line is shown: in the notebook or in the terminal.

Everything shown is an object with `_repr_mimebundle_`, text always beside HTML: it works in JupyterLab, VS Code,
nbconvert and the terminal.
"""

from __future__ import annotations

import contextlib
import sys
from html import escape
from typing import Any

from sso_magic.common.text import encodable, printable_lines


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
    """Return True if a person can answer a question in this run.

    The front end of a Jupyter kernel says whether it accepts input: nbclient and papermill do not. A marimo notebook
    has a person if a browser shows it. Elsewhere, standard input is a terminal.
    """
    running = shell()
    if hasattr(running, "kernel"):
        return bool(getattr(running.kernel, "_allow_stdin", False))
    in_browser = is_shown_by_marimo()
    if in_browser is not None:
        return in_browser
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return sys.stdin.isatty()
    return False


def is_shown_by_marimo() -> bool | None:
    """Return True if this code runs in a cell of marimo that a browser shows; None if it runs in no cell of marimo.

    `marimo export` runs cells as the editor does, but for no request of a browser. A notebook that runs as a script is
    an ordinary program.
    """
    marimo = sys.modules.get("marimo")
    if marimo is None:
        return None
    with contextlib.suppress(Exception):  # another release of marimo, or a module of that name
        meta = marimo.app_meta()
        if meta.mode in ("edit", "run"):
            return meta.request is not None
    return None


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
