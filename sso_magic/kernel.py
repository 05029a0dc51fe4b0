"""Role credentials in this kernel: put in the environment, taken out, what was there before brought back.

The environment is the one place that boto3, s3fs, polars, DuckDB and every child process read. One `KernelRole` a
process owns it; what it displaced is remembered until it is released, value by value.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sso_magic.credentials import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from sso_magic.credentials import RoleCredentials

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
KEY_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
)
# Each of these would win over the keys in one library or another (portal-protocol 6, 9.3, 10.1).
COMPETING_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
OWNED = (*KEY_VARIABLES, *REGION_VARIABLES, *COMPETING_VARIABLES)


@dataclass(frozen=True, slots=True)
class Use:
    """A role that is, or was, used in this kernel.

    Attributes:
        credentials: The keys; bound to their account and role for good.
        region: The region for the work done; None leaves what was there.
        session: The label of the session they came from.
        fetch: Gets the same role's credentials again.
    """

    credentials: RoleCredentials
    region: str | None
    session: str
    fetch: Callable[[], RoleCredentials]

    @property
    def label(self) -> str:
        """``payments-prod (111111111111) / ReadOnly``."""
        return f"{self.credentials.account_label} / {self.credentials.role_name}"

    def current(self) -> Use:
        """This use, with new credentials if its own end soon."""
        return self if self.credentials.seconds_left() >= WINDOW else replace(self, credentials=self.fetch())


class Layer:
    """One use on top of another. A block (``with``, ``%%sso_as``) ends by itself; a plain use is replaced by the next.

    Leaving a block takes out its layer and the plain uses made inside it, also where blocks of several threads end in
    another order than they began.
    """

    def __init__(self, kernel: KernelRole, use: Use | None, displaced: Layer | None = None) -> None:
        self._kernel = kernel
        self.use = use
        self.displaced = displaced
        self.is_block = False

    def __enter__(self) -> Self:
        self._kernel.open_block(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self._kernel.close_block(self)


class KernelRole:
    """The role in use in this process; safe to call from many threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._before: dict[str, str | None] | None = None
        self._layers: list[Layer] = []
        self._previous: Use | None = None

    @property
    def current(self) -> Use | None:
        """The role in use."""
        with self._lock:
            return self._layers[-1].use if self._layers else None

    @property
    def previous(self) -> Use | None:
        """The role used before, which ``%sso_use -`` goes back to."""
        return self._previous

    def set_aside(self) -> tuple[str, ...]:
        """The variables that competed and were put aside, by name."""
        before = self._before or {}
        return tuple(name for name in COMPETING_VARIABLES if before.get(name) is not None)

    def use(self, use: Use | None) -> Layer:
        """Puts the role in the environment in place of any other; as a context manager, until the block ends.

        None means no role: what was there before anything was used.
        """
        with self._lock:
            replaced = self.current
            if replaced is not None and not (use and _same_role(replaced, use)):
                self._previous = replaced
            displaced = self._layers.pop() if self._layers and not self._layers[-1].is_block else None
            if displaced is not None:
                displaced.displaced = None  # one step back is all that a block needs; a chain would never be freed
            layer = Layer(self, use, displaced)
            self._layers.append(layer)
            self._apply()
            return layer

    def open_block(self, layer: Layer) -> None:
        """Makes the layer a block on top of what it displaced."""
        with self._lock:
            if layer.displaced is not None:
                self._layers.insert(self._layers.index(layer), layer.displaced)
            layer.is_block = True

    def close_block(self, layer: Layer) -> None:
        """Takes the block's layer out, and the plain uses that were made on top of it."""
        with self._lock:
            if layer not in self._layers:
                return  # released meanwhile
            start = self._layers.index(layer)
            end = start + 1
            while end < len(self._layers) and not self._layers[end].is_block:
                end += 1
            del self._layers[start:end]
            self._apply()

    def release(self) -> Use | None:
        """Takes the role out and brings back what was there; the role that was in use, if any.

        Inside a block it holds until the block ends.
        """
        with self._lock:
            released = self.current
            self.use(None)
            return released

    def forget(self, session: str | None = None) -> Use | None:
        """Releases roles of this session (None: of all) and forgets them: its person has signed out."""
        with self._lock:
            released = self.current

            def is_gone(use: Use | None) -> bool:
                return use is not None and session in (None, use.session)

            for layer in self._layers:
                if is_gone(layer.use):
                    layer.use = None
                if layer.displaced is not None and is_gone(layer.displaced.use):
                    layer.displaced.use = None
            if is_gone(self._previous):
                self._previous = None
            self._apply()
            return released if is_gone(released) else None

    def _apply(self) -> None:
        """Makes the environment what the topmost layer says."""
        while self._layers and self._layers[0].use is None and not self._layers[0].is_block:
            del self._layers[0]
        use = self.current
        if self._before is None:
            if use is None:
                return
            self._before = {name: os.environ.get(name) for name in OWNED}
        values = dict(self._before)
        if use is not None:
            values = dict.fromkeys(OWNED)
            values |= {name: use.region or self._before[name] for name in REGION_VARIABLES}
            values |= use.credentials.environment()
        _write(values)
        if not self._layers:
            self._before = None


def _write(values: dict[str, str | None]) -> None:
    # All new values go in with one update, so that a reader in another thread has the least time to see a mixture.
    os.environ.update({name: value for name, value in values.items() if value is not None})
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
    _reset_boto3()


def _same_role(one: Use, other: Use) -> bool:
    return (one.session, one.credentials.account_id, one.credentials.role_name, one.region) == (
        other.session,
        other.credentials.account_id,
        other.credentials.role_name,
        other.region,
    )


def _reset_boto3() -> None:
    """boto3 keeps its first default session for good; the next call makes one of the new environment."""
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = None


KERNEL = KernelRole()
