"""Each kind of fault as a client meets it, and which calls it strikes."""

from __future__ import annotations

import http.client
import json
import zlib

import pytest

from sso_magic.local import Fault
from sso_magic.local.errors import KnobError
from sso_magic.local.faults import KINDS, Faults

LIST = "/assignment/accounts"


@pytest.fixture
def call(local, wire):
    """Lists the accounts once, with a fault in the way."""

    def call(**fault):
        local.faults = [Fault("ListAccounts", **fault)]
        return wire.get(LIST, local.access_token())

    return call


def test_an_error_of_the_portal_has_its_shape(call):
    answer = call(status=429)
    assert (answer.status, answer.error) == (429, "TooManyRequestsException")
    assert answer.json == {
        "message": "injected fault",
        "__type": "com.amazonaws.switchboard.portal#TooManyRequestsException",
    }


def test_an_error_can_be_any(call):
    answer = call(status=503, error="ServiceUnavailableException", message="later")
    assert (answer.status, answer.error, answer.json["message"]) == (503, "ServiceUnavailableException", "later")


def test_an_error_without_a_status_has_the_one_of_its_name(call):
    assert call(error="ForbiddenException").status == 403
    assert call(kind="error").status == 500


def test_an_error_of_oidc_has_its_shape(local, wire):
    local.faults = [Fault("RegisterClient", error="SlowDownException"), Fault("CreateToken", status=500)]
    answer = wire.post("/client/register", clientName="x", clientType="public")
    assert (answer.status, answer.error, answer.json["error"]) == (400, "SlowDownException", "slow_down")
    answer = wire.post("/token")
    assert (answer.status, answer.error, answer.json["error"]) == (500, "InternalServerException", "server_error")


def test_a_body_of_ones_own_is_html_if_it_looks_like_it(call):
    answer = call(body="<html>503 from a proxy</html>", status=503)
    assert (answer.status, answer.text) == (503, "<html>503 from a proxy</html>")
    assert answer.headers["content-type"].startswith("text/html")
    assert call(body="{}").headers["content-type"] == "application/json"
    assert call(body="x", content_type="text/csv").headers["content-type"] == "text/csv"


def test_a_late_answer_is_the_right_one(call):
    assert call(delay=0.01).json["accountList"]


@pytest.mark.parametrize("kind", ["drop", "stall"])
def test_no_answer_before_the_connection_closes(call, kind):
    with pytest.raises(http.client.RemoteDisconnected):
        call(kind=kind, delay=0.01)


def test_a_stalled_client_may_leave_first(local, wire):
    local.faults = ["ListAccounts kind=stall"]
    wire.connection.timeout = 0.1
    with pytest.raises(TimeoutError):
        wire.get(LIST, local.access_token())
    local.faults.clear()
    assert wire.get(LIST, local.access_token()).status == 200


def test_a_reset_is_a_reset(call):
    with pytest.raises(ConnectionResetError) as caught:
        call(kind="reset")
    assert caught.type is ConnectionResetError  # and not RemoteDisconnected, which is one too


def test_a_truncated_body_ends_before_its_length(call):
    with pytest.raises(http.client.IncompleteRead) as caught:
        call(kind="truncate")
    assert caught.value.partial.startswith(b'{"nextToken":')
    assert caught.value.expected > 0


def test_a_body_can_be_reset_in_its_middle(call):
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        call(kind="truncate-reset")


def test_a_dripping_answer_is_whole_in_the_end(local, wire):
    local.faults = ["ListAccountRoles kind=drip delay=0.0001"]
    answer = wire.get("/assignment/roles", local.access_token(), account_id="034817265590")
    assert answer.json["roleList"] == [{"roleName": "ReadOnly", "accountId": "034817265590"}]


def test_an_oversized_body_has_the_size_asked_for(call):
    answer = call(kind="oversize", size=3_000_000)
    assert len(answer.body) == int(answer.headers["content-length"]) == 3_000_000
    assert list(answer.json) == ["padding"]


def test_bad_gzip_says_gzip_and_is_not(call):
    answer = call(kind="bad-gzip")
    assert answer.headers["content-encoding"] == "gzip"
    with pytest.raises(zlib.error):
        zlib.decompress(answer.body, 31)


def test_a_redirect_leads_where_it_is_told(call):
    answer = call(kind="redirect", location="http://127.0.0.1:9/elsewhere")
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")
    assert call(kind="redirect", status=307).status == 307


def test_wrong_types_keep_the_names(call):
    answer = call(kind="wrong-types").json
    assert set(answer) == {"nextToken", "accountList"}
    assert answer["nextToken"] == "soon"
    assert isinstance(answer["accountList"], dict)


def test_wrong_types_of_credentials(local, wire):
    local.faults = ["GetRoleCredentials kind=wrong-types"]
    answer = wire.get("/federation/credentials", local.access_token(), role_name="ReadOnly", account_id="034817265590")
    assert isinstance(answer.json["roleCredentials"], list)


def test_every_kind_is_tried_above():
    tried = {
        "error", "body", "delay", "drop", "stall", "reset", "truncate", "truncate-reset", "drip", "oversize",
        "bad-gzip", "redirect", "wrong-types",
    }  # fmt: skip
    assert tried == set(KINDS)


# ---- which calls ----


def hits(fault, calls, operation="ListAccounts", path=LIST):
    return [number for number in range(1, calls + 1) if fault.strikes(operation, path)]


def test_every_nth_call():
    assert hits(Fault(every=3), 9) == [3, 6, 9]


def test_the_next_n_calls():
    assert hits(Fault(times=2), 9) == [1, 2]


def test_every_nth_call_but_only_so_often():
    assert hits(Fault(every=2, times=2), 9) == [2, 4]


def test_a_probability_draws_the_same_from_the_same_seed():
    one, other = Fault(probability=0.5, seed=1), Fault(probability=0.5, seed=1)
    struck = hits(one, 200)
    assert struck == hits(other, 200)
    assert 50 < len(struck) < 150
    assert hits(Fault(probability=0.5, seed=2), 200) != struck
    assert hits(Fault(probability=0), 50) == []


@pytest.mark.parametrize("on", ["*", "ListAccounts", "List*", LIST, "/assignment/*"])
def test_it_strikes_by_operation_or_path(on):
    assert hits(Fault(on), 1) == [1]


@pytest.mark.parametrize("on", ["ListAccountRoles", "listaccounts", "/assignment/roles", ""])
def test_it_leaves_the_others_alone(on):
    assert hits(Fault(on), 1) == []


def test_the_first_rule_that_strikes_decides():
    rules = Faults([Fault(every=2, status=500), Fault(status=400)])
    assert [rules.strike("ListAccounts", LIST).status for _ in range(4)] == [400, 500, 400, 500]


def test_rules_can_be_changed_while_it_runs(local, wire):
    token = local.access_token()
    local.faults.append(Fault("ListAccounts", times=1, status=500))
    assert [wire.get(LIST, token).status for _ in range(2)] == [500, 200]
    assert local.faults[0].hits == 1
    local.faults.append(Fault(status=400))
    local.faults.clear()
    assert wire.get(LIST, token).status == 200


# ---- carried out or not ----


@pytest.mark.parametrize(("carried_out", "afterwards"), [(False, 200), (True, 401)])
def test_an_operation_whose_answer_is_lost_may_have_been_carried_out(local, wire, carried_out, afterwards):
    token = local.access_token()
    local.faults = [Fault("Logout", kind="reset", carried_out=carried_out)]
    with pytest.raises(ConnectionError):
        wire.call("POST", "/logout", token=token)
    assert wire.get(LIST, token).status == afterwards


def test_the_log_says_that_there_was_no_answer(local, wire):
    local.faults = ["ListAccounts kind=drop"]
    with pytest.raises(http.client.RemoteDisconnected):
        wire.get(LIST)
    assert local.requests.total("ListAccounts", 0) == 1


# ---- how they are written ----


def test_a_rule_in_one_line():
    written = Fault.parse(
        '/token every=7 times=2 probability=0.5 seed=3 status=503 message="try later" carried_out=yes'
    )
    assert written == Fault(
        "/token", every=7, times=2, probability=0.5, seed=3, status=503, message="try later", carried_out=True
    )
    assert Fault.parse("kind=reset") == Fault(kind="reset")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ListAccounts reset", "^fault: 'reset' is not one of body, carried_out, .*=VALUE.$"),
        ("ListAccounts sort=reset", "^fault: 'sort=reset' is not one of "),
        ("ListAccounts every=often", "^fault: every=often is not a whole number.$"),
        ("ListAccounts carried_out=perhaps", "^fault: carried_out=perhaps is not yes or no.$"),
        ("ListAccounts kind=explode", "^fault: there is no kind 'explode'. Kinds: error, body, "),
        ("ListAccounts every=0", "^fault: every is 1 or more, probability between 0 and 1.$"),
        ("ListAccounts probability=2", "^fault: every is 1 or more, probability between 0 and 1.$"),
        ('ListAccounts message="open', "^fault: No closing quotation in .*open.$"),
    ],
)
def test_a_rule_that_cannot_be_read_says_why(line, message):
    with pytest.raises(KnobError, match=message):
        Fault.parse(line)


def test_latency_is_before_every_answer(local, wire):
    local.latency = 0.01
    assert json.loads(wire.get(LIST, local.access_token()).body)["accountList"]
