"""The role in use in this process: environment, renewal, endpoint, and the libraries that hold credentials.

kernel_role     `KERNEL`: the one object that magics, panel and `role.use()` call
use             one use of a role; layers: uses on top of one another, and the blocks that end them
use_stack       computes the new stack of uses; in_use: makes environment, libraries and renewal follow it
changes         the thread that makes the changes, one after another
renewal         a role's credentials, fetched again; renewal_thread: the thread that renews the role in use
endpoint        the credential endpoint on loopback, for ``--serve``
config_copies   the copies of the AWS files that child processes read; shield: what is left out of them
competing       what is reported of variables that were set after a switch and win over the role
chained         profiles whose role is assumed on top of other credentials
person          the user name that credentials were issued for
handover        credentials on their way to another process
tracked         the objects that Python's garbage collector tracks
libraries       what libraries keep, bound to one role; canary: the search for what still has an old role's keys
"""
