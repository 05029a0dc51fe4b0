"""AWS credentials from IAM Identity Center (AWS SSO) without leaving the notebook.

Every public name is imported when it is first used, so that ``%load_ext sso_magic`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.center.identity_center import IdentityCenter as IdentityCenter
    from sso_magic.center.role import Role as Role
    from sso_magic.center.shared import release as release
    from sso_magic.center.shared import sign_out_all as sign_out_all
    from sso_magic.credentials.role_credentials import Credentials as Credentials
    from sso_magic.errors import SignInRequired as SignInRequired
    from sso_magic.errors import SSOMagicError as SSOMagicError
    from sso_magic.local import LocalIdentityCenter as LocalIdentityCenter
    from sso_magic.oidc import SSOOIDC as SSOOIDC
    from sso_magic.portal import SSO as SSO
    from sso_magic.widgets import Panel as Panel
    from sso_magic.widgets import panel as panel

_HOME = {
    "IdentityCenter": "sso_magic.center.identity_center",
    "LocalIdentityCenter": "sso_magic.local",
    "Panel": "sso_magic.widgets",
    "Role": "sso_magic.center.role",
    "Credentials": "sso_magic.credentials.role_credentials",
    "SSO": "sso_magic.portal",
    "SSOMagicError": "sso_magic.errors",
    "SignInRequired": "sso_magic.errors",
    "SSOOIDC": "sso_magic.oidc",
    "panel": "sso_magic.widgets",
    "release": "sso_magic.center.shared",
    "sign_out_all": "sso_magic.center.shared",
}

__all__ = [
    "SSO",
    "SSOOIDC",
    "Credentials",
    "IdentityCenter",
    "LocalIdentityCenter",
    "Panel",
    "Role",
    "SSOMagicError",
    "SignInRequired",
    "load_ipython_extension",
    "panel",
    "release",
    "sign_out_all",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("sso-magic")
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What ``%load_ext sso_magic`` calls."""
    from sso_magic.magics.load import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What ``%unload_ext sso_magic`` calls: takes out all that was put in."""
    from sso_magic.magics.load import unload

    unload(shell)
