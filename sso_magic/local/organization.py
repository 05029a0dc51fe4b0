"""`Organization`: accounts, users and assignments, made up, read from a file, or by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso_magic.local.directory import Directory

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


class Organization(Directory):
    """The accounts, users and assignments of a company."""

    @classmethod
    def sample(cls) -> Self:
        """About a dozen accounts of a company, three users; `sso_magic.local.sample` says what is in it."""
        from sso_magic.local.sample import sample

        return sample(cls())

    @classmethod
    def tricky(cls) -> Self:
        """The sample and what trips some clients up; `sso_magic.local.sample` says what is in it."""
        from sso_magic.local.sample import tricky

        return tricky(cls())

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The one that a TOML or JSON file describes; `sso_magic.local.organization_file` has the schema.

        Raises:
            OrganizationFileError: the file cannot be read or makes no sense; the message names the place.
        """
        from sso_magic.local.organization_file import read_organization

        return read_organization(path, cls())

    @classmethod
    def generated(cls, accounts: int, roles: int = 3, seed: int = 0) -> Self:
        """As many accounts, each with as many roles, the same for the same seed; one user, assigned all."""
        from sso_magic.local.sample import generated

        return generated(cls(), accounts, roles, seed)
