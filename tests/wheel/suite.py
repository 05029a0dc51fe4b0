"""Run tests of the source archive against the installed wheel, in a copy of the archive without its source folder.

    python tests/wheel/suite.py PYTHON FOLDER [ARGUMENT OF PYTEST ...]

PYTHON is the interpreter of an environment with the wheel and its extra "test". FOLDER is emptied first. The archive
and the wheel are the ones in dist.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

DIST = Path(__file__).parents[2] / "dist"

# The rooms that reach every kind of file in the wheel (modules, pages, notebooks, the pytest plugin, the command), here
# and in child processes, in two minutes. `make test` has asked the rest of the same source already.
ROOMS = ("unit", "client", "magics", "local", "demo")


def main(python: str, folder: str, *arguments: str) -> int:
    [wheel], [archive] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    shutil.rmtree(folder, ignore_errors=True)
    root = unpack(archive, Path(folder))
    if missing := missing_files(root, wheel):
        print(f"{wheel.name} lacks {', '.join(missing)}. Correct [tool.hatch.build.targets.wheel] in pyproject.toml.")
        return 1
    shutil.rmtree(root / "sso_magic")
    tests = ["tests/wheel/installed.py", *(f"tests/{room}" for room in ROOMS)]
    interpreter = Path(python).absolute()  # not resolved: in a virtual environment it is a link
    command = [str(interpreter), "-m", "pytest", *tests, *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    [root] = folder.iterdir()
    return root


def missing_files(root: Path, wheel: Path) -> list[str]:
    """Return the files of the package in the source archive that the wheel has not."""
    package = {path.relative_to(root).as_posix() for path in (root / "sso_magic").rglob("*") if path.is_file()}
    package = {name for name in package if not name.startswith("sso_magic/labextension/")}
    notebooks = {f"sso_magic/{path.relative_to(root).as_posix()}" for path in (root / "notebooks").glob("*.*")}
    built = root / "sso_magic/labextension/built"
    data = f"{'-'.join(wheel.name.split('-')[:2])}.data/data/share/jupyter/labextensions/sso-magic"
    extension = {f"{data}/{path.relative_to(built).as_posix()}" for path in built.rglob("*") if path.is_file()}
    assert extension
    with zipfile.ZipFile(wheel) as files:
        return sorted((package | notebooks | extension) - set(files.namelist()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
