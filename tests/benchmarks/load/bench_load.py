"""What ``%load_ext sso_magic`` costs, beside doing nothing and beside importing boto3.

    python tests/benchmarks/load/bench_load.py

Each figure is the median over new processes, taken in turn. Processor time, so that other work on the machine counts in
none of them. Exits with 1 if loading takes more than 0.04 of `import boto3`. Ten modules and the classes of magics are
left in it; what a person sees is 3 to 6 ms.
"""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
from pathlib import Path

import sso_magic

LIMIT = 0.04  # of `import boto3`
RUNS = 15
SHELL = """
import time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
start = time.process_time()
{work}
print((time.process_time() - start) * 1000)
"""
WORK = {
    "nothing": "pass",
    "%load_ext sso_magic": "shell.run_line_magic('load_ext', 'sso_magic')",
    "import boto3": "import boto3",
    "import pandas": "import pandas",
}


def milliseconds(work: str) -> float:
    """The time the work takes in a new IPython."""
    done = subprocess.run([sys.executable, "-c", SHELL.format(work=work)], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    # An installed package has its byte code; this source folder may have none, by PYTHONDONTWRITEBYTECODE.
    compileall.compile_dir(Path(sso_magic.__file__).parent, quiet=2)
    taken = {name: [] for name in WORK}
    for _ in range(RUNS):
        for name, work in WORK.items():
            taken[name].append(milliseconds(work))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    loading = medians["%load_ext sso_magic"]
    print("| in a new IPython | median, ms | of %load_ext |\n|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {value:.1f} | {value / loading:.1f}x |")
    return 0 if loading <= LIMIT * medians["import boto3"] else 1


if __name__ == "__main__":
    sys.exit(main())
