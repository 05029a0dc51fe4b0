"""Runs the benchmarks one after the other, each beside its peers, and keeps what they found: ``make bench``.

    python tests/benchmarks/run.py [NAME ...]  # all, or some of: client dask each inventory load panel ...

Each is a script of its own, ``NAME/bench_NAME.py``, that prints its figures and exits with 1 if a limit does not hold.
What they print is gathered in tests/output/bench.md, with the machine and the releases it was measured on, and the
times of the alternatives are drawn to tests/output/bench.png. The exit status is 1 if a limit did not hold.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "output"
RELEASES = (
    "sso-magic",
    "ipython",
    "ipywidgets",
    "anywidget",
    "pandas",
    "requests",
    "boto3",
    "botocore",
    "aws-sso-util",
    "ipykernel",
)


@dataclass(frozen=True)
class Run:
    """What a benchmark printed.

    Attributes:
        name: Its folder.
        title: The first line of its docstring.
        printed: Its figures.
        status: Its exit status: 0 if all limits hold.
        seconds: How long it took.
    """

    name: str
    title: str
    printed: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Plot:
    """How the times of alternatives are found in what a benchmark printed.

    Attributes:
        title: What they are the times of.
        line: Finds a name and a time in a line.
        unit: The unit of the times.
        after: The line from which on they are looked for, up to the next that is not indented.
    """

    title: str
    line: re.Pattern[str]
    unit: str
    after: str | None = None


PLOTS = {
    "start": Plot("From the command until", re.compile(r"^\| (.+?) \| ([\d.]+) \|"), "s"),
    "load": Plot("In a new IPython", re.compile(r"^\| (.+?) \| ([\d.]+) \|"), "ms"),
    "use": Plot("Credentials of a role", re.compile(r"^(\S.*?)\s{2,}([\d.]+) ms"), "ms"),
    "each": Plot("A cell in 200 accounts", re.compile(r"^(\S.*?)\s{2,}([\d.]+) s\b"), "s"),
    "inventory": Plot("200 accounts x 3 roles", re.compile(r"^ {4}(\S.*?)\s{2,}([\d.]+) s\b"), "s", "unthrottled"),
}


def names() -> list[str]:
    """The benchmarks that there are."""
    return sorted(path.parent.name for path in HERE.glob("*/bench_*.py"))


def run(name: str) -> Run:
    """Runs one, showing what it prints while it does."""
    script = HERE / name / f"bench_{name}.py"
    title = script.read_text(encoding="utf-8").partition('"""')[2].partition("\n")[0].rstrip('"')
    print(f"== {name}", flush=True)
    began = time.monotonic()
    printed = []
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return Run(name, title, "".join(printed), child.returncode, time.monotonic() - began)


def machine() -> str:
    """What it was measured on."""
    load = f", load {os.getloadavg()[0]:.1f} when it began" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.platform()}, {processor()}, {os.cpu_count()} processors{load}. "
        f"Python {platform.python_version()}, {', '.join(map(release, RELEASES))}."
    )


def release(name: str) -> str:
    """The package and its version here."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"


def processor() -> str:
    """The processor's name as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def markdown(machine: str, runs: list[Run]) -> str:
    """All that was found, as one document."""
    parts = ["# Benchmarks\n", f"{machine}\n", "| benchmark | limits | took |\n|---|---|---|"]
    parts += [f"| {run.name} | {'hold' if run.status == 0 else '**missed**'} | {run.seconds:.0f} s |" for run in runs]
    for run in runs:
        shown = run.printed.rstrip()
        if not shown.startswith("|"):  # it is no Markdown table itself
            shown = f"```\n{shown}\n```"
        parts.append(f"\n## {run.name}\n\n{run.title}\n\n{shown}")
    return "\n".join(parts) + "\n"


def times(run: Run) -> list[tuple[str, float]]:
    """The alternatives and their times, as far as the benchmark compares any."""
    plot = PLOTS.get(run.name)
    if plot is None:
        return []
    lines = run.printed.splitlines()
    if plot.after is not None:
        start = next((number for number, line in enumerate(lines) if line.startswith(plot.after)), len(lines))
        rest = lines[start + 1 :]
        lines = rest[: next((number for number, line in enumerate(rest) if line[:1].strip()), len(rest))]
    found = [match for match in map(plot.line.search, lines) if match is not None]
    return [(match[1], float(match[2])) for match in found]


def draw(runs: list[Run], path: Path) -> bool:
    """Draws the times; False if matplotlib is not installed or there is nothing to draw."""
    compared = [(run, found) for run in runs if (found := times(run))]
    if not compared:
        return False
    try:
        import matplotlib as mpl
    except ImportError:
        print("No plot: matplotlib is not installed.")
        return False
    mpl.use("agg")
    from matplotlib import pyplot as plt

    heights = [len(found) + 1.5 for _, found in compared]
    figure, axes = plt.subplots(
        len(compared), squeeze=False, figsize=(8, 0.4 * sum(heights)), height_ratios=heights, layout="constrained"
    )
    for (run, found), axis in zip(compared, axes.flat, strict=True):
        plot = PLOTS[run.name]
        colors = ["#1b6ec2" if ours(name) else "#b0b7bf" for name, _ in found]
        bars = axis.barh([name for name, _ in found], [value for _, value in found], color=colors)
        axis.bar_label(
            bars,
            [f"{value:,.0f} {plot.unit}" if value >= 100 else f"{value:.3g} {plot.unit}" for _, value in found],
            padding=4,
        )
        axis.set_title(plot.title, loc="left", fontsize="medium")
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.xaxis.set_visible(False)
    figure.savefig(path, dpi=150)
    return True


def ours(name: str) -> bool:
    """Whether the alternative is this package."""
    return name.startswith("ours") or "sso_" in name


def main() -> int:
    chosen = sys.argv[1:] or names()
    unknown = set(chosen) - set(names())
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}: choose among {', '.join(names())}.")
    where = machine()
    runs = [run(name) for name in chosen]
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "bench.md").write_text(markdown(where, runs), encoding="utf-8")
    print(f"\n{where}\nWritten: {OUTPUT / 'bench.md'}")
    if draw(runs, OUTPUT / "bench.png"):
        print(f"Drawn: {OUTPUT / 'bench.png'}")
    missed = [run.name for run in runs if run.status]
    if missed:
        print(f"Limits missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
