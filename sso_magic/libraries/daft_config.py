"""Daft's ambient credentials, which follow the role in use.

What was measured (Daft 0.7). Where no credentials are passed, its Rust SDK finds the environment's once and keeps them
for the process, so that a new read after a switch is still A. A callable in the planning configuration's default
`IOConfig` is taken along by each DataFrame when it is made, and asked again shortly before the keys expire.

What is done. While a role is in use, the default configuration has a provider of that role. A user's own default
configuration keeps its settings, and also its credentials if it has any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.libraries.reference import RoleReference, reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sso_magic.credentials import RoleCredentials
    from sso_magic.kernel import KernelRole, Use
    from sso_magic.renewal import RenewingRole


class DaftBinding:
    """The default `IOConfig` of Daft's planning configuration."""

    def __init__(self, kernel: KernelRole) -> None:  # noqa: ARG002 - all bindings are made alike
        self._context: Any = None
        self._own: Any = None  # the user's default configuration

    def install(self, library: ModuleType) -> None:
        """Remember the module."""
        self._context = library

    def enter(self, use: Use | None) -> None:
        """Put a provider of the role into the default configuration; without a role, restore the user's own."""
        config = self._context.get_context().daft_planning_config.default_io_config
        if not self._is_ours(config):
            self._own = config
        if use is not None and not _names_credentials(self._own.s3):
            provider = RoleProvider(use.role)
            config = self._own.replace(s3=self._own.s3.replace(credentials_provider=provider))
        else:
            config = self._own
        self._context.set_planning_config(default_io_config=config)

    def holders(self, used: RenewingRole | None) -> Iterator[tuple[RenewingRole, str]]:  # noqa: ARG002
        """None: a DataFrame holds its plan in Rust."""
        return iter(())

    def uninstall(self) -> None:
        """The configuration is the user's own already: no role is in use."""

    @staticmethod
    def _is_ours(config: Any) -> bool:
        return isinstance(config.s3.credentials_provider, RoleProvider)


class RoleProvider:
    """What Daft calls for the credentials of one role."""

    def __init__(self, role: RenewingRole | RoleReference) -> None:
        self.role = role

    def __reduce__(self) -> tuple[Any, ...]:
        return RoleProvider, (self.role if isinstance(self.role, RoleReference) else reference(self.role),)

    def __call__(self) -> Any:
        """Return the role's credentials as Daft's own class."""
        return s3_credentials(self.role.get())


def s3_credentials(credentials: RoleCredentials) -> Any:
    """Return credentials as Daft's own class, with their expiry."""
    from daft.io import S3Credentials

    return S3Credentials(
        key_id=credentials.access_key_id.reveal(),
        access_key=credentials.secret_access_key.reveal(),
        session_token=credentials.session_token.reveal(),
        expiry=credentials.local_expires_at,
    )


def _names_credentials(s3: Any) -> bool:
    return bool(s3.key_id or s3.access_key or s3.profile_name or s3.anonymous or s3.credentials_provider)
