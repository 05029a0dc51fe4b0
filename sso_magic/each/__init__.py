"""One cell or function, many accounts: ``%%sso_each`` and ``center.each(function, role, ...)``.

run          the run: selection, crew, venue, tables
accounts     which accounts
regions      which regions of them; enabled_regions: the cache of what accounts have enabled
guard        the question before an administrator's cell in production
center       what a run needs of an Identity Center, as a Protocol
leases       their role credentials, at the pace of the portal
crew         threads that do one account after another, and can be stopped
venues       where the work is done: threads, any executor
processes    processes of our own; child: what runs in them
cluster      a Dask cluster
cell, work   a cell or a function, read once, and how it gets into another process
traps        names in a cell that would find the notebook's own session in every account
here         what it has in one account: account, credentials, session
task         one account's run: its value or its error, and what it printed
remote       the far side, in another process
handover     role credentials on their way there; line: how they are asked for on this machine
table        the results in one DataFrame, the errors in a second
saved        the results in a Parquet file, kept as they come, and the rest of an earlier run
"""

from __future__ import annotations

from sso_magic.each.here import EachAccount, Here
from sso_magic.each.run import each
from sso_magic.each.table import errors_frame

__all__ = ["EachAccount", "Here", "each", "errors_frame"]
