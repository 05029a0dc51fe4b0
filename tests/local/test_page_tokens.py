"""Pages: their sizes, and tokens that are good for one user, one list and nothing else."""

from __future__ import annotations

import pytest

from sso_magic.local import Organization


@pytest.fixture
def big(local):
    """45 accounts with 45 roles each, for alex and, one fewer, for sam."""
    organization = Organization.generated(45, 45)
    organization.add_user("sam")
    for account in organization.accounts[:-1]:
        organization.assign("sam", account.id, *organization.roles_of("alex", account.id))
    local.organization = organization
    return local


def pages(wire, path, token, **query):
    found = [wire.get(path, token, **query).json]
    while found[-1]["nextToken"]:
        found.append(wire.get(path, token, **query, next_token=found[-1]["nextToken"]).json)
    return found


def test_a_page_has_20_entries_unless_asked_otherwise(big, wire):
    sizes = [len(page["accountList"]) for page in pages(wire, "/assignment/accounts", big.access_token())]
    assert sizes == [20, 20, 5]


def test_max_result_is_obeyed_up_to_100(big, wire):
    token = big.access_token()
    assert [len(p["accountList"]) for p in pages(wire, "/assignment/accounts", token, max_result="44")] == [44, 1]
    assert [len(p["accountList"]) for p in pages(wire, "/assignment/accounts", token, max_result="100")] == [45]


def test_the_default_page_size_is_a_knob(big, wire):
    big.page_size = 7
    account = big.organization.accounts[0].id
    sizes = [len(p["roleList"]) for p in pages(wire, "/assignment/roles", big.access_token(), account_id=account)]
    assert sizes == [7, 7, 7, 7, 7, 7, 3]


def test_all_pages_together_are_all_accounts_once(big, wire):
    found = [entry["accountId"] for page in pages(wire, "/assignment/accounts", big.access_token(), max_result="4")
             for entry in page["accountList"]]  # fmt: skip
    assert found == [account.id for account in big.organization.accounts]


def test_a_full_last_page_has_no_token(big, wire):
    big.page_size = 15
    assert pages(wire, "/assignment/accounts", big.access_token())[2]["nextToken"] is None


def test_tokens_have_every_character_that_a_query_must_encode(big, wire):
    token = wire.get("/assignment/accounts", big.access_token()).json["nextToken"]
    assert set("+/=&") <= set(token)


def test_a_client_that_does_not_encode_the_token_is_found_out(big, wire):
    access = big.access_token()
    token = wire.get("/assignment/accounts", access).json["nextToken"]
    assert wire.call("GET", f"/assignment/accounts?next_token={token}", token=access).status == 400


def test_an_empty_token_is_the_first_page(big, wire):
    token = big.access_token()
    assert wire.get("/assignment/accounts", token, next_token="").json == wire.get("/assignment/accounts", token).json


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        lambda token: token.replace("+/MjA=", "+/NDA="),  # 20 -> 40 under the seal of 20
        lambda token: "x" + token,
        lambda token: token + "x",
        lambda _: "20",
        lambda _: "+/!!=&",
        lambda _: "ü",
    ],
)
def test_a_tampered_token_is_400(big, wire, change):
    access = big.access_token()
    token = wire.get("/assignment/accounts", access).json["nextToken"]
    assert change(token) != token
    answer = wire.get("/assignment/accounts", access, next_token=change(token))
    assert (answer.status, answer.error) == (400, "InvalidRequestException")
    assert answer.json["message"] == "Invalid next token"


def test_a_token_of_another_user_is_400(big, wire):
    token = wire.get("/assignment/accounts", big.access_token("alex")).json["nextToken"]
    assert wire.get("/assignment/accounts", big.access_token("sam"), next_token=token).status == 400


def test_a_token_of_another_account_or_operation_is_400(big, wire):
    access = big.access_token()
    one, other = (account.id for account in big.organization.accounts[:2])
    token = wire.get("/assignment/roles", access, account_id=one).json["nextToken"]
    assert wire.get("/assignment/roles", access, account_id=one, next_token=token).status == 200
    assert wire.get("/assignment/roles", access, account_id=other, next_token=token).status == 400
    assert wire.get("/assignment/accounts", access, next_token=token).status == 400


def test_a_token_of_one_page_size_goes_on_with_another(big, wire):
    access = big.access_token()
    token = wire.get("/assignment/accounts", access, max_result="10").json["nextToken"]
    assert len(wire.get("/assignment/accounts", access, max_result="100", next_token=token).json["accountList"]) == 35
