"""A user's script that calls everything there is; it is type-checked, not run (`test_public_names.py`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter

from sso_magic.client.adaptive import AdaptiveRetryStrategy, RateLimiter
from sso_magic.client.http import RequestsHandler
from sso_magic.client.messages import HttpRequest, HttpResponse
from sso_magic.client.middleware import Handler, HandlerArguments, HandlerContext, HandlerResult, after, before
from sso_magic.client.middleware_stack import MiddlewareStack
from sso_magic.client.retry import RetryToken, StandardRetryStrategy
from sso_magic.config.files import load_shared_config
from sso_magic.oidc import (
    GRANT_DEVICE_CODE,
    SSOOIDC,
    AuthorizationPendingException,
    CreateTokenCommand,
    CreateTokenOutput,
    RegisterClientCommand,
    SSOOIDCServiceException,
    StartDeviceAuthorizationCommand,
)
from sso_magic.portal import (
    SSO,
    AccountInfo,
    GetRoleCredentialsCommand,
    GetRoleCredentialsOutput,
    ListAccountRolesCommand,
    ListAccountsCommand,
    ListAccountsOutput,
    LogoutCommand,
    SSOClient,
    SSOServiceException,
    UnauthorizedException,
    paginate_list_account_roles,
    paginate_list_accounts,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sso_magic.client.messages import Timeout
    from sso_magic.common.secret import Secret


class Handing:
    """A request handler of one's own."""

    def handle(self, request: HttpRequest, *, timeout: Timeout | None = None) -> HttpResponse:
        return HttpResponse(200, {"x-url": request.url, "x-timeout": str(timeout)}, b"{}")

    def close(self) -> None:
        pass


class Never:
    """A retry strategy of one's own."""

    mode = "never"
    max_attempts = 1

    def acquire_initial_retry_token(self) -> RetryToken:
        return RetryToken()

    def refresh_retry_token_for_retry(self, token: RetryToken, error: BaseException) -> RetryToken | None:
        return None

    def record_success(self, token: RetryToken) -> None:
        pass


class Extension:
    """An extension of one's own."""

    def configure(self, configuration: object) -> None:
        pass


def configure() -> None:
    SSO(region="eu-west-1", endpoint=lambda: "https://x", profile="dev", max_attempts=lambda: 3, retry_mode="adaptive")
    SSO(region="eu-west-1", retry_strategy=StandardRetryStrategy(3, retry_throttles=False))
    SSO(region="eu-west-1", retry_strategy=AdaptiveRetryStrategy(limiter=RateLimiter()))
    SSO(region="eu-west-1", retry_strategy=Never(), extensions=[Extension()], request_handler=Handing())
    SSO(region="eu-west-1", request_handler={"connection_timeout": 3, "session": requests.Session()})
    SSO(region="eu-west-1", request_handler=RequestsHandler(adapter=HTTPAdapter(), max_connections=5))
    SSO(use_fips_endpoint=True, use_dualstack_endpoint=lambda: True, ignore_configured_endpoint_urls=True)
    SSO(ca_bundle="/x", proxies={"https": "http://x"}, logger=logging.getLogger(), custom_user_agent="a")
    SSO(user_agent_app_id="a", defaults_mode="standard", validate_parameters=False, environ={}, sleep=print)
    SSO(shared_config=load_shared_config({}))
    config = SSO(region="eu-west-1").config
    texts: list[str] = [config.endpoint, config.profile, config.retry_mode, config.sources["region"]]
    region: str | None = config.region
    attempts: int = config.max_attempts
    print(texts, region, attempts)


def ask(token: Secret) -> None:
    with SSO(region="eu-west-1") as sso:
        page: ListAccountsOutput = sso.list_accounts(access_token=token, max_results=100, timeout=5)
        account: AccountInfo = page.account_list[0]
        name: str | None = account.account_name
        identity: str = account.account_id
        more: str | None = page.next_token
        status: int | None = page.metadata.http_status_code
        for roles in sso.paginate_list_account_roles(access_token=token, account_id=identity, timeout=(1, 2)):
            print(name, more, status, roles.role_list[0].role_name, roles.role_list[0].account_id)
        for accounts in sso.paginate_list_accounts(access_token=token, page_size=100, headers={"x": "y"}):
            print(accounts.account_list)
        roles_page = sso.list_account_roles(access_token=token, account_id=identity)
        credentials = sso.get_role_credentials(access_token=token, account_id=identity, role_name="r").role_credentials
        secret: Secret = credentials.secret_access_key
        expiration: int = credentials.expiration
        future: Future[GetRoleCredentialsOutput] = sso.submit(
            GetRoleCredentialsCommand(access_token=token, account_id=identity, role_name="r")
        )
        print(roles_page, secret, credentials.session_token, credentials.access_key_id, expiration, future.result())
        sso.send(LogoutCommand(access_token=token)).metadata.attempts.bit_length()
        sso.logout(access_token=token)


def page(client: SSOClient, token: str) -> None:
    command = ListAccountsCommand(access_token=token).changed(max_results=5)
    print([each.metadata.request_id for each in paginate_list_accounts(client, command, starting_token="x")])
    roles = ListAccountRolesCommand(access_token=token, account_id="1")
    print([each.role_list for each in paginate_list_account_roles(client, roles, stop_on_same_token=True)])
    client.destroy()


def sign_in(start_url: str) -> CreateTokenOutput | None:
    with SSOOIDC(region="eu-west-1") as oidc:
        registration = oidc.register_client(client_name="n", scopes=["sso:account:access"])
        device = oidc.start_device_authorization(
            client_id=registration.client_id, client_secret=registration.client_secret, start_url=start_url
        )
        print(device.verification_uri_complete, device.interval or 5, registration.client_secret_expires_at + 1)
        oidc.submit(RegisterClientCommand(client_name="n", client_type="public")).result().client_id.upper()
        oidc.send(StartDeviceAuthorizationCommand(client_id="c", client_secret="s", start_url=start_url))
        oidc.send(CreateTokenCommand(client_id="c", client_secret="s", grant_type=GRANT_DEVICE_CODE))
        try:
            token = oidc.create_token(
                client_id=registration.client_id,
                client_secret=registration.client_secret,
                grant_type=GRANT_DEVICE_CODE,
                device_code=device.device_code,
            )
        except AuthorizationPendingException as pending:
            print(pending.error, pending.error_description, pending.reason)
            return None
        except SSOOIDCServiceException as error:
            print(error.name.upper(), error.metadata.attempts)
            raise
        refresh: Secret | None = token.refresh_token
        print(refresh, token.access_token, token.expires_in + 1, token.token_type.lower())
        return token


def watch(sso: SSO) -> None:
    def team(args: HandlerArguments, context: HandlerContext) -> None:
        if args.request is not None:
            args.request.headers["x-team"] = context.command_name

    def count(result: HandlerResult, context: HandlerContext) -> None:
        print(context.client_name, result.response.status_code)

    def by_hand(next_handler: Handler, context: HandlerContext) -> Handler:
        def handler(args: HandlerArguments) -> HandlerResult:
            context.values["seen"] = True
            return next_handler(args)

        return handler

    stack: MiddlewareStack = sso.middleware_stack
    stack.add(before(team), step="build", priority="high", name="team", tags=["X"])
    stack.add_relative_to(after(count), relation="before", to_middleware="retryMiddleware")
    stack.add(by_hand)
    stack.use(stack.clone())
    names: list[str] = stack.concat(MiddlewareStack()).identify()
    gone: bool = stack.remove("team") or stack.remove_by_tag("X") or stack.identify_on_resolve()
    print(names, gone)


def fail(sso: SSO, token: str) -> None:
    try:
        sso.list_accounts(access_token=token)
    except UnauthorizedException as error:
        words: list[str] = [error.name, error.message, error.fault, error.service]
        print(words, error.metadata.cf_id, error.members, error.response)
    except SSOServiceException as error:
        print(error.name == "ForbiddenException")
