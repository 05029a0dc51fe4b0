"""A configuration file in an empty HOME, a session, and inventories to write profiles from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sso_magic.inventory import Account, InventorySnapshot
from sso_magic.signin.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CORP = Session("corp", "https://corp.awsapps.com/start", "eu-west-1", ("sso:account:access",))


@pytest.fixture
def corp() -> Session:
    return CORP


@pytest.fixture
def config(clean_environment: Path) -> Path:
    """Where the configuration file is; there is none yet."""
    return clean_environment / ".aws" / "config"


@pytest.fixture
def snapshot_of() -> Callable[..., InventorySnapshot]:
    """Makes whole inventories: ``snapshot_of(("111111111111", "prod", ["Admin"]))``."""

    def make(*accounts: tuple[str, str | None, list[str]], errors=None, complete=True) -> InventorySnapshot:
        return InventorySnapshot(
            accounts=tuple(Account(account_id, name, None) for account_id, name, _ in accounts),
            roles={account_id: tuple(roles) for account_id, _, roles in accounts if roles},
            errors=errors or {},
            complete=complete,
        )

    return make
