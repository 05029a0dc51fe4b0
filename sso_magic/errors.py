"""Every error of this package, one tree with one root.

    SSOMagicError
    ├── ConfigError                   a setting, profile or session is missing or wrong; names it and its source
    │   ├── ProfileNotFound
    │   └── SessionNotFound
    ├── ParamValidationError          an argument that no request can be made of (also a ValueError)
    ├── UsageError                    a magic's line that cannot be read
    ├── NotFound                      nothing known by that name; lists the nearest
    │   ├── AccountNotFound
    │   └── RoleNotFound
    ├── Ambiguous                     a name that fits several; lists them
    ├── SignInError
    │   ├── SignInRequired            no valid access token, and none to be had without a person
    │   ├── SignInDenied              the person, or the identity provider, said no
    │   ├── SignInExpired             the code ran out before it was approved
    │   └── SignInCancelled
    ├── CredentialsError              role credentials that cannot be had or put in place
    │   ├── RoleNotAssigned           the portal's 403: not assigned, or no such role in that account
    │   ├── CredentialsThrottled      the portal's 429, for as long as it was asked again
    │   ├── BlockInUse                another thread or task is inside a block that uses a role
    │   ├── TaskError                 a task of %%sso_each on threads cannot do this as its own account
    │   └── SignInChanged             credentials in use came by an earlier sign-in
    ├── CacheError                    a file of ours that cannot be written
    ├── InventoryError                not one account could be listed
    ├── EachError                     a cell or function failed in every account; has each account's error
    └── ClientError
        ├── EndpointError             no URL can be made of region, FIPS, dual-stack and endpoint
        ├── TransportError            no answer came (also an OSError, as in requests)
        │   ├── ConnectError          refused, reset, unreachable, name not found
        │   ├── ConnectTimeoutError
        │   ├── ReadTimeoutError
        │   ├── ProxyError
        │   ├── TLSError
        │   └── ResponseStreamError   the answer broke off or could not be decoded
        ├── DeserializationError      a 200 whose body is not what the operation answers
        └── ServiceException          the service's own answer; `sso_magic.portal` and `.oidc` hold its classes

Each message says what to do next. `_render_traceback_` is IPython's hook: an error of this tree is printed as one line,
also under ``%xmode Verbose`` and ``%tb``, stays a real error (Run All stops, nbclient raises it by its name), and no
frame's locals are shown. IPython compares with ``is UsageError``, so a subclass of its own error would print a whole
traceback instead.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sso_magic.hints import for_caller
from sso_magic.text import encodable, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any


class SSOMagicError(Exception):
    """Root of every error this package raises."""

    def __str__(self) -> str:
        return for_caller(printable(" ".join(super().__str__().splitlines())))

    def _render_traceback_(self) -> list[str]:
        return [encodable(f"{type(self).__name__}: {self}")]


@contextlib.contextmanager
def kept_in(failures: list[SSOMagicError]) -> Iterator[None]:
    """Puts an error of this package in the list: what comes after it is to be done all the same."""
    try:
        yield
    except SSOMagicError as error:
        failures.append(error)


def reason(error: BaseException) -> str:
    """What an error says: one of this package the whole of it, of another its class is needed too."""
    return str(error) if isinstance(error, SSOMagicError) else f"{type(error).__name__}: {error}"


class ConfigError(SSOMagicError):
    """A setting is missing or wrong; the message names the setting and where it came from."""


class ProfileNotFound(ConfigError):
    """A profile was named that no file has."""


class SessionNotFound(ConfigError):
    """An ``[sso-session]`` was named, or is needed, that no file has."""


class ParamValidationError(SSOMagicError, ValueError):
    """An argument is missing or cannot be sent (portal-protocol 1.3.1)."""


class UsageError(SSOMagicError):
    """A magic's line cannot be read."""


class NotFound(SSOMagicError):
    """Nothing is known by the name given; the message has the nearest ones."""


class AccountNotFound(NotFound):
    """No account fits."""


class RoleNotFound(NotFound):
    """The account has no such role."""


class Ambiguous(SSOMagicError):
    """Several fit; the message lists them. Never a guess."""


class SignInError(SSOMagicError):
    """Signing in did not lead to an access token."""


class SignInRequired(SignInError):
    """No access token is valid and none can be refreshed; a person has to sign in."""


class SignInDenied(SignInError):
    """The request was denied on the sign-in page."""


class SignInExpired(SignInError):
    """The code ran out before it was approved."""


class SignInCancelled(SignInError):
    """The wait for approval was ended from this side."""


class CredentialsError(SSOMagicError):
    """Role credentials cannot be had, or not put in place."""


class RoleNotAssigned(CredentialsError):
    """The portal refused with 403: the role is not assigned in that account (portal-protocol 1.5.2)."""


class CredentialsThrottled(CredentialsError):
    """The portal answered 429 to each request for credentials for a minute, or asks to wait longer than that."""


class BlockInUse(CredentialsError):
    """The role in use cannot be changed: another thread or task is inside ``with role.use()`` or ``%%sso_as``."""


class TaskError(CredentialsError):
    """A task of ``%%sso_each`` on threads cannot do this as its own account; the message names what can."""


class SignInChanged(CredentialsError):
    """Credentials in use came by an earlier sign-in and are not renewed with the current one."""


class CacheError(SSOMagicError):
    """A file of ours cannot be written."""


class InventoryError(SSOMagicError):
    """Not one account could be listed."""


class EachError(SSOMagicError):
    """A cell or function that ran in many accounts failed in every one.

    Attributes:
        errors: A record for each account: account_id, account_name, role_name, error, message, line, traceback.
    """

    def __init__(self, message: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class ClientError(SSOMagicError):
    """A call to one of the services failed."""


class EndpointError(ClientError):
    """No endpoint URL can be made of the configuration (portal-protocol 3)."""


class TransportError(ClientError, OSError):
    """No answer came from the service.

    Attributes:
        problem: The part of the message that says what happened; empty if the message is not divided.
        advice: The part that says what to do.
    """

    problem = ""
    advice = ""

    def __str__(self) -> str:
        return for_caller(printable(str(self.args[0]))) if self.args else type(self).__name__


class ConnectError(TransportError):
    """The connection was refused, reset, unreachable, or the host's name not found."""


class ConnectTimeoutError(TransportError):
    """The connection was not made in time."""


class ReadTimeoutError(TransportError):
    """The answer did not come in time."""


class ProxyError(TransportError):
    """The proxy could not be reached or refused."""


class TLSError(TransportError):
    """The server's certificate was not accepted, or TLS could not be agreed on."""


class ResponseStreamError(TransportError):
    """The answer broke off, or its encoding is broken."""


class DeserializationError(ClientError):
    """The service answered 200 with a body that is not this operation's."""
