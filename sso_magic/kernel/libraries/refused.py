"""Libraries that a task of ``%%sso_each`` cannot give its own keys, and that raise in it instead.

DuckDB's extensions and object_store under obstore read the environment in C++ or Rust, and DuckDB's default connection
belongs to the process. What names credentials of its own is left alone.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.errors import TaskError
from sso_magic.kernel.libraries.names import rename
from sso_magic.kernel.libraries.starts import Hooks, known_key_ids
from sso_magic.kernel.libraries.tasks import current_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.libraries.tasks import Task

READS_S3 = re.compile(r"\bs3[an]?://", re.IGNORECASE)
_TAKES_ANY = re.compile(r"\bcredential_chain\b", re.IGNORECASE)
GIVES_KEYS = re.compile(r"\bkey_id\b", re.IGNORECASE)
_STATEMENTS = (
    "execute", "executemany", "sql", "query", "from_query", "read_parquet", "from_parquet", "read_csv",
    "from_csv_auto", "read_json",
)  # fmt: skip
_NAMES_CREDENTIALS = ("credential_provider", "access_key_id", "aws_access_key_id", "skip_signature",
                      "aws_skip_signature")  # fmt: skip


def refuse(what: str, task: Task, instead: str) -> None:
    """Raise the error for what cannot use the task's keys.

    Raises:
        TaskError: Always.
    """
    raise TaskError(f"{what} would use the notebook's keys, not those of {task.label}. {instead}")


class DuckdbHooks(Hooks):
    """The methods of a connection that run a statement."""

    def install(self, library: ModuleType) -> None:
        """Refuse what leads to S3 in a task, unless the connection has a secret of the task's role."""

        def make(run: Callable[..., Any]) -> Callable[..., Any]:
            def run_checked(connection: Any, *arguments: Any, **options: Any) -> Any:
                task = current_task()
                if task is not None:
                    _check(connection, task, " ".join(_texts((*arguments, *options.values()))))
                return run(connection, *arguments, **options)

            return run_checked

        kind = getattr(library, "DuckDBPyConnection", None)
        for name in _STATEMENTS:
            if kind is not None and name in vars(kind):
                self.replace(kind, name, make)
            for function in (getattr(library, name, None), getattr(library, f"module_{name}", None)):
                if function is not None:
                    self._wrap_function(function)

    def _wrap_function(self, original: Any) -> None:
        @functools.wraps(original)
        def run_checked(*arguments: Any, **options: Any) -> Any:
            task = current_task()
            if task is not None:
                connection = options.get("connection") or sys.modules["duckdb"].default_connection()
                _check(connection, task, " ".join(_texts((*arguments, *options.values()))))
            return original(*arguments, **options)

        rename(original, run_checked)
        self._undo.append(lambda: rename(run_checked, original))


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)


def _check(connection: Any, task: Task, text: str) -> None:
    takes_any = _TAKES_ANY.search(text) is not None
    if not takes_any and (not READS_S3.search(text) or GIVES_KEYS.search(text)):
        return
    from sso_magic.kernel.libraries.duck import key_ids_of

    found = key_ids_of(connection) - known_key_ids(task)
    is_shared = connection is sys.modules["duckdb"].default_connection()  # other tasks replace its secrets
    if takes_any or is_shared or not key_ids_of(connection) or os.environ.get("AWS_ACCESS_KEY_ID") in found:
        refuse(
            "DuckDB",
            task,
            'Make a connection in the task, load httpfs, and give it role.credential_provider("duckdb")(connection) '
            "first.",
        )


class ObstoreHooks(Hooks):
    """`obstore.store.S3Store`, its `from_url` and `obstore.store.from_url`."""

    def install(self, library: ModuleType) -> None:
        """Refuse a store without credentials of its own in a task."""

        def check(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
            task = current_task()
            config = options.get("config") or {}
            named = {name.lower() for name in (*options, *config)}
            if task is not None and not named & set(_NAMES_CREDENTIALS) and _is_s3(arguments):
                refuse("obstore", task, 'Pass credential_provider=role.credential_provider("obstore").')

        def init(store: Any, *arguments: Any, **options: Any) -> None:  # noqa: ARG001 - Rust has made the store
            check(("s3://", *arguments), options)

        original = library.from_url

        @functools.wraps(original)
        def from_url(*arguments: Any, **options: Any) -> Any:
            check((*arguments, options.get("url")), options)
            return original(*arguments, **options)

        kind = library.S3Store

        def store_from_url(cls: Any, *arguments: Any, **options: Any) -> Any:
            check(("s3://", *arguments), options)
            parent: Any = super(kind, cls)
            return parent.from_url(*arguments, **options)

        for name, method in (("__init__", init), ("from_url", classmethod(store_from_url))):
            if name not in vars(kind):  # both are inherited from Rust
                setattr(kind, name, method)
                self._undo.append(functools.partial(delattr, kind, name))
        rename(original, from_url)
        self._undo.append(lambda: rename(from_url, original))


def _is_s3(arguments: tuple[Any, ...]) -> bool:
    return any(isinstance(value, str) and value.lower().startswith(("s3://", "s3a://")) for value in arguments)
