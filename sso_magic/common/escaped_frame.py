"""DataFrames of names from a portal, displayed with control characters and the like escaped.

The values stay as the portal gave them; the display alone is escaped. pandas is imported at the top: this module is
imported when a table is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sso_magic.common.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class EscapedSeries(pd.Series):
    """A column of an `EscapedFrame`."""

    @property
    def _constructor(self) -> Any:
        return EscapedSeries

    @property
    def _constructor_expanddim(self) -> Any:
        return EscapedFrame

    def __repr__(self) -> str:
        plain = pd.Series(list(map(_shown, self)), _escaped_index(self.index), dtype=object, name=_shown(self.name))
        return repr(plain.astype(self.dtype))


class EscapedFrame(pd.DataFrame):
    """A DataFrame that shows control characters and the like in its texts as escapes."""

    @property
    def _constructor(self) -> Any:
        return EscapedFrame

    @property
    def _constructor_sliced(self) -> Any:
        return EscapedSeries

    def _escaped(self) -> pd.DataFrame:
        plain: pd.DataFrame = pd.DataFrame(self).copy()
        for place, dtype in enumerate(self.dtypes):
            if _holds_text(dtype):
                plain.isetitem(place, list(map(_shown, plain.iloc[:, place])))
        plain.index, plain.columns = _escaped_index(plain.index), _escaped_index(plain.columns)
        return plain

    def __repr__(self) -> str:
        return repr(self._escaped())

    def _repr_html_(self) -> str | None:
        html: str | None = self._escaped()._repr_html_()  # type: ignore[operator]
        return html


def frame_class(texts: Iterable[str | None]) -> type[pd.DataFrame]:
    """Return the class for a table of these texts: an `EscapedFrame` only if something in them has to be escaped."""
    return pd.DataFrame if "".join(filter(None, texts)).isprintable() else EscapedFrame


def _holds_text(dtype: Any) -> bool:
    return pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype)


def _escaped_index(index: pd.Index) -> pd.Index:
    if isinstance(index, pd.MultiIndex) or not _holds_text(index.dtype):
        return index
    escaped: pd.Index = pd.Index(list(map(_shown, index)), name=_shown(index.name))
    return escaped


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value
