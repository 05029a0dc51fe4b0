"""A kernel for some minutes of lifetimes of seconds and of faults, which must not grow: ``make soak``.

    python tests/soak/soak.py [--minutes 3] [--seed N]

The Identity Center, with AWS behind it, is in this process; it approves sign-ins, and every few seconds something else
goes wrong with it. The kernel is kernel.py in a process of its own, which switches, releases, signs out and in, and
measures itself. A role lasts ten seconds, so that a minute here is six hours of AWS's shortest default.

The exit status is 1 if the kernel ever spoke for another account than the one in use, met an error that is not of this
package's tree, did not end on its own, or if memory, threads or file handles go on rising after the warm-up.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sso_magic.local import Fault, LocalIdentityCenter

ROLE_LIFETIME = 10  # seconds
TOKEN_LIFETIME = 25
FAULT_LASTS = (1.0, 4.0)
WARM_UP = 1 / 3  # of the time: imports, first clients, caches of libraries
# How much each may rise in a minute; memory, in MB, goes up and down with what runs, so objects are the finer one.
LIMITS = {"memory": 2.0, "objects": 1000.0, "threads": 0.5, "handles": 1.0}
FAULTS = (
    [],
    [],
    [Fault("GetRoleCredentials", kind="reset", probability=0.5, seed=1)],
    [Fault("GetRoleCredentials", status=429, times=3)],
    [Fault("GetRoleCredentials", status=500)],
    [Fault("GetRoleCredentials", kind="truncate", times=2)],
    [Fault("CreateToken", status=500, times=2)],
    [Fault("ListAccounts", kind="drop", times=2), Fault("ListAccountRoles", status=429, every=5)],
    [Fault("*", kind="stall", delay=1.0, times=2)],
    [Fault("*", delay=0.2)],
)


def soak(seconds: float, seed: int) -> tuple[list[dict[str, Any]], int]:
    """Runs the kernel; its samples and its exit status."""
    import requests  # noqa: F401 - before moto's thread does

    rolls = random.Random(seed)
    knobs = {"role_lifetime": ROLE_LIFETIME, "access_token_lifetime": TOKEN_LIFETIME, "poll_interval": 1}
    with tempfile.TemporaryDirectory() as home, LocalIdentityCenter(**knobs) as center:
        aws = Path(home) / ".aws"
        aws.mkdir(mode=0o700)
        (aws / "config").write_text(center.config_text(), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        settings = {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"}
        settings["AWS_DEFAULT_REGION"] = "eu-west-1"
        out = Path(home) / "samples"
        command = [sys.executable, str(Path(__file__).with_name("kernel.py")), str(seconds), str(seed), str(out)]
        with subprocess.Popen(command, env=kept | settings | center.environment()) as kernel:
            latest = time.monotonic() + seconds + 120
            change = 0.0
            while kernel.poll() is None:
                if time.monotonic() > latest:
                    kernel.kill()
                for request in center.pending():
                    center.approve(request.user_code)
                if time.monotonic() > change:
                    center.faults = list(rolls.choice(FAULTS))
                    change = time.monotonic() + rolls.uniform(*FAULT_LASTS)
                center.requests.clear()
                time.sleep(0.1)
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        return [json.loads(line) for line in lines], int(kernel.returncode)


def rise(samples: list[dict[str, Any]], what: str) -> float:
    """By how much it rises in a minute: the slope of a straight line through the samples after the warm-up."""
    after = [sample for sample in samples if sample["at"] >= WARM_UP * samples[-1]["at"]]
    return statistics.linear_regression([s["at"] for s in after], [s[what] for s in after]).slope * 60


def report(samples: list[dict[str, Any]], status: int) -> list[str]:
    """Prints what was found; what must not be."""
    wrong = [] if status == 0 else [f"the kernel ended with status {status}"]
    if len(samples) < 20:
        return [*wrong, f"there are only {len(samples)} samples"]
    last = samples[-1]
    steps, told = Counter(last["steps"]), Counter(last["errors"])
    print(
        f"{sum(steps.values())} steps in {last['at']:.0f} s: " + ", ".join(f"{n} {k}" for k, n in steps.most_common())
    )
    print(f"{last['calls']} calls to AWS: {last['right']} for the account in use, {last['refused']} refused")
    print("errors of the tree: " + (", ".join(f"{n} {name}" for name, n in told.most_common()) or "none"))
    print("| | warm | at the end | rise a minute | limit |\n|---|---|---|---|---|")
    warm = next(sample for sample in samples if sample["at"] >= WARM_UP * last["at"])
    for what, limit in LIMITS.items():
        found = rise(samples, what)
        print(f"| {what} | {warm[what]:.1f} | {last[what]:.1f} | {found:+.2f} | {limit:g} |")
        if found > limit:
            wrong.append(f"{what} rises by {found:.2f} a minute")
    grown = Counter(last["types"]) - Counter(warm["types"])
    print("most of the objects that came: " + ", ".join(f"{n} {name}" for name, n in grown.most_common(12)))
    wrong += [f"wrong account: {line}" for line in last["wrong"]] + [f"not of the tree: {e}" for e in last["foreign"]]
    if last["right"] < last["calls"] / 2:
        wrong.append("most calls to AWS failed")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"{given.minutes:g} minutes, --seed {given.seed}", flush=True)
    wrong = report(*soak(given.minutes * 60, given.seed))
    print("\n".join(f"FAIL {line}" for line in wrong) or "flat")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
