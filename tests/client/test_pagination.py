"""A listing is read page by page until its end (PROTOCOL.md 1.4)."""

from __future__ import annotations

import pytest

from sso_magic.errors import ConfigError, DeserializationError
from sso_magic.portal import (
    ListAccountRolesCommand,
    ListAccountsCommand,
    paginate_list_account_roles,
    paginate_list_accounts,
)

TOKEN = "aoaPLANTEDaccessTOKEN"


def plan_pages(service, *tokens):
    """Pages that end with these tokens, each with the account of its number."""
    service.plan(
        *(
            service.answer({"nextToken": token, "accountList": [{"accountId": str(number)}]})
            for number, token in enumerate(tokens)
        )
    )


def test_every_page_is_a_whole_output(sso, service):
    plan_pages(service, "t1", "t2", None)
    pages = list(sso.paginate_list_accounts(access_token=TOKEN, max_results=50))
    assert [account.account_id for page in pages for account in page.account_list] == ["0", "1", "2"]
    assert all(page.metadata.http_status_code == 200 for page in pages)
    assert [asked.query for asked in service.asked] == [
        [("max_result", "50")],
        [("max_result", "50"), ("next_token", "t1")],
        [("max_result", "50"), ("next_token", "t2")],
    ]


@pytest.mark.parametrize("end", [{}, {"nextToken": None}, {"nextToken": ""}])
def test_a_token_that_is_absent_null_or_empty_ends_it(sso, service, end):
    service.plan(service.answer(end))
    assert len(list(sso.paginate_list_accounts(access_token=TOKEN))) == 1


def test_an_empty_page_with_a_token_does_not_end_it(sso, service):
    service.plan(service.answer({"nextToken": "t1"}), service.answer({"accountList": [{"accountId": "1"}]}))
    assert len(list(sso.paginate_list_accounts(access_token=TOKEN))) == 2


def test_roles_are_listed_of_the_account_on_every_page(sso, service):
    service.plan(
        service.answer({"nextToken": "t1", "roleList": []}),
        service.answer({"roleList": [{"roleName": "Admin", "accountId": "000000000001"}]}),
    )
    pages = list(sso.paginate_list_account_roles(access_token=TOKEN, account_id="000000000001"))
    assert pages[1].role_list[0].role_name == "Admin"
    assert [asked.query for asked in service.asked] == [
        [("account_id", "000000000001")],
        [("account_id", "000000000001"), ("next_token", "t1")],
    ]


def test_pages_are_asked_for_only_when_they_are_wanted(sso, service):
    plan_pages(service, "t1", "t2", None)
    pages = sso.paginate_list_accounts(access_token=TOKEN)
    assert service.asked == []
    next(pages)
    assert len(service.asked) == 1


def test_the_page_size_holds_where_the_command_says_none(sso, service):
    list(paginate_list_accounts(sso, ListAccountsCommand(access_token=TOKEN), page_size=7))
    list(paginate_list_accounts(sso, ListAccountsCommand(access_token=TOKEN, max_results=5), page_size=7))
    assert [asked.query for asked in service.asked] == [[("max_result", "7")], [("max_result", "5")]]


def test_the_starting_token_wins_over_the_commands(sso, service):
    command = ListAccountRolesCommand(access_token=TOKEN, account_id="1", next_token="own")
    list(paginate_list_account_roles(sso, command, starting_token="start"))
    assert service.last.query == [("account_id", "1"), ("next_token", "start")]
    assert command.next_token == "own"


def test_the_command_is_not_changed(sso, service):
    plan_pages(service, "t1", None)
    command = ListAccountsCommand(access_token=TOKEN)
    list(paginate_list_accounts(sso, command))
    assert command == ListAccountsCommand(access_token=TOKEN)


def test_the_same_token_twice_is_an_error_for_it_would_go_on_forever(sso, service):
    """A choice of PROTOCOL.md 1.4."""
    plan_pages(service, "t1", "t1")
    pages = sso.paginate_list_accounts(access_token=TOKEN)
    next(pages)
    next(pages)
    with pytest.raises(
        DeserializationError,
        match=r"^SSO answered ListAccounts with the token of an earlier page; the listing would never end\. Try again",
    ):
        next(pages)


def test_the_same_token_twice_ends_it_where_that_was_asked_for(sso, service):
    plan_pages(service, "t1", "t1")
    assert len(list(sso.paginate_list_accounts(access_token=TOKEN, stop_on_same_token=True))) == 2


def test_options_hold_for_every_page(sso, service):
    plan_pages(service, "t1", None)
    list(sso.paginate_list_accounts(access_token=TOKEN, headers={"x-team": "data"}, timeout=5))
    assert [asked.headers["x-team"] for asked in service.asked] == ["data", "data"]


def test_a_client_of_another_service_is_refused(oidc):
    with pytest.raises(ConfigError, match=r"^The paginator needs an instance of SSOClient, not of SSOOIDC"):
        paginate_list_accounts(oidc, ListAccountsCommand(access_token=TOKEN))


def test_a_middleware_of_the_command_serves_every_page(sso, service):
    from sso_magic.client.middleware import before

    plan_pages(service, "t1", None)
    command = ListAccountsCommand(access_token=TOKEN)
    command.middleware_stack.add(before(lambda args, _c: args.request.headers.update({"x-own": "1"})), step="build")
    list(paginate_list_accounts(sso, command))
    assert [asked.headers.get("x-own") for asked in service.asked] == ["1", "1"]
