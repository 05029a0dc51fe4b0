"""A function that does nothing in 1,000 accounts x 4 regions on a Dask cluster, beside `Client.map`.

    python tests/benchmarks/dask/bench_dask.py [ACCOUNTS]

The cluster is a `LocalCluster` of two processes with two threads each. `Client.map` runs as many tasks that do nothing,
without an account: the least that Dask takes. Ours gets the accounts from the cached inventory, has each task bring its
account, role and region, and makes the table. The credentials are cached; a task that asks for none sends no message.
The times are medians of three rounds. The exit status is 1 if a task is missing or failed; the ratio has no limit: the
difference is 2 to 3 ms a task (1.9x was measured), and a call of AWS takes many times that.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from sso_magic import IdentityCenter

ACCOUNTS, ROUNDS = 1000, 3
REGIONS = ["eu-west-1", "us-east-1", "us-west-2", "eu-central-1"]


def main() -> int:
    from distributed import Client, LocalCluster

    from sso_magic.local import LocalIdentityCenter, Organization

    number = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    made = Organization()
    made.add_user("alex")
    for place in range(1, number + 1):
        made.add_account(f"{place:012}", f"account-{place}")
        made.assign("alex", f"{place:012}", "ReadOnly")
    with tempfile.TemporaryDirectory() as home, LocalIdentityCenter(made, role_lifetime=3600) as local:
        os.environ |= {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"} | local.environment()
        config = Path(home) / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(local.config_text())
        center = signed_in(local.access_token())
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
            ) as cluster,
            Client(cluster) as client,
        ):
            client.wait_for_workers(2)
            return compare(center, client, number)


def signed_in(token: str) -> IdentityCenter:
    from sso_magic.center.shared import shared_center
    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(token), soon))
    center = shared_center("corp")
    center.inventory()
    return center


def compare(center: IdentityCenter, client: Client, number: int) -> int:
    tasks = number * len(REGIONS)

    def ours() -> None:
        frame = center.each(lambda here: here.region, "ReadOnly", regions=REGIONS, on="dask", progress=False)
        assert len(frame) == tasks
        assert not frame.attrs["errors"]

    def plain() -> None:
        assert len(client.gather(client.map(lambda place: place, range(tasks), pure=False))) == tasks

    first = seconds(ours)  # which gets the credentials from the portal
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, run in {"Client.map": plain, "ours": ours}.items():
            taken.setdefault(name, []).append(seconds(run))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{number} accounts x {len(REGIONS)} regions, {os.cpu_count()} processors")
    print(f"{'ours, credentials from the portal':<36}{first:8.2f} s")
    for name, median in medians.items():
        print(f"{name:<36}{median:8.2f} s{median / tasks * 1000:8.2f} ms a task")
    print(f"of the time of Client.map: {medians['ours'] / medians['Client.map']:.1f}x")
    return 0


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
