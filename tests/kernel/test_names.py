"""The hooks look through every object of the process once, however many libraries have been imported."""

from __future__ import annotations

import gc
import importlib
import types

import boto3  # noqa: F401 - imported before the hooks, as the others
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
