"""No module has more than 350 lines, so that each has one subject."""

from __future__ import annotations

from pathlib import Path

import sso_magic

PACKAGE = Path(sso_magic.__file__).parent
MOST = 350


def test_no_module_is_longer_than_350_lines():
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
        if "node_modules" not in path.parts
    }
    assert len(lengths) > 250
    assert {name: length for name, length in lengths.items() if length > MOST} == {}
