"""A library that nobody has heard of, which keeps the text of an access key ID where the garbage collector sees none.

`HIDING_PLACES` is as in `made_up_library.py`: the function, and what has to be in the line.
"""

from __future__ import annotations

import array
import base64
import contextvars
import ctypes
import io
import json
import pickle
import sys
import weakref
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa

_MODULE = sys.modules[__name__]


class MaskedArrayLike(np.ndarray):
    pass


class Structure(ctypes.Structure):
    _fields_ = (("number", ctypes.c_int), ("text", ctypes.c_char * 64))


class WeaklyKept:
    pass


def keep_in_numpy_text(text):
    _MODULE.numpy_text = np.array(["a", text])


def keep_in_numpy_text_of_another_machine(text):
    _MODULE.numpy_big_endian = np.array([text]).astype(">U60")


def keep_in_numpy_bytes(text):
    _MODULE.numpy_bytes = [np.array([text.encode()])]


def keep_in_numpy_numbers(text):
    _MODULE.numpy_numbers = {"a": np.frombuffer(text.encode(), np.uint8)}


def keep_in_numpy_objects(text):
    _MODULE.numpy_objects = np.array([None, {"a": (1, text)}], dtype=object)


def keep_in_numpy_records(text):
    _MODULE.numpy_records = np.array([(1, text)], dtype=[("a", "i4"), ("b", "U60")])


def keep_in_numpy_record(text):
    _MODULE.numpy_record = np.array([(1, text)], dtype=[("a", "i4"), ("b", "U60")])[0]


def keep_in_numpy_view(text):
    _MODULE.numpy_view = np.array([["a", text], ["b", "c"]])[0, 1:]


def keep_in_numpy_subclass(text):
    return np.array([text]).view(MaskedArrayLike)


def keep_in_array(text):
    _MODULE.array_of_bytes = array.array("B", text.encode())


def keep_in_array_of_characters(text):
    _MODULE.array_of_characters = array.array("w" if sys.version_info >= (3, 13) else "u", text)


def keep_in_bytes_io(text):
    _MODULE.bytes_io = io.BytesIO(text.encode())


def keep_in_written_bytes_io(text):
    _MODULE.written_bytes_io = io.BytesIO()
    _MODULE.written_bytes_io.write(text.encode())


def keep_in_string_io(text):
    _MODULE.string_io = io.StringIO(text)


def keep_in_written_string_io(text):
    _MODULE.written_string_io = io.StringIO()
    _MODULE.written_string_io.write(text)


def keep_in_text_wrapper(text):
    _MODULE.text_wrapper = io.TextIOWrapper(io.BytesIO(text.encode()))


def keep_in_base64(text):
    _MODULE.in_base64 = base64.b64encode(text.encode()).decode()


def keep_in_base64_of_pickles(text):
    _MODULE.in_base64_of_pickles = [base64.b64encode(pickle.dumps([text, "a" * n])) for n in range(3)]


def keep_in_base64_of_json(text):
    _MODULE.in_base64_of_json = base64.urlsafe_b64encode(json.dumps({"a?>": text}).encode()).decode()


def keep_in_constant(text):
    exec(f"def constant():\n return {text!r}", vars(_MODULE))


def keep_in_constant_of_inner_function(text):
    exec(f"def outer_constant():\n def inner(): return (1, ({text!r}, 2))\n return inner", vars(_MODULE))


def keep_in_code(text):
    _MODULE.code = compile(f"a = {text!r}", "a line", "exec")


def keep_as_key_of_weak_values(text):
    _MODULE.weak_values = weakref.WeakValueDictionary()
    _MODULE.weak_values[text] = made = WeaklyKept()
    return made


def keep_in_weak_values(text):
    made = WeaklyKept()
    made.text = text
    _MODULE.other_weak_values = weakref.WeakValueDictionary(a=made)
    return made


def keep_in_frame(text):
    _MODULE.frame = pd.DataFrame({"name": ["a", "b"], "key": [text, ""]})


def keep_in_series_of_objects(text):
    _MODULE.series_of_objects = pd.Series([text, None], dtype=object)


def keep_in_categories(text):
    _MODULE.categories = SimpleNamespace(kept=pd.Series([text], dtype="category"))


def keep_in_index(text):
    _MODULE.index = pd.Series([1], index=[text])


def keep_in_columns(text):
    _MODULE.columns = pd.DataFrame({text: [1]})


def keep_in_frame_of_arrow(text):
    _MODULE.frame_of_arrow = pd.DataFrame({"key": pd.array([text], dtype=pd.ArrowDtype(pa.string()))})


def keep_in_arrow_table(text):
    _MODULE.arrow_table = pa.table({"key": [text]})


def keep_in_arrow_batch(text):
    _MODULE.arrow_batch = pa.RecordBatch.from_pydict({"key": [{"a": text}]})


def keep_in_arrow_dictionary(text):
    _MODULE.arrow_dictionary = pa.array([text]).dictionary_encode()


def keep_in_context_default(text):
    _MODULE.context_default = contextvars.ContextVar("a", default=text)


def keep_in_ctypes_characters(text):
    _MODULE.ctypes_characters = ctypes.create_unicode_buffer(text)


def keep_in_ctypes_structure(text):
    _MODULE.ctypes_structure = Structure(1, text.encode())


HIDING_PLACES = {
    keep_in_numpy_text: "numpy_text",
    keep_in_numpy_text_of_another_machine: "numpy_big_endian",
    keep_in_numpy_bytes: "numpy_bytes",
    keep_in_numpy_numbers: "numpy_numbers",
    keep_in_numpy_objects: "numpy_objects",
    keep_in_numpy_records: "numpy_records",
    keep_in_numpy_record: "numpy_record",
    keep_in_numpy_view: "numpy_view",
    keep_in_numpy_subclass: "MaskedArrayLike",
    keep_in_array: "array_of_bytes",
    keep_in_array_of_characters: "array_of_characters",
    keep_in_bytes_io: "bytes_io",
    keep_in_written_bytes_io: "written_bytes_io",
    keep_in_string_io: "string_io",
    keep_in_written_string_io: "written_string_io",
    keep_in_text_wrapper: "text_wrapper",
    keep_in_base64: "in_base64",
    keep_in_base64_of_pickles: "in_base64_of_pickles",
    keep_in_base64_of_json: "in_base64_of_json",
    keep_in_constant: "constant",
    keep_in_constant_of_inner_function: "outer_constant",
    keep_in_code: "code",
    keep_as_key_of_weak_values: "weak_values",
    keep_in_weak_values: "WeaklyKept",
    keep_in_frame: "frame",
    keep_in_series_of_objects: "series_of_objects",
    keep_in_categories: "categories",
    keep_in_index: "index",
    keep_in_columns: "columns",
    keep_in_frame_of_arrow: "frame_of_arrow",
    keep_in_arrow_table: "arrow_table",
    keep_in_arrow_batch: "arrow_batch",
    keep_in_arrow_dictionary: "arrow_dictionary",
    keep_in_context_default: "context_default",
    keep_in_ctypes_characters: "ctypes_characters",
    keep_in_ctypes_structure: "ctypes_structure",
}

if pd.__version__.startswith("2.0."):  # the search does not see the categories of this release
    del HIDING_PLACES[keep_in_categories]
