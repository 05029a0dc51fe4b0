"""Makes a call of botocore's portal client for each case it reads as JSON; prints its attempts and waits.

A program of its own: botocore chooses its retry numbers when it is imported.
"""

from __future__ import annotations

import json
import random
import sys
import time
from io import BytesIO

slept: list[float] = []
time.sleep = slept.append  # type: ignore[assignment] # waits are noted, not waited for
random.random = lambda: 1.0  # type: ignore[method-assign] # the longest jitter

import botocore.session  # noqa: E402 - after what it takes its functions from
from botocore.awsrequest import AWSResponse  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402


class Raw(BytesIO):
    def stream(self):
        yield self.read()


def attempt(client, case):
    attempts = []

    def answer(request, **_kwargs):
        attempts.append(request)
        return AWSResponse(request.url, case["status"], case["headers"], Raw(json.dumps(case["body"]).encode()))

    client.meta.events.register("before-send", answer)
    slept.clear()
    try:
        client.list_accounts(accessToken="aoa")
    except ClientError:
        return {"attempts": len(attempts), "slept": list(slept)}
    raise AssertionError(case)


session = botocore.session.Session()
print(json.dumps([attempt(session.create_client("sso", region_name="us-east-1"), c) for c in json.load(sys.stdin)]))
