"""The client's own work is done by middlewares that anyone can see, and stand beside (PROTOCOL.md 10.2)."""

from __future__ import annotations

import pytest

from sso_magic.client.middleware import HandlerResult, after, before
from sso_magic.common.secret import Secret
from sso_magic.errors import ClientError, ConfigError, ConnectError
from sso_magic.portal import SSO, ListAccountsCommand, LogoutCommand, SSOServiceException

TOKEN = "aoaPLANTEDaccessTOKEN"

OF_THE_CLIENT = [
    "loggerMiddleware - initialize",
    "serializerMiddleware - serialize",
    "contentLengthMiddleware - build",
    "getUserAgentMiddleware - build",
    "hostHeaderMiddleware - build",
    "recursionDetectionMiddleware - build",
    "retryMiddleware - finalizeRequest",
    "httpSigningMiddleware (a.k.a. apiKeyMiddleware,tokenMiddleware,awsAuthMiddleware) - finalizeRequest",
    "deserializerMiddleware - deserialize",
]
OF_A_CALL = [
    OF_THE_CLIENT[0],
    "httpAuthSchemeMiddleware - serialize",
    "endpointV2Middleware - serialize",
    *OF_THE_CLIENT[1:],
]


def test_a_bare_client_lists_what_it_does_in_the_order_of_the_javascript_sdk(sso):
    assert sso.middleware_stack.identify() == OF_THE_CLIENT


def test_a_call_does_that_and_what_its_command_adds(sso, capsys):
    sso.middleware_stack.identify_on_resolve(toggle=True)
    sso.list_accounts(access_token=TOKEN)
    assert capsys.readouterr().err.splitlines() == OF_A_CALL


def test_a_logout_lists_its_local_half(sso, capsys):
    sso.middleware_stack.identify_on_resolve(toggle=True)
    sso.logout(access_token=TOKEN)
    assert "localLogoutMiddleware - initialize" in capsys.readouterr().err.splitlines()
    assert LogoutCommand(access_token=TOKEN).middleware_stack.identify() == ["localLogoutMiddleware - initialize"]


def test_three_lines_add_a_header(sso, service):
    def team(args, _context):
        args.request.headers["x-team"] = "data"

    sso.middleware_stack.add(before(team), step="build")
    sso.list_accounts(access_token=TOKEN)
    assert service.last.headers["x-team"] == "data"


def test_what_is_added_between_two_calls_serves_the_second(sso, service):
    sso.list_accounts(access_token=TOKEN)
    sso.middleware_stack.add(
        before(lambda args, _context: args.request.headers.update({"x-new": "1"})), step="build", name="new"
    )
    sso.list_accounts(access_token=TOKEN)
    sso.middleware_stack.remove("new")
    sso.list_accounts(access_token=TOKEN)
    assert [asked.headers.get("x-new") for asked in service.asked] == [None, "1", None]


def test_three_lines_count_calls(sso):
    counted = []

    def count(result, context):
        counted.append((context.client_name, context.command_name, result.output.metadata.attempts))

    sso.middleware_stack.add(after(count))
    sso.list_accounts(access_token=TOKEN)
    assert counted == [("SSOClient", "ListAccountsCommand", 1)]


def test_three_lines_plant_a_fault_that_is_retried_like_a_real_one(sso, service):
    faults = [ConnectError("planted")]

    def fault(_args, _context):
        if faults:
            raise faults.pop()

    sso.middleware_stack.add(before(fault), step="deserialize")
    assert sso.list_accounts(access_token=TOKEN).metadata.attempts == 2
    assert len(service.asked) == 1


def test_what_stands_inside_the_retry_runs_once_an_attempt_and_what_stands_outside_once(sso, service):
    runs = []
    for step in ("initialize", "serialize", "build", "finalizeRequest", "deserialize"):
        sso.middleware_stack.add(before(lambda _args, _context, step=step: runs.append(step)), step=step)
    service.plan(service.answer({}, status=500), service.answer({}))
    sso.list_accounts(access_token=TOKEN)
    assert runs == [
        "initialize",
        "serialize",
        "build",
        "finalizeRequest",
        "deserialize",
        "finalizeRequest",
        "deserialize",
    ]


def test_a_middleware_may_answer_in_the_services_place(sso, service):
    def instead(_next_handler, _context):
        return lambda _args: HandlerResult(response=None, output="made up")

    sso.middleware_stack.add(instead, step="initialize")
    assert sso.list_accounts(access_token=TOKEN) == "made up"
    assert service.asked == []


def test_a_commands_own_middleware_serves_that_command_alone(sso, service):
    command = ListAccountsCommand(access_token=TOKEN)
    command.middleware_stack.add(
        before(lambda args, _context: args.request.headers.update({"x-once": "1"})), step="build"
    )
    sso.send(command)
    assert service.last.headers["x-once"] == "1"
    sso.send(command)
    assert service.last.headers["x-once"] == "1"
    sso.list_accounts(access_token=TOKEN)
    assert "x-once" not in service.last.headers


def test_what_is_removed_is_not_done(sso, service):
    sso.middleware_stack.remove("getUserAgentMiddleware")
    sso.middleware_stack.remove_by_tag("RETRY")
    sso.middleware_stack.remove_by_tag("HTTP_SIGNING")
    service.plan(service.answer({}, status=500))
    with pytest.raises(SSOServiceException):
        sso.list_accounts(access_token=TOKEN)
    assert len(service.asked) == 1
    assert not service.last.headers.get("user-agent", "").startswith("sso-magic/")


def test_without_its_serializer_a_client_says_what_is_missing(sso):
    sso.middleware_stack.remove("serializerMiddleware")
    with pytest.raises(
        ConfigError, match=r"^Middleware 'serializerMiddleware' is not there: 'endpointV2Middleware' is"
    ):
        sso.list_accounts(access_token=TOKEN)


def test_a_middleware_that_wants_the_request_too_early_is_told(sso):
    from sso_magic.client.builtin import host_header

    sso.middleware_stack.add(host_header, step="initialize")
    with pytest.raises(ClientError, match="There is no request yet: serializerMiddleware was removed, or comes after"):
        sso.list_accounts(access_token=TOKEN)


def test_a_middleware_that_takes_the_request_out_is_told(sso, service):
    def take(next_handler, context):
        def handler(args):
            args.request = None
            return next_handler(args)

        return handler

    sso.middleware_stack.add(take, step="deserialize", priority="low")
    with pytest.raises(ClientError) as caught:
        sso.list_accounts(access_token=TOKEN)
    assert str(caught.value) == (
        "There is no request to send: a middleware has taken it out. Leave args.request in its place."
    )
    assert service.asked == []


class Log:
    def __init__(self):
        self.records = []

    def info(self, record):
        self.records.append(("info", record))

    def error(self, record):
        self.records.append(("error", record))


def test_a_logger_is_told_how_each_call_went(service):
    log = Log()
    service.plan(
        service.answer({"nextToken": "x"}, headers={"x-amzn-requestid": "r1"}),
        service.answer({"message": "no", "__type": "UnauthorizedException"}, status=401),
    )
    with SSO(endpoint=service.url, logger=log) as sso:
        sso.list_accounts(access_token=TOKEN)
        with pytest.raises(SSOServiceException) as error:
            sso.list_accounts(access_token=TOKEN)
    (info, said), (failure, also_said) = log.records
    assert (info, failure) == ("info", "error")
    assert (said["client_name"], said["command_name"]) == ("SSOClient", "ListAccountsCommand")
    assert said["input"].access_token == TOKEN
    assert (said["output"].next_token, said["metadata"].request_id) == ("x", "r1")
    assert also_said["error"] is error.value
    assert also_said["metadata"].http_status_code == 401
    assert TOKEN not in repr(log.records)


def test_a_logger_of_logging_will_do_and_shows_no_secret(service, caplog):
    import logging

    logger = logging.getLogger("sso")
    keys = {"accessKeyId": "ASIA1", "secretAccessKey": "PLANTEDkey", "sessionToken": "PLANTEDtoken", "expiration": 1}
    service.plan(service.answer({"roleCredentials": keys}))
    with caplog.at_level(logging.INFO, "sso"), SSO(endpoint=service.url, logger=logger) as sso:
        output = sso.get_role_credentials(access_token=Secret(TOKEN), account_id="1", role_name="r")
    assert output.role_credentials.secret_access_key.reveal() == "PLANTEDkey"
    assert "GetRoleCredentialsCommand" in caplog.text
    assert "PLANTED" not in caplog.text
