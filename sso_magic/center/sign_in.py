"""`SignIn`: signing in to a session, and the line that says how that stands."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sso_magic.center.connection import Connection
from sso_magic.client.endpoints import is_loopback
from sso_magic.common import cache
from sso_magic.common.interrupts import run_then
from sso_magic.common.notify import Notifier
from sso_magic.common.times import duration, span, until
from sso_magic.config.start_url import host_of, is_same_portal
from sso_magic.credentials import role_credentials as role_cache
from sso_magic.errors import CacheError, ConfigError, ParamValidationError, SignInError, SignInRequired
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.signin import store, tokens
from sso_magic.signin.noninteractive import NoPerson, check_prompt, sign_in_first
from sso_magic.signin.sessions import DEFAULT_SCOPE
from sso_magic.signin.tokens import utc_now
from sso_magic.signin.waiting import Waiting

if TYPE_CHECKING:
    import threading
    from datetime import datetime, timedelta

    from sso_magic.signin.choice import Method
    from sso_magic.signin.prompt import Prompt
    from sso_magic.signin.sessions import Session


def own_config_path() -> Path:
    """Return the person's own configuration file; while a role is in use, AWS_CONFIG_FILE may name a copy of it."""
    own = KERNEL.own("AWS_CONFIG_FILE")
    return Path(os.path.expandvars(own)).expanduser() if own else cache.home() / ".aws" / "config"


def needed_duration(text: timedelta | str | None) -> timedelta | None:
    """Return the duration that ``at_least`` names; None for None.

    Raises:
        ParamValidationError: It names none.
    """
    if not isinstance(text, str):
        return text
    try:
        return duration(text)
    except ValueError as error:
        raise ParamValidationError(f"at_least: {error}.") from None


class SignIn(Connection):
    """A session that a person signs in to.

    Attributes:
        changed: Notifies that somebody has signed in or out by this object.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.changed = Notifier()

    def sign_in(
        self,
        *,
        force: bool = False,
        method: Method = "auto",
        open_browser: bool = True,
        interactive: bool | None = None,
        prompt: Prompt | None = None,
        cancel: threading.Event | None = None,
        at_least: timedelta | str | None = None,
    ) -> datetime:
        """Sign in; without a prompt if a token is valid or can be refreshed.

        The prompt also ends, signed in, when a valid token arrives from elsewhere: from another notebook, the panel
        or the AWS CLI.

        Args:
            force: Ask the person even then; only the token of a newer sign-in ends the prompt.
            method: ``"browser"`` (authorization code with PKCE, on the person's own machine), ``"device"`` (a code,
                anywhere), or ``"auto"``, whichever fits where the kernel runs.
            open_browser: Open the page, or only show its link.
            interactive: Whether a person can answer. True: show the prompt, also without a terminal. False: never
                wait for a person. None: True in a terminal and in a notebook that accepts input, else False. A
                service on this machine that approves every sign-in, as the local Identity Center with
                ``auto_approve``, needs no person.
            prompt: An object that shows the request; see `sso_magic.signin.prompt.Prompt`, whose three methods are
                called on the thread that signs in. Default: the notebook's cell or the terminal.
            cancel: Ends the wait when set.
            at_least: How long the sign-in has to last, as a `timedelta` or a text such as ``"6h"``: ask the person also
                if a token is valid that neither lasts that long nor can be refreshed for that long. The duration of
                the session at AWS is not known here and may be shorter.

        Returns:
            When the access token expires, UTC.

        Raises:
            SignInError: Denied, expired, canceled; `SignInRequired` if a person is needed and none can answer.
            ConfigError: The start URL or the region is wrong.
            ParamValidationError: ``prompt`` lacks a method, or ``at_least`` is no duration.
            ClientError: The service could not be reached, or a token has to be refreshed and that failed for a reason
                that may pass.
        """
        if prompt is not None:
            check_prompt(prompt)
        needed = needed_duration(at_least)
        if force or not self.sign_in_silently(needed):
            self.ask(
                newer=force or needed is not None,
                method=method,
                open_browser=open_browser,
                interactive=interactive,
                prompt=prompt,
                cancel=cancel,
                at_least=needed,
            )
        return self._token_end()

    def ask(
        self,
        *,
        newer: bool,
        method: Method = "auto",
        open_browser: bool = True,
        interactive: bool | None = None,
        prompt: Prompt | None = None,
        cancel: threading.Event | None = None,
        at_least: timedelta | None = None,
    ) -> None:
        """Sign in with a prompt.

        Args:
            newer: A token that arrives from elsewhere ends the prompt only if it is of a newer sign-in.
            method: As in `sign_in`, and so are the others and what is raised.
            open_browser: See `sign_in`.
            interactive: See `sign_in`.
            prompt: See `sign_in`.
            cancel: See `sign_in`.
            at_least: See `sign_in`.
        """
        if prompt is None:
            prompt, method = self._prompt(method, interactive, is_forced=newer and at_least is None)
        configured = self.session
        waiting = Waiting(self.tokens, cancel, newer=newer)
        line = ""  # after a failure: the error says it

        def ask() -> None:
            nonlocal line
            self.resolve_start_url()
            self.tokens.sign_in(prompt, method=method, open_browser=open_browser, waiting=waiting)
            line = " ".join(text for text in (self.sign_in_line(), waiting.note) if text)

        run_then(ask, lambda: prompt.close(line))
        self._correct_region(configured)
        sign_in = self.tokens.mark()
        if sign_in is not None:
            with contextlib.suppress(CacheError):
                role_cache.forget_others(self.session, sign_in.id)
        KERNEL.retry_now()  # a role in use may be renewed again
        self.changed.notify()
        token = self.tokens.peek()
        if at_least is not None and token is not None and not self._lasts(at_least):
            raise SignInError(
                f"The sign-in to {self.session.label} lasts {until(token.expires_at)} and cannot be refreshed that "
                f"long: {span(at_least.total_seconds())} were asked for. Ask your AWS administrator for a longer "
                "session."
            )

    def _lasts(self, at_least: timedelta) -> bool:
        """Return True if the token is valid, or can be refreshed, for that long, as far as can be known."""
        token, now = self.tokens.peek(), utc_now()
        if token is None:
            return False
        if token.seconds_left(now) >= at_least.total_seconds():
            return True
        ends = token.registration_expires_at
        return token.can_refresh(now) and ends is not None and ends - now >= at_least

    def _prompt(
        self,
        method: Method,
        interactive: bool | None,  # noqa: FBT001 - a tri-state
        *,
        is_forced: bool,
    ) -> tuple[Prompt, Method]:
        """Return the prompt for where this runs, and the method that fits it.

        Raises:
            SignInRequired: No person can answer, and the service is not on this machine.
        """
        from sso_magic.display import has_person, prompt_here

        if has_person() if interactive is None else interactive:
            return prompt_here(), method
        if not is_loopback(host_of(self.oidc.config.endpoint)):
            raise sign_in_first(self.session, self.tokens.peek(), is_forced=is_forced)
        return NoPerson(self.session), "device"

    def _correct_region(self, configured: Session) -> None:
        """Write the region that a vanity start URL led to into the session's section, as the AWS CLI does."""
        if self.session.name is None or self.session.sso_region == configured.sso_region:
            return
        from sso_magic.profiles.plan import write_sso_session

        write_sso_session(self.session.name, self.session.start_url, self.session.sso_region, path=own_config_path())

    def sign_in_silently(self, at_least: timedelta | None = None) -> bool:
        """Return True if a token is valid or could be refreshed, so that nobody has to be asked.

        Args:
            at_least: How long it has to last.

        Raises:
            ClientError: A refresh is necessary and failed for a reason that may pass, such as a network fault.
        """
        try:
            self.tokens.get()
        except SignInRequired:
            return False
        return at_least is None or self._lasts(at_least)

    def save(self, name: str) -> Path | None:
        """Keep the start URL as an ``[sso-session]`` of ``~/.aws/config``, for the AWS CLI and other kernels too.

        A token that was fetched for the start URL is cached for the session as well.

        Args:
            name: The session's name.

        Returns:
            The configuration file; None if it has the same session already, and nothing was written.

        Raises:
            ConfigError: The file has a session of this name for another start URL, or cannot be written.
        """
        from sso_magic.config.files import load_shared_config
        from sso_magic.profiles.plan import write_sso_session

        path = own_config_path()
        there = load_shared_config().sso_sessions.get(name)
        if there is None:
            scopes = self.session.scopes or (DEFAULT_SCOPE,)
            write_sso_session(name, self.session.start_url, self.session.sso_region, scopes, path=path)
            token = self.tokens.peek()
            if token is not None and self.session.name is None:  # the session's token is cached under its name
                tokens.save(replace(self.session, name=name), token)
            return path
        if not is_same_portal(there.get("sso_start_url", ""), self.session.start_url):
            raise ConfigError(f"{path} has [sso-session {name}] for {there.get('sso_start_url')}. Choose another name.")
        return None

    def _token_end(self) -> datetime:
        token = self.tokens.peek()
        if token is None:  # another kernel signed out a moment ago
            raise SignInRequired(f"Not signed in to {self.session.label}. Run {self.session.login_command}")
        return token.expires_at

    def sign_in_line(self) -> str:
        """Who is signed in, until when, and whether that is renewed without asking."""
        token = self.tokens.peek()
        if token is None:
            return f"Not signed in to {self.session.label}."
        if token.seconds_left(utc_now()) <= 0 and not token.can_refresh(utc_now()):
            why = f": {token.rejected}" if token.rejected else ""
            return f"The sign-in to {self.session.label} has ended{why}. Run {self.session.login_command}"
        rest = "renews automatically" if token.can_refresh(utc_now()) else "sign in again after that"
        warning = "".join(f" {text}" for text in (self.tokens.warning, store.current().notice) if text)
        offer = (
            f" To keep it as a session, for the AWS CLI too: {self.session.login_command} --save NAME"
            if self.session.name is None and self.session.scopes is not None
            else ""
        )
        return f"Signed in to {self.session.label} {until(token.expires_at)}, {rest}.{warning}{offer}"
