"""One Ctrl-C at any place of a switch leaves the state before or the state after, and no lock held."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import boto3
import pytest

import sso_magic
from sso_magic.common.environment import OWNED
from sso_magic.kernel.changes import Changes

# An exception in the callback of a weak reference or in a generator's destructor is printed and goes no further.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PACKAGE = str(Path(sso_magic.__file__).parent)
# 20,000 passed, which took about a minute on a quiet machine.
SIGNALS = int(os.environ.get("SSO_MAGIC_SIGNALS", "2000"))


class Interrupt:
    """A trace function that raises KeyboardInterrupt at the event with this number, counted in files of the package."""

    def __init__(self, number: int, files: tuple[str, ...] = ("",)) -> None:
        self.left = number
        self.files = files
        self.where = ""

    def __call__(self, frame, event, argument):
        name = frame.f_code.co_filename
        if (
            not name.startswith(PACKAGE) or not name.endswith(self.files) or name.endswith("key_ids.py")
        ):  # which has a step for each key ever made
            return None
        return self.count(frame, event, argument)

    def count(self, frame, event, argument):
        self.left -= 1
        if self.left == 0:
            sys.settrace(None)
            module = Path(frame.f_code.co_filename).stem
            self.where = f"{event} {module}.{frame.f_code.co_name}:{frame.f_lineno}"
            raise KeyboardInterrupt
        return self.count


def environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in OWNED}


def run_free(action, seconds: float = 60) -> None:
    """Run it in another thread, where it hangs if a lock is held."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "a lock is held"


class Scene:
    """A kernel with role A in use, and what is in use by it, as far as anything can see."""

    def __init__(self, kernel, role_a, role_b, *, serve: bool) -> None:
        self.kernel, self.role_a, self.role_b, self.serve = kernel, role_a, role_b, serve
        self.own = environment()
        self.a = role_a.use(region="us-east-1", serve=serve)
        self.b = role_b.use(region="us-west-2", serve=serve)
        self.c = role_b.use(region="us-west-1", serve=serve)

    def begin(self, in_use) -> None:
        self.kernel.forget()
        self.kernel.release()
        assert environment() == self.own
        if in_use is not None:
            self.kernel.use(in_use)
        self.previous = self.kernel.previous
        self.entries = len(self.kernel._in_use.state.stack)

    def check(self, allowed, where: str) -> None:
        """Assert that all of it says one of these uses, and that no lock is held."""
        self.check_use(allowed, where)
        run_free(self.kernel._changes.flush)
        run_free(self.kernel._renewal.look_again)
        for one in (self.a, self.b):
            run_free(lambda one=one: one.role.renew())

    def check_use(self, allowed, where: str) -> None:
        """Assert that all of it says one of these uses."""
        kernel = self.kernel
        use = kernel.current
        assert use in allowed, f"{use and use.label} in use: {where}"
        assert not kernel.generation % 2, where
        if use is None:
            assert environment() == self.own, where
            assert kernel._in_use.state.before is None, where
            assert boto3.DEFAULT_SESSION is None or boto3.DEFAULT_SESSION._sso_magic[1] is None, where
        else:
            expected = kernel.endpoint.environment(use.role) if self.serve else use.credentials.environment()
            assert {name: os.environ.get(name) for name in expected} == dict(expected), where
            assert os.environ["AWS_REGION"] == use.region, where
            assert boto3.DEFAULT_SESSION._sso_magic[1]() is use.role, where
        assert kernel._renewal._role is (use and use.role), where


@pytest.fixture(params=["keys", "serve"])
def scene(request, kernel, role_a, role_b, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Scene(kernel, role_a, role_b, serve=request.param == "serve")


def block(scene) -> None:
    with scene.kernel.use(scene.b):
        pass


def nested(scene) -> None:
    with scene.kernel.use(scene.b), scene.kernel.use(scene.c):
        pass


def failing(scene) -> None:
    with suppress(ValueError), scene.kernel.use(scene.b):
        raise ValueError


def block_with_a_use_in_it(scene) -> None:
    with scene.kernel.use(scene.b):
        scene.kernel.use(scene.c)


# What is done, what is in use at first, and what may be in use after an interrupt.
ACTIONS = {
    "first use": (lambda scene: scene.kernel.use(scene.b), None, ("none", "b")),
    "switch": (lambda scene: scene.kernel.use(scene.b), "a", ("a", "b")),
    "release": (lambda scene: scene.kernel.release(), "a", ("a", "none")),
    "forget": (lambda scene: scene.kernel.forget(), "a", ("a", "none")),
    "block": (block, "a", ("a",)),
    "block without a role before": (block, None, ("none",)),
    "nested blocks": (nested, "a", ("a",)),
    "block that raises": (failing, "a", ("a",)),
    "block with a use in it": (block_with_a_use_in_it, "a", ("a",)),
}


def walk(scene, action, in_use, allowed, files: tuple[str, ...] = ("",)) -> int:
    """Interrupt the action at one event after another, until there is none left; return how many there were."""
    uses = {"none": None, "a": scene.a, "b": scene.b}
    number = 0
    while True:
        number += 1
        scene.begin(uses.get(in_use))
        interrupt = Interrupt(number, files)
        try:
            sys.settrace(interrupt)
            action(scene)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        where = f"{number}, {interrupt.where}"
        permitted = [uses[name] for name in allowed]
        if interrupt.where.startswith("return kernel_role.use:"):
            permitted += [scene.b, scene.c]  # CPython handles no signal there: the use is made, its block not begun
        scene.check(permitted, where)
        if scene.kernel.current is uses.get(in_use):
            assert scene.kernel.previous in {scene.previous, scene.a, scene.b}, where
        if scene.kernel.current is uses.get(in_use) and action not in {block, nested, failing, block_with_a_use_in_it}:
            assert scene.kernel.previous is scene.previous, where
            assert len(scene.kernel._in_use.state.stack) == scene.entries, where
        assert not any(entry.place.is_block for entry in scene.kernel._in_use.state.stack), where
        if not interrupt.where:
            return number


@pytest.mark.parametrize("name", ACTIONS)
def test_an_interrupt_at_every_line_call_and_return(scene, name):
    assert walk(scene, *ACTIONS[name]) > 20


@pytest.mark.parametrize("scene", ["keys"], indirect=True)
@pytest.mark.parametrize("name", ["switch", "release", "block"])
def test_the_same_where_no_thread_can_be_started(scene, name, monkeypatch):
    monkeypatch.setattr(Changes, "_has_thread", lambda changes: False)
    files = (
        "changes.py",
        "c_environment.py",
        "environment.py",
        "in_use.py",
        "kernel_role.py",
        "layers.py",
        "locks.py",
        "renewal.py",
        "use.py",
        "use_stack.py",
    )
    assert walk(scene, *ACTIONS[name], files=files) > 100


def test_an_interrupt_at_every_place_of_a_renewal(scene):
    number = 0
    while True:
        number += 1
        scene.begin(scene.a)
        role = scene.a.role
        before = role.latest
        role._lead, role._tried_at = 1e6, -1e6  # it is time
        interrupt = Interrupt(number)
        try:
            sys.settrace(interrupt)
            role.renew()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert role.latest in {before, scene.role_a.issued[-1]}
        scene.check([scene.a], f"{number}, {interrupt.where}")
        if not interrupt.where:
            assert role.latest is not before
            break
    assert number > 20


def test_an_error_in_a_listener_breaks_no_switch(kernel, role_a, role_b):
    def fail() -> None:
        raise ValueError

    unsubscribe = kernel.switched.subscribe(fail)
    seen = []
    unsubscribe_too = kernel.switched.subscribe(lambda: seen.append(kernel.current))
    use = role_a.use()
    kernel.use(use)
    unsubscribe()
    unsubscribe_too()
    assert seen == [use]


class Sender:
    """Sends signals to the main thread, at a random moment of each piece of work."""

    def __init__(self) -> None:
        self.sent = 0
        self._moments = random.Random(5)
        self._begun, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._is_armed = False
        self._main = threading.get_ident()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._begun.acquire()
            end = time.perf_counter() + self._moments.uniform(0, 3e-4)
            while time.perf_counter() < end:
                time.sleep(0)
            if self._is_armed:
                self.sent += 1
                signal.pthread_kill(self._main, signal.SIGINT)
            self._done.release()

    def during(self, action) -> bool:
        """Do it; return whether it was interrupted. Afterwards no signal is on its way."""
        raised = False
        try:
            try:
                self._is_armed = True
                self._begun.release()
                action()
            finally:
                self._is_armed = False
        except KeyboardInterrupt:
            raised = True
        try:
            self._done.acquire()
            for _ in range(3):
                time.sleep(0)  # a signal that has been sent is handled here
        except KeyboardInterrupt:
            self._done.acquire(timeout=1)
        return raised


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="Windows has no signals to send to a thread")
@pytest.mark.parametrize("scene", ["keys"], indirect=True)
def test_real_signals(scene):
    uses = {"none": None, "a": scene.a, "b": scene.b}
    sender = Sender()
    choice = random.Random(7)
    interrupted: dict[str, int] = dict.fromkeys(ACTIONS, 0)
    while sender.sent < SIGNALS:
        name = choice.choice(list(ACTIONS))
        action, in_use, allowed = ACTIONS[name]
        scene.begin(uses.get(in_use))
        interrupted[name] += sender.during(lambda action=action: action(scene))
        scene.check_use([uses[name] for name in allowed], name)
    scene.check([None, scene.a, scene.b], "at the end")
    assert all(interrupted.values()), interrupted
