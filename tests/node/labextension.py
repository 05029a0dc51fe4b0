"""Build JupyterLab's extension in a copy of its sources, build/labextension, where its npm packages are too.

    python tests/node/labextension.py install    npm's packages, as package-lock.json names them
    python tests/node/labextension.py build      writes sso_magic/labextension/built, which is committed

Neither the package's folder nor a wheel has Node packages in it, and nobody who installs sso_magic needs Node.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "sso_magic/labextension"
BUILT = SOURCE / "built"
COPY = ROOT / "build/labextension"


def is_installed() -> bool:
    """Return True if the npm packages of the present package-lock.json are installed."""
    lock = COPY / "installed.json"
    return lock.exists() and lock.read_bytes() == (SOURCE / "package-lock.json").read_bytes()


def install() -> None:
    """Install the npm packages; their install scripts do not run."""
    copy_sources()
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    shutil.copyfile(COPY / "package-lock.json", COPY / "installed.json")


def copy_sources() -> None:
    """Make the copy what the sources are; its Node packages stay."""
    COPY.mkdir(parents=True, exist_ok=True)
    for path in COPY.iterdir():
        if path.is_dir() and path.name != "node_modules":
            shutil.rmtree(path)
    for path in SOURCE.iterdir():
        if path.is_dir() and path.name not in {"built", "node_modules"}:
            shutil.copytree(path, COPY / path.name)
        elif path.is_file():
            shutil.copyfile(path, COPY / path.name)


def npm(*arguments: str) -> str:
    """Run npm in the copy and return what it prints; raises RuntimeError with that if it fails."""
    program = shutil.which("npm")
    if program is None:
        raise RuntimeError("npm is not installed.")
    done = subprocess.run([program, *arguments], cwd=COPY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm {' '.join(arguments)} failed.\n{done.stdout}{done.stderr}")
    return done.stdout


def build() -> dict[str, bytes]:
    """Build the extension in the copy, from what was compiled there; return its files by their paths."""
    npm("run", "bundle")
    return files_of(COPY / "built")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(command: str) -> None:
    if command == "install" and not is_installed():
        install()
    elif command == "build":
        copy_sources()
        npm("run", "compile")
        build()
        shutil.rmtree(BUILT, ignore_errors=True)
        shutil.copytree(COPY / "built", BUILT)


if __name__ == "__main__":
    main(sys.argv[1])
