"""Split a namespace into groups of variables that share mutable objects, and pickle each group once.

The objects that a pickle reached are exactly those in the pickler's memo, so two variables belong together if their
memos have a mutable object in common. (Z. Li et al., "ElasticNotebook", VLDB 2024, calls such groups co-variables.)

Invariant: every name is in exactly one group; groups do not depend on the order of the names.
"""

from __future__ import annotations

import cmath
import sys
import types
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blake3 import blake3

from .digests import digest_of
from .pickling import Payload, Scope, dumps, huge_in
from .pickling.culprit import root_path
from .pickling.memos import Meeting
from .pickling.scope import importable_path, made_by_hand, module_of, own_name
from .sharing import address_of
from .snapshot import Component, Part, Problem, by_variable

_PLAIN = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes)))
_DEFINED = frozenset(map(id, (types.FunctionType, types.BuiltinFunctionType, type)))
_PLAIN_LENGTH = 4096
_PER_GROUP = 256


@dataclass(slots=True)
class Pickled:
    """A group of variables and its pickle.

    Attributes
    ----------
    names : tuple of str
    payload : Payload
    alone : mapping of str to Alone
        Each variable of several that share something, as it pickles by itself.
    """

    names: tuple[str, ...]
    payload: Payload
    alone: Mapping[str, Alone] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alone:
    """How one variable of a group pickles by itself.

    Attributes
    ----------
    stream : str
        Digest of the stream.
    buffers : tuple of (int or str)
        For each buffer its index among those of the group, or its digest if the group has no such buffer.
    """

    stream: str
    buffers: tuple[int | str, ...]

    def digest(self, parts: Sequence[Part]) -> str:
        """Return a digest of the value, given how the buffers of the group are stored."""
        return _whole([self.stream, *(parts[b].digest if isinstance(b, int) else b for b in self.buffers)])


def split(
    values: Mapping[str, Any],
    scope: Scope,
    *,
    tick: Callable[[str], None],
    meet: Callable[[Payload], None] = lambda payload: None,
) -> Iterator[Pickled]:
    """Pickle variables in groups that share mutable objects.

    Parameters
    ----------
    values : mapping of str to object
    scope : Scope
    tick : callable
        Is told each name before it is pickled, and may raise to interrupt.
    meet : callable
        Is given what may share something with others as soon as it is pickled, long before its group is yielded.

    Yields
    ------
    Pickled
        Its payload aliases live arrays until it is released.
    """
    single, groups = _without_links(values)
    for names in groups:
        tick(names[0])
        payload = dumps({name: values[name] for name in names}, scope)
        yield Pickled(names, payload)
        payload.release()
    pickled: dict[str, Payload] = {}
    try:
        yield from _linked(values, single, scope, pickled, tick, meet)
    finally:
        for payload in pickled.values():
            payload.release()


def _linked(
    values: Mapping[str, Any],
    names: Sequence[str],
    scope: Scope,
    pickled: dict[str, Payload],
    tick: Callable[[str], None],
    meet: Callable[[Payload], None],
) -> Iterator[Pickled]:
    union, meeting = _Union(), Meeting()
    # What is pickled in chunks comes after the others, whose memos are holders that it counts.
    for name in sorted(names, key=lambda name: bool(huge_in(values[name], scope))):
        tick(name)
        pickled[name] = dumps({name: values[name]}, scope)
        meet(pickled[name])
    # The largest last: what is in it need not be noted for others any more.
    ordered = sorted(names, key=lambda name: sum(map(len, pickled[name].chunks)))
    for position, name in enumerate(ordered, 1):
        for other in pickled[name].enter(meeting, name, position == len(ordered)):
            union.join(name, other)
    del meeting
    for payload in pickled.values():
        payload.part()
    for group in union.groups(names):
        alone: dict[str, Alone] = {}
        if len(group) > 1:
            tick(group[0])
            together = dumps({name: values[name] for name in group}, scope)
            _report_for_each(together, [pickled[name] for name in group])
            places = {address_of(b.raw()): i for i, b in enumerate(together.buffers)}
            alone = {name: _alone(pickled[name], together, places) for name in group}
            for name in group:
                pickled.pop(name).release()
            pickled[group[0]] = together
        yield Pickled(tuple(group), pickled[group[0]], alone)
        pickled.pop(group[0]).release()


def _alone(payload: Payload, together: Payload, places: Mapping[int | None, int]) -> Alone:
    found: list[int | str] = []
    for view in (buffer.raw() for buffer in payload.buffers):
        at = address_of(view)
        index = None if at is None else places.get(at)
        same = index is not None and together.buffers[index].raw().nbytes == view.nbytes
        found.append(index if same and index is not None else digest_of([view]))
    return Alone(digest_of(payload.chunks), tuple(found))


def _report_for_each(together: Payload, apart: Sequence[Payload]) -> None:
    """Report what a group could not keep for every variable that holds it, as the pickles of each by itself found."""
    together.problems = _for_each(together.problems, [p for one in apart for p in one.problems])
    together.reconnected = _for_each(together.reconnected, [p for one in apart for p in one.reconnected])


def _for_each(together: list[Problem], apart: list[Problem]) -> list[Problem]:
    held = by_variable(apart)
    # What came up only now, as things change while they are saved; a path that is no more than a name is a guess.
    new = [
        problem
        for name, problems in by_variable(together).items()
        if name not in held
        for problem in problems
        if not held or problem.path != root_path(name)
    ]
    return list(dict.fromkeys([*apart, *new]))


def _without_links(values: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Gather what can share nothing: plain values by the hash of their names, imports by module."""
    single: list[str] = []
    plain: list[str] = []
    imported: dict[str, list[str]] = defaultdict(list)
    for name, value in values.items():
        kind = type(value)
        if is_plain(value):
            plain.append(name)
        elif _is_imported(value):
            root = own_name(value) if kind is types.ModuleType else module_of(value)
            imported[root.partition(".")[0]].append(name)
        else:
            single.append(name)
    # A power of two of groups, so that most names stay in theirs when others come and go.
    count = 1 << max(0, (len(plain) // _PER_GROUP).bit_length())
    buckets: dict[int, list[str]] = defaultdict(list)
    for name in plain:
        buckets[zlib.crc32(name.encode("utf-8", "surrogatepass")) % count].append(name)
    gathered = [*buckets.values(), *imported.values()]
    return single, [tuple(sorted(names)) for names in gathered]


def digests(group: Pickled, values: Mapping[str, Any], component: Component) -> dict[str, str]:
    """Return a digest for each variable of a stored component: of all that can be reached from it, and no more.

    Parameters
    ----------
    group : Pickled
    values : mapping of str to object
    component : Component
        Where the variables are stored.
    """
    found = {name: own_digest(values[name]) for name in group.names}
    if all(found.values()):
        return found
    whole = _whole([p.digest for p in (component.stream, *component.buffers)])
    apart = {name: alone.digest(component.buffers) for name, alone in group.alone.items()}
    return {name: own or apart.get(name, whole) for name, own in found.items()}


def digest_alone(payload: Payload, digest: Callable[[memoryview], str]) -> str:
    """Return the digest that a variable has in a snapshot, given its pickle by itself and how to name its buffers."""
    return _whole([digest_of(payload.chunks), *(digest(buffer.raw()) for buffer in payload.buffers)])


def _whole(digests: Sequence[str]) -> str:
    return blake3("".join(digests).encode()).hexdigest()[:32]


def own_digest(value: Any) -> str:
    """Return a digest of a value that can share nothing, ``""`` for any other."""
    kind = type(value)
    if is_plain(value):
        # In hexadecimal: the interpreter refuses to write very long integers in decimal.
        text = f"{kind.__name__}:{hex(value) if kind is int else repr(value)}"
    elif _is_imported(value):
        text = f"{module_of(value)}:{getattr(value, '__qualname__', '')}:{own_name(value)}"
    else:
        return ""
    return blake3(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a short text or the like, which is pickled together with others of its kind."""
    kind = type(value)
    if id(kind) not in _PLAIN or ((kind is float or kind is complex) and cmath.isnan(value)):
        return False  # Which NaN it is may matter.
    return (kind is not str and kind is not bytes) or len(value) < _PLAIN_LENGTH


def _is_imported(value: Any) -> bool:
    if type(value) is types.ModuleType:
        return sys.modules.get(own_name(value)) is value and not made_by_hand(value)
    return id(type(value)) in _DEFINED and importable_path(value) is not None


class _Union:
    """Disjoint sets of names."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def _find(self, name: str) -> str:
        while self._parent.get(name, name) != name:
            self._parent[name] = self._parent.get(self._parent[name], self._parent[name])
            name = self._parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        self._parent[self._find(one)] = self._find(other)

    def groups(self, names: Sequence[str]) -> list[list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in names:
            found[self._find(name)].append(name)
        return list(found.values())
