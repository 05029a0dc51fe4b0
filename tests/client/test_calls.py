"""Calls are sent, submitted, given options, made from many threads, and refused once the client is destroyed."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests
from requests.adapters import HTTPAdapter

from sso_magic.client.messages import HttpResponse
from sso_magic.errors import ClientError, ConfigError, ParamValidationError, ReadTimeoutError
from sso_magic.oidc import RegisterClientCommand
from sso_magic.portal import SSO, ListAccountRolesCommand, ListAccountsCommand, SSOClient, UnauthorizedException

TOKEN = "aoaPLANTEDaccessTOKEN"


def test_a_method_and_its_command_do_the_same(sso, service):
    service.plan(service.answer({"nextToken": "x"}))
    assert sso.list_accounts(access_token=TOKEN, max_results=5) == sso.send(
        ListAccountsCommand(access_token=TOKEN, max_results=5)
    )
    assert service.asked[0].target == service.asked[1].target


def test_the_client_without_methods_takes_the_same_commands(service):
    service.plan(service.answer({"nextToken": "x"}))
    with SSOClient(endpoint=service.url) as client:
        assert client.send(ListAccountsCommand(access_token=TOKEN)).next_token == "x"


def test_a_command_of_the_other_service_is_refused_for_it_would_carry_secrets_to_the_wrong_host(sso, service):
    command = RegisterClientCommand(client_name="n", client_type="public")
    with pytest.raises(ParamValidationError) as error:
        sso.send(command)
    assert str(error.value) == "RegisterClientCommand is a command of SSO OIDC; SSO sends those of SSO."
    assert service.asked == []


def test_a_command_can_be_sent_again(sso, service):
    command = ListAccountsCommand(access_token=TOKEN)
    sso.send(command)
    sso.send(command)
    assert len(service.asked) == 2


def test_submit_gives_a_future_of_the_output(sso, service):
    service.plan(service.answer({"nextToken": "x"}))
    future = sso.submit(ListAccountsCommand(access_token=TOKEN), headers={"x-team": "data"})
    assert isinstance(future, Future)
    assert future.result(timeout=60).next_token == "x"
    assert service.last.headers["x-team"] == "data"


def test_submit_gives_a_future_of_the_error(sso, service):
    service.plan(service.answer({"__type": "UnauthorizedException"}, status=401))
    assert isinstance(sso.submit(ListAccountsCommand(access_token=TOKEN)).exception(timeout=60), UnauthorizedException)


def test_a_callback_hears_of_the_end(sso):
    heard = threading.Event()
    sso.submit(ListAccountsCommand(access_token=TOKEN)).add_done_callback(lambda _future: heard.set())
    assert heard.wait(10)


def test_a_timeout_of_a_call_holds_for_that_call_alone(sso, service):
    release = threading.Event()
    service.plan(service.answer({}, wait=release))
    with pytest.raises(ReadTimeoutError):
        sso.list_accounts(access_token=TOKEN, timeout=(5, 0.05))
    release.set()
    service.plan(service.answer({}))
    assert sso.list_accounts(access_token=TOKEN).account_list == ()


def test_many_threads_get_each_their_own_answer(sso, service):
    def answer(asked):
        account = dict(asked.query)["account_id"]
        return service.answer({"roleList": [{"roleName": f"role-of-{account}", "accountId": account}]})

    service.take = answer
    try:
        with ThreadPoolExecutor(16) as pool:
            outputs = list(
                pool.map(lambda n: sso.list_account_roles(access_token=TOKEN, account_id=str(n)), range(200))
            )
    finally:
        del service.take
    assert [output.role_list[0].role_name for output in outputs] == [f"role-of-{n}" for n in range(200)]


def test_no_more_connections_are_open_than_the_pool_allows(service):
    with (
        SSO(endpoint=service.url, request_handler={"max_connections": 2}) as sso,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _n: sso.list_accounts(access_token=TOKEN), range(40)))
    assert len({asked.connection for asked in service.asked}) <= 2


def test_a_destroyed_client_refuses_and_says_so(service):
    sso = SSO(endpoint=service.url)
    sso.destroy()
    sso.destroy()
    for call in (sso.send, sso.submit):
        with pytest.raises(ClientError, match=r"^This SSO was destroyed; make a new one\.$"):
            call(ListAccountsCommand(access_token=TOKEN))
    assert service.asked == []


def test_leaving_the_with_block_destroys_the_client(service):
    with SSO(endpoint=service.url) as sso:
        pass
    with pytest.raises(ClientError):
        sso.list_accounts(access_token=TOKEN)


def test_destroying_ends_the_threads_of_submit(service):
    sso = SSO(endpoint=service.url)
    sso.submit(ListAccountsCommand(access_token=TOKEN)).result(timeout=60)
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("SSOClient")]
    assert workers
    sso.destroy()
    for worker in workers:
        worker.join(60)


class Recording(HTTPAdapter):
    """Notes what passes through it, and whether it was closed."""

    def __init__(self):
        super().__init__()
        self.sent = []
        self.closed = False

    def send(self, request, **settings):
        self.sent.append((request, settings))
        return super().send(request, **settings)

    def close(self):
        self.closed = True
        super().close()


def test_an_adapter_handed_in_carries_the_requests_and_stays_open(service):
    adapter = Recording()
    with SSO(endpoint=service.url, request_handler={"adapter": adapter}) as sso:
        sso.list_accounts(access_token=TOKEN)
    assert adapter.sent[0][0].url == f"{service.url}/assignment/accounts"
    assert not adapter.closed
    adapter.close()


def test_a_session_handed_in_carries_the_requests_with_its_own_settings_and_stays_open(service, tmp_path):
    (tmp_path / "cert").touch()
    heard = []
    adapter = Recording()
    session = requests.Session()
    session.mount("http://", adapter)
    session.verify, session.cert = "/its/bundle", str(tmp_path / "cert")
    session.hooks["response"].append(lambda response, **_settings: heard.append(response.status_code))
    with SSO(endpoint=service.url, request_handler={"session": session}) as sso:
        sso.list_accounts(access_token=TOKEN)
    assert heard == [200]
    settings = adapter.sent[0][1]
    assert (settings["verify"], settings["cert"]) == ("/its/bundle", str(tmp_path / "cert"))
    assert not adapter.closed
    session.close()


def test_a_session_and_an_adapter_are_one_too_many():
    with pytest.raises(ConfigError, match=r"^request_handler has a session and an adapter; give one of them"):
        SSO(
            endpoint="http://127.0.0.1:1",
            request_handler={"session": requests.Session(), "adapter": HTTPAdapter()},
        )


def test_a_handler_of_ones_own_sends_the_requests_and_stays_open():
    class Handler:
        closed = False
        seen = ()

        def handle(self, request, *, timeout=None):
            self.seen = (request.method, request.url, timeout)
            return HttpResponse(200, {"X-Amzn-RequestId": "r"}, b'{"nextToken": "x"}')

        def close(self):
            self.closed = True

    handler = Handler()
    with SSO(region="eu-west-1", request_handler=handler) as sso:
        output = sso.list_accounts(access_token=TOKEN, timeout=3)
    assert (output.next_token, output.metadata.request_id) == ("x", "r")
    assert handler.seen == ("GET", "https://portal.sso.eu-west-1.amazonaws.com/assignment/accounts", (3.0, 3.0))
    assert not handler.closed


if hasattr(os, "fork"):

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_forked_child_opens_a_connection_of_its_own(sso, service):
        """On a shared one it would read its parent's answers: the wrong account's."""
        sso.list_account_roles(access_token=TOKEN, account_id="1")
        child = os.fork()
        if child == 0:
            sso.list_account_roles(access_token=TOKEN, account_id="2")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        sso.list_account_roles(access_token=TOKEN, account_id="1")
        (of_parent,) = {asked.connection for asked in service.asked if ("account_id", "1") in asked.query}
        (of_child,) = {asked.connection for asked in service.asked if ("account_id", "2") in asked.query}
        assert of_parent != of_child


def test_a_client_says_where_it_sends():
    assert repr(SSO(region="eu-west-1")) == "<SSO https://portal.sso.eu-west-1.amazonaws.com>"


def test_a_command_is_its_own_input_and_shows_no_secret():
    command = ListAccountRolesCommand(access_token=TOKEN, account_id="1")
    assert command.input is command
    assert repr(command) == (
        "ListAccountRolesCommand(access_token='***', account_id='1', max_results=None, next_token=None)"
    )


if hasattr(signal, "pthread_kill"):

    def test_the_stop_button_ends_a_call_that_waits(service):
        release = threading.Event()
        service.plan(service.answer({}, wait=release))

        def press():
            while not service.asked:
                time.sleep(0.005)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        button = threading.Thread(target=press)
        with SSO(endpoint=service.url) as sso:
            button.start()
            with pytest.raises(KeyboardInterrupt):
                sso.list_accounts(access_token=TOKEN)
        assert not release.is_set()
        release.set()
        button.join()
