"""Every operation of both clients under every fault: its output, or the error that is promised, and nothing left open.

What such an error says, and that the other SDKs see it so too, is in tests/client and tests/contract.
"""

from __future__ import annotations

import pytest
from fault_bench import FAULTS, PROD

from sso_magic import errors, oidc, portal
from sso_magic.client.errors import ServiceException
from sso_magic.common.secret import Secret
from sso_magic.local import Fault

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("nothing_left")]

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
KEPT = []  # outputs and errors, as a notebook keeps the last ones, with whatever their causes hold
EMPTY = {"logout"}  # an answer without a body has no middle to break off in, and no member of a wrong type
OPERATIONS = (
    "list_accounts",
    "list_account_roles",
    "get_role_credentials",
    "logout",
    "register_client",
    "start_device_authorization",
    "create_token",
)


class Caller:
    """Makes calls that would succeed, but for the fault."""

    def __init__(self, center) -> None:
        self._center = center
        self._helper = oidc.SSOOIDC(region=center.region)

    def command(self, operation: str):
        """The operation with an input that the service takes once."""
        token = Secret(self._center.access_token())
        registered = self._helper.register_client(client_name="x", client_type="public")
        client = {"client_id": registered.client_id, "client_secret": registered.client_secret}
        start = oidc.StartDeviceAuthorizationCommand(start_url=self._center.start_url, **client)
        if operation == "create_token":
            code = self._helper.send(start).device_code
            return oidc.CreateTokenCommand(grant_type=DEVICE, device_code=code, **client)
        return {
            "list_accounts": portal.ListAccountsCommand(access_token=token),
            "list_account_roles": portal.ListAccountRolesCommand(access_token=token, account_id=PROD),
            "get_role_credentials": portal.GetRoleCredentialsCommand(
                access_token=token, account_id=PROD, role_name="ReadOnly"
            ),
            "logout": portal.LogoutCommand(access_token=token),
            "register_client": oidc.RegisterClientCommand(client_name="x", client_type="public"),
            "start_device_authorization": start,
        }[operation]

    def outcome(self, command, fault, *, submit: bool):
        """The output or the error, by a client that is closed again."""
        maker = portal.SSO if type(command).__module__.endswith("portal_model") else oidc.SSOOIDC
        self._center.faults.append(fault)
        patience = 0.1 if fault.kind == "stall" else 30
        try:
            with maker(
                region=self._center.region, max_attempts=1, request_handler={"request_timeout": patience}
            ) as client:
                return client.submit(command).result() if submit else client.send(command)
        except errors.SSOMagicError as error:
            return error
        finally:
            self._center.faults.clear()

    def close(self) -> None:
        self._helper.destroy()


@pytest.fixture
def caller(center):
    center.auto_approve = True
    one = Caller(center)
    yield one
    one.close()


def promised(fault: str, operation: str) -> type[Exception] | None:
    is_portal = OPERATIONS.index(operation) < 4
    if operation in EMPTY and fault in ("truncated", "wrong types"):
        return None
    if fault == "401" and is_portal:
        return portal.UnauthorizedException
    if FAULTS[fault].error is ServiceException or fault == "401":
        return portal.SSOServiceException if is_portal else oidc.SSOOIDCServiceException
    return FAULTS[fault].error


@pytest.mark.parametrize("fault", FAULTS)
def test_each_operation_has_its_output_or_the_error_that_is_promised(caller, fault):
    KEPT.clear()
    for operation in OPERATIONS:
        for submit in (False, True):
            came = caller.outcome(caller.command(operation), FAULTS[fault].fault, submit=submit)
            KEPT.append(came)
            kind = promised(fault, operation)
            assert isinstance(came, kind) if kind else not isinstance(came, Exception), (operation, submit, came)
            status = FAULTS[fault].fault.status
            assert status is None or came.metadata.http_status_code == status


def test_a_closed_client_has_no_connection_open_while_its_error_is_kept(center):
    """An error of urllib3 holds its pool, and that the connections of calls that went well."""
    KEPT.clear()
    command = portal.ListAccountsCommand(access_token=Secret(center.access_token()))
    center.faults.append(Fault("*", delay=0.1))
    with portal.SSO(region=center.region, max_attempts=1) as client:
        for call in [client.submit(command) for _ in range(3)]:  # each on a connection of its own
            call.result()
        center.faults[:] = [Fault("*", kind="stall")]
        with pytest.raises(errors.ReadTimeoutError) as caught:
            client.send(command, timeout=(5, 0.1))
    KEPT.append(caught.value)
