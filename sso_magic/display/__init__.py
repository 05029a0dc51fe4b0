"""What people see: lines and tables, the sign-in prompt, a progress bar, the mark of production.

show           wrapped lines and tables, as text and as HTML
words          the words of a sign-in request
card           the sign-in request as HTML
prompt         the sign-in prompt in a cell and in a terminal
address_input  reads a pasted address, hidden
bar            a progress bar
production     which accounts are production, and how that is marked
"""

from __future__ import annotations

from sso_magic.common.output import TEXT, Shown, has_person, is_notebook, say, shell, write
from sso_magic.display.card import browser_card, device_card
from sso_magic.display.prompt import NotebookPrompt, TerminalPrompt, ask_hidden, prompt_here
from sso_magic.display.show import table

__all__ = [
    "TEXT",
    "NotebookPrompt",
    "Shown",
    "TerminalPrompt",
    "ask_hidden",
    "browser_card",
    "device_card",
    "has_person",
    "is_notebook",
    "prompt_here",
    "say",
    "shell",
    "table",
    "write",
]
