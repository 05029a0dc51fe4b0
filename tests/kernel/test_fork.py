"""A child process made by a fork finds every lock of the package free, whatever its parent was doing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sso_magic
from sso_magic import IdentityCenter, locks

PACKAGE = Path(sso_magic.__file__).parent
KINDS = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"}

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def test_every_lock_of_the_package_is_made_by_its_locks_module():
    found = []
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name == "locks.py" or name.startswith("local/"):  # the local Identity Center's threads end with a fork
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [
            f"{name}:{node.lineno}"
            for node in ast.walk(tree)
            if (isinstance(node, ast.Call) and "threading." + ast.unparse(node.func).rpartition(".")[2] in _made(node))
            or (isinstance(node, ast.ImportFrom) and node.module == "threading")
        ]
    assert found == []


def _made(node: ast.Call) -> set[str]:
    whole = ast.unparse(node.func)
    arguments = {ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "default_factory"}
    return ({whole} | arguments) & {f"threading.{kind}" for kind in KINDS}


@pytest.mark.parametrize("make", [locks.Lock, locks.RLock, locks.Condition, locks.Event])
def test_a_lock_that_another_thread_holds_is_free_in_a_child(make):
    lock = make()
    held = getattr(lock, "_cond", lock)
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            taken.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()

    def child() -> bool:
        with held:
            return True

    try:
        assert in_child(child) == 0
    finally:
        done.set()
        thread.join()


def in_child(action) -> int:
    """Run it in a forked child; its exit code, 1 if it is false or hangs."""
    child = os.fork()
    if child == 0:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(action()), daemon=True)
        thread.start()
        thread.join(20)
        os._exit(0 if answers and answers[0] else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_lock_that_is_gone_is_not_kept():
    number = len(locks._made)
    for _ in range(100):
        locks.Event()
    assert len(locks._made) <= number + 3


@pytest.mark.parametrize("way", ["os.fork", "multiprocessing", "preexec_fn"])
def test_a_child_made_in_the_middle_of_a_call_can_make_the_same_call(signed_in, kernel, way, until):
    center = IdentityCenter("corp")
    account = center.find_account("payments-prod").account_id
    center.find_role(center.find_account(account), "ReadOnly")
    calls = {
        "refresh": center.tokens.get,
        "credentials": lambda: center.credentials(account, "ReadOnly"),
        "inventory": lambda: center.inventory(refresh=True),
        "switch": lambda: center.use(account, "ReadOnly"),
    }
    for name, call in calls.items():
        reached = threading.Event()
        real = signed_in.latency
        signed_in.latency = 0.5
        thread = threading.Thread(target=lambda call=call, reached=reached: (reached.set(), call()))
        thread.start()
        reached.wait()
        if name == "inventory":
            until(lambda: center.directory.is_refreshing)
        try:
            assert forked(way, call) == 0, name
        finally:
            signed_in.latency = real
            thread.join()


def forked(way: str, call) -> int:
    if way == "os.fork":
        return in_child(lambda: call() is not None)
    if way == "multiprocessing":
        import multiprocessing

        process = multiprocessing.get_context("fork").Process(target=call)
        process.start()
        process.join(30)
        if process.is_alive():
            process.kill()
        return process.exitcode or 0
    done = subprocess.run([sys.executable, "-c", ""], preexec_fn=call, timeout=30, check=False)
    return done.returncode


def test_a_fork_in_the_middle_of_a_switch_leaves_the_child_a_whole_state(kernel, role_a, role_b, monkeypatch):
    use = role_a.use()
    kernel.use(use)
    monkeypatch.setattr("sso_magic.kernel._PATIENCE", 0.1)
    inside, go_on = threading.Event(), threading.Event()
    real = kernel._libraries.enter

    def stop_here(entered) -> None:
        if not inside.is_set():
            inside.set()
            go_on.wait(20)
        real(entered)

    monkeypatch.setattr(kernel._libraries, "enter", stop_here)
    thread = threading.Thread(target=lambda: kernel.use(role_b.use()))
    thread.start()
    inside.wait()

    def child() -> bool:
        is_whole = kernel.current is use and role_a.is_in_environment()
        kernel.use(role_b.use())
        return is_whole and role_b.is_in_environment()

    code = in_child(child)
    go_on.set()
    thread.join()
    assert code == 0
    assert role_b.is_in_environment()
