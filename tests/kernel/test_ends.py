"""After any end of a kernel and one new start no key is left outside the caches that the AWS tools share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SHELL = """
import os, signal, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_cell("%load_ext sso_magic")
"""
WORK = """
shell.run_line_magic("sso_use", "payments-dev ReadOnly --serve")
token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
print(os.environ["AWS_SHARED_CREDENTIALS_FILE"], token, flush=True)
sys.stdin.readline()
"""
ENDS = {
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "os._exit": "os._exit(1)",
    "a crash": "os.abort()",
    "an end": "sys.exit()",
}
LONG_LIVED = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SHARED = (".aws/credentials", ".aws/sso/cache/", ".aws/cli/cache/")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The directory for temporary files, of the kernels too."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def files_with(directory: Path, secrets: set[bytes]) -> set[str]:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        path.relative_to(directory).as_posix() for path in files if any(one in path.read_bytes() for one in secrets)
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals that end a process at once")
def test_no_key_is_left_after_any_end_and_one_new_start(signed_in, clean_environment, place):
    (clean_environment / ".aws/credentials").write_text(
        f"[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {LONG_LIVED}\n"
    )
    kernels = {
        name: subprocess.Popen(
            [sys.executable, "-c", f"{SHELL}{WORK}{end}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name, end in ENDS.items()
    }
    copies, secrets = {}, {LONG_LIVED.encode(), *(token.encode() for token in signed_in.state.access_tokens)}
    try:
        for name, kernel in kernels.items():
            line = next(line for line in kernel.stdout if "sso_magic-" in line)
            copy, token = line.split()
            copies[name] = Path(copy)
            secrets.add(token.encode())
            assert LONG_LIVED in copies[name].read_text()  # a child process can use the other profile
        for kernel in kernels.values():
            kernel.stdin.write("\n")
            kernel.stdin.flush()
        codes = {name: kernel.wait(60) for name, kernel in kernels.items()}
    finally:
        for kernel in kernels.values():
            kernel.kill()
            kernel.communicate()
    assert codes == {
        "SIGTERM": -signal.SIGTERM,
        "SIGKILL": -signal.SIGKILL,
        "os._exit": 1,
        "a crash": -signal.SIGABRT,
        "an end": 0,
    }
    for keys in signed_in.keys.values():
        secrets |= {keys.secret_access_key.encode(), keys.session_token.encode()}
    assert {name for name, copy in copies.items() if copy.exists()} == {"SIGKILL", "os._exit", "a crash"}

    subprocess.run([sys.executable, "-c", SHELL], check=True, timeout=60)

    assert files_with(place, secrets) == set()
    left = files_with(clean_environment, secrets)
    assert left  # the search finds what is there
    assert {path for path in left if not path.startswith(SHARED)} == set()
