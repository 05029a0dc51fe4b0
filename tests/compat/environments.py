"""Run the rows of the compatibility matrix that need an environment of their own, and write the table.

    python tests/compat/environments.py                 # every group of environments.toml, then README.md
    python tests/compat/environments.py readers         # one group; the table keeps the others' rows
    python tests/compat/environments.py --check         # write nothing: fail where the table says something else
    python tests/compat/environments.py --newest        # the same with the newest releases instead of the exact ones
    python tests/compat/environments.py --table         # the table alone, of what was measured last

A group with a test file of its own, such as ray with test_ray.py, has no rows: its tests run instead.

An environment is made once, in .venv-compat/NAME, by uv if it is installed and else by pip, and again when its
requirements change. With ``--newest`` it is made each time, in .venv-compat/NAME-newest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10; pytest brings it there
    import tomli as tomllib

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import table  # noqa: E402 - it lies beside this file


def settings() -> dict:
    return tomllib.loads((HERE / "environments.toml").read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    known = settings()["groups"]
    groups = [name for name in arguments if not name.startswith("--")] or list(known)
    if unknown := sorted(set(groups) - set(known)):
        print(f"No such group: {', '.join(unknown)}. There are {', '.join(known)}.")
        return 2
    newest = "--newest" in arguments
    check = newest or "--check" in arguments
    tested = [] if "--table" in arguments else groups
    failed = [group for group in tested if not run(group, write=not check, newest=newest)]
    if failed:
        print(f"Failed: {', '.join(failed)}." + ("" if check else " tests/compat/README.md was not written."))
        return 1
    if not check:
        table.write()
    return 0


def run(group: str, *, write: bool, newest: bool) -> bool:
    """Run the tests of a group; True if they passed."""
    print(f"== {group}", flush=True)
    try:
        python = environment(group, newest=newest)
    except subprocess.CalledProcessError as error:
        print(f"The environment could not be installed: {error}.", flush=True)
        return False
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=1500"]
    command += ["-W", "ignore::pytest.PytestUnraisableExceptionWarning"]  # sockets that these libraries leave open
    own = HERE / f"test_{group}.py"
    command += [str(own if own.exists() else HERE / "test_matrix.py")]
    settings_of_the_tests = {"SSO_MAGIC_COMPAT": group} | ({"SSO_MAGIC_COMPAT_WRITE": "1"} if write else {})
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings_of_the_tests, check=False).returncode == 0


def environment(group: str, *, newest: bool) -> str:
    """Make the group's environment unless it is there; its Python."""
    place = ROOT / ".venv-compat" / (f"{group}-newest" if newest else group)
    python = str(place / ("Scripts" if os.name == "nt" else "bin") / "python")
    known = settings()
    wanted = [*known["tests"], *known["groups"][group]]
    if newest:
        wanted = [requirement.replace("==", ">=") for requirement in wanted]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    mark = hashlib.sha256(repr((sys.version, wanted, project)).encode()).hexdigest()
    done = place / "requirements.sha256"
    if not newest and done.exists() and done.read_text(encoding="utf-8") == mark:
        return python
    shutil.rmtree(place, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        venv.create(place, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--editable", f"{ROOT}[local]", *wanted], check=True)
    done.write_text(mark, encoding="utf-8")
    return python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
