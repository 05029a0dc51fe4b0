"""Threads, child processes and worker pools that a task of ``%%sso_each`` starts or uses.

Threads. `threading.Thread`, `_thread.start_new_thread`, `ThreadPoolExecutor.submit` and
`multiprocessing.pool.ThreadPool` run in the task that started the thread or handed over the work, also in a pool that
was made before.

Child processes. `subprocess` (and with it `os.popen` and asyncio) gets an environment with the task's keys where the
environment would be the notebook's, and no way to credentials where the caller gives one without any. An environment
with credentials of the caller's choice is left alone. Everything else raises: `os.system`, `os.fork`, `os.exec*`,
`os.posix_spawn` without the task's keys, `multiprocessing` and process pools, whose workers have the notebook's
environment.

What was rejected. Refusing each `subprocess.Popen` breaks libraries that run ``uname`` or ``ldconfig``.
"""

from __future__ import annotations

import _thread
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from sso_magic.common.environment import (
    COMPETING_VARIABLES,
    ENDPOINT_COMPETING_VARIABLES,
    KEY_VARIABLES,
    REGION_VARIABLES,
)
from sso_magic.common.secret import Unshown
from sso_magic.credentials import key_ids
from sso_magic.errors import TaskError
from sso_magic.kernel.libraries.tasks import Task, current_task, outside_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

_OWN_THREADS = ("sso_magic", "sso-")
_CREDENTIALS = (*KEY_VARIABLES[:3], *COMPETING_VARIABLES, *ENDPOINT_COMPETING_VARIABLES)
_NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ENV = 10  # the position of `env` among the arguments of Popen
# Audit events of what starts a program or a process, and the position of the environment among their arguments.
_STARTS = {
    "os.exec": 2, "os.posix_spawn": 2, "os.spawn": 3, "os.system": None, "os.fork": None, "os.forkpty": None,
    "os.startfile": None,
}  # fmt: skip
_approved = threading.local()  # this thread starts a program whose environment was made here
_is_watching = False


class Hooks:
    """Functions of a module that are replaced, each by name."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._undo: list[Callable[[], None]] = []

    def install(self, library: ModuleType) -> None:
        """Replace the functions."""
        raise NotImplementedError

    def enter(self, use: Use | None) -> None:
        """Do nothing: these functions look the role up when they are called."""

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """Return nothing: other bindings name what holds a role."""
        return ()

    def uninstall(self) -> None:
        """Put the functions back."""
        while self._undo:
            self._undo.pop()()

    def replace(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Replace one function with what `make` returns for it."""
        original = getattr(owner, name)
        is_own = name in vars(owner)
        setattr(owner, name, functools.wraps(original)(make(original)))
        self._undo.append(lambda: setattr(owner, name, original) if is_own else delattr(owner, name))


class ThreadHooks(Hooks):
    """`threading.Thread.start` and `_thread.start_new_thread`."""

    def install(self, library: ModuleType) -> None:
        """Let the thread run in the task that starts it."""

        def make(start: Callable[..., Any]) -> Callable[..., Any]:
            def start_in_task(thread: Any) -> None:
                task = current_task()
                if task is not None and not thread.name.startswith(_OWN_THREADS):
                    thread.run = functools.partial(_run, task, thread.run)
                start(thread)

            return start_in_task

        def make_new(start: Callable[..., Any]) -> Callable[..., Any]:
            def start_new_thread(function: Any, arguments: Any, *options: Any) -> Any:
                task = current_task()
                if task is None:
                    return start(function, arguments, *options)
                return start(task.call, (function, *arguments), *options)

            return start_new_thread

        self.replace(library.Thread, "start", make)
        self.replace(_thread, "start_new_thread", make_new)


def _run(task: Task, run: Callable[[], None]) -> None:
    threading.current_thread().__dict__.pop("run", None)  # a cycle through the bound method
    task.call(run)


class ThreadPoolHooks(Hooks):
    """`concurrent.futures.ThreadPoolExecutor`."""

    def install(self, library: ModuleType) -> None:
        """Let each call run in the task that submits it, and the initializer in the one that makes the pool."""

        def make_submit(submit: Callable[..., Any]) -> Callable[..., Any]:
            def submit_in_task(executor: Any, function: Any, /, *arguments: Any, **options: Any) -> Any:
                task = current_task()
                if task is None:
                    return submit(executor, function, *arguments, **options)
                with outside_tasks():  # the thread that this may start goes on to other tasks
                    return submit(executor, task.call, function, *arguments, **options)

            return submit_in_task

        def make_init(init: Callable[..., Any]) -> Callable[..., Any]:
            def init_in_task(executor: Any, *arguments: Any, **options: Any) -> None:
                init(executor, *arguments, **options)
                task = current_task()
                if task is not None and getattr(executor, "_initializer", None) is not None:
                    executor._initializer = functools.partial(task.call, executor._initializer)  # noqa: SLF001

            return init_in_task

        self.replace(library.ThreadPoolExecutor, "submit", make_submit)
        self.replace(library.ThreadPoolExecutor, "__init__", make_init)


def in_a_pool(start: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that hands over work, for tasks: on threads as the task, in processes refused."""

    @functools.wraps(start)
    def handed_over(pool: Any, function: Any, /, *arguments: Any, **options: Any) -> Any:
        task = current_task()
        if task is None:
            return start(pool, function, *arguments, **options)
        if type(pool).__module__ != "multiprocessing.pool" or type(pool).__name__ != "ThreadPool":
            _refuse(f"A {type(pool).__name__}", task)
        return start(pool, functools.partial(task.call, function), *arguments, **options)

    return handed_over


def in_a_process(start: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that starts a process or hands work to one, which a task may not call."""

    @functools.wraps(start)
    def started(thing: Any, /, *arguments: Any, **options: Any) -> Any:
        task = current_task()
        if task is not None:
            _refuse(f"A {type(thing).__name__}", task)
        return start(thing, *arguments, **options)

    return started


def _refuse(what: str, task: Task) -> None:
    raise TaskError(
        f"{what} has the notebook's environment, not the keys of {task.label}. Use subprocess with "
        "env={**os.environ, **credentials.environment()}, or run with --on processes."
    )


class ProcessHooks(Hooks):
    """`multiprocessing.Process`."""

    def install(self, library: ModuleType) -> None:
        """Refuse a start in a task."""
        self.replace(library.BaseProcess, "start", in_a_process)


class SubprocessHooks(Hooks):
    """`subprocess.Popen`, and an audit hook for the other ways to start a program."""

    def install(self, library: ModuleType) -> None:
        """Give a program that a task starts the environment that `child_environment` makes."""

        def make(init: Callable[..., Any]) -> Callable[..., Any]:
            def init_in_task(popen: Any, *arguments: Any, **options: Any) -> None:
                task = current_task()
                if task is None:
                    init(popen, *arguments, **options)
                    return
                if len(arguments) > _ENV:
                    env = child_environment(task, arguments[_ENV])
                    arguments = (*arguments[:_ENV], env, *arguments[_ENV + 1 :])
                else:
                    options["env"] = child_environment(task, options.get("env"))
                before, _approved.yes = getattr(_approved, "yes", False), True
                try:
                    init(popen, *arguments, **options)
                finally:
                    _approved.yes = before

            return init_in_task

        self.replace(library.Popen, "__init__", make)
        _watch()


def child_environment(task: Task, given: Mapping[Any, Any] | None) -> Mapping[str, str]:
    """Return the environment of a program that a task starts.

    Args:
        task: The task.
        given: The environment that the caller has given; None: the process's.
    """
    ambient = dict(os.environ)
    env = ambient if given is None else {os.fsdecode(name): os.fsdecode(value) for name, value in given.items()}
    chosen = {name: env[name] for name in _CREDENTIALS if name in env}
    notebooks = {name: ambient[name] for name in _CREDENTIALS if name in ambient}
    if chosen and chosen != notebooks:
        return Unshown(env)  # the caller's choice; with `credentials.environment()` the task's own keys
    if not chosen and given is not None and (notebooks or any(env.get(n) != ambient.get(n) for n in ("PATH", "HOME"))):
        return Unshown({**_NO_CREDENTIALS, **env})  # an environment without keys, on purpose
    made = Unshown((name, value) for name, value in env.items() if name not in {*_CREDENTIALS, *KEY_VARIABLES})
    made.update(task.role.get().environment())
    region = task.region or (_region_of(task) if not any(name in made for name in REGION_VARIABLES) else None)
    if region is not None:
        made.update(dict.fromkeys(REGION_VARIABLES, region))
    return made


def _region_of(task: Task) -> str | None:
    """Return the region of the profile that AWS_PROFILE names, which is not in the child's environment."""
    if "AWS_PROFILE" not in os.environ or "boto3" not in sys.modules:
        return None
    from sso_magic.kernel.libraries.boto_session import default_session

    region: str | None = default_session(task).region_name
    return region


def _watch() -> None:
    """Install the audit hook, which stays for the life of the process and does nothing outside of tasks."""
    global _is_watching  # noqa: PLW0603 - a process has one; Python cannot take it out again
    if not _is_watching:
        _is_watching = True
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _STARTS:
        return
    task = current_task()
    if task is None or getattr(_approved, "yes", False):
        return
    place = _STARTS[event]
    if place is None or not _has_keys_of(task, arguments[place]):
        _refuse(event, task)


def _has_keys_of(task: Task, env: Any) -> bool:
    if env is None:
        return False
    values = {os.fsdecode(name): os.fsdecode(value) for name, value in dict(env).items()}
    return values.get("AWS_ACCESS_KEY_ID") in known_key_ids(task)


def known_key_ids(task: Task) -> set[str]:
    """Return the access key IDs that the task's role has had in this process."""
    keys = task.role.latest
    return {key.reveal() for key in (keys.access_key_id, *key_ids.of_role(keys.account_id, keys.role_name))}
