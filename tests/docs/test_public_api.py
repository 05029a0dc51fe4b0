"""The public names are those that the reference pages list: each can be imported and has a docstring."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest

import sso_magic

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "notebooks" / "site" / "api.md").read_text(encoding="utf-8")
CLIENTS = (ROOT / "sso_magic" / "client" / "REFERENCE.md").read_text(encoding="utf-8")
ERRORS = (ROOT / "notebooks" / "troubleshooting.md").read_text(encoding="utf-8")
MODULES = ("sso_magic", "sso_magic.dask_cluster", "sso_magic.each", "sso_magic.local", "sso_magic.widgets")
ENTRIES = re.findall(r"^\.\. auto(\w+):: (\S+)\n((?:   .*\n)*)", REFERENCE, re.MULTILINE)
IPYTHON = {"load_ipython_extension", "unload_ipython_extension"}  # IPython calls them


def resolve(dotted: str) -> Any:
    """Return what a dotted name of the reference page names."""
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)


def listed(options: str) -> list[str]:
    """Return the members that an entry of the reference page lists; none if it has all."""
    _, _, names = options.partition(":members:")
    return re.findall(r"\w+", names.partition("\n   :")[0])


def entry(name: str) -> list[str]:
    """Return the members that the reference page lists of a class."""
    [options] = [options for _, dotted, options in ENTRIES if dotted.endswith(f".{name}")]
    return listed(options)


def is_listed(name: str) -> bool:
    """Return True if a reference page names it."""
    return (
        any(dotted.endswith(f".{name}") for _, dotted, _ in ENTRIES)
        or f"`{name}`" in CLIENTS + ERRORS
        or (f"### {name}" in ERRORS)
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_can_be_imported_and_has_a_docstring_and_a_place_on_a_reference_page(module):
    names = import_module(module).__all__
    assert len(names) == len(set(names)) > 0
    for name in names:
        assert inspect.getdoc(resolve(f"{module}.{name}")), name
    assert [name for name in names if name not in IPYTHON and not is_listed(name)] == []


@pytest.mark.parametrize("module", ["sso_magic.portal", "sso_magic.oidc"])
def test_every_name_of_a_service_client_can_be_imported_and_is_in_the_reference(module):
    names = import_module(module).__all__
    assert [name for name in names if not is_listed(name) and not re.search(rf"\b{name}\b", CLIENTS)] == []
    assert [name for name in names if not inspect.getdoc(resolve(f"{module}.{name}"))] == []


@pytest.mark.parametrize(("kind", "dotted", "options"), ENTRIES, ids=[dotted for _, dotted, _ in ENTRIES])
def test_the_reference_page_lists_what_there_is(kind, dotted, options):
    found = resolve(dotted)
    assert inspect.getdoc(found)
    assert inspect.isclass(found) is (kind == "class")
    for name in listed(options):
        assert inspect.getdoc(inspect.getattr_static(found, name)), name


def test_what_the_package_exports_is_what_its_own_modules_call_so():
    for name in sso_magic.__all__:
        found = getattr(sso_magic, name)
        assert found.__name__ == name
        assert found.__module__.startswith("sso_magic")


def test_the_guides_use_only_public_members():
    pages = [path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "notebooks").glob("*.md")]]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        pages += [cell.source for cell in nbformat.read(path, as_version=4).cells]
    text = "\n".join(pages)
    for variable, name in (("center", "IdentityCenter"), ("role", "Role")):
        used = set(re.findall(rf"\b{variable}\.(\w+)\(", text))
        assert used - set(entry(name)) - ({"approve", "advance"} if variable == "center" else set()) == set()
        assert len(used) > 3
