"""What ``%sso_login`` and ``%sso_logout`` do with their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sso_magic.center.sign_in import needed_duration
from sso_magic.display import say
from sso_magic.errors import SignInCanceled, UsageError
from sso_magic.magics import use as using
from sso_magic.magics.settings import checked

if TYPE_CHECKING:
    import argparse

    from sso_magic.magics.family import Magics
    from sso_magic.signin.choice import Method


def sign_in(magics: Magics, args: argparse.Namespace) -> None:
    """Do what the line of ``%sso_login`` says.

    Raises:
        SignInCanceled: The wait for the person was interrupted.
        UsageError: Options contradict each other, or the duration cannot be read.
    """
    if args.browser and args.device:
        raise UsageError("Say --browser or --device, not both.")
    needed = needed_duration(args.at_least)
    saved = using.session_to_save(args.session, args.sso_region, args.save) if args.save else None
    center = magics.center(saved or args.session, args.sso_region)
    method = cast("Method", "browser" if args.browser else "device" if args.device else checked(magics, "sign_in"))
    if not args.force and center.sign_in_silently(needed):
        say(center.sign_in_line())
    else:
        try:
            newer = args.force or needed is not None
            center.ask(newer=newer, method=method, open_browser=not args.no_open, at_least=needed)
        except KeyboardInterrupt:
            raise SignInCanceled("Sign-in canceled. Run %sso_login to start again.") from None
        using.say_signed_in(center)
    magics.remember(center)
    if args.save and (path := center.save(args.save)):
        say(f"Wrote [sso-session {args.save}] to {path}.")


def sign_out(magics: Magics, args: argparse.Namespace) -> None:
    """Do what the line of ``%sso_logout`` says.

    Raises:
        UsageError: It names a session and says ``--all``.
    """
    if args.all and args.session:
        raise UsageError("Name a session or say --all, not both.")
    if args.all:
        from sso_magic.center.shared import sign_out_all

        ended = sign_out_all()
        say(f"Signed out of {', '.join(ended)}." if ended else "No session was signed in.")
        return
    center = magics.center(args.session)
    was_in = center.sign_out()
    say(f"Signed out of {center.session.label}." if was_in else f"{center.session.label} was not signed in.")
