"""The magics: read the line, call, show.

Nothing heavier than IPython is imported here: a magic brings in what it needs when it runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, cell_magic, magics_class

from sso_magic.common.defaults import PRODUCTION
from sso_magic.magics.line import line_magic, parse, silenced_by_semicolon
from sso_magic.magics.options import (
    argument,
    region_option,
    role_argument,
    serve_option,
    session_option,
    sso_region_option,
    use_options,
    with_arguments,
)
from sso_magic.magics.settings import Choice, Pattern, Seconds, checked, off, on

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.doctor.report import Report
    from sso_magic.kernel.kernel_role import Use
    from sso_magic.magics.status import Status
    from sso_magic.signin.sessions import Session
    from sso_magic.widgets import Panel


@magics_class
class SSOMagics(Magics):
    """AWS credentials from IAM Identity Center."""

    production = Pattern(
        PRODUCTION,
        help="Accounts whose name or id this finds are marked as production; empty: none.",
    ).tag(config=True)

    sign_in = Choice(
        ["auto", "browser", "device"],
        help="How %sso_login asks: 'browser', 'device', or 'auto' (by where the kernel runs).",
    ).tag(config=True)

    token_store = Choice(
        ["file", "keyring"], help="Where tokens are kept: 'file' (shared with the AWS CLI) or 'keyring'."
    ).tag(config=True)

    inventory_max_age = Seconds(3600.0, help="Seconds after which a cached inventory is refreshed.").tag(config=True)
    production_edge = on("Whether JupyterLab marks cells that ran in production by a red edge, until they run again.")
    identity_line = off("Whether to say before each cell which role it runs as.")
    record_identity = off("Whether to keep in the notebook which account and role each cell ran as.")

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._center: IdentityCenter | None = None
        self.are_made = True

    def center(self, session: str | Session | None = None, sso_region: str | None = None) -> IdentityCenter:
        """Return the Identity Center that is named, else the one signed in to last, else the configured one."""
        from sso_magic.center.shared import shared_center
        from sso_magic.signin import store

        max_age = checked(self, "inventory_max_age")
        store.choose(checked(self, "token_store"))
        is_named = session is not None or sso_region is not None
        found = (
            self._center if self._center is not None and not is_named else shared_center(session, sso_region=sso_region)
        )
        found.directory.max_age = max_age
        return found

    def remember(self, center: IdentityCenter) -> None:
        """Use this Identity Center for lines that name no session: a sign-in to it has succeeded."""
        self._center = center

    def before_cell(self, *_: object) -> None:
        """What IPython calls before a cell; costs nothing until a role is used."""
        if "sso_magic.kernel.kernel_role" in sys.modules:
            from sso_magic.magics.use import before_cell

            before_cell(self)

    def is_production(self, use: Use) -> bool:
        """Whether the role's account is to be marked as production."""
        from sso_magic.magics.use import is_production

        return is_production(self.production, use)

    @with_arguments
    @argument("session", nargs="?", metavar="SESSION|START_URL", help="an [sso-session], a profile, or a start URL")
    @sso_region_option
    @argument("--save", metavar="NAME", help="keep a start URL as [sso-session NAME], for the AWS CLI too")
    @argument("--browser", action="store_true", help="through the browser of the machine this kernel runs on")
    @argument("--device", action="store_true", help="by a code that is approved on any device")
    @argument("--no-open", action="store_true", help="show the link only, open no browser")
    @argument("--force", action="store_true", help="ask again even where a token is valid")
    @argument("--at-least", metavar="DURATION", help="ask again if the sign-in cannot last that long: 6h, 90m")
    @line_magic
    def sso_login(self, line: str) -> None:
        """Sign in to IAM Identity Center.

        Silent where a token is valid or can be refreshed. Else through the browser where it is on this machine, and by
        a link and a code in the cell elsewhere.

        Examples::

            %sso_login                      the configured session
            %sso_login corp                 [sso-session corp] of ~/.aws/config
            %sso_login corp --at-least 6h   before a run of 6 hours
            %sso_login https://example.awsapps.com/start --sso-region eu-west-1 --save corp
        """
        args = parse(self.sso_login, line)
        from sso_magic.magics import login

        login.sign_in(self, args)

    @with_arguments
    @argument("session", nargs="?", metavar="SESSION", help="the session; by default the one in use")
    @argument("--all", action="store_true", help="every session that has a token on this machine")
    @line_magic
    def sso_logout(self, line: str) -> None:
        """Sign out: ends the session at AWS and removes its tokens and role credentials from this machine.

        A role that it put in this kernel is released.

        Examples::

            %sso_logout
            %sso_logout corp
            %sso_logout --all
        """
        args = parse(self.sso_logout, line)
        from sso_magic.magics import login

        login.sign_out(self, args)

    @with_arguments
    @argument("--notebook", nargs="?", const=True, metavar="FILE", help="as which role each cell of a notebook ran")
    @line_magic
    @silenced_by_semicolon
    def sso_status(self, line: str) -> Status | pd.DataFrame:
        """Show sessions, until when they last, the role in use, and what in the environment would win over it.

        Examples::

            %sso_status
            status = %sso_status
            %sso_status --notebook                what %config SSOMagics.record_identity = True has recorded
        """
        args = parse(self.sso_status, line)
        from sso_magic.magics.status import shown

        return shown(self, notebook=args.notebook)

    @with_arguments
    @argument("session", nargs="?", metavar="SESSION|START_URL", help="by default the session in use")
    @sso_region_option
    @line_magic
    @silenced_by_semicolon
    def sso_doctor(self, line: str) -> Report:
        """Find what prevents signing in or using a role: configuration, network, CA, clock, cache, environment.

        Examples::

            %sso_doctor
            %sso_doctor corp
            %sso_doctor https://example.awsapps.com/start --sso-region eu-west-1
        """
        args = parse(self.sso_doctor, line)
        from sso_magic.doctor.report import examine

        in_use = None if args.sso_region or self._center is None else self._center.session
        return examine(args.session or in_use, sso_region=args.sso_region)

    @with_arguments
    @argument("session", nargs="?", metavar="SESSION|START_URL", help="an [sso-session], a profile, or a start URL")
    @sso_region_option
    @line_magic
    @silenced_by_semicolon
    def sso_panel(self, line: str) -> Panel:
        """Show the panel: sign in, find a role, use it, see until when, open the console, all by clicking.

        Examples::

            %sso_panel
            %sso_panel corp
        """
        args = parse(self.sso_panel, line)
        from sso_magic.widgets import Panel

        return Panel(args.session, sso_region=args.sso_region, magics=self)

    @with_arguments
    @argument(
        "account", nargs="?", metavar="ACCOUNT|PROFILE|-", help="an account, a profile, or - for the previous role"
    )
    @role_argument
    @region_option
    @use_options
    @session_option
    @line_magic
    def sso_use(self, line: str) -> None:
        """Use a role: put its credentials in this kernel, for every library and child process.

        Without --region the region stays what the environment or the active profile says. Where neither names one,
        most services need --region: boto3 raises NoRegionError.

        Examples::

            %sso_use payments-prod ReadOnly
            %sso_use 111111111111 ReadOnly --region eu-west-1
            %sso_use my-profile             a profile of ~/.aws/config
            %sso_use payments-dev --dask    here and on the Dask cluster
            %sso_use --pinned               the role that this notebook is pinned to
            %sso_use -                      the previous role
            %sso_use --off                  the environment as it was before the first use
        """
        args = parse(self.sso_use, line)
        from sso_magic.magics import use as using

        using.run(self, args)

    @with_arguments
    @argument("account", metavar="ACCOUNT|PROFILE", help="an account, or a profile")
    @role_argument
    @region_option
    @serve_option
    @session_option
    @cell_magic
    @silenced_by_semicolon
    def sso_as(self, line: str, cell: str) -> Any:
        """Run this cell under a role, then restore the environment; returns the cell's value.

        Examples::

            %%sso_as payments-dev ReadOnly
            boto3.client("sts").get_caller_identity()["Account"]
        """
        args = parse(self.sso_as, line)
        from sso_magic.common.cells import Cell
        from sso_magic.magics import use as using

        shell = cast("InteractiveShell", self.shell)
        code = Cell(shell, cell)
        with using.begin(self, args) as layer:
            using.show(self, layer)
            return code.run(shell.user_ns)

    @with_arguments
    @argument("account", nargs="?", metavar="ACCOUNT", help="an account; by default that of the role in use")
    @role_argument
    @argument("--destination", metavar="URL", help="the console page to open")
    @argument("--federated", action="store_true", help="open it without a sign-in, once, from this machine")
    @session_option
    @line_magic
    def sso_console(self, line: str) -> None:
        """Show a link into the AWS console, by way of the portal; no secret is in it.

        With --federated the console opens without a sign-in, as the role: by a link to this kernel that works once,
        from a browser on this machine.

        Examples::

            %sso_console payments-prod ReadOnly
            %sso_console
        """
        args = parse(self.sso_console, line)
        from sso_magic.magics import console as console_link

        console_link.show(self, args)
