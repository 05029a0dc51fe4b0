"""The pages that are made of docstrings say what the docstrings say, and leave no error and no magic out."""

from __future__ import annotations

import docstring_pages as pages
import pytest

from sso_magic.errors import SSOMagicError
from sso_magic.magics.each import EachMagics
from sso_magic.magics.lists import ListMagics
from sso_magic.magics.magics import SSOMagics


@pytest.mark.parametrize("name", pages.PAGES)
def test_the_page_is_made_of_the_docstrings(name):
    written = (pages.NOTEBOOKS / name).read_text(encoding="utf-8")
    assert written == pages.PAGES[name](), f"notebooks/{name} is out of date: python tests/docs/docstring_pages.py"


def test_troubleshooting_has_every_error_class():
    listed = [each for _, _, module in pages.SECTIONS for each in pages.errors_in(module)]
    assert len(listed) == len(set(listed)) > 60
    assert {(each.__module__, each.__name__) for each in listed} == pages.defined_errors()


def test_an_error_whose_docstring_does_not_say_what_to_do_is_refused():
    class Unexplained(SSOMagicError):
        """Something failed."""

    class OnlyAttributes(SSOMagicError):
        """Something failed.

        Attributes:
            x: Something.
        """

    for error in (Unexplained, OnlyAttributes):
        with pytest.raises(ValueError, match=f"The docstring of {error.__name__} does not say what to do"):
            pages.described(error)


def test_the_page_of_magics_has_every_magic():
    found = [name for holder in (SSOMagics, ListMagics, EachMagics) for name, _ in pages.magics_of(holder)]
    registered = [
        ("%%" if kind == "cell" else "%") + name
        for holder in (SSOMagics, ListMagics, EachMagics)
        for kind, names in holder.magics.items()
        for name in names
    ]
    assert sorted(found) == sorted(registered)
