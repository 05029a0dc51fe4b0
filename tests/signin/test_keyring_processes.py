"""Ten processes that sign in, refresh and sign out side by side with their tokens in one keychain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from sso_magic.common import cache

PROCESSES, ROUNDS = 10, 12

BACKEND = '''
import os, tempfile
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError, PasswordSetError

KEPT = Path(__file__).parent / "kept"


class Keychain(KeyringBackend):
    """A keychain of files, which refuses what the system's keychains refuse."""

    priority = 5

    def get_password(self, service, username):
        try:
            return (KEPT / f"{service} {username}").read_text()
        except FileNotFoundError:
            return None

    def set_password(self, service, username, password):
        with tempfile.NamedTemporaryFile("w", dir=KEPT.parent, delete=False) as file:
            file.write(password)
        os.replace(file.name, KEPT / f"{service} {username}")

    def delete_password(self, service, username):
        try:
            (KEPT / f"{service} {username}").unlink()
        except FileNotFoundError:
            raise PasswordDeleteError("not found") from None
'''

RUN = """
import json, random, sys
from sso_magic import IdentityCenter
from sso_magic.errors import SignInError
from sso_magic.signin import store

class Silent:
    def device(self, request): pass
    def browser(self, request, *, opened, device): pass
    def close(self, line): pass

chosen = store.choose("keyring")
corp = IdentityCenter("corp")
number, rounds = int(sys.argv[1]), int(sys.argv[2])
draw, seen, failures, did = random.Random(number), set(), [chosen.notice] if chosen.notice else [], []
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    what = draw.choices(["sign in", "sign out", "use"], [1, 1, 8])[0]
    did.append(what)
    try:
        if what == "sign in":
            seen.add(corp.tokens.sign_in(Silent(), method="device").access_token.reveal())
        elif what == "sign out":
            corp.sign_out()
        else:
            seen.add(corp.tokens.get(refused=corp.tokens.get()).reveal())  # a refresh, if nobody else makes one
    except SignInError:
        pass  # another process has signed out
    except Exception as error:
        failures.append(repr(error))
print(json.dumps([sorted(seen), failures, did]))
"""


class Used(dict):
    """The Identity Center's refresh tokens, and how often each was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def get(self, key, default=None):
        self.counted[key] += 1
        return super().get(key, default)


@pytest.fixture
def keychain(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "keychain_of_files.py").write_text(BACKEND)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keychain_of_files.Keychain")
    return kept


def test_ten_processes_sign_in_refresh_and_sign_out_on_one_keychain(center, keychain):
    center.auto_approve = True
    center.refresh_grace = 0
    center.state.refresh_tokens = used = Used()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RUN, str(number), str(ROUNDS)],
            env=os.environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    answers = []
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * PROCESSES
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            out, err = process.communicate(timeout=240)
            assert process.returncode == 0, err
            answers.append(json.loads(out))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    did = Counter(what for _, _, all_of_them in answers for what in all_of_them)
    assert min(did["sign in"], did["sign out"], did["use"]) > 3
    assert [failure for _, failures, _ in answers for failure in failures] == []
    seen = {token for tokens, _, _ in answers for token in tokens}
    assert seen
    assert seen <= set(center.state.access_tokens)
    assert [count for count in used.counted.values() if count > 1] == []
    assert used.counted
    assert not cache.token_path("corp").exists()
    for left in keychain.iterdir():
        assert json.loads(left.read_text())["accessToken"] in center.state.access_tokens
