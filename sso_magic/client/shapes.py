"""What goes over the wire, said once: each dataclass field carries how it is sent or read.

    class ListAccountsCommand(Command["ListAccountsOutput"]):
        access_token: str = field(metadata=header("x-amz-sso_bearer_token", SECRET))
        max_results: int | None = field(default=None, metadata=query("max_result", INTEGER, minimum=1, maximum=100))

`sso_magic.client.wire` reads this for both directions and both services; no operation has code of its own.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from sso_magic.client.errors import MemberMissing
from sso_magic.common.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Location = Literal["header", "query", "body"]


class WrongType(Exception):
    """A JSON value that is not what the model says; gathers the path to it on its way out."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__()
        self.expected = expected
        self.found = _JSON_NAMES.get(type(value), "something else")
        self.path = ""

    def __str__(self) -> str:
        return f"{self.path.lstrip('.') or 'its body'} is {self.found}, not {self.expected}"


_JSON_NAMES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the model: how its values are read from JSON, and what a caller may give."""

    name: str
    read: Callable[[Any], Any]
    accepts: Callable[[object], bool]
    secret: bool = False


def _read_text(value: object) -> str:
    if type(value) is not str:
        raise WrongType("a string", value)
    return value


def _read_secret(value: object) -> Secret:
    return Secret(_read_text(value))


def _read_integer(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise WrongType("a whole number", value)


def _read_number(value: object) -> float:
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise WrongType("a number", value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


TEXT = Kind("a str", _read_text, _is_text)
SECRET = Kind("a str", _read_secret, _is_text, secret=True)
NUMBER = Kind("a number", _read_number, _is_number)
INTEGER = Kind("an int", _read_integer, _is_integer)


def _read_items(value: object, read: Callable[[Any], Any]) -> tuple[Any, ...]:
    if type(value) is not list:
        raise WrongType("a list", value)
    items = []
    for index, item in enumerate(value):
        if item is not None:
            try:
                items.append(read(item))
            except WrongType as wrong:
                wrong.path = f"[{index}]{wrong.path}"
                raise
    return tuple(items)


LIST_OF_TEXT = Kind("a list of str", lambda value: _read_items(value, _read_text), _is_list_of_text)


def structure(shape: type[Structure]) -> Kind:
    """A nested object."""
    return Kind(shape.__name__, lambda value: read_structure(shape, value), lambda value: isinstance(value, shape))


def list_of(shape: type[Structure]) -> Kind:
    """A list of objects; ``null`` in it is passed over."""
    return Kind(
        f"a list of {shape.__name__}",
        lambda value: _read_items(value, lambda item: read_structure(shape, item)),
        lambda value: isinstance(value, (list, tuple)),
    )


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a shape, as the wire sees it."""

    attribute: str
    wire: str
    kind: Kind
    location: Location
    required: bool
    minimum: int | None
    maximum: int | None


def _wire(
    location: Location, wire: str, kind: Kind, minimum: int | None = None, maximum: int | None = None
) -> Mapping[str, Any]:
    return {"location": location, "wire": wire, "kind": kind, "minimum": minimum, "maximum": maximum}


def header(wire: str, kind: Kind = TEXT) -> Mapping[str, Any]:
    """Field metadata: the value travels in this header."""
    return _wire("header", wire, kind)


def query(wire: str, kind: Kind = TEXT, *, minimum: int | None = None, maximum: int | None = None) -> Mapping[str, Any]:
    """Field metadata: the value travels in this query parameter; bounds are inclusive."""
    return _wire("query", wire, kind, minimum, maximum)


def body(wire: str, kind: Kind = TEXT) -> Mapping[str, Any]:
    """Field metadata: the value is this member of the JSON body."""
    return _wire("body", wire, kind)


def members(shape: type[Structure]) -> tuple[Member, ...]:
    """The fields of a shape that travel, in their order."""
    known = _MEMBERS.get(shape)
    if known is None:
        known = _MEMBERS[shape] = _described(shape)
    return known


_MEMBERS: Final[dict[type[Structure], tuple[Member, ...]]] = {}


def _described(shape: type[Structure]) -> tuple[Member, ...]:
    return tuple(
        Member(
            attribute=each.name,
            wire=each.metadata["wire"],
            kind=each.metadata["kind"],
            location=each.metadata["location"],
            required=each.default is MISSING,
            minimum=each.metadata["minimum"],
            maximum=each.metadata["maximum"],
        )
        for each in fields(shape)
        if each.metadata
    )


@dataclass(frozen=True, eq=False, repr=False)
class Structure:
    """Base of every input, output and part of one: frozen, compared by value, printed without its secrets.

    A member that the service must answer but did not is not there: asking for it raises `MemberMissing`, as
    ``response["roleCredentials"]`` raises KeyError in botocore.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        for member in members(type(self)):
            if member.attribute == name:
                raise MemberMissing(f"The service's answer has no {member.wire}; try again.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _values(self) -> dict[str, Any]:
        names = [each.name for each in fields(self) if each.name != "metadata"]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().items()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({shown})"


def read_structure(shape: type[Structure], document: object, **beside: object) -> Any:
    """The JSON object as the shape: unknown members ignored, ``null`` as absent (PROTOCOL.md 1.3).

    Args:
        shape: The dataclass to make.
        document: What the body, or a part of it, holds.
        beside: Fields that do not come from the body, such as ``metadata``.

    Raises:
        WrongType: a value is of another type than the model's.
    """
    if type(document) is not dict:
        raise WrongType("an object", document)
    values: dict[str, Any] = beside
    complete = True
    for member in members(shape):
        value = document.get(member.wire)
        if value is not None:
            try:
                values[member.attribute] = member.kind.read(value)
            except WrongType as wrong:
                wrong.path = f".{member.wire}{wrong.path}"
                raise
        elif member.required:
            complete = False
    return shape(**values) if complete else _incomplete(shape, values)


def _incomplete(shape: type[Structure], values: dict[str, Any]) -> Structure:
    """The shape without the members that were not answered."""
    made = shape.__new__(shape)
    for each in fields(shape):
        if each.name in values:
            object.__setattr__(made, each.name, values[each.name])
        elif each.default is not MISSING:
            object.__setattr__(made, each.name, each.default)
    return made
