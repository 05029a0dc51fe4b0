"""What ``%load_ext sso_magic`` puts into IPython, and ``%unload_ext`` takes out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from IPython.core.completer import context_matcher

from sso_magic.common import redaction
from sso_magic.magics.each import EachMagics
from sso_magic.magics.line import split_name_from_semicolon
from sso_magic.magics.lists import ListMagics
from sso_magic.magics.magics import SSOMagics

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

MATCHER = "sso_magic"


def load(shell: InteractiveShell) -> None:
    """Register magics and completion; loading again replaces them."""
    unload(shell)
    magics = SSOMagics(shell)
    shell.register_magics(magics, ListMagics(shell, magics), EachMagics(shell, magics))
    shell.Completer.custom_matchers.append(_matcher(magics))
    shell.input_transformers_post.append(split_name_from_semicolon)
    shell.events.register("pre_run_cell", magics.before_cell)
    if hasattr(shell, "kernel"):  # a front end may show the role
        from sso_magic.notebook.identity_comm import open_comm

        open_comm(shell, magics)
    redaction.install(shell)
    shell.events.register("post_run_cell", _sweep)


def _matcher(magics: SSOMagics) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Make the matcher that completes the magics' lines.

    A matcher of IPython's second kind behaves alike in IPython 8 and 9 and with Jedi on, which ``set_hook`` does not.
    """

    @context_matcher(identifier=MATCHER)
    def sso_magic_matcher(context: CompletionContext) -> SimpleMatcherResult:
        from sso_magic.magics.completion import complete

        return complete(magics, context)

    return sso_magic_matcher


def _sweep(*_: object) -> None:
    """Remove what killed processes left, once the cell that loads the extension has run: nobody waits for it."""
    from sso_magic.common import leftovers

    leftovers.sweep_once()


def unload(shell: InteractiveShell) -> None:
    """Remove magics and completion, and release the role in use."""
    if "sso_magic.notebook.identity_comm" in sys.modules:
        from sso_magic.notebook.identity_comm import close_comm

        close_comm(shell)
    ours = {"SSOMagics", "ListMagics", "EachMagics"}
    for magics in [item for item in shell.configurables if type(item).__name__ in ours]:
        shell.configurables.remove(magics)
        if hasattr(magics, "before_cell"):
            shell.events.unregister("pre_run_cell", magics.before_cell)
        for kind, names in magics.magics.items():  # type: ignore[attr-defined]
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
    if _sweep in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", _sweep)
    if split_name_from_semicolon in shell.input_transformers_post:
        shell.input_transformers_post.remove(split_name_from_semicolon)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if getattr(matcher, "matcher_identifier", "") != MATCHER]
    redaction.uninstall(shell)
    if "sso_magic.magics.pinned" in sys.modules:
        from sso_magic.magics.pinned import uninstall

        uninstall(shell)
    if "sso_magic.kernel.kernel_role" in sys.modules:
        from sso_magic.magics.use import shut_down

        shut_down()
