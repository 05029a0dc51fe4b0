"""One sample, measured by the process that makes it, printed as JSON.

sample.py ours|botocore construct       seconds of CPU to import and make a client
sample.py ours|botocore list URL        kilobytes at the peak of a process that lists all accounts
sample.py both call URL ROUNDS          seconds of CPU a call, by peer, the two taking turns
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = "http://127.0.0.1:9"
CALLS_A_ROUND = 200


def our_client(url: str) -> Any:
    from sso_magic.portal import SSO

    return SSO(region="us-east-1", endpoint=url)


def their_client(url: str) -> Any:
    import botocore.session

    return botocore.session.get_session().create_client("sso", region_name="us-east-1", endpoint_url=url)


def construct(peer: str) -> dict[str, float]:
    start = time.process_time()
    our_client(NOWHERE) if peer == "ours" else their_client(NOWHERE)
    return {"seconds": time.process_time() - start}


def list_accounts(peer: str, url: str) -> dict[str, float]:
    accounts: list[Any] = []
    if peer == "ours":
        for page in our_client(url).paginate_list_accounts(access_token="aoa", max_results=100):
            accounts += page.account_list
    else:
        pages = their_client(url).get_paginator("list_accounts")
        for answer in pages.paginate(accessToken="aoa", PaginationConfig={"PageSize": 100}):
            accounts += answer["accountList"]
    assert len(accounts) == 10_000
    return peak_memory()


def peak_memory() -> dict[str, float]:
    """Kilobytes: resident at the peak and, where the system tells, what of it is no page of a file.

    The second is read at the end, which is the peak: nothing that was listed has been let go.
    """
    peak: dict[str, float] = {}
    with contextlib.suppress(ImportError):
        import resource

        unit = 1024 if sys.platform == "darwin" else 1
        peak["resident"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        peak["own"] = float(next(line.split()[1] for line in lines if line.startswith("RssAnon:")))
    return peak


def call(url: str, rounds: int) -> dict[str, list[float]]:
    ours, theirs = our_client(url), their_client(url)
    calls: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.list_account_roles(access_token="aoa", account_id="000000000001"),
        "botocore": lambda: theirs.list_account_roles(accessToken="aoa", accountId="000000000001"),
    }
    samples: dict[str, list[float]] = {peer: [] for peer in calls}
    for number in range(rounds + 1):
        for peer, make in calls.items():
            start = time.process_time()
            for _ in range(CALLS_A_ROUND):
                make()
            if number:
                samples[peer].append((time.process_time() - start) / CALLS_A_ROUND)
    return samples


def main(peer: str, what: str, url: str = "", rounds: str = "1") -> None:
    if what == "construct":
        result: Any = construct(peer)
    elif what == "list":
        result = list_accounts(peer, url)
    else:
        result = call(url, int(rounds))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
