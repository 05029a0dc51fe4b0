"""`SSO`: the access portal's API, as the AWS SDK for JavaScript documents it.

    with SSO(region="eu-west-1") as sso:
        for page in sso.paginate_list_accounts(access_token=token):
            print([account.account_name for account in page.account_list])

Four operations, each a method, a command and an output; every one needs the access token that a sign-in gives
(`sso_magic.oidc`). Names are AWS's by PEP 8; see https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.client.base import Client
from sso_magic.client.command import Service
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.pagination import check_client, first_page, paginate
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sso_magic.client.http import Timeout

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
    """The client by itself: `send` and `submit` take its commands."""

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
    """The portal's client with a method an operation.

    Every method takes ``timeout`` (seconds, or a pair of them to connect and to answer, each attempt) and ``headers``,
    and raises what `Client.send` raises; the service's errors are `SSOServiceException` and its subclasses.
    """

    def list_accounts(
        self,
        *,
        access_token: str,
        max_results: int | None = None,
        next_token: str | None = None,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ListAccountsOutput:
        """One page of the accounts the user can reach; arguments as in `ListAccountsCommand`."""
        command = ListAccountsCommand(access_token=access_token, max_results=max_results, next_token=next_token)
        return self.send(command, timeout=timeout, headers=headers)

    def list_account_roles(
        self,
        *,
        access_token: str,
        account_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ListAccountRolesOutput:
        """One page of the roles the user can take in an account; arguments as in `ListAccountRolesCommand`."""
        command = ListAccountRolesCommand(
            access_token=access_token, account_id=account_id, max_results=max_results, next_token=next_token
        )
        return self.send(command, timeout=timeout, headers=headers)

    def get_role_credentials(
        self,
        *,
        access_token: str,
        account_id: str,
        role_name: str,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> GetRoleCredentialsOutput:
        """Keys for a role; arguments as in `GetRoleCredentialsCommand`.

        A role that is not assigned is answered with `SSOServiceException` named ``ForbiddenException``.
        """
        command = GetRoleCredentialsCommand(access_token=access_token, account_id=account_id, role_name=role_name)
        return self.send(command, timeout=timeout, headers=headers)

    def logout(
        self,
        *,
        access_token: str,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> LogoutOutput:
        """Ends the session, at the service and here; see `LogoutCommand`.

        Raises:
            CacheError: a stored token or credential could not be removed; the session has ended all the same.
        """
        return self.send(LogoutCommand(access_token=access_token), timeout=timeout, headers=headers)

    def paginate_list_accounts(  # noqa: PLR0913 - the operation's members and the paginator's
        self,
        *,
        access_token: str,
        max_results: int | None = None,
        next_token: str | None = None,
        page_size: int | None = None,
        starting_token: str | None = None,
        stop_on_same_token: bool = False,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ListAccountsOutput]:
        """Every page of the accounts; arguments as in the function `paginate_list_accounts` and its command."""
        return paginate_list_accounts(
            self,
            ListAccountsCommand(access_token=access_token, max_results=max_results, next_token=next_token),
            page_size=page_size,
            starting_token=starting_token,
            stop_on_same_token=stop_on_same_token,
            timeout=timeout,
            headers=headers,
        )

    def paginate_list_account_roles(  # noqa: PLR0913 - the operation's members and the paginator's
        self,
        *,
        access_token: str,
        account_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        page_size: int | None = None,
        starting_token: str | None = None,
        stop_on_same_token: bool = False,
        timeout: float | Timeout | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ListAccountRolesOutput]:
        """Every page of an account's roles; arguments as in the function `paginate_list_account_roles`."""
        return paginate_list_account_roles(
            self,
            ListAccountRolesCommand(
                access_token=access_token, account_id=account_id, max_results=max_results, next_token=next_token
            ),
            page_size=page_size,
            starting_token=starting_token,
            stop_on_same_token=stop_on_same_token,
            timeout=timeout,
            headers=headers,
        )


def paginate_list_accounts(
    client: SSOClient,
    command: ListAccountsCommand,
    *,
    page_size: int | None = None,
    starting_token: str | None = None,
    stop_on_same_token: bool = False,
    timeout: float | Timeout | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[ListAccountsOutput]:
    """Every page of the accounts, each a whole `ListAccountsOutput`.

    Args:
        client: Sends the requests.
        command: The first page's; it is not changed.
        page_size: The pages' size if the command has no ``max_results``.
        starting_token: Where to start; wins over the command's ``next_token``.
        stop_on_same_token: Whether a token that comes twice in a row ends the listing instead of being an error.
        timeout: Of each call, as in `Client.send`.
        headers: Of each call, as in `Client.send`.

    Raises:
        ConfigError: the client is one of another service.
        DeserializationError: the portal answered the token it was asked with.
    """
    return paginate(
        check_client(client, SSOClient),
        first_page(command, page_size, starting_token),
        stop_on_same_token=stop_on_same_token,
        timeout=timeout,
        headers=headers,
    )


def paginate_list_account_roles(
    client: SSOClient,
    command: ListAccountRolesCommand,
    *,
    page_size: int | None = None,
    starting_token: str | None = None,
    stop_on_same_token: bool = False,
    timeout: float | Timeout | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[ListAccountRolesOutput]:
    """Every page of an account's roles; arguments and errors as in `paginate_list_accounts`."""
    return paginate(
        check_client(client, SSOClient),
        first_page(command, page_size, starting_token),
        stop_on_same_token=stop_on_same_token,
        timeout=timeout,
        headers=headers,
    )
