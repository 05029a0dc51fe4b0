"""Every error of this package, one tree with one root.

    SSOMagicError
    ├── ConfigError                   a setting, profile or session is missing or wrong; names it and its source
    │   ├── ProfileNotFound
    │   └── SessionNotFound
    ├── ParamValidationError          an argument that no request can be made of (also a ValueError)
    ├── UsageError                    a magic's line that cannot be read
    ├── Interrupted                   a magic was stopped (Ctrl-C, the stop button) before it was done
    ├── NotFound                      nothing known by that name; lists the nearest
    │   ├── AccountNotFound
    │   └── RoleNotFound
    ├── Ambiguous                     a name that fits several; lists them
    ├── SignInError
    │   ├── SignInRequired            no valid access token, and none to be had without a person
    │   ├── SignInDenied              the person, or the identity provider, said no
    │   ├── SignInExpired             the code ran out before it was approved
    │   └── SignInCanceled
    ├── CredentialsError              role credentials that cannot be had or put in place
    │   ├── RoleNotAssigned           the portal's 403: not assigned, or no such role in that account
    │   ├── CredentialsThrottled      the portal's 429, for as long as it was asked again
    │   ├── BlockInUse                another thread or task is inside a block that uses a role
    │   ├── TaskError                 a task of %%sso_each on threads cannot do this as its own account
    │   └── SignInChanged             credentials in use came by an earlier sign-in
    ├── CacheError                    a file of this package that cannot be written
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

from sso_magic.common.hints import for_caller
from sso_magic.common.text import encodable, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any


class SSOMagicError(Exception):
    """The root of every error that this package raises.

    Catch it to catch them all. The message says what happened, then what to do.
    """

    def __str__(self) -> str:
        return for_caller(printable(" ".join(super().__str__().splitlines())))

    def _render_traceback_(self) -> list[str]:
        return [encodable(f"{type(self).__name__}: {self}")]


@contextlib.contextmanager
def kept_in(failures: list[SSOMagicError]) -> Iterator[None]:
    """Collect an error of this package instead of raising it, so that later steps still run."""
    try:
        yield
    except SSOMagicError as error:
        failures.append(error)


def reason(error: BaseException) -> str:
    """What an error says: one of this package the whole of it, of another its class is needed too."""
    return str(error) if isinstance(error, SSOMagicError) else f"{type(error).__name__}: {error}"


class ConfigError(SSOMagicError):
    """A setting is missing or wrong.

    Correct the setting that the message names, in the file or variable that it names. ``%sso_doctor`` checks all of
    them.
    """


class ProfileNotFound(ConfigError):
    """No file has the named profile.

    Use one of the names that the message lists, or add the profile to ``~/.aws/config``; ``%sso_profiles --write``
    does.
    """


class SessionNotFound(ConfigError):
    """No file has the named ``[sso-session]``, or a session is required and none is configured.

    Sign in with the start URL of your portal: ``%sso_login START_URL --sso-region REGION --save NAME``.
    """


class ParamValidationError(SSOMagicError, ValueError):
    """An argument is missing or not valid.

    Correct the argument that the message names.
    """


class UsageError(SSOMagicError):
    """A magic's line or a function's arguments cannot be understood.

    Correct the line; ``%magic?`` shows its options with examples.
    """


class Interrupted(SSOMagicError):
    """A magic was stopped before it was done, by Ctrl-C or by the stop button.

    Run it again; the message says what is kept.
    """


class NotFound(SSOMagicError):
    """The name matches nothing.

    Use one of the nearest names, which the message lists.
    """


class AccountNotFound(NotFound):
    """No account matches the text.

    ``%sso_accounts`` lists those you have access to; ``%sso_inventory --refresh`` asks again if one was assigned a
    moment ago.
    """


class RoleNotFound(NotFound):
    """The account has no role of that name for you.

    ``%sso_roles ACCOUNT`` lists your roles in it; ask your AWS administrator to assign another one.
    """


class Ambiguous(SSOMagicError):
    """The text matches several accounts, roles or sessions.

    Give more of the name, or the account's 12 digits; the message lists the matches.
    """


class SignInError(SSOMagicError):
    """Signing in did not lead to an access token.

    Do what the message says, then sign in again.
    """


class SignInRequired(SignInError):
    """No access token is valid, none can be refreshed, and no person can be asked.

    Sign in: ``%sso_login``, or ``sso-magic login`` in a terminal before a run without a person.
    """


class SignInDenied(SignInError):
    """The request was denied on the sign-in page.

    Sign in again and approve. If you did not deny it, ask your AWS administrator: the identity provider may not allow
    it.
    """


class SignInExpired(SignInError):
    """The code or page expired before it was approved.

    Sign in again, and approve within the time that the prompt shows.
    """


class SignInCanceled(SignInError):
    """The wait for approval was stopped in this process.

    Sign in again when you want to.
    """


class CredentialsError(SSOMagicError):
    """Role credentials cannot be fetched or put in place.

    Do what the message says; often a package is missing, or a library refuses to work as this role.
    """


class RoleNotAssigned(CredentialsError):
    """The portal refused the role (403): it is not assigned to you in that account.

    ``%sso_roles ACCOUNT`` lists what you have. An assignment of a moment ago can take minutes to apply.
    """


class CredentialsThrottled(CredentialsError):
    """The portal answered 429 to each request for credentials for a minute, or asks to wait longer than that.

    Wait, then try again; fewer accounts at a time (``--workers``) ask for less.
    """


class BlockInUse(CredentialsError):
    """The role in use cannot be changed: another thread or task is inside ``with role.use()`` or ``%%sso_as``.

    Wait until that block ends, or use ``role.boto3_session()``, which is bound to its role.
    """


class TaskError(CredentialsError):
    """A task of ``%%sso_each`` on threads cannot do this as its own account.

    Use what the message names, or run the cell with ``--on processes``.
    """


class SignInChanged(CredentialsError):
    """Credentials in use came from an earlier sign-in and are not renewed with the current one.

    The sign-in may be another person's. Use the role again: ``%sso_use ACCOUNT ROLE``.
    """


class CacheError(SSOMagicError):
    """A file of the cache cannot be written.

    Make the directory that the message names writable, or free disk space. The kernel keeps working with what it has in
    memory.
    """


class InventoryError(SSOMagicError):
    """The accounts could not be listed, or not one of them could be asked for its roles.

    The message has the first cause; ``%sso_doctor`` checks the network, ``%sso_inventory --refresh`` tries again.
    """


class EachError(SSOMagicError):
    """A cell or function that ran in many accounts failed in every one.

    Look at ``errors``, which has the message and the traceback of each account; ``%%sso_each --accounts NAME_errors``
    runs them again.

    Attributes:
        errors: A record for each account: account_id, account_name, role_name, error, message, line, traceback.
    """

    def __init__(self, message: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class ClientError(SSOMagicError):
    """A call to one of the services failed.

    Look at the class: `TransportError` if no answer came, `ServiceException` if the service refused.
    """


class EndpointError(ClientError):
    """No endpoint URL can be made of region, FIPS, dual-stack and endpoint.

    Correct the setting that the message names.
    """


class TransportError(ClientError, OSError):
    """No answer came from the service.

    ``%sso_doctor`` finds the cause: network, VPN, proxy, certificate or endpoint.

    Attributes:
        problem: The part of the message that says what happened; empty if the message is not divided.
        advice: The part that says what to do.
    """

    problem = ""
    advice = ""

    def __str__(self) -> str:
        return for_caller(printable(str(self.args[0]))) if self.args else type(self).__name__


class ConnectError(TransportError):
    """The connection was refused, reset or not routed, or the host's name was not found.

    Check network, VPN and region. If a proxy is necessary, set ``HTTPS_PROXY``.
    """


class ConnectTimeoutError(TransportError):
    """The connection was not made in time.

    Check network, VPN and proxy, then try again.
    """


class ReadTimeoutError(TransportError):
    """The connection was made, and no answer came in time.

    Try again, or allow more time.
    """


class ProxyError(TransportError):
    """The proxy could not be reached, or refused the host.

    Check ``HTTPS_PROXY`` and ``NO_PROXY``; ask the proxy's administrator to allow the host.
    """


class TLSError(TransportError):
    """The server's certificate was not accepted, or TLS could not be agreed on.

    If a company proxy replaces certificates, set ``AWS_CA_BUNDLE`` to the company's CA file. Check the machine's clock.
    """


class ResponseStreamError(TransportError):
    """The answer broke off or could not be decoded.

    Try again. If it persists, look at the proxy.
    """


class DeserializationError(ClientError):
    """The service answered 200 with a body that is not this operation's.

    Check that the endpoint leads to AWS; a proxy or portal page of the network may have answered.
    """
