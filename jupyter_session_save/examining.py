"""Compare live components with how they were stored last, and store what differs.

Invariant: bytes are written only if they are not known to be stored; nothing that is returned holds a value.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .compare import same_stream
from .components import Pickled
from .describe import describe
from .display import human_bytes
from .errors import SessionError
from .fingerprint import Fingerprint, Mappings, of_buffer, of_stream
from .patches import CHUNK
from .pickling import GiveWay, Payload, Placeholder, Scope, dumps
from .reach import is_dynamic
from .reloaded import Reloaded
from .repository import Repository
from .saving import component_of, variables_of
from .snapshot import Component, Part, Problem, Variable
from .writing import Writer

RATE = 1 << 30
"""Bytes a second at which new ones are stored, as far as nothing else is known."""

_NOWHERE = Part("", 0)


class TooLong(GiveWay):
    """Raised to leave out a component that takes too long.

    Parameters
    ----------
    name : str
        One of its names.
    seconds : float
        What it takes, or has taken until it was given up.
    """

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name)
        self.name, self.seconds = name, seconds


@dataclass(frozen=True, slots=True)
class Tracked:
    """A stored component, and how to tell whether it is still the same.

    Attributes
    ----------
    component : Component
    variables : tuple of Variable
        One for each name, in the same order.
    stream : bytes
        Fingerprint of the pickle stream, ``b""`` where it is not known.
    buffers : tuple of Fingerprint or None
        Of each buffer; empty where none is known.
    reads : frozenset of str
        Every name that functions in it use as a global.
    leads_everywhere : bool
        Whether code in it, or what a placeholder in it stands for, can reach variables that it does not name.
    seconds : float
        What looking at it took.
    stall : float
        Seconds of this, at most, in which it could not be given up.
    fickle : bool
        Whether it pickles otherwise each time, so that a difference tells nothing.
    reloaded : Reloaded or None
        How it pickled when it had just been loaded, if that was not as it is stored.
    """

    component: Component
    variables: tuple[Variable, ...]
    stream: bytes = b""
    buffers: tuple[Fingerprint | None, ...] = ()
    reads: frozenset[str] = frozenset()
    leads_everywhere: bool = False
    seconds: float = 0.0
    stall: float = 0.0
    fickle: bool = False
    reloaded: Reloaded | None = None

    def at(self, component: Component) -> Tracked:
        """Return the same with another record of the component."""
        return self if component is self.component else replace(self, component=component)

    def mentioning(self, names: Mapping[str, Any]) -> Component:
        """Return the component with its mentions of names that there are now."""
        if not self.reads:
            return self.component
        found = tuple(sorted(n for n in self.reads if n in names and n not in self.component.names))
        return self.component if found == self.component.mentions else replace(self.component, mentions=found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A buffer as it was looked at: where its bytes stand, or what they differ from and in which chunks."""

    part: Part | None
    fingerprint: Fingerprint | None
    base: Part | None = None
    offsets: tuple[int, ...] = ()

    @property
    def new(self) -> int:
        """Bytes that have to be written."""
        if self.part is not None or self.fingerprint is None:
            return 0
        return self.fingerprint.size if self.base is None else len(self.offsets) * CHUNK

    def put(self, writer: Writer, view: memoryview, *, to_map: bool) -> Part:
        """Store what is new."""
        if self.base is None:
            return writer.put([view], to_map=to_map)
        plain = view.cast("B")
        chunks = [(at, plain[at : at + CHUNK]) for at in self.offsets]
        return writer.put_patched(self.base, view.nbytes, chunks, whole=plain)


def same_component(one: Component, other: Component) -> bool:
    """Whether two records stand for equal values."""
    return one.names == other.names and one.stream == other.stream and one.buffers == other.buffers


class PausingScope(Scope):
    """Lets a pickle be given up for something better."""

    def __init__(
        self,
        namespace: dict[str, Any],
        saved: Mapping[str, Any],
        live: Mapping[str, Any],
        pause: Callable[[], None],
        *,
        definitions: Mapping[str, Any] | None = None,
        containers: Callable[[], Iterable[Any]] | None = None,
    ) -> None:
        super().__init__(namespace, saved, live, definitions=definitions, containers=containers)
        self._pause = pause
        self._examiner: Callable[[], Examiner | None] = lambda: None

    def pause(self) -> None:
        """Raise `GiveWay` if there is something better to do."""
        self._pause()
        examiner = self._examiner()
        if examiner is not None:
            examiner.hurry()

    def serve(self, examiner: Examiner) -> None:
        """Let an examiner give up what takes too long."""
        # Weakly, since a cycle would keep the user's values alive until the next garbage collection.
        self._examiner = weakref.ref(examiner)


class Examiner:
    """One look at some components.

    Parameters
    ----------
    values : mapping of str to object
    scope : Scope
    where : mapping of str to Tracked
        How each name was stored last.
    repository : Repository
    writer : Writer or None
        Takes what has changed.
    limit : float
        Seconds that one component may take.
    largest : int
        Bytes that one component may have, 0 for any number.

    Attributes
    ----------
    late : dict of str to float
        Names of components that would have taken so many seconds, and were left as they were.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        scope: Scope,
        where: Mapping[str, Tracked],
        repository: Repository,
        writer: Writer | None,
        *,
        limit: float = float("inf"),
        largest: int = 0,
    ) -> None:
        self._values, self._scope, self._where = values, scope, where
        self._repository, self._writer = repository, writer
        self._limit, self._largest = limit, largest
        self._mappings = Mappings()
        self._name, self._begun = "", time.perf_counter()
        self._spent: dict[str, float] = {}
        self._busy, self._stalls = (threading.get_ident(), time.thread_time()), dict[str, float]()
        self.late: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """Take note that a variable is about to be pickled; raises `TooLong` if it is known to take long."""
        self._account()
        known = self._where.get(name)
        if known is not None and known.seconds > self._limit and self._is_alike(name, known):
            raise TooLong(name, known.seconds)
        self._name = name

    def _is_alike(self, name: str, known: Tracked) -> bool:
        """Whether a variable is of the type that it was stored with: another value may take as long, but not None."""
        kind = describe(self._values[name])[0]
        return any(v.name == name and v.type == kind for v in known.variables)

    def hurry(self) -> None:
        """Raise `TooLong` once a pickle has taken longer than it may."""
        self._gone_on()
        # With what was spent on it before: a variable is pickled by itself first, and then with what it shares.
        spent = self._spent.get(self._name, 0.0) + time.perf_counter() - self._begun
        if spent > self._limit:
            raise TooLong(self._name, 2 * spent)

    def examine(self, group: Pickled) -> Tracked:
        """Return a group as it is stored now, after storing what is new about it."""
        self._account()
        self._name = group.names[0]
        too_large = 0 < self._largest < group.payload.size
        payload, old = group.payload, self._where.get(group.names[0])
        stream = of_stream(payload.chunks)
        if old is not None and old.component.names == group.names:
            # What was saved by hand stays stored, however large it is.
            kept = too_large and self._is_as_stored(old, stream, payload)
            if kept or self._is_as_reloaded(old, stream, payload):
                self._account()
                return self._timed(self._seen_again(old, payload))
        if too_large:
            group = self._stand_in(group)
            payload, stream = group.payload, of_stream(group.payload.chunks)
        same = old is not None and old.component.names == group.names and self._is_same(old, stream, payload)
        stored = old.component.stream if same and old is not None else None
        pool = self._pool(group.names)
        looked = [self._find(old, i, buffer.raw(), pool) for i, buffer in enumerate(payload.buffers)]
        new = sum(seen.new for seen in looked) + (0 if stored else sum(map(len, payload.chunks)))
        expected = new / RATE
        if expected > self._limit:
            self.late.update(dict.fromkeys(group.names, expected))
            parts = [_NOWHERE for _ in looked]
        else:
            assert self._writer is not None
            stored = stored or self._writer.put(list(payload.chunks))
            # All of a new container are read sooner if they are left as they are; what comes later, chunk by chunk, is
            # kept small.
            small = payload.inner if old is not None else ()
            rows = zip(range(len(looked)), looked, payload.buffers, strict=True)
            parts = [seen.part or seen.put(self._writer, b.raw(), to_map=i not in small) for i, seen, b in rows]
        component = component_of(group, stored or _NOWHERE, parts)
        if old is not None and same_component(component, old.component):
            component, variables = old.component, old.variables
        else:
            variables = tuple(variables_of(group, component, self._values))
        self._account()
        found = Tracked(
            component,
            variables,
            stream,
            tuple(seen.fingerprint for seen in looked),
            fickle=old is not None and old.fickle,
        )
        return self._timed(self._seen_again(found, payload))

    def _seen_again(self, known: Tracked, payload: Payload) -> Tracked:
        """Return what is known of a component, with what its pickle says of the code in it."""
        leads = is_dynamic(payload.names) or any(v.state == "placeholder" for v in known.variables)
        return replace(known, reads=frozenset(payload.globals) or known.reads, leads_everywhere=leads)

    def _timed(self, found: Tracked) -> Tracked:
        names = found.component.names
        seconds = sum(self._spent.get(name, 0.0) for name in names)
        return replace(found, seconds=seconds, stall=max(self._stalls.get(name, 0.0) for name in names))

    def _is_as_stored(self, old: Tracked, stream: bytes, payload: Payload) -> bool:
        if len(payload.buffers) != len(old.component.buffers) or not self._is_same(old, stream, payload):
            return False
        views = enumerate(buffer.raw() for buffer in payload.buffers)
        return all(self._find(old, index, view, {}).part is not None for index, view in views)

    def _is_as_reloaded(self, old: Tracked, stream: bytes, payload: Payload) -> bool:
        def is_stored(index: int) -> bool:
            return self._find(old, index, payload.buffers[index].raw(), {}).part is not None

        return old.reloaded is not None and old.reloaded.is_as(stream, payload, is_stored, self._scope.pause)

    def look(self, old: Tracked) -> Tracked | None:
        """Return what is known of a component now, None if it has changed."""
        self._name = old.component.names[0]
        found = self._looked(old)
        self._gone_on()
        return None if found is None else replace(found, stall=self._stalls[self._name])

    def _looked(self, old: Tracked) -> Tracked | None:
        payload = dumps(self._values, self._scope)
        try:
            stream = of_stream(payload.chunks)
            self._scope.pause()
            if self._is_as_reloaded(old, stream, payload):
                return self._seen_again(old, payload)
            same = self._is_same(old, stream, payload)
            if not same and not self._is_fickle(stream):
                return None
            if len(payload.buffers) != len(old.component.buffers):
                return None
            found: list[Fingerprint | None] = []
            for i, buffer in enumerate(payload.buffers):
                seen = self._find(old, i, buffer.raw(), {})
                if seen.part is None:
                    return None
                found.append(seen.fingerprint)
            known = replace(old, stream=stream, buffers=tuple(found), fickle=not same)
            return self._seen_again(known, payload)
        finally:
            payload.release()

    def _is_fickle(self, stream: bytes) -> bool:
        """Whether the value pickles otherwise each time, so that a difference tells nothing."""
        again = dumps(self._values, self._scope)
        try:
            return of_stream(again.chunks) != stream
        finally:
            again.release()

    def _is_same(self, old: Tracked, stream: bytes, payload: Payload) -> bool:
        return stream == old.stream if old.stream else same_stream(payload, old.component, self._repository)

    def _pool(self, names: tuple[str, ...]) -> dict[Fingerprint, Part]:
        """Return the buffers of what these names were before, since a new container may hold an old array."""
        before = {id(t): t for t in map(self._where.get, names) if t is not None}.values()
        pairs = (pair for t in before for pair in zip(t.buffers, t.component.buffers, strict=False))
        return {fingerprint: part for fingerprint, part in pairs if fingerprint is not None}

    def _find(self, old: Tracked | None, index: int, view: memoryview, pool: Mapping[Fingerprint, Part]) -> _Seen:
        """Look whether a buffer's bytes are stored, reading them unless the system knows that nobody wrote to them."""
        part = old.component.buffers[index] if old is not None and index < len(old.component.buffers) else None
        before = old.buffers[index] if old is not None and index < len(old.buffers) else None
        if part is None or part.size != view.nbytes:
            fingerprint = of_buffer(view, self._scope.pause)
            return _Seen(pool.get(fingerprint), fingerprint)
        if before is None and self._mappings.are_clean(view, part.digest):
            return _Seen(part, None)
        fingerprint = of_buffer(view, self._scope.pause)
        before = before or self._of_stored(part)
        if before == fingerprint:
            return _Seen(part, fingerprint)
        known = pool.get(fingerprint)
        if known is not None or before is None or part.pack is not None:
            return _Seen(known, fingerprint)
        return _Seen(None, fingerprint, part, tuple(fingerprint.changed(before)))

    def _of_stored(self, part: Part) -> Fingerprint | None:
        try:
            return of_buffer(self._repository.map(part, verify=False), self._scope.pause)
        except (SessionError, OSError):
            return None

    def _stand_in(self, group: Pickled) -> Pickled:
        """Return placeholders for a group that is too large."""
        size = human_bytes(group.payload.size)
        reason = f"it takes {size}, more than SessionMagics.autosave_max_variable allows"
        advice = "%save_session saves it all the same; a higher limit lets autosave do so, too"
        types = {n: f"{type(self._values[n]).__module__}.{type(self._values[n]).__qualname__}" for n in group.names}
        problems = {n: Problem(n, types[n].removeprefix("builtins."), reason, advice) for n in group.names}
        payload = dumps({n: Placeholder(problem) for n, problem in problems.items()}, self._scope)
        return Pickled(group.names, payload)

    def _account(self) -> None:
        now = time.perf_counter()
        self._spent[self._name] = self._spent.get(self._name, 0.0) + now - self._begun
        self._begun = now
        self._gone_on()

    def _gone_on(self) -> None:
        """Take note for how long there was no moment to give up, not counting the time of other processes."""
        thread, before = self._busy
        here, now = self._busy = threading.get_ident(), time.thread_time()
        # What is deeply nested is pickled on another thread, whose time begins at zero.
        self._stalls[self._name] = max(self._stalls.get(self._name, 0.0), now - before if here == thread else 0.0)


def stall_of(names: Iterable[str], where: Mapping[str, Tracked]) -> float:
    """Return for how many seconds looking at some variables cannot be given up, as far as that is known."""
    return max((where[name].stall for name in names if name in where), default=0.0)
