"""What AWS libraries in this process keep for themselves, and how it is kept bound to one role.

Changing the environment is not enough to switch: libraries read it once and keep what they found, or read it again
later. Without the bindings, a client made under role A would become B: botocore reads the environment again near the
end of its credentials (PROTOCOL.md 7.3), pyarrow at every request, polars when its cached credentials end. Each module
here says what its library does, as measured, and binds what is made while a role is in use to that role, where it is
made. Credentials that renew automatically come from a `RenewingRole`, which cannot change its role.

The modules' texts call two roles A and B, used in this order. "The switch's line" is what ``%sso_use`` shows: the role
in use, and what still uses another one, as each binding's `holders` reports it.

    bindings.py   all bindings together: installed, switched, asked what still uses another role
    boto.py       botocore, boto3, and whatever is built on them
    aio.py        aiobotocore
    boto_default.py  boto3's default session
    boto_session.py  boto3 sessions of one role, which this package makes
    clients.py    a library's cached client made again for another role
    assume.py     botocore's way to assume the roles of a chain of profiles
    s3.py         s3fs
    arrow.py      pyarrow's own S3 filesystem
    arrow_filesystems.py  pyarrow's filesystems of a role: with its keys, or with keys that they get at first use
    reference.py  a role by its name, which pickled objects carry
    polar.py      polars
    duck.py       DuckDB
    daft_config.py  Daft
    ice.py        Icechunk
    crt.py        awscrt
    tasks.py      the task of %%sso_each that looks up credentials
    starts.py     threads and child processes of a task
    stores.py     fsspec's cache of instances, polars' queries and deltalake's tables in a task
    refused.py    DuckDB and obstore, which raise in a task
    names.py      what refers to a class or a function, found in one search for all libraries
    owned.py      objects that look up credentials at each call: anthropic, MLflow, PyIceberg, MinIO, process pools
    owner.py      the role as which a method of such an object runs
    unowned.py    sessions that this package makes for its own calls, which belong to no role and are not named
    host.py       the role in use, as the bindings see it
    registry.py   which binding each library has
    forget.py     caches of any library that are emptied at a switch
    logs.py       botocore's debug log, without keys
    imports.py    a library that is imported only after a role is in use
    alive.py      objects that are remembered only as long as other code holds them

Outside of tasks Rust's object_store (deltalake) needs nothing: it reads the environment once, when the object is made.

The hooks go in at the first use of a role in a process and stay, doing nothing while no role is in use, until the
extension is unloaded: taking them out and in with each role would leave a moment, each time, in which another thread
could read half of one role's variables and half of another's. Hooks that only tasks of ``%%sso_each`` on threads need
go in at the first such run, and stay too.
"""
