"""What writing profiles would do: a `Plan`, made by `sso_magic.profiles.plan`, shown as a table, and written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from sso_magic.config.stored import write_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

Change = Literal["added", "changed", "removed", "taken", "skipped"]
_NAMED = 5  # profiles that a sentence names


@dataclass(frozen=True, slots=True)
class WantedProfile:
    """A profile that there should be.

    Attributes:
        name: The profile's name.
        account_id: 12 digits.
        account_name: The account's name, if it has one.
        role_name: The role.
        region: The region for the work done; None leaves it as it is, or out.
    """

    name: str
    account_id: str
    account_name: str | None
    role_name: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What would happen to a profile.

    ``taken``: nothing, for a profile of that name is there that was not written here and means something else.
    ``skipped``: nothing, for the role's name cannot be written in a configuration file. ``reason`` says why a profile
    is removed, taken or skipped.
    """

    change: Change
    profile: str
    account_id: str
    account_name: str | None
    role_name: str
    region: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What writing profiles would do.

    Attributes:
        path: The configuration file.
        before: Its text now.
        after: Its text then.
        changes: What would happen to which profile.
        unchanged: How many are as they should be.
        renamed: How many are kept although their role has a profile of another name in this plan.
    """

    path: Path
    before: str
    after: str
    changes: tuple[ProfileChange, ...]
    unchanged: int
    renamed: int = 0

    def frame(self) -> pd.DataFrame:
        """The changes as a table.

        Returns:
            DataFrame: change (``added``, ``changed``, ``removed``, ``taken`` or ``skipped``), profile, account_id,
            account_name, role_name, region, reason (strings; account_name, region and reason may be missing).
        """
        from itertools import chain

        from sso_magic.common.escaped_frame import frame_class
        from sso_magic.inventory.snapshot import strings

        columns = {one.name: [getattr(change, one.name) for change in self.changes] for one in fields(ProfileChange)}
        make = frame_class(chain.from_iterable(columns.values()))
        frame: pd.DataFrame = make({name: strings(values) for name, values in columns.items()})
        return frame

    def summary(self) -> str:
        """Return one line: how many are added, changed, removed, taken, skipped and unchanged."""
        kinds = [one.change for one in self.changes]
        order = ("added", "changed", "removed", "taken", "skipped")
        parts = [f"{kinds.count(kind):,} {kind}" for kind in order if kind in kinds]
        return ", ".join([*parts, f"{self.unchanged:,} unchanged"])

    def notes(self) -> list[str]:
        """Return sentences on what is removed, with the reason, and on what is kept under another name."""
        removed: dict[str, list[str]] = {}
        for one in self.changes:
            if one.change == "removed":
                removed.setdefault(one.reason or "", []).append(one.profile)
        sentences = [f"Removed: {_listed(names)} ({reason})." for reason, names in removed.items()]
        if self.renamed:
            sentences.append(f"Kept under another name: {self.renamed:,}; --replace removes them.")
        return sentences

    def write(self) -> Path | None:
        """Writes it; nothing at all where nothing changes.

        Returns:
            Where the file as it was is now; None if nothing was written, or there was no file.

        Raises:
            ConfigError: The file has changed since it was planned, or cannot be written.
        """
        return None if self.after == self.before else write_config(self.path, self.before, self.after)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown
