"""What an object is called when it holds a role's credentials.

No method of a foreign object is called: only its type, and what the interpreter itself keeps of it, is looked at.
"""

from __future__ import annotations

import enum
import functools
import gc
import itertools
import re
import types
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# Their objects are not named: this package's own, and moto's, which simulates AWS: a service knows keys and uses none.
_OWN = {"sso_magic", "moto"}
_FUNCTION_CACHE = type(functools.lru_cache(lambda: None))
_RUNNABLE: dict[type, tuple[str, str]] = {  # the noun, and the attribute that has the frame
    types.GeneratorType: ("generator", "gi_frame"),
    types.CoroutineType: ("coroutine", "cr_frame"),
    types.AsyncGeneratorType: ("asynchronous generator", "ag_frame"),
}
# Containers and helpers of Python itself: their owner is whatever holds them.
_TRANSPARENT_MODULES = {
    "builtins", "collections", "_collections", "contextvars", "_contextvars", "ctypes", "_ctypes", "functools",
    "_functools", "itertools", "mappingproxy", "operator", "_thread", "threading_local", "types", "weakref", "_weakref",
}  # fmt: skip
# Credentials are passed around: what holds them counts as well, however short the way to them is.
_CREDENTIALS = {
    "botocore.credentials.Credentials": "botocore credentials",
    "botocore.credentials.ReadOnlyCredentials": "botocore credentials",
    "sso_magic.credentials.role_credentials.Credentials": "role credentials",
}
_OWN_TRANSPARENT = {
    "sso_magic.kernel.renewal.RenewingRole",
    "sso_magic.kernel.libraries.boto.RoleReader",
    "sso_magic.common.secret.Secret",
    "sso_magic.common.secret.Unshown",
    "sso_magic.kernel.use.Use",
}
_KNOWN = {
    "boto3.session.Session": "boto3 session",
    "botocore.session.Session": "botocore session",
    "botocore.client.BaseClient": "boto3 client",
    "boto3.resources.base.ServiceResource": "boto3 resource",
    "requests.sessions.Session": "requests session",
}
# What IPython and the interpreter keep of the last outputs and errors.
_HISTORY = re.compile(r"_|__|___|_\d+|_i*|_i\d+|_oh|_ih|Out|In|last_(exc|type|value|traceback)")


class Kind(enum.Enum):
    """What an object is in the chain from credentials to what keeps them."""

    TRANSPARENT = "its owner is whatever holds it"
    CREDENTIALS = "named, and whatever else holds it as well"
    INSTANCE = "an instance or a function: named where a variable holds it; else by what holds it"
    DEFINED = "named whatever holds it: function caches, classes, generators"
    EXCLUDED = "of this package, or known already, or no longer running"


class Owner(NamedTuple):
    """The name of an object.

    Attributes:
        noun: In the singular: ``function cache``.
        name: Which one; empty if the noun says enough.
        number: The object's identity, so that it counts once.
        kind: The object's kind; TRANSPARENT for a variable, or a container that running code holds.
    """

    noun: str
    name: str
    number: object
    kind: Kind

    def at(self, variable: str) -> Owner:
        """Return the owner with the variable that holds it added to its name."""
        if not variable or variable == self.name:
            return self
        return self._replace(name=f"{self.name} at {variable}" if self.name else variable)


def kind(thing: Any) -> Kind:
    """Return what the object is in a chain of referrers."""
    cls = type(thing)
    if cls in _RUNNABLE or cls is _FUNCTION_CACHE:
        return Kind.DEFINED
    if cls is types.FunctionType:  # the package's functions are held by others as hooks and as ways to renew
        return Kind.TRANSPARENT if _is_own(thing.__module__) else Kind.INSTANCE
    if issubclass(cls, type):
        module = _module(thing)
        return Kind.EXCLUDED if _is_own(module) or _makes_classes(module) else Kind.DEFINED
    return Kind.EXCLUDED if cls is types.TracebackType else _kind_of_instance(thing, _names(cls))


def _kind_of_instance(thing: Any, names: set[str]) -> Kind:
    module = _module(type(thing))
    if not names.isdisjoint(_CREDENTIALS):
        return Kind.CREDENTIALS
    if not names.isdisjoint(_OWN_TRANSPARENT) or module in _TRANSPARENT_MODULES:
        return Kind.TRANSPARENT
    is_counted = "botocore.client.BaseClient" in names and _is_bound(thing)
    is_own = _is_own(module) and names.isdisjoint(_KNOWN)
    return Kind.EXCLUDED if is_counted or is_own else Kind.INSTANCE


def owner(thing: Any) -> Owner:
    """Return the name of an object."""
    return Owner(*_noun_and_name(thing), id(thing), kind(thing))


def _noun_and_name(thing: Any) -> tuple[str, str]:
    cls = type(thing)
    if cls is _FUNCTION_CACHE or cls is types.FunctionType:
        return "function cache" if cls is _FUNCTION_CACHE else "function", _qualified(thing)
    if cls in _RUNNABLE:
        noun, attribute = _RUNNABLE[cls]
        frame = getattr(thing, attribute)
        return noun, _dotted(frame.f_globals.get("__name__") if frame is not None else None, thing.__qualname__)
    return ("class", _class_name(thing)) if issubclass(cls, type) else _instance(thing, _names(cls))


def _instance(thing: Any, names: set[str]) -> tuple[str, str]:
    known = next((noun for name, noun in (_KNOWN | _CREDENTIALS).items() if name in names), None)
    if known is not None:
        return known, ""
    if "threading.Thread" in names:
        return "thread", str(thing.__dict__.get("_name", ""))
    return "object", _class_name(type(thing))


def variable(module: str, name: str) -> Owner:
    """Return a module's variable as an owner; one of the notebook's own namespace goes by its name alone."""
    if module == "__main__":
        return Owner("variable", name, (module, name), Kind.TRANSPARENT)
    return Owner("module variable", f"{module}.{name}", (module, name), Kind.TRANSPARENT)


def is_history(name: object) -> bool:
    """Return True for a variable in which the interpreter keeps past outputs, inputs or errors."""
    return not isinstance(name, str) or _HISTORY.fullmatch(name) is not None


def is_own_module(name: object) -> bool:
    """Return True for a module of this package."""
    return _is_own(name)


def is_own(thing: object) -> bool:
    """Return True for a function or an instance of a class of this package."""
    return _is_own(thing.__module__ if type(thing) is types.FunctionType else _module(type(thing)))


def context_variable(node: Any, is_held: Callable[[Any], bool]) -> Owner | None:
    """Return the context variable that has a value of interest in a node of a context; None if there is none.

    Args:
        node: Any object.
        is_held: Returns True for the value of interest.
    """
    if not type(node).__name__.startswith("hamt"):
        return None
    import contextvars

    referents = gc.get_referents(node)  # each value comes before its variable
    for value, key in itertools.pairwise(referents):
        if type(key) is contextvars.ContextVar and is_held(value):
            return Owner("context variable", key.name, id(key), Kind.DEFINED)
    return None


def _is_bound(client: Any) -> bool:
    """Return True for a client that the bindings count."""
    from sso_magic.kernel.libraries.boto import role_of

    return role_of(client) is not None


def _is_own(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _OWN


def _makes_classes(module: object) -> bool:
    """Return True for boto3 and botocore, which make classes for a session: the session is named."""
    return isinstance(module, str) and module.partition(".")[0] in {"boto3", "botocore"}


def _module(cls: type) -> object:
    return type.__getattribute__(cls, "__module__")


def _class_name(cls: type) -> str:
    return _dotted(_module(cls), type.__getattribute__(cls, "__qualname__"))


def _dotted(module: object, name: str) -> str:
    return name if module in {"__main__", "builtins", None} or not isinstance(module, str) else f"{module}.{name}"


def _qualified(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or "a function"
    return _dotted(getattr(function, "__module__", None), str(name))


def _names(cls: type) -> set[str]:
    return {
        f"{_module(base)}.{type.__getattribute__(base, '__qualname__')}"
        for base in type.__getattribute__(cls, "__mro__")
    }
