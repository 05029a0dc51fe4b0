"""Sign in, list and use a role in IPython in a terminal, where the wheel is installed with its core dependencies alone.

    python tests/wheel/core.py PYTHON     # the Python of that environment; this one has the extra "local"

The Identity Center runs in this process. The other process has an empty HOME and cannot import from this folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sso_magic.local import LocalIdentityCenter

CELLS = """
import sys, sso_magic
assert "site-packages" in sso_magic.__file__, sso_magic.__file__
%load_ext sso_magic
%sso_login corp --device --no-open
accounts = %sso_accounts
assert len(accounts) > 1, accounts
%sso_use payments-prod ReadOnly
import os
assert os.environ["AWS_ACCESS_KEY_ID"].startswith("ASIA")
%sso_status
assert not {"boto3", "moto", "tornado"} & set(sys.modules)
%sso_logout
assert "AWS_ACCESS_KEY_ID" not in os.environ
print("CORE", "PASSED")
"""


def main(python: str) -> int:
    with tempfile.TemporaryDirectory() as folder, LocalIdentityCenter() as center:
        center.auto_approve = True
        home = Path(folder)
        (home / ".aws").mkdir(mode=0o700)
        (home / ".aws" / "config").write_text(
            f"[default]\nregion = {center.region}\n\n{center.config_text()}", encoding="utf-8"
        )
        session = home / "session.ipy"
        session.write_text(CELLS, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"HOME": folder, "USERPROFILE": folder, "IPYTHONDIR": str(home / "ipython")}
        command = [os.path.abspath(python), "-m", "IPython", "--no-banner", "--colors=NoColor", str(session)]  # noqa: PTH100 - a link must stay one
        if os.name == "posix":
            output, status = in_terminal(command, environment | center.environment(), folder)
        else:
            done = subprocess.run(
                command, env=environment | center.environment(), cwd=folder, capture_output=True, text=True, check=False
            )
            output, status = done.stdout + done.stderr, done.returncode
    print(output)
    return 0 if status == 0 and "CORE PASSED" in output else 1


def in_terminal(command: list[str], environment: dict[str, str], folder: str) -> tuple[str, int | None]:
    import pexpect  # IPython requires it where there are terminals

    child = pexpect.spawn(
        command[0], command[1:], env=environment, cwd=folder, encoding="utf-8", timeout=120, dimensions=(40, 160)
    )
    output = child.read()
    child.close()
    return output, child.exitstatus


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
