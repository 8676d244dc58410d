"""An unpickler in which each step that runs user code may fail alone.

The steps are those of `pickle._Unpickler`, the standard library's reference implementation in Python; what fails
becomes a placeholder, on the stack and in the memo.

Invariant: `load` raises only if the stream itself is damaged.
"""

from __future__ import annotations

import operator
import pickle
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..interrupts import stopping
from ..snapshot import Problem
from . import again, rebuild
from .again import Setter, Steps, with_raw
from .calls import asks, described, fills, is_own, is_users
from .placeholder import Placeholder
from .references import is_stub, referable
from .scope import is_library, module_of, type_name
from .whereabouts import held_in, located

if TYPE_CHECKING:
    from .unpickler import Restoring

_Base: Any = pickle._Unpickler


class GuardedUnpickler(_Base):  # type: ignore[misc]
    """The pure Python unpickler with guarded steps.

    Parameters
    ----------
    restoring : Restoring
    file : object with ``read``, ``readinto`` and ``readline``
    buffers : iterable of memoryview
    known : collection of object
        What the stream takes from its buffers before them.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_Base.dispatch)

    def __init__(self, restoring: Restoring, file: Any, buffers: Iterable[Any], known: Collection[Any] = ()) -> None:
        super().__init__(file, buffers=chain(known, buffers))
        self._restoring = restoring
        self._known = len(known)
        self.made: list[Placeholder] = []
        self._later: list[tuple[Any, Placeholder, Any]] = []
        self._bound: dict[int, tuple[Any, Any]] = {}
        self._raw: dict[int, memoryview] = {}
        self._live = restoring.resolve_live
        self._bound[id(self._live)] = self._live, rebuild.live
        self._handed: list[Any] = []
        self._dropped = False

    def load(self) -> Any:
        """Unpickle, and at the end try once more what could not be hashed before it had its state."""
        values = super().load()
        for container, stand_in, element in self._later:
            try:
                hash(element)
                _exchange(container, stand_in, element)
                self.made.remove(stand_in)
            except stopping(rebuild.Superseded):
                raise
            except BaseException:
                continue
        return values

    def inner(self, file: Any, buffers: Iterable[Any], known: Collection[Any]) -> GuardedUnpickler:
        """Return one for a stream that belongs to this one."""
        made = GuardedUnpickler(self._restoring, file, buffers, known)
        for shared in ("made", "_later", "_bound", "_raw", "_handed"):
            setattr(made, shared, getattr(self, shared))
        return made

    def fill(self, container: Any, items: list[Any]) -> None:
        """Add items to a list or set, or keys and values in turn to a dict."""
        self.stack.append(container)
        if type(container) is list:
            self._step(again.extended, items)
        elif type(container) is dict:
            self._set(items)
        else:
            self._add(items)
        self.stack.pop()

    def find_class(self, module: str, name: str) -> Any:
        """Import a global or return a placeholder for it."""
        try:
            found = self._restoring.find(module, name)
            if found is None:
                found = referable(super().find_class(module, name), module, name)
                self._note_stub(found, module, name)
                return found
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            made = self._stand_in(f"{module}.{name}", error)
            made._steps = None if module == "__main__" else Steps(again.referred, (module, name))
            return made
        if module != "__main__":
            self._bound[id(found)] = found, getattr(sys.modules[module], name)
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Resolve a kernel object or return a placeholder for it."""
        return self._call(self._live, (pid,))

    @property
    def is_whole(self) -> bool:
        """Whether every placeholder is where the value was, and knows how to make it where that is possible."""
        return not (self._dropped or self._handed) and all(stand_in._steps is not None for stand_in in self.made)

    def located(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return the problems of the placeholders that are reachable, with their paths, and tell them theirs."""
        problems, self._dropped = located(self.made, values, self._restoring.types)
        return problems

    def _stand_in(self, type_: str, error: BaseException | Placeholder) -> Placeholder:
        if isinstance(error, Placeholder):
            old = error.problem
            named = "" if error._steps is None else error._steps.name
            made = Placeholder(Problem("", type_ or named or old.type, old.reason, old.advice))
        else:
            made = Placeholder(Problem("", type_, *self._restoring.explain(error)))
        self.made.append(made)
        return made

    def _call(self, func: Any, args: Iterable[Any]) -> Any:
        args = tuple(args)
        filling = fills(func) and bool(args)
        if filling and isinstance(args[0], Placeholder):
            args[0]._note(func, *with_raw(args[1:], self._raw))
            return None
        asked = (func, *args[:1]) if asks(func) else (func,)
        lacking = next((one for one in asked if isinstance(one, Placeholder)), None)
        if lacking is not None:
            return self._later_made(self._stand_in("", lacking), func, args)
        cause = next(held_in(args), None)
        if cause is not None and is_users(func, args):
            self._handed.append(func)
        try:
            made = func(*args)
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            what = type_name(type(args[0])) if filling else described(func, args)
            stand_in = self._stand_in(what, error if type(cause) is not Placeholder else cause)
            if filling:
                self._spoil(args[0], stand_in)
            # Code of the user's may have changed what it was given.
            elif self._is_harmless(func, error) or (cause is not None and is_library(module_of(func))):
                self._later_made(stand_in, func, args)
            return stand_in
        if func is again.referred:
            self._note_stub(made, *args)
        return made

    def _is_harmless(self, func: Any, error: BaseException) -> bool:
        """Whether a call that failed left its arguments as they were: one of ours, or of a stub for what is missing."""
        public = self._public(func)
        if type(public) is Placeholder:
            return isinstance(error, ImportError) or not callable(func)
        return is_own(public)

    def _later_made(self, stand_in: Placeholder, func: Any, args: tuple[Any, ...]) -> Placeholder:
        """Let a placeholder know how to make what it stands for, unless that is a variable that may be gone by then."""
        if self._public(func) is not rebuild.named:
            func, *given = (self._public(one) for one in (func, *with_raw(args, self._raw)))
            stand_in._steps = Steps(func, tuple(given))
        return stand_in

    def _public(self, one: Any) -> Any:
        """Return what another load binds to itself in the same way, or finds where a stub stands here."""
        if type(one) is tuple and any(id(part) in self._bound for part in one):
            return tuple(map(self._public, one))
        return self._bound[id(one)][1] if id(one) in self._bound else one

    def _note_stub(self, found: Any, module: str, name: str) -> None:
        if is_stub(found, module, name):
            reference = Placeholder(Problem("", f"{module}.{name}", f"it is {type_name(type(found))} here"))
            reference._steps = Steps(again.referred, (module, name))
            self._bound[id(found)] = found, reference

    def _spoil(self, spoiled: Any, stand_in: Placeholder) -> None:
        """Put a placeholder wherever the unpickler itself still holds a half-made object."""
        self._restoring.discard(spoiled)
        for key, value in self.memo.items():
            if value is spoiled:
                self.memo[key] = stand_in
        for stack in (self.stack, *self.metastack):
            for position, value in enumerate(stack):
                if value is spoiled:
                    stack[position] = stand_in

    def load_reduce(self) -> None:
        """Call a reconstructor."""
        args = self.stack.pop()
        func = self.stack[-1]
        self.stack[-1] = self._call(func, args)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_pop(self) -> None:
        """Drop something: what a call has returned that was made for what it does to its first argument."""
        top = self.stack[-1] if self.stack else None
        super().load_pop()
        if type(top) is not Placeholder or top._steps is None:
            return
        fresh = bool(self.made) and self.made[-1] is top and not any(value is top for value in self.memo.values())
        if not fresh or not self.stack:
            return
        target, steps = self.stack[-1], top._steps
        if target is steps.target and type(target) is not Placeholder:
            top._steps = None
            self._spoil(target, top)
            return
        # It is kept as a step, or it is an object that was met again within its own arguments and is made twice.
        self.made.pop()
        if target is steps.target and target._steps is not None:
            target._steps.take(steps)

    dispatch[pickle.POP[0]] = load_pop

    def load_newobj(self) -> None:
        """Make an instance."""
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._call(rebuild.new_object, (cls, *args)))

    dispatch[pickle.NEWOBJ[0]] = load_newobj

    def load_newobj_ex(self) -> None:
        """Make an instance with keyword arguments."""
        kwargs = self.stack.pop()
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._call(rebuild.new_object_ex, (cls, args, kwargs)))

    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex

    def load_next_buffer(self) -> None:
        """Take the next buffer, or what comes first in the memo."""
        super().load_next_buffer()
        if self._known:
            self._known -= 1
        else:
            self._raw[id(self.stack[-1])] = self.stack[-1]

    dispatch[pickle.NEXT_BUFFER[0]] = load_next_buffer

    def load_readonly_buffer(self) -> None:
        """Take care that a buffer is not written to."""
        super().load_readonly_buffer()
        self._raw[id(self.stack[-1])] = self.stack[-1]

    dispatch[pickle.READONLY_BUFFER[0]] = load_readonly_buffer

    def _step(self, setter: Setter, value: Any) -> None:
        """Do something to what is on top of the stack, or note it if that could not be made."""
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            target._note(setter, value)
            return
        if is_users(setter, (target,)) and next(held_in((value,)), None) is not None:
            self._handed.append(target)
        try:
            setter(target, value)
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            made = self._stand_in(type_name(type(target)), error)
            self._spoil(target, made)
            self.stack[-1] = made

    def load_build(self) -> None:
        """Give an instance its state."""
        self._step(again.built, self.stack.pop())

    dispatch[pickle.BUILD[0]] = load_build

    def load_appends(self) -> None:
        """Append items to a list or what behaves like one."""
        self._step(again.extended, self.pop_mark())

    dispatch[pickle.APPENDS[0]] = load_appends

    def load_append(self) -> None:
        """Append one item."""
        self._step(again.extended, [self.stack.pop()])

    dispatch[pickle.APPEND[0]] = load_append

    def load_setitems(self) -> None:
        """Set items of a dict or what behaves like one."""
        self._set(self.pop_mark())

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def load_setitem(self) -> None:
        """Set one item."""
        value = self.stack.pop()
        key = self.stack.pop()
        self._set([key, value])

    dispatch[pickle.SETITEM[0]] = load_setitem

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            self._step(again.updated, items)
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._file(target, partial(operator.setitem, target), key, value)

    def load_additems(self) -> None:
        """Add items to a set or what behaves like one."""
        self._add(self.pop_mark())

    dispatch[pickle.ADDITEMS[0]] = load_additems

    def _add(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not set:
            self._step(again.added, items)
            return
        for item in items:
            self._file(target, target.add, item)

    def _file(self, container: Any, put: Callable[..., None], element: Any, *value: Any) -> None:
        """Put an element into a set, or a key with its value into a dict, or a placeholder if it has no hash yet."""
        try:
            put(element, *value)
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            stand_in = self._stand_in(type_name(type(element)), error)
            put(stand_in, *value)
            self._later.append((container, stand_in, element))

    def load_frozenset(self) -> None:
        """Make a frozenset."""
        items = []
        for item in self.pop_mark():
            try:
                hash(item)
                items.append(item)
            except stopping(rebuild.Superseded):
                raise
            except BaseException as error:
                items.append(self._stand_in(type_name(type(item)), error))
        self.append(self._call(frozenset, (items,)))

    dispatch[pickle.FROZENSET[0]] = load_frozenset


def _exchange(container: Any, stand_in: Placeholder, element: Any) -> None:
    """Put an element of a set, or a key of a dict, where a placeholder stands."""
    if type(container) is set:
        container.add(element)
        container.discard(stand_in)
    elif stand_in in container:
        pairs = [(element if key is stand_in else key, value) for key, value in container.items()]
        whole = dict(pairs)
        container.clear()
        container.update(whole)
