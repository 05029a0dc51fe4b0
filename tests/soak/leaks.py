"""Sign-ins and runs of ``%%sso_each`` by the thousand, after which memory, threads and handles are what they were.

    python tests/soak/leaks.py [--sign-ins 2000] [--each 2000] [--processes 100]

The Identity Center is in this process; the kernel is a process of its own, which measures itself every 100 repetitions.
The exit status is 1 if a number at the end is above its limit, compared with the number after the warm-up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WARM_UP = 100  # repetitions: imports, first connections, caches of libraries
CELLS = {
    "sign-ins": "%sso_login --device --no-open --force",
    "each": "%%sso_each ReadOnly payments\nsession.client('sts').get_caller_identity()['Account']",
    "processes": "%%sso_each ReadOnly payments --on processes --workers 2\naccount.id",
}
# How much more of each there may be after all repetitions than after the warm-up. Memory in MB; objects are finer.
LIMITS = {"memory": 15.0, "objects": 2000.0, "threads": 2.0, "handles": 3.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sign-ins", type=int, default=2000)
    parser.add_argument("--each", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=100, help="runs of %%%%sso_each --on processes")
    parser.add_argument("--kernel", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    counts = {"sign-ins": given.sign_ins, "each": given.each, "processes": given.processes}
    if given.kernel is not None:
        repeat(counts, given.kernel)
        return 0
    wrong = [line for what in counts if counts[what] for line in report(what, counts[what])]
    print("\n".join(f"FAIL {line}" for line in wrong) or "flat")
    return 1 if wrong else 0


def report(what: str, count: int) -> list[str]:
    """Run one kind in a kernel of its own and print its numbers; return what is above its limit."""
    began = time.monotonic()
    samples, status = run(what, count)
    if status or len(samples) < 2:
        return [f"{what}: the kernel ended with status {status} after {len(samples)} samples"]
    first, last = samples[0], samples[-1]
    print(f"{count} {what} in {time.monotonic() - began:.0f} s, after a warm-up of {min(WARM_UP, count // 10)}")
    print("| | warm | at the end | limit of the rise |\n|---|---|---|---|")
    wrong = [f"{what}: {error}" for error in last["foreign"]]
    wrong += [f"{what}: {count} times {name}" for name, count in last["errors"].items()]
    for name, limit in LIMITS.items():
        print(f"| {name} | {first[name]:.1f} | {last[name]:.1f} | {limit:g} |", flush=True)
        if last[name] - first[name] > limit:
            wrong.append(f"{what}: {name} rose from {first[name]:.1f} to {last[name]:.1f}")
    return wrong


def run(what: str, count: int) -> tuple[list[dict[str, Any]], int]:
    """Run the kernel against an Identity Center of its own; its samples and its exit status."""
    import requests  # noqa: F401 - before moto's thread does

    from sso_magic.local import LocalIdentityCenter

    with tempfile.TemporaryDirectory() as home, LocalIdentityCenter(auto_approve=True, log_requests=False) as center:
        aws = Path(home) / ".aws"
        aws.mkdir(mode=0o700)
        (aws / "config").write_text(center.config_text(), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        settings = {"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true"}
        settings["AWS_DEFAULT_REGION"] = "eu-west-1"
        out = Path(home) / "samples"
        numbers = [f"--{name}={count if name == what else 0}" for name in CELLS]
        command = [sys.executable, __file__, *numbers, "--kernel", str(out)]
        status = subprocess.run(command, env=kept | settings | center.environment(), check=False).returncode
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        return [json.loads(line) for line in lines], status


def repeat(counts: dict[str, int], out: Path) -> None:
    """Be the kernel: repeat a cell, and write a sample after the warm-up, every 100 repetitions and at the end."""
    from kernel import Kernel

    sys.stdin.isatty = lambda: True  # type: ignore[method-assign] # a person is there
    os.chdir(out.parent)
    kernel = Kernel(seed=0)
    kernel.cell("%sso_login --device --no-open")
    with out.open("w", encoding="utf-8") as samples:
        for what, count in counts.items():
            warm = min(WARM_UP, count // 10)
            for number in range(count + warm):
                kernel.cell(CELLS[what])
                done = number + 1 - warm
                if done >= 0 and (done % 100 == 0 or done == count):
                    samples.write(json.dumps(kernel.sample(float(done))) + "\n")
                    samples.flush()
    kernel.cell("%unload_ext sso_magic")


if __name__ == "__main__":
    sys.exit(main())
