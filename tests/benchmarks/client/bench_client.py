"""`SSO` beside botocore's client, in the same run: CPU a call, import and construction, peak memory.

    python tests/benchmarks/client/bench_client.py

Both talk to the same loopback service in another process. Samples of the two alternate, and medians are compared, so
that whatever else the machine does hits both. Everything runs from compiled bytecode, as an installed package does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PEERS = ("ours", "botocore")


@dataclass(frozen=True)
class Measure:
    """A line of the table.

    Attributes:
        name: What is measured.
        unit: Its unit.
        scale: From what a sample says to the unit.
        at_most: The ratio that must hold; None for a line that only informs.
        samples: By peer.
    """

    name: str
    unit: str
    scale: float
    at_most: float | None
    samples: dict[str, list[float]]

    @property
    def ratio(self) -> float:
        return statistics.median(self.samples["ours"]) / statistics.median(self.samples["botocore"])

    @property
    def holds(self) -> bool:
        return self.at_most is None or self.ratio <= self.at_most

    def __str__(self) -> str:
        ours, theirs = (statistics.median(self.samples[peer]) * self.scale for peer in PEERS)
        bound = "" if self.at_most is None else f"<= {self.at_most:.2f}  {'holds' if self.holds else 'MISSED'}"
        return f"{self.name:<52}{ours:>9.1f}{theirs:>11.1f} {self.unit:<4}{self.ratio:>6.2f}  {bound}"


def run(environment: dict[str, str], *arguments: str) -> dict[str, float]:
    """What a fresh process measures of itself."""
    done = subprocess.run(
        [sys.executable, str(HERE / "sample.py"), *arguments], env=environment, capture_output=True, check=True
    )
    values: dict[str, float] = json.loads(done.stdout)
    return values


def collect(environment: dict[str, str], rounds: int, *arguments: str) -> dict[str, dict[str, list[float]]]:
    """Samples by name and peer, the peers taking turns; the first round only warms up."""
    samples: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):
        for peer in PEERS:
            for name, value in run(environment, peer, *arguments).items():
                if number:
                    samples.setdefault(name, {peer: [] for peer in PEERS})[peer].append(value)
    return samples


def measure(rounds: int, url: str, environment: dict[str, str]) -> list[Measure]:
    imports = collect(environment, rounds, "construct")
    memory = collect(environment, max(rounds // 3, 3), "list", url)
    calls = json.loads(
        subprocess.run(
            [sys.executable, str(HERE / "sample.py"), "both", "call", url, str(rounds)],
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
    )
    lines = [
        Measure("CPU of a ListAccountRoles call, kept alive", "us", 1e6, 0.8, calls),
        Measure("CPU of import and construction of a client", "ms", 1e3, 0.7, imports["seconds"]),
    ]
    if "own" in memory:
        lines.append(Measure("peak memory, 10,000 accounts listed: its own", "MB", 1 / 1024, 0.7, memory["own"]))
    if "resident" in memory:
        lines.append(
            Measure("  with the pages of files that processes share", "MB", 1 / 1024, None, memory["resident"])
        )
    return lines


def main() -> int:
    """Prints the table; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="samples of each (default 15)")
    rounds = parser.parse_args().rounds
    service = subprocess.Popen([sys.executable, str(HERE / "service.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        url = service.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as place:
            environment = {
                "PATH": os.environ.get("PATH", ""),
                "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),  # Windows starts no socket without it
                "HOME": place,
                "USERPROFILE": place,
                "PYTHONPATH": str(ROOT),
                "PYTHONPYCACHEPREFIX": str(Path(place) / "bytecode"),
            }
            lines = measure(rounds, url, environment)
    finally:
        service.terminate()
        service.wait()
    print(f"{'median of ' + str(rounds):<52}{'ours':>9}{'botocore':>11} {'':<4}{'ratio':>6}")
    for line in lines:
        print(line)
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
