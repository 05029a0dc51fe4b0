"""What ``%sso_use`` and ``%%sso_as`` mean by their words, and the line that says what is used."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from sso_magic.center.ending import EndingSoon
from sso_magic.common.times import until
from sso_magic.config.files import load_shared_config
from sso_magic.config.start_url import looks_like_start_url
from sso_magic.display import TEXT, Shown, ask_hidden, has_person, say
from sso_magic.display.production import BADGE, MARK, check_pattern, marks
from sso_magic.errors import AccountNotFound, Ambiguous, SessionNotFound, UsageError
from sso_magic.inventory.suggestions import FIND_ERRORS, improved
from sso_magic.kernel import chained
from sso_magic.kernel.kernel_role import KERNEL, Use
from sso_magic.magics import pinned, switch_line
from sso_magic.magics.settings import checked
from sso_magic.notebook.identity_record import runs_inside_cell
from sso_magic.signin import sessions as profiles
from sso_magic.signin.sessions import sso_profile

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from sso_magic.center.identity_center import IdentityCenter
    from sso_magic.credentials.role_credentials import Credentials
    from sso_magic.kernel.kernel_role import Layer
    from sso_magic.magics.family import Magics
    from sso_magic.signin.sessions import Session

_ENDING_SOON = EndingSoon()


def run(magics: Magics, args: argparse.Namespace) -> None:
    """Does what the line of ``%sso_use`` says, and says what was done."""
    if args.off:
        if args.account or args.pin or args.pinned:
            raise UsageError("%sso_use --off takes nothing else.")
        _release()
        return
    if args.pin or args.pinned:
        pinned.read(magics, args)
    if args.pin and not args.account:
        pinned.pin_role(magics)
        return
    if not args.account:
        raise UsageError("Which account? %sso_use ACCOUNT [ROLE]; %sso_accounts lists them, %sso_use? shows help.")
    client = _dask_client() if args.dask else None  # nothing is used if there is none
    use = previous(magics) if args.account == "-" else find(magics, args)
    if not (args.pin or args.pinned):
        pinned.refuse(use)
    show(magics, KERNEL.use(use))
    if args.pin:
        pinned.pin_role(magics)
    elif warning := pinned.check_of(magics).before_cell():
        say(warning)
    if client is not None:
        from sso_magic.dask_cluster import cluster_role as dask

        say(f"{dask.use(client).line()}.")


def say_signed_in(center: IdentityCenter) -> None:
    """Say what no prompt has said: that a run without a person is signed in.

    After a sign-in to a start URL that is in no file, as from an empty home directory, name the next magics.
    """
    if not has_person():
        say(center.sign_in_line())
    if KERNEL.current is None and center.session.name is None:
        say(
            "Next: %sso_accounts lists accounts, %sso_use ACCOUNT [ROLE] uses a role, %sso_use --off releases it, "
            "%sso_logout signs out."
        )


def _release() -> None:
    """Release the role, and name what still uses it."""
    released = KERNEL.release()
    if released is None:
        say("No role is in use.")
        return
    text = f"Released {released.label}; the environment is what it was before."

    def render(holders: str | None) -> tuple[str, str]:
        whole = f"{text} {holders}" if holders else text
        return whole, Shown(whole).html

    switch_line.show(render, KERNEL.holders())


def _dask_client() -> Any:
    try:
        from sso_magic.dask_cluster.clients import current_client
    except ImportError:
        raise UsageError('Dask is not installed: pip install "sso-magic[dask]"') from None
    return current_client()


def session_to_save(start_url: str | None, sso_region: str | None, name: str) -> Session:
    """Return the session that ``--save`` keeps; `IdentityCenter.save` writes it once the sign-in has succeeded.

    Raises:
        UsageError: There is no start URL to keep.
        ConfigError: Another portal's session has the name, or the region is not known.
    """
    if start_url is None or not looks_like_start_url(start_url):
        raise UsageError(
            "--save keeps a start URL: %sso_login https://YOUR-PORTAL.awsapps.com/start --sso-region REGION --save NAME"
        )
    return profiles.session_to_save(start_url, sso_region, name)


def write_profiles(center: IdentityCenter, args: argparse.Namespace) -> pd.DataFrame:
    """Plans profiles for the inventory, writes them if asked to, and says what came of it; the plan as a table."""
    from sso_magic.inventory import TqdmProgress, search
    from sso_magic.magics.table import no_row_contains, noted, profiles_table

    snapshot = center.snapshot(progress=TqdmProgress())
    planned = center.plan_profiles(
        " ".join(args.words), template=args.template, region=args.region, replace=args.replace
    )
    if args.words and not search(snapshot, args.words, limit=1):
        return noted(planned.frame().iloc[:0], no_row_contains(snapshot, args.words))
    table = profiles_table(planned)
    if not args.write:
        would = [note.replace("Removed:", "To be removed:") for note in planned.notes()]
        say(" ".join([f"Would write to {planned.path}: {planned.summary()}. Add --write to do it.", *would]))
        return table
    backup = planned.write()
    kept = [f"The previous file is {backup}."] if backup else []
    say(" ".join([f"Wrote to {planned.path}: {planned.summary()}.", *planned.notes(), *kept]))
    return table


def previous(magics: Magics) -> Use:
    """Return the previous role, with fresh credentials if the old ones end soon."""
    check_pattern(magics.production)
    found = KERNEL.previous
    if found is None:
        raise UsageError("There is no previous role in this kernel. %sso_use ACCOUNT [ROLE]")
    return found.current()


def begin(magics: Magics, args: argparse.Namespace) -> Layer:
    """Uses an account's role, or an AWS profile's: ``account``, ``role``, ``region``, ``session``, ``serve``."""
    return KERNEL.use(find(magics, args))


def find(magics: Magics, args: argparse.Namespace) -> Use:
    """Return the use of an account's role, or of an AWS profile's; see `begin`."""
    check_pattern(magics.production)
    if args.role is None and args.session is None:
        use = _use_of_profile(args.account, args.region, serve=args.serve)
        if use is not None:
            return use
    try:
        center = magics.center(args.session)
        try:
            return center.role(args.account, args.role).prepared(region=args.region, serve=args.serve)
        except FIND_ERRORS as error:
            raise improved(error, center.directory, args) from None
    except (AccountNotFound, SessionNotFound):
        config = load_shared_config()
        if args.account in config.profiles:  # it was meant, and has no role
            chained.root(args.account, config)
        elif args.role is None and config.misquoted(args.account):
            config.profile(args.account)  # says how its header has to be written
        raise


def _use_of_profile(name: str, region: str | None, *, serve: bool) -> Use | None:
    """The role of the profile of exactly this name, assumed where it is one on top of another; None if it has none.

    Raises:
        ConfigError: There is one, and no role of SSO can be had by it.
    """
    config = load_shared_config()
    if name not in config.profiles or not (chained.is_chained(name, config) or sso_profile(name, config)):
        return None
    from sso_magic.center.shared import known_account_name, shared_center

    profile = chained.root(name, config)
    center = shared_center(profile.session) if profile is not None else None
    if profile is not None and center is not None and not chained.is_chained(name, config):
        _refuse_two_meanings(center, name, profile.account_id)

    def credentials(*, refresh: bool) -> Credentials:
        def base() -> Credentials:
            assert center is not None
            assert profile is not None
            return center.role(profile.account_id, profile.role_name).credentials(refresh=refresh)

        # A renewal runs where nobody can be asked for a code.
        found = chained.assume(name, config, base if center else None, None if refresh else ask_hidden())
        return replace(found, account_name=found.account_name or known_account_name(found.account_id))

    own_region = config.profiles[name].get("region")
    region = region or (own_region if isinstance(own_region, str) else None)
    label = profile.session.label if profile is not None else f"profile {name}"
    return Use(credentials(refresh=False), region, label, lambda: credentials(refresh=True), serve=serve)


def _refuse_two_meanings(center: IdentityCenter, name: str, account_id: str) -> None:
    """A profile called as another account is: never a guess."""
    for account in center.directory.cached_accounts() or ():
        if account.account_name == name and account.account_id != account_id:
            raise Ambiguous(
                f"{name} is a profile of account {account_id} and the name of account {account.account_id}: "
                f"use the 12 digits, or name the role as well (%sso_use {name} ROLE is the account)."
            )


def is_production(pattern: str, use: Use) -> bool:
    """Return True if a pattern finds the account's ID, or its name, which may have been listed after it came into use.

    Raises:
        UsageError: It is no regular expression.
    """
    from sso_magic.center.shared import known_account_name

    keys = use.credentials
    return marks(pattern, keys.account_name or known_account_name(keys.account_id), keys.account_id)


def show(magics: Magics, layer: Layer | None = None) -> None:
    """Show which role is in use, where, until when, which variables it replaced, and what still uses another role."""
    use = KERNEL.current
    if use is None:
        return
    production = magics.is_production(use)

    def render(holders: str | None) -> tuple[str, str]:
        return line(use, holders, production=production), html(use, holders, production=production)

    if layer is None:  # no switch
        say(*render(None))
    else:
        switch_line.show(render, layer.holders)


def shut_down() -> None:
    """Releases the role as the extension goes, and says so: what runs next is somebody else."""
    use = KERNEL.current
    KERNEL.shutdown()
    if use is not None:
        say(f"Released {use.label}; the environment is what it was before.")


def before_cell(magics: Magics) -> None:
    """Show before a cell runs what uses another role, what is not renewed, what ends soon, and the role in use."""
    told = KERNEL.before_cell()
    pin = None if runs_inside_cell() else pinned.check_of(magics).before_cell()
    for sentence in (switch_line.waiting_sentence(), told, pin, *_ENDING_SOON.news(role_is_said=told is not None)):
        if sentence:
            say(sentence)
    use = KERNEL.current
    if magics.identity_line and use is not None:
        production = False
        try:
            checked(magics, "identity_line")
            production = magics.is_production(use)
        except UsageError as error:  # IPython would print it as one of a callback, with the callback's arguments
            say(str(error))
        say(
            line(use, production=production, verb="Running as"),
            html(use, production=production, verb="Running as"),
        )


def line(use: Use, holders: str | None = None, *, production: bool, verb: str = "Using") -> str:
    """The role in use in one line of text."""
    region = f" in {use.region}" if use.region else ""
    aside = KERNEL.set_aside()
    are = "is" if len(aside) == 1 else "are"
    rest = f" {profiles.listed(aside)} {are} ignored until %sso_use --off." if aside else ""
    rest += "".join(f" {note}" for note in (KERNEL.settings_note(), holders) if note)
    mark = MARK if production else ""
    return f"{mark}{verb} {use.label}{region}, {until(use.credentials.local_expires_at)}.{rest}"


def html(use: Use, holders: str | None = None, *, production: bool, verb: str = "Using") -> str:
    """The same line with the account in bold, and a red bar before production."""
    text = line(use, holders, production=False, verb=verb)
    start = len(f"{verb} ")
    end = start + len(use.label)
    mark = BADGE if production else ""
    return f'<div style="{TEXT}">{mark}{escape(text[:start])}<b>{escape(text[start:end])}</b>{escape(text[end:])}</div>'
