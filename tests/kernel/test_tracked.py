"""A search of all objects never makes other code fail, and still finds what can be reached."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from sso_magic.kernel.canary import heap
from sso_magic.kernel.tracked import referrers, tracked_objects

MOST = 60  # seconds to wait for what must come

pytestmark = pytest.mark.usefixtures("heap_of_this_module")


def no_pause() -> None:
    pass


def numbers(at_half):
    for number in range(100):
        if number == 50:
            at_half()
        yield number


@pytest.fixture
def threads():
    """Threads that are joined when the test ends."""
    started = []

    def start(target):
        started.append(threading.Thread(target=target, daemon=True))
        started[-1].start()

    yield start
    for thread in started:
        thread.join(MOST)


def test_a_tuple_of_switches_is_built_while_the_search_behind_one_has_its_list(kernel, role_a, role_b, monkeypatch):
    listed, built = threading.Event(), threading.Event()

    def listed_and_kept(pause):
        objects = tracked_objects(pause)
        listed.set()
        assert built.wait(MOST)
        return objects

    def switches():
        for number in range(20):
            yield kernel.use((role_a, role_b)[number % 2].use())
        kernel.search_holders(lambda line: None)
        assert listed.wait(MOST)

    monkeypatch.setattr(heap, "tracked_objects", listed_and_kept)
    try:
        assert len(tuple(switches())) == 20
    finally:
        built.set()
        for thread in threading.enumerate():
            if thread.name == "sso_magic canary":
                thread.join(MOST)


def test_a_tuple_that_another_thread_is_building_is_left_alone(threads):
    listed, built = threading.Event(), threading.Event()
    lists = []

    def pause():
        listed.set()
        assert built.wait(MOST)

    def wait_for_the_list():
        threads(lambda: lists.append(tracked_objects(pause)))
        assert listed.wait(MOST)

    try:
        assert len(tuple(numbers(wait_for_the_list))) == 100
    finally:
        built.set()


@pytest.mark.parametrize("list_objects", [lambda: tracked_objects(no_pause), lambda: referrers(int)])
def test_a_tuple_whose_iterator_keeps_the_list_is_left_alone(list_objects):
    kept = []
    assert len(tuple(numbers(lambda: kept.append(list_objects())))) == 100
    assert kept


def test_the_collectors_own_list_would_break_such_a_tuple():
    kept = []
    with pytest.raises(SystemError):
        tuple(numbers(lambda: kept.append(gc.get_objects())))


def test_a_tuple_that_something_refers_to_is_listed():
    inner = ([],)
    outer = {"a": (inner, [])}
    objects = tracked_objects(no_pause)
    listed = {id(thing) for thing in objects}
    assert {id(outer), id(outer["a"]), id(inner), id(inner[0])} <= listed
    assert len(listed) == len(objects)


def test_neither_list_nor_search_keeps_a_reference():
    class Kept:
        pass

    thing = Kept()
    dead = weakref.ref(thing)
    holder = [(thing,)]
    objects = tracked_objects(no_pause)
    assert not any(thing is objects for thing in objects)
    del thing, holder
    objects.clear()
    assert dead() is None


def test_referrers_are_those_that_are_no_tuples():
    thing = object()
    in_list, in_tuple = [thing], (thing, [])
    found = referrers(thing)
    assert any(one is in_list for one in found)
    assert not any(one is in_tuple for one in found)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_collection_is_enabled_or_disabled_as_before(is_enabled):
    def fail():
        raise InterruptedError

    was_enabled = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        tracked_objects(no_pause)
        assert gc.isenabled() is is_enabled
        with pytest.raises(InterruptedError):
            tracked_objects(fail)
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
