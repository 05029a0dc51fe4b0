"""Control over HTTP, as a test suite in another language uses it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sso_magic.__main__ import main
from sso_magic.local import LocalIdentityCenter
from sso_magic.local.knobs import knobs

PROD = "731659028443"


@pytest.fixture
def control(local, wire):
    """A client with the token."""

    def control(method, path, query=None, **fields):
        headers = {"Authorization": f"Bearer {local.control_token}"}
        return wire.call(method, f"/control/{path}", body=fields or None, headers=headers, query=query)

    return control


def paths(center):
    return [(path, method) for path, actions in center._control._actions.items() for method in actions]


def test_every_path_but_health_and_readiness_requires_the_token(local, wire):
    guarded = [(path, method) for path, method in paths(local) if path not in {"/control/health", "/control/ready"}]
    assert len(guarded) > 20
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": local.control_token}, {"Authorization": ""}):
        for path, method in guarded:
            answer = wire.call(method, path, body={"user": "alex"}, headers=wrong)
            assert (answer.status, answer.json["message"]) == (
                401,
                "The control token is missing or wrong. Send Authorization: Bearer TOKEN, as --json prints it.",
            )
    assert wire.get("/control/health").json == {"status": "ok"}
    assert wire.get("/control/ready").json == {"status": "ready"}
    assert local.sessions() == []


def test_a_page_of_another_site_can_use_none_of_it(local, wire):
    headers = {"Authorization": f"Bearer {local.control_token}", "Origin": "http://evil.example"}
    assert wire.call("POST", "/control/reset", headers=headers).status == 403
    form = {"Authorization": headers["Authorization"], "Content-Type": "text/plain"}
    assert wire.call("POST", "/control/users", body='{"name": "eve"}', headers=form).status == 415


def test_a_method_that_a_path_has_not_names_those_it_has(control):
    answer = control("PUT", "sessions")
    assert (answer.status, answer.json["message"]) == (405, "PUT is not allowed here. Use GET or POST or DELETE.")


@pytest.mark.parametrize("body", ["{", "[]", "1", "[" * 5000])
def test_what_is_no_json_object_is_said(local, wire, body):
    headers = {"Authorization": f"Bearer {local.control_token}", "Content-Type": "application/json"}
    answer = wire.call("POST", "/control/reset", body=body, headers=headers)
    assert (answer.status, answer.json["message"]) == (400, "The body is not a JSON object.")


def test_a_sign_in_is_seen_and_approved(local, wire, device, control):
    client, started = device
    [pending] = control("GET", "sign-ins").json
    assert (pending["user_code"], pending["decision"]) == (started["userCode"], "pending")
    approved = control("POST", "sign-ins/approve", user="sam", user_code=pending["user_code"]).json
    assert (approved["decision"], approved["user"]) == ("approved", "sam")
    assert wire.poll(client, started).status == 200
    assert control("GET", "sign-ins").json == []
    assert [session["user"] for session in control("GET", "sessions").json] == ["sam"]


def test_a_sign_in_is_denied_and_none_is_an_error(wire, device, control):
    client, started = device
    assert control("POST", "sign-ins/deny").json["decision"] == "denied"
    assert wire.poll(client, started).json["error"] == "access_denied"
    answer = control("POST", "sign-ins/approve")
    assert (answer.status, answer.json["message"]) == (404, "0 sign-ins are pending. Pending: none.")


def test_a_session_starts_with_what_the_aws_cli_would_store_and_ends(local, wire, control):
    first = control("POST", "sessions", user="sam").json
    second = control("POST", "sessions").json
    assert (first["user"], second["user"]) == ("sam", "alex")
    token = first["token"]
    assert token["startUrl"] == local.start_url
    assert {"accessToken", "expiresAt", "refreshToken", "clientId", "region"} <= set(token)
    assert wire.get("/assignment/accounts", token["accessToken"]).status == 200
    assert control("DELETE", "sessions", query={"id": str(first["id"])}).json == {"ended": [first["id"]]}
    assert wire.get("/assignment/accounts", token["accessToken"]).status == 401
    assert wire.get("/assignment/accounts", second["token"]["accessToken"]).status == 200
    assert control("DELETE", "sessions", id=first["id"]).status == 404
    assert control("DELETE", "sessions").json == {"ended": [second["id"]]}
    assert "refreshToken" not in control("POST", "sessions", refreshable=False).json["token"]
    assert control("POST", "sessions", refreshable="no").status == 400
    assert control("POST", "sessions", user="nobody").status == 404


def test_users_accounts_and_assignments_change_what_the_portal_shows(wire, control):
    assert control("POST", "users", name="kim", display_name="Kim Lee").json["email"] == "kim@example.com"
    assert control("POST", "accounts", id="111122223333", name="new").json["name"] == "new"
    assigned = control("POST", "assignments", user="kim", account="111122223333", roles=["ReadOnly", "Admin"])
    assert assigned.json == {"user": "kim", "account": "111122223333", "roles": ["ReadOnly", "Admin"]}
    token = control("POST", "sessions", user="kim").json["token"]["accessToken"]
    found = wire.get("/assignment/accounts", token).json["accountList"]
    assert [account["accountId"] for account in found] == ["111122223333"]
    control("DELETE", "assignments", user="kim", account="111122223333", roles=["Admin"])
    roles = wire.get("/assignment/roles", token, account_id="111122223333").json["roleList"]
    assert [role["roleName"] for role in roles] == ["ReadOnly"]
    assert {"user": "kim", "account": "111122223333", "roles": ["ReadOnly"]} in control("GET", "assignments").json
    assert control("DELETE", "accounts", id="111122223333").json == {"removed": "111122223333"}
    assert "111122223333" not in [account["id"] for account in control("GET", "accounts").json]
    assert control("GET", "users").json[-1]["name"] == "kim"


@pytest.mark.parametrize(
    ("method", "path", "fields", "status", "message"),
    [
        ("POST", "users", {}, 400, "name is missing."),
        ("POST", "users", {"name": 1}, 400, "name: text is expected, not 1."),
        ("POST", "accounts", {"id": "12"}, 400, "An account's id is 12 digits, as text, not '12'."),
        ("DELETE", "accounts", {"id": "999999999999"}, 404, "There is no account 999999999999."),
        ("POST", "assignments", {"user": "alex", "account": PROD}, 400, "roles is empty: name one or more."),
        ("POST", "assignments", {"user": "alex", "account": PROD, "roles": "x"}, 400, "roles: a list of names is exp"),
        ("POST", "assignments", {"user": "x", "account": PROD, "roles": ["x"]}, 404, "There is no user 'x' in this "),
        ("DELETE", "assignments", {"user": "x", "account": PROD}, 404, "There is no user 'x' in this organi"),
        ("PATCH", "knobs", {"pagesize": 1}, 400, "The local Identity Center has no setting pagesize. Did you mean"),
        ("PATCH", "knobs", {"page_size": 0}, 400, "page_size: a whole number from 1 to 100 is expected, not 0."),
        ("PUT", "faults", {}, 400, "faults: a list of rules is expected, such as "),
        ("PUT", "faults", {"faults": ["* kind=x"]}, 400, "fault: there is no kind 'x'."),
        ("PUT", "faults", {"faults": [{"every": "often"}]}, 400, "fault: every=often is not a whole number."),
        ("POST", "clock", {"advance": "soon"}, 400, "advance: a number of seconds is expected."),
        ("POST", "clock", {"advance": 1e300}, 400, "clock_offset: a number of seconds, a hundred years at most, is "),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(local, control, method, path, fields, status, message):
    def state():
        return local.organization.state, [getattr(local, knob.name) for knob in knobs()], len(local.faults)

    before = state()
    answer = control(method, path, **fields)
    assert answer.status == status
    assert answer.json["message"].startswith(message)
    assert state() == before


def test_knobs_are_set_all_or_none(local, control):
    assert control("PATCH", "knobs", page_size=5, throttle="20:40", auto_approve="sam").json["throttle"] == "20:40"
    assert (local.page_size, local.auto_approve) == (5, "sam")
    assert control("PATCH", "knobs", page_size=7, latency="never").status == 400
    assert control("GET", "knobs").json["page_size"] == 5
    assert control("PATCH", "knobs", page_size=7, auto_approve="nobody").status == 404
    assert local.page_size == 5


def test_faults_strike_and_spare_the_control(local, wire, control):
    rules = ["ListAccounts times=1 status=500", {"on": "*", "status": 503, "carried_out": True}]
    set_ = control("PUT", "faults", faults=rules).json["faults"]
    assert [fault["status"] for fault in set_] == [500, 503]
    token = local.access_token()
    assert [wire.get("/assignment/accounts", token).status for _ in range(2)] == [500, 503]
    assert control("GET", "faults").json["faults"][0]["hits"] == 1
    assert control("PUT", "faults", faults=[]).json == {"faults": []}
    assert wire.get("/assignment/accounts", token).status == 200


def test_the_clock_the_log_and_a_reset(local, wire, control):
    before = control("GET", "clock").json["now"]
    assert control("POST", "clock", advance=3600).json["offset"] == 3600
    assert control("GET", "clock").json["now"] >= before + 3600
    wire.get("/assignment/accounts", "aoa-planted")
    [record] = control("GET", "requests").json
    assert (record["operation"], record["status"]) == ("ListAccounts", 401)
    assert "planted" not in json.dumps(record)
    assert control("DELETE", "requests").json == {}
    assert control("GET", "requests").json == []
    control("POST", "sessions")
    assert control("POST", "reset").json == {}
    assert (local.clock_offset, local.sessions()) == (0, [])


def test_it_is_ready_when_aws_is_and_says_why_it_never_will_be(wire_to, monkeypatch, tmp_path):
    with LocalIdentityCenter() as center:
        assert wire_to(center.url).get("/control/ready").status in {200, 503}
        center.wait_until_ready()
        assert wire_to(center.url).get("/control/ready").json == {"status": "ready"}
    (tmp_path / "moto.py").write_text("raise ImportError('broken moto')")
    monkeypatch.syspath_prepend(tmp_path)
    with LocalIdentityCenter() as center:
        with pytest.raises(Exception, match="broken moto"):
            center.wait_until_ready()
        answer = wire_to(center.url).get("/control/ready")
        assert (answer.status, "broken moto" in answer.json["message"]) == (400, True)


def test_the_command_waits_until_it_is_ready(local, capsys):
    port = local.url.rpartition(":")[2]
    assert main(["local", "--wait", "--port", port]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_command_says_that_nothing_answers(unused_port, capsys):
    assert main(["local", "--wait", "0", "--port", str(unused_port)]) == 1
    assert capsys.readouterr().err == (
        f"sso-magic: No local Identity Center was ready on port {unused_port} within 0 s: nothing answers there.\n"
    )


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_json_prints_where_the_control_is_and_its_token(wire_to):
    command = [sys.executable, "-m", "sso_magic", "local", "--port", "0", "--no-aws", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        try:
            headers = {"Authorization": f"Bearer {told['control_token']}"}
            wire = wire_to(told["url"])
            assert told["control_url"] == f"{told['url']}/control"
            assert wire.call("GET", "/control/users", headers=headers).json[0]["name"] == "alex"
        finally:
            process.kill()
