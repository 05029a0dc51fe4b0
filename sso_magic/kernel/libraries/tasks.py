"""The task of ``%%sso_each`` that runs in this context: what looks up credentials in it gets the task's role.

Tasks on threads share one process, whose environment and library caches belong to the notebook. A context variable
holds the task. It follows ``await``, `asyncio.run` and `asyncio.to_thread` on its own; `starts.py` hands it to
threads and child processes. The bindings of this package ask for it where a library looks up credentials.

What was made in a task for its role serves that task only. A helper that caches a client in a module, for example,
raises in the next task instead of answering for the first one's account.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from sso_magic.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sso_magic.kernel.renewal import RenewingRole

T = TypeVar("T")

_TASK: ContextVar[Task | None] = ContextVar("sso_magic task", default=None)


class Task:
    """One account's run, as the bindings need it.

    Args:
        label: How messages name the account and the role.
        role: Returns the role; on a cluster the first call asks the notebook for credentials.
        region: The region that the run was given; None: the one of the environment.

    Attributes:
        default_session: The session behind `boto3.client` in this task; None until it is asked for, see
            `boto_session.default_session`.
    """

    def __init__(self, label: str, role: Callable[[], RenewingRole], region: str | None = None) -> None:
        self.label = label
        self.region = region
        self.is_over = False
        self._role = role
        self.default_session: Any = None

    def __repr__(self) -> str:
        return f"Task({self.label})"

    @property
    def role(self) -> RenewingRole:
        """The role.

        Raises:
            TaskError: The task has ended; a thread that it started goes on.
        """
        if self.is_over:
            raise TaskError(
                f"The task of {self.label} that started this thread has ended. Wait for the thread in the task, or "
                "give it role.boto3_session()."
            )
        return self._role()

    def check_use(self) -> None:
        """Refuse the use of what this task has made outside of it.

        Raises:
            TaskError: Another account's task runs in this context, or none does and this task is over.
        """
        running = _TASK.get()
        if running is self or (running is None and not self.is_over):
            return
        if running is not None and running.label == self.label:
            return
        where = f"is used in the task of {running.label}" if running is not None else "is used after its end"
        raise TaskError(
            f"This client or session was made in the task of {self.label} and {where}. Make it where it is used; a "
            "cached helper returns the first task's."
        )

    def call(self, function: Callable[..., T], /, *arguments: Any, **options: Any) -> T:
        """Call a function in this task, on whatever thread."""
        token = _TASK.set(self)
        try:
            return function(*arguments, **options)
        finally:
            _TASK.reset(token)


def current_task() -> Task | None:
    """Return the task that runs in this context; None outside of tasks."""
    return _TASK.get()


@contextlib.contextmanager
def running(task: Task) -> Iterator[None]:
    """Run a block as the task, which ends with it."""
    token = _TASK.set(task)
    try:
        yield
    finally:
        _TASK.reset(token)
        task.is_over = True


@contextlib.contextmanager
def as_made_in(task: Task | None) -> Iterator[None]:
    """Run a block in the task that an object was made in; None: as the notebook, also in a task."""
    if _TASK.get() is task:
        yield
        return
    token = _TASK.set(task)
    try:
        yield
    finally:
        _TASK.reset(token)


def outside_tasks() -> AbstractContextManager[None]:
    """Run a block as the notebook, also in a task: for objects that were made outside of it."""
    return as_made_in(None)


def refuse_in_task() -> None:
    """Refuse a change of the kernel's role in a task.

    Raises:
        TaskError: A task runs in this context.
    """
    task = _TASK.get()
    if task is not None:
        raise TaskError(
            "The role in use belongs to the whole kernel and cannot be changed in a task of %%sso_each. Take "
            "role.boto3_session() of the other role, or run with --on processes."
        )
