"""boto3's default session: of the role in use, and in a task of ``%%sso_each`` of the task's role."""

# ruff: noqa: SLF001 - what a library keeps for itself is what this is about

from __future__ import annotations

import contextlib
import functools
import importlib
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.boto_session import default_session, role_session_class
from sso_magic.kernel.libraries.tasks import current_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use


_OWN = "_sso_magic_own_session"


def own_session(session: Any) -> Any:
    """Return the user's own session that a default session replaces while a role is in use; else the session itself."""
    return getattr(session, "__dict__", {}).get(_OWN, session)


class Boto3Binding:
    """boto3's default session: one of the role while a role is in use, the user's own again afterwards.

    It is never None in between. boto3 reads it twice, to see whether there is one and to return it. If it became None
    meanwhile, another thread's ``boto3.client`` would fail, or would put a session there that it began to make for A.
    """

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._boto3: Any = None
        self._own: Any = None
        self._ours: Any = None
        self._undo: list[Callable[[], None]] = []

    def install(self, library: ModuleType) -> None:
        """Remember the default session there is, and let each task have its own."""
        self._boto3 = library
        self._own = library.DEFAULT_SESSION
        get, setup = library._get_default_session, library.setup_default_session
        kind: Any = type(library)

        @functools.wraps(get)
        def get_default_session() -> Any:
            task = current_task()
            return get() if task is None else default_session(task)

        @functools.wraps(setup)
        def setup_default_session(**options: Any) -> None:
            task = current_task()
            if task is None:
                setup(**options)
            else:
                task.default_session = library.Session(**options)

        self._put("_get_default_session", get_default_session)
        self._put("setup_default_session", setup_default_session)
        with contextlib.suppress(TypeError):  # a module of another class stays one
            library.__class__ = _module_class(kind)
            self._undo.append(lambda: setattr(library, "__class__", kind))

    def _put(self, name: str, function: Callable[..., Any]) -> None:
        original = getattr(self._boto3, name)
        setattr(self._boto3, name, function)
        self._undo.append(lambda: setattr(self._boto3, name, original))

    def enter(self, use: Use | None) -> None:
        """Make a session of this role the default one; without a role, the user's own."""
        if use is not None:
            if self._ours is None:
                self._own = self._boto3.DEFAULT_SESSION
            self._ours = role_session_class()(lambda: use.role, use.region)
            self._ours.__dict__[_OWN] = self._own
            self._boto3.DEFAULT_SESSION = self._ours
        elif self._ours is not None:
            self._boto3.DEFAULT_SESSION = self._own if self._own is not None else role_session_class()(None, None)
            self._ours = None

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """Return nothing: clients are counted, not sessions."""
        return ()

    def uninstall(self) -> None:
        """Put the functions back. The session is the user's own already: no role is in use."""
        while self._undo:
            self._undo.pop()()


@functools.lru_cache(maxsize=2)
def _module_class(kind: Any) -> Any:
    """Return a class of module whose ``DEFAULT_SESSION`` is the task's in a task: awswrangler reads it there."""

    class Boto3Module(kind):  # type: ignore[misc]
        def __reduce__(self) -> tuple[Any, ...]:  # cloudpickle knows modules by their exact type
            return importlib.import_module, (self.__name__,)

        @property
        def DEFAULT_SESSION(self) -> Any:  # noqa: N802 - boto3's name
            task = current_task()
            return self.__dict__["DEFAULT_SESSION"] if task is None else default_session(task)

        @DEFAULT_SESSION.setter
        def DEFAULT_SESSION(self, session: Any) -> None:  # noqa: N802 - the same
            task = current_task()
            if task is None:
                self.__dict__["DEFAULT_SESSION"] = session
            else:
                task.default_session = session

    return Boto3Module
