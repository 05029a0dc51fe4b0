"""What is made or unpickled under a role asks for credentials when it is first used, and is of that role or of none."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest

from sso_magic.errors import ConnectError, SSOMagicError
from sso_magic.kernel.libraries import reference


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def s3fs_made():
    import s3fs

    return s3fs.S3FileSystem(skip_instance_cache=True)


def s3fs_cached():
    import s3fs

    return s3fs.S3FileSystem(client_kwargs={"region_name": "eu-west-1"})


def arrow_made():
    import pyarrow.fs

    return pyarrow.fs.S3FileSystem(region="eu-west-1")


def arrow_from_uri():
    import pyarrow.fs

    return pyarrow.fs.FileSystem.from_uri("s3://bucket/key?region=eu-west-1")[0]


def polars_made():
    from polars.io.cloud.credential_provider import _builder

    return _builder.DEFAULT_CREDENTIAL_PROVIDER


def session_made():
    import boto3

    return boto3.DEFAULT_SESSION or boto3.Session()


def client_made():
    import boto3

    return boto3.client("sts")


MAKERS = {
    maker.__name__: maker
    for maker in (s3fs_made, s3fs_cached, arrow_made, arrow_from_uri, polars_made, session_made, client_made)
}
PICKLED = {name: maker for name, maker in MAKERS.items() if name != "client_made"}


def key_of(made) -> str | None:
    """The key id that the object signs with, now."""
    from fsspec.asyn import sync

    kind = type(made).__name__
    if kind == "S3FileSystem" and hasattr(made, "connect"):
        made.connect()
        return sync(made.loop, made._s3._request_signer._credentials.get_frozen_credentials).access_key
    if kind == "LazyFileSystem":
        made = made.handler.filesystem()
    if kind in ("LazyFileSystem", "S3FileSystem"):
        from pyarrow._s3fs import S3FileSystem

        return S3FileSystem.__reduce__(made)[1][0]["access_key"]
    if kind == "RoleCredentialProvider":
        return made()[0]["aws_access_key_id"]
    if hasattr(made, "get_credentials"):
        return made.get_credentials().get_frozen_credentials().access_key
    return made._request_signer._credentials.get_frozen_credentials().access_key


@pytest.fixture
def libraries():
    """All of them, imported before a role is in use."""
    import boto3
    import polars as pl
    import pyarrow.fs
    import s3fs

    return boto3, pl, pyarrow.fs, s3fs


BY_KEYS_AND_ENDPOINT = [
    pytest.param(name, serve, id=f"{name}-{'endpoint' if serve else 'keys'}")
    for name in MAKERS
    for serve in (False, True)
]


@pytest.mark.parametrize(
    ("name", "serve"),
    # With the endpoint, botocore itself asks it when a client is made.
    [case for case in BY_KEYS_AND_ENDPOINT if case.values != ("client_made", True)],
)
def test_making_it_fetches_nothing_and_raises_nothing(kernel, role_a, libraries, name, serve):
    role_a.lifetime = -1
    role_a.failure = ConnectError("The portal cannot be reached.")
    kernel.use(role_a.use(serve=serve))
    kernel.current.role.get = lambda: pytest.fail("asked while it was made")
    made = MAKERS[name]()
    del kernel.current.role.get
    role_a.lifetime = 3600
    kernel.current.role.retry_now()
    with pytest.raises(SSOMagicError, match="The portal cannot be reached"):
        key_of(made)
    role_a.failure = None
    kernel.current.role._tried_at -= 100
    kernel.current.role.retry_now()
    assert key_of(made) == role_a.newest()[0]


def dumped(made) -> bytes:
    data = cloudpickle.dumps(made)
    assert b"ASIADEV" not in data
    assert b"secret-dev" not in data
    assert b"token-dev" not in data
    return data


@pytest.mark.parametrize(
    ("name", "serve"),
    # With the endpoint, pyarrow asks it in C++, where no test can look.
    [
        case
        for case in BY_KEYS_AND_ENDPOINT
        if case.values[0] in PICKLED and not (case.values[0].startswith("arrow") and case.values[1])
    ],
)
def test_unpickled_under_its_role_it_works(kernel, role_a, role_b, libraries, name, serve):
    kernel.use(role_a.use(serve=serve))
    kept = PICKLED[name]()
    data = dumped(kept)
    assert key_of(pickle.loads(data)) == role_a.newest()[0]
    kernel.use(role_b.use())
    assert key_of(pickle.loads(data)) == role_a.newest()[0]  # what is still here of the role keeps it alive


@pytest.mark.parametrize("name", PICKLED)
@pytest.mark.parametrize("there", ["nothing", "another role", "another role of the account", "own keys"])
def test_unpickled_elsewhere_it_raises_at_first_use_and_uses_no_other_keys(
    kernel, role_a, role_b, libraries, monkeypatch, name, there
):
    kernel.use(role_a.use())
    made = PICKLED[name]()
    identity = getattr(made, "_identity", None)
    data = dumped(made)
    kernel.release()
    kernel._roles.forget(None)  # as in a process that never had the role
    if identity is not None:
        from sso_magic.kernel.libraries import polar

        polar._providers.clear()
    if there == "another role":
        kernel.use(role_b.use())
    elif there == "another role of the account":
        role_b.account_id, role_b.name, role_b.role_name = role_a.account_id, role_a.name, "Admin"
        kernel.use(role_b.use())
    elif there == "own keys":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    read = pickle.loads(data)
    again = pickle.loads(pickle.dumps(read))
    for thing in (read, again):
        with pytest.raises(SSOMagicError) as caught:
            key_of(thing)
        assert str(caught.value) == (
            "This object was made for dev (111111111111) / ReadOnly, which is not in use in this process. Use that "
            "role here, or make the object again."
        )
    kernel.use(role_a.use())
    assert key_of(read) == role_a.newest()[0]


CHILD = """
import pickle, sys
sys.path.insert(0, sys.argv[2])
from tests.kernel.test_first_use import key_of
import os
made = pickle.load(open(sys.argv[1], "rb"))
print(key_of(made))
data = pickle.dumps(made)
assert b"secret" not in data
for name in [name for name in os.environ if name.startswith(("AWS_ACC", "AWS_SEC", "AWS_CONT"))]:
    del os.environ[name]
os.environ.update(AWS_ACCESS_KEY_ID="AKIAOWN", AWS_SECRET_ACCESS_KEY="x")
try:
    print(key_of(pickle.loads(data)))
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize("name", PICKLED)
@pytest.mark.parametrize("serve", [False, True], ids=["keys", "endpoint"])
def test_a_child_process_that_inherited_the_role_uses_it(kernel, role_a, libraries, tmp_path, name, serve):
    kernel.use(role_a.use(serve=serve))
    (tmp_path / "made").write_bytes(dumped(PICKLED[name]()))
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(tmp_path / "made"), str(Path.cwd())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    used, then = done.stdout.splitlines()
    assert used == role_a.newest()[0], done.stderr
    assert name == "polars_made" or then.startswith("This object was made for dev (111111111111) / ReadOnly, which"), (
        then
    )


def test_a_reference_shows_no_key(kernel, role_a):
    kernel.use(role_a.use())
    made = reference.reference(kernel.current.role)
    assert repr(made) == "RoleReference(dev (111111111111) / ReadOnly)"
    assert role_a.newest()[0] not in str(vars(made))


def test_a_filesystem_that_is_made_at_first_use_reads_and_writes(signed_in, kernel, monkeypatch):
    """With pyarrow's own files, and with new keys once the role has them."""
    import pyarrow.dataset
    import pyarrow.fs

    from sso_magic.center.identity_center import IdentityCenter

    IdentityCenter("corp").role("payments-dev", "ReadOnly").use(region="eu-west-1")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ["AWS_ENDPOINT_URL"]
    role = kernel.current.role
    with monkeypatch.context() as patch:
        patch.setattr(role, "seconds_until_due", lambda: 0.0)
        lazy = pyarrow.fs.S3FileSystem(endpoint_override=endpoint, region="eu-west-1", access_key=None)
    assert isinstance(lazy, pyarrow.fs.S3FileSystem)
    assert type(lazy).__name__ == "LazyFileSystem"
    assert lazy.region == "eu-west-1"
    path = "payments-dev-data/transactions/2026-10.parquet"
    assert lazy.get_file_info(path).is_file
    assert lazy.get_file_info(pyarrow.fs.FileSelector("payments-dev-data/transactions"))
    assert pyarrow.dataset.dataset(path, filesystem=lazy).to_table().num_rows > 0
    with lazy.open_input_stream("payments-dev-data/transactions/2026-10.csv") as file:
        assert file.read(5)
    written = "payments-dev-data/lazy/one"
    with lazy.open_output_stream(written) as file:
        file.write(b"text")
    lazy.copy_file(written, f"{written}-copy")
    lazy.move(f"{written}-copy", f"{written}-moved")
    with lazy.open_input_file(f"{written}-moved") as file:
        assert file.read() == b"text"
    lazy.delete_file(f"{written}-moved")
    lazy.create_dir("payments-dev-data/lazy/folder")
    lazy.delete_dir("payments-dev-data/lazy/folder")
    lazy.delete_dir_contents("payments-dev-data/lazy", missing_dir_ok=True)
    assert not lazy.get_file_info(written).is_file
    assert lazy == lazy  # noqa: PLR0124 - as pyarrow's own
    first = lazy.handler.filesystem()
    assert lazy.handler.filesystem() is first
    role._accept(role._fetch())
    assert lazy.handler.filesystem() is not first
