"""What every answer has: its headers, its length, a connection that stays open (PROTOCOL.md 13.1)."""

from __future__ import annotations

import email.utils
import socket
import uuid

import pytest

ANSWERS = {
    "success": lambda wire, local: wire.get("/assignment/accounts", local.access_token()),
    "empty success": lambda wire, local: wire.call("POST", "/logout", token=local.access_token()),
    "portal error": lambda wire, _: wire.get("/assignment/accounts"),
    "OIDC success": lambda wire, _: wire.post("/client/register", clientName="x", clientType="public"),
    "OIDC error": lambda wire, _: wire.post("/token"),
}


@pytest.fixture(params=ANSWERS)
def answer(request, wire, local):
    return ANSWERS[request.param](wire, local)


def test_every_answer_has_its_type_id_length_and_date(answer):
    assert answer.headers["content-type"] == "application/json"
    assert uuid.UUID(answer.headers["x-amzn-requestid"]).version == 4
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert email.utils.parsedate_to_datetime(answer.headers["date"]).tzinfo is not None


def test_only_errors_have_an_error_type(answer):
    assert ("x-amzn-errortype" in answer.headers) == (answer.status >= 400)


def test_each_request_has_an_id_of_its_own(wire):
    assert len({wire.get("/assignment/accounts").headers["x-amzn-requestid"] for _ in range(3)}) == 3


def test_the_connection_stays_open(wire):
    wire.get("/assignment/accounts")
    first = wire.connection.sock
    wire.post("/token")
    assert first is not None
    assert wire.connection.sock is first


def test_the_error_type_is_aws_name_and_url(wire):
    assert wire.get("/assignment/accounts").headers["x-amzn-errortype"] == (
        "UnauthorizedException:http://internal.amazon.com/coral/com.amazonaws.switchboard.portal/"
    )
    assert wire.post("/token").headers["x-amzn-errortype"] == (
        "InvalidRequestException:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"
    )


def test_an_oidc_error_has_neither_message_nor_type_in_its_body(wire):
    assert set(wire.post("/token").json) == {"error", "error_description"}


def test_the_date_is_that_of_its_own_clock(local, wire):
    local.clock_offset = 7200
    ahead = email.utils.parsedate_to_datetime(wire.get("/assignment/accounts").headers["date"]).timestamp()
    assert abs(ahead - local.clock.now()) <= 2


def test_head_has_headers_and_no_body(wire):
    answer = wire.call("HEAD", "/start")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_an_http_1_0_client_is_answered_and_let_go(local):
    with socket.create_connection(("127.0.0.1", int(local.url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(b"GET /assignment/accounts HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_body_beyond_all_reason_is_refused(wire):
    answer = wire.call("POST", "/token", headers={"Content-Length": "2000000"})
    assert answer.status == 400


def test_a_mistake_in_a_handler_is_a_500_and_not_the_end(local, wire, caplog):
    token = local.access_token()
    local.organization = None
    token = local.state.issue(
        next(iter([local.state.start_session("alex", local.state.register("x", (), (), ()), ())]))
    )
    answer = wire.get("/assignment/accounts", token.value)
    assert (answer.status, answer.json["message"]) == (500, "Internal error")
    assert "GET /assignment/accounts could not be answered" in caplog.text
    local.reset()
    assert wire.get("/assignment/accounts", local.access_token()).status == 200
