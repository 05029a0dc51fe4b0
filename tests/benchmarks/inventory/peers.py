"""The same job, every account and role of an organization, by this package and by its peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

REGION = "eu-west-1"


class Result(NamedTuple):
    """One run: what came, how long it took, and what it cost the portal."""

    seconds: float
    rows: int
    calls: int
    refused: int
    error: str = ""

    @property
    def refused_share(self) -> float:
        return self.refused / max(self.calls, 1)


class Server:
    """The local Identity Center, in a process of its own."""

    def __init__(self, accounts: int, roles: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py")), str(accounts), str(roles)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()
        self.url: str = self._answer()["url"]
        self.token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def set(self, **knobs: Any) -> None:
        """Turns knobs."""
        self._order({"set": knobs})

    def run(self, job: Callable[[Server], int], turns: dict[float, dict[str, Any]] | None = None) -> Result:
        """Does a job with a fresh token.

        Args:
            job: Gives the number of rows that came.
            turns: Knobs to turn after so many seconds.
        """
        self.token = self._order({"new": True})["token"]
        timers = [threading.Timer(after, self.set, kwargs=knobs) for after, knobs in (turns or {}).items()]
        for timer in timers:
            timer.start()
        began = time.perf_counter()
        rows, error = 0, ""
        try:
            rows = job(self)
        except Exception as failure:  # noqa: BLE001 - a peer may fail outright: that is a result
            error = f"{type(failure).__name__}: {failure}"
        seconds = time.perf_counter() - began
        for timer in timers:
            timer.cancel()
        counts = self._order({})["counts"]
        refused = sum(number for _, status, number in counts if status == 429)
        return Result(seconds, rows, sum(number for _, _, number in counts), refused, error)

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


_keys = iter(range(10**6))


def ours(workers: int | None = None) -> Callable[[Server], int]:
    """`Inventory.fetch`, its client made new, its cache empty."""

    def job(server: Server) -> int:
        from sso_magic.common.secret import Secret
        from sso_magic.inventory import Inventory
        from sso_magic.portal import SSO

        token = Secret(server.token)
        with SSO(region=REGION, endpoint=server.url, max_attempts=1) as client:
            inventory = Inventory(
                key=f"{server.url} {next(_keys)}",
                client=lambda: client,
                access_token=lambda: token,
                reauthenticate=lambda refused: refused,
                **({} if workers is None else {"workers": workers}),
            )
            snapshot = inventory.fetch()
        assert snapshot.complete
        assert not snapshot.errors
        return sum(map(len, snapshot.roles.values()))

    return job


def boto3(threads: int, mode: str) -> Callable[[Server], int]:
    """boto3 as a person would write it: pages of 100, then a pool of threads for the roles."""

    def job(server: Server) -> int:
        import boto3
        from botocore.config import Config

        client = boto3.session.Session(region_name=REGION).client(
            "sso",
            endpoint_url=server.url,
            config=Config(retries={"mode": mode}, max_pool_connections=threads),
        )

        def roles(account: dict[str, Any]) -> int:
            pages = client.get_paginator("list_account_roles").paginate(
                accessToken=server.token, accountId=account["accountId"], PaginationConfig={"PageSize": 100}
            )
            return sum(len(page["roleList"]) for page in pages)

        pages = client.get_paginator("list_accounts").paginate(
            accessToken=server.token, PaginationConfig={"PageSize": 100}
        )
        accounts = [account for page in pages for account in page["accountList"]]
        with ThreadPoolExecutor(threads) as executor:
            return sum(executor.map(roles, accounts))

    return job


def aws_sso_util() -> Callable[[Server], int]:
    """`aws-sso-util roles`: the library under it, by its own API."""

    def job(server: Server) -> int:
        from aws_sso_lib import list_available_roles

        start_url = "https://corp.awsapps.com/start"
        soon = datetime.now(timezone.utc) + timedelta(hours=1)
        token = {
            "startUrl": start_url,
            "region": REGION,
            "accessToken": server.token,
            "expiresAt": soon.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "receivedAt": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        os.environ["AWS_ENDPOINT_URL_SSO"] = server.url
        return sum(1 for _ in list_available_roles(start_url, REGION, sso_cache=_Holds(token)))

    return job


class _Holds(dict[str, Any]):
    """A token cache that has this token under every key."""

    def __init__(self, token: dict[str, Any]) -> None:
        super().__init__()
        self._token = token

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return dict(self._token)

    def __iter__(self) -> Iterator[str]:
        return iter(())
