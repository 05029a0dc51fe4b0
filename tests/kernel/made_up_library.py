"""A library that nobody has heard of, which keeps an access key ID, or credentials, in every way that Python has.

`HIDING_PLACES` has a function for each: it is called with what is to be kept, and returns what keeps it alive. The
object, class, function or variable that is to be named is called after the function.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import ctypes
import dataclasses
import enum
import functools
import sys
import threading
import urllib.request
import weakref
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import requests

_MODULE = sys.modules[__name__]


class InstanceAttribute:
    def __init__(self, kept):
        self.kept = kept


class Slots:
    __slots__ = ("kept",)

    def __init__(self, kept):
        self.kept = kept


class DictSubclass(dict):
    pass


class ListSubclass(list):
    pass


class CachedProperty:
    def __init__(self, kept):
        self._make = [kept]

    @functools.cached_property
    def value(self):
        return self._make.pop()


@dataclasses.dataclass(frozen=True)
class FrozenDataclass:
    kept: Any


@dataclasses.dataclass(slots=True)
class SlottedDataclass:
    kept: Any


class NamedTupleCache(NamedTuple):
    kept: Any


class WeaklyKnown(InstanceAttribute):
    known: ClassVar = weakref.WeakSet()


class BoundMethod(InstanceAttribute):
    def method(self):
        return self.kept


class Nested(InstanceAttribute):
    pass


class ClassAttribute:
    pass


class ClassRegistry:
    known: ClassVar = {}


class Metaclass(type):
    pass


@functools.lru_cache
def lru_cache(_):
    return lru_cache.made.pop()


@functools.cache
def cache_of_objects(_):
    return InstanceAttribute(cache_of_objects.made.pop())


@functools.lru_cache
def lru_cache_by_key(_):
    return 1


context_variable = contextvars.ContextVar("context_variable")
thread_local = threading.local()
_threads = []


def keep_in_instance(kept):
    return InstanceAttribute(kept)


def keep_in_slots(kept):
    return Slots(kept)


def keep_in_dict_subclass(kept):
    return DictSubclass(kept=kept)


def keep_in_list_subclass(kept):
    return ListSubclass([kept])


def keep_in_ordered_dict(kept):
    _MODULE.ordered_dict = collections.OrderedDict(kept=kept)


def keep_in_default_dict(kept):
    _MODULE.default_dict = collections.defaultdict(list, {"a": [kept]})


def keep_in_deque(kept):
    _MODULE.deque = collections.deque([kept], maxlen=3)


def keep_in_set(kept):
    _MODULE.set_of_keys = {kept}


def keep_in_frozenset(kept):
    _MODULE.frozen_set = frozenset([kept])


def keep_as_dict_key(kept):
    _MODULE.dict_key = {kept: 1}


def keep_in_nested_tuples(kept):
    _MODULE.nested_tuples = ("a", ("b", ("c", kept)))


def keep_in_nested_dicts(kept):
    _MODULE.nested_dicts = {"a": [{"b": {"c": kept}}]}


def keep_in_global(kept):
    _MODULE.module_global = kept


def keep_in_lru_cache(kept):
    lru_cache.made = [kept]
    lru_cache(1)


def keep_in_lru_cache_of_objects(kept):
    cache_of_objects.made = [kept]
    cache_of_objects(1)


def keep_in_lru_cache_by_key(kept):
    lru_cache_by_key(kept)


def keep_in_closure(kept):
    def closure():
        return kept

    _MODULE.closure = closure


def keep_in_default_argument(kept):
    def default_argument(value=kept):
        return value

    _MODULE.default_argument = default_argument


def keep_in_keyword_default(kept):
    def keyword_default(*, value=kept):
        return value

    _MODULE.keyword_default = keyword_default


def keep_in_partial(kept):
    _MODULE.partial = functools.partial(print, kept, end="")


def keep_in_class_attribute(kept):
    ClassAttribute.kept = kept


def keep_in_class_registry(kept):
    ClassRegistry.known["a"] = SimpleNamespace(kept=kept)


def keep_in_metaclass(kept):
    Metaclass.kept = kept


def keep_in_context_variable(kept):
    context_variable.set(kept)


def keep_in_thread_local(kept):
    thread_local.kept = kept


def keep_weakly_known(kept):
    made = WeaklyKnown(kept)
    WeaklyKnown.known.add(made)
    return made


def keep_in_frozen_dataclass(kept):
    return FrozenDataclass(kept)


def keep_in_slotted_dataclass(kept):
    return SlottedDataclass(kept)


def keep_in_named_tuple(kept):
    return NamedTupleCache(kept)


def keep_in_cached_property(kept):
    made = CachedProperty(kept)
    assert made.value is kept
    return made


def keep_in_bound_method(kept):
    return [BoundMethod(kept).method]


def keep_in_generator(kept):
    def generator():
        local = kept
        yield
        yield local

    running = generator()
    next(running)
    return running


def keep_in_coroutine(kept):
    @asyncio.coroutines.types.coroutine
    def wait():
        yield

    async def coroutine():
        local = kept
        await wait()
        return local

    running = coroutine()
    running.send(None)
    return running


def keep_in_asynchronous_generator(kept):
    async def asynchronous_generator():
        local = kept
        yield
        yield local

    running = asynchronous_generator()
    try:
        running.asend(None).send(None)
    except StopIteration:
        return running


def keep_in_nested_instances(kept):
    return Nested(SimpleNamespace(inner=[{"kept": kept}]))


def keep_in_mapping_proxy(kept):
    _MODULE.mapping_proxy = MappingProxyType({"kept": kept})


def keep_in_http_session(kept):
    _MODULE.http_session = requests.Session()
    _MODULE.http_session.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={text(kept)}/20261127/us-east-1/s3"


def keep_in_opener(kept):
    _MODULE.opener = urllib.request.build_opener()
    _MODULE.opener.addheaders = [("X-Amz-Credential", f"{text(kept)}/20261127/us-east-1/s3/aws4_request")]


def keep_in_bytes(kept):
    _MODULE.bytes_in_list = [text(kept).encode()]


def keep_in_bytearray(kept):
    _MODULE.byte_array = [bytearray(text(kept).encode())]


def keep_in_url(kept):
    _MODULE.url = [f"https://s3.amazonaws.com/?X-Amz-Credential={text(kept)}%2F20261127&X-Amz-Signature=0"]


def keep_in_ctypes(kept):
    _MODULE.ctypes_buffer = ctypes.create_string_buffer(text(kept).encode())


def keep_in_enum(kept):
    _MODULE.EnumMember = enum.Enum("EnumMember", {"KEPT": text(kept)}, module=__name__)


def keep_in_thread(kept):
    go_on = threading.Event()
    thread = threading.Thread(target=lambda _: go_on.wait(), args=(kept,), name="thread_with_arguments", daemon=True)
    thread.start()
    _threads.append((thread, go_on))


def let_go():
    """End what would outlive this module."""
    context_variable.set(None)
    for thread, go_on in _threads:
        go_on.set()
        thread.join()


def text(kept) -> str:
    """The access key ID of what is to be kept."""
    return kept if isinstance(kept, str) else kept.access_key


# The function, and what has to be in the line.
HIDING_PLACES = {
    keep_in_instance: "InstanceAttribute",
    keep_in_slots: "Slots",
    keep_in_dict_subclass: "DictSubclass",
    keep_in_list_subclass: "ListSubclass",
    keep_in_ordered_dict: "ordered_dict",
    keep_in_default_dict: "default_dict",
    keep_in_deque: "deque",
    keep_in_set: "set_of_keys",
    keep_in_frozenset: "frozen_set",
    keep_as_dict_key: "dict_key",
    keep_in_nested_tuples: "nested_tuples",
    keep_in_nested_dicts: "nested_dicts",
    keep_in_global: "module_global",
    keep_in_lru_cache: "lru_cache",
    keep_in_lru_cache_of_objects: "cache_of_objects",
    keep_in_lru_cache_by_key: "lru_cache_by_key",
    keep_in_closure: "closure",
    keep_in_default_argument: "default_argument",
    keep_in_keyword_default: "keyword_default",
    keep_in_partial: "partial",
    keep_in_class_attribute: "ClassAttribute",
    keep_in_class_registry: "ClassRegistry",
    keep_in_metaclass: "Metaclass",
    keep_in_context_variable: "context_variable",
    keep_in_thread_local: "thread_local",
    keep_weakly_known: "WeaklyKnown",
    keep_in_frozen_dataclass: "FrozenDataclass",
    keep_in_slotted_dataclass: "SlottedDataclass",
    keep_in_named_tuple: "NamedTupleCache",
    keep_in_cached_property: "CachedProperty",
    keep_in_bound_method: "BoundMethod",
    keep_in_generator: "generator",
    keep_in_coroutine: "coroutine",
    keep_in_asynchronous_generator: "asynchronous_generator",
    keep_in_nested_instances: "Nested",
    keep_in_mapping_proxy: "mapping_proxy",
    keep_in_http_session: "http_session",
    keep_in_opener: "opener",
    keep_in_bytes: "bytes_in_list",
    keep_in_bytearray: "byte_array",
    keep_in_url: "url",
    keep_in_ctypes: "ctypes_buffer",
    keep_in_enum: "EnumMember",
    keep_in_thread: "thread_with_arguments",
}
