"""``%%sso_each`` over 200 accounts with cached credentials, beside a bare pool of threads that does the same.

    python tests/benchmarks/each/bench_each.py

The cell waits 50 ms, as for an answer from AWS; ideal is 200 x 50 ms / 16 workers. Beside it a bare ThreadPoolExecutor
that only waits, and the usual loop of threads that make a boto3 session and client for each account. Everything is
run in turn, medians are shown. The exit status is 1 if %%sso_each takes more than 1.3 times what is ideal, if its cell
makes a boto3 session that it does not touch, or if with clients it is not three times as fast as the usual loop.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.center.identity_center import IdentityCenter

ACCOUNTS, WORKERS, WAIT, ROUNDS = 200, 16, 0.05, 5
IDEAL = ACCOUNTS * WAIT / WORKERS
LIMIT = 1.3


def main() -> int:
    from sso_magic.local import LocalIdentityCenter, Organization

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    organization = Organization()
    organization.add_user("alex")
    for number in range(ACCOUNTS):
        organization.add_account(f"{number + 1:012}", f"account-{number:03}")
        organization.assign("alex", f"{number + 1:012}", "ReadOnly")
    with (
        tempfile.TemporaryDirectory() as home,
        LocalIdentityCenter(organization, aws=False, role_lifetime=3600) as center,
    ):
        os.environ |= {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"} | center.environment()
        os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
        config = Path(home) / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(center.config_text())
        sign_in(center.access_token())
        return compare()


def sign_in(access_token: str) -> None:
    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(access_token), soon))


def compare() -> int:
    from sso_magic.center.shared import shared_center
    from sso_magic.kernel.libraries import boto_session

    shell = notebook()
    center = shared_center("corp")
    center.each(lambda here: here.credentials.account_id, "ReadOnly", progress=False)  # all cached from here on
    made = []
    real = boto_session.boto3_session
    boto_session.boto3_session = lambda *arguments: made.append(1) or real(*arguments)

    waiting = f"import time\ntime.sleep({WAIT})\naccount.id"
    runs = {
        "ideal": lambda: time.sleep(IDEAL),
        "bare threads, waiting": lambda: bare(lambda account: time.sleep(WAIT), center),
        "%%sso_each, waiting": lambda: magic(shell, waiting),
        "bare threads, boto3 client": lambda: bare(boto3_client, center),
        "%%sso_each, session.client": lambda: magic(shell, "session.client('s3').meta.region_name"),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    untouched = 0
    for number in range(ROUNDS):
        for name, run in runs.items():
            if "boto3" in name and number:
                continue  # one round of it takes as long as all the others
            made.clear()
            taken[name].append(seconds(run))
            untouched += len(made) if name == "%%sso_each, waiting" else 0
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{ACCOUNTS} accounts, {WORKERS} workers, credentials cached, {os.cpu_count()} processors")
    for name, median in medians.items():
        print(f"{name:<28}{median:8.3f} s{median / IDEAL:8.2f}x")
    print(f"boto3 sessions made by cells that touch none: {untouched}")
    ratio = medians["%%sso_each, waiting"] / IDEAL
    faster = medians["bare threads, boto3 client"] / medians["%%sso_each, session.client"]
    print(f"waiting: {ratio:.2f}x of ideal (limit {LIMIT}x); with clients {faster:.1f} times as fast (at least 3)")
    return 0 if ratio <= LIMIT and not untouched and faster >= 3 else 1


def notebook() -> InteractiveShell:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "sso_magic")
    return shell


def magic(shell: InteractiveShell, cell: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        frame = shell.run_cell_magic("sso_each", f"ReadOnly --workers {WORKERS}", cell)
    assert len(frame) == ACCOUNTS


def bare(function: Callable[[object], object], center: IdentityCenter) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        assert len(list(pool.map(function, center.snapshot().accounts))) == ACCOUNTS


def boto3_client(account: object) -> str:
    """What people write: a session for each account, each with its own reading of what S3 is."""
    import boto3

    made = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="eu-west-1")
    return str(made.client("s3").meta.region_name)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
