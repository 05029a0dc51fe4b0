"""boto3 sessions that stay one role each, and share one reading of botocore's service models.

Measured: a boto3 session takes 5 ms and its first client 105 ms, of which 100 go into reading and parsing JSON that is
the same for every session; with one loader for all of them a client takes 3 ms. A loader knows nothing
but which services there are. Most of a session's own time goes into registering some 130 built-in event handlers, each
of whose signatures is inspected: a session here starts with a copy of an emitter that has them, which takes 0.4 ms.
Credentials, region, configuration and the handlers that are registered later are each session's own.
"""

from __future__ import annotations

import copy
import functools
import os
from typing import TYPE_CHECKING, Any

from sso_magic.common import locks
from sso_magic.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from sso_magic.kernel.libraries.reference import RoleReference
    from sso_magic.kernel.libraries.tasks import Task
    from sso_magic.kernel.renewal import RenewingRole

# How a task's clients repeat calls: tasks in many accounts meet limits that one client in a loop never does. botocore's
# default, "legacy" with 5 attempts, gives up a throttled call after some 5 s; by these it is repeated for a minute.
PATIENCE: dict[str, tuple[str, Any]] = {
    "retry_mode": ("AWS_RETRY_MODE", "standard"),
    "max_attempts": ("AWS_MAX_ATTEMPTS", 10),
}

_LOCK = locks.RLock()


def boto3_session(role: RenewingRole, region: str | None, *, patient: bool = False) -> boto3.session.Session:
    """Return a boto3 session that stays this role, and renews its credentials.

    Args:
        role: Its credentials are used.
        region: For the work done; without it boto3 finds one as it always does.
        patient: Whether its clients repeat throttled calls as in `PATIENCE`.

    Raises:
        CredentialsError: boto3 is not installed.
    """
    try:
        make = role_session_class()
    except ImportError:
        raise CredentialsError(
            "A boto3 session needs boto3: pip install boto3. Without it, credentials has the role's keys."
        ) from None
    session: boto3.session.Session = make(lambda: role, region, patient=patient)
    return session


def ambient_session(role: RenewingRole, region: str | None) -> boto3.session.Session:
    """Return a session of the role that serves the task in which it is first used, and no other."""
    from sso_magic.kernel.libraries.boto import ambient

    session: boto3.session.Session = role_session_class()(lambda: role, region, ambient, patient=True)
    return session


def default_session(task: Task) -> Any:
    """Return the session behind `boto3.client` in a task."""
    if task.default_session is None:
        task.default_session = ambient_session(task.role, task.region)
    return task.default_session


@functools.lru_cache(maxsize=1)
def role_session_class() -> Any:
    """Return the class of these sessions, for which boto3 has to be imported."""
    import boto3.session

    from sso_magic.kernel.libraries.boto import refreshable, remembered
    from sso_magic.kernel.libraries.reference import RoleReference, reference
    from sso_magic.kernel.libraries.tasks import outside_tasks

    class RoleSession(boto3.session.Session):  # type: ignore[misc]
        """A boto3 session of one role, made when it is first asked for something: a switch must not wait for it.

        Args:
            role: Returns the role, or the reference that an unpickled session has; None for a session of whatever the
                environment says.
            region: For the work done; None: what environment and configuration say.
            credentials: Makes botocore's credentials of the role.
            patient: Whether its clients repeat throttled calls as in `PATIENCE`.
        """

        def __init__(
            self,
            role: Callable[[], RenewingRole | RoleReference] | None,
            region: str | None,
            credentials: Callable[[Any], Any] = refreshable,
            *,
            patient: bool = False,
        ) -> None:
            self._sso_magic = (locks.RLock(), role, region, credentials, patient)

        def __reduce__(self) -> tuple[Any, ...]:
            _, role, region, *_ = self._sso_magic
            source = role() if role is not None else None
            return _unpickled, (source if source is None or isinstance(source, RoleReference) else reference(source),
                                region)  # fmt: skip

        def __getattr__(self, name: str) -> Any:
            # What boto3's own __init__ sets is missing until it has run.
            if name.startswith("__") or "_sso_magic" not in self.__dict__:
                raise AttributeError(name)
            lock, role, region, credentials, patient = self._sso_magic
            with lock:
                if "_loader" not in self.__dict__:
                    with outside_tasks():  # it may have been made there
                        inner = _botocore_session()
                    if role is not None:
                        inner._credentials = credentials(role())  # noqa: SLF001 - there is no public way to a reader
                    if patient:
                        _be_patient(inner)
                    with _LOCK:
                        inner.register_component("data_loader", _loader(inner.get_config_variable("data_path")))
                        super().__init__(botocore_session=inner, region_name=region)
            try:
                return self.__dict__[name]
            except KeyError:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

        @functools.wraps(boto3.session.Session.client)
        def client(self, *arguments: Any, **options: Any) -> Any:
            # Resources make theirs by this too. There may be no hooks yet, where no role has been put in use.
            return remembered(super().client(*arguments, **options))

    return RoleSession


def _botocore_session() -> Any:
    """Return a new botocore session; like `botocore.session.get_session()`, in less time."""
    import botocore.handlers
    import botocore.session

    emitter = _emitter(tuple(botocore.handlers.BUILTIN_HANDLERS))  # moto adds one when it is imported
    return botocore.session.Session(event_hooks=copy.copy(emitter), include_builtin_handlers=False)


@functools.lru_cache(maxsize=1)
def _emitter(handlers: tuple[tuple[Any, ...], ...]) -> Any:
    """Return an emitter that calls these handlers; it is copied and never used itself."""
    from botocore.handlers import REGISTER_FIRST, REGISTER_LAST
    from botocore.hooks import EventAliaser, HierarchicalEmitter

    emitter = HierarchicalEmitter()
    events = EventAliaser(emitter)
    register = {REGISTER_FIRST: events.register_first, REGISTER_LAST: events.register_last}
    for event, handler, *place in handlers:
        register.get(place[0] if place else None, events.register)(event, handler)
    return emitter


def _be_patient(session: Any) -> None:
    """Set the retries of a botocore session, as far as neither the environment nor the configuration file does."""
    import botocore.exceptions

    try:
        configured = session.get_scoped_config()
    except (botocore.exceptions.BotoCoreError, OSError):
        return  # the session's first use says what is wrong
    for name, (variable, value) in PATIENCE.items():
        if variable not in os.environ and name not in configured:
            session.set_config_variable(name, value)


def _unpickled(source: RoleReference | None, region: str | None) -> Any:
    return role_session_class()(None if source is None else lambda: source, region)


@functools.lru_cache(maxsize=8)
def _loader(data_path: str | None) -> Any:
    """Return the loader of all sessions with this search path."""
    from botocore import loaders

    class SharedLoader(loaders.Loader):  # type: ignore[misc]
        """A loader that many threads may ask at once: each file is read by the first of them."""

        def __init__(self, paths: list[str]) -> None:
            super().__init__(extra_search_paths=_Once(paths), include_default_search_paths=False)

    for name in _READS:
        setattr(SharedLoader, name, _one_at_a_time(getattr(loaders.Loader, name)))
    return SharedLoader(loaders.create_loader(data_path).search_paths)


_READS = (
    "list_available_services",
    "determine_latest_version",
    "list_api_versions",
    "load_service_model",
    "load_data",
    "load_data_with_path",
)


def _one_at_a_time(read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(read)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _LOCK:
            return read(*args, **kwargs)

    return locked


class _Once(list[str]):
    """The search path, to which every boto3 session appends boto3's own: once is enough."""

    def append(self, path: str) -> None:
        """Append the path unless it is in the list."""
        if path not in self:
            super().append(path)
