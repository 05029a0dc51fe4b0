"""The same client or filesystem for another role, and anthropic's boto3 sessions by role."""

# ruff: noqa: SLF001 - what a library keeps for itself is what this is about

from __future__ import annotations

import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.libraries.owner import as_role, role_of_the_owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

_clients: weakref.WeakKeyDictionary[RenewingRole, dict[Any, Any]] = weakref.WeakKeyDictionary()


def for_role(made: Any, role: RenewingRole) -> Any:
    """Return a boto3 client or an s3fs filesystem like this one, of this role; anything else as it is."""
    s3fs = sys.modules.get("s3fs.core")
    if s3fs is not None and isinstance(made, s3fs.S3FileSystem):
        with as_role(role):  # `S3fsBinding` sees whether its options name credentials
            return type(made)(*made.storage_args, **{**made.storage_options, "skip_instance_cache": True})
    if type(made).__module__ == "botocore.client":
        from sso_magic.kernel.libraries.boto import role_of

        return made if role_of(made) in {None, role} else _client(made, role)
    return made


def _client(made: Any, role: RenewingRole) -> Any:
    """Make the client once more, with the role's session; kept, since callers ask for it at each call."""
    from sso_magic.kernel.libraries.boto_session import boto3_session

    meta = made.meta
    settings = repr(sorted(vars(meta.config).items(), key=str))
    key = (meta.service_model.service_name, meta.region_name, meta.endpoint_url, settings)
    known = _clients.setdefault(role, {})
    if key not in known:
        known[key] = boto3_session(role, meta.region_name).client(
            meta.service_model.service_name,
            config=meta.config,
            endpoint_url=meta.endpoint_url,
            verify=made._endpoint.http_session._verify,
        )
    return known[key]


class AnthropicBinding:
    """The function that gives anthropic's clients a boto3 session: one for each role."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._module: Any = None
        self._original: Any = None
        self._sessions: weakref.WeakKeyDictionary[RenewingRole, Callable[..., Any]] = weakref.WeakKeyDictionary()

    def install(self, library: ModuleType) -> None:
        """Replace the function."""
        self._module = library
        original = self._original = library._get_session

        @functools.wraps(original)
        def get_session(**options: Any) -> Any:
            role = role_of_the_owner()
            if role is None:
                return original(**options)
            if role not in self._sessions:
                self._sessions[role] = functools.lru_cache(maxsize=32)(original.__wrapped__)
            return self._sessions[role](**options)

        get_session.cache_clear = original.cache_clear  # type: ignore[attr-defined]  # for `forget`
        library._get_session = get_session  # type: ignore[attr-defined]

    def enter(self, use: Use | None) -> None:
        """Do nothing: `forget` empties the cache of clients that belong to no role."""

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """Return nothing: the clients that have a session are named."""
        return ()

    def uninstall(self) -> None:
        """Put the function back."""
        self._module._get_session = self._original
