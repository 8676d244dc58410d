"""Unpickle the components of a snapshot into one view of the namespace.

A component that fails is unpickled again under guard, where each step that runs user code may fail by itself and
leaves a placeholder.

Invariant: definitions are registered as soon as their skeletons exist, references resolve within this load, and
the caller learns of every value through `publish` before any code that needs it can run.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Protocol

from ..interrupts import stopping
from ..snapshot import Problem
from . import joining, rebuild
from .abandoned import Young, retain
from .guarded import GuardedUnpickler
from .hashes import Rehashed
from .placeholder import Placeholder
from .references import referable
from .scope import standard_live

_MAKERS = {name: getattr(rebuild, f"make_{name.rstrip('_')}") for name in rebuild.CONTEXTUAL[2:]}

_COPIED = 64 << 10
"""Shorter streams are copied: that takes less time than the calls that spare the copy."""


class Stored(Protocol):
    """One stored component, as a load needs it."""

    @property
    def names(self) -> Sequence[str]:
        """The variables in it."""

    @property
    def defines(self) -> bool:
        """Whether it holds definitions of the namespace."""

    def stream(self) -> memoryview:
        """Return the verified pickle stream."""

    def buffers(self) -> Iterable[memoryview]:
        """Return the out-of-band buffers, writable and private."""


class _Unpickler(pickle.Unpickler):
    """The C unpickler, with the session's own functions bound to the load."""

    restoring: Restoring

    def find_class(self, module: str, name: str) -> Any:
        """Import a global, or bind one of ours to the load."""
        restoring = self.restoring
        found = restoring.imported.get((module, name), restoring)
        if found is restoring:
            found = restoring.find(module, name)
            if found is None:
                found = referable(super().find_class(module, name), module, name)
                restoring.imported[module, name] = found
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Resolve a kernel object."""
        return self.restoring.resolve_live(pid)


class _Reader:
    """What an unpickler reads from: a view of the stream, not a copy."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size < 0 else self._at + size
        out = bytes(self._data[self._at : end])
        self._at += len(out)
        return out

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        part = self._data[self._at : self._at + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def readline(self) -> bytes:
        end = bytes(self._data[self._at : self._at + 4096]).find(b"\n")
        return self.read(end + 1 if end >= 0 else 4096)


class Restoring:
    """One load of components into a namespace.

    Parameters
    ----------
    namespace : dict
        Becomes the globals of the restored functions.
    components : sequence of Stored
    live : mapping of str to object
        The new kernel's objects by tag.
    publish : callable
        ``publish(name, value)`` is told each value, and each definition's skeleton, as soon as it exists.
    explain : callable
        ``explain(error)`` returns (reason, advice) for an exception met while loading.
    guarded : collection of int
        Positions of components to unpickle under guard.
    types : mapping of str to str
        Types that the save noted, by path; better names for what a placeholder stands for.
    there : mapping of str to object
        Variables that are there already and stay, and that the components refer to.
    young : Young, optional
        Tells what was made since the load began.

    Attributes
    ----------
    values : dict
        The restored variables.
    failures : dict of int to BaseException
        What went wrong, by position of the component.
    problems : list of Problem
        Placeholders made under guard.
    stand_ins : list of Placeholder
        All placeholders that were met or made.
    lost : set of str
        Variables with placeholders that do not know how to make what they stand for.
    imported : dict of (str, str) to object
        Globals of libraries that streams have asked for, by module and name.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        components: Sequence[Stored],
        *,
        live: Mapping[str, Any],
        publish: Callable[[str, Any], None],
        explain: Callable[[BaseException], tuple[str, str]],
        guarded: frozenset[int] = frozenset(),
        types: Mapping[str, str] = MappingProxyType({}),
        there: Mapping[str, Any] = MappingProxyType({}),
        young: Young | None = None,
    ) -> None:
        self.namespace = namespace
        self.values: dict[str, Any] = {}
        self.failures: dict[int, BaseException] = {}
        self.problems: list[Problem] = []
        self.stand_ins: list[Placeholder] = []
        self.lost: set[str] = set()
        self.explain = explain
        self.types = types
        self.imported: dict[tuple[str, str], Any] = {}
        self._components = components
        self._live = {**standard_live(namespace), **live}
        self._live.setdefault("main", namespace)
        self._publish = publish
        self._guarded = guarded
        self._where = {name: i for i, one in enumerate(components) for name in one.names}
        self._there = there
        self._skeletons: dict[str, Any] = {}
        self._attempts: dict[int, int] = {}
        self._finished: set[int] = set()
        self._wrecks: list[Any] = []
        self._reading: list[tuple[Any, Iterator[memoryview]]] = []
        self._young = young

    @property
    def has_begun_again(self) -> bool:
        """Whether a component was unpickled more than once, and may have left what was made in vain."""
        return any(attempts > 1 for attempts in self._attempts.values())

    def load(self, position: int) -> None:
        """Unpickle one component unless that has been done; failures are kept, not raised."""
        if position not in self._attempts:
            self._attempt(position)

    def _attempt(self, position: int) -> None:
        self._attempts[position] = self._attempts.get(position, 0) + 1
        component = self._components[position]
        try:
            values = self._unpickle(position, component)
        except stopping():
            raise
        except rebuild.Superseded:
            return
        except BaseException as error:
            if position not in self._finished:
                self.failures[position] = error
            return
        if position in self._finished:
            self._wrecks.append(values)
            return  # A cycle came back here and finished first; what others refer to is its result.
        self._finished.add(position)
        self.failures.pop(position, None)
        self.values.update(values)
        for name, value in values.items():
            self._publish(name, value)

    def discard(self, obj: Any) -> None:
        """Take note of an object that is left out of what is loaded, though it exists."""
        self._wrecks.append(obj)

    def settle(self) -> None:
        """Let what was begun and is in no value come to no end that runs code."""
        if self._wrecks:
            self._retain([*self._wrecks], self.values)
            self._wrecks.clear()

    def abandon(self) -> None:
        """Let nothing that was made come to an end that runs code: the load is given up."""
        self._retain([*self._wrecks, self.values, self._skeletons], {})
        self._wrecks.clear()

    def forget(self) -> None:
        """Let go of what was there before: the load is over."""
        if self._young is not None:
            self._young.forget()

    def _retain(self, given_up: list[Any], living: Mapping[str, Any]) -> None:
        if self._young is not None and not self._young.may_end_with_code({module for module, _ in self.imported}):
            return
        self.forget()  # What was there before is no part of what is given up, though we lead to it.
        lost = [part for one in given_up for part in (one.memo.copy().values() if _is_unpickler(one) else (one,))]
        apart = {id(self.namespace), *map(id, self._live.values())}
        retain(lost, [*living.values(), *self._there.values()], apart)

    def retry(self, position: int) -> None:
        """Unpickle a component that failed once more, under guard."""
        self.failures.pop(position, None)
        self._attempts.pop(position, None)
        self._guarded |= {position}
        for name in self._components[position].names:
            self._skeletons.pop(name, None)
        self.load(position)

    def resolve(self, name: str) -> Any:
        """Return the session's value of a name, loading its component first if need be."""
        known = self._known(name)
        if known is not None:
            return known
        position = self._where.get(name)
        if position is None:
            raise LookupError(f"the snapshot refers to {name}, which is not in it")
        self.load(position)
        if self._known(name) is None and position not in self.failures and self._attempts[position] < 2:
            # Its skeleton waits for us (a class for its base, whose registry lists the class): begin it again, now
            # that ours exists.
            self._attempt(position)
        if self._known(name) is None:
            raise self.failures.get(position) or LookupError(f"{name} is needed to make itself")
        return self._known(name)

    def _known(self, name: str) -> Any:
        return self.values.get(name, self._skeletons.get(name, self._there.get(name)))

    def resolve_live(self, tag: Any) -> Any:
        """Return this kernel's object for a tag, or what was made in the stream in the place of a tag."""
        if type(tag) is not str:
            return tag
        try:
            return self._live[tag]
        except KeyError:
            raise LookupError(f"this process has no {tag}") from None

    def register(self, name: str | None, skeleton: Any) -> None:
        """Make a definition known under its name."""
        if name is not None:
            self._skeletons[name] = skeleton
            self._publish(name, skeleton)

    def registered(self, name: str | None) -> Any:
        """Return the skeleton that a cycle has made under this name already, None if there is none.

        Raises
        ------
        Superseded
            If the cycle has also finished the component.
        """
        if name is None or name not in self._skeletons:
            return None
        if self._where[name] in self._finished:
            raise rebuild.Superseded
        return self._skeletons[name]

    def find(self, module: str, name: str) -> Any:
        """Return what a global of the stream means in this load, None if it is an ordinary import."""
        if module == rebuild.__name__:
            return self._bound(name)
        if module == joining.__name__ and name == "joined":
            return partial(joining.make_joined, self)
        if module == "__main__":
            root, *rest = name.split(".")
            found = self.resolve(root)
            for part in rest:
                found = getattr(found, part)
            return found
        return None

    def _bound(self, name: str) -> Any:
        """Return one of our functions bound to this load; not kept, since it would keep the values alive."""
        if name in ("named", "live"):
            return self.resolve if name == "named" else self.resolve_live
        if name == "placeholder":
            return self._placeholder
        return partial(_MAKERS[name], self) if name in _MAKERS else None

    def _placeholder(self, *what: str) -> Placeholder:
        self.stand_ins.append(rebuild.placeholder(*what))
        return self.stand_ins[-1]

    def _unpickle(self, position: int, component: Stored) -> dict[str, Any]:
        stream = component.stream()
        reader = io.BytesIO(stream) if stream.nbytes < _COPIED else _Reader(stream)
        buffers = iter(component.buffers())
        guard = GuardedUnpickler(self, reader, buffers) if position in self._guarded else None
        self._reading.append((guard, buffers))
        try:
            if guard is None:
                root = self._loaded(self._fast(reader, buffers))
                return root if type(root) is dict else _variables(root)
            self._wrecks.append(guard)
            values = _variables(guard.load())
        finally:
            self._reading.pop()
        self.problems.extend(guard.located(values))
        self.stand_ins += guard.made
        self.lost |= set() if guard.is_whole else set(component.names)
        return values

    def _fast(self, reader: Any, buffers: Iterable[Any]) -> _Unpickler:
        made = _Unpickler(reader, buffers=buffers)
        made.restoring = self
        return made

    def _loaded(self, unpickler: Any) -> Any:
        try:
            return unpickler.load()
        except BaseException:
            self._wrecks.append(unpickler)
            raise

    def inner(self, stream: Any, known: Sequence[Any]) -> tuple[Any, Any]:
        """Unpickle a stream that belongs to the one that is being unpickled, in the same way.

        Parameters
        ----------
        stream : bytes-like
        known : sequence of object
            What comes first in its memo.

        Returns
        -------
        object
        unpickler
            With its memo.
        """
        guard, buffers = self._reading[-1]
        reader = io.BytesIO(joining.prologue(len(known)) + stream)
        inside = guard.inner(reader, buffers, known) if guard else self._fast(reader, chain(known, buffers))
        return self._loaded(inside), inside

    def next_buffer(self) -> memoryview:
        """Return the next buffer of the component that is being unpickled."""
        buffer = next(self._reading[-1][1], None)
        if buffer is None:
            raise pickle.UnpicklingError("the snapshot lacks a buffer of it")
        return buffer

    def fill(self, container: Any, items: list[Any]) -> None:
        """Add items to a list or set, or keys and values in turn to a dict."""
        guard = self._reading[-1][0]
        if guard is not None:
            guard.fill(container, items)
        elif type(container) is list:
            container.extend(items)
        elif type(container) is set:
            container.update(items)
        else:
            pairs = iter(items)
            container.update(zip(pairs, pairs, strict=True))


def _variables(root: Any) -> dict[str, Any]:
    values = root.values if type(root) in (rebuild.Settled, Rehashed) else root
    if type(root) is Placeholder:
        raise pickle.UnpicklingError(root.problem.reason)
    if not isinstance(values, dict):
        raise pickle.UnpicklingError("the stream does not hold variables")
    return values


def _is_unpickler(wreck: Any) -> bool:
    return type(wreck) in (_Unpickler, GuardedUnpickler)
