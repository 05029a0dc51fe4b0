"""Write the pages of the documentation that are made of docstrings: ``python tests/docs/docstring_pages.py``.

    notebooks/troubleshooting.md    every error class: what it means, what to do
    notebooks/magics.md             the help of every magic, and every setting

The first paragraph of an error's docstring says what the error means, the second what to do.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sso_magic
from sso_magic import demo, errors, oidc, portal
from sso_magic.client import errors as client_errors
from sso_magic.local import errors as local_errors
from sso_magic.magics.each import EachMagics
from sso_magic.magics.lists import ListMagics
from sso_magic.magics.magics import SSOMagics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WRITTEN = "<!-- Written by `python tests/docs/docstring_pages.py` from docstrings. Do not edit. -->"
SECTIONS: tuple[tuple[str, str, ModuleType], ...] = (
    ("Errors of sso_magic", "`from sso_magic.errors import ...`", errors),
    ("Errors of every service client", "`from sso_magic.client.errors import ...`", client_errors),
    ("Errors of the portal (`SSO`)", "`from sso_magic.portal import ...`", portal),
    ("Errors of the sign-in service (`SSOOIDC`)", "`from sso_magic.oidc import ...`", oidc),
    ("Errors of the local Identity Center", "`from sso_magic.local.errors import ...`", local_errors),
    ("Errors of the demo", "`sso-magic demo`", demo),
)
ROOTS = (errors.SSOMagicError, local_errors.LocalError)
INTERNAL = {"ChannelClosed"}  # LocalIdentityCenter turns it into a LocalError
DEFINED_IN = {portal: ("sso_magic.client.portal_model",), oidc: ("sso_magic.client.oidc_model",)}
CELL_MAGICS = {"sso_as", "sso_each"}
SETTINGS = (
    "`%config SSOMagics.NAME = VALUE` sets one until the kernel ends. `c.SSOMagics.NAME = VALUE` in",
    "`~/.ipython/profile_default/ipython_config.py` keeps it ([Sign in and out](sign_in.ipynb) shows how).",
)


def defined_errors() -> set[tuple[str, str]]:
    """Return module and name of every error class that the package's source defines; nothing is imported."""
    package = Path(sso_magic.__file__).parent
    classes: dict[tuple[str, str], set[str]] = {}
    for path in package.rglob("*.py"):
        module = ".".join(["sso_magic", *path.relative_to(package).with_suffix("").parts]).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                classes[module, node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    names = {root.__name__ for root in ROOTS}
    while more := {name for (_, name), bases in classes.items() if bases & names} - names:
        names |= more
    return {(module, name) for module, name in classes if name in names - INTERNAL}


def described(error: type[Exception]) -> tuple[str, str]:
    """Return what the error means and what to do.

    Raises:
        ValueError: Its docstring has no second paragraph.
    """
    paragraphs = inspect.cleandoc(error.__doc__ or "").split("\n\n")
    if len(paragraphs) < 2 or re.match(r"[A-Z]\w+:\n", paragraphs[1]):
        raise ValueError(f"The docstring of {error.__name__} does not say what to do: it needs a second paragraph.")
    what, todo = (" ".join(paragraph.split()) for paragraph in paragraphs[:2])
    return markdown(what), markdown(todo)


def markdown(text: str) -> str:
    """Return text of a docstring in Markdown."""
    return re.sub(r"`{1,2}(.+?)`{1,2}", r"`\1`", text).replace("|", r"\|")


def troubleshooting() -> str:
    """Return the page of every error."""
    lines = [
        "# Troubleshooting",
        "",
        WRITTEN,
        "",
        "Start with `%sso_doctor`: it checks configuration, network, certificate, clock, caches and environment.",
        "It works before anybody has signed in. [Behind a proxy, or with a private CA](network.md) says more.",
        "",
        "An error is printed as one line: its class, what happened, what to do. The second column has base classes.",
    ]
    for title, where, module in SECTIONS:
        rows = [row(each) for each in errors_in(module)]
        lines += ["", f"## {title}", "", where, "", "| error | is a | means | what to do |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def errors_in(module: ModuleType) -> list[type[Exception]]:
    """Return the error classes that users import from a module, in the order of their definition."""
    own = {module.__name__, *DEFINED_IN.get(module, ())}
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, ROOTS)]
    return [each for each in classes if each.__module__ in own]


def row(error: type[Exception]) -> str:
    """Return an error's row of its table."""
    what, todo = described(error)
    bases = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
    return f"| `{error.__name__}` | {bases} | {what} | {todo} |"


def magics() -> str:
    """Return the page of every magic and every setting."""
    found = [(name, method) for holder in (SSOMagics, ListMagics, EachMagics) for name, method in magics_of(holder)]
    lines = [
        "# Magics and settings",
        "",
        WRITTEN,
        "",
        "`%sso_use?`, or `%%sso_each?` with both percent signs, shows the same help in the notebook.",
        "",
    ]
    lines += ["| magic | does |", "|---|---|"]
    for name, method in found:
        summary = inspect.cleandoc(method.parser.description).split("\n\n")[0]
        lines.append(f"| [`{name}`](#{anchor(name)}) | {markdown(' '.join(summary.split()))} |")
    lines += ["", "An account is its 12 digits, its name, or any part that matches one account only; case is ignored."]
    for name, method in found:
        lines += ["", f"## {name}", "", *help_of(method)]
    lines += ["", "## Settings", "", *SETTINGS, "", "| `SSOMagics.` | default | says |", "|---|---|---|"]
    for setting, trait in sorted(SSOMagics.class_own_traits(config=True).items()):
        lines.append(f"| `{setting}` | `{markdown(repr(trait.default_value))}` | {markdown(trait.help)} |")
    return "\n".join(lines) + "\n"


def magics_of(holder: type) -> Iterator[tuple[str, Any]]:
    """Yield the name, as it is typed, and the function of each magic, in the order of their definition."""
    for name, method in vars(holder).items():
        if hasattr(method, "parser"):
            yield ("%%" if name in CELL_MAGICS else "%") + name, method


def help_of(method: Any) -> list[str]:
    """Return a magic's description, examples and arguments in Markdown."""
    text, _, examples = inspect.cleandoc(method.parser.description).partition("Examples::")
    lines = [markdown(text.strip()), "", "```", textwrap.dedent(examples).strip("\n"), "```", ""]
    lines += ["| argument | is |", "|---|---|"]
    for action in method.parser._actions:
        if action.help in {None, SUPPRESS}:
            continue
        shown = ", ".join(action.option_strings) or action.metavar or action.dest
        if action.option_strings and action.nargs != 0:
            values = "{" + ",".join(action.choices) + "}" if action.choices else action.metavar or action.dest.upper()
            shown += f" {values}"
        lines.append(f"| `{markdown(shown)}` | {markdown(action.help)} |")
    return lines if lines[-1] != "|---|---|" else lines[:-3]


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


PAGES = {"troubleshooting.md": troubleshooting, "magics.md": magics}

if __name__ == "__main__":
    for page, text in PAGES.items():
        (NOTEBOOKS / page).write_text(text(), encoding="utf-8")
