"""``sso-magic login`` and ``sso-magic logout``: the magics of these names for a terminal and for scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

INTERRUPTED = 130  # exit status, as a shell gives it to what Ctrl-C has ended


def add_command(commands: Any) -> None:
    """Add ``login`` and ``logout`` to the command line."""
    login = commands.add_parser("login", help="sign in to IAM Identity Center", description=_LOGIN)
    login.add_argument(
        "session", nargs="?", metavar="SESSION|START_URL", help="an [sso-session], a profile, or a start URL"
    )
    login.add_argument("--sso-region", "--region", metavar="REGION", help="the region of the Identity Center")
    method = login.add_mutually_exclusive_group()
    method.add_argument("--browser", dest="method", action="store_const", const="browser", help="through the browser")
    method.add_argument(
        "--device", dest="method", action="store_const", const="device", help="by a code that any device can approve"
    )
    login.add_argument("--no-open", action="store_true", help="show the link only, open no browser")
    login.add_argument("--force", action="store_true", help="sign in again even if a token is valid")
    login.add_argument(
        "--at-least", metavar="DURATION", help="sign in again if the sign-in cannot last that long: 6h, 90m"
    )
    login.add_argument("--save", metavar="NAME", help="keep a start URL as [sso-session NAME]")
    login.add_argument(
        "--non-interactive", action="store_true", help="never wait for a person: fail if the token cannot be refreshed"
    )
    login.set_defaults(run=run_login, method="auto")

    logout = commands.add_parser("logout", help="sign out and remove tokens and role credentials from this machine")
    which = logout.add_mutually_exclusive_group()
    which.add_argument(
        "session", nargs="?", metavar="SESSION|START_URL", help="the session; default: the configured one"
    )
    which.add_argument("--all", action="store_true", help="every session that has a token on this machine")
    logout.set_defaults(run=run_logout)


_LOGIN = (
    "Sign in to IAM Identity Center. Prints one line if a token is valid or can be refreshed, else asks for approval "
    "in a browser. The token is shared with the AWS CLI, boto3 and notebooks. Exit status: 0 signed in, 1 failed, "
    "130 interrupted."
)


def run_login(args: argparse.Namespace) -> int:
    """Sign in; return the exit status."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.center.sign_in import needed_duration
    from sso_magic.magics.use import session_to_save

    needed = needed_duration(args.at_least)
    if args.save:
        center = IdentityCenter(session_to_save(args.session, args.sso_region, args.save))
    else:
        center = IdentityCenter(args.session, sso_region=args.sso_region)
    if not args.force and center.sign_in_silently(needed):
        print(center.sign_in_line())  # noqa: T201 - a command prints
    else:
        try:
            center.ask(
                newer=args.force or needed is not None,
                method=args.method,
                open_browser=not args.no_open,
                interactive=not args.non_interactive,
                at_least=needed,
            )
        except KeyboardInterrupt:
            print("Sign-in canceled.", file=sys.stderr)  # noqa: T201 - a command prints
            return INTERRUPTED
        if args.non_interactive:
            print(center.sign_in_line())  # noqa: T201 - there was no prompt to say it
    if args.save and (path := center.save(args.save)):
        print(f"Wrote [sso-session {args.save}] to {path}.")  # noqa: T201
    return 0


def run_logout(args: argparse.Namespace) -> int:
    """Sign out; return the exit status."""
    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.center.shared import sign_out_all

    if args.all:
        ended = sign_out_all()
        print(f"Signed out of {', '.join(ended)}." if ended else "No session was signed in.")  # noqa: T201
        return 0
    center = IdentityCenter(args.session)
    label = center.session.label
    print(f"Signed out of {label}." if center.sign_out() else f"{label} was not signed in.")  # noqa: T201
    return 0
