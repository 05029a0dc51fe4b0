"""A class or function under all the names that it has been imported to."""

from __future__ import annotations

from typing import Any

from sso_magic.kernel.tracked import referrers


def rename(old: Any, new: Any, but_for: str = "\0") -> None:
    """Put the new object under each name that the old one has in a module or a notebook.

    Args:
        old: What has the names now.
        new: What gets them.
        but_for: Modules whose name begins with this keep the old one.
    """
    for namespace in referrers(old):
        if isinstance(namespace, dict) and _is_of_module(namespace, but_for):
            for name in [name for name, value in namespace.items() if value is old]:
                namespace[name] = new


def _is_of_module(namespace: dict[Any, Any], but_for: str) -> bool:
    name = namespace.get("__name__")
    return isinstance(name, str) and "__builtins__" in namespace and not name.startswith((but_for, "sso_magic.lib"))
