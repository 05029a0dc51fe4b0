"""A list that never ends: it stops with an error at a bound, however the portal repeats itself."""

from __future__ import annotations

from itertools import count, islice
from types import SimpleNamespace

import pytest

from sso_magic import IdentityCenter, errors
from sso_magic.client import pagination
from sso_magic.inventory import calls, fetch
from sso_magic.portal import SSO, ListAccountsCommand


@pytest.fixture
def tokens(monkeypatch):
    """Makes every page of every list end in the next of these tokens."""

    def become(series) -> None:
        real = calls.accounts_page

        def page(client, token, next_token):
            return real(client, token, None)._replace(next_token=next(series))

        monkeypatch.setattr(calls, "accounts_page", page)

    return become


def test_an_inventory_stops_at_the_bound_where_every_page_has_a_new_token(signed_in, tokens, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_PAGES", 20)
    tokens(f"token {number}" for number in count())
    with pytest.raises(errors.InventoryError, match=r"more than 20 pages of one list"):
        IdentityCenter("corp").inventory(refresh=True)


def test_an_inventory_stops_where_tokens_go_round(signed_in, tokens):
    tokens(iter(["a", "b", "c", "a", "b", "c"]))
    with pytest.raises(errors.InventoryError, match=r"repeated next_token"):
        IdentityCenter("corp").inventory(refresh=True)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ((f"token {number}" for number in count()), r"with more than 5 pages\. Check the endpoint"),
        (iter(["a", "b", "a"]), r"with the token of an earlier page; the listing would never end"),
    ],
)
def test_a_paginator_stops(monkeypatch, series, message):
    monkeypatch.setattr(pagination, "MAX_PAGES", 5)
    client = SimpleNamespace(service=SSO.service, send=lambda _, **options: SimpleNamespace(next_token=next(series)))
    pages = pagination.paginate(client, ListAccountsCommand(access_token="x"), stop_on_same_token=False)
    with pytest.raises(errors.DeserializationError, match=message):
        list(islice(pages, 10))
