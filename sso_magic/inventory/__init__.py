"""Accounts x roles at the scale of an organization: fetched at the pace the portal allows, cached, searched.

inventory     the one object that the rest of the package uses; cached: what the cache of a session holds
rate          how fast to ask: one pace for all workers, learned from the portal's refusals
calls         the calls a fetch makes of the portal, and what their errors mean to it
fetch         workers that page the accounts and ask for the roles of those already known
background    the refresh that nobody waits for
keeper        saves a fetch while it runs
progress      how far a fetch is
part          what is known so far, and what changed between two fetches
snapshot      what is known at one moment: accounts, roles, errors; its tables
store         the cache: one file a session
rows          an account; a role in it
records       one boto3 call as a DataFrame: all pages, with account and region in front
search        all words in any column, best first
search_index  the texts of the rows, and how well words match them
find          which account and which role a person means; suggestions: the line to type instead
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
