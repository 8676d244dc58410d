"""Huge lists, dicts and sets, pickled in chunks of their items, each with a memo of its own.

A pickler whose memo holds millions of objects is slow, since each look into it misses the processor's caches, and it
cannot be stopped while its table grows; and a stream in one piece is stored again as a whole when one item changes.

What the items share with other variables, and the containers themselves, are pickled before all chunks, and stand in
the memo of each. That the chunks share nothing else shows in reference counts, as in `memos`: an object that two
chunks reach has two holders, since in what is pickled in chunks everything holds what its pickle says. Text and other
leaves are not counted: which of them are the same object is kept within a chunk, as it is within a component.

Invariant: the chunks load to what one stream would load to; where that cannot be shown, `NotApartError` is raised.
"""

from __future__ import annotations

import collections
import datetime
import enum
import functools
import gc
import pickle
import sys
import types
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, compress, islice
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from . import code, joining, pieces
from .hashes import met_too_early
from .memos import HELD_BY_MEMO, LISTED, Kept, among, held_elsewhere, reached
from .nans import may_be_in, nans_among, unequal_to_itself
from .payload import Chunks, Payload
from .plans import known_immutable
from .quick import own_way
from .scope import importable_path, is_library, module_of, type_name

if TYPE_CHECKING:
    from .pickler import Pickling

MANY = 50_000
"""Items from which on a container is pickled in chunks."""

SAMPLE = 1024
"""Items from whose pickle it is told how many make up a chunk."""

BYTES, OBJECTS = 768 << 10, 1 << 17
"""What a chunk has at most, on average: a part that goes into a pack, and a memo that stays in the caches."""

STEP = 1 << 10
"""Objects that are looked through once more if any of them has another holder: few do."""

_LARGEST = 64 << 20
_LONG = 1 << 10
"""Leaves of fewer characters may be stored with each chunk."""

_NAMES = {id(kind): name for name, kind in joining.KINDS.items()}
_BUILTIN = frozenset(map(id, (list, dict, set, tuple, frozenset, str, bytes, bytearray)))
_HOLDING = tuple, frozenset, slice, datetime.datetime, datetime.time, types.BuiltinFunctionType, types.CodeType
"""Immutable types whose instances may hold something that is not."""

_SHOWING = frozenset(map(id, (tuple, frozenset, slice, types.BuiltinFunctionType)))
"""Those of which that can be asked."""

_DEFINED = type, types.FunctionType, types.ModuleType
_WRAPPING = types.CellType, types.CodeType, types.MethodType, types.GeneratorType, types.MappingProxyType, code.Call
_DESCRIBING = property, staticmethod, classmethod, functools.partial
_GATHERING = collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter
_VIEWING: tuple[type, ...] = type({}.keys()), type({}.values()), type({}.items())
_WEAK = weakref.ref, weakref.WeakSet, weakref.WeakKeyDictionary, weakref.WeakValueDictionary
_OUTSIDE = (pickle.PickleBuffer,)
IDLE = frozenset(map(id, chain(_DEFINED, _WRAPPING, _DESCRIBING, _GATHERING, _VIEWING, _WEAK, _OUTSIDE)))
"""Types whose instances, when they are loaded, look at nothing that they hold."""

_HEAP_TYPE = 1 << 9
"""Set for classes that are written in Python (`Py_TPFLAGS_HEAPTYPE`)."""

_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes))


class NotApartError(Exception):
    """Raised for a container whose chunks share something, or might."""


def is_huge(value: Any) -> bool:
    """Whether a value is a container, a text or a bytearray that is worth being pickled in chunks."""
    return id(type(value)) in _NAMES and len(value) > (pieces.LONG if pieces.is_whole(value) else MANY)


def is_array(obj: Any) -> bool:
    """Whether an object is an array of numpy that holds no objects."""
    kind = type(obj)
    # By name: numpy itself may be a stub, or about to be imported by a thread.
    named = not kind.__flags__ & _HEAP_TYPE and kind.__module__ == "numpy" and kind.__qualname__ == "ndarray"
    return named and not obj.dtype.hasobject


def dump(values: Mapping[str, Any], huge: Iterable[Any], pickling: Pickling, new_pickler: Callable[[Any], Any]) -> Kept:
    """Pickle variables that hold huge containers or long texts, the chunks of these as buffers of the payload.

    Parameters
    ----------
    values : mapping of str to object
    huge : iterable of object
        Huge containers, texts and bytearrays that the variables are, or that their pickle is sure to reach.
    pickling : Pickling
    new_pickler : callable
        Returns a C pickler that writes to the sink that it is given.

    Returns
    -------
    Kept
        The objects that other variables may hold, too.

    Raises
    ------
    NotApartError
        If the items cannot be told apart.
    """
    payload, scope = pickling.payload, pickling.scope
    waiting = {id(one): one for one in huge}
    wholes = [one for one in waiting.values() if pieces.is_whole(one)]
    containers = [one for one in waiting.values() if not pieces.is_whole(one)]
    huge, piece = wholes + containers, Payload()
    made = [[*_kept(payload, pieces.cut(one, scope.pause))] for one in wholes]
    for one, digests in zip(wholes, made, strict=True):
        pieces.check_still(one, digests, scope.pause)
    head = new_pickler(Chunks(piece, scope.pause))
    head.memo = {position: (position, one) for position, one in enumerate(huge)}
    head.dump({name: value for name, value in values.items() if id(value) not in waiting})
    live = any(id(one) in scope.live_ids for one in huge) or among(head, scope.live_containers)
    odd = pickling.held_buffers or met_too_early(head, scope.hashing) or may_be_in(piece.chunks, scope.pause)
    if live or odd:
        raise NotApartError("it belongs to the kernel, or what is pickled with it needs to be looked at closely")
    rows, shareable = [], list[Any]()
    if containers:
        apart = _Apart(pickling, new_pickler, head.memo.copy())
        apart.check_waiting(reached(head), {*map(id, containers)})
        made += [[*_kept(payload, apart.streams(one))] for one in containers]
        shareable += apart.shareable()
    for one, digests in zip(huge, made, strict=True):
        names = tuple(name for name, value in values.items() if value is one)
        rows.append((names, _NAMES[id(type(one))], tuple(digests)))
    payload.chunks.append(pickle.dumps(_Joined(tuple(values), b"".join(piece.chunks), tuple(rows)), 5))
    return Kept([*shareable, *held_elsewhere(head), *huge])


def _kept(payload: Payload, streams: Iterable[bytes]) -> Iterator[bytes]:
    """Keep chunks as buffers of the payload, and yield the digest of each."""
    for stream in streams:
        payload.inner.add(len(payload.buffers))
        payload.buffers.append(pickle.PickleBuffer(stream))
        yield blake3(stream).digest()


class _Joined:
    """Pickles as the call that puts the containers together."""

    def __init__(self, *args: Any) -> None:
        self._args = args

    def __reduce__(self) -> tuple[Any, ...]:
        return joining.joined, self._args


class _Apart:
    """Pickles chunks one after the other, and watches that they share nothing.

    Attributes
    ----------
    met : dict of int to object
        By id, what chunks hold and something else holds, too.
    """

    def __init__(self, pickling: Pickling, new_pickler: Callable[[Any], Any], known: dict[int, Any]) -> None:
        if len(known) > joining.MOST:
            raise NotApartError("too much is pickled with it")
        self._pickling, self._scope, self._new = pickling, pickling.scope, new_pickler
        self._base = new_pickler(Chunks(Payload(), self._scope.pause))
        # So that what is pickled with the container may become another without another byte in most chunks.
        memo: dict[int, Any] = {position: (position, []) for position in range(joining.room_for(len(known)))}
        memo |= {position: (position, obj) for position, obj in known.values() if not self._may_be_doubled(obj)}
        self._base.memo = memo
        before = reached(self._base)
        self._before, self._counts = set(map(id, before)), Counter(map(id, map(type, before)))
        self._kinds: dict[int, tuple[type, bool]] = {}
        self._sound: set[int] = set()
        self.met: dict[int, Any] = {}

    def streams(self, container: Any) -> Iterator[bytes]:
        """Yield the pickle of each chunk."""
        items, count = _cut(container, self._size(container)), len(container)
        while (stream := self._next(items)) is not None:
            yield stream
        if len(container) != count:
            raise RuntimeError("list changed size during iteration")  # As dicts and sets say by themselves.

    def _size(self, container: Any) -> int:
        """Return how many items make up a chunk: a power of two, so that it stays while the container grows."""
        pickler, stream = self._pickled(next(_cut(container, SAMPLE)))
        objects = len(reached(pickler)) - len(self._before)
        self._check_kinds(reached(pickler))
        size = 1
        while 2 * size * len(stream) <= BYTES * SAMPLE and 2 * size * objects <= OBJECTS * SAMPLE:
            size *= 2
        return size

    def _next(self, items: Iterator[list[Any]]) -> bytes | None:
        chunk = next(items, None)
        if chunk is None:
            return None
        pickler, stream = self._pickled(chunk)
        self._scope.pause()
        objects = reached(pickler)
        self._check_kinds(objects)
        self._scope.pause()
        met = nans_among(chunk) if may_be_in([stream]) else None
        # It is in the memo, and would be a second holder of every item.
        chunk.clear()
        held = _held(objects, HELD_BY_MEMO)
        nans = [] if met is None else self._nans(met, objects)
        del met
        # Counted again without what was made for the pickle, which held them, too.
        del objects, pickler
        self._scope.pause()
        self._note(_held(held, LISTED + 1))
        if _held(nans, LISTED + 1):
            raise NotApartError("it holds a NaN that something else holds, too")
        return stream

    def _nans(self, met: list[float], objects: list[Any]) -> list[Any]:
        """Return once each NaN that is an item, or that the objects hold."""
        own = (obj for obj in objects if id(obj) not in self._before)
        return list({id(nan): nan for nan in chain(met, nans_among(gc.get_referents(*own)))}.values())

    def _pickled(self, chunk: list[Any]) -> tuple[Any, bytes]:
        payload = self._pickling.payload
        told = payload.buffers, payload.problems, payload.reconnected, payload.remarks, payload.again
        before, piece = [len(one) for one in told], Payload()
        pickler = self._new(Chunks(piece, self._scope.pause))
        pickler.memo = self._base.memo
        self._scope.pause()
        pickler.dump(chunk)
        if [len(one) for one in told] != before or self._pickling.held_buffers:
            raise NotApartError("there is something to tell of an item, or it holds a buffer")
        if sum(map(len, piece.chunks)) > _LARGEST:
            raise NotApartError("its items are large")
        return pickler, b"".join(piece.chunks)

    def _check_kinds(self, objects: list[Any]) -> None:
        """Raise `NotApartError` if any object that was just pickled may not hold what its pickle says."""
        if not self._pickling.asked():
            return  # To look at millions of objects once more takes longer than to pickle them.
        # By their ids, as everywhere: a metaclass may hash and compare classes as it likes.
        if self._sound.issuperset(map(id, map(type, objects))):
            return
        kinds = list(map(id, map(type, objects)))
        for key, count in Counter(kinds).items():
            if count <= self._counts[key]:
                continue
            if key not in self._kinds:
                kind = type(objects[kinds.index(key)])
                self._kinds[key] = kind, self._is_known(kind)
                self._sound |= {key} if self._kinds[key][1] else set()
            if not self._kinds[key][1]:
                self._check_each(self._kinds[key][0], list(compress(objects, map(key.__eq__, kinds))))

    def _check_each(self, kind: type, objects: list[Any]) -> None:
        """Raise `NotApartError` if any object of a type that is not known may not hold what its pickle says."""
        # What other arrays show may be shown by those of another chunk.
        if kind is pickle.PickleBuffer or all(
            id(o) in self._before or (is_array(o) and o.base is None) for o in objects
        ):
            return
        referenced = self._pickling.referenced.difference(self._before)
        if sum(id(one) not in referenced for one in objects) > self._counts[id(kind)]:
            raise NotApartError(f"it holds objects of type {type_name(kind)}")

    def check_waiting(self, objects: list[Any], containers: set[int]) -> None:
        """Raise `NotApartError` if anything may look, when it is loaded, into a container that is filled later."""
        telling = []
        for obj in objects:
            kind = type(obj)
            if id(kind) in IDLE or id(obj) in self._pickling.referenced or is_array(obj):
                continue
            if not self._is_known(kind):
                raise NotApartError(f"what is pickled with it holds objects of type {type_name(kind)}")
            if any("__setstate__" in vars(base) for base in kind.__mro__[:-1]):
                telling.append(obj)
        seen: dict[int, Any] = {}
        while telling and containers.isdisjoint(map(id, telling)):
            seen.update(zip(map(id, telling), telling, strict=True))
            within = {id(obj): obj for obj in gc.get_referents(*telling) if id(obj) not in seen}
            telling = [obj for obj in within.values() if not issubclass(type(obj), _DEFINED)]
        if telling:
            raise NotApartError("what is pickled with it may look at it when it is loaded")

    def _is_known(self, kind: type) -> bool:
        if id(kind) in _BUILTIN or issubclass(kind, (type, enum.Enum)):
            return True
        plain = (self._scope.quick.get(id(kind)) or own_way) is not own_way and id(kind) not in self._scope.hashing
        return plain or (self._is_immutable(kind) and kind is not types.CodeType)

    def _is_immutable(self, kind: type) -> bool:
        known = known_immutable(kind, self._scope.immutable) and kind.__name__ != "void"
        return known and (module_of(kind) == "builtins" or is_library(module_of(kind)))

    def _note(self, held: list[Any]) -> None:
        """Raise `NotApartError` if an object was met in another chunk."""
        for obj in held:
            key = id(obj)
            if key in self._before or (type(obj) is str and len(obj) < _LONG):
                continue
            if key in self._scope.live_ids:
                raise NotApartError("it holds what belongs to the kernel")
            if key not in self.met:
                self.met[key] = obj
            elif not self._may_be_doubled(obj):
                raise NotApartError("its items share objects")

    def shareable(self) -> Iterable[Any]:
        """Return what was met, and what is within such tuples and the like: they link nothing, so it has to."""
        found, front = dict(self.met), list(self.met.values())
        while front := [obj for obj in front if id(type(obj)) in _SHOWING and not self._may_be_doubled(obj)]:
            within = gc.get_referents(*front)
            front = list({id(obj): obj for obj in within if id(obj) not in found and type(obj) is not str}.values())
            found.update(zip(map(id, front), front, strict=True))
        return found.values()

    def _may_be_doubled(self, obj: Any) -> bool:
        """Whether an object may come back as one for each chunk: a reference, or a leaf whose identity says nothing."""
        kind = type(obj)
        if kind is str or kind is bytes:
            return len(obj) < _LONG
        if id(obj) in self._pickling.referenced or id(obj) in self._scope.names:
            return True
        if kind is tuple or kind is frozenset:
            return len(obj) < _LONG and all(map(_is_small, obj)) and not nans_among([*obj])
        if kind is types.BuiltinFunctionType:
            return importable_path(obj) is not None
        return self._is_immutable(kind) and not issubclass(kind, _HOLDING) and not unequal_to_itself(obj)


def _is_small(obj: Any) -> bool:
    """Whether something is a number or a short text that takes next to nothing to store once more."""
    return type(obj) in _ATOMS and sys.getsizeof(obj) < _LONG and not unequal_to_itself(obj)


def _held(objects: list[Any], count: int) -> list[Any]:
    """Return those of some objects whose reference count is above one."""
    # One after the other from an iterator that goes on where it stands: a slice would be one more holder.
    found, counts = list[Any](), map(sys.getrefcount, objects)
    for start in range(0, len(objects), STEP):
        some = list(islice(counts, STEP))
        # Mostly all are equal, which is told in the least time.
        if some.count(count) < len(some) and (above := {one for one in set(some) if one > count}):
            found += map(objects.__getitem__, compress(range(start, start + STEP), map(above.__contains__, some)))
    return found


def _cut(container: Any, size: int) -> Iterator[list[Any]]:
    """Return the items of a container in pieces that nobody else holds, keys and values in turn for a dict."""
    if type(container) is list:
        return (container[start : start + size] for start in range(0, len(container), size))
    pairs = type(container) is dict
    items = chain.from_iterable(container.items()) if pairs else iter(container)
    return iter(lambda: list(islice(items, 2 * size if pairs else size)), [])
