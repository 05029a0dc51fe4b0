"""The server of the credential endpoint, the console link and the sign-in callback under many connections."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from sso_magic.common import loopback
from sso_magic.common.loopback import LoopbackHandler, LoopbackServer
from sso_magic.common.secret import Secret
from sso_magic.kernel import endpoint as serve
from sso_magic.magics import console as console_link
from sso_magic.magics.console import OneTimeLink
from sso_magic.signin import browser

READERS = 64


class Echo(LoopbackHandler):
    """Answers with the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802 - http.server's name
        body = self.path.encode() if self.is_addressed() else b"not addressed"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    made = LoopbackServer(Echo, "echo")
    yield made
    made.stop()


def connect(server) -> socket.socket:
    return socket.create_connection(server.server_address, timeout=60)


def ask(server, path="/x", sock=None) -> bytes:
    own = sock or connect(server)
    own.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.authority}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(path.encode()):
        more = own.recv(4096)
        assert more, answer
        answer += more
    if sock is None:
        own.close()
    return answer


def test_the_three_servers_are_of_this_kind():
    assert all(issubclass(one, LoopbackServer) for one in (serve._Server, console_link.OneTimeLink, browser._Listener))


def test_readers_that_start_together_are_not_dropped_while_nothing_is_accepted(server, monkeypatch):
    go_on = threading.Event()
    real = LoopbackServer._accept
    monkeypatch.setattr(LoopbackServer, "_accept", lambda self: go_on.wait() and real(self))
    clients = []
    try:
        clients += [connect(server) for _ in range(READERS)]
    finally:
        go_on.set()
    for number, client in enumerate(clients):
        assert b"200 OK" in ask(server, f"/{number}", client)
        client.close()


READ_TOGETHER = """
import http.client, os, sys, threading
from urllib.parse import urlsplit
url = urlsplit(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
together = threading.Barrier(int(sys.argv[1]))
answers = []
def read():
    together.wait()
    try:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        connection.request("GET", url.path, headers={"Authorization": token})
        answers.append(b"ASIA" in connection.getresponse().read())
    except OSError as error:
        answers.append(error)
threads = [threading.Thread(target=read) for _ in range(int(sys.argv[1]))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert answers == [True] * len(threads), answers
"""


def test_as_many_readers_of_credentials_as_an_sdk_starts_are_answered_by_a_busy_kernel(kernel, role_a):
    kernel.use(role_a.use(serve=True))
    child = subprocess.Popen([sys.executable, "-c", READ_TOGETHER, str(READERS)], stderr=subprocess.PIPE, text=True)
    while child.poll() is None:
        sum(range(1000))
    assert child.returncode == 0, child.stderr.read()
    child.stderr.close()


def test_connections_that_ask_nothing_do_not_keep_others_out(server, monkeypatch):
    monkeypatch.setattr(loopback, "CONNECTIONS", 8)
    monkeypatch.setattr(loopback, "_IDLE", 0.2)
    idle = [connect(server) for _ in range(20)]
    assert b"200 OK" in ask(server)
    assert idle[0].recv(1) == b"", "the one that was idle for longest is closed"
    for one in idle:
        one.close()


@pytest.mark.parametrize("sent", [b"", b"GET /x HT", b"GET /x HTTP/1.1\r\nHost: 127", b"whole"])
def test_a_reader_that_vanishes_holds_no_thread_for_ever(monkeypatch, sent):
    monkeypatch.setattr(Echo, "timeout", 0.2)
    server = LoopbackServer(Echo, "vanished")
    try:
        with connect(server) as client:  # open for the whole test: the peer that vanished closes nothing
            if sent == b"whole":
                ask(server, sock=client)
            else:
                client.sendall(sent)
            assert client.recv(1) == b""
            for thread in threading.enumerate():
                if thread.name == "vanished connection":
                    thread.join(60)
                    assert not thread.is_alive()
    finally:
        server.stop()


@pytest.mark.parametrize("handler", [serve._Handler, console_link._Redirect, browser._Handler])
def test_the_three_servers_close_a_connection_that_asks_nothing(handler):
    assert 0 < handler.timeout <= 30


def test_there_are_no_more_threads_than_connections_allowed(server, monkeypatch):
    monkeypatch.setattr(loopback, "CONNECTIONS", 4)
    seen, go_on = [], threading.Event()
    four = threading.Semaphore(0)

    def answer(self):
        seen.append(self.path)
        four.release()
        go_on.wait()
        real(self)

    real = Echo.do_GET
    monkeypatch.setattr(Echo, "do_GET", answer)
    clients = [connect(server) for _ in range(10)]
    for number, client in enumerate(clients):
        client.sendall(f"GET /{number} HTTP/1.1\r\nHost: {server.authority}\r\nConnection: close\r\n\r\n".encode())
    for _ in range(4):
        assert four.acquire(timeout=60)
    assert len([one for one in threading.enumerate() if one.name == "echo connection"]) == 4
    assert len(seen) == 4
    go_on.set()
    for number, client in enumerate(clients):
        assert client.makefile("rb").read().endswith(f"/{number}".encode())
        client.close()


def test_a_connection_may_ask_again(server):
    with connect(server) as client:
        for path in ("/a", "/b"):
            assert b"200 OK" in ask(server, path, client)


@pytest.mark.parametrize(
    "hosts", [[], ["evil.example"], ["{}", "{}"], ["{}", "evil.example"], ["localhost"], ["{}."], [""]]
)
def test_a_request_must_name_the_server_once(server, hosts):
    lines = "".join(f"Host: {host.format(server.authority)}\r\n" for host in hosts)
    with connect(server) as client:
        client.sendall(f"GET http://{server.authority}/ HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        assert client.makefile("rb").read().endswith(b"not addressed")


def test_no_host_name_is_looked_up(monkeypatch):
    def refuse(*arguments):
        raise AssertionError(arguments)

    for name in ("getfqdn", "gethostbyaddr", "gethostname", "gethostbyname", "getnameinfo"):
        monkeypatch.setattr(socket, name, refuse)
    made = LoopbackServer(Echo, "echo")
    with socket.socket() as client:
        client.connect(made.server_address)
        assert b"200 OK" in ask(made, sock=client)
    made.stop()


def test_after_the_stop_the_port_and_idle_connections_are_closed(server):
    client = connect(server)
    ask(server, sock=client)
    server.stop()
    assert client.recv(1) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_the_system_may_refuse_a_thread(server, monkeypatch):
    real = threading.Thread.start
    refused = []

    def start(thread):
        if thread.name == "echo connection" and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with connect(server) as client:
        assert client.recv(1) == b""
    assert b"200 OK" in ask(server)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_keep_the_port_open(server):
    ours, theirs = socket.socketpair()
    with connect(server) as idle, ours, theirs:
        ask(server, sock=idle)
        child = os.fork()
        if child == 0:
            server.close_after_fork()
            ours.close()
            theirs.send(b"closed")
            theirs.recv(1)
            os._exit(0)
        theirs.close()
        assert ours.recv(6) == b"closed"
        server.stop()
        assert idle.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(server)
    assert os.waitpid(child, 0)[1] == 0


EXIT = """
import socket, time
from sso_magic.magics.console import OneTimeLink
from sso_magic.common.secret import Secret
link = OneTimeLink(Secret("https://x"))
socks = [socket.create_connection(link.server_address) for _ in range(5)]
socks[0].sendall(b"GET / HT")
"""


def test_open_connections_do_not_keep_a_process_from_ending():
    subprocess.run([sys.executable, "-c", EXIT], check=True, timeout=60)


def test_a_console_link_answers_although_another_connection_is_open(monkeypatch):
    link = OneTimeLink(Secret("http://127.0.0.1:9/federation?SigninToken=planted"))
    with connect(link):
        opener = urllib.request.build_opener(NoRedirect)
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(link.url, timeout=60)
    assert (caught.value.code, caught.value.headers["Location"][-7:]) == (302, "planted")
    caught.value.close()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def test_a_console_link_leads_on_for_one_of_those_who_ask_together():
    link = OneTimeLink(Secret("http://127.0.0.1:9/"))
    together = threading.Barrier(8)
    targets = []

    def take():
        together.wait()
        targets.append(link.take(link.path))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([target for target in targets if target is not None]) == 1
    link.end()
