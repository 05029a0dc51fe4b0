"""Accounts x roles at the scale of an organization: fetched at the pace the portal allows, cached, searched.

rate        how fast to ask: one pace for all workers, learned from the portal's refusals
calls       the calls a fetch makes of the portal, and what their errors mean to it
fetch       workers that page the accounts and ask for the roles of those already known
background  the refresh that nobody waits for
keeper      saves a fetch while it runs
part        what is known so far, and what changed between two fetches
store       the cache: one file a session
rows        an account; a role in it
search_index  the texts of the rows, and how well words match them
snapshot    what is known at one moment: accounts, roles, errors; its tables
search      all words in any column, best first
find        which account and which role a person means
progress    how far a fetch is
inventory   the one object that the rest of the package uses
"""

from __future__ import annotations

from sso_magic.inventory.find import account_digits, find_account, find_role, nearest, nothing_contains
from sso_magic.inventory.inventory import Inventory
from sso_magic.inventory.progress import FetchState, Progress, TqdmProgress
from sso_magic.inventory.rows import Account, RoleAssignment
from sso_magic.inventory.search import search, search_accounts, search_frame
from sso_magic.inventory.snapshot import InventorySnapshot

__all__ = [
    "Account",
    "FetchState",
    "Inventory",
    "InventorySnapshot",
    "Progress",
    "RoleAssignment",
    "TqdmProgress",
    "account_digits",
    "find_account",
    "find_role",
    "nearest",
    "nothing_contains",
    "search",
    "search_accounts",
    "search_frame",
]
