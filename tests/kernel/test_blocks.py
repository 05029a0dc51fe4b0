"""A kernel has one role at a time: while a thread or task is inside a block, no other one changes the role."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import threading

import boto3
import pytest

from sso_magic.errors import BlockInUse, SSOMagicError


class Actor:
    """A thread that makes one step of a generator at a time; what the generator raises ends it."""

    def __init__(self, program) -> None:
        self._program = program
        self._steps: queue.SimpleQueue = queue.SimpleQueue()
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="actor")
        self._thread.start()

    def _run(self) -> None:
        while self._steps.get():
            try:
                if self.error is None:
                    next(self._program, None)
            except SSOMagicError as error:
                self.error = error
            except AssertionError as error:
                self._answers.put(error)
                continue
            self._answers.put(None)

    def step(self) -> None:
        self._steps.put("on")
        error = self._answers.get()
        if error is not None:
            raise error

    def end(self) -> None:
        self._steps.put("")
        self._thread.join()


def block(kernel, role):
    layer = kernel.use(role.use())
    yield
    with layer:
        assert role.is_in_environment()
        yield
        assert role.is_in_environment()
        assert boto3.DEFAULT_SESSION.get_credentials().access_key == role.newest()[0]
        yield


def block_at_once(kernel, role):
    with kernel.use(role.use()):
        yield
        assert role.is_in_environment()
        yield
        assert role.is_in_environment()
        yield


def nested(kernel, role):
    with kernel.use(role.use()):
        yield
        with kernel.use(role.use()):
            assert role.is_in_environment()
            yield
        assert kernel.current.credentials.account_id == role.account_id
        yield


def plain(kernel, role):
    yield
    kernel.use(role.use())
    yield
    kernel.release()
    yield


STEPS = 4
INTERLEAVINGS = [
    [0 if step in mine else 1 for step in range(2 * STEPS)] for mine in itertools.combinations(range(2 * STEPS), STEPS)
]


@pytest.fixture
def base(kernel, role_a):
    from tests.kernel.conftest import FakeRole

    kernel.use(role_a.use())
    return FakeRole("333333333333", "test"), FakeRole("444444444444", "stage")


@pytest.mark.parametrize("second", [block, block_at_once, nested, plain])
@pytest.mark.parametrize("first", [block, block_at_once, nested])
def test_every_interleaving_of_two_threads(kernel, role_a, base, first, second):
    refused = 0
    for order in INTERLEAVINGS:
        kernel.use(role_a.use())
        actors = [Actor(first(kernel, base[0])), Actor(second(kernel, base[1]))]
        try:
            for number in order:
                actors[number].step()
        finally:
            for actor in actors:
                actor.end()
        refused += sum(isinstance(actor.error, BlockInUse) for actor in actors)
        assert not any(entry.place.is_block for entry in kernel._in_use.state.stack)
        if second is not plain:
            assert role_a.is_in_environment(), order
    assert refused > 0


@pytest.mark.parametrize("second", [block, block_at_once, nested])
@pytest.mark.parametrize("first", [block, block_at_once])
def test_every_interleaving_of_two_tasks(kernel, role_a, base, first, second):
    refused = []

    async def act(program, turns, mine) -> None:
        for turn in turns[mine]:
            await turn.wait()
            try:
                next(program, None)
            except BlockInUse as error:
                refused.append(error)
                program = iter(())
            finally:
                turn.done.set()

    class Turn(asyncio.Event):
        def __init__(self) -> None:
            super().__init__()
            self.done = asyncio.Event()

    async def run(order) -> None:
        turns = [[Turn() for _ in range(STEPS)] for _ in range(2)]
        queues = [iter(mine) for mine in turns]
        programs = [first(kernel, base[0]), second(kernel, base[1])]
        tasks = [asyncio.create_task(act(program, turns, mine)) for mine, program in enumerate(programs)]
        for number in order:
            turn = next(queues[number])
            turn.set()
            await turn.done.wait()
        await asyncio.gather(*tasks)

    for order in INTERLEAVINGS:
        kernel.use(role_a.use())
        asyncio.run(run(order))
        assert role_a.is_in_environment(), order
    assert refused


def in_thread(action, name: str = "other"):
    """Do it in another thread; return what it returns or raises."""
    answers = []

    def run() -> None:
        try:
            answers.append(action())
        except SSOMagicError as error:
            answers.append(error)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    thread.join()
    return answers[0]


def test_the_error_names_the_role_the_thread_and_what_to_do(kernel, role_a, role_b):
    with kernel.use(role_a.use()):
        for change in (lambda: kernel.use(role_b.use()), kernel.release):
            assert str(in_thread(change)) == (
                "dev (111111111111) / ReadOnly is in use by a block in thread MainThread, and a kernel has one role at "
                "a time. Wait for its end, or take role.boto3_session() or %%sso_each, which need no block."
            )
        assert role_a.is_in_environment()


def test_a_sign_out_takes_a_role_out_of_another_threads_block(kernel, role_a):
    before = dict(os.environ)
    with kernel.use(role_a.use()):
        in_thread(kernel.forget)
        assert kernel.current is None
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_in_ones_own_block_everything_works_as_without_one(kernel, role_a, role_b):
    with kernel.use(role_a.use()):
        kernel.use(role_b.use())
        assert role_b.is_in_environment()
        with kernel.use(role_a.use()):
            assert role_a.is_in_environment()
        assert role_b.is_in_environment()
        kernel.release()
        assert kernel.current is None
    assert kernel.current is None


def test_a_block_whose_thread_has_ended_is_in_nobodys_way(kernel, role_a, role_b):
    stack = contextlib.ExitStack()
    in_thread(lambda: stack.enter_context(kernel.use(role_a.use())) and None)
    assert role_a.is_in_environment()
    kernel.use(role_b.use())
    assert role_b.is_in_environment()
    stack.close()
    assert kernel.current is None


def test_an_exit_stack_ends_blocks(kernel, role_a, role_b):
    with contextlib.ExitStack() as stack:
        stack.enter_context(kernel.use(role_a.use()))
        stack.enter_context(kernel.use(role_b.use()))
        assert isinstance(in_thread(kernel.release), BlockInUse)
    assert kernel.current is None


def test_a_use_can_be_entered_again(kernel, role_a, role_b):
    kernel.use(role_b.use())
    layer = kernel.use(role_a.use())
    for _ in range(2):
        with layer as inside:
            assert inside.use is layer.use
            assert role_a.is_in_environment()
        assert role_b.is_in_environment()


def test_a_use_that_was_replaced_is_put_on_top_when_it_is_entered(kernel, role_a, role_b):
    layer = kernel.use(role_a.use())
    kernel.use(role_b.use())
    switches = []
    unsubscribe = kernel.switched.subscribe(lambda: switches.append(kernel.current))
    with layer:
        assert switches == [layer.use]
        assert role_a.is_in_environment()
    unsubscribe()
    assert role_b.is_in_environment()
