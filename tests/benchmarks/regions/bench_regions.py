"""A describe call in 200 accounts x 4 regions, beside botocove and a pool of threads over boto3.

    python tests/benchmarks/regions/bench_regions.py

Each asks CloudWatch Logs for its log groups (DescribeLogGroups) in every account and region, on 16 threads, with a
session and a client for each. The local AWS answers through a proxy that holds each request for 300 ms, which is what a
call takes to a region on another continent with a new connection. botocove lists the accounts and assumes a role in
each; ours gets each role's credentials from the portal, first and last of all; the pool is given its credentials.
botocove runs in an environment of its own, which uv makes: the type stubs that it installs are not those that this
project is checked with. What 16 workers allow is measured in the same run: the same calls by clients that are there
already. A pool of threads with sessions of `Role.boto3_session` shows how much of the rest is the making of clients.

Each time is the best of three rounds, in which these take turns; botocove and the pool over boto3 run once. Beside it
is the processor time of the process, since all but the waiting runs on one processor at a time: on a machine that other
programs keep busy, the making of 800 clients is slowed down and what the workers allow is not. The exit status is 1 if
ours takes more than 0.25 times botocove's time or more than 1.1 times what the workers allow.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.local import LocalIdentityCenter, Organization

ACCOUNTS, WORKERS, ROUNDS = 200, 16, 3
REGIONS = ["eu-west-1", "us-east-1", "us-west-2", "eu-central-1"]
HELD = 0.3  # seconds
IDS = [f"{number:012}" for number in range(1, ACCOUNTS + 1)]
MANAGEMENT = "000000009999"
ROLES = ["AdministratorAccess", "PowerUserAccess"]  # ours, each fetched from the portal once
ROLE = "OrganizationAccountAccessRole"  # what botocove assumes by default


class Taken(NamedTuple):
    """The seconds of a run, and of the processor in its process."""

    seconds: float
    processor: float


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
        for role in ROLES:
            made.assign("alex", account, role)
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

    def ours(role: str = ROLES[0]) -> None:
        frame = center.each(
            lambda here: describe(here.session.client("logs")),
            role,
            accounts=IDS,
            regions=REGIONS,
            workers=WORKERS,
            progress=False,
        )
        assert len(frame) == ACCOUNTS * len(REGIONS)
        assert not frame.attrs["errors"]

    taken = {"ours, credentials from the portal": measure("ours, credentials from the portal", ours)}
    keys = {account: center.role(account, ROLES[0]).credentials() for account in IDS}
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
        "threads over Role.boto3_session": lambda: pooled(
            lambda target: describe(center.role(target[0], ROLES[0]).boto3_session(region=target[1]).client("logs"))
        ),
    }
    for _ in range(ROUNDS):
        for name, run in runs.items():
            time_taken = measure(name, run)
            taken[name] = min(taken.get(name, time_taken), time_taken)
    taken["threads over boto3"] = measure(
        "threads over boto3",
        lambda: pooled(lambda target: describe(session(keys[target[0]], target[1]).client("logs"))),
    )
    taken["botocove"] = botocove(center.role(MANAGEMENT, ROLES[0]).credentials())
    name = "ours, credentials from the portal"
    taken[name] = min(taken[name], measure(name, lambda: ours(ROLES[1])))
    return report(taken)


def report(taken: dict[str, Taken]) -> int:
    print(
        f"{ACCOUNTS} accounts x {len(REGIONS)} regions, {WORKERS} workers, {os.cpu_count()} processors; the best each:"
    )
    ours = taken["ours"].seconds
    for name, one in taken.items():
        print(f"{name:<36}{one.seconds:8.2f} s{one.seconds / ours:8.2f}x sso_magic, {one.processor:.1f} s of processor")
    of_cove = taken["ours, credentials from the portal"].seconds / taken["botocove"].seconds
    of_allowed = ours / taken["what the workers allow"].seconds
    of_pool = ours / taken["threads over Role.boto3_session"].seconds
    print(f"of botocove's time: {of_cove:.2f}x (limit 0.25x)")
    print(f"of what the workers allow: {of_allowed:.2f}x (limit 1.1x)")
    print(f"of a pool of threads that makes the same clients: {of_pool:.2f}x")
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


def botocove(keys: Credentials) -> Taken:
    """Measure botocove, without the start of its process."""
    beside = Path(sys.executable).with_name("uv")
    command = [str(beside) if beside.exists() else "uv", "run", "--no-project", "--with", "botocove", "python"]
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": keys.access_key_id.reveal(),
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key.reveal(),
        "AWS_SESSION_TOKEN": keys.session_token.reveal(),
    }
    child = subprocess.run(
        [*command, __file__, "--botocove"], env=environment, capture_output=True, text=True, check=False
    )
    if child.returncode:
        sys.exit(f"botocove failed:\n{child.stderr}")  # where it succeeds, that is a progress bar
    taken = Taken(*map(float, child.stdout.split()[-2:]))
    print_run("botocove", taken)
    return taken


def run_botocove() -> None:
    from botocove import cove

    @cove(regions=REGIONS, thread_workers=WORKERS, raise_exception=True)
    def groups(session: Any) -> dict[str, int]:
        return describe(session.client("logs"))

    began, processor = time.perf_counter(), time.process_time()
    results = groups()["Results"]
    print(time.perf_counter() - began, time.process_time() - processor)
    assert len(results) == ACCOUNTS * len(REGIONS)


def measure(name: str, run: Callable[[], object]) -> Taken:
    began, processor = time.perf_counter(), time.process_time()
    run()
    taken = Taken(time.perf_counter() - began, time.process_time() - processor)
    print_run(name, taken)
    return taken


def print_run(name: str, taken: Taken) -> None:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"    {name:<36}{taken.seconds:8.2f} s, {taken.processor:5.1f} s of processor{load}", flush=True)


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
