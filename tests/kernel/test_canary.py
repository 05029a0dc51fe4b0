"""What still holds the credentials of an old role is found and named, in a library that nobody has heard of."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import time_machine

from sso_magic.kernel import canary
from sso_magic.kernel.libraries import arrow_filesystems, boto

LIBRARY = Path(__file__).with_name("made_up_library.py")
OLD = "dev (111111111111) / ReadOnly."


@contextlib.contextmanager
def imported(name):
    spec = importlib.util.spec_from_file_location(name, LIBRARY)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        module.let_go()
        del sys.modules[name]


@pytest.fixture
def library():
    with imported("made_up_library") as module:
        yield module


@pytest.fixture
def other_library():
    with imported("library_of_the_new_role") as module:
        yield module


@pytest.fixture(autouse=True)
def only_what_the_test_keeps(heap_of_this_module, kernel, role_a, role_b):
    """The fixtures of a role keep what it issued: a list that the search would find, rightly.

    A library may keep clients and filesystems of earlier tests, and so does pytest's last failure.
    """
    for known in (arrow_filesystems.ROLES, arrow_filesystems.LAZY, boto._clients):
        known.clear()
    for role in (role_a, role_b):
        role.issued = Issued(role.issued)


class Issued(list):
    """Credentials that a test keeps for itself; of a module of this package, so that the search leaves them out."""

    __module__ = "sso_magic.tests"


def named(line: str, old: str = OLD) -> set[str]:
    """The names in the sentence of the old role."""
    [sentence] = [part for part in re.split(r"(?<=\.) (?=\d)", line) if part.endswith(old)]
    return set(re.findall(r"\w+", sentence))


def key_ids(role):
    return role.issued[-1].access_key_id.reveal()


def botocore_credentials(role):
    session = boto3.Session()
    kept = session.get_credentials()
    kept.get_frozen_credentials()
    return kept


WAYS = {"an access key ID": key_ids, "credentials": botocore_credentials}


@pytest.mark.parametrize("way", WAYS)
def test_every_hiding_place_of_the_old_role_is_named_and_none_of_the_new_one(
    kernel, role_a, role_b, library, other_library, way
):
    kernel.use(role_a.use(region="eu-west-1"))
    alive = [place(WAYS[way](role_a)) for place in library.HIDING_PLACES]
    layer = kernel.use(role_b.use(region="eu-west-1"))
    alive += [place(WAYS[way](role_b)) for place in other_library.HIDING_PLACES]
    line = layer.find_holders()
    names = named(line)
    missing = [name for name in library.HIDING_PLACES.values() if name not in names]
    assert len(missing) <= 0.05 * len(library.HIDING_PLACES), missing
    assert "library_of_the_new_role" not in line
    assert "prod" not in line
    assert role_a.issued[-1].access_key_id.reveal() not in line
    assert len(alive) == 2 * len(library.HIDING_PLACES)


def test_nothing_is_named_where_nothing_is_held(kernel, role_a, role_b):
    kernel.use(role_a.use())
    assert kernel.use(role_b.use()).find_holders() is None
    kernel.release()
    assert kernel.find_holders() is None


def test_what_cannot_be_reached_any_more_is_not_named(kernel, role_a, role_b, library):
    kernel.use(role_a.use())
    gc.disable()
    try:
        cycle = library.InstanceAttribute(key_ids(role_a))
        cycle.itself = cycle
        kept = library.Slots(key_ids(role_a))
        del cycle
        assert kernel.use(role_b.use()).find_holders() == f"1 object (made_up_library.Slots) still uses {OLD}"
        assert kept is not None
    finally:
        gc.enable()


def test_old_sessions_and_credentials_are_named_once_and_clients_are_not_counted_twice(kernel, role_a, role_b):
    kernel.use(role_a.use(region="eu-west-1"))
    session = boto3.Session()
    clients = [session.client("s3"), boto3.client("sts"), session.resource("s3")]
    keep = SimpleNamespace(session=session)
    line = kernel.use(role_b.use(region="eu-west-1")).find_holders()
    assert line == f"3 boto3 clients, 1 boto3 session still use {OLD}"
    assert keep
    assert clients


def test_keys_that_were_renewed_meanwhile_are_the_old_roles_too(kernel, role_a, role_b, library):
    role_a.lifetime = 60
    layer = kernel.use(role_a.use())
    kept = library.Slots(key_ids(role_a))
    role_a.lifetime = 3600
    layer.use.role.retry_now()
    with time_machine.travel(datetime.now(timezone.utc) + timedelta(seconds=59), tick=False):
        layer.use.role.renew()
    assert kept.kept != key_ids(role_a)
    assert kernel.use(role_b.use()).find_holders() == f"1 object (made_up_library.Slots) still uses {OLD}"


def test_a_role_is_not_old_while_it_is_in_use_again(kernel, role_a, role_b, library):
    kernel.use(role_a.use())
    kept = library.Slots(key_ids(role_a))
    kernel.use(role_b.use())
    assert kernel.use(role_a.use()).find_holders() is None
    kernel.release()
    assert kernel.find_holders() == f"1 object (made_up_library.Slots) still uses {OLD}"
    assert kept


CHILD = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


def child(environment=None):
    started = subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    started.stdout.readline()
    return started


def test_child_processes_that_began_under_the_old_role_are_named(kernel, role_a, role_b):
    with contextlib.ExitStack() as stack:
        clean = stack.enter_context(child())
        kernel.use(role_a.use())
        old = [stack.enter_context(child()) for _ in range(2)]
        layer = kernel.use(role_b.use())
        new = stack.enter_context(child())
        line = layer.find_holders()
        for process in (clean, *old, new):
            process.stdin.close()
            process.wait()
        assert re.fullmatch(rf"2 child processes \(python[\d.]*\) still use {re.escape(OLD)}", line)
        assert layer.find_holders() is None


@pytest.fixture
def whole_heap(kernel):
    """Let the searches of a test see the objects of earlier tests as well."""
    gc.unfreeze()
    yield
    kernel.shutdown()  # while its hooks' names are in sight
    gc.freeze()


@pytest.mark.usefixtures("whole_heap")  # the process has one endpoint, which earlier tests have used
def test_child_processes_of_the_credential_endpoint_are_named_by_its_address(kernel, role_a, role_b):
    kernel.use(role_a.use(serve=True))
    with child() as old:
        layer = kernel.use(role_b.use(serve=True))
        with child() as new:
            line = layer.find_holders()
            new.stdin.close()
        old.stdin.close()
    assert re.fullmatch(rf"1 child process \(python[\d.]*\) still uses {re.escape(OLD)}", line)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell who started a process whose parent has ended")
@pytest.mark.parametrize("has_own_session", [False, True], ids=["the session", "a session of its own"])
def test_a_process_whose_parent_has_ended_is_named(kernel, role_a, role_b, has_own_session):
    def leave_behind():
        run = f"subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL, start_new_session={has_own_session})"
        command = [sys.executable, "-c", f"import os, subprocess; print({run}.pid, flush=True); os._exit(0)"]
        return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

    kernel.use(role_a.use())
    old = leave_behind()
    layer = kernel.use(role_b.use())
    new = leave_behind()
    try:
        assert layer.find_holders() == f"1 child process (sleep) still uses {OLD}"
    finally:
        os.kill(old, signal.SIGKILL)
        os.kill(new, signal.SIGKILL)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_of_a_pool_are_named_however_they_are_started(kernel, role_a, role_b, method):
    context = multiprocessing.get_context(method)
    kernel.use(role_a.use())
    with (
        warnings.catch_warnings(),  # Python 3.12 and later advise against a fork where threads run
        ProcessPoolExecutor(2, mp_context=context) as old,
    ):
        warnings.simplefilter("ignore", DeprecationWarning)
        pids = [old.submit(os.getpid).result()]
        layer = kernel.use(role_b.use())
        with ProcessPoolExecutor(1, mp_context=context) as new:
            pids += [new.submit(os.getpid).result()]
            line = layer.find_holders()
    assert re.search(rf"child process(es)? \(python[\d.]*\).* still uses? {re.escape(OLD)}$", line)
    assert "prod" not in line
    assert len(set(pids)) == 2


def test_joblib_workers_are_named_so(kernel, role_a, role_b):
    from joblib.externals.loky import ProcessPoolExecutor as LokyExecutor

    kernel.use(role_a.use())
    with LokyExecutor(2) as executor:
        executor.submit(os.getpid).result()
        line = kernel.use(role_b.use()).find_holders()
    assert re.search(rf"[12] joblib workers?.* still uses? {re.escape(OLD)}", line)


def test_switches_that_follow_one_another_closely_start_one_search_which_tells_of_the_last(
    kernel, role_a, role_b, library, monkeypatch
):
    began, told, switched = [], threading.Event(), threading.Event()
    start = threading.Thread.start
    # The wait before a search ends when the switches have been made, however long they take.
    monkeypatch.setattr(canary, "time", SimpleNamespace(sleep=lambda _: switched.wait(), monotonic=time.monotonic))
    monkeypatch.setattr(threading.Thread, "start", lambda thread: began.append(thread.name) or start(thread))
    lines = []
    kernel.use(role_a.use())
    _kept = next(iter(library.HIDING_PLACES))(key_ids(role_a))
    for number in range(7):
        kernel.use((role_b if number % 2 == 0 else role_a).use())
        kernel.search_holders(lambda line, number=number: (lines.append((number, line)), told.set()))
    switched.set()
    assert told.wait(60)
    assert [number for number, _ in lines] == [6]
    assert "still use" in lines[0][1]
    assert began.count("sso_magic canary") == 1
