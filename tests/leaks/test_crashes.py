"""What a process that crashes writes: the interpreter's dump and IPython's crash report show no secret."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from IPython import version_info

from sso_magic import IdentityCenter

CRASH = """
import faulthandler, sys
from sso_magic import IdentityCenter

def work(credentials, token):
    {end}

center = IdentityCenter("corp")
layer = center.role("payments-prod", "ReadOnly").use()
work(center.role("payments-prod", "ReadOnly").credentials(), center.tokens.get())
"""
ENDS = {
    "a dump on demand": "faulthandler.dump_traceback(all_threads=True)",
    "a fatal signal": "faulthandler._sigsegv()",
    "an abort": "import os; os.abort()",
    "IPython's crash report": (
        "from IPython.core.crashhandler import CrashHandler, crash_handler_lite\n"
        "    from IPython.terminal.ipapp import TerminalIPythonApp\n"
        "    try:\n"
        "        raise ValueError('a crash')\n"
        "    except ValueError:\n"
        "        crash_handler_lite(*sys.exc_info())\n"
        "        app = TerminalIPythonApp.instance(); app.ipython_dir = sys.argv[1]\n"
        "        handler = CrashHandler(app)\n"
        "        sys.stdin.close(); sys.stdin = open('/dev/null')\n"
        "        handler(*sys.exc_info())"
    ),
}

# Earlier releases fail on their way to the report: they take the folder's name for a path.
WRITES_A_REPORT = (8, 30)


@pytest.mark.parametrize("end", ENDS)
def test_a_crash_writes_no_secret(center, prompt, tmp_path, end):
    center.auto_approve = True
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    keys = corp.role("payments-prod", "ReadOnly").credentials()
    secrets = [keys.access_key_id, keys.secret_access_key, keys.session_token, corp.tokens.get()]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", CRASH.format(end=ENDS[end]), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"},
    )
    written = {path.name: path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    shown = done.stdout + done.stderr + "".join(written.values())
    assert "work" in shown, shown
    assert [secret for secret in secrets if secret.reveal() in shown] == []
    is_written = end == "IPython's crash report" and version_info >= WRITES_A_REPORT
    assert ("Crash_report_ipython.txt" in written) == is_written, written.keys()
