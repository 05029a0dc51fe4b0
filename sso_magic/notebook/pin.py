"""The role that a notebook is pinned to: ``sso_magic: {account, role, region, at}`` in the notebook's metadata.

JupyterLab's extension writes it there, and sends it with its first message to the comm. For every other client it is
the metadata of an output without data, as the record of `identity_record` is. The kernel reads both in the notebook's
file, where it knows the file. The newest pin counts.

A pin has an account ID, a role name and a region; no key and no token.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sso_magic.common.session_name import session_name
from sso_magic.common.text import printable
from sso_magic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from sso_magic.kernel.kernel_role import Use

KEY = "sso_magic"  # in the metadata of a notebook, a cell or an output


class Pin(NamedTuple):
    """A role that a notebook is for.

    Attributes:
        account: The account's 12 digits; its name where somebody has written the metadata by hand.
        role: The role.
        region: The region for the work done; None allows any.
        at: When the role was pinned, ISO 8601, UTC; empty where somebody has written the metadata by hand.
    """

    account: str
    role: str
    region: str | None
    at: str = ""

    @classmethod
    def parse(cls, value: object) -> Self | None:
        """Return the pin in the value of the key; None if it has none.

        Raises:
            UsageError: It has another form.
        """
        if value is None or (isinstance(value, dict) and not {"account", "role", "region"} & set(value)):
            return None
        account, role, region, at = (
            (value.get("account"), value.get("role"), value.get("region"), value.get("at", ""))
            if isinstance(value, dict)
            else (None, None, None, "")
        )
        is_region = region is None or (isinstance(region, str) and region != "")
        if isinstance(account, str) and isinstance(role, str) and account and role and is_region:
            return cls(account, role, region, at if isinstance(at, str) else "")
        raise UsageError(
            'The metadata sso_magic of this notebook is not {"account": "111111111111", "role": "ReadOnly", "region": '
            "null}. Write it again: %sso_use ACCOUNT ROLE --pin"
        )

    @property
    def label(self) -> str:
        """``111111111111 / ReadOnly in eu-west-1``."""
        region = f" in {self.region}" if self.region else ""
        return printable(f"{self.account} / {self.role}{region}")

    def allows(self, use: Use, region: str | None) -> bool:
        """Return True if this is the role that is pinned.

        Args:
            use: A role in use.
            region: The region that libraries find while it is in use.
        """
        keys = use.credentials
        return (
            self.account.replace("-", "") in (keys.account_id, (keys.account_name or "").replace("-", ""))
            and self.role == keys.role_name
            and self.region in (None, region)
        )


def this_notebook(shell: Any) -> Path | None:
    """Return the notebook that this kernel runs, if its front end says so and the file exists."""
    of_vs_code = None if shell is None else shell.user_ns.get("__vsc_ipynb_file__")
    return _file(of_vs_code, session_name())


def pinned_notebook(shell: Any) -> Path | None:
    """Return the notebook whose pin counts: the one that ``papermill --inject-paths`` runs, else `this_notebook`."""
    of_papermill = None if shell is None else shell.user_ns.get("PAPERMILL_INPUT_PATH")
    return _file(of_papermill) or this_notebook(shell)


def _file(*names: object) -> Path | None:
    for name in names:
        if isinstance(name, str) and name.endswith(".ipynb") and Path(name).is_file():
            return Path(name)
    return None


def saved_pins(path: Path) -> list[Pin]:
    """Return every pin in a notebook's file; none if the file cannot be read.

    Raises:
        UsageError: The notebook's metadata has another form.
    """
    try:
        text = path.read_bytes()
        if KEY.encode() not in text:
            return []
        notebook = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return []
    return [pin for value in _values(notebook) if (pin := Pin.parse(value)) is not None]


def _values(notebook: Any) -> Iterator[object]:
    """Yield what a notebook has at the places of a pin."""
    if not isinstance(notebook, dict):
        return
    yield _member(notebook, "metadata", KEY)
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            yield _member(output, "metadata", KEY, "pin")


def _list(value: Any, name: str) -> list[Any]:
    found = _member(value, name)
    return found if isinstance(found, list) else []


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
