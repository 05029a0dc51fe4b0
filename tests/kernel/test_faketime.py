"""A whole process whose clock is off: libfaketime (Debian: ``apt-get install libfaketime``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
KERNEL = """
from sso_magic import IdentityCenter
from sso_magic.kernel.kernel_role import KERNEL
role = IdentityCenter("corp").role("payments-dev", "ReadOnly")
keys = role.renewing().get()
role.use()
import boto3
print(keys.seconds_left() > 3500, boto3.client("sts").get_caller_identity()["Account"], KERNEL.before_cell())
"""


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")
@pytest.mark.parametrize(("off", "said"), [("-1h", "60 min behind AWS"), ("+2h", "2 h 00 min ahead of AWS")])
def test_a_kernel_whose_clock_is_off_works_and_says_so(signed_in, off, said, clean_environment):
    token = next((clean_environment / ".aws" / "sso" / "cache").glob("*.json"))
    text = token.read_text(encoding="utf-8").replace('"expiresAt": "20', '"expiresAt": "21')  # by the clock that is off
    token.write_text(text, encoding="utf-8")
    environment = os.environ | {"LD_PRELOAD": str(LIBRARY), "FAKETIME": off, "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-c", KERNEL], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == f"True 220947583614 This machine's clock is {said}. Set it (NTP).\n", done.stderr
