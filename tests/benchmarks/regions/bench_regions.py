"""A describe call in 200 accounts x 4 regions, beside botocove and a pool of threads over boto3.

    python tests/benchmarks/regions/bench_regions.py

Each asks CloudWatch Logs for its log groups (DescribeLogGroups) in every account and region, on 16 threads, with a
session and a client for each. The local AWS answers through a proxy that holds each request for 300 ms, which is what a
call takes to a region on another continent with a new connection. botocove lists the accounts and assumes a role in
each; ours gets each role's credentials from the portal, in the first round; the pool is given its credentials.
botocove runs in an environment of its own, which uv makes: the type stubs that it installs are not those that this
project is checked with. What 16 workers allow is measured in the same run: the same calls by clients that are there
already. The times are medians of three rounds, those of botocove and of the pool of one. The exit status is 1 if ours
takes more than 0.25 times botocove's time or more than 1.1 times what the workers allow.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.local import LocalIdentityCenter, Organization

ACCOUNTS, WORKERS, ROUNDS = 200, 16, 3
REGIONS = ["eu-west-1", "us-east-1", "us-west-2", "eu-central-1"]
HELD = 0.3  # seconds
IDS = [f"{number:012}" for number in range(1, ACCOUNTS + 1)]
MANAGEMENT = "000000009999"
ROLE = "OrganizationAccountAccessRole"  # what botocove assumes by default


def main() -> int:
    if sys.argv[1:2] == ["--proxy"]:
        asyncio.run(hold(int(sys.argv[2])))
        return 0
    if sys.argv[1:] == ["--botocove"]:
        run_botocove()
        return 0
    from sso_magic.local import LocalIdentityCenter

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as home, LocalIdentityCenter(organization(), role_lifetime=3600) as center:
        os.environ |= {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"} | center.environment()
        os.environ["AWS_DEFAULT_REGION"] = REGIONS[0]
        config = Path(home) / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(center.config_text())
        with proxy(os.environ["AWS_ENDPOINT_URL"]) as url:
            return compare(center, url)


def organization() -> Organization:
    from sso_magic.local import Organization

    made = Organization()
    made.add_user("alex")
    for account in (MANAGEMENT, *IDS):  # the first one manages the organization
        made.add_account(account, f"account-{account}")
        made.assign("alex", account, "AdministratorAccess")
    return made


def compare(local: LocalIdentityCenter, url: str) -> int:
    from sso_magic.center.shared import shared_center
    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(local.access_token()), soon))
    center = shared_center("corp")
    center.inventory()
    os.environ["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] = url

    def ours() -> None:
        frame = center.each(
            lambda here: describe(here.session.client("logs")),
            "AdministratorAccess",
            accounts=IDS,
            regions=REGIONS,
            workers=WORKERS,
            progress=False,
        )
        assert len(frame) == ACCOUNTS * len(REGIONS)
        assert not frame.attrs["errors"]

    taken = {"ours, credentials from the portal": [seconds(ours)]}
    keys = {account: center.role(account, "AdministratorAccess").credentials() for account in IDS}
    targets = [(account, region) for account in IDS for region in REGIONS]
    clients = {target: session(keys[target[0]], target[1]).client("logs") for target in targets[: 4 * WORKERS]}
    make_roles(keys)

    def pooled(function: Callable[[tuple[str, str]], Any]) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            assert len(list(pool.map(function, targets))) == len(targets)

    waiting = list(clients.values())
    runs: dict[str, Callable[[], None]] = {
        "what the workers allow": lambda: pooled(
            lambda target: describe(waiting[targets.index(target) % len(waiting)])
        ),
        "ours": ours,
    }
    for _ in range(ROUNDS):
        for name, run in runs.items():
            taken.setdefault(name, []).append(seconds(run))
    taken["threads over boto3"] = [
        seconds(lambda: pooled(lambda target: describe(session(keys[target[0]], target[1]).client("logs"))))
    ]
    taken["botocove"] = [botocove(center.role(MANAGEMENT, "AdministratorAccess").credentials())]
    return report({name: statistics.median(values) for name, values in taken.items()})


def report(medians: dict[str, float]) -> int:
    print(f"{ACCOUNTS} accounts x {len(REGIONS)} regions, {WORKERS} workers, {os.cpu_count()} processors")
    for name, median in medians.items():
        print(f"{name:<36}{median:8.2f} s{median / medians['ours']:8.2f}x sso_magic")
    of_cove = medians["ours, credentials from the portal"] / medians["botocove"]
    of_allowed = medians["ours"] / medians["what the workers allow"]
    print(f"of botocove's time: {of_cove:.2f}x (limit 0.25x)")
    print(f"of what the workers allow: {of_allowed:.2f}x (limit 1.1x)")
    return 0 if of_cove <= 0.25 and of_allowed <= 1.1 else 1


def describe(client: Any) -> dict[str, int]:
    """The describe call."""
    return {"groups": len(client.describe_log_groups()["logGroups"])}


def session(keys: Credentials, region: str) -> Any:
    """What people write: a session for each account and region."""
    import boto3

    return boto3.Session(
        keys.access_key_id.reveal(), keys.secret_access_key.reveal(), keys.session_token.reveal(), region
    )


def make_roles(keys: dict[str, Credentials]) -> None:
    """Make the role in each account that AWS Organizations makes in the accounts it creates."""
    allow = {"Effect": "Allow", "Principal": {"AWS": MANAGEMENT}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for one in keys.values():
        session(one, REGIONS[0]).client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)


def botocove(keys: Credentials) -> float:
    """Return the seconds that botocove takes, without the start of its process."""
    beside = Path(sys.executable).with_name("uv")
    command = [str(beside) if beside.exists() else "uv", "run", "--no-project", "--with", "botocove", "python"]
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": keys.access_key_id.reveal(),
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key.reveal(),
        "AWS_SESSION_TOKEN": keys.session_token.reveal(),
    }
    child = subprocess.run(
        [*command, __file__, "--botocove"], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(child.stdout.split()[-1])


def run_botocove() -> None:
    from botocove import cove

    @cove(regions=REGIONS, thread_workers=WORKERS, raise_exception=True)
    def groups(session: Any) -> dict[str, int]:
        return describe(session.client("logs"))

    began = time.perf_counter()
    results = groups()["Results"]
    print(time.perf_counter() - began)
    assert len(results) == ACCOUNTS * len(REGIONS)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """Run a proxy in a process of its own that holds each request."""
    command = [sys.executable, __file__, "--proxy", upstream.rpartition(":")[2].strip("/")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
        finally:
            child.kill()


async def hold(port: int) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        while received := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(received)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, outward, HELD), copy(inward, writer, 0), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
