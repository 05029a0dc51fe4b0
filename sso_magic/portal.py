"""`SSO`: the access portal's API, as the AWS SDK for JavaScript documents it.

    with SSO(region="eu-west-1") as sso:
        for page in sso.paginate_list_accounts(access_token=token):
            print([account.account_name for account in page.account_list])

| method | command | output | holds |
|---|---|---|---|
| `list_accounts` | `ListAccountsCommand` | `ListAccountsOutput` | `account_list` of `AccountInfo` |
| `list_account_roles` | `ListAccountRolesCommand` | `ListAccountRolesOutput` | `role_list` of `RoleInfo` |
| `get_role_credentials` | `GetRoleCredentialsCommand` | `GetRoleCredentialsOutput` | `RoleCredentials` |
| `logout` | `LogoutCommand` | `LogoutOutput` | |

The first two have paginators. Every operation needs the access token of a sign-in (`sso_magic.oidc`).

Errors are `SSOServiceException` and its subclasses: `InvalidRequestException` (400), `UnauthorizedException` (401),
`ResourceNotFoundException` (404), `TooManyRequestsException` (429). For a role that is not assigned (403) there is no
class: the exception's ``name`` is ``ForbiddenException``.

Names are AWS's by PEP 8; see https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/ and PROTOCOL.md 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.client.base import Client
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.options import options_of
from sso_magic.client.pagination import check_client, paginate
from sso_magic.client.portal_model import (
    AccountInfo,
    GetRoleCredentialsCommand,
    GetRoleCredentialsOutput,
    InvalidRequestException,
    ListAccountRolesCommand,
    ListAccountRolesOutput,
    ListAccountsCommand,
    ListAccountsOutput,
    LogoutCommand,
    LogoutOutput,
    ResourceNotFoundException,
    RoleCredentials,
    RoleInfo,
    SSOServiceException,
    TooManyRequestsException,
    UnauthorizedException,
)
from sso_magic.client.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from sso_magic.client.options import PaginateOptions, SendOptions

__all__ = [
    "SSO",
    "AccountInfo",
    "GetRoleCredentialsCommand",
    "GetRoleCredentialsOutput",
    "InvalidRequestException",
    "ListAccountRolesCommand",
    "ListAccountRolesOutput",
    "ListAccountsCommand",
    "ListAccountsOutput",
    "LogoutCommand",
    "LogoutOutput",
    "ResourceNotFoundException",
    "ResponseMetadata",
    "RoleCredentials",
    "RoleInfo",
    "SSOClient",
    "SSOServiceException",
    "TooManyRequestsException",
    "UnauthorizedException",
    "paginate_list_account_roles",
    "paginate_list_accounts",
]


class SSOClient(Client):
    """The client without methods for its operations: `send` and `submit` take its commands."""

    client_name = "SSOClient"
    service = Service(
        id="SSO",
        api_version="2019-06-10",
        endpoint_prefix="portal.sso",
        base_error=SSOServiceException,
        errors={
            kind.__name__: kind
            for kind in (
                InvalidRequestException,
                ResourceNotFoundException,
                TooManyRequestsException,
                UnauthorizedException,
            )
        },
    )


class SSO(SSOClient):
    """The portal's client with a method for each operation.

    Every method takes ``timeout`` (seconds, or a pair of them to connect and to answer, each attempt) and ``headers``,
    and raises what `Client.send` raises; the service's errors are `SSOServiceException` and its subclasses.
    """

    @options_of(Client.send)
    def list_accounts(
        self,
        *,
        access_token: str,
        max_results: int | None = None,
        next_token: str | None = None,
        **options: Unpack[SendOptions],
    ) -> ListAccountsOutput:
        """Return one page of the accounts that the user can reach; arguments as in `ListAccountsCommand`."""
        command = ListAccountsCommand(access_token=access_token, max_results=max_results, next_token=next_token)
        return self.send(command, **options)

    @options_of(Client.send)
    def list_account_roles(
        self,
        *,
        access_token: str,
        account_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        **options: Unpack[SendOptions],
    ) -> ListAccountRolesOutput:
        """Return one page of the user's roles in an account; arguments as in `ListAccountRolesCommand`."""
        command = ListAccountRolesCommand(
            access_token=access_token, account_id=account_id, max_results=max_results, next_token=next_token
        )
        return self.send(command, **options)

    @options_of(Client.send)
    def get_role_credentials(
        self, *, access_token: str, account_id: str, role_name: str, **options: Unpack[SendOptions]
    ) -> GetRoleCredentialsOutput:
        """Return keys for a role; arguments as in `GetRoleCredentialsCommand`.

        Raises:
            SSOServiceException: The role is not assigned; its ``name`` is ``ForbiddenException``.
        """
        command = GetRoleCredentialsCommand(access_token=access_token, account_id=account_id, role_name=role_name)
        return self.send(command, **options)

    @options_of(Client.send)
    def logout(self, *, access_token: str, **options: Unpack[SendOptions]) -> LogoutOutput:
        """End the session, at the service and on this machine; see `LogoutCommand`.

        Raises:
            CacheError: A stored token or credential could not be removed; the session has ended at the service.
        """
        return self.send(LogoutCommand(access_token=access_token), **options)

    @options_of(paginate)
    def paginate_list_accounts(
        self,
        *,
        access_token: str,
        max_results: int | None = None,
        next_token: str | None = None,
        **options: Unpack[PaginateOptions],
    ) -> Iterator[ListAccountsOutput]:
        """Return every page of the accounts; arguments as in `list_accounts` and the function of this name."""
        command = ListAccountsCommand(access_token=access_token, max_results=max_results, next_token=next_token)
        return paginate_list_accounts(self, command, **options)

    @options_of(paginate)
    def paginate_list_account_roles(
        self,
        *,
        access_token: str,
        account_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        **options: Unpack[PaginateOptions],
    ) -> Iterator[ListAccountRolesOutput]:
        """Return every page of an account's roles; arguments as in `list_account_roles` and the function."""
        command = ListAccountRolesCommand(
            access_token=access_token, account_id=account_id, max_results=max_results, next_token=next_token
        )
        return paginate_list_account_roles(self, command, **options)


@options_of(paginate)
def paginate_list_accounts(
    client: SSOClient, command: ListAccountsCommand, **options: Unpack[PaginateOptions]
) -> Iterator[ListAccountsOutput]:
    """Return every page of the accounts, each a whole `ListAccountsOutput`.

    Args:
        client: Sends the requests.
        command: The first page's; it is not changed.
        options: ``page_size``: the pages' size if the command has no ``max_results``; ``starting_token``: where to
            start, wins over the command's ``next_token``; ``stop_on_same_token``: True if a token that comes twice in a
            row ends the listing instead of raising; ``timeout`` and ``headers`` of each call, as in `Client.send`.

    Raises:
        ConfigError: The client is one of another service.
        DeserializationError: The portal answered with a token that it has given before.
    """
    return paginate(check_client(client, SSOClient), command, **options)


@options_of(paginate)
def paginate_list_account_roles(
    client: SSOClient, command: ListAccountRolesCommand, **options: Unpack[PaginateOptions]
) -> Iterator[ListAccountRolesOutput]:
    """Return every page of an account's roles; arguments and errors as in `paginate_list_accounts`."""
    return paginate(check_client(client, SSOClient), command, **options)
