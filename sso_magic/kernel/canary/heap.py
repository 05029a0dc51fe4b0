"""Objects of this process that hold an access key ID, and what keeps each of them alive.

First every object that the garbage collector tracks is asked for the strings it refers to. Then the referrers of those
that hold a mark are looked for, one pass over all objects for each step, until a module's variable is reached, or an
object that has more references than those seen: something outside the collector, such as running code, holds it. What
is reached by neither is garbage.

`gc.get_referrers` would hold the interpreter's lock for the whole of a pass (0.2 s in a kernel of 2 million objects);
passes in slices of `gc.get_referents` hold it for less than a millisecond at a time.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import TYPE_CHECKING, Any

from sso_magic.kernel.canary import owners
from sso_magic.kernel.canary.findings import HELD, Finding
from sso_magic.kernel.canary.owners import Kind, Owner
from sso_magic.kernel.canary.text import TextSearch
from sso_magic.kernel.tracked import tracked_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sso_magic.kernel.canary.text import Marks

_STEP = 1000  # objects between two pauses
_MOST_STEPS_UP = 12  # from an access key ID to what keeps it
_MOST_NODES = 5000
_MOST_REFERRERS = 200  # of one object; credentials have few, a class has its instances


class _Node:
    """An object in a chain of referrers.

    Attributes:
        thing: The object.
        kind: What it is in a chain.
        labels: The roles whose access key IDs it holds itself.
        parents: The nodes above: what refers to it.
        references: How many references to it were seen.
        anchors: What is known to keep it alive, as owners.
        reached: The anchors of all nodes above it and its own; empty for garbage.
        variables: The variables and running code that hold it, directly or in plain containers.
        names: What it is called.
    """

    __slots__ = ("anchors", "kind", "labels", "names", "parents", "reached", "references", "thing", "variables")

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self.kind = owners.kind(thing)
        self.labels: set[str] = set()
        self.parents: list[_Node] = []
        self.references = 0
        self.anchors: set[Owner] = set()
        self.reached: set[Owner] = set()
        self.variables: set[Owner] = set()
        self.names: set[Owner] = set()


def find(marks: Marks, pause: Callable[[], None]) -> list[Finding]:
    """Return what holds a mark and is alive.

    Args:
        marks: The texts to look for, with the label of each one's role.
        pause: Called every millisecond or so; an error that it raises ends the search.
    """
    objects = tracked_objects(pause)
    try:
        return _Search(objects, marks, pause).run()
    finally:
        objects.clear()  # a frame among them may refer to the list


class _Search:
    def __init__(self, objects: list[Any], marks: Marks, pause: Callable[[], None]) -> None:
        self._objects = objects
        self._text = TextSearch(marks)
        self._pause = pause
        self._nodes: dict[int, _Node] = {}
        modules = [module for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)]
        self._modules = {id(vars(module)): str(vars(module).get("__name__", "")) for module in modules}
        self._unseen = _unseen_references()

    def run(self) -> list[Finding]:
        frontier = self._holders()
        leaves = list(self._nodes.values())
        for _ in range(_MOST_STEPS_UP):
            if not frontier or len(self._nodes) > _MOST_NODES:
                break
            frontier = self._referrers(frontier)
        _name(list(self._nodes.values()))
        found: dict[tuple[str, object], Finding] = {}
        for leaf in leaves:
            for label in leaf.labels:
                for owner in leaf.names:
                    found[label, owner.number] = Finding(label, owner.noun, owner.name)
        return list(found.values())

    # ---- the first pass ----

    def _holders(self) -> list[_Node]:
        """Find the objects that hold a mark themselves."""
        frontier = []
        for things in self._slices():
            if self._text.is_in_any(things, gc.get_referents(*things)):
                for thing in things:
                    labels = self._text.labels(thing)
                    if labels:
                        frontier += self._add(thing, None, labels)
        return frontier

    # ---- the way up ----

    def _referrers(self, wanted: list[_Node]) -> list[_Node]:
        """Find the referrers of these nodes; returns those whose own referrers are of interest."""
        frontier = self._pass({id(node.thing): node for node in wanted})
        for node in wanted:
            if self._is_held_elsewhere(node):
                node.anchors.add(Owner(HELD, type(node.thing).__name__, id(node.thing), Kind.TRANSPARENT))
        return [node for node in frontier if not self._is_settled(node)]

    def _pass(self, wanted: dict[int, _Node]) -> list[_Node]:
        """Count the references to the wanted nodes, and add what has them; returns what is new.

        A function of its own: none of its variables refers to an object any more when references are counted.
        """
        frontier = []
        for things in self._slices():
            if wanted.keys().isdisjoint(map(id, gc.get_referents(*things))):
                continue
            for thing in things:
                for referent in gc.get_referents(thing):
                    node = wanted.get(id(referent))
                    if node is not None and node.thing is referent:
                        node.references += 1
                        frontier += self._add(thing, node, set())
        return frontier

    def _add(self, thing: Any, child: _Node | None, labels: set[str]) -> list[_Node]:
        """Add an object above a node, or with marks of its own; returns the new nodes."""
        if isinstance(thing, types.ModuleType):
            thing = vars(thing)  # not tracked, and so not among the objects, where a module has nothing but strings
        module = self._modules.get(id(thing))
        if module is not None:
            self._anchor(thing, module, child)
            return []
        known = self._nodes.get(id(thing))
        node = known or _Node(thing)
        if node.kind is Kind.EXCLUDED or (child is not None and not _may_hold(thing, child)):
            return []
        self._nodes[id(thing)] = node
        node.labels |= labels
        if child is None:
            node.anchors |= _only(owners.context_variable(thing, lambda value: bool(self._text.labels(value))))
        elif child is not node and len(child.parents) < _MOST_REFERRERS:
            child.parents.append(node)
            child.anchors |= _only(owners.context_variable(thing, lambda value: value is child.thing))
        return [node] if known is None else []

    def _anchor(self, namespace: dict[str, Any], module: str, child: _Node | None) -> None:
        """Note the variables of a module that hold the node; without a node, those that hold a mark."""
        if owners.is_own_module(module):
            return
        for name, value in list(namespace.items()):
            if owners.is_history(name):
                continue
            if child is None:
                self._anchor_text(value, owners.variable(module, name))
            elif value is child.thing:
                child.anchors.add(owners.variable(module, name))

    def _anchor_text(self, value: Any, variable: Owner) -> None:
        """Note a module's variable whose value is, or holds in an untracked container, a mark."""
        if gc.is_tracked(value):
            return  # an object of its own
        labels = self._text.labels(value)
        if labels:
            node = self._nodes[-len(self._nodes) - 1] = _Node(())  # no object has a negative identity
            node.labels, node.anchors = labels, {variable}

    def _is_settled(self, node: _Node) -> bool:
        """Return True if what holds the node is known well enough: no more of its referrers are of interest."""
        if node.kind is Kind.DEFINED:
            return bool(node.anchors)
        return node.kind is Kind.INSTANCE and any(owner.kind is Kind.TRANSPARENT for owner in node.anchors)

    def _is_held_elsewhere(self, node: _Node) -> bool:
        """Return True if something that the collector does not track, such as running code, refers to the node.

        That is no reason to name an object of this package: the code may be this package's, such as the renewal.
        """
        if type(node.thing) is types.FrameType or owners.is_own(node.thing):
            return False
        return _references(node) - self._unseen > node.references

    def _slices(self) -> Iterator[list[Any]]:
        for start in range(0, len(self._objects), _STEP):
            self._pause()
            yield self._objects[start : start + _STEP]


def _name(nodes: list[_Node]) -> None:
    """Give each node the names of what keeps it, from the top down."""
    _settle(nodes, lambda node: node.anchors.union(*(parent.reached for parent in node.parents)), "reached")
    _settle(nodes, _variables, "variables")
    _settle(nodes, _names, "names")


def _settle(nodes: list[_Node], rule: Callable[[_Node], set[Owner]], attribute: str) -> None:
    """Apply a rule to every node, until nothing changes: nodes may hold one another."""
    changed = True
    while changed:
        changed = False
        for node in nodes:
            result = rule(node)
            if len(result) != len(getattr(node, attribute)):
                setattr(node, attribute, result)
                changed = True


def _variables(node: _Node) -> set[Owner]:
    """Return the variables and running code that hold the node, directly or in plain containers."""
    own = {owner for owner in node.anchors if owner.kind is Kind.TRANSPARENT}
    return own.union(*(parent.variables for parent in node.parents if parent.kind is Kind.TRANSPARENT))


def _names(node: _Node) -> set[Owner]:
    """Return what the node is known by, to itself and to those below it."""
    variables = {owner for owner in node.anchors if owner.kind is Kind.DEFINED}
    if variables:
        return variables  # of a context, which running code holds
    above = node.anchors.union(*(parent.names for parent in node.parents))
    if node.kind is Kind.TRANSPARENT or not node.reached:
        return above
    if node.kind is Kind.DEFINED:
        return {owners.owner(node.thing)}
    if not node.variables:
        return above
    variable = min((owner.name for owner in node.variables if owner.noun != HELD), default="")
    others = {owner for owner in above if owner.kind is not Kind.TRANSPARENT}
    if node.kind is Kind.INSTANCE:
        others = {owner for owner in others if owner.kind is Kind.DEFINED}
    return {owners.owner(node.thing).at(variable), *others}


def _only(owner: Owner | None) -> set[Owner]:
    return set() if owner is None else {owner}


def _may_hold(thing: Any, child: _Node) -> bool:
    """Return False where a referrer keeps what it refers to only as a record of what has run."""
    if type(child.thing) is types.FrameType:
        return isinstance(thing, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType))
    return True


def _references(node: _Node) -> int:
    return sys.getrefcount(node.thing)


def _unseen_references() -> int:
    """Return how many references the search itself has to each object that it looks at."""
    objects: list[Any] = [[]]
    node = _Node(objects[0])
    nodes: Iterable[_Node] = {id(node.thing): node}.values()
    return min(map(_references, nodes))
