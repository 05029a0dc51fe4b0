"""`role.use()` at the end of a cell shows which role is in use, and until when."""

from __future__ import annotations

import re

from sso_magic import IdentityCenter
from sso_magic.kernel.kernel_role import KERNEL

IN_USE = r"Using payments-dev \(\d{12}\) / ReadOnly in eu-west-1, until \d\d:\d\d \S+ \(60 min\)"


def test_it_names_the_role_in_use_and_its_end(signed_in):
    layer = IdentityCenter("corp").role("payments-dev", "ReadOnly").use(region="eu-west-1")
    assert re.fullmatch(IN_USE, repr(layer))
    with layer as entered:
        assert re.fullmatch(IN_USE, repr(entered))
    assert re.fullmatch(r"No longer in use: payments-dev \(\d{12}\) / ReadOnly", repr(layer))


def test_a_role_that_was_replaced_is_not_in_use(signed_in):
    center = IdentityCenter("corp")
    first = center.role("payments-dev", "ReadOnly").use()
    second = center.role("payments-prod", "ReadOnly").use()
    assert repr(first).startswith("No longer in use: payments-dev (")
    assert repr(second).startswith("Using payments-prod (")


def test_it_says_that_no_role_is_in_use(signed_in):
    assert repr(KERNEL.use(None)) == "Using no role"
