"""Readers of S3 that keep something for the whole process, in a task of ``%%sso_each``.

fsspec. Filesystems are kept in a cache of instances by their arguments, so that the next task would get this one's. In
a task nothing is taken from the cache and nothing left in it.

polars. A query that a task makes takes along a provider of the task's role. A query that was made outside looks up
credentials as the notebook, also where a task collects it.

deltalake. Rust's object_store reads the environment when a table is opened. In a task it gets the task's keys as
`storage_options`, unless these name credentials already.
"""

from __future__ import annotations

import functools
import inspect
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.forget import leads_to_aws
from sso_magic.kernel.libraries.names import rename
from sso_magic.kernel.libraries.refused import refuse
from sso_magic.kernel.libraries.starts import Hooks
from sso_magic.kernel.libraries.tasks import current_task, outside_tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_DEFAULT = "DEFAULT_CREDENTIAL_PROVIDER"
_SETTINGS = ("region", "default_region", "endpoint", "endpoint_url", "endpoint_url_s3", "virtual_hosted_style_request")
_NAMES_CREDENTIALS = ("access_key_id", "secret_access_key", "session_token", "token", "profile", "skip_signature",
                      "role_arn", "iam_role_arn", "web_identity_token_file")  # fmt: skip


class FsspecHooks(Hooks):
    """The cache of instances."""

    def install(self, library: ModuleType) -> None:
        """Keep tasks out of it."""

        def make_call(call: Callable[..., Any]) -> Callable[..., Any]:
            def made(kind: Any, /, *arguments: Any, **options: Any) -> Any:
                if current_task() is not None and leads_to_aws(kind):
                    options["skip_instance_cache"] = True
                return call(kind, *arguments, **options)

            return made

        self.replace(type(library.AbstractFileSystem), "__call__", make_call)
        base = library.AbstractFileSystem
        current = vars(base)["current"]

        def current_or_new(kind: Any) -> Any:
            return kind() if current_task() is not None and leads_to_aws(kind) else current.__func__(kind)

        base.current = classmethod(functools.wraps(current.__func__)(current_or_new))
        self._undo.append(lambda: setattr(base, "current", current))


class PolarsHooks(Hooks):
    """The function that gives a query its credential provider, under each name that it has been imported to."""

    def install(self, library: ModuleType) -> None:
        """Let it find a provider of the task's role where the query names none."""
        from sso_magic.kernel.libraries.polar import FOLLOWS_FROM, is_of_role, is_too_old, provider

        original: Any = library._init_credential_provider_builder  # noqa: SLF001

        @functools.wraps(original)
        def init_builder(chosen: Any, source: Any, storage_options: Any, *rest: Any, **more: Any) -> Any:
            task = current_task()
            default = getattr(library, _DEFAULT)
            if task is None or not (isinstance(default, str) or is_of_role(default)):
                return original(chosen, source, storage_options, *rest, **more)
            version = sys.modules["polars"].__version__
            if is_too_old(version):
                refuse(f"polars {version}", task, f"Install polars {FOLLOWS_FROM} or newer.")
            given = storage_options or {}
            has_profile = any(_plain(name) == "profile" for name in given)
            names = {**vars(library), _DEFAULT: "auto" if has_profile else provider(task.role, task.region)}
            if not _names_credentials(given):  # polars takes a setting that it does not know for keys
                given = {n: value for n, value in given.items() if _plain(n) in _SETTINGS or not _is_of_aws(n)}
            found = FunctionType(original.__code__, names, original.__name__, original.__defaults__)
            found.__kwdefaults__ = original.__kwdefaults__
            return found(chosen, source, given, *rest, **more)

        rename(original, init_builder)
        self._undo.append(lambda: rename(init_builder, original))

        def make_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
            def looked_up(automatic: Any) -> Any:
                with outside_tasks():
                    return lookup(automatic)

            return looked_up

        self.replace(library.AutoInit, "__call__", make_lookup)


class DeltaHooks(Hooks):
    """The functions of deltalake that take `storage_options`."""

    def install(self, library: ModuleType) -> None:
        """Give them the task's keys."""
        table = library.DeltaTable
        for name in ("__init__", "is_deltatable", "create"):
            self._wrap(table, name)
        for name in ("write_deltalake", "convert_to_deltalake"):
            original = getattr(library, name, None)
            if original is not None:
                wrapped = _with_keys(original)
                rename(original, wrapped)
                self._undo.append(functools.partial(rename, wrapped, original))

    def _wrap(self, kind: Any, name: str) -> None:
        original = vars(kind).get(name)
        if original is None:
            return
        function = getattr(original, "__func__", original)
        wrapped = _with_keys(function)
        setattr(kind, name, wrapped if original is function else type(original)(wrapped))
        self._undo.append(lambda: setattr(kind, name, original))


def _with_keys(function: Any) -> Any:
    signature = inspect.signature(function)
    if "storage_options" not in signature.parameters:
        return function

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        task = current_task()
        if task is None:
            return function(*arguments, **options)
        from sso_magic.credentials.storage_options import storage_options

        bound = signature.bind(*arguments, **options)
        given = bound.arguments.get("storage_options") or {}
        if not _names_credentials(given) and _is_remote(bound.arguments):
            keys = storage_options(task.role.get(), "deltalake")
            region = {"AWS_REGION": task.region} if task.region else {}
            taken = {_plain(name) for name in given}
            added = {name: value for name, value in {**keys, **region}.items() if _plain(name) not in taken}
            bound.arguments["storage_options"] = {**given, **added}
        return function(*bound.args, **bound.kwargs)

    return called


def _is_remote(arguments: dict[str, Any]) -> bool:
    """Return True if a table's URI leads to S3; a table that is open already has its store."""
    return any(isinstance(value, str) and value.lower().startswith(("s3://", "s3a://")) for value in arguments.values())


def _names_credentials(options: dict[str, Any]) -> bool:
    return any(_plain(name) in _NAMES_CREDENTIALS for name in options)


def _is_of_aws(name: str) -> bool:
    return name.lower().startswith("aws_")


def _plain(name: str) -> str:
    return name.lower().removeprefix("aws_")
