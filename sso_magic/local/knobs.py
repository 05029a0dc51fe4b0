"""What can be set at the local Identity Center.

Each knob is declared once, in `Knobs`, and is then a keyword of the constructor, an attribute that can be changed while
it runs, and an option of ``sso-magic local``. A value that makes no sense is refused where it is set.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from sso_magic.local.errors import KnobError, LocalError
from sso_magic.local.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
_CENTURY = 100 * 365.25 * 86400  # seconds


class Knob(Generic[T]):
    """One setting: its default, what it accepts, and the sentence that explains it.

    Args:
        default: The value until it is set.
        accept: Makes the value of what was given; raises ValueError with what is expected.
        metavar: What stands for the value in ``--help``; empty for a switch.
        explain: One sentence, for ``--help`` and for this class.
    """

    def __init__(self, default: T, accept: Callable[[Any], T], metavar: str, explain: str) -> None:
        self.default = default
        self.accept = accept
        self.metavar = metavar
        self.explain = explain
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Knob[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Knob[T] | T:
        if instance is None:
            return self
        return instance.__dict__.get(self.name, self.default)  # type: ignore[no-any-return]

    def __set__(self, instance: object, value: Any) -> None:
        try:
            instance.__dict__[self.name] = self.accept(value)
        except KnobError:
            raise
        except (TypeError, ValueError) as error:
            expected = str(error) if isinstance(error, ValueError) and error.args else "something else"
            raise KnobError(f"{self.name}: {expected} is expected, not {value!r}.") from None


def _number(value: Any, expected: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(expected)
    return number


def signed_seconds(value: Any) -> float:
    """Any number of seconds up to a hundred years, also below 0."""
    number = _number(value, "a number of seconds")
    if abs(number) > _CENTURY:  # dates beyond cannot be written
        raise ValueError("a number of seconds, a hundred years at most,")
    return number


def seconds(value: Any) -> float:
    """A number of seconds, 0 or more, fractions allowed."""
    number = _number(value, "a number of seconds, 0 or more,")
    if number < 0:
        raise ValueError("a number of seconds, 0 or more,")
    return number


def whole(value: Any) -> int:
    """A whole number, 0 or more."""
    number = _number(value, "a whole number, 0 or more,")
    if number < 0 or number != int(number):
        raise ValueError("a whole number, 0 or more,")
    return int(number)


def page(value: Any) -> int:
    """A page's size: what the portal allows."""
    number = whole(value)
    if not 1 <= number <= 100:
        raise ValueError("a whole number from 1 to 100")
    return number


def switch(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError("True or False")  # noqa: TRY004 - Knob turns ValueError into its own error
    return value


def limit(value: Any) -> Throttle | None:
    """A `Throttle`, ``(rate, burst)``, a rate, ``"RATE:BURST"``, or None."""
    if value is None or isinstance(value, Throttle):
        return value
    if isinstance(value, str):
        return Throttle.parse(value)
    if isinstance(value, tuple):
        return Throttle(*value)
    return Throttle(_number(value, "a Throttle, (rate, burst), a rate or None"))


def label(value: Any) -> str | None:
    """A label of a host name, in lower case; None or an empty text for none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", value):
        raise ValueError("a name of letters, digits and hyphens")
    return value.lower()


def approver(value: Any) -> str | bool:
    """False, True for the first user, or a user's name."""
    if isinstance(value, (bool, str)):
        return value
    raise ValueError("True, False or a user's name")


class Knobs:
    """The settings, and how all of them are set at once."""

    clock_offset = Knob(
        0.0,
        signed_seconds,
        "SECONDS",
        "how far its clock is ahead of this machine's; everything ends by it, and the Date header tells it",
    )
    subdomain = Knob[str | None](
        None,
        label,
        "NAME",
        "change the start URL to https://NAME.awsapps.com/start: earlier start URLs, and sessions begun under them, "
        "are refused",
    )
    access_token_lifetime = Knob(3600.0, seconds, "SECONDS", "how long a refreshable access token is valid")
    session_lifetime = Knob(
        28800.0,
        seconds,
        "SECONDS",
        "how long a sign-in session lasts: refreshing ends with it, and so do access tokens that cannot be refreshed",
    )
    role_lifetime = Knob(3600.0, seconds, "SECONDS", "how long role credentials are valid")
    registration_lifetime = Knob(7776000.0, seconds, "SECONDS", "how long a client's registration is valid")
    device_code_lifetime = Knob(600.0, seconds, "SECONDS", "how long a device code waits for approval")
    authorization_code_lifetime = Knob(120.0, seconds, "SECONDS", "how long an authorization code can be redeemed")
    poll_interval = Knob(1.0, seconds, "SECONDS", "how often a device code may be polled; sooner gets SlowDown")
    page_size = Knob(20, page, "N", "entries on a page that was asked for without max_result")
    throttle = Knob[Throttle | None](
        None,
        limit,
        "RATE[:BURST]",
        "calls a second, and at once, that the portal allows each sign-in session; more get 429",
    )
    slow_down = Knob(0, whole, "N", "answer the next N polls of a device code with SlowDown")
    latency = Knob(0.0, seconds, "SECONDS", "wait this long before every answer")
    rotate_refresh_tokens = Knob(True, switch, "", "give a new refresh token at every refresh")  # noqa: FBT003
    refresh_grace = Knob(
        30.0, seconds, "SECONDS", "how long the previous refresh token is still accepted after a rotation"
    )
    refuse_device_grant = Knob(
        False,  # noqa: FBT003
        switch,
        "",
        "refuse device codes, as companies do that allow the sign-in through the browser only",
    )
    auto_approve = Knob[str | bool](
        False,  # noqa: FBT003
        approver,
        "USER",
        "approve every sign-in automatically, as this user (without a name: as the first)",
    )
    enforce = Knob(False, switch, "", "let each role do only what its permission set's managed policies allow")  # noqa: FBT003
    auto_approve_after = Knob(0.0, seconds, "SECONDS", "how long a sign-in waits before it is approved automatically")
    log_requests = Knob(True, switch, "", "keep a record of every request")  # noqa: FBT003
    redact_log = Knob(True, switch, "", "put *** for tokens and secrets in the records")  # noqa: FBT003

    def set_knobs(self, values: dict[str, Any]) -> None:
        """Sets those that are named.

        Raises:
            KnobError: there is no such knob, or its value makes no sense; the message says what is expected.
        """
        known = {knob.name for knob in knobs()}
        before = {name: self.__dict__[name] for name in known & self.__dict__.keys()}
        try:
            self._set_each(values, known)
        except LocalError:  # all of them or none
            for name in known:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise

    def _set_each(self, values: dict[str, Any], known: set[str]) -> None:
        for name, value in values.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(known))}."
                raise KnobError(f"The local Identity Center has no setting {name}.{hint}")
            setattr(self, name, value)

    def reset_knobs(self, values: dict[str, Any]) -> None:
        """Sets every knob to its default, then those that are named."""
        for knob in knobs():
            self.__dict__.pop(knob.name, None)
        self.set_knobs(values)


def knobs() -> Iterator[Knob[Any]]:
    """Every knob, in the order in which they are declared."""
    return (knob for knob in vars(Knobs).values() if isinstance(knob, Knob))
