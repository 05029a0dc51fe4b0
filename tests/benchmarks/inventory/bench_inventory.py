"""The inventory's figures, each beside its peers in one run: ``python tests/benchmarks/inventory/bench_inventory.py``.

The local Identity Center runs in a process of its own. Peers are boto3 with threads and aws-sso-util
(``pip install aws-sso-util``). Each figure is a ratio against the peers, against what the throttle allows, or against
the import of pandas, so that it means the same on another machine. The exit status is 1 if one does not hold.

    bench_inventory.py [throttled] [changing] [unthrottled] [scale] [cached]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from peers import Result, Server, aws_sso_util, boto3, ours

failures: list[str] = []


def figure(name: str, value: float, limit: float, *, at_least: bool = False, unit: str = "") -> None:
    """Prints a figure beside its limit."""
    holds = value >= limit if at_least else value <= limit
    if not holds:
        failures.append(name)
    print(f"  {'ok  ' if holds else 'FAIL'} {name}: {value:.3g}{unit} (limit {limit:g}{unit})", flush=True)


def show(name: str, result: Result, ideal: float | None = None) -> None:
    """Prints a run."""
    times = f" = {result.seconds / ideal:.3f}x" if ideal else ""
    cost = f"{result.calls} calls, {result.refused_share:.2%} refused"
    outcome = result.error[:90] or f"{result.rows} rows"
    print(f"    {name:34} {result.seconds:7.3f} s{times}, {cost}, {outcome}")


def throttled() -> None:
    """50 calls a second, burst 50, 1,000 accounts x 3 roles."""
    print("throttled: 50/s, burst 50, 1,000 accounts x 3 roles, 20 ms")
    ideal = (1010 - 50) / 50
    with Server(1000, 3) as server:
        server.set(throttle=[50, 50], latency=0.02)
        default, many, one = server.run(ours()), server.run(ours(64)), server.run(ours(1))
        for name, result in (("ours", default), ("ours, 64 workers", many), ("ours, 1 worker", one)):
            show(name, result, ideal)
        peers = [(f"boto3 {mode}, {threads} threads", boto3(threads, mode)) for mode, threads in PEERS]
        for name, job in peers:
            show(name, server.run(job), ideal)
        util = server.run(aws_sso_util())
        show("aws-sso-util", util, ideal)
        server.set(latency=0)
        at_once = server.run(ours())
        show("ours, no latency", at_once, ideal)
    figure("throttled, of what the throttle allows", default.seconds / ideal, 1.05, unit="x")
    figure("throttled, refused", 100 * default.refused_share, 2, unit=" %")
    figure("throttled, 64 workers, of what the throttle allows", many.seconds / ideal, 1.05, unit="x")
    figure("throttled, 64 workers, refused", 100 * many.refused_share, 4, unit=" %")
    figure("throttled, no latency, of what the throttle allows", at_once.seconds / ideal, 1.05, unit="x")
    figure("throttled, no latency, refused", 100 * at_once.refused_share, 2, unit=" %")
    # aws-sso-util makes one call after the other too, which takes as long as they take.
    in_a_row = (one.seconds / one.calls) / (util.seconds / util.calls)
    figure("throttled, 1 worker, time a call of that of aws-sso-util", in_a_row, 1.15, unit="x")


PEERS = [("legacy", 8), ("legacy", 32), ("adaptive", 8), ("standard", 8)]


def changing() -> None:
    """The allowed rate halved, doubled, and both, in the middle."""
    print("changing: from 50/s, burst 50; 1,000 accounts x 3 roles, 20 ms")
    cases = {
        "halved": {8.0: 25},
        "doubled": {8.0: 100},
        "halved, then doubled": {6.0: 25, 14.0: 50},
    }
    with Server(1000, 3) as server:
        for name, rates in cases.items():
            server.set(throttle=[50, 50], latency=0.02)
            result = server.run(ours(), {after: {"throttle": [rate, 50]} for after, rate in rates.items()})
            ideal = allowed(1010, 50, rates)
            show(f"ours, {name}", result, ideal)
            figure(f"{name} in the middle, of what the throttle allows", result.seconds / ideal, 1.15, unit="x")


def allowed(calls: float, burst: float, rates: dict[float, float], rate: float = 50) -> float:
    """The seconds after which a throttle lets so many calls through whose rate changes at these moments."""
    left, now = calls - burst, 0.0
    for after, changed in rates.items():
        if left <= rate * (after - now):
            break
        left, now, rate = left - rate * (after - now), after, changed
    return now + left / rate


def unthrottled() -> None:
    """No throttle, 20 ms latency, 200 accounts x 3 roles.

    Asking with all workers at once would take 0.7 times as long; tests/benchmarks/rate shows what that costs at a
    throttle: two to three times as many calls are refused, more than the 2 % that are allowed there.
    """
    print("unthrottled: 20 ms, 200 accounts x 3 roles; the best of 7 rounds, each with all of them")
    with Server(200, 3) as server:
        server.set(latency=0.02)
        jobs = {"ours": ours()} | {f"boto3 standard, {n} threads": boto3(n, "standard") for n in (8, 16, 32, 64)}
        best: dict[str, Result] = {}
        for _ in range(7):
            for name, job in jobs.items():
                result = server.run(job)
                best[name] = min(best.get(name, result), result)
        util = server.run(aws_sso_util())
    for name, result in [*best.items(), ("aws-sso-util", util)]:
        show(name, result)
    fastest = min(result.seconds for name, result in best.items() if name != "ours")
    figure("unthrottled, of the best boto3", best["ours"].seconds / fastest, 0.9, unit="x")
    figure(
        "unthrottled, times as fast as aws-sso-util", util.seconds / best["ours"].seconds, 15, at_least=True, unit="x"
    )


def scale() -> None:
    """10,000 accounts x 5 roles, in a process of its own each: time against the calls, memory against pandas."""
    print("scale: 1,000 and 10,000 accounts x 5 roles, no throttle")
    per_call = {}
    for accounts in (1000, 10_000):
        with Server(accounts, 5) as server:
            server.set(latency=0.005)
            out = child("scale", server)
        seconds, megabytes, rows = map(float, out.split())
        calls = accounts + accounts / 100
        per_call[accounts] = seconds / calls
        print(f"    {accounts:6} accounts: {seconds:.2f} s, {1000 * seconds / calls:.2f} ms a call, {megabytes:.0f} MB")
        assert rows == 5 * accounts
    figure("10,000 accounts, time a call of that of 1,000", per_call[10_000] / per_call[1000], 1.1, unit="x")
    figure("10,000 accounts, memory above the import of pandas", megabytes, 150, unit=" MB")


SCALE = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
import pandas
def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
before = megabytes()
from types import SimpleNamespace
from peers import ours
began = time.perf_counter()
rows = ours()(SimpleNamespace(url=sys.argv[2], token=sys.argv[3]))
seconds = time.perf_counter() - began
from sso_magic.inventory import Inventory
frame = Inventory(key=sys.argv[2] + " 0", client=None, access_token=None, reauthenticate=None).cached().frame()
assert len(frame) == rows
print(seconds, megabytes() - before, rows)
"""

CACHED = """
import sys, time
from sso_magic.inventory import Inventory, find_account, search
inventory = Inventory(key=sys.argv[2] + " 0", client=None, access_token=None, reauthenticate=None)
def timed(work):
    began = time.process_time(); result = work(); return 1000 * (time.process_time() - began), result
cached, snapshot = timed(inventory.cached)
words, found = timed(lambda: search(snapshot, "payments prod"))
again, _ = timed(lambda: search(snapshot, "payments prod"))
prefix, _ = timed(lambda: search(snapshot, "p", limit=50))
def complete():
    names = [account.label for account in inventory.cached_accounts() if account.label.startswith("pay")]
    roles = inventory.cached_roles(inventory.cached_accounts()[0].account_id)
    return names, roles
completion, _ = timed(complete)
def import_pandas():
    import pandas
pandas, _ = timed(import_pandas)
frame, table = timed(lambda: snapshot.frame())
assert len(table) == 50_000 and found
print(cached, frame, words, again, prefix, completion, pandas)
"""


def cached() -> None:
    """50,000 rows from the cache file, in new processes. Nothing in it waits, so processor time is what counts."""
    print("cached: 50,000 rows, read in new processes, processor time, the median of 5")
    with Server(10_000, 5) as server:
        child("scale", server)
        rows = [list(map(float, child("cached", server).split())) for _ in range(5)]
    read, frame, words, again, prefix, completion, pandas = (sorted(column)[2] for column in zip(*rows, strict=True))
    print(f"    read {read:.1f} ms, table {frame:.1f} ms, pandas {pandas:.0f} ms")
    figure("50,000 rows to a DataFrame, of the import of pandas", (read + frame) / pandas, 1, unit="x")
    figure("search, the first", words, 20, unit=" ms")
    figure("search, the next", again, 20, unit=" ms")
    figure("search by one letter, best 50", prefix, 20, unit=" ms")
    figure("completion", completion, 20, unit=" ms")
    figure("completion, the first, with the reading of the file", completion + read, 20, unit=" ms")


def child(what: str, server: Server) -> str:
    """Runs a piece of the benchmark in a process of its own and gives what it prints."""
    server.run(lambda _: 0)  # a fresh token
    code = {"scale": SCALE, "cached": CACHED}[what]
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), server.url, server.token]
    return subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    parts = {part.__name__: part for part in (throttled, changing, unthrottled, scale, cached)}
    chosen = sys.argv[1:] or list(parts)
    peers = ", ".join(f"{name} {version(name)}" for name in ("boto3", "aws-sso-lib", "pandas"))
    print(f"Python {sys.version.split()[0]}, {peers}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = os.environ["USERPROFILE"] = home
        with Server(1, 1) as server:  # everything is imported before anything is measured
            for job in (ours(), boto3(1, "standard"), aws_sso_util()):
                server.run(job)
        for name in chosen:
            parts[name]()
    if failures:
        sys.exit(f"{len(failures)} do not hold: {', '.join(failures)}")


if __name__ == "__main__":
    main()
