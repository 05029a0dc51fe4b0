"""The compatibility table: what each library of this process can read, after each step."""

from __future__ import annotations

import pytest

LIBRARIES = [
    "boto3 client",
    "boto3 resource",
    "boto3.Session client",
    "boto3.Session resource",
    "awswrangler",
    "s3fs",
    "pandas.read_csv",
    "pandas.read_parquet",
    "pyarrow.fs",
    "pyarrow.fs from_uri",
    "pyarrow.dataset",
    "polars",
    "deltalake",
]
OUTLIVE = [name for name in LIBRARIES if name != "pandas.read_parquet"]  # which leaves no object behind
NEW_OBJECT_NEEDED = {"pyarrow.fs", "pyarrow.fs from_uri", "pyarrow.dataset", "deltalake"}  # with keys


def mode(request):
    return request.node.callspec.params["in_process"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_after_use_a_it_reads_a(in_process, library):
    assert in_process.steps["A reads A"][library] == "reads"


@pytest.mark.parametrize("library", LIBRARIES)
def test_after_use_b_it_reads_b_and_is_refused_a(in_process, library):
    assert in_process.steps["B reads B"][library] == "reads"
    assert in_process.steps["B reads A"][library] == "refused"


@pytest.mark.parametrize("library", LIBRARIES)
def test_after_off_nothing_of_ours_is_left(in_process, library):
    assert in_process.steps["off reads A"][library] in {"refused", "none"}
    assert in_process.steps["off reads B"][library] in {"refused", "none"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_after_the_keys_have_ended_a_new_object_goes_on(in_process, library):
    assert in_process.steps["a new object across the expiry"][library] == "reads"


@pytest.mark.parametrize("library", OUTLIVE)
def test_across_an_expiry_an_object_goes_on_or_a_new_one_is_needed(in_process, request, library):
    ends = mode(request) == "keys" and library in NEW_OBJECT_NEEDED
    assert in_process.steps["across the expiry"][library] == ("ended" if ends else "reads")


@pytest.mark.parametrize("library", OUTLIVE)
def test_what_was_made_under_a_speaks_as_a_after_a_switch(in_process, library):
    from_a, from_b = in_process.steps["made under A a moment ago, under B"][library]
    assert from_a == "reads"
    assert from_b in {"Fixed: ", "refused"}


@pytest.mark.parametrize("library", OUTLIVE)
def test_across_as_expiry_it_speaks_as_a_or_fails_and_never_as_b(in_process, request, library):
    from_a, from_b = in_process.steps["made under A, under B, across A's expiry"][library]
    ends = mode(request) == "keys" and library in NEW_OBJECT_NEEDED
    assert from_a == ("ended" if ends else "reads")
    assert from_b in {"Fixed: ", "ended" if ends else "refused"}


def test_the_switch_names_what_still_uses_the_old_role(in_process):
    assert "8 boto3 clients" in in_process.holders
    assert "4 pyarrow filesystems" in in_process.holders
    assert "s3fs filesystem" in in_process.holders
    assert "still use payments-dev (220947583614) / ReadOnly." in in_process.holders
