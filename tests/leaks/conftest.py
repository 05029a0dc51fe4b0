"""A test's secrets, and a notebook in which every way to see one is tried."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # conftest files have no package to import from

from leak_search import Planted

if TYPE_CHECKING:
    from sso_magic.local import LocalIdentityCenter


@pytest.fixture
def planted(center: LocalIdentityCenter) -> Planted:
    """Whatever this test's Identity Center gives out."""
    return Planted(center)
