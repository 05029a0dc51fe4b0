"""Open the sign-in page in the default browser, without waiting for the browser.

A command in BROWSER may run until its window is closed, and whatever it prints would end up in the notebook's cell. So
`webbrowser` runs in a child process whose input and output go nowhere, and a daemon thread waits for that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from sso_magic.common import locks
from sso_magic.common.environment import KEY_VARIABLES

_SCRIPT = "import sys, webbrowser; sys.exit(0 if webbrowser.open(sys.stdin.read()) else 1)"
# Isolated (-I) and without site packages (-S): starts in a third of the time and imports nothing of the user's.
COMMAND: tuple[str, ...] = (sys.executable or "python3", "-I", "-S", "-c", _SCRIPT)


class Opening:
    """One attempt to open a page; starts at once and never blocks.

    Args:
        url: The page. It is passed on standard input, so that it is not in the child's command line.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.failed = locks.Event()
        """Set once it is known that no browser was opened."""
        threading.Thread(target=self._run, name="sso-magic-browser", daemon=True).start()

    def _run(self) -> None:
        # A browser needs none of the role's keys. A session of its own keeps Ctrl-C of the terminal from the browser.
        environment = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
        try:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, with a fixed script
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                text=True,
            )
            process.communicate(self._url)
        except OSError:
            self.failed.set()
        else:
            if process.returncode != 0:
                self.failed.set()
