"""polars, bound to the role that was in use when the query was made.

What was measured. polars asks boto3 for credentials when a query is collected, not when it is made, so that a
`LazyFrame` made under A and collected after a switch to B is B. And it keeps what it got, by a key that knows no role,
until it ends: a new query under B goes on with A's credentials.

What is done. polars has a default credential provider, which a query takes along when it is made
(``pl.Config.set_default_credential_provider``). While a role is in use it is one of that role; a provider of the
user's own is put back afterwards. The providers that polars itself has built are forgotten at a switch.
"""

# ruff: noqa: SLF001 - what a library keeps for itself is what this is about

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import os
import secrets
import weakref
from typing import TYPE_CHECKING, Any

from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries.reference import RoleReference, reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

FOLLOWS_FROM = "1.40"
"""The first release known to name its cached stores by their provider; 1.38 reads on with another provider's keys."""

_PROCESS = secrets.token_hex(8)
_numbers = itertools.count()
_providers: weakref.WeakValueDictionary[tuple[str, int], Any] = weakref.WeakValueDictionary()


class PolarsBinding:
    """polars' default credential provider."""

    def __init__(self, kernel: Host) -> None:  # noqa: ARG002 - all bindings are made alike
        self._builder: Any = None
        self._own: Any = None
        self._ours: Any = None

    def install(self, library: ModuleType) -> None:
        """Find where polars keeps the default provider.

        Raises:
            CredentialsError: This polars has none, or keeps stores that know no role.
        """
        with contextlib.suppress(ImportError, AttributeError):
            builder = importlib.import_module("polars.io.cloud.credential_provider._builder")
            self._own = builder.DEFAULT_CREDENTIAL_PROVIDER
            if not is_too_old(library.__version__):
                self._builder = builder
                return
        raise CredentialsError(
            f"polars {library.__version__} goes on with keys that it has found before; from {FOLLOWS_FROM} on it "
            "follows"
        )

    def enter(self, use: Use | None) -> None:
        """Make the role's provider the default; without a role, the user's own."""
        if use is not None:
            if self._builder.DEFAULT_CREDENTIAL_PROVIDER is not self._ours or self._ours is None:
                self._own = self._builder.DEFAULT_CREDENTIAL_PROVIDER
            self._ours = self._builder.DEFAULT_CREDENTIAL_PROVIDER = provider(use.role, use.region)
        elif self._ours is not None:
            self._ours = None
            self._builder.DEFAULT_CREDENTIAL_PROVIDER = self._own
        self._builder.BUILT_PROVIDERS_LRU_CACHE = None

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """Yield nothing: queries are not tracked."""
        return iter(())

    def uninstall(self) -> None:
        """Do nothing: the default is the user's own already, because no role is in use."""


def is_too_old(version: str) -> bool:
    """Return True for a release of polars whose queries go on with another role's keys."""
    return tuple(int(part) for part in version.split(".")[:2]) < tuple(map(int, FOLLOWS_FROM.split(".")))


def provider(role: RenewingRole, region: str | None) -> Any:
    """Return a polars credential provider of this role, which renews."""
    return _provider_class()(role, region)


@functools.lru_cache(maxsize=1)
def _provider_class() -> Any:
    from polars.io.cloud.credential_provider import _providers as polars_providers

    base: Any = polars_providers.CredentialProviderAWS

    class RoleCredentialProvider(base):  # type: ignore[misc]
        """The role's credentials, whenever polars asks."""

        def __init__(
            self,
            source: RenewingRole | RoleReference,
            region: str | None,
            identity: tuple[str, int] | None = None,
        ) -> None:
            super().__init__(region_name=region)
            self._source = source
            self._identity = identity or (f"{_PROCESS}-{os.getpid()}", next(_numbers))  # a fork has the same token
            _providers[self._identity] = self

        def __call__(self) -> tuple[dict[str, str], int]:
            credentials = self._source.get()
            keys = {
                "aws_access_key_id": credentials.access_key_id.reveal(),
                "aws_secret_access_key": credentials.secret_access_key.reveal(),
                "aws_session_token": credentials.session_token.reveal(),
            }
            return keys, int(credentials.local_expires_at.timestamp())

        def retrieve_credentials_impl(self) -> tuple[dict[str, str], int]:
            return self()

        @classmethod
        def _ensure_module_availability(cls) -> None:
            """Do nothing: polars would require boto3 here, which this provider does not use."""

        def __copy__(self) -> RoleCredentialProvider:
            made = type(self)(self._source, self.region_name)
            made._storage_options = self._storage_options
            return made

        @functools.cached_property
        def _reference(self) -> RoleReference:
            return self._source if isinstance(self._source, RoleReference) else reference(self._source)

        def __reduce__(self) -> tuple[Any, ...]:
            # polars names its cached stores by the pickled provider: two providers must not look alike, and one must
            # always look the same.
            storage_options = getattr(self, "_storage_options", None)  # older releases of polars have none
            return _unpickled, (self._identity, self._reference, self.region_name, storage_options)

    return RoleCredentialProvider


def is_of_role(found: Any) -> bool:
    """Return True for a provider that `provider` has made."""
    return isinstance(found, _provider_class())


def _unpickled(
    identity: tuple[str, int], source: RoleReference, region: str | None, storage_options: dict[str, Any] | None
) -> Any:
    """Return the provider itself in the process that it was made in, in another one a provider of the same role."""
    found = _providers.get(identity)
    if found is None:
        found = _provider_class()(source, region, identity)
        if storage_options is not None:
            found._storage_options = storage_options
    return found
