"""A directory in which a local Identity Center keeps its state from one start to the next.

    state.json     tokens, registrations, keys, the organization, the control token
    buckets.json   the buckets and their objects
    lock           held while an Identity Center uses the directory

Only its owner can read it. Both files are written whole, within a second of a change and when it stops; large buckets
are written less often.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sso_magic.local import locks
from sso_magic.local.errors import LocalError, StateFileError
from sso_magic.local.files import replace
from sso_magic.local.saved_state import (
    VERSION,
    organization_document,
    organization_of_document,
    restore_sign_ins,
    sign_ins_document,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sso_magic.local.center_state import CenterState

_EVERY = 0.5  # seconds
_REST = 10  # times as long as the buckets took to write: large ones are not written all the time
Buckets = dict[str, Any]


class StateDirectory:
    """The state of one Identity Center, kept in a directory.

    Args:
        center: The Identity Center.
        path: The directory; made if it is not there.
    """

    def __init__(self, center: CenterState, path: Path) -> None:
        self.path = path
        self._center = center
        self._lock: FileLock | None = None
        self._is_restored = False
        self._written: bytes | None = None
        self._exported = -1
        self._next_export = 0.0
        self._organization: tuple[Any, dict[str, Any]] = (None, {})
        self._stop = locks.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> Buckets | None:
        """Take the directory, put back what it has, and return its buckets; None if it has none.

        Raises:
            LocalError: The directory cannot be written, or another Identity Center uses it.
            StateFileError: A file in it cannot be read.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.path / "lock", timeout=0, mode=0o600, thread_local=False)
            lock.acquire()
        except Timeout:
            raise LocalError(
                f"{self.path} is in use by another local Identity Center. Choose another directory with --state."
            ) from None
        except OSError as error:
            raise LocalError(
                f"{self.path} cannot be written ({error.strerror or error}). Choose another directory with --state."
            ) from None
        self._lock = lock
        try:
            if not self._is_restored:
                self._read("state.json", self._restore)
                self._is_restored = True
            buckets: Buckets | None = self._read("buckets.json", _decoded)
        except BaseException:
            self.release()
            raise
        return buckets

    def start(self) -> None:
        """Write now, and at changes from now on."""
        self._stop.clear()
        self._exported = -1
        self._write_state()
        self._thread = threading.Thread(target=self._run, name="sso_magic local state", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what has changed since, and give the directory back.

        Raises:
            LocalError: It could not be written.
        """
        try:
            if self._thread is not None:
                self._stop.set()
                self._thread.join()
                self._thread = None
                self._write(final=True)
        except OSError as error:
            raise LocalError(f"The state could not be written to {self.path} ({error.strerror or error}).") from None
        finally:
            self.release()

    def release(self) -> None:
        """Give the directory back."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            with contextlib.suppress(OSError):  # a full disk may be emptied; `close` raises what is left
                self._write()

    def _write(self, *, final: bool = False) -> None:
        self._write_state()
        began = time.monotonic()
        if not final and began < self._next_export:
            return
        exported = self._center.export_buckets(self._exported)
        if exported is not None:
            self._exported, buckets = exported
            replace(self.path / "buckets.json", json.dumps(_encoded(buckets)))
            self._next_export = began + _REST * (time.monotonic() - began)

    def _write_state(self) -> None:
        content = json.dumps(self._document()).encode()
        if content != self._written:
            replace(self.path / "state.json", content)
            self._written = content

    def _document(self) -> dict[str, Any]:
        center = self._center
        organization = center.organization
        if self._organization[0] != organization.state:
            self._organization = (organization.state, organization_document(organization.copy()))
        return {
            "version": VERSION,
            "control_token": center.control_token,
            "organization": self._organization[1],
            **sign_ins_document(center.state, center.keys, center.clock.now()),
        }

    def _restore(self, document: dict[str, Any]) -> None:
        if document["version"] != VERSION:
            raise ValueError(f"its version is {document['version']}, not {VERSION}")
        organization = organization_of_document(document["organization"])
        restore_sign_ins(self._center.state, self._center.keys, document)
        self._center.organization = organization
        self._center.control_token = str(document["control_token"])

    def _read(self, name: str, use: Any) -> Any:
        path = self.path / name
        try:
            with contextlib.suppress(FileNotFoundError):
                return use(json.loads(path.read_bytes()))
        except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, LocalError) as error:
            raise StateFileError(
                f"{path} cannot be read ({type(error).__name__}: {error}). Remove it to start without it."
            ) from None
        return None


def _encoded(buckets: Buckets) -> Buckets:
    return {
        "filled": buckets["filled"],
        "buckets": [
            {
                **one,
                "objects": [
                    [key, base64.b64encode(value).decode(), metadata] for key, value, metadata in one["objects"]
                ],
            }
            for one in buckets["buckets"]
        ],
    }


def _decoded(document: Buckets) -> Buckets:
    return {
        "filled": [str(one) for one in document["filled"]],
        "buckets": [
            {
                "name": str(one["name"]),
                "account": str(one["account"]),
                "region": str(one["region"]),
                "objects": [(key, base64.b64decode(value), dict(metadata)) for key, value, metadata in one["objects"]],
            }
            for one in document["buckets"]
        ],
    }
