"""One cell or function, many accounts: ``%%sso_each`` and ``center.each(function, role, ...)``.

run          the run: selection, crew, venue, tables
accounts     which accounts
regions      which regions of them; enabled_regions: the cache of what accounts have enabled
guard        the question before an administrator's cell in production
center       what a run needs of an Identity Center, as a Protocol
leases       the accounts' role credentials, fetched at the pace that the portal allows
crew         threads that do one account after another, and can be stopped
site         what a run has open, closed together; stopping: how a call on another thread is ended
cell, work   a cell or a function, read once, and how it gets into another process
traps        names in a cell that would find the notebook's own session in every account
here         what the work has in one account: account, credentials, session
task         one account's run: its value or its error, and what it printed
output       what tasks print, collected for each; progress: a bar, and these lines
table        the results in one DataFrame, the errors in a second
saved        the results in a Parquet file, kept as they come, and the rest of an earlier run
places       where the work is done
    venues       threads, and any executor
    processes    processes that a run starts; child: what runs in them
    dask         a Dask cluster
    remote       what runs in another process, of any kind
    socket       how processes on this machine ask for credentials; `sso_magic.kernel.handover` is what they get
"""

from __future__ import annotations

from sso_magic.each.here import EachAccount, Here
from sso_magic.each.run import each
from sso_magic.each.table import errors_frame

__all__ = ["EachAccount", "Here", "each", "errors_frame"]
