"""A child process made by a fork finds every lock of the package free, whatever its parent was doing."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import sso_magic
from sso_magic import IdentityCenter
from sso_magic.common import locks
from sso_magic.local import locks as local_locks

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
        if name in {"common/locks.py", "local/locks.py"}:  # the local Identity Center imports nothing of the rest
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

    try:
        assert is_free_in_child(held)
    finally:
        done.set()
        thread.join()


def is_free_in_child(lock) -> bool:
    """True if the thread that forked can take the lock in the child.

    A thread made in the child may get the number of the one that held the lock, which an RLock takes for its owner.
    """
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(blocking=False) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_a_lock_of_threading_is_not_free_in_a_child(make):
    lock = make()
    taken, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (lock.acquire(), taken.set(), done.wait(), lock.release()))
    thread.start()
    taken.wait()
    try:
        assert not is_free_in_child(lock)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("make", [locks.Condition, lambda: local_locks.Condition(local_locks.RLock())])
def test_a_notification_in_a_child_reaches_the_childs_own_waiter(make):
    condition, woken = make(), threading.Event()

    def wait() -> None:
        with condition:
            condition.wait()
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    wait_for_waiter(condition)

    def child() -> bool:
        other = threading.Thread(target=wait, daemon=True)
        other.start()
        wait_for_waiter(condition)
        with condition:
            condition.notify(1)
        return woken.wait(10)

    try:
        assert in_child(child) == 0
    finally:
        with condition:
            condition.notify_all()
        thread.join()


def wait_for_waiter(condition) -> None:
    while not condition._waiters:
        time.sleep(0.001)
    with condition:  # free when the waiter waits
        pass


@pytest.mark.parametrize("make", [local_locks.Lock, local_locks.RLock])
def test_a_lock_of_the_local_identity_center_is_free_in_a_child(make):
    test_a_lock_that_another_thread_holds_is_free_in_a_child(make)


def test_a_client_that_has_threads_makes_calls_in_a_child(signed_in):
    from sso_magic.portal import SSO, ListAccountsCommand

    token = signed_in.access_token()
    with SSO(region="eu-west-1") as sso:
        assert sso.submit(ListAccountsCommand(access_token=token)).result(30).account_list
        assert in_child(lambda: bool(sso.submit(ListAccountsCommand(access_token=token)).result(15).account_list)) == 0
        assert sso.submit(ListAccountsCommand(access_token=token)).result(30).account_list


@pytest.mark.parametrize("how", ["its end", "its exit"])
def test_a_file_lock_held_by_the_parent_is_not_released_by_a_child(clean_environment, how):
    import filelock

    from sso_magic.common import cache

    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with cache.lock("corp"):
            taken.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    [path] = (cache.own_directory() / "locks").iterdir()

    def child() -> bool:
        if how == "its exit":
            gc.collect()
        return True

    try:
        assert in_child(child) == 0
        with pytest.raises(filelock.Timeout):
            filelock.FileLock(path, timeout=0).acquire()
    finally:
        done.set()
        thread.join()
    filelock.FileLock(path, timeout=0).acquire().lock.release()


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
    import sso_magic.client.patience  # noqa: F401 - no module can be imported in a child of a fork during its import

    center = IdentityCenter("corp")
    account = center.find_account("payments-prod").account_id
    center.find_role(center.find_account(account), "ReadOnly")
    calls = {
        "refresh": center.tokens.get,
        "credentials": lambda: center.role(account, "ReadOnly").credentials(),
        "inventory": lambda: center.inventory(refresh=True),
        "switch": lambda: center.role(account, "ReadOnly").use(),
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
    monkeypatch.setattr("sso_magic.kernel.kernel_role._PATIENCE", 0.1)
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
