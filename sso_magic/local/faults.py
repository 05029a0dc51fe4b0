"""What can go wrong on purpose: which calls, how often, and how.

A `Fault` says all of it in one line, in Python and on the command line alike:

    Fault("GetRoleCredentials", every=7, status=500)
    Fault("ListAccounts", times=2, kind="reset")
    Fault("*", probability=0.05, seed=1, kind="truncate")

    sso-magic local --fault "GetRoleCredentials every=7 status=500" --fault "/assignment/* kind=stall delay=5"
"""

from __future__ import annotations

import fnmatch
import random
import shlex
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from sso_magic.local import locks
from sso_magic.local.errors import KnobError

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = {
    "error": "the service's error: status, error (its name), message",
    "body": "an answer of your own: status, body, content_type",
    "delay": "the right answer, `delay` seconds late",
    "drop": "the connection is closed before an answer",
    "reset": "the connection is reset before an answer",
    "truncate": "the connection is closed in the middle of the body",
    "truncate-reset": "the connection is reset in the middle of the body",
    "stall": "no answer for `delay` seconds (0: until the client gives up), then the connection is closed",
    "drip": "the right answer, a byte at a time, `delay` seconds apart",
    "oversize": "a body of `size` bytes",
    "bad-gzip": "a body that says it is gzip and is not",
    "redirect": "302 (or status) to `location`",
    "wrong-types": "the right members with values of the wrong JSON types",
}
_NAMES = {
    400: "InvalidRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "ResourceNotFoundException",
    405: "MethodNotAllowedException",
    429: "TooManyRequestsException",
}


_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "yes or no"}


@dataclass
class Fault:
    """One thing that goes wrong.

    Args:
        on: An operation (``ListAccounts``) or a path (``/assignment/*``); ``*`` stands for anything.
        every: Only every so many matching calls: 7 is the 7th, the 14th, ... Default: each one.
        times: Only this often, then never again.
        probability: Only with this probability, drawn from `seed`.
        seed: Where the draws start.
        kind: What happens, one of `KINDS`. Default: ``body`` if there is one, else ``error`` if there is a status or
            an error, else ``delay``.
        status: The HTTP status. Default: what the error has, else 500; for ``body`` 200, for ``redirect`` 302.
        error: The error's name, such as ``TooManyRequestsException``. Default: by the status.
        message: The error's message.
        body: The text to answer.
        content_type: Its type. Default: ``text/html`` if it starts with ``<``, else ``application/json``.
        delay: Seconds to wait first, or between bytes.
        size: Bytes of an oversized body.
        location: Where a redirect leads.
        retry_after: What the header ``Retry-After`` of an error or a body says: seconds or a date. Default: no header.
        carried_out: Whether the operation is carried out although its answer is lost or replaced.
    """

    on: str = "*"
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    kind: str = ""
    status: int | None = None
    error: str = ""
    message: str = "injected fault"
    body: str = ""
    content_type: str = ""
    delay: float = 0.0
    size: int = 64 * 1024 * 1024
    location: str = "http://127.0.0.1:9/"
    retry_after: str = ""
    carried_out: bool = False
    hits: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not self.kind:
            self.kind = "body" if self.body else "error" if self.status or self.error else "delay"
        if self.kind not in KINDS:
            raise KnobError(f"fault: there is no kind {self.kind!r}. Kinds: {', '.join(KINDS)}.")
        if self.every < 1 or not 0 <= self.probability <= 1:
            raise KnobError("fault: every is 1 or more, probability between 0 and 1.")
        self._calls = 0
        self._draw = random.Random(self.seed)  # noqa: S311 - repeatable draws, not secrets

    @classmethod
    def parse(cls, line: str) -> Fault:
        """``ON [NAME=VALUE ...]``, the names being those of the arguments.

        Raises:
            KnobError: a name or a value cannot be read; the message says which.
        """
        types = {item.name: str(item.type) for item in fields(cls) if item.init}
        values: dict[str, Any] = {}
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise KnobError(f"fault: {error} in {line}.") from None
        for index, word in enumerate(words):
            name, equals, text = word.partition("=")
            if not equals and index == 0:
                values["on"] = word
            elif not equals or types.get(name) is None or name == "hits":
                raise KnobError(f"fault: {word!r} is not one of {', '.join(sorted(set(types) - {'hits'}))}=VALUE.")
            else:
                values[name] = _value(name, types[name], text)
        return cls(**values)

    def strikes(self, operation: str, path: str) -> bool:
        """Whether this call is one that goes wrong."""
        if not (fnmatch.fnmatchcase(operation, self.on) or fnmatch.fnmatchcase(path, self.on)):
            return False
        self._calls += 1
        if self.times is not None and self.hits >= self.times:
            return False
        if self._calls % self.every or (self.probability < 1 and self._draw.random() >= self.probability):
            return False
        self.hits += 1
        return True

    def error_name(self) -> str:
        """The error's name: what was given, else what the status suggests."""
        return self.error or _NAMES.get(self.status or 500, "InternalServerException")


class Faults(list["Fault"]):
    """The rules; the first that strikes a call decides what happens to it. Any list operation works while it runs."""

    def __init__(self, rules: Iterable[Fault | str] = ()) -> None:
        super().__init__(Fault.parse(rule) if isinstance(rule, str) else rule for rule in rules)
        self._lock = locks.Lock()

    def fresh(self) -> Faults:
        """The same rules, as if they had seen no call yet."""
        return Faults(replace(rule, hits=0) for rule in self)

    def strike(self, operation: str, path: str) -> Fault | None:
        """The fault for this call, if any. A rule before it that did not strike has counted the call all the same."""
        if not self:
            return None
        with self._lock:
            return next((fault for fault in list(self) if fault.strikes(operation, path)), None)


def _value(name: str, type_: str, text: str) -> Any:
    try:
        if type_.startswith("int"):
            return int(text)
        if type_ == "float":
            return float(text)
        if type_ == "bool":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
    except (ValueError, KeyError):
        raise KnobError(f"fault: {name}={text} is not {_EXPECTED[type_.partition(' ')[0]]}.") from None
    return text
