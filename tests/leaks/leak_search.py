"""The search: what secrets there are, and whether one can be seen in a text or reached from an object."""

from __future__ import annotations

import base64
import json
import os
import sys
import types
from collections import deque
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from sso_magic.client.messages import HttpRequest, HttpResponse
from sso_magic.common.secret import Secret, Unshown, reveal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sso_magic.local import LocalIdentityCenter

SHORTEST = 16  # characters of a secret that give it away


class Planted:
    """Every secret of a test: all that its Identity Center has given out, and those that are added.

    Args:
        center: With ``redact_log = False``, so that what clients sent is known too.
    """

    def __init__(self, center: LocalIdentityCenter) -> None:
        self._center = center
        self._told: dict[str, str] = {}
        center.redact_log = False

    def tell(self, **secrets: str) -> None:
        """More of them, by what they are."""
        self._told |= {name: reveal(value) for name, value in secrets.items()}

    def all(self) -> dict[str, str]:
        """Them all, by what they are."""
        state = self._center.state
        found = dict(self._told)
        with state.lock:
            found |= _numbered("access token", state.access_tokens)
            found |= _numbered("refresh token", state.refresh_tokens)
            found |= _numbered("device code", state.devices)
            found |= _numbered("authorization code", state.codes)
            found |= _numbered("client secret", [one.client_secret for one in state.registrations.values()])
        keys = list(self._center.keys.values())
        found |= _numbered("access key id", [one.access_key_id for one in keys])
        found |= _numbered("secret access key", [one.secret_access_key for one in keys])
        found |= _numbered("session token", [one.session_token for one in keys])
        sent = list(self._center.requests)
        found |= _numbered("code verifier", [one.body["codeVerifier"] for one in sent if "codeVerifier" in one.body])
        found |= _numbered("sign-in token", list(self._center._console._tokens))
        return found

    def codes(self) -> list[str]:
        """The user codes: no secret, but not to be left in a saved notebook."""
        return list(self._center.state.user_codes)

    def seen_in(self, shown: str | bytes) -> list[str]:
        """Which of them can be read there, whole or in part, plain or as URLs, JSON and base64 have them."""
        text = shown.decode("utf-8", "replace") if isinstance(shown, bytes) else shown
        return [name for name, secret in self.all().items() if any(part in text for part in traces(secret))]


def _numbered(name: str, values: Iterable[str]) -> dict[str, str]:
    return {f"{name} {number}": reveal(value) for number, value in enumerate(list(values), 1)}


def traces(secret: str) -> set[str]:
    """What of a secret is looked for: its end, and where it is long its middle, for what is shown may be cut short."""
    parts = {secret[-SHORTEST:]}
    if len(secret) > 3 * SHORTEST:
        parts.add(secret[len(secret) // 3 :][:SHORTEST])
    found = set()
    for part in parts:
        found |= {part, quote(part, safe=""), json.dumps(part)[1:-1], part[::-1]}
    whole = base64.b64encode(secret.encode()).decode()
    return found | {whole[: len(whole) // 4 * 4 - 4]}


# ---- what can be reached from an object ----

# What these modules' objects hold is theirs, or the test's: a boto3 client has keys, a request that is sent a body.
_NOT_OURS = (
    "_pytest", "asyncio", "aiobotocore", "boto3", "botocore", "http.client", "importlib", "IPython", "ipykernel",
    "logging", "pandas", "pluggy", "requests", "s3fs", "sso_magic.local", "tests", "traitlets", "urllib3",
)  # fmt: skip
_ON_THE_WIRE = (HttpRequest, HttpResponse)  # their bodies are what is sent; they are looked at from outside
# But the frames of what calls us, or is called, are shown by a traceback with ours.
_NOT_OURS_FRAMES = ("_pytest", "pluggy", "tests")
_LEAVES = (
    type(None), bool, int, float, complex, types.ModuleType, types.BuiltinFunctionType, types.CodeType,
    types.GenericAlias, type,
)  # fmt: skip


def reached(planted: Planted, root: object) -> list[str]:
    """The paths from the object by which a secret can be read as a plain `str` or `bytes`.

    Everything is followed: attributes, slots, items, closures, an error's arguments, causes, contexts, and the local
    variables of the frames that it came through, as ``%debug`` shows them. Not followed are `Secret`, which is what a
    secret is to be, and `Unshown`, which is made to be handed on.
    """
    parts = {part: name for name, secret in planted.all().items() for part in traces(secret)}
    shortest = min(map(len, parts))
    seen: set[int] = {id(os.environ), id(vars(os.environ).get("_data")), id(sys.modules), id(planted)}
    kept: list[object] = []  # so that no id is used twice
    waiting: deque[tuple[str, object]] = deque([("", root)])
    found = []
    while waiting:
        path, thing = waiting.popleft()
        if isinstance(thing, (str, bytes, bytearray)):
            if not isinstance(thing, Secret) and len(thing) >= shortest:
                text = thing if isinstance(thing, str) else bytes(thing).decode("utf-8", "replace")
                found += [f"{path}: {name}" for part, name in parts.items() if part in text]
            continue
        if isinstance(thing, (_LEAVES, Unshown)) or id(thing) in seen or _is_not_ours(thing):
            continue
        seen.add(id(thing))
        kept.append(thing)
        waiting.extend((f"{path}{step}", part) for step, part in _parts(thing))
    return sorted(set(found))


def _is_not_ours(thing: object) -> bool:
    module = getattr(type(thing), "__module__", "") or ""
    if isinstance(thing, types.FunctionType):
        module = thing.__module__ or ""
    return any(module == name or module.startswith(f"{name}.") for name in _NOT_OURS)


def _parts(thing: object) -> Iterator[tuple[str, object]]:
    for kinds, parts_of in _PARTS:
        if isinstance(thing, kinds):
            yield from parts_of(thing)
    yield from _attributes(thing)


def _items(mapping: dict[object, object]) -> Iterator[tuple[str, object]]:
    for key, value in list(mapping.items()):
        yield f"[{key!r}]", value
        yield ".key", key


def _members(collection: Iterable[object]) -> Iterator[tuple[str, object]]:
    for number, item in enumerate(list(collection)):
        yield f"[{number}]", item


def _function(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    for number, cell in enumerate(function.__closure__ or ()):
        yield f".closure[{number}]", cell
    yield ".defaults", (function.__defaults__, function.__kwdefaults__)


def _error(error: BaseException) -> Iterator[tuple[str, object]]:
    yield from (("args", error.args), (".__cause__", error.__cause__), (".__context__", error.__context__))
    yield from _frames(error.__traceback__)


def _cell(cell: types.CellType) -> Iterator[tuple[str, object]]:
    try:
        yield "", cell.cell_contents
    except ValueError:  # it is empty
        return


def _frames(traceback: types.TracebackType | None) -> Iterator[tuple[str, object]]:
    while traceback is not None:
        frame = traceback.tb_frame
        name = frame.f_globals.get("__name__", "")
        if not any(name == other or name.startswith(f"{other}.") for other in _NOT_OURS_FRAMES):
            for variable, value in dict(frame.f_locals).items():
                yield f" in {name}.{frame.f_code.co_name}, line {traceback.tb_lineno}: {variable}", value
        traceback = traceback.tb_next


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        yield f".{name}", value
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            if private == "body" and isinstance(thing, _ON_THE_WIRE):
                continue
            if name not in ("__dict__", "__weakref__") and hasattr(thing, private):
                yield f".{private}", getattr(thing, private)


_PARTS = (
    ((dict, types.MappingProxyType), _items),
    ((list, tuple, set, frozenset, deque), _members),
    (types.FunctionType, _function),
    (types.CellType, _cell),
    (types.MethodType, lambda method: [(".self", method.__self__), (".function", method.__func__)]),
    (partial, lambda made: [(".partial", (made.func, made.args, made.keywords))]),
    (BaseException, _error),
    (types.FrameType, lambda frame: [(".locals", dict(frame.f_locals))]),
)
