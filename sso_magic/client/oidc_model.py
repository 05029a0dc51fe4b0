"""The OIDC service's errors, structures and commands; import them from `sso_magic.oidc`."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - read by get_type_hints
from dataclasses import dataclass, field
from typing import ClassVar

from sso_magic.client.command import Command
from sso_magic.client.errors import ServiceException
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.client.service import Operation
from sso_magic.client.shapes import INTEGER, LIST_OF_TEXT, NUMBER, SECRET, TEXT, Structure, body
from sso_magic.common.secret import Secret  # noqa: TC001 - read by get_type_hints

SERVICE = "SSO OIDC"


class SSOOIDCServiceException(ServiceException):
    """Any error of the sign-in service that has no class of its own.

    Look at ``error`` and ``error_description``.

    Attributes:
        error: The short code of the OAuth standards, such as ``invalid_grant``; None if the answer had none.
        error_description: What the service says about it; None if nothing.
        reason: Why a key of AWS KMS could not be used; None otherwise.
    """

    service = SERVICE
    message_members = ("message", "Message", "error_description", "error")

    @property
    def error(self) -> str | None:
        """The short code of the OAuth standards."""
        return self._text("error")

    @property
    def error_description(self) -> str | None:
        """What the service says about it."""
        return self._text("error_description")

    @property
    def reason(self) -> str | None:
        """Why a key of AWS KMS could not be used."""
        return self._text("reason")

    def _text(self, member: str) -> str | None:
        value = self.members.get(member)
        return value if isinstance(value, str) else None


class AuthorizationPendingException(SSOOIDCServiceException):
    """400 ``authorization_pending``: the person has not decided yet.

    Ask again after the interval.
    """

    modelled_fault = "client"
    error_value = "authorization_pending"


class SlowDownException(SSOOIDCServiceException):
    """400 ``slow_down``: the token was asked for too often.

    Wait 5 seconds more between requests from now on.
    """

    modelled_fault = "client"
    error_value = "slow_down"


class AccessDeniedException(SSOOIDCServiceException):
    """400 ``access_denied``: the person denied the request.

    Start again, and approve.
    """

    modelled_fault = "client"
    error_value = "access_denied"


class ExpiredTokenException(SSOOIDCServiceException):
    """400 ``expired_token``: the code expired.

    Start again.
    """

    modelled_fault = "client"
    error_value = "expired_token"


class InvalidGrantException(SSOOIDCServiceException):
    """400 ``invalid_grant``: the code or refresh token is unknown, used or revoked.

    Sign in again.
    """

    modelled_fault = "client"
    error_value = "invalid_grant"


class InvalidClientException(SSOOIDCServiceException):
    """401 ``invalid_client``: the client registration is unknown or has expired.

    Register again; ``%sso_login`` does.
    """

    modelled_fault = "client"
    error_value = "invalid_client"


class InvalidClientMetadataException(SSOOIDCServiceException):
    """400 ``invalid_client_metadata``: a client with these properties cannot be registered.

    Correct name, type, scopes or grant types.
    """

    modelled_fault = "client"
    error_value = "invalid_client_metadata"


class InvalidRedirectUriException(SSOOIDCServiceException):
    """400 ``invalid_redirect_uri``: the redirect URI cannot be registered.

    Use one on loopback, such as ``http://127.0.0.1/oauth/callback``.
    """

    modelled_fault = "client"
    error_value = "invalid_redirect_uri"


class InvalidRequestException(SSOOIDCServiceException):
    """400 ``invalid_request``: a parameter is missing or not valid.

    Check start URL and region of the session: ``%sso_doctor`` does.
    """

    modelled_fault = "client"
    error_value = "invalid_request"


class InvalidRequestRegionException(SSOOIDCServiceException):
    """400 ``invalid_request`` of CreateTokenWithIAM: another region answers it.

    Ask ``region`` instead.

    Attributes:
        endpoint: That region's endpoint.
        region: That region.
    """

    modelled_fault = "client"

    @property
    def endpoint(self) -> str | None:
        """The endpoint to ask instead."""
        return self._text("endpoint")

    @property
    def region(self) -> str | None:
        """The region to ask instead."""
        return self._text("region")


class InvalidScopeException(SSOOIDCServiceException):
    """400 ``invalid_scope``: a scope is unknown or not allowed.

    Correct ``sso_registration_scopes``; ``sso:account:access`` is the usual one.
    """

    modelled_fault = "client"
    error_value = "invalid_scope"


class UnauthorizedClientException(SSOOIDCServiceException):
    """400 ``unauthorized_client``: the registration may not do this.

    Register again with the grant type that is used.
    """

    modelled_fault = "client"
    error_value = "unauthorized_client"


class UnsupportedGrantTypeException(SSOOIDCServiceException):
    """400 ``unsupported_grant_type``: the grant type is unknown, or not one of the registration's.

    If your company does not allow codes, sign in by ``%sso_login --browser``.
    """

    modelled_fault = "client"
    error_value = "unsupported_grant_type"


class InternalServerException(SSOOIDCServiceException):
    """500 ``server_error``: the service failed, after all retries.

    Try again later.
    """

    modelled_fault = "server"
    error_value = "server_error"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegisterClientOutput(Structure):
    """A registration: who asks for tokens.

    Attributes:
        client_id: Its id.
        client_secret: Its secret.
        client_id_issued_at: When it was made, in seconds since the Unix epoch.
        client_secret_expires_at: When it ends, in seconds since the Unix epoch.
        authorization_endpoint: Where a browser asks for a code; None unless the service says so.
        token_endpoint: Where a code is exchanged; None unless the service says so.
        metadata: Of the exchange.
    """

    client_id: str = field(metadata=body("clientId"))
    client_secret: Secret = field(metadata=body("clientSecret", SECRET))
    client_id_issued_at: int = field(metadata=body("clientIdIssuedAt", INTEGER))
    client_secret_expires_at: int = field(metadata=body("clientSecretExpiresAt", INTEGER))
    authorization_endpoint: str | None = field(default=None, metadata=body("authorizationEndpoint"))
    token_endpoint: str | None = field(default=None, metadata=body("tokenEndpoint"))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StartDeviceAuthorizationOutput(Structure):
    """A sign-in that a person can approve.

    Attributes:
        device_code: What `create_token` is asked with.
        user_code: What the person compares.
        verification_uri: Where the person enters it.
        verification_uri_complete: The same with the code in it.
        expires_in: Seconds until the code runs out.
        interval: Seconds between two polls, also a fraction; 5 if None (RFC 8628).
        metadata: Of the exchange.
    """

    device_code: Secret = field(metadata=body("deviceCode", SECRET))
    user_code: str = field(metadata=body("userCode"))
    verification_uri: str = field(metadata=body("verificationUri"))
    verification_uri_complete: str = field(metadata=body("verificationUriComplete"))
    expires_in: int = field(metadata=body("expiresIn", INTEGER))
    interval: float | None = field(default=None, metadata=body("interval", NUMBER))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CreateTokenOutput(Structure):
    """An access token.

    Attributes:
        access_token: The token that the portal takes.
        token_type: ``Bearer``.
        expires_in: Seconds until it expires.
        refresh_token: What gets the next one without a person; None if it cannot be refreshed.
        id_token: Not given by the service.
        metadata: Of the exchange.
    """

    access_token: Secret = field(metadata=body("accessToken", SECRET))
    token_type: str = field(metadata=body("tokenType"))
    expires_in: int = field(metadata=body("expiresIn", INTEGER))
    refresh_token: Secret | None = field(default=None, metadata=body("refreshToken", SECRET))
    id_token: Secret | None = field(default=None, metadata=body("idToken", SECRET))
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class RegisterClientCommand(Command[RegisterClientOutput]):
    """Registers who will ask for tokens.

    Attributes:
        client_name: What the person is shown.
        client_type: ``public``, the only one there is.
        scopes: What the tokens may be used for, such as ``sso:account:access``.
        redirect_uris: Where a browser may be sent back to.
        grant_types: How tokens may be asked for.
        issuer_url: The start URL.
        entitled_application_arn: The ARN of the application that asks.
    """

    operation: ClassVar[Operation] = Operation(
        SERVICE, "RegisterClient", "POST", "/client/register", RegisterClientOutput
    )

    client_name: str = field(metadata=body("clientName", TEXT))
    client_type: str = field(metadata=body("clientType", TEXT))
    scopes: Sequence[str] | None = field(default=None, metadata=body("scopes", LIST_OF_TEXT))
    redirect_uris: Sequence[str] | None = field(default=None, metadata=body("redirectUris", LIST_OF_TEXT))
    grant_types: Sequence[str] | None = field(default=None, metadata=body("grantTypes", LIST_OF_TEXT))
    issuer_url: str | None = field(default=None, metadata=body("issuerUrl", TEXT))
    entitled_application_arn: str | None = field(default=None, metadata=body("entitledApplicationArn", TEXT))


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class StartDeviceAuthorizationCommand(Command[StartDeviceAuthorizationOutput]):
    """Starts a sign-in that a person approves in any browser.

    Attributes:
        client_id: The registration's id.
        client_secret: The registration's secret.
        start_url: The access portal's URL.
    """

    operation: ClassVar[Operation] = Operation(
        SERVICE, "StartDeviceAuthorization", "POST", "/device_authorization", StartDeviceAuthorizationOutput
    )

    client_id: str = field(metadata=body("clientId", TEXT))
    client_secret: str = field(metadata=body("clientSecret", SECRET))
    start_url: str = field(metadata=body("startUrl", TEXT))


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class CreateTokenCommand(Command[CreateTokenOutput]):
    """Asks for an access token.

    Attributes:
        client_id: The registration's id.
        client_secret: The registration's secret.
        grant_type: `GRANT_DEVICE_CODE`, `GRANT_REFRESH_TOKEN` or `GRANT_AUTHORIZATION_CODE`.
        device_code: For the first: what `start_device_authorization` gave.
        code: For the third: what the browser brought back.
        refresh_token: For the second.
        redirect_uri: For the third: the one the browser was sent to, with its port.
        code_verifier: For the third: the PKCE verifier.
        scope: Has no effect at the service.
    """

    operation: ClassVar[Operation] = Operation(SERVICE, "CreateToken", "POST", "/token", CreateTokenOutput)

    client_id: str = field(metadata=body("clientId", TEXT))
    client_secret: str = field(metadata=body("clientSecret", SECRET))
    grant_type: str = field(metadata=body("grantType", TEXT))
    device_code: str | None = field(default=None, metadata=body("deviceCode", SECRET))
    code: str | None = field(default=None, metadata=body("code", SECRET))
    refresh_token: str | None = field(default=None, metadata=body("refreshToken", SECRET))
    redirect_uri: str | None = field(default=None, metadata=body("redirectUri", TEXT))
    code_verifier: str | None = field(default=None, metadata=body("codeVerifier", SECRET))
    scope: Sequence[str] | None = field(default=None, metadata=body("scope", LIST_OF_TEXT))
