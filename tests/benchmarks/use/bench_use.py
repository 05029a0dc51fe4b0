"""`%sso_use` on cached credentials, against what gets the same keys without it.

Run: python tests/benchmarks/use/bench_use.py

Compared with: boto3 in a new process, which is what a shell's ``aws configure export-credentials`` or a fresh kernel
costs, and boto3 in this process. All get the same role's credentials: `%sso_use` from the cache shared with the AWS
CLI, boto3 from the portal (it has no cache on disk), which is on this machine and answers at once. Exits with 1 if
`%sso_use` is not 50 times as fast as the process, or not as fast as boto3 in this process.

Then the same switch in a kernel of 2 million objects, where the search for what still holds the old role's key runs
behind it, against one look for referrers by ``gc.get_referrers`` and one garbage collection. Also how long the main
thread waited at most while the search was running. Exits with 1 if the switch is not 5 times as fast as either.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BOTO3 = "import boto3; boto3.Session(profile_name='dev').get_credentials().get_frozen_credentials()"
ROUNDS = 100
LIMIT = 50  # times as fast as boto3 in this process


def median_ms(run: Callable[[], object], rounds: int) -> float:
    """The median time of a run, in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> int:
    import requests  # noqa: F401 - before moto's thread does

    from sso_magic.local import LocalIdentityCenter

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        # before moto imports botocore behind, which looks once where its cache is
        os.environ |= {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"}
        center = stack.enter_context(LocalIdentityCenter(role_lifetime=3600))
        os.environ |= center.environment()
        config = Path(home) / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(
            center.config_text()
            + "[profile dev]\nsso_session = corp\nsso_account_id = 220947583614\nsso_role_name = ReadOnly\n"
            + "region = eu-west-1\n"
        )
        sign_in(center.access_token())
        return compare()


def sign_in(access_token: str) -> None:
    from sso_magic.common.secret import Secret
    from sso_magic.signin import tokens
    from sso_magic.signin.sessions import find_session

    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    tokens.save(find_session("corp"), tokens.Token(Secret(access_token), soon))


def compare() -> int:
    import io

    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "sso_magic")
    roles = ["payments-dev ReadOnly", "payments-prod ReadOnly"]

    def switch() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            shell.run_line_magic("sso_use", roles[0])
        roles.reverse()

    switch()
    switch()  # both are cached from here on
    from_cache = median_ms(switch, ROUNDS)  # boto3 is not imported yet
    process = median_ms(lambda: subprocess.run([sys.executable, "-c", BOTO3], check=True, env=without_keys()), 7)

    import boto3

    def own() -> None:
        boto3.Session(profile_name="dev").get_credentials().get_frozen_credentials()

    own()
    turns = [(median_ms(own, ROUNDS // 10), median_ms(switch, ROUNDS // 10)) for _ in range(10)]
    in_process, beside_boto3 = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(boto3s / ours for boto3s, ours in turns)
    holds = among_many_objects(switch)
    shell.run_line_magic("sso_use", "--off")
    shell.run_line_magic("unload_ext", "sso_magic")

    for name, took in [
        ("%sso_use", from_cache),
        ("%sso_use, boto3 imported", beside_boto3),
        ("boto3 in this process", in_process),
        ("boto3 in a new process", process),
    ]:
        print(f"{name:<26}{took:9.2f} ms{in_process / took:9.1f}x")
    print(f"%sso_use is {ratio:.0f} times as fast as boto3, measured in turns; the limit is {LIMIT}")
    return 0 if holds and ratio >= LIMIT and in_process / from_cache >= LIMIT else 1


def among_many_objects(switch: Callable[[], None]) -> bool:
    """Prints the switch's time in a kernel of 2 million objects, and its peers'; True if the limit holds."""
    objects = [{"number": number, "list": [number]} for number in range(1_000_000)]
    key = [os.environ["AWS_ACCESS_KEY_ID"]]  # what the search has to find
    collection = median_ms(gc.collect, 3)
    switched = median_ms(switch, 20)
    referrers = median_ms(lambda: gc.get_referrers(key), 3)
    switch()
    searched, longest_wait = searching()
    print(f"in a kernel of {len(gc.get_objects()):,} objects")
    for name, took in [
        ("%sso_use", switched),
        ("gc.get_referrers, once", referrers),
        ("gc.collect, once", collection),
        ("the search behind, to its end", searched),
        ("the main thread's longest wait meanwhile", longest_wait),
    ]:
        print(f"    {name:<42}{took:9.2f} ms{referrers / took:9.2f}x")
    del objects
    return switched * 5 < min(referrers, collection)


def searching() -> tuple[float, float]:
    """How long the search takes that runs now, and how long this thread, which does a little, waits for it at most."""
    threads = [thread for thread in threading.enumerate() if thread.name == "sso_magic canary"]
    start = last = time.perf_counter()
    longest = 0.0
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.001)  # as a kernel that waits for its next message
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return (time.perf_counter() - start) * 1000, longest * 1000


def without_keys() -> dict[str, str]:
    """The environment without the role in use: the process is to ask for itself."""
    ours = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
    return {name: value for name, value in os.environ.items() if name not in ours}


if __name__ == "__main__":
    sys.exit(main())
