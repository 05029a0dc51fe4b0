"""What the tests of the documentation share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # docstring_pages, which is also a program
