"""Process-wide caches of libraries that were filled under another role, and how each library forgets them.

These libraries keep a session, a client, credentials or worker processes for the whole process, and hand them out again
after a switch. `Libraries.enter` runs this table at every switch and release. Only modules that are imported already
are touched, so a library that is absent costs one look into `sys.modules`.

To add a library, add one line to `FORGET` and one test to `tests/kernel/test_forget.py`. What a function here raises is
named in the switch's line. An object that the caller still holds keeps the role that it was made under: where a library
looks up its credentials at each call, a binding of its own has to see to that (`clients.py`).
"""

# ruff: noqa: SLF001 - these caches are private to their libraries

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

# fsspec filesystems that neither hold AWS credentials nor wrap another filesystem. They stay cached: to make one again
# may take a sign-in of its own. Every other class is emptied, also one that is not known here.
_NOT_AWS = frozenset({
    "abfs", "abfss", "adl", "az", "azure", "box", "dbfs", "dropbox", "file", "ftp", "gcs", "gdrive", "github", "gitlab",
    "gs", "hdfs", "hf", "http", "https", "jlab", "jupyter", "local", "memory", "oci", "oss", "sftp", "smb", "ssh",
    "webdav", "webhdfs",
})  # fmt: skip


def imported_rows() -> Iterator[tuple[str, Callable[[ModuleType], None], ModuleType]]:
    """Yield the rows of the table whose module is imported: its name, how to forget, and the module."""
    for name, forget in FORGET.items():
        module = sys.modules.get(name)
        if module is not None:
            yield name, forget, module


def rows_of_environments() -> Iterator[tuple[str, Callable[[ModuleType], None], ModuleType]]:
    """Yield the imported rows that keep an environment with keys, which a renewal makes out of date."""
    return (row for row in imported_rows() if row[0] in KEEP_ENVIRONMENTS)


def _function_caches(module: ModuleType) -> None:
    """Empty every `functools.lru_cache` of a module."""
    for value in list(vars(module).values()):
        clear = getattr(value, "cache_clear", None)
        if clear is not None and getattr(value, "__module__", None) == module.__name__:
            clear()


def _litellm(module: ModuleType) -> None:
    """Empty the credential caches in memory: one for all instances, or in old releases one for each."""
    base = module.BaseAWSLLM
    shared = getattr(base, "_shared_iam_cache", None)
    for cache in [shared] if shared is not None else [thing.iam_cache for thing in _globals_of("litellm", base)]:
        cache.in_memory_cache.flush_cache()


def _globals_of(package: str, kind: type) -> Iterator[Any]:
    """Yield the objects of a class that are globals of a package's modules."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package:
            yield from (value for value in list(vars(module).values()) if isinstance(value, kind))


def _fsspec(module: ModuleType) -> None:
    """Empty the instance cache of every filesystem class that may lead to S3, wrappers and caches included."""
    for kind in _subclasses(module.AbstractFileSystem):
        if kind._cache and leads_to_aws(kind):
            kind.clear_instance_cache()


def leads_to_aws(kind: Any) -> bool:
    """Return True if a filesystem of this class may hold AWS credentials or wrap one that does."""
    protocols = {kind.protocol} if isinstance(kind.protocol, str) else set(kind.protocol)
    return not protocols & _NOT_AWS


def _subclasses(kind: Any) -> Iterator[Any]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _cloudpathlib(module: ModuleType) -> None:
    """Drop the default client, unless it was given keys or a profile of its own."""
    client = module.S3Client._default_client
    session = getattr(client, "sess", None)
    if session is not None:
        credentials = session.get_credentials() if session._session._credentials is not None else None
        if getattr(credentials, "method", "") != "explicit" and session.profile_name == "default":
            module.S3Client._default_client = None


def _sagemaker(module: ModuleType) -> None:
    """Drop the clients that are kept for the process."""
    for meta in ("SingletonMeta", "_ClientCacheMeta"):
        getattr(getattr(module, meta, None), "_instances", {}).clear()


def _powertools(module: ModuleType) -> None:
    """Drop the providers of the module's functions, with their clients and the values that they keep."""
    module.DEFAULT_PROVIDERS.clear()


def _redshift(module: ModuleType) -> None:
    """Drop the passwords that were got with a role's credentials."""
    module.IamHelper.credentials_cache.clear()


def _s3path(module: ModuleType) -> None:
    """Make the default resource again, unless the user has registered one of another session."""
    known = getattr(module, "_s3_accessor", module).configuration_map
    root = next((path for path in known.resources or () if str(path) == "/"), None)  # a path before Python 3.12
    if root is not None and _is_ambient(known.resources[root].meta.client):
        known.resources[root] = known.default_resource
        known.get_configuration.cache_clear()


def _is_ambient(client: Any) -> bool:
    """Return True if a client of boto3 has the credentials of a role, of the user's default session, or lacks them."""
    import boto3
    import botocore

    from sso_magic.kernel.libraries.boto import role_of
    from sso_magic.kernel.libraries.boto_default import own_session

    credentials = client._request_signer._credentials
    if credentials is None:
        return client.meta.config.signature_version is not botocore.UNSIGNED
    own = own_session(boto3.DEFAULT_SESSION)
    return role_of(client) is not None or (own is not None and own._session._credentials is credentials)


def _loky(module: ModuleType) -> None:
    """Let the next call start new workers. Calls under way hold the old executor, which ends with the last of them."""
    module._executor = module._executor_kwargs = None  # type: ignore[attr-defined]


def _forkserver(module: ModuleType) -> None:
    """Let the next process come from a new fork server: a fork server keeps the environment it was started in.

    The old server reports how its children ended, so it is closed at the first switch at which it has none.
    """
    used = module._forkserver
    if used._forkserver_pid is not None:
        fresh = module.ForkServer()
        fresh._preload_modules = used._preload_modules
        fresh._inherited_fds = used._inherited_fds
        module._forkserver = fresh  # type: ignore[attr-defined]
        for name in ("ensure_running", "get_inherited_fds", "connect_to_new_process", "set_forkserver_preload"):
            setattr(module, name, getattr(fresh, name))
        _SERVERS[used._forkserver_pid] = used
    if _SERVERS and not _has_children():
        _close_servers()


def _has_children() -> bool:
    import multiprocessing

    return any(
        getattr(getattr(child, "_popen", None), "method", "") == "forkserver"
        for child in multiprocessing.active_children()
    )


def _close_servers() -> None:
    for pid, server in list(_SERVERS.items()):
        with server._lock:
            if server._forkserver_pid is not None:
                os.close(server._forkserver_alive_fd)
                server._forkserver_alive_fd = server._forkserver_pid = None
        with contextlib.suppress(ChildProcessError):
            if sys.platform != "win32" and os.waitpid(pid, os.WNOHANG)[0] == 0:  # Windows has no fork server
                continue  # it is ending; the next switch collects its exit status
        del _SERVERS[pid]


_SERVERS: dict[int, Any] = {}  # fork servers that are not used any more, by process id

FORGET: dict[str, Callable[[ModuleType], None]] = {
    "anthropic.lib.aws._auth": _function_caches,  # boto3 sessions
    "anthropic.lib.bedrock._auth": _function_caches,  # the same, before 0.9x
    "litellm.llms.bedrock.base_aws_llm": _litellm,  # credentials, for 10 minutes or an hour
    "mlflow.store.artifact.s3_artifact_repo": _function_caches,  # boto3 clients, for 5 minutes
    "cloudpathlib.s3.s3client": _cloudpathlib,  # a default client
    "sagemaker.core.utils.utils": _sagemaker,  # boto3 clients
    "sagemaker_core.main.utils": _sagemaker,
    "aws_lambda_powertools.utilities.parameters.constants": _powertools,  # clients, and values for 5 minutes
    "redshift_connector.iam_helper": _redshift,  # passwords of databases, until they expire
    "s3path.accessor": _s3path,  # a boto3 resource
    "s3path.old_versions": _s3path,  # the same, before Python 3.12
    "fsspec.spec": _fsspec,  # instances, and the S3 filesystems that wrappers hold
    "joblib.externals.loky.reusable_executor": _loky,  # worker processes
    "loky.reusable_executor": _loky,
    "multiprocessing.forkserver": _forkserver,  # the process that new ones are forked from; the default from 3.14 on
}

KEEP_ENVIRONMENTS = {
    "joblib.externals.loky.reusable_executor",
    "loky.reusable_executor",
    "multiprocessing.forkserver",
}
