"""The magics that list: accounts, roles, the inventory, and the profiles that can be written from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, magics_class

from sso_magic.magics.line import line_magic, parse, silenced_by_semicolon
from sso_magic.magics.options import argument, region_option, session_option, with_arguments

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.magics.magics import SSOMagics


@magics_class
class ListMagics(Magics):
    """What a person may reach, as tables.

    Args:
        shell: The running IPython.
        magics: The other magics: they know which Identity Center is meant.
    """

    def __init__(self, shell: InteractiveShell, magics: SSOMagics) -> None:
        super().__init__(shell)
        self._magics = magics

    @with_arguments
    @argument("words", nargs="*", metavar="WORDS", help="only accounts that contain all of these in id, name or email")
    @session_option
    @line_magic
    @silenced_by_semicolon
    def sso_accounts(self, line: str) -> pd.DataFrame:
        """List the accounts you may reach: account_id, account_name, email_address.

        Examples::

            %sso_accounts
            %sso_accounts payments prod
            df = %sso_accounts
        """
        args = parse(self.sso_accounts, line)
        from sso_magic.magics.table import accounts_table

        return accounts_table(self._magics.center(args.session).directory, " ".join(args.words))

    @with_arguments
    @argument("account", nargs="?", metavar="ACCOUNT", help="12 digits, a name, or a part that matches one only")
    @session_option
    @line_magic
    @silenced_by_semicolon
    def sso_roles(self, line: str) -> pd.DataFrame:
        """List the roles you have, in one account or in all: account_id, account_name, role_name.

        Examples::

            %sso_roles payments-prod
            df = %sso_roles
        """
        args = parse(self.sso_roles, line)
        from sso_magic.errors import AccountNotFound
        from sso_magic.magics.table import roles_table

        center = self._magics.center(args.session)
        try:
            return roles_table(center, args.account)
        except AccountNotFound as error:
            from sso_magic.inventory.suggestions import improved

            raise improved(error, center.directory, args) from None

    @with_arguments
    @argument("words", nargs="*", metavar="WORDS", help="only rows that contain all of these words, in any column")
    @argument("--refresh", action="store_true", help="wait until all of it was asked for again")
    @argument("--changes", action="store_true", help="what the last fetch found added and removed")
    @argument("--accounts-only", action="store_true", help="the accounts without their roles")
    @session_option
    @line_magic
    @silenced_by_semicolon
    def sso_inventory(self, line: str) -> pd.DataFrame:
        """List every role in every account: account_id, account_name, email_address, role_name.

        What is cached is shown at once, and refreshed behind when it is old; a line under the table says how old it is,
        what failed and what changed. A notebook shows more than 50 rows as a list to search, to sort, and to use roles.

        Examples::

            %sso_inventory
            %sso_inventory payments readonly
            df = %sso_inventory --refresh
            new = %sso_inventory --changes
        """
        args = parse(self.sso_inventory, line)
        from sso_magic.magics.table import asked_table

        return asked_table(self._magics.center(args.session), args, self._magics)

    @with_arguments
    @argument("words", nargs="*", metavar="WORDS", help="only accounts and roles that contain all of these words")
    @argument(
        "--template",
        metavar="NAME",
        help="the profiles' names; by default {account_name}.{role_name}; {account_id} and {session} may be in it too",
    )
    @region_option
    @argument("--write", action="store_true", help="write them; without it nothing is changed")
    @argument("--replace", action="store_true", help="remove profiles that another --template wrote for these roles")
    @session_option
    @line_magic
    @silenced_by_semicolon
    def sso_profiles(self, line: str) -> pd.DataFrame:
        """Show, and with --write write, a profile of ~/.aws/config for every account and role.

        Comments, order and other profiles are kept, and a copy of the previous file is left beside it. A profile that
        was written here is removed when its role is no longer assigned to you. Writing twice changes nothing.

        Examples::

            %sso_profiles                   what would be added, changed, removed
            %sso_profiles payments --region eu-west-1 --write
            %sso_profiles --template {account_name}-{role_name} --replace --write
        """
        args = parse(self.sso_profiles, line)
        from sso_magic.magics import use as using

        return using.write_profiles(self._magics.center(args.session), args)
