"""`SSOOIDC`: the API that issues access tokens, as the AWS SDK for JavaScript documents it.

    with SSOOIDC(region="eu-west-1") as oidc:
        registration = oidc.register_client(client_name="notebook", scopes=["sso:account:access"])
        device = oidc.start_device_authorization(
            client_id=registration.client_id, client_secret=registration.client_secret, start_url=start_url
        )
        print(device.verification_uri_complete)  # a person approves it; create_token is asked until then

CreateTokenWithIAM, which is signed with AWS keys, is not offered: it is for applications that have some already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.client.base import Client
from sso_magic.client.grants import GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.oidc_model import (
    AccessDeniedException,
    AuthorizationPendingException,
    CreateTokenCommand,
    CreateTokenOutput,
    ExpiredTokenException,
    InternalServerException,
    InvalidClientException,
    InvalidClientMetadataException,
    InvalidGrantException,
    InvalidRedirectUriException,
    InvalidRequestException,
    InvalidRequestRegionException,
    InvalidScopeException,
    RegisterClientCommand,
    RegisterClientOutput,
    SlowDownException,
    SSOOIDCServiceException,
    StartDeviceAuthorizationCommand,
    StartDeviceAuthorizationOutput,
    UnauthorizedClientException,
    UnsupportedGrantTypeException,
)
from sso_magic.client.options import options_of
from sso_magic.client.service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from sso_magic.client.options import SendOptions

__all__ = [
    "GRANT_AUTHORIZATION_CODE",
    "GRANT_DEVICE_CODE",
    "GRANT_REFRESH_TOKEN",
    "SSOOIDC",
    "AccessDeniedException",
    "AuthorizationPendingException",
    "CreateTokenCommand",
    "CreateTokenOutput",
    "ExpiredTokenException",
    "InternalServerException",
    "InvalidClientException",
    "InvalidClientMetadataException",
    "InvalidGrantException",
    "InvalidRedirectUriException",
    "InvalidRequestException",
    "InvalidRequestRegionException",
    "InvalidScopeException",
    "RegisterClientCommand",
    "RegisterClientOutput",
    "ResponseMetadata",
    "SSOOIDCClient",
    "SSOOIDCServiceException",
    "SlowDownException",
    "StartDeviceAuthorizationCommand",
    "StartDeviceAuthorizationOutput",
    "UnauthorizedClientException",
    "UnsupportedGrantTypeException",
]


class SSOOIDCClient(Client):
    """The client without methods for its operations: `send` and `submit` take its commands."""

    client_name = "SSOOIDCClient"
    service = Service(
        id="SSO OIDC",
        api_version="2019-06-10",
        endpoint_prefix="oidc",
        base_error=SSOOIDCServiceException,
        errors={
            kind.__name__: kind
            for kind in (
                AccessDeniedException,
                AuthorizationPendingException,
                ExpiredTokenException,
                InternalServerException,
                InvalidClientException,
                InvalidClientMetadataException,
                InvalidGrantException,
                InvalidRedirectUriException,
                InvalidRequestException,
                InvalidRequestRegionException,
                InvalidScopeException,
                SlowDownException,
                UnauthorizedClientException,
                UnsupportedGrantTypeException,
            )
        },
    )


class SSOOIDC(SSOOIDCClient):
    """The OIDC service's client with a method for each operation.

    Every method takes ``timeout`` (seconds, or a pair of them to connect and to answer, each attempt) and ``headers``,
    and raises what `Client.send` raises; the service's errors are `SSOOIDCServiceException` and its subclasses.
    """

    @options_of(Client.send)
    def register_client(
        self,
        *,
        client_name: str,
        client_type: str = "public",
        scopes: Sequence[str] | None = None,
        redirect_uris: Sequence[str] | None = None,
        grant_types: Sequence[str] | None = None,
        issuer_url: str | None = None,
        entitled_application_arn: str | None = None,
        **options: Unpack[SendOptions],
    ) -> RegisterClientOutput:
        """Register a client that can ask for tokens; arguments as in `RegisterClientCommand`."""
        command = RegisterClientCommand(
            client_name=client_name,
            client_type=client_type,
            scopes=scopes,
            redirect_uris=redirect_uris,
            grant_types=grant_types,
            issuer_url=issuer_url,
            entitled_application_arn=entitled_application_arn,
        )
        return self.send(command, **options)

    @options_of(Client.send)
    def start_device_authorization(
        self,
        *,
        client_id: str,
        client_secret: str,
        start_url: str,
        **options: Unpack[SendOptions],
    ) -> StartDeviceAuthorizationOutput:
        """Start a sign-in that a person approves; arguments as in `StartDeviceAuthorizationCommand`."""
        command = StartDeviceAuthorizationCommand(client_id=client_id, client_secret=client_secret, start_url=start_url)
        return self.send(command, **options)

    @options_of(Client.send)
    def create_token(  # noqa: PLR0913 - the operation's members
        self,
        *,
        client_id: str,
        client_secret: str,
        grant_type: str,
        device_code: str | None = None,
        code: str | None = None,
        refresh_token: str | None = None,
        redirect_uri: str | None = None,
        code_verifier: str | None = None,
        scope: Sequence[str] | None = None,
        **options: Unpack[SendOptions],
    ) -> CreateTokenOutput:
        """Ask for an access token; arguments as in `CreateTokenCommand`.

        Raises:
            AuthorizationPendingException: The person has not decided yet.
            SlowDownException: The calls come faster than the interval allows.
            AccessDeniedException: The person refused.
            ExpiredTokenException: The code has expired.
            InvalidGrantException: The code or refresh token is not valid, or no longer valid.
        """
        command = CreateTokenCommand(
            client_id=client_id,
            client_secret=client_secret,
            grant_type=grant_type,
            device_code=device_code,
            code=code,
            refresh_token=refresh_token,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
            scope=scope,
        )
        return self.send(command, **options)
