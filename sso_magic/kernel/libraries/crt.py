"""awscrt's credential providers, bound to the role that was in use when they were made.

What was measured (awscrt 0.38). A provider of the default chain or of the environment reads the environment in C, at
each request or when what it keeps is 15 minutes old, so that one made under A becomes B after a switch.

What is done. While a role is in use, both are made as providers that ask for that role's credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sso_magic.kernel.renewal import RenewingRole

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.use import Use

_NAMES = ("new_default_chain", "new_environment")


class CrtBinding:
    """The two class methods that make a provider."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._auth: Any = None
        self._originals: dict[str, Any] = {}

    def install(self, library: ModuleType) -> None:
        """Replace the two class methods."""
        self._auth = library
        for name in _NAMES:
            original = self._originals[name] = vars(self._auth.AwsCredentialsProvider)[name]
            setattr(self._auth.AwsCredentialsProvider, name, classmethod(self._bound(original.__func__)))

    def enter(self, use: Use | None) -> None:
        """Do nothing: a provider is bound when it is made."""

    def holders(self, used: RenewingRole | None) -> tuple[()]:  # noqa: ARG002 - all bindings are asked alike
        """Return nothing: a provider is held in C."""
        return ()

    def uninstall(self) -> None:
        """Put the class methods back."""
        for name, original in self._originals.items():
            setattr(self._auth.AwsCredentialsProvider, name, original)
        self._originals.clear()

    def _bound(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def new(kind: Any, *arguments: Any, **options: Any) -> Any:
            role = self._kernel.bind(lambda: None)
            if not isinstance(role, RenewingRole):
                return original(kind, *arguments, **options)
            return kind.new_delegate(lambda: self._credentials(role))

        new.__doc__ = original.__doc__
        return new

    def _credentials(self, role: RenewingRole) -> Any:
        keys = role.get()
        return self._auth.AwsCredentials(
            keys.access_key_id.reveal(),
            keys.secret_access_key.reveal(),
            keys.session_token.reveal(),
            expiration=keys.expires_at,
        )
