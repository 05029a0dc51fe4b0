"""Keys in arrays, buffers, tables, constants and base64 are named too; memory that is mapped to a file is not read."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import io
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sso_magic.kernel.canary import contents
from sso_magic.kernel.libraries import arrow_filesystems, boto

LIBRARY = Path(__file__).with_name("made_up_buffers.py")
OLD = "dev (111111111111) / ReadOnly."


@pytest.fixture
def imported():
    names = []

    def load(name):
        spec = importlib.util.spec_from_file_location(name, LIBRARY)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        names.append(name)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in names:
        del sys.modules[name]
    gc.collect()


@pytest.fixture(autouse=True)
def only_what_the_test_keeps(heap_of_this_module, kernel, role_a, role_b):
    for known in (arrow_filesystems.ROLES, arrow_filesystems.LAZY, boto._clients):
        known.clear()
    for role in (role_a, role_b):
        role.issued = Issued(role.issued)


class Issued(list):
    """Credentials that a test keeps for itself; of a module of this package, so that the search leaves them out."""

    __module__ = "sso_magic.tests"


def keep_all(library, role):
    return [place(role.issued[-1].access_key_id.reveal()) for place in library.HIDING_PLACES]


def test_keys_where_the_collector_sees_no_reference_are_named(kernel, role_a, role_b, imported):
    old, new = imported("library_of_the_old_role"), imported("library_of_the_new_role")
    kernel.use(role_a.use())
    alive = keep_all(old, role_a)
    layer = kernel.use(role_b.use())
    alive += keep_all(new, role_b)
    line = layer.find_holders()
    [sentence] = [part for part in re.split(r"(?<=\.) (?=\d)", line) if part.endswith(OLD)]
    names = set(re.findall(r"\w+", sentence))
    assert [name for name in old.HIDING_PLACES.values() if name not in names] == []
    assert "library_of_the_new_role" not in line
    assert role_a.issued[-1].access_key_id.reveal() not in line
    assert len(alive) == 2 * len(old.HIDING_PLACES)


def read(thing):
    return list(contents.readers()[type(thing)](thing))


def test_memory_that_is_mapped_to_a_file_is_not_read(tmp_path):
    path = tmp_path / "mapped"
    path.write_bytes(b"x" * 64)
    mapped = np.memmap(path, dtype="S16", mode="r")
    view = np.asarray(mapped)[1:]
    assert type(view) is np.ndarray
    assert [read(mapped), read(view)] == [[], []]
    with pa.memory_map(str(path)) as file:
        assert read(file.read_buffer(32)) == []


def test_memory_at_an_address_of_c_code_is_not_read():
    kept = ctypes.create_string_buffer(b"x" * 32)
    at_its_address = type(kept).from_address(ctypes.addressof(kept))
    assert read(kept) == [b"x" * 32 + b"\0"]
    assert read(at_its_address) == []


def test_long_data_is_not_copied():
    long = b"x" * (contents.LONGEST + 1)
    written = io.StringIO()
    written.write(long.decode())
    assert [read(np.array([long])), read(written), read(pa.py_buffer(bytearray(long)))] == [[], [], []]


def test_a_buffer_that_is_closed_is_passed_over():
    closed = io.BytesIO(b"x")
    closed.close()
    assert read(closed) == []
