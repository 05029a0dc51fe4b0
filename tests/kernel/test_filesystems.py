"""What pyarrow, s3fs and polars make while a role is in use is that role's, and what is not a role's is left alone."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from sso_magic.errors import CredentialsError


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


class TestArrow:
    def test_its_classes_still_are_what_they_were(self, kernel, role_a):
        import pyarrow.fs
        from pyarrow._fs import FileSystem
        from pyarrow._s3fs import S3FileSystem

        kernel.use(role_a.use())
        made = pyarrow.fs.S3FileSystem(region="eu-west-1")
        assert type(made) is S3FileSystem
        assert isinstance(made, pyarrow.fs.S3FileSystem)
        assert isinstance(made, pyarrow.fs.FileSystem)
        assert issubclass(S3FileSystem, pyarrow.fs.S3FileSystem)
        assert issubclass(pyarrow.fs.S3FileSystem, FileSystem)
        assert not isinstance(pyarrow.fs.LocalFileSystem(), pyarrow.fs.S3FileSystem)
        assert isinstance(pyarrow.fs.LocalFileSystem(), pyarrow.fs.FileSystem)

    @pytest.mark.parametrize("serve", [False, True], ids=["keys", "endpoint"])
    def test_keys_that_are_given_are_left_alone(self, kernel, role_a, role_b, serve):
        import pyarrow.fs

        kernel.use(role_a.use(serve=serve))
        own = pyarrow.fs.S3FileSystem(access_key="AKIAOWN", secret_key="x", region="eu-west-1")
        assert own.__reduce__()[1][0]["access_key"] == "AKIAOWN"
        assert pyarrow.fs.S3FileSystem(anonymous=True, region="eu-west-1").__reduce__()[1][0]["anonymous"]
        [by_uri, _] = pyarrow.fs.FileSystem.from_uri("s3://AKIAOWN:x@bucket/key?region=eu-west-1")
        for filesystem in (by_uri, *pickle.loads(pickle.dumps([own, by_uri]))):
            assert filesystem.__reduce__()[1][0]["access_key"] == "AKIAOWN"
        assert kernel.use(role_b.use()).holders is None

    @pytest.mark.parametrize("name", ["FileSystem", "S3FileSystem"])
    def test_a_uri_without_keys_gets_the_roles_from_either_class(self, kernel, role_a, name):
        import pyarrow.fs

        kernel.use(role_a.use())
        filesystem, path = getattr(pyarrow.fs, name).from_uri("s3://bucket/key?region=eu-west-1")
        assert filesystem.__reduce__()[1][0]["access_key"] == role_a.newest()[0]
        assert path == "bucket/key"

    def test_a_uri_of_another_kind_of_filesystem_is_left_alone(self, kernel, role_a, role_b, tmp_path):
        import pyarrow.fs

        kernel.use(role_a.use())
        kept = [pyarrow.fs.FileSystem.from_uri(tmp_path.as_uri())[0]]
        assert kernel.use(role_b.use()).holders is None
        kernel.release()
        kept.append(pyarrow.fs.FileSystem.from_uri(tmp_path.as_uri())[0])
        assert [type(filesystem).__name__ for filesystem in kept] == ["LocalFileSystem"] * 2

    def test_a_class_of_ones_own_is_bound_too(self, kernel, role_a, role_b):
        import pyarrow.fs
        from pyarrow._s3fs import S3FileSystem

        kernel.use(role_a.use())

        class Mine(pyarrow.fs.S3FileSystem):
            def __init__(self):
                super().__init__(region="eu-west-1")

        made = Mine()
        assert isinstance(made, Mine)
        assert S3FileSystem.__reduce__(made)[1][0]["access_key"] == role_a.newest()[0]
        assert not any(part.encode() in pickle.dumps(made) for part in role_a.newest())
        kernel.release()
        own = Mine()
        assert not S3FileSystem.__reduce__(own)[1][0]["access_key"]
        assert kernel.use(role_b.use()).holders == "1 pyarrow filesystem still uses dev (111111111111) / ReadOnly."

    def test_an_older_filesystem_keeps_the_persons_own_keys(self, kernel, role_a, own_keys):
        import pyarrow.fs

        here = sys.modules[__name__]
        here.older = pyarrow.fs.S3FileSystem(region="eu-west-1")
        here.named = pyarrow.fs.S3FileSystem(region="eu-west-1", access_key="AKIANAMED", secret_key="x")
        kernel.use(role_a.use())
        assert here.older.__reduce__()[1][0]["access_key"] == own_keys[0]
        assert here.named.__reduce__()[1][0]["access_key"] == "AKIANAMED"
        kernel.release()
        later = pyarrow.fs.S3FileSystem(region="eu-west-1")
        assert not later.__reduce__()[1][0]["access_key"]
        kernel.use(role_a.use())
        assert later.__reduce__()[1][0]["access_key"] == own_keys[0]
        del here.older, here.named

    def test_a_pickle_holds_no_key_and_is_read_where_the_role_is_in_use_only(self, kernel, role_a, role_b):
        import pyarrow.fs

        kernel.use(role_a.use())
        pickled = pickle.dumps(pyarrow.fs.S3FileSystem(region="eu-west-1"))
        assert not any(part.encode() in pickled for part in role_a.newest())
        assert pickle.loads(pickled).__reduce__()[1][0]["access_key"] == role_a.newest()[0]
        kernel.use(role_b.use())
        del kernel._roles._known[("corp", "111111111111", "ReadOnly")]  # as in a process in which it never was in use
        read = pickle.loads(pickled)
        assert isinstance(read, pyarrow.fs.S3FileSystem)
        with pytest.raises(
            CredentialsError, match=r"was made for dev \(111111111111\) / ReadOnly, which is not in use"
        ):
            read.get_file_info("bucket/key")


WITHOUT_S3 = """
import sys
sys.modules["pyarrow._s3fs"] = None
import pyarrow.fs
from datetime import datetime, timedelta, timezone
from sso_magic.credentials.role_credentials import Credentials
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.common.secret import Secret

soon = datetime.now(timezone.utc) + timedelta(hours=1)
keys = Credentials("111111111111", "dev", "R", Secret("ASIA1"), Secret("s"), Secret("t"), soon)
print(KERNEL.use(Use(keys, "eu-west-1", "corp", lambda: keys)).holders)
KERNEL.shutdown()
print(type(pyarrow.fs.FileSystem.from_uri("file:///")[0]).__name__)
"""


def test_a_pyarrow_that_is_built_without_s3_is_no_trouble():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_S3], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["None", "LocalFileSystem"], done.stderr


def test_a_filesystem_of_a_class_on_top_of_s3fs_is_not_kept_across_a_switch(kernel, role_a, role_b):
    import s3fs

    class Mine(s3fs.S3FileSystem):
        pass

    class MineToo(Mine):
        pass

    kernel.use(role_a.use())
    own = s3fs.S3FileSystem(anon=True)
    made = [Mine(), MineToo()]
    assert [Mine(), MineToo()] == made
    assert kernel.use(role_b.use()).holders == "2 s3fs filesystems still use dev (111111111111) / ReadOnly."
    assert Mine() is not made[0]
    assert MineToo() is not made[1]
    assert own.anon


class TestPolars:
    URI = "s3://payments-dev-data/transactions/2026-10.parquet"

    @pytest.fixture
    def use(self, signed_in, kernel):
        from sso_magic.center.identity_center import IdentityCenter

        return lambda account: IdentityCenter("corp").role(account, "ReadOnly").use(region="eu-west-1")

    def test_a_query_of_polars_that_is_pickled_holds_no_key(self, kernel, role_a):
        import polars as pl

        kernel.use(role_a.use())
        pickled = pickle.dumps(pl.scan_parquet("s3://bucket/key"))
        assert not any(part.encode() in pickled for part in role_a.newest())

    @pytest.mark.parametrize("options", [None, {"aws_region": "eu-west-1"}], ids=["plain", "with storage options"])
    @pytest.mark.parametrize("pickled", [False, True], ids=["as it is", "pickled"])
    def test_a_query_that_is_collected_after_a_switch_reads_as_its_own_role(self, use, options, pickled):
        import polars as pl

        use("payments-dev")
        query = pl.scan_parquet(self.URI, storage_options=options)
        query = pickle.loads(pickle.dumps(query)) if pickled else query
        use("payments-prod")
        assert query.collect().height > 0
        with pytest.raises(OSError, match=r"AccessDenied|Forbidden|403"):
            pl.scan_parquet(self.URI, storage_options=options).collect()

    def test_the_storage_options_of_one_query_are_not_the_next_ones(self, kernel, role_a):
        import polars as pl
        from polars.io.cloud.credential_provider import _builder

        kernel.use(role_a.use())
        before = str(vars(_builder.DEFAULT_CREDENTIAL_PROVIDER))
        pl.scan_parquet("s3://bucket/key", storage_options={"aws_region": "us-west-2"})
        assert str(vars(_builder.DEFAULT_CREDENTIAL_PROVIDER)) == before

    def test_a_query_that_is_read_in_another_process_fails_at_first_use(self, kernel, role_a, tmp_path):
        import polars as pl

        kernel.use(role_a.use())
        (tmp_path / "query").write_bytes(pickle.dumps(pl.scan_parquet("s3://bucket/key")))
        code = "import pickle, sys; query = pickle.load(open(sys.argv[1], 'rb')); print('read'); query.collect()"
        command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "query")]
        kernel.use(None)  # a child process that inherits the role's keys reads with them
        read = subprocess.run(command, capture_output=True, text=True, check=False)
        assert read.stdout == "read\n"
        line = (
            "This object was made for dev (111111111111) / ReadOnly, which is not in use in this process. Use that role"
        )
        assert line in read.stderr
