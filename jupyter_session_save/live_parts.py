"""What is alive in the namespace and not stored by value, put back into what is loaded.

A generator or a running process can be had once only, and a connection made anew lacks its open transaction. A load in
the kernel that has them makes the rest of a value anew, and puts what is alive where it stood.

Invariant: no code of the user's runs to find an object or to put it, since only exact lists, tuples and dicts, these
with plain keys, and instances' own dictionaries are looked into; what is put goes through the journal of the load.
"""

from __future__ import annotations

import functools
import gc
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .live_paths import MISSING, PLAIN_KEYS, Keys, Step, follow, inside, is_container, own_dict, steps_of
from .lives import at_path, known
from .namespace import Journal
from .pickling import Placeholder, Scope, dumps
from .pickling.culprit import LIMIT, PathFinder
from .pickling.scope import type_name
from .snapshot import Component, Snapshot, State, Variable

_LEAVES = PLAIN_KEYS | frozenset(map(id, (complex, bytearray, types.ModuleType, types.CodeType)))
_VALUES = (BaseException, types.TracebackType, memoryview, type, types.FunctionType, functools._lru_cache_wrapper)
_VALUES_BY_NAME = frozenset({"numpy.memmap", "sqlalchemy.orm.session.Session"})
"""Reported as made again, too, but others that are loaded may share memory or objects with them."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A live object, and where in which variable it stands."""

    name: str
    steps: tuple[Step, ...]
    live: Any
    holds: bool = False
    """Whether it holds another one in a way that no path tells, as a cursor does its connection."""


class LiveParts:
    """The live objects in the variables that a load is going to make anew.

    Parameters
    ----------
    namespace : mapping of str to object
        As it is before the load.
    held : Snapshot or None
        What it is equal to. Where that is not known, nothing counts as alive.
    wanted : Snapshot
        What is loaded.
    names : collection of str
        The variables that the load binds, each under its own name.
    """

    def __init__(
        self, namespace: Mapping[str, Any], held: Snapshot | None, wanted: Snapshot, names: Collection[str]
    ) -> None:
        self._components = [dict.fromkeys(c.names).keys() for c in wanted.components]
        self._parts: list[_Part] = []
        # By variable: the paths at which something is alive, or may be.
        self._places: dict[str, set[str]] = {}
        # What was loaded, and what is alive and stands for it, by the id of the former; and what is there anew instead.
        self._instead: dict[int, tuple[Any, Any]] = {}
        self._lives: list[Any] = []
        self._anew: list[Any] = []
        self._keys = Keys()
        if held is not None:
            there = {id(live): live for live in self._at_paths(namespace, held)}
            where = {name: c for c in wanted.components for name in c.names}
            before = {v.name: {(p.path, p.type) for p in v.problems} for v in held.variables}
            bound = set(names) & namespace.keys()
            for v in wanted.variables:
                if v.name in bound and v.state != "saved":
                    self._look(v, where[v.name], there, namespace[v.name], before.get(v.name, set()))
        # Kept, since the names are bound anew when they are looked into.
        self._before = {n: namespace[n] for n in names if n in namespace} if self._parts else {}

    def _at_paths(self, namespace: Mapping[str, Any], held: Snapshot) -> Iterator[Any]:
        """Yield what is alive at the paths that a record names."""
        for variable in held.variables:
            if variable.problems and variable.name in namespace:
                value = namespace[variable.name]
                found = (at_path(value, p.path, variable.name, p.type, self._keys) for p in variable.problems)
                yield from (live for live in found if live is not MISSING)

    def _look(
        self,
        variable: Variable,
        component: Component,
        there: Mapping[int, Any],
        value: Any,
        before: Collection[tuple[str, str]],
    ) -> None:
        for problem in variable.problems:
            live, steps = known(component, problem.path, there), steps_of(problem.path, variable.name)
            if live is MISSING and steps == () and id(value) in there:
                live = value  # The one that it stood for has gone; another is there now, and would go, too.
            if live is not MISSING and steps is not None:
                self._parts.append(_Part(variable.name, steps, live))
            now = MISSING if steps is None else follow(value, steps, self._keys)
            if type(now) is not Placeholder and (problem.path, problem.type) in before:
                self._places.setdefault(variable.name, set()).add(problem.path)

    def _holders(self) -> list[_Part]:
        """Return what holds the live objects that are found by now where no path leads to them."""
        lives = set(map(id, self._lives))
        found: list[_Part] = []
        for name in self._together({part.name for part in self._parts}, self._before):
            inner = ((way, item) for way, _, _, item in _walk(self._before[name], lives))
            held = [(way, item) for way, item in ((None, self._before[name]), *inner) if _holds(item, lives)]
            found += [_Part(name, _steps(way), item, holds=True) for way, item in held]
        return found

    def _together(self, names: Collection[str], values: Mapping[str, Any]) -> list[str]:
        """Return which of the values stand in one component with some names."""
        return [n for c in self._components if not c.isdisjoint(names) for n in c if n in values]

    def __bool__(self) -> bool:
        """Whether anything may be put back."""
        return bool(self._parts)

    def put_back(
        self, values: dict[str, Any], publish: Callable[[str, Any], None], journal: Journal, scope: Scope
    ) -> list[Any]:
        """Put what is alive in the place of what was loaded for it.

        Parameters
        ----------
        values : dict of str to object
            What was loaded.
        publish : callable
            ``publish(name, value)`` binds a variable.
        journal : Journal
        scope : Scope
            What was made again, such as a connection, gives way only if the live one is pickled in the same way.

        Returns
        -------
        list of object
            What has given way, except placeholders.
        """
        put = self._give_way(self._parts, values, scope)
        if any(type(made) is not Placeholder for made, _ in self._instead.values()):
            put += self._give_way(self._holders(), values, scope)
        for part in put:
            container: Any = values
            key: Any = part.name
            if part.steps:
                *outer, last = part.steps
                container, key = inside(follow(values[part.name], outer, self._keys), last), last[1]
            # A path may lead through what has been put back, and so has all in it.
            if self._may_be_put_into(container) and container[key] is not part.live:
                journal.put(container, key, part.live)
        concerned = self._together({part.name for part in put}, values)
        self._put_elsewhere(values, concerned, journal)
        for name in concerned:
            publish(name, values[name])
        return [made for made, _ in self._instead.values() if type(made) is not Placeholder]

    def _give_way(self, parts: Iterable[_Part], values: Mapping[str, Any], scope: Scope) -> list[_Part]:
        """Note what was loaded in the place of live objects, and return those that stand for it."""
        found = []
        # Variables first: what is bound to the name of an object stands for it wherever else it was.
        for part in sorted(parts, key=lambda part: len(part.steps)):
            made = follow(values[part.name], part.steps, self._keys) if part.name in values else MISSING
            if made is MISSING or made is part.live:
                continue
            if part.holds and self._instead.keys().isdisjoint(map(id, gc.get_referents(made))):
                continue
            same = type(made) is Placeholder or _is_made_alike(part, made, scope)
            if same:
                self._instead.setdefault(id(made), (made, part.live))
                self._lives.append(part.live)
                found.append(part)
            elif same is not None and not part.holds:
                self._anew.append(made)
        return found

    def _put_elsewhere(self, values: dict[str, Any], names: Iterable[str], journal: Journal) -> None:
        """Put it wherever else the same object was, in what was loaded together."""
        for name in names:
            if id(values[name]) in self._instead:
                journal.put(values, name, self._instead[id(values[name])][1])
        lives = set(map(id, self._lives))
        for name in names:
            for _, container, key, item in _walk(values[name], lives):
                if id(item) in self._instead and self._may_be_put_into(container):
                    journal.put(container, key, self._instead[id(item)][1])

    def _may_be_put_into(self, container: Any) -> bool:
        return type(container) is list or self._keys.are_plain(container)

    def told(self, variable: Variable, value: Any, stand_ins: Iterable[Placeholder]) -> tuple[Variable, bool]:
        """Say how a variable has ended.

        Parameters
        ----------
        variable : Variable
            As it would be without what was put back.
        value : object
        stand_ins : iterable of Placeholder
            All that were loaded.

        Returns
        -------
        Variable
        bool
            Whether something that was alive in it is so no more.
        """
        places = self._places.get(variable.name, set())
        if not variable.problems or not (places or self._instead):
            return variable, False
        finder = PathFinder({variable.name: value})
        alive, broken = (set(map(finder.known, those)) for those in (self._lives, stand_ins))
        anew = set(map(finder.known, (*self._anew, *(made for made, _ in self._instead.values()))))
        gone = (broken | anew) - {None}
        left = tuple(p for p in variable.problems if p.path not in alive)
        # Where in a set an object stands is another place each time.
        unknown = places & {p.path for p in left if steps_of(p.path, variable.name) is None}
        lost = bool(gone) and bool(unknown or places & gone)
        if len(left) == len(variable.problems):
            return variable, lost
        state: State = "placeholder" if broken - {None} else "reconnected" if gone else "saved"
        return replace(variable, state=state, problems=left), lost


def is_whole(variable: Variable, namespace: Mapping[str, Any]) -> bool:
    """Whether all is alive in the namespace that a variable's record says could not be kept."""
    if variable.name not in namespace or not variable.problems:
        return False
    keys = Keys()
    for problem in variable.problems:
        steps = steps_of(problem.path, variable.name)
        found = MISSING if steps is None else follow(namespace[variable.name], steps, keys)
        if found is MISSING or type(found) is Placeholder:
            return False
    return True


_Link: TypeAlias = "tuple[_Link, Step] | None"


def _walk(root: Any, apart: Collection[int]) -> Iterator[tuple[_Link, Any, Any, Any]]:
    """Yield what stands in a value: the way to it, its container, its key there, and itself."""
    seen = set(apart)
    todo: list[tuple[_Link, Any]] = [(None, root)]
    while todo and len(seen) < LIMIT:
        way, value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        attribute = not is_container(value)
        container = own_dict(value) if attribute else value
        if container is None:
            continue
        for key, item in list(container.items() if type(container) is dict else enumerate(container)):
            if id(type(item)) not in _LEAVES:
                yield (way, (attribute, key)), container, key, item
                todo.append(((way, (attribute, key)), item))


def _steps(way: _Link) -> tuple[Step, ...]:
    steps = []
    while way is not None:
        way, step = way
        steps.append(step)
    return tuple(reversed(steps))


def _holds(value: Any, lives: Collection[int]) -> bool:
    """Whether a value holds one of some objects where no path leads."""
    if id(value) in lives or id(type(value)) in _LEAVES or is_container(value) or own_dict(value) is not None:
        return False
    return any(id(held) in lives for held in gc.get_referents(value))


def _is_made_alike(part: _Part, made: Any, scope: Scope) -> bool | None:
    """Whether the live object would be made again by the same recipe; None if it is stored by value."""
    kind = type(part.live)
    if kind is not type(made) or issubclass(kind, _VALUES):
        return False
    if _VALUES_BY_NAME.intersection(map(type_name, kind.__mro__)):
        return False
    payloads = [dumps({"it": obj}, scope) for obj in (part.live, made)]
    try:
        if not part.holds and not any(p.path == "it" for p in payloads[0].reconnected):
            return None
        one, other = ([b"".join(p.chunks), *(b.raw() for b in p.buffers)] for p in payloads)
        return one == other and not any(p.problems for p in payloads)
    finally:
        for payload in payloads:
            payload.release()
