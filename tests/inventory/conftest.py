"""A portal that a test writes itself, an Identity Center of this machine without AWS behind it, and an inventory."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from sso_magic.client.errors import ServiceException
from sso_magic.client.metadata import ResponseMetadata
from sso_magic.common.secret import Secret
from sso_magic.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sso_magic.local import LocalIdentityCenter

TOKEN = Secret("aoa-planted-token")


def _refusal(status: int, message: str = "No access", name: str = "ForbiddenException") -> ServiceException:
    """What the portal answers when it does not do as asked."""
    return ServiceException(message, name=name, metadata=ResponseMetadata(http_status_code=status))


class FakePortal:
    """Answers the two lists from memory; `trouble` may raise before it does.

    Attributes:
        accounts: Id to (name, address, roles).
        calls: What was asked: ("accounts", token) or (account id, token).
        trouble: Called before each answer with what is asked and how many calls there were; raises, or lets it pass.
        most_at_once: How many calls were answered at the same time at most.
        page: Entries on a page.
    """

    def __init__(self, accounts: dict[str, tuple[str | None, str | None, Sequence[str]]]) -> None:
        self.accounts = accounts
        self.calls: list[tuple[str, str | None]] = []
        self.tokens: list[str] = []
        self.trouble: Callable[[str, int], None] = lambda asked, number: None
        self.page = 100
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def list_accounts(self, *, access_token, max_results, next_token=None):
        assert max_results == 100
        found = [
            SimpleNamespace(account_id=one, account_name=name, email_address=address)
            for one, (name, address, _) in self.accounts.items()
        ]
        part, token = self._answer("accounts", access_token, found, next_token)
        return SimpleNamespace(account_list=tuple(part), next_token=token)

    def list_account_roles(self, *, access_token, account_id, max_results, next_token=None):
        assert max_results == 100
        found = [SimpleNamespace(role_name=name, account_id=account_id) for name in self.accounts[account_id][2]]
        part, token = self._answer(account_id, access_token, found, next_token)
        return SimpleNamespace(role_list=tuple(part), next_token=token)

    def _answer(self, asked, access_token, found, next_token):
        with self._lock:
            self.calls.append((asked, next_token))
            self.tokens.append(access_token.reveal())
            number = len(self.calls)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.trouble(asked, number)
        finally:
            with self._lock:
                self._at_once -= 1
        start = int(next_token or 0)
        more = start + self.page < len(found)
        return found[start : start + self.page], str(start + self.page) if more else None

    def asked(self, what: str | None = None) -> int:
        """How many calls there were, of one kind or of all."""
        return sum(what in {None, asked} for asked, _ in self.calls)


def _organization(count: int, roles: Sequence[str] = ("Admin", "ReadOnly")) -> dict:
    """Accounts that look alike."""
    return {f"{n:012}": (f"team-{n}", f"team-{n}@example.com", roles) for n in range(1, count + 1)}


_keys = itertools.count()


def _inventory_of(portal, *, key: str | None = None, **settings) -> Inventory:
    """An inventory that asks this portal; each with a cache of its own unless they share a key."""

    def refused(_):
        raise AssertionError("nobody refused the token")

    settings.setdefault("access_token", lambda: TOKEN)
    settings.setdefault("reauthenticate", refused)
    return Inventory(key=key or f"session {next(_keys)}", client=lambda: portal, **settings)


@pytest.fixture
def refusal() -> Callable[..., ServiceException]:
    """Makes errors of the portal: ``refusal(403)``."""
    return _refusal


@pytest.fixture
def organization() -> Callable[..., dict]:
    """Makes accounts that look alike: ``organization(3, roles=["Admin"])``."""
    return _organization


@pytest.fixture
def fake_portal() -> Callable[..., FakePortal]:
    """Makes portals that a test writes itself."""
    return FakePortal


@pytest.fixture
def inventory_of() -> Callable[..., Inventory]:
    """Makes inventories that ask a portal."""
    return _inventory_of


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed calls are tried again at once."""
    monkeypatch.setattr("sso_magic.inventory.fetch.FIRST_DELAY", 0.001)


@pytest.fixture
def local(center_without_aws: LocalIdentityCenter) -> LocalIdentityCenter:
    """An Identity Center of this machine, as new."""
    center_without_aws.reset()
    return center_without_aws


@pytest.fixture
def local_inventory(local: LocalIdentityCenter) -> Iterator[Callable[..., Inventory]]:
    """Makes inventories that ask the Identity Center of this machine as its first user."""
    from sso_magic.portal import SSO

    with SSO(region=local.region, endpoint=local.url, max_attempts=1) as client:

        def make(**settings) -> Inventory:
            token = Secret(local.access_token())
            return _inventory_of(client, **{"access_token": lambda: token, **settings})

        yield make
