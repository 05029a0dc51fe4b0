"""No module imports itself by way of others; imports for type checking count."""

from __future__ import annotations

import grimp


def circles() -> list[list[str]]:
    """Return the sets of modules that can all be reached from each other by imports."""
    graph = grimp.build_graph("sso_magic", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return strongly_connected(imports)


def strongly_connected(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the circles of a graph: modules of which each reaches each other one."""
    reached = {module: reach(module, imports) for module in imports}
    found = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in imports
        if module in reached[module]
    }
    return sorted(sorted(circle) for circle in found)


def reach(module: str, imports: dict[str, set[str]]) -> set[str]:
    """Return what a module imports, directly or not; itself only if it is in a circle."""
    found: set[str] = set()
    left = list(imports[module])
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += imports[one]
    return found


def test_no_import_runs_in_a_circle():
    assert circles() == []


def test_a_circle_is_found():
    assert strongly_connected({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert strongly_connected({"a": {"b"}, "b": {"c"}, "c": set()}) == []
