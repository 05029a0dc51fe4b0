"""The portal's errors, structures and commands; import them from `sso_magic.portal`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sso_magic.client.command import Command
from sso_magic.client.errors import ServiceException
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.service import Operation
from sso_magic.client.shapes import INTEGER, SECRET, Structure, body, header, list_of, query, structure
from sso_magic.client.signout import forget_locally
from sso_magic.common.secret import Secret  # noqa: TC001 - read by get_type_hints

if TYPE_CHECKING:
    from sso_magic.client.middleware import Handler, HandlerArguments, HandlerContext, HandlerResult
    from sso_magic.client.middleware_stack import MiddlewareStack

SERVICE = "SSO"
TOKEN_HEADER = "x-amz-sso_bearer_token"  # noqa: S105 - the header's name
LARGEST_PAGE = 100


class SSOServiceException(ServiceException):
    """Any error of the portal that has no class of its own, such as ``ForbiddenException`` (403).

    Look at its ``name``. For 403, the role is not assigned; for 500 and above, try again.
    """

    service = SERVICE


class InvalidRequestException(SSOServiceException):
    """400: the portal does not accept a parameter of the request.

    Correct the parameter that the message names.
    """

    modelled_fault = "client"


class ResourceNotFoundException(SSOServiceException):
    """404: what was asked for does not exist.

    Check account id, role name and region.
    """

    modelled_fault = "client"


class TooManyRequestsException(SSOServiceException):
    """429: too many requests in too short a time, after all retries.

    Wait, then ask for less at a time.
    """

    modelled_fault = "client"


class UnauthorizedException(SSOServiceException):
    """401: the access token is unknown, expired or revoked.

    Sign in again, or call through ``center.call``, which refreshes the token and repeats the call.
    """

    modelled_fault = "client"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AccountInfo(Structure):
    """An AWS account the user can reach.

    Attributes:
        account_id: Its 12 digits.
        account_name: Its name; None if it has none.
        email_address: Its owner's address; None if the portal gives none.
    """

    account_id: str = field(metadata=body("accountId"))
    account_name: str | None = field(default=None, metadata=body("accountName"))
    email_address: str | None = field(default=None, metadata=body("emailAddress"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RoleInfo(Structure):
    """A role the user can take in an account.

    Attributes:
        role_name: The permission set's name.
        account_id: The account's 12 digits.
    """

    role_name: str = field(metadata=body("roleName"))
    account_id: str = field(metadata=body("accountId"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RoleCredentials(Structure):
    """Keys for a role, as the portal gives them.

    Attributes:
        access_key_id: The access key's id.
        secret_access_key: The secret key.
        session_token: The session token that belongs to both.
        expiration: When they end, in milliseconds since the Unix epoch.
    """

    access_key_id: Secret = field(metadata=body("accessKeyId", SECRET))
    secret_access_key: Secret = field(metadata=body("secretAccessKey", SECRET))
    session_token: Secret = field(metadata=body("sessionToken", SECRET))
    expiration: int = field(metadata=body("expiration", INTEGER))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListAccountsOutput(Structure):
    """A page of accounts.

    Attributes:
        account_list: The accounts.
        next_token: Asks for the next page; None, or empty, on the last.
        metadata: Of the exchange.
    """

    account_list: tuple[AccountInfo, ...] = field(default=(), metadata=body("accountList", list_of(AccountInfo)))
    next_token: str | None = field(default=None, metadata=body("nextToken"))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ListAccountRolesOutput(Structure):
    """A page of the roles in an account.

    Attributes:
        role_list: The roles.
        next_token: Asks for the next page; None, or empty, on the last.
        metadata: Of the exchange.
    """

    role_list: tuple[RoleInfo, ...] = field(default=(), metadata=body("roleList", list_of(RoleInfo)))
    next_token: str | None = field(default=None, metadata=body("nextToken"))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GetRoleCredentialsOutput(Structure):
    """Keys for a role.

    Attributes:
        role_credentials: The keys.
        metadata: Of the exchange.
    """

    role_credentials: RoleCredentials = field(metadata=body("roleCredentials", structure(RoleCredentials)))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogoutOutput(Structure):
    """The session has ended.

    Attributes:
        metadata: Of the exchange.
    """

    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ListAccountsCommand(Command[ListAccountsOutput]):
    """Lists the accounts the user can reach.

    Attributes:
        access_token: The access token of the sign-in.
        max_results: The page's size, 1 to 100; the portal takes 20 if None.
        next_token: The token of the page before.
    """

    operation: ClassVar[Operation] = Operation(
        SERVICE, "ListAccounts", "GET", "/assignment/accounts", ListAccountsOutput
    )

    access_token: str = field(metadata=header(TOKEN_HEADER, SECRET))
    max_results: int | None = field(
        default=None, metadata=query("max_result", INTEGER, minimum=1, maximum=LARGEST_PAGE)
    )
    next_token: str | None = field(default=None, metadata=query("next_token"))


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ListAccountRolesCommand(Command[ListAccountRolesOutput]):
    """Lists the roles the user can take in an account.

    Attributes:
        access_token: The access token of the sign-in.
        account_id: The account's 12 digits, as text.
        max_results: The page's size, 1 to 100; the portal takes 20 if None.
        next_token: The token of the page before.
    """

    operation: ClassVar[Operation] = Operation(
        SERVICE, "ListAccountRoles", "GET", "/assignment/roles", ListAccountRolesOutput
    )

    access_token: str = field(metadata=header(TOKEN_HEADER, SECRET))
    account_id: str = field(metadata=query("account_id"))
    max_results: int | None = field(
        default=None, metadata=query("max_result", INTEGER, minimum=1, maximum=LARGEST_PAGE)
    )
    next_token: str | None = field(default=None, metadata=query("next_token"))


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class GetRoleCredentialsCommand(Command[GetRoleCredentialsOutput]):
    """Gets keys for a role.

    Attributes:
        access_token: The access token of the sign-in.
        account_id: The account's 12 digits, as text.
        role_name: The permission set's name, not the IAM role's.
    """

    operation: ClassVar[Operation] = Operation(
        SERVICE, "GetRoleCredentials", "GET", "/federation/credentials", GetRoleCredentialsOutput
    )

    access_token: str = field(metadata=header(TOKEN_HEADER, SECRET))
    account_id: str = field(metadata=query("account_id"))
    role_name: str = field(metadata=query("role_name"))


class _ForgetLocally:
    """The other half of a logout, on the command's own stack: what is stored here goes too."""

    def apply_to_stack(self, stack: MiddlewareStack) -> None:
        stack.add(self.middleware, name="localLogoutMiddleware", tags=["LOCAL_LOGOUT"], override=True)

    @staticmethod
    def middleware(next_handler: Handler, context: HandlerContext) -> Handler:  # noqa: ARG004 - a middleware's shape
        def handler(args: HandlerArguments) -> HandlerResult:
            try:
                result = next_handler(args)
            except UnauthorizedException:  # the session has ended already
                forget_locally(args.input.access_token)
                raise
            forget_locally(args.input.access_token)
            return result

        return handler


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LogoutCommand(Command[LogoutOutput]):
    """Ends the session at the service, then removes what is stored of it here and by the AWS CLI.

    Role credentials that were handed out work until they expire.

    Attributes:
        access_token: The access token of the sign-in.
    """

    operation: ClassVar[Operation] = Operation(SERVICE, "Logout", "POST", "/logout", LogoutOutput)

    access_token: str = field(metadata=header(TOKEN_HEADER, SECRET))

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        self.middleware_stack.use(_ForgetLocally())
