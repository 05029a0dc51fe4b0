"""Objects that look up credentials at each call, bound to the role that was in use when they were made.

What was measured. An `AnthropicBedrock` client, an MLflow artifact store and PyIceberg's FileIO hold no
credentials: each call looks some up, through a boto3 session, an s3fs or a pyarrow filesystem. Made under A and called
after a switch to B, they are B, or A as long as a cache of the library says so.

What is done. Each class in `OWNED` remembers the role in use when an object of it is made, and the methods named there
run as that role: whatever in this process asks `KernelRole.bind` meanwhile gets it. Objects that were made with no role
in use follow the environment, as without this package. In a task of ``%%sso_each`` the role in use is the task's; an
object that was made outside of tasks is the notebook's in them too. A pickled object finds its role again where that
role is in use; elsewhere its calls raise an error that names the role.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.kernel.libraries import clients
from sso_magic.kernel.libraries.alive import Alive
from sso_magic.kernel.libraries.owner import as_role
from sso_magic.kernel.libraries.reference import RoleReference, reference
from sso_magic.kernel.libraries.starts import in_a_pool, in_a_process
from sso_magic.kernel.libraries.tasks import as_made_in, current_task
from sso_magic.kernel.libraries.unowned import is_without_owner
from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.libraries.tasks import Task
    from sso_magic.kernel.use import Use

_ATTRIBUTE = "_sso_magic_owner"


class Owner:
    """The role that an object belongs to; pickled, its name.

    Args:
        role: The role, or a reference to it by which another process finds it.
        task: The task of ``%%sso_each`` that the object was made in; None: the notebook, or another process.
    """

    def __init__(self, role: RenewingRole | RoleReference, task: Task | None = None) -> None:
        self._role = role
        self.task = task

    def __reduce__(self) -> tuple[Any, ...]:
        return Owner, (self._role if isinstance(self._role, RoleReference) else reference(self._role),)

    def __repr__(self) -> str:
        return f"Owner({self._role.label})"

    @property
    def role(self) -> RenewingRole | None:
        """The role; None in a process whose environment is the role's.

        Raises:
            CredentialsError: The role is not in use in this process.
        """
        if isinstance(self._role, RenewingRole):
            return self._role
        found = self._role.find()
        if found is None and not self._role.is_in_environment():
            self._role.get()  # raises; says why
        return found


class Row(NamedTuple):
    """A class whose objects belong to a role.

    Attributes:
        name: The class's name in its module.
        noun: What the switch's line calls an object of it.
        methods: The methods that look up credentials, or that make another object of the same role.
        connect: Called with a new object of a class that has no room for an owner; it makes what holds the credentials.
        is_named: True if the switch's line has to name this object; what it has made may be named already.
        answer: Returns what the methods return for a role; they are not called then.
        starts: The methods that start processes or hand work to them; see `starts`.
    """

    name: str
    noun: str
    methods: tuple[str, ...] = ()
    connect: Callable[[Any], object] | None = None
    is_named: Callable[[Any], bool] | None = None
    answer: Callable[[RenewingRole], object] | None = None
    starts: tuple[str, ...] = ()


def _filesystem_of_a_path(path: Any) -> object:
    return path.fs if path.protocol in {"s3", "s3a"} else None  # others may connect to a server


def _client_of_a_path(path: Any) -> object:
    return path.client if path.cloud_prefix == "s3://" else None


def _is_unused(session: Any) -> bool:
    return session._credentials is None  # noqa: SLF001 - a session with credentials has clients, which are named


def _minio_credentials(role: RenewingRole) -> object:
    from minio.credentials import Credentials

    keys = role.get()
    return Credentials(
        keys.access_key_id.reveal(), keys.secret_access_key.reveal(), keys.session_token.reveal(), keys.expires_at
    )


_COPIES = ("copy", "with_options", "with_middleware")
_POOL = ("apply_async", "_map_async", "imap", "imap_unordered")
_ANTHROPIC = ("_prepare_request", *_COPIES)

OWNED: dict[str, tuple[Row, ...]] = {
    "anthropic.lib.bedrock._client": (
        Row("AnthropicBedrock", "Anthropic client", _ANTHROPIC),
        Row("AsyncAnthropicBedrock", "Anthropic client", _ANTHROPIC),
    ),
    "anthropic.lib.bedrock._mantle": (
        Row("AnthropicBedrockMantle", "Anthropic client", _ANTHROPIC),
        Row("AsyncAnthropicBedrockMantle", "Anthropic client", _ANTHROPIC),
    ),
    "anthropic.lib.aws._client": (
        Row("AnthropicAWS", "Anthropic client", _ANTHROPIC),
        Row("AsyncAnthropicAWS", "Anthropic client", _ANTHROPIC),
    ),
    "mlflow.store.artifact.s3_artifact_repo": (
        Row("S3ArtifactRepository", "MLflow artifact store", ("_get_s3_client",)),
    ),
    "mlflow.store.artifact.optimized_s3_artifact_repo": (
        Row("OptimizedS3ArtifactRepository", "MLflow artifact store", ("_get_s3_client", "_get_region_name")),
    ),
    "pyiceberg.io.fsspec": (Row("FsspecFileIO", "PyIceberg FileIO", ("_get_fs",)),),
    "pyiceberg.io.pyarrow": (Row("PyArrowFileIO", "PyIceberg FileIO", ("_initialize_fs",)),),
    "upath.core": (Row("UPath", "", connect=_filesystem_of_a_path),),
    "cloudpathlib.cloudpath": (Row("CloudPath", "", connect=_client_of_a_path),),
    "boto3.session": (Row("botocore.session.Session", "boto3 session", ("get_credentials",), is_named=_is_unused),),
    "aiobotocore.session": (Row("AioSession", "boto3 session", ("get_credentials",), is_named=_is_unused),),
    "minio.credentials.providers": (
        Row("EnvAWSProvider", "MinIO credential provider", ("retrieve",), answer=_minio_credentials),
    ),
    "pynamodb.connection.base": (Row("Connection", "PynamoDB connection", ("dispatch",)),),
    "tiledb.vfs": (Row("VFS", "TileDB filesystem"),),  # C++ reads the environment at each request
    # Workers take the environment of the moment at which each of them is started.
    "concurrent.futures.process": (Row("ProcessPoolExecutor", "process pool", starts=("submit",)),),
    "multiprocessing.pool": (Row("Pool", "process pool", starts=_POOL),),
    "joblib.externals.loky.process_executor": (Row("ProcessPoolExecutor", "process pool", starts=("submit",)),),
    "loky.process_executor": (Row("ProcessPoolExecutor", "process pool", starts=("submit",)),),
}


class OwnedBinding:
    """The hooks in the classes of one module."""

    def __init__(self, kernel: Host, rows: tuple[Row, ...]) -> None:
        self._kernel = kernel
        self._rows = rows
        self._made: Alive[tuple[RenewingRole, Row]] = Alive()
        self._undo: list[Callable[[], None]] = []

    def install(self, library: ModuleType) -> None:
        """Wrap the constructors and the methods."""
        for row in self._rows:
            try:
                kind = attrgetter(row.name)(library)
            except AttributeError:
                continue  # another release has no such class
            self._wrap(kind, "__init__", self._remembering(row))
            for name in row.methods:
                if name in vars(kind):
                    self._wrap(kind, name, _as_its_role if row.answer is None else _answered(row.answer))
            for name in row.starts:
                self._wrap(kind, name, in_a_pool if row.starts is _POOL else in_a_process)

    def enter(self, use: Use | None) -> None:
        """Do nothing: objects are bound when they are made."""

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield the objects that belong to a role."""
        for thing, (role, row) in self._made:
            if row.is_named is None or row.is_named(thing):
                yield role, row.noun

    def uninstall(self) -> None:
        """Put constructors and methods back."""
        while self._undo:
            self._undo.pop()()

    def _remembering(self, row: Row) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def wrap(init: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(init)
            def init_with_an_owner(thing: Any, *arguments: Any, **options: Any) -> None:
                role = None if is_without_owner() else self._kernel.bind(lambda: None)
                if isinstance(role, RenewingRole):
                    self._remember(thing, role, row)
                init(thing, *arguments, **options)
                if isinstance(role, RenewingRole) and row.connect is not None:
                    with contextlib.suppress(Exception):  # the user's first call raises it
                        row.connect(thing)

            return init_with_an_owner

        return wrap

    def _remember(self, thing: Any, role: RenewingRole, row: Row) -> None:
        attributes = getattr(thing, "__dict__", None)
        if attributes is None or _ATTRIBUTE in attributes:
            return
        attributes[_ATTRIBUTE] = Owner(role, current_task())
        if row.noun:
            with contextlib.suppress(TypeError):  # an object that cannot be referred to weakly
                self._made.add(thing, (role, row))

    def _wrap(self, kind: type, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        inherited = name not in vars(kind)
        original = getattr(kind, name) if inherited else vars(kind)[name]
        setattr(kind, name, wrap(original))
        self._undo.append(lambda: delattr(kind, name) if inherited else setattr(kind, name, original))


def _as_its_role(method: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def awaited(thing: Any, *arguments: Any, **options: Any) -> Any:
            with _as_owner(_owner_of(thing)):
                return await method(thing, *arguments, **options)

        return awaited

    @functools.wraps(method)
    def called(thing: Any, *arguments: Any, **options: Any) -> Any:
        owner = _owner_of(thing)
        with _as_owner(owner) as role:
            return _bound(method(thing, *arguments, **options), role)

    return called


def _answered(answer: Callable[[RenewingRole], object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def called(thing: Any, *arguments: Any, **options: Any) -> Any:
            with _as_owner(_owner_of(thing)) as role:
                return method(thing, *arguments, **options) if role is None else answer(role)

        return called

    return wrap


@contextlib.contextmanager
def _as_owner(owner: Owner | None) -> Iterator[RenewingRole | None]:
    """Run a block as an object's role, in the task that it was made in; without one as the notebook."""
    role = owner.role if owner is not None else None
    with as_made_in(owner.task if owner is not None else None), as_role(role):
        yield role


def _owner_of(thing: Any) -> Owner | None:
    owner: Owner | None = getattr(thing, "__dict__", {}).get(_ATTRIBUTE)
    return owner


def _bound(made: Any, role: RenewingRole | None) -> Any:
    """Return what a method has found, made again for the role where it came from a cache or a default session."""
    return made if role is None else clients.for_role(made, role)
