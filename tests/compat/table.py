"""Write tests/compat/README.md from what the matrix measured, and tell whether a table says what was measured.

What was measured last of each group is in tests/output; `measured.json`, beside the table, keeps it for the groups that
were not run since, so that running one group changes that group's rows only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "output"
KEPT = HERE / "measured.json"
README = HERE / "README.md"
GROUPS = ("core", "readers", "models", "pinned_aio", "training", "clients")
UNUSED = "made under A and not used, across A's expiry"
USED = "made under A, under B, across A's expiry"

HEAD = """# Compatibility, as measured

Written by `make compat` (`python tests/compat/environments.py`) from the tests that ran; do not edit. Each request is
classified by the keys that signed it: **A**, the role used first; **B**, the role used next; **C**, a default profile
that is valid all along; *unsigned*. The local AWS refuses unknown and expired keys.

| column | what it is |
|---|---|
| 1 | new objects and calls after `%sso_use A` |
| 2 | new objects and calls after `%sso_use B` |
| 3 | new objects and calls after `%sso_use --off` |
| 4 | an object of A across an expiry, keys in the environment |
| 5 | the same with `--serve` |
| 6 | an object of A, after a switch to B and A's expiry, used before or not: keys; `--serve` |

*goes on*: it reads, as A. *ends*: it is refused, and a new object reads. *cannot read*: nothing signed and nothing was
read. *named*: the line of `%sso_use B` says that it still uses A, or that it may start processes as B.

In no cell does something made or called after a switch sign as the old role in silence, does something made under A
sign as B in silence, or does anything fall back to the default profile while a role is in use. `test_matrix.py` asserts
that for each row.

"""

FOOT = """
What the table does not show:

- A file that fsspec's `blockcache`, `filecache` or `simplecache` keeps in a directory of yours (`cache_storage=`), and
  what GDAL keeps of a file in memory, is read without a request, whatever role is in use. Give each role a directory of
  its own.
- DuckDB's *default connection* is the module's own (`duckdb.sql`). Its keys are replaced at each switch and renewal
  once `httpfs` is loaded. `httpfs` reads keys from the environment when it is loaded, and nothing else. So with
  `--serve` load it before `%sso_use` (`duckdb.sql("LOAD httpfs")`), use the role once more, or make a secret: by
  `credential_chain`, or by `role.credential_provider("duckdb")(connection)`.
- A path of `s3path` is only a name: it is read with the role in use when it is read. A boto3 resource of another
  session that was registered for it (`s3path.register_configuration_parameter`) stays.
- What is made with an `IOConfig` of Daft without credentials belongs to the role in use at that moment. Daft's SQL
  takes none: pass it a DataFrame, `daft.sql("SELECT * FROM t", t=daft.read_parquet("s3://..."))`.
- `aws_lambda_powertools.utilities.parameters` drops its clients and values at each switch, and `redshift_connector` the
  database passwords that it got with a role's credentials (`iam=True`).
- A connection of PynamoDB stays with the role that it was made under, and so does a model, which keeps a connection
  for the process: both are named. A filesystem of TileDB (`tiledb.VFS`) that was made under A is named; it reads the
  environment at each request, so make a new one after a switch.
- A process pool starts its workers when there is work for them, with the environment of that moment. A pool that was
  made under A is named at the switch.
- The line of a switch names what holds an access key ID of the old role, as text or in base64: Python's objects,
  constants of functions that no installed library defines, arrays and tables of NumPy, pandas and pyarrow, buffers of
  `io`, `array` and `ctypes`, and the environment of child processes. Not searched are arguments of `atexit` functions;
  a text or tuple that only a local variable of a running function refers to; memory that is mapped (`mmap`, shared
  memory); what is longer than 1 MB or has more than 100,000 objects; compressed data; and the own memory of other
  libraries in C, C++ or Rust, such as polars, lxml and SQLite.
"""


def kept() -> dict[str, Any]:
    """What the table was written from, by group and mode."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}


def measured() -> dict[str, Any]:
    """What was measured last, by group and mode."""
    found = kept()
    for group in GROUPS:
        for mode in ("keys", "serve"):
            path = OUTPUT / f"matrix-{group}-{mode}.json"
            if path.exists():
                run = json.loads(path.read_text(encoding="utf-8"))
                found[f"{group} {mode}"] = {"rows": outline(run["rows"]), "finds": run["finds"], "named": run["named"]}
    return found


def outline(rows: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """What the table needs of a run, without addresses and other text that changes from run to run."""
    return {
        name: {step: [*cell["signers"], "" if cell["reads"] else "!"] for step, cell in steps.items()}
        for name, steps in rows.items()
    }


def cells(steps: dict[str, list[str]]) -> list[str]:
    """A row's cells in one mode."""
    first = [_signed(steps[step]) for step in ("new under A", "new under B", "new after off")]
    return [*first, _expiry(steps), _ending(steps) if USED in steps else ""]


def write() -> None:
    """Write the table, and what it is made of."""
    found = dict(sorted(measured().items()))  # the rows stay in the order in which they were measured
    KEPT.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
    README.write_text(text(found), encoding="utf-8")


def text(found: dict[str, Any]) -> str:
    """The table's file."""
    lines = ["| library | finds credentials by | 1 | 2 | 3 | 4 | 5 | 6 |", "|---|---|---|---|---|---|---|---|"]
    for group in GROUPS:
        keys, serve = found.get(f"{group} keys"), found.get(f"{group} serve")
        if keys is None or serve is None:
            continue
        lines += [
            f"| {name} | {keys['finds'][name]} | {' | '.join(columns(name, keys, serve))} |" for name in keys["rows"]
        ]
    return HEAD + "\n".join(lines) + "\n" + FOOT


def columns(name: str, keys: dict[str, Any], serve: dict[str, Any]) -> list[str]:
    """The six cells of a row."""
    one, other = keys["rows"][name], serve["rows"][name]

    def both(step: str) -> str:
        first, second = _signed(one[step]), _signed(other[step])
        return first if first == second else f"{first}; serve {second}"

    second = both("new under B")
    if name in keys["named"]:
        second += ", named"
    return [
        both("new under A"),
        second,
        both("new after off"),
        _expiry(one),
        _expiry(other),
        _left_over(one, other),
    ]


def _signed(cell: list[str]) -> str:
    letters = [letter for letter in cell[:-1] if letter != "none"]
    if letters:
        return " and ".join(letters)
    return "unsigned" if "none" in cell else "cannot read" if cell[-1] else "reads no file"


def _expiry(steps: dict[str, list[str]]) -> str:
    if "across the expiry" not in steps:
        return ""
    if not steps["across the expiry"][-1]:
        return "goes on"
    return "ends" if not steps["new across the expiry"][-1] else "cannot read"


def _left_over(one: dict[str, list[str]], other: dict[str, list[str]]) -> str:
    if USED not in one:
        return ""
    first, second = (_ending(steps) for steps in (one, other))
    return first if first == second else f"{first}; serve {second}"


def _ending(steps: dict[str, list[str]]) -> str:
    letters = {letter for step in (USED, UNUSED, "made under A and not used, under B") for letter in steps[step][:-1]}
    if "B" in letters:
        return "A; unused: B, named"
    return "goes on as A" if not steps[USED][-1] else "ends as A"
