"""A watch on imports, which reports when one of some modules has been imported, and imports none."""

from __future__ import annotations

import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class ImportWatch(MetaPathFinder):
    """A finder that finds nothing itself, and calls back once a watched module has run.

    Args:
        imported: Called with the module's name and the module, in the thread that imports it. Its errors are dropped:
            they must not surface in the user's import.
    """

    def __init__(self, imported: Callable[[str, ModuleType], None]) -> None:
        self._imported = imported
        self._names: Collection[str] = ()
        self._finding = threading.local()

    def start(self, names: Collection[str]) -> None:
        """Watch these modules; one that is imported already is reported only when it is reloaded."""
        self._names = names
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Stop watching."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find, with a loader that reports when it is done."""
        if fullname not in self._names or getattr(self._finding, "name", None) == fullname:
            return None
        self._finding.name = fullname  # another finder that asks all the finders must not come back here
        try:
            spec = _find_elsewhere(self, fullname, path, target)
        finally:
            self._finding.name = None
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _TellingLoader(spec.loader, self._imported)
        return spec


def _find_elsewhere(
    asking: ImportWatch, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(fullname, path, target) if find is not None and finder is not asking else None
        if spec is not None:
            return spec
    return None


class _TellingLoader(Loader):
    def __init__(self, loader: Any, imported: Callable[[str, ModuleType], None]) -> None:
        self._loader = loader
        self._imported = imported

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        # The module gets its own loader back, so that no trace of this one is left in it.
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        try:
            self._imported(module.__name__, module)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001, S110 - pyo3's PanicException is no Exception; the import has succeeded
            pass
