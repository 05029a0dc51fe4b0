"""The kernel of soak.py: an IPython in which a person never rests. It writes a sample a second, a line of JSON each."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import psutil
from botocore.config import Config
from IPython.core.interactiveshell import InteractiveShell

ACCOUNTS = {"payments-dev": "220947583614", "payments-prod": "731659028443", "data-lake": "645098217733"}
NO_RETRIES = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=5)


class Kernel:
    """What the person does, and what came of it."""

    def __init__(self, seed: int) -> None:
        self.rolls = random.Random(seed)
        self.steps: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.foreign: list[str] = []
        self.wrong: list[str] = []
        self.calls = self.right = self.refused = 0
        self.older: tuple[Any, str] | None = None  # a client made under a role that may no longer be in use
        settings = _quiet()
        self.is_interruptible = False
        signal.signal(signal.SIGINT, self._on_signal)
        self.shell = InteractiveShell.instance(config=settings)
        self.cell("%load_ext sso_magic")

    def cell(self, text: str) -> bool:
        """Runs a cell; whether it ended well. Its errors are counted."""
        from sso_magic.errors import SSOMagicError

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            error = self.shell.run_cell(text).error_in_exec
        if isinstance(error, KeyboardInterrupt):
            self.errors["KeyboardInterrupt"] += 1
        elif isinstance(error, SSOMagicError):
            self.errors[type(error).__name__] += 1
        elif error is not None:
            self.foreign.append(f"{text!r}: {type(error).__name__}: {error}"[:300])
        return error is None

    def call(self, client: Any, account: str) -> None:
        """Ask AWS whose the client is: this account's, or nobody's."""
        from sso_magic.errors import SSOMagicError

        self.calls += 1
        try:
            found = client.get_caller_identity()["Account"]
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, SSOMagicError):
            self.refused += 1
            return
        if found == ACCOUNTS[account]:
            self.right += 1
        else:
            self.wrong.append(f"{found}, not {account}")

    def account(self) -> str:
        return self.rolls.choice(list(ACCOUNTS))

    # ---- what the person does ----

    def switch(self) -> None:
        self._use(self.account(), "")

    def serve(self) -> None:
        self._use(self.account(), " --serve")

    def _use(self, account: str, options: str) -> None:
        if self.cell(f"%sso_use {account} ReadOnly{options}"):
            client = boto3.client("sts", config=NO_RETRIES)
            self.call(client, account)
            self.older = (client, account)

    def go_on(self) -> None:
        if self.older is not None:
            self.call(*self.older)

    def back(self) -> None:
        self.cell("%sso_use -")

    def release(self) -> None:
        self.cell("%sso_use --off")

    def one_cell(self) -> None:
        self.cell(f"%%sso_as {self.account()} ReadOnly\nimport os\nos.environ['AWS_ACCESS_KEY_ID']")

    def look(self) -> None:
        self.cell("%sso_status")

    def list(self) -> None:
        self.cell("%sso_inventory payments --refresh")

    def rest(self) -> None:
        time.sleep(1)

    def sign_out_and_in(self) -> None:
        self.cell("%sso_logout")
        self.cell("%sso_login --device --no-open")

    def fork(self) -> None:
        """A child of a fork reads the status and ends; it must not wait on a lock that nobody holds."""
        child = os.fork()
        if child == 0:
            self.cell("%sso_status")
            os._exit(0)
        end = time.monotonic() + 30
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                self.foreign.append("a forked child hung")
                return
            time.sleep(0.01)

    def interrupt(self) -> None:
        """Ctrl-C in the middle of a switch."""
        timer = threading.Timer(self.rolls.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with contextlib.suppress(KeyboardInterrupt):
            self.is_interruptible = True
            self.cell(f"%sso_use {self.account()} ReadOnly")
            self.is_interruptible = False
        self.is_interruptible = False
        timer.join()

    def _on_signal(self, *_: object) -> None:
        if self.is_interruptible:  # not while the timer is started or waited for
            raise KeyboardInterrupt

    def flood(self) -> None:
        """64 readers ask the credential endpoint at once."""
        if not self.cell(f"%sso_use {self.account()} ReadOnly --serve"):
            return
        readers = [threading.Thread(target=self._read_endpoint) for _ in range(64)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    def _read_endpoint(self) -> None:
        headers = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
        request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError:  # the role cannot be renewed now, and the endpoint says so
            pass
        except OSError as error:
            self.foreign.append(f"the endpoint dropped a reader: {error}"[:300])

    def step(self) -> None:
        """The next thing."""
        often = {self.switch: 6, self.serve: 2, self.go_on: 8, self.back: 2, self.release: 1, self.one_cell: 2}
        often |= {self.look: 2, self.list: 1, self.rest: 4, self.sign_out_and_in: 1}
        often |= {self.interrupt: 2, self.flood: 1} | ({self.fork: 1} if hasattr(os, "fork") else {})
        does = self.rolls.choices(list(often), list(often.values()))[0]
        self.steps[does.__name__] += 1
        does()

    def sample(self, at: float) -> dict[str, Any]:
        """What there is now, after what is no longer used has been collected."""
        _wait_for_searches()
        getattr(self.shell.history_manager, "outputs", {}).clear()  # IPython 9 keeps all that was shown
        gc.collect()
        _give_back()
        process = psutil.Process()
        objects = gc.get_objects()
        return {
            "at": at,
            "memory": process.memory_full_info().uss / 2**20,
            "objects": len(objects),
            "types": Counter(map(_class_name, objects)),
            "threads": threading.active_count(),
            "handles": process.num_handles() if sys.platform == "win32" else process.num_fds(),
            **{name: getattr(self, name) for name in ("steps", "errors", "foreign", "wrong")},
            **{name: getattr(self, name) for name in ("calls", "right", "refused")},
        }


def _wait_for_searches() -> None:
    """Wait for the search behind a switch: it refers to every object there is, also to clients that nobody uses."""
    for thread in threading.enumerate():
        if thread.name == "sso_magic canary":
            thread.join()


def _class_name(thing: Any) -> str:
    """Return the name of an object's class; a class of C may have no attribute ``__module__``."""
    return type.__repr__(type(thing)).removeprefix("<class '").removesuffix("'>")


def _quiet() -> Any:
    """The settings of a shell that keeps neither history nor Out nor sources: each would be a growth of its own."""
    from traitlets.config import Config as Settings

    settings = Settings()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.cache_size = 0
    settings.InteractiveShell.xmode = "Minimal"  # the other modes keep the parsed sources of each cell that failed
    return settings


def _give_back() -> None:
    """What was freed, to the system: glibc keeps it, some for each thread that ever was, which looks like a leak."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    seconds, seed, out = float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    sys.stdin.isatty = lambda: True  # type: ignore[method-assign] # a person is there
    os.chdir(out.parent)
    kernel = Kernel(seed)
    kernel.cell("%sso_login --device --no-open")
    for first in (kernel.serve, kernel.switch, kernel.one_cell, kernel.list, kernel.look, kernel.back):
        first()  # what is opened and imported once is there before anything is measured
    began, sampled = time.monotonic(), 0.0
    with out.open("w", encoding="utf-8") as samples:
        while (at := time.monotonic() - began) < seconds:
            kernel.step()
            if at - sampled >= 1:
                sampled = at
                samples.write(json.dumps(kernel.sample(at)) + "\n")
                samples.flush()
    kernel.cell("%unload_ext sso_magic")


if __name__ == "__main__":
    main()
