"""The compatibility table: what child processes can read, after each step."""

from __future__ import annotations

import pytest

CHILDREN = ["child aws", "child Python", "child Node"]


@pytest.mark.parametrize("child", CHILDREN)
def test_after_use_a_it_reads_a(in_children, child):
    assert in_children.steps["A reads A"][child] == "reads"
    assert in_children.steps["made under A reads A"][child] == "reads"


@pytest.mark.parametrize("child", CHILDREN)
def test_after_use_b_it_reads_b_and_is_refused_a(in_children, child):
    assert in_children.steps["B reads B"][child] == "reads"
    assert in_children.steps["B reads A"][child] == "refused"


@pytest.mark.parametrize("child", CHILDREN)
def test_after_off_nothing_of_ours_is_left(in_children, child):
    assert in_children.steps["off reads A"][child] == "refused"
    assert in_children.steps["off reads B"][child] == "refused"


@pytest.mark.parametrize("child", CHILDREN)
def test_after_the_keys_have_ended_a_new_child_goes_on(in_children, child):
    assert in_children.steps["a new object across the expiry"][child] == "reads"


@pytest.mark.parametrize("child", CHILDREN)
def test_across_an_expiry_it_goes_on_with_the_endpoint_and_ends_with_keys(in_children, request, child):
    ends = request.node.callspec.params["in_children"] == "keys"
    found = in_children.steps["across the expiry"][child]
    assert has_ended(found) if ends else found == "reads"


@pytest.mark.parametrize("child", CHILDREN)
def test_what_was_started_under_a_speaks_as_a_or_fails_and_never_as_b(in_children, request, child):
    from_a, from_b = in_children.steps["made under A, under B, across A's expiry"][child]
    ends = request.node.callspec.params["in_children"] == "keys"
    assert has_ended(from_a) if ends else from_a == "reads"
    assert has_ended(from_b) if ends else from_b == "refused"


def has_ended(found):
    return found == "ended" or "refreshed credentials are still expired" in found
