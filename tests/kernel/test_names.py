"""The hooks look through every object of the process once, however many libraries have been imported."""

from __future__ import annotations

import gc
import importlib
import sys
import types
from datetime import datetime, timedelta, timezone

import boto3
import pyarrow.fs
import pytest

from sso_magic.kernel.libraries import names
from sso_magic.kernel.tracked import referrers


@pytest.fixture
def kernel(kernel):
    """The kernel's role, without the hooks that an earlier test of this process may have left."""
    kernel.shutdown()
    return kernel


@pytest.fixture
def searches(monkeypatch, kernel):
    """The searches that were made, each as what was looked for."""
    made = []

    def counted(*things):
        made.append(things)
        return referrers(*things)

    monkeypatch.setattr(names, "referrers", counted)
    return made


def test_one_search_for_all_libraries_at_first_use_for_tasks_and_at_the_end(kernel, role_a, searches):
    # An earlier test of this process may have imported them again: the hooks are in the modules that are imported now.
    duckdb, deltalake = importlib.import_module("duckdb"), importlib.import_module("deltalake")
    importlib.import_module("polars")
    own = pyarrow.fs.S3FileSystem
    kernel.use(role_a.use())
    assert len(searches) == 1
    assert pyarrow.fs.S3FileSystem is not own
    functions = duckdb.sql, deltalake.write_deltalake
    kernel.separate_tasks()
    assert len(searches) == 2
    assert len(searches[1]) > 5
    assert duckdb.sql is not functions[0]
    assert deltalake.write_deltalake is not functions[1]
    kernel.shutdown()
    assert len(searches) == 3
    assert pyarrow.fs.S3FileSystem is own
    assert (duckdb.sql, deltalake.write_deltalake) == functions


def test_a_second_switch_looks_for_nothing(kernel, role_a, role_b, searches):
    kernel.use(role_a.use())
    del searches[:]
    kernel.use(role_b.use())
    kernel.release()
    assert searches == []


def test_a_name_that_cannot_be_changed_is_reported_and_the_others_are_changed(kernel, role_a):
    class Frozen(dict):
        def __setitem__(self, name, value):
            raise TypeError("this namespace cannot be changed")

    own = pyarrow.fs.S3FileSystem
    namespace = Frozen({"__name__": "frozen", "__builtins__": {}, "S3FileSystem": own})
    plain = types.ModuleType("plain")
    exec("from pyarrow.fs import FileSystem", vars(plain))
    base = plain.FileSystem
    try:
        line = kernel.use(role_a.use()).find_holders()
        assert line == (
            "a name that was imported before could not be switched (TypeError: this namespace cannot be changed): "
            "restart the kernel to be sure."
        )
        assert namespace["S3FileSystem"] is own
        assert plain.FileSystem is not base
    finally:
        namespace.clear()  # until it is collected, the hooks of later tests find it as well


def test_modules_whose_objects_are_frozen_have_the_names_too(kernel, role_a):
    own = pyarrow.fs.S3FileSystem
    gc.freeze()  # as before a fork: gc.get_referrers does not see these objects any more
    try:
        kernel.use(role_a.use())
        assert pyarrow.fs.S3FileSystem is not own
        gc.freeze()
        kernel.shutdown()
        assert pyarrow.fs.S3FileSystem is own
    finally:
        gc.unfreeze()


def test_a_session_of_ones_own_keys_keeps_them_where_the_objects_are_frozen(kernel, role_a, monkeypatch):
    ends = datetime.now(timezone.utc) + timedelta(hours=1)
    for name, value in (("ACCESS_KEY_ID", "AKIAOWN"), ("SECRET_ACCESS_KEY", "x"), ("SESSION_TOKEN", "t")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    credentials = boto3.Session(region_name="eu-west-1").get_credentials()
    assert credentials.access_key == "AKIAOWN"
    gc.freeze()
    try:
        kernel.use(role_a.use())
        credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=1)  # botocore reads them again
        assert credentials.access_key == "AKIAOWN"
    finally:
        gc.unfreeze()


def test_what_holds_an_old_role_is_named_alike_where_the_objects_are_frozen(kernel, role_a, role_b, monkeypatch):
    kernel.use(role_a.use())
    kept = types.ModuleType("made_up")
    kept.cache = {"key": role_a.issued.pop().access_key_id.reveal()}
    monkeypatch.setitem(sys.modules, "made_up", kept)
    layer = kernel.use(role_b.use())
    gc.collect()
    gc.freeze()
    try:
        line = layer.find_holders()
    finally:
        gc.unfreeze()
    assert line == "1 module variable (made_up.cache) still uses dev (111111111111) / ReadOnly."
