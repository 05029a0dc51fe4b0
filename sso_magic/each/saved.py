"""The results of a run in a Parquet file, kept as they come.

Each result is appended to a journal beside the file, ``PATH.parquet.journal``, on the thread that got it. A kernel that
is killed loses no result that was there, and the next run with ``resume`` goes on from it. At the end of a run, also of
one that was stopped, the Parquet file is written as a whole, and the journal is removed.

A record of the journal is its length and checksum, a line of JSON (account, role, region, error) and the rows as an
Arrow stream. Nothing is pickled: a file from another person cannot run code here. A record that a killed kernel has not
finished is cut off. The Parquet file's metadata hold which tasks are done, also those without rows, and the errors.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sso_magic.common import cache, locks
from sso_magic.each.table import Row, part_of
from sso_magic.errors import UsageError
from sso_magic.inventory.rows import Account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    import pandas as pd

    from sso_magic.each.accounts import Job
    from sso_magic.each.task import Outcome

# A journal begins with one of these: of a new run, or of one that goes on with the Parquet file.
_NEW, _RESUMED = b"sso_magic each 1 new    \n", b"sso_magic each 1 resumed\n"
_HEAD = struct.Struct("<II")  # length and checksum of a record
_KEY = b"sso_magic"  # in the Parquet file's metadata
_LABELS = ("account_id", "account_name", "role_name", "region")


class SavedRun:
    """A Parquet file that a run is saved to.

    Args:
        path: The file; its name ends in ``.parquet``.
        resume: Whether to go on from what it holds.

    Attributes:
        earlier: The results of the earlier run, in their order.

    Raises:
        UsageError: The file cannot be written, is another program's, is in use by another kernel, or holds an
            unfinished run and `resume` is False.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool) -> None:
        self.path = _checked(path)
        self.earlier: list[Row] = []
        self._journal = self.path.with_name(f"{self.path.name}.journal")
        self._writing = locks.RLock()
        self._file: IO[bytes] | None = None
        self._held = contextlib.ExitStack()
        try:
            self._open(resume=resume)
        except BaseException:
            self.close()
            raise

    def _open(self, *, resume: bool) -> None:
        self._lock()
        rows, end, is_new = _read_journal(self._journal)
        if rows and not resume:
            raise UsageError(
                f"{self.path} holds a run that was not finished ({len(rows):,} done). Add --resume to go on with it, "
                f"or delete {self._journal.name}."
            )
        if resume:
            before = [] if is_new else _read_parquet(self.path)  # a new run's journal: the file is of a run before it
            found = {row.key: row for row in [*before, *rows]}
            self.earlier = list(found.values())
        try:
            self._file = self._journal.open("r+b" if end else "wb")
            self._file.truncate(end)
            self._file.seek(end)
            if not end:
                self._file.write(_RESUMED if resume else _NEW)
                self._file.flush()
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written ({error.strerror}). Choose another file.") from None

    def append(self, job: Job, outcome: Outcome) -> None:
        """Keep one result; what was stopped has none. Called on the thread that got it."""
        if outcome.failure is not None:
            return  # it is run again by a resume; the end of the run keeps its error
        try:
            record = _record(job, outcome.value)
        except Exception:  # noqa: BLE001 - no table can be made of the value: the run's own table says so
            return
        locks.run_holding(self._writing, lambda: self._write(record))

    def _write(self, record: bytes) -> None:
        if self._file is None:
            return
        place = self._file.tell()
        try:
            self._file.write(_HEAD.pack(len(record), zlib.crc32(record)) + record)
            self._file.flush()
        except OSError:  # a full disk: the end of the run writes, or says why it cannot
            with contextlib.suppress(OSError):
                self._file.seek(place)

    def finish(self, frame: pd.DataFrame) -> str | None:
        """Write the Parquet file from the run's table, and remove the journal.

        Returns:
            Why the file could not be written; None if it was. The journal stays then, for a resume.
        """
        import pyarrow.parquet as pq

        table = _arrow(frame)
        about = json.dumps({"done": frame.attrs["done"], "errors": frame.attrs["errors"]})
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: about.encode()})
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            pq.write_table(table, unfinished)
            unfinished.replace(self.path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            if not isinstance(error, OSError):
                raise
            return error.strerror or type(error).__name__
        locks.run_holding(self._writing, self._remove_journal)
        return None

    def _remove_journal(self) -> None:
        self._close_file()
        with contextlib.suppress(OSError):
            self._journal.unlink()

    def close(self) -> None:
        """Close the files; the journal stays for a resume."""
        locks.run_holding(self._writing, self._close_file)
        self._held.close()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _lock(self) -> None:
        import filelock

        directory = cache.own_directory() / "locks"
        name = f"{cache.sha1(str(self.path.resolve()))}.each"
        lock = filelock.FileLock(directory / name, thread_local=False)  # another thread may release it
        with contextlib.suppress(OSError, NotImplementedError):  # a file system without locks
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                raise UsageError(
                    f"Another run saves to {self.path}. Choose another file, or wait for its end."
                ) from None
            self._held.callback(lock.release)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the results in a table of an earlier run, an account or a region of one each.

    Raises:
        UsageError: It is no such table.
    """
    if not hasattr(frame, "columns") or not {"account_id", "role_name"} <= set(frame.columns):
        raise UsageError("Only the DataFrame of an earlier run of %%sso_each can be resumed.")
    labels = [name for name in _LABELS if name in frame.columns]
    keys = [name for name in ("account_id", "region") if name in labels]
    rows = {}
    for _, part in frame.groupby(keys, sort=False, dropna=False):
        first = {name: _text(part[name].iloc[0]) for name in labels}
        row = Row(
            Account(str(first["account_id"]), first.get("account_name")),
            str(first["role_name"]),
            part.drop(columns=labels).reset_index(drop=True),
            None,
            first.get("region"),
        )
        rows[row.key] = row
    for account_id, account_name, role_name, region in frame.attrs.get("done", ()):
        rows.setdefault((account_id, region), Row(Account(account_id, account_name), role_name, None, None, region))
    return list(rows.values())


def _checked(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if "://" in text or not text.endswith(".parquet"):
        raise UsageError(f"--save {text} is no Parquet file of this machine. Type --save costs.parquet, for example.")
    found = Path(text).expanduser()
    if not found.parent.is_dir():
        raise UsageError(f"--save {text}: the directory {found.parent} does not exist. Make it first.")
    try:
        import pyarrow  # noqa: F401, ICN001 - it is only looked for
    except ImportError:
        raise UsageError("--save needs pyarrow: pip install pyarrow.") from None
    return found


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


# ---- the journal ----


def _record(job: Job, value: Any) -> bytes:
    import pyarrow as pa

    part = part_of(value)
    head = {
        "account_id": job.account.account_id,
        "account_name": job.account.account_name,
        "role_name": job.role_name,
        "region": job.region,
    }
    sink = pa.BufferOutputStream()
    table = _arrow(part)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return json.dumps(head).encode() + b"\n" + bytes(sink.getvalue())


def _read_journal(path: Path) -> tuple[list[Row], int, bool]:
    """Return a journal's results, the end of its last whole record (0: no journal), and whether its run was new."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], 0, False
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Choose another file.") from None
    if not content.startswith((_NEW, _RESUMED)):
        return [], 0, False
    rows: list[Row] = []
    place = len(_NEW)
    while place + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, place)
        record = content[place + _HEAD.size : place + _HEAD.size + length]
        if len(record) < length or zlib.crc32(record) != checksum:
            break
        rows.append(_row(record))
        place += _HEAD.size + length
    return rows, place, content.startswith(_NEW)


def _row(record: bytes) -> Row:
    import pyarrow as pa

    line, _, stream = record.partition(b"\n")
    head = json.loads(line)
    frame = pa.ipc.open_stream(stream).read_all().to_pandas()
    return Row(Account(head["account_id"], head["account_name"]), head["role_name"], frame, None, head["region"])


# ---- the Parquet file ----


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return []
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[_KEY])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise UsageError(
            f"{path} was not written by a run with --save and cannot be resumed. Choose another file."
        ) from None
    frame = table.to_pandas()
    frame.attrs["done"] = about["done"]
    return rows_of(frame)


def _arrow(part: pd.DataFrame | Sequence[dict[str, Any]]) -> Any:
    """Return the rows as an Arrow table; a column that Arrow has no type for becomes text."""
    import pandas as pd
    import pyarrow as pa

    frame = pd.DataFrame(part)
    frame.columns = [str(name) for name in frame.columns]
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.Table.from_pandas(frame.apply(_storable), preserve_index=False)


def _storable(column: pd.Series) -> pd.Series:
    import pyarrow as pa

    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return column.map(str, na_action="ignore")
    return column
