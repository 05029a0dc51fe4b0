"""What the tests of the documentation share."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import sso_magic

sys.path.insert(0, str(Path(__file__).parent))  # docstring_pages, which is also a program


@pytest.fixture(scope="session", autouse=True)
def everything_is_imported() -> None:
    """Import the package as a whole: pytest parses each module, and CPython 3.11 cannot parse on two threads at once.

    The search behind a switch would import its modules while a cell is parsed.
    """
    for module in pkgutil.walk_packages(sso_magic.__path__, "sso_magic."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of a library that is not installed
                importlib.import_module(module.name)
