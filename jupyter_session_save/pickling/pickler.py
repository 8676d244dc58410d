"""Pickle the variables of one component at C speed, with every failure confined to the object that caused it.

Attempts, each wider and slower than the one before: huge containers in chunks; the C pickler with our reducers; where
that went too deep, the same with the states of instances last; with every reduce called under guard, so that a failing
object becomes a placeholder in place; dill's own pickler in Python. Deep nesting moves an attempt to a thread with a
large stack.

Invariant: pickling changes nothing in what it pickles, and all attempts give streams that load to equal values.
"""

from __future__ import annotations

import builtins
import copyreg
import pickle
import sys
import time
import types
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from ..errors import said
from ..interrupts import stopping
from ..snapshot import Problem
from . import chunked, dill_reducers, rebuild
from .asking import PROTOCOL, AttentivePickler, FastPickler, PersistentPickler, keeper
from .culprit import PathFinder, root_path
from .depth import in_thread, with_deep_stack
from .flat import Flat
from .hashes import InOrder, met_too_early
from .instances import sharing, watching
from .memos import Meeting, among, owners
from .nans import ModuleNan, unequal_to_itself
from .payload import Chunks, Copies, Payload
from .placeholder import Placeholder
from .plans import ATOMS, CONTAINERS, Plan, hashable, known_immutable, library_owned, plan_for
from .quick import quick_reduce
from .reducers import attributes
from .scope import GiveWay, Scope, importable_path, lookup, module_of, type_name
from .texts import Texts
from .within import huge_in

CHANGING = 5
"""Attempts at a value that another thread changes meanwhile."""

PACE = 0.002
"""Seconds between two moments, at least, at which a pickle may be given up where reducers take long."""


class Pickling:
    """What the reducers may ask and tell while one component is pickled.

    Attributes
    ----------
    values : mapping of str to object
    scope : Scope
    payload : Payload
        Where the results gather.
    finder : PathFinder
        Knows where in the values an object is.
    announced : set of int
        Ids of cells whose contents a function brings, and of classes whose methods another class brings.
    referenced : set of int
        Ids of objects that were emitted as references, so that sharing them links nothing.
    own_buffers : set of int
        Ids of the buffers that reducers made.
    ahead : bool
        Whether attributes that a hash may need are set before the others are made.
    held_buffers : bool
        Whether the pickler met a buffer that may be the user's, of which it writes no more than the bytes.
    remade : bool
        Whether a placeholder met is written as what it stands for, which may be hashed by its state.
    asked : callable
        Returns whether the newest `reducer` was asked for anything, as for all but exact builtin containers and atoms.
    texts : Texts or None
        For arrays of text, if they may have streams of their own.
    """

    def __init__(
        self, values: Mapping[str, Any], scope: Scope, *, guarded: bool, capture: bool, ahead: bool = False
    ) -> None:
        self.scope, self.payload, self.nans = scope, Payload(), scope.nans
        self.guarded, self.capture, self.ahead = guarded, capture, ahead
        self.roots = frozenset(values)
        self.announced: set[int] = set()
        self.referenced: set[int] = set()
        self.own_buffers: set[int] = set()
        self.held_buffers = self.remade = False
        self.asked: Callable[[], bool] = lambda: True
        self.texts: Texts | None = None
        self.refs, self.modules = self.payload.refs, self.payload.modules
        self.mentions = self.payload.mentions
        self.values = values
        self.finder = PathFinder(values)
        self._plans: dict[int, Plan | None] = scope.plans[capture]
        self._live = scope.live_ids
        self._due = 0.0

    def reducer(self) -> Callable[[Any], Any]:
        """Return what reduces objects in this pickle."""
        self.asked = lambda: True
        reduce = self._reduce_ahead if self.ahead else self.reduce
        return watching(reduce, self) if self.ahead or self.guarded else self._reduce_quickly()

    def _reduce_quickly(self) -> Callable[[Any], Any]:
        """Return `reduce` with a short way for instances of plain classes, which are most."""
        quick, full, watched, asked = self.scope.quick, self.reduce, watching(self.reduce, self), False

        def reduce(obj: Any) -> Any:
            nonlocal asked
            asked = True  # Of all that can be noted for a million objects this takes least.
            short = quick.get(id(type(obj)))
            if short is None:
                return watched(obj) if type(obj).__dictoffset__ else full(obj)
            try:
                return short(obj)
            except AttributeError:
                return watched(obj) if type(obj).__dictoffset__ else NotImplemented

        self.asked = lambda: asked
        return reduce

    def _reduce_ahead(self, obj: Any) -> Any:
        """Return the same for a value in which hashes are asked for before all of the state is there."""
        reduced = self.reduce(obj)
        return attributes.hashed(obj, reduced) if id(type(obj)) in self.scope.hashing else reduced

    def reduce(self, obj: Any) -> Any:
        """Return how to pickle an object, or NotImplemented for the pickler's own way."""
        now = time.perf_counter()
        if now >= self._due:
            # What takes long may write little, and the sink pauses only when it is written to.
            self._due = now + PACE
            self.scope.pause()
        cls = type(obj)
        try:
            plan = self._plans[id(cls)]
        except KeyError:
            plan = self._plans[id(cls)] = plan_for(cls, capture=self.capture)
            self.scope.types.append(cls)
            if attributes.hashed_by_state(cls):
                self.scope.hashing[id(cls)] = bool(cls.__dictoffset__)
            self.scope.library_owned |= library_owned(cls)
        if id(cls) in self.scope.live_types and id(obj) in self._live and id(cls) not in ATOMS:
            self.referenced.add(id(obj))
            return rebuild.live, (self._live[id(obj)],)
        if plan is None:
            if id(cls) not in self.scope.live_types and id(cls) not in self.scope.quick:
                self.scope.quick[id(cls)] = quick_reduce(obj, dicts=lambda: self.scope.dicts, sharing=sharing)
            plainly = not self.guarded or id(cls) in CONTAINERS or (not self.capture and dill_reducers.knows(cls))
            return NotImplemented if plainly else self._checked(obj)
        return self._leaf(obj, lambda: plan(obj, self)) if self.guarded else plan(obj, self)

    def links(self, obj: Any) -> bool:
        """Whether variables that both hold this object belong together."""
        if id(obj) in self.scope.library_owned or type(obj) is ModuleNan:
            return False
        if known_immutable(type(obj), self.scope.immutable):
            return unequal_to_itself(obj)
        # Functions written in C or Cython pickle by name without asking anybody.
        return not callable(obj) or isinstance(obj, type | types.FunctionType) or importable_path(obj) is None

    def refers_to(self, obj: Any) -> bool:
        """Whether a definition travels as a reference to its name."""
        name = self.scope.names.get(id(obj))
        return name is not None and name not in self.roots

    def name_of(self, obj: Any) -> str | None:
        """Return the name under which a definition that travels by value is found."""
        return self.scope.names.get(id(obj))

    def placeholder(self, obj: Any, reason: str, advice: str = "") -> Any:
        """Return the reduce of a placeholder for an object, and report it."""
        problems = [Problem(path, type_name(type(obj)), reason, advice or REMAKE) for path in self.paths(obj)]
        self.payload.problems += problems
        first = problems[0]
        return rebuild.placeholder, (first.path, first.type, first.reason, first.advice)

    def note_reconnected(self, obj: Any, reason: str) -> None:
        """Report an object that is rebuilt from a recipe."""
        self.payload.reconnected += [Problem(p, type_name(type(obj)), reason) for p in self.paths(obj)]

    def note_remark(self, obj: Any, reason: str) -> None:
        """Report an object of which something cannot come along, though its value does."""
        self.payload.remarks += [Problem(p, type_name(type(obj)), reason) for p in self.paths(obj)]

    def paths(self, obj: Any) -> list[str]:
        """Return the expressions that lead to an object, from each variable of which it may be part."""
        path = self.finder.known(obj)
        # Where no path is found, each of them may hold it.
        return [path] if path is not None else [root_path(name) for name in self.values]

    def out_of_band(self, memory: Any) -> pickle.PickleBuffer:
        """Return a buffer for the pickle, which is not one that the user holds."""
        buffer = pickle.PickleBuffer(memory)
        self.own_buffers.add(id(buffer))
        return buffer

    def by_reduce(self, obj: Any) -> Any:
        """Reduce an object by its own protocol, checked."""
        return self._checked(obj)

    def _checked(self, obj: Any) -> Any:
        def reduced() -> Any:
            reduce = copyreg.dispatch_table.get(type(obj)) if hashable(type(obj)) else None
            made = reduce(obj) if reduce is not None else obj.__reduce_ex__(PROTOCOL)
            return self.sound(obj, made)

        return self._leaf(obj, reduced) if self.guarded else reduced()

    def _leaf(self, obj: Any, reduced: Callable[[], Any]) -> Any:
        """Call a reduce whose failure makes a placeholder of this one object."""
        try:
            return reduced()
        except RecursionError:
            # Either the object's own code recurses without end, or the stack is full of its containers.
            try:
                return in_thread(reduced)
            except RecursionError as error:
                return self.placeholder(obj, said(error))
            except Exception:
                raise RecursionError("too deeply nested") from None
        except stopping(GiveWay):
            raise
        except BaseException as error:
            return self.placeholder(obj, said(error))

    def sound(self, obj: Any, reduced: Any) -> Any:
        """Make a reduce that the pickler cannot fail on, or raise what is wrong with it."""
        if isinstance(reduced, str):
            return self._global(obj, reduced)
        if not isinstance(reduced, tuple) or not 2 <= len(reduced) <= 6:
            raise TypeError(f"__reduce__ returned {type(reduced).__name__}, not a string or a tuple of 2 to 6 items")
        padded: tuple[Any, ...] = (*reduced, *(None,) * (6 - len(reduced)))
        func, args, *rest = padded
        if not callable(func) or not isinstance(args, tuple):
            raise TypeError("__reduce__ did not return a callable and a tuple of its arguments")
        state, items, pairs, setter = rest
        items, pairs = (None if part is None else tuple(part) for part in (items, pairs))
        if any(type(pair) is not tuple or len(pair) != 2 for pair in pairs or ()):
            raise TypeError("__reduce__ returned dict items that are not pairs")
        if setter is not None:
            if not callable(setter):
                raise TypeError("__reduce__ returned a state setter that cannot be called")
            # One of ours, so that the guarded unpickler knows which object it fails for.
            state, setter = (setter, state), rebuild.set_state
        if func is copyreg.__newobj__:  # type: ignore[attr-defined]
            # The pickler would compare `obj.__class__`, which a proxy may answer as it likes.
            func = rebuild.new_object
        return (
            func,
            args,
            state,
            None if items is None else iter(items),
            None if pairs is None else iter(pairs),
            setter,
        )

    def _global(self, obj: Any, name: str) -> Any:
        # `Ellipsis` and `NotImplemented` say no more than their names.
        module = "builtins" if obj is getattr(builtins, name, self) else module_of(obj)
        if module in ("", "__main__"):
            # A name in the namespace would be a variable that refers to itself: use the state instead.
            state = getattr(obj, "__dict__", None)
            return rebuild.instance, (type(obj),), state, None, None, rebuild.raw_state
        if lookup(module, name) is not obj:
            raise pickle.PicklingError(f"it says that it is {module}.{name}, which is another object")
        self.referenced.add(id(obj))
        self.modules.add(module.partition(".")[0])
        return rebuild.importable, (module, name)


REMAKE = "run the statement that made it again"


def dumps(values: Mapping[str, Any], scope: Scope) -> Payload:
    """Pickle variables together.

    Parameters
    ----------
    values : mapping of str to object
        The variables of one component; the stream holds them as one dict.
    scope : Scope

    Returns
    -------
    Payload
        Never fails because of a value: what no attempt can pickle is a placeholder as a whole.
    """
    values = {sys.intern(name): value for name, value in values.items()}
    reason, too_deep = "", False
    lanes = ((_chunked_lane, False), (_c_lane, False), (_flat_lane, False), (_c_lane, True), (_dill_lane, True))
    for lane, guarded in lanes[not any(huge_in(value, scope) for value in values.values()) :]:
        if lane is _flat_lane and not too_deep:
            continue
        for _ in range(CHANGING):
            try:
                return _at_any_depth(lane, values, scope, guarded)
            except stopping(GiveWay):
                raise
            except BaseException as failed:
                # The text only: an exception that is kept holds the frames, and they hold the values.
                reason, too_deep = said(failed), isinstance(failed, RecursionError)
                if "changed size during iteration" not in reason:
                    break
    failures = {
        name: Placeholder(Problem(root_path(name), type_name(type(value)), reason, REMAKE))
        for name, value in values.items()
    }
    payload = _c_lane(failures, scope, False)
    payload.problems.extend(stand_in.problem for stand_in in failures.values())
    return payload


Lane = Callable[[Mapping[str, Any], Scope, bool], Payload]


def _chunked_lane(values: Mapping[str, Any], scope: Scope, guarded: bool) -> Payload:
    pickling = Pickling(values, scope, guarded=guarded, capture=True)
    huge = chain.from_iterable(huge_in(value, scope) for value in values.values())
    kept = chunked.dump(values, huge, pickling, lambda sink: FastPickler(sink, pickling))
    return _finished(pickling, kept, values)


def _c_lane(values: Mapping[str, Any], scope: Scope, guarded: bool) -> Payload:
    persistent = any(id(value) in scope.live_ids for value in values.values())
    kind = AttentivePickler if guarded else PersistentPickler if persistent else FastPickler
    pickling, pickler = _dumped(kind, values, scope, guarded, texts=kind is FastPickler)
    if pickling.texts is not None and not pickling.texts.are_apart(pickler):
        pickling, pickler = _dumped(kind, values, scope, guarded)
    if pickling.held_buffers and not guarded:
        # Under guard every reduce is seen, and with it whose buffers these are.
        pickling, pickler = _dumped(AttentivePickler, values, scope, True)
    # An exact dict or list of the kernel's was pickled by value: nobody was asked about it.
    elif kind is FastPickler and among(pickler, [*scope.live_containers, *scope.borrowed_containers()]):
        pickling, pickler = _dumped(PersistentPickler, values, scope, guarded)
    scope.pause()
    ahead = met_too_early(pickler, scope.hashing | ({id(Placeholder): False} if pickling.remade else {}))
    scope.pause()
    if pickling.nans.note_reached(pickler, pickling.payload.chunks, scope.pause) or ahead is not None:
        kind = AttentivePickler if pickling.guarded else PersistentPickler
        pickling, pickler = _dumped(kind, values, scope, pickling.guarded, ahead=ahead)
    scope.pause()
    return _finished(pickling, pickler, values)


def _dumped(
    kind: type[FastPickler],
    values: Mapping[str, Any],
    scope: Scope,
    guarded: bool,
    *,
    ahead: list[Any] | None = None,
    texts: bool = False,
) -> tuple[Pickling, FastPickler]:
    pickling = Pickling(values, scope, guarded=guarded, capture=True, ahead=ahead is not None)
    pickling.texts = Texts(scope.pause) if texts else None
    pickler = kind(Chunks(pickling.payload, pickling.scope.pause), pickling)
    pickler.dump(values if ahead is None else InOrder(values, ahead))
    return pickling, pickler


def _flat_lane(values: Mapping[str, Any], scope: Scope, guarded: bool) -> Payload:
    pickling = Pickling(values, scope, guarded=guarded, capture=True)
    pickler, root = PersistentPickler(Chunks(pickling.payload, pickling.scope.pause), pickling), Flat(values)
    pickler.reducer_override = root.deferring(pickler.reducer_override)  # type: ignore[method-assign]
    pickler.dump(root)
    root.check()
    return _finished(pickling, pickler, values)


def _dill_lane(values: Mapping[str, Any], scope: Scope, guarded: bool) -> Payload:
    pickling = Pickling(values, scope, guarded=guarded, capture=False)
    pickler = dill_reducers.lane(Copies(pickling.payload, pickling.scope.pause), pickling.reduce, keeper(pickling))
    known = scope.known()
    pickler.persistent_id = lambda obj: known.get(id(obj))
    pickler.dump(values)
    return _finished(pickling, pickler, values)


def _finished(pickling: Pickling, pickler: Any, values: Mapping[str, Any]) -> Payload:
    payload = pickling.payload
    names = pickling.scope.names
    payload.defines = any(names.get(id(value)) == name for name, value in values.items())

    def enter(meeting: Meeting, name: str, last: bool) -> set[str]:
        # The pickler stays alive with this function, and with it every object in its memo: no id is used twice.
        met = meeting.enter(pickler, name, last=last, apart=(pickling.referenced, names))
        return owners(met, pickling.links, pickling.scope.pause)

    payload.enter = enter
    return payload


def _at_any_depth(lane: Lane, values: Mapping[str, Any], scope: Scope, guarded: bool) -> Payload:
    try:
        return lane(values, scope, guarded)
    except RecursionError:
        return with_deep_stack(lambda: lane(values, scope, guarded))
