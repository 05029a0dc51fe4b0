"""`Libraries`: the bindings of all libraries together."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

from sso_magic.errors import reason
from sso_magic.kernel.canary import Canary
from sso_magic.kernel.canary.findings import holding
from sso_magic.kernel.libraries import names
from sso_magic.kernel.libraries.forget import KEEP_ENVIRONMENTS, imported_rows, rows_of_environments
from sso_magic.kernel.libraries.imports import ImportWatch
from sso_magic.kernel.libraries.registry import MAKERS, TASK_MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sso_magic.kernel.canary.findings import Finding
    from sso_magic.kernel.libraries.host import Host
    from sso_magic.kernel.libraries.registry import Binding
    from sso_magic.kernel.renewal import RenewingRole
    from sso_magic.kernel.use import Use

# Memory blocks of Python up to which a whole garbage collection takes less than 50 ms.
_QUICK_TO_COLLECT = 1_000_000


class Libraries:
    """The bindings of all libraries that have been imported."""

    def __init__(self, kernel: Host) -> None:
        self._kernel = kernel
        self._bindings: dict[str, Binding] = {}
        self._installed: dict[str, ModuleType] = {}  # the modules whose hooks are in; not those that failed
        self._troubles: dict[str, str] = {}
        self._makers = MAKERS
        self._reachable: dict[str, dict[str, int]] = {}  # as `_count`, after a garbage collection
        self._watch = ImportWatch(self._imported)
        self._canary = Canary()

    def install(self) -> None:
        """Install the hooks in the libraries that have been imported, and in the others when they are imported."""
        self._watch.start(self._makers)
        with self._one_search():
            for name in self._makers:
                library = sys.modules.get(name)
                if library is not None and self._installed.get(name) is not library and not _is_being_imported(library):
                    self._install(name, library)

    def separate_tasks(self) -> None:
        """Install the hooks for tasks of ``%%sso_each`` as well, and empty the caches of clients.

        A task then gets no client of the notebook's from such a cache, and the notebook none of a task's.
        """
        self._makers = MAKERS | TASK_MAKERS
        self.install()
        for name, forget, library in imported_rows():
            if name not in KEEP_ENVIRONMENTS:
                self._try(name, forget, library)

    def enter(self, use: Use | None) -> None:
        """Let every library follow a change: this role is in the environment now; None: no role is."""
        self._canary.enter(use)
        for name in list(self._installed):
            self._try(name, self._bindings[name].enter, use)
        for name, forget, library in imported_rows():
            self._try(name, forget, library)

    def renewed(self, role: RenewingRole) -> None:
        """Give the new keys of a role to the libraries that hold copies of its keys."""
        for name, binding in list(self._bindings.items()):
            renewed = getattr(binding, "renewed", None)
            if renewed is not None:
                self._try(name, renewed, role)

    def forget_environments(self) -> None:
        """Let new worker processes start, which take the renewed keys from the environment."""
        for name, forget, library in rows_of_environments():
            self._try(name, forget, library)

    def uninstall(self) -> None:
        """Take every hook out. Objects that are bound to a role stay bound to it."""
        self._canary.forget()
        self._watch.stop()
        with self._one_search():
            for name, binding in list(self._bindings.items()):
                self._try(name, binding.uninstall)
        self._bindings.clear()
        self._installed.clear()
        self._makers = MAKERS
        self._troubles.clear()
        self._reachable.clear()

    def holders(self, used: RenewingRole | None) -> str | None:
        """Return what the bindings know to use another role than this one, in one line; None if nothing does."""
        counts = self._count(used)
        if any(self._reachable.get(label) != nouns for label, nouns in counts.items()) and _collects_quickly():
            gc.collect()  # unreachable clients, which pandas leaves behind, use no role
            before, counts = counts, self._count(used)
            self._reachable |= {label: counts.get(label, {}) for label in before}
        return self._line(counts, [])

    def find_holders(self, used: RenewingRole | None) -> str | None:
        """Search the process and its children as well; return the line of `holders` with what was found."""
        found = self._canary.find()
        self.holders(used)  # collects garbage
        return self._line(self._count(used), found)

    def search_holders(self, used: RenewingRole | None, tell: Callable[[str], None]) -> None:
        """Search as `find_holders` does, on a background thread.

        Args:
            used: The role in use.
            tell: Called on that thread with the line, if the search found more than `holders` knows, and the role is
                still the one in use.
        """

        def told(found: list[Finding]) -> None:
            if found:
                tell(self._line(self._count(used), found) or "")

        self._canary.start(told)

    def _line(self, counts: dict[str, dict[str, int]], found: list[Finding]) -> str | None:
        sentences = holding(counts, found)
        troubles: dict[str, str] = {}
        for name, trouble in self._troubles.items():
            troubles.setdefault(name.partition(".")[0], trouble)
        sentences += [f"{name} could not be switched ({trouble}): restart the kernel to be sure."
                      for name, trouble in troubles.items()]  # fmt: skip
        return " ".join(sentences) or None

    def _count(self, used: RenewingRole | None) -> dict[str, dict[str, int]]:
        """Return how many objects of which kind use which other role."""
        counts: dict[str, dict[str, int]] = {}

        def count(binding: Binding) -> None:
            for role, noun in binding.holders(used):
                if role is not used:
                    of_role = counts.setdefault(role.label, {})
                    of_role[noun] = of_role.get(noun, 0) + 1

        for name in list(self._installed):
            self._try(name, count, self._bindings[name])
        return counts

    def _imported(self, name: str, library: ModuleType) -> None:
        """Install the hooks of a module that has just run, also of one that has been reloaded.

        Other modules of the same package may still be half-made. Hooks that need one of them fail now, and are
        installed when the next watched module has been imported, or at the next switch.
        """
        with self._one_search():
            if name in self._makers:
                self._install(name, library)
            waiting = [name for name in self._bindings if name not in self._installed]
            for other in (name, *waiting):
                module = sys.modules.get(other)
                if other not in self._installed and module is not None and not _is_being_imported(module):
                    self._install(other, module)
        for other in (name, *waiting):
            if other in self._installed:
                self._try(other, self._bindings[other].enter, self._kernel.current)

    @contextlib.contextmanager
    def _one_search(self) -> Iterator[None]:
        """Make what the hooks of several libraries look for in this process one search, after the block."""
        with names.collected() as searches:
            try:
                yield
            finally:
                self._try("a name that was imported before", searches.run)

    def _install(self, name: str, library: ModuleType) -> None:
        self._installed.pop(name, None)
        replaced = self._bindings.pop(name, None)
        if replaced is not None:
            self._try(name, replaced.enter, None)  # restores the user's own value of a setting
            self._try(name, replaced.uninstall)
        self._troubles.pop(name, None)
        if self._try(name, self._make, name) and self._try(name, self._bindings[name].install, library):
            self._installed[name] = library

    def _make(self, name: str) -> None:
        self._bindings[name] = self._makers[name](self._kernel)

    def _try(self, name: str, step: Callable[..., object], *arguments: Any) -> bool:
        """Run one step for one library; return True if it succeeded.

        A library of an unexpected shape must not stop a switch, nor the import of that library. `holders` names it.
        PanicException, which pyo3 raises in polars and other Rust libraries, is no `Exception`.
        """
        try:
            step(*arguments)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - `holders` reports it
            self._troubles.setdefault(name, reason(error))  # later errors follow from the first one
            return False
        return True


def _is_being_imported(library: ModuleType) -> bool:
    return bool(getattr(library.__spec__, "_initializing", False))


def _collects_quickly() -> bool:
    return sys.getallocatedblocks() <= _QUICK_TO_COLLECT
