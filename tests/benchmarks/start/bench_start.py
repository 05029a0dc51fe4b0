"""How long the local Identity Center takes from its start until AWS answers too, beside moto's own server.

    python tests/benchmarks/start/bench_start.py

Each figure is the median over new processes, taken in turn. The limit is 2 s from the command to readiness, for one and
for the later of two that are started at once.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import statistics
import subprocess
import sys
import time

RUNS = 5
LIMIT = 2.0  # seconds
LOCAL = [sys.executable, "-m", "sso_magic", "local", "--port", "0", "--aws-port", "0", "--json"]
MOTO = [sys.executable, "-c", "import sys; from moto.server import main; main(['-p', sys.argv[1]])"]
ENOUGH = 60.0  # seconds, after which a start has failed


def answers(port: int, path: str) -> bool:
    """Return True if the server on the port answers the path with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ENOUGH)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False


def wait_for(port: int, path: str) -> None:
    """Wait until the server on the port answers the path with 200."""
    until = time.monotonic() + ENOUGH
    while not answers(port, path):
        if time.monotonic() > until:
            sys.exit(f"Nothing was ready on port {port} within {ENOUGH:g} s.")
        time.sleep(0.01)


def local(number: int = 1) -> tuple[float, float]:
    """Return the seconds until the last of so many Identity Centers answers, and until its AWS does."""
    began = time.perf_counter()
    running = [subprocess.Popen(LOCAL, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    try:
        ports = [int(json.loads(one.stdout.readline())["url"].rpartition(":")[2]) for one in running]
        up = time.perf_counter() - began
        for port in ports:
            wait_for(port, "/control/ready")
        return up, time.perf_counter() - began
    finally:
        for one in running:
            one.terminate()
            one.wait()
            one.stdout.close()


def moto() -> float:
    """Return the seconds until moto's server answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    with subprocess.Popen([*MOTO, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_for(port, "/moto-api/")
        taken = time.perf_counter() - began
        server.terminate()
    return taken


def main() -> int:
    """Measure in turn, print the table, and return 1 if the limit does not hold."""
    local()  # files that are read for the first time are not what this is about
    taken: dict[str, list[float]] = {name: [] for name in ("pages", "ready", "two", "moto")}
    for _ in range(RUNS):
        up, ready = local()
        taken["pages"].append(up)
        taken["ready"].append(ready)
        taken["two"].append(local(2)[1])
        taken["moto"].append(moto())
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print("| from the command until | median, s | of moto's server |\n|---|---|---|")
    for name, what in (
        ("pages", "sso-magic local answers"),
        ("ready", "its AWS answers too"),
        ("two", "both of two answer, AWS too"),
        ("moto", "moto's server answers"),
    ):
        print(f"| {what} | {medians[name]:.2f} | {medians[name] / medians['moto']:.1f}x |")
    held = max(medians["ready"], medians["two"]) <= LIMIT
    print(f"\nThe limit of {LIMIT:g} s {'holds' if held else 'does not hold'}.")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
