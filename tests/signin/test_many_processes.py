"""Many kernels on one cache: every file is whole at every moment, no token is made up, no refresh token used twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from sso_magic import IdentityCenter
from sso_magic.common import cache

PROCESSES, ROUNDS = 20, 30

PREAMBLE = """
import json, random, sys
from datetime import timedelta
from sso_magic import IdentityCenter
from sso_magic.common import cache
from sso_magic.errors import SignInError, ClientError
from sso_magic.signin import tokens

class Silent:
    def device(self, request): pass
    def browser(self, request, *, opened, device): pass
    def close(self, line): pass

corp = IdentityCenter("corp")
"""

SIGN_IN_REFRESH_SIGN_OUT = (
    PREAMBLE
    + """
number, rounds = int(sys.argv[1]), int(sys.argv[2])
draw, seen, failures, last = random.Random(number), set(), [], None
for _ in range(rounds):
    what = draw.random()
    try:
        if what < 0.1:
            seen.add(corp.tokens.sign_in(Silent(), method="device").access_token.reveal())
        elif what < 0.15:
            corp.sign_out()
        else:
            last = corp.tokens.get(refused=last)  # refreshes, unless another process has a newer one already
            seen.add(last.reveal())
    except SignInError:
        pass  # signed out by another one: that is what is asked for
    except Exception as error:
        failures.append(repr(error))
print(json.dumps([sorted(seen), failures]))
"""
)

WAKE_UP = PREAMBLE + "sys.stdin.readline()\nprint(json.dumps(corp.tokens.get().reveal()))\n"

SAVE_FOR_EVER = (
    PREAMBLE
    + """
token = tokens.load(corp.session)
print("ready", flush=True)
while True:
    tokens.save(corp.session, token)
"""
)


class Used(dict):
    """The Identity Center's refresh tokens; counts what is asked for."""

    def __init__(self, *args):
        super().__init__(*args)
        self.counted = Counter()

    def get(self, key, default=None):
        self.counted[key] += 1
        return super().get(key, default)


@pytest.fixture
def used(center) -> Used:
    center.auto_approve = True
    center.refresh_grace = 0
    center.state.refresh_tokens = Used()
    return center.state.refresh_tokens


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def answer(process: subprocess.Popen[str]):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def test_twenty_processes_sign_in_refresh_and_sign_out_on_one_cache(center, used):
    broken, done = [], threading.Event()

    def watch():
        while not done.is_set():
            for path in cache.sso_directory().glob("*.json"):
                try:
                    text = path.read_text()
                except FileNotFoundError:
                    continue
                try:
                    json.loads(text)
                except ValueError:
                    broken.append(text)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answers = [answer(p) for p in [start(SIGN_IN_REFRESH_SIGN_OUT, n, ROUNDS) for n in range(PROCESSES)]]
    finally:
        done.set()
        watcher.join()
    seen = {token for tokens, _ in answers for token in tokens}
    assert [failure for _, failures in answers for failure in failures] == []
    assert broken == []
    assert seen
    assert seen <= set(center.state.access_tokens)
    assert center.requests.total("CreateToken") > PROCESSES
    assert sum(used.counted.values()) > PROCESSES
    assert [count for count in used.counted.values() if count > 1] == []
    left = [path.name for path in cache.sso_directory().iterdir() if path.suffix != ".json"]
    assert left == []


def test_ten_kernels_that_wake_at_once_make_one_refresh(center, used, prompt):
    corp = IdentityCenter("corp")
    corp.sign_in(method="device", prompt=prompt)
    content = json.loads(cache.token_path("corp").read_text())
    ended = datetime.now(timezone.utc) - timedelta(hours=1)
    cache.write(cache.token_path("corp"), content | {"expiresAt": cache.format_timestamp(ended)})
    center.requests.clear()
    kernels = [start(WAKE_UP) for _ in range(10)]
    for kernel in kernels:
        kernel.stdin.write("\n")
        kernel.stdin.flush()
    got = {answer(kernel) for kernel in kernels}
    assert len(got) == 1
    assert center.requests.total("CreateToken") == 1
    assert len(corp.accounts()) > 5


def test_a_process_killed_while_it_writes_leaves_a_whole_file(center, used, prompt):
    IdentityCenter("corp").sign_in(method="device", prompt=prompt)
    before = json.loads(cache.token_path("corp").read_text())
    for delay in (0.0, 0.003, 0.007, 0.011, 0.02):
        process = start(SAVE_FOR_EVER)
        assert process.stdout.readline() == "ready\n"
        threading.Event().wait(delay)
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        process.communicate()
        assert json.loads(cache.token_path("corp").read_text()) == before
