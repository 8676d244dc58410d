"""An unpickler in which each step that runs user code may fail alone.

The steps are those of `pickle._Unpickler`, the standard library's reference implementation in Python; what fails
becomes a placeholder, on the stack and in the memo.

Invariant: `load` raises only if the stream itself is damaged.
"""

from __future__ import annotations

import functools
import pickle
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..interrupts import stopping
from ..snapshot import Problem
from . import rebuild
from .culprit import PathFinder
from .placeholder import Placeholder
from .scope import qualname_of, type_name

if TYPE_CHECKING:
    from .unpickler import Restoring

_Base: Any = pickle._Unpickler


class GuardedUnpickler(_Base):  # type: ignore[misc]
    """The pure Python unpickler with guarded steps.

    Parameters
    ----------
    restoring : Restoring
    file : object with ``read``, ``readinto`` and ``readline``
    buffers : list of memoryview
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_Base.dispatch)

    def __init__(self, restoring: Restoring, file: Any, buffers: Iterable[Any]) -> None:
        super().__init__(file, buffers=buffers)
        self._restoring = restoring
        self.made: list[Placeholder] = []
        self._later: list[tuple[Any, Placeholder, Any]] = []

    def load(self) -> Any:
        """Unpickle, and at the end try once more what could not be hashed before it had its state."""
        values = super().load()
        for container, stand_in, element in self._later:
            try:
                hash(element)
                _exchange(container, stand_in, element)
            except stopping(rebuild.Superseded):
                raise
            except BaseException:
                continue
        return values

    def inner(self, file: Any, buffers: Iterable[Any]) -> GuardedUnpickler:
        """Return one for a stream that belongs to this one."""
        made = GuardedUnpickler(self._restoring, file, buffers)
        made.made, made._later = self.made, self._later
        return made

    def fill(self, container: Any, items: list[Any]) -> None:
        """Add items to a list or set, or keys and values in turn to a dict."""
        self.stack.append(container)
        if type(container) is list:
            self._extend(items)
        elif type(container) is dict:
            self._set(items)
        else:
            self._add(items)
        self.stack.pop()

    def find_class(self, module: str, name: str) -> Any:
        """Import a global or return a placeholder for it."""
        try:
            found = self._restoring.find(module, name)
            return super().find_class(module, name) if found is None else found
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            return self._stand_in(f"{module}.{name}", error)

    def persistent_load(self, pid: Any) -> Any:
        """Resolve a kernel object or return a placeholder for it."""
        return self._call(self._restoring.resolve_live, (pid,))

    def located(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return the problems of the placeholders that are reachable, with their paths, and tell them theirs."""
        finders = [PathFinder({name: value}) for name, value in values.items()] if self.made else []
        found = []
        for stand_in in self.made:
            old = stand_in.problem
            paths = [path for finder in finders if (path := finder.known(stand_in)) is not None]
            types = self._restoring.types
            located = [Problem(path, types.get(path, old.type), old.reason, old.advice) for path in paths]
            stand_in.problem = located[0] if located else old
            found += located
        return found

    def _stand_in(self, type_: str, error: BaseException | Placeholder) -> Placeholder:
        if isinstance(error, Placeholder):
            old = error.problem
            made = Placeholder(Problem("", type_ or old.type, old.reason, old.advice))
        else:
            made = Placeholder(Problem("", type_, *self._restoring.explain(error)))
        self.made.append(made)
        return made

    def _call(self, func: Any, args: Iterable[Any]) -> Any:
        args = tuple(args)
        if isinstance(func, Placeholder):
            return self._stand_in("", func)
        if args and isinstance(args[0], Placeholder) and (_fills(func) or func is rebuild.new_object):
            return self._stand_in("", args[0])
        try:
            return func(*args)
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            filling = _fills(func) and bool(args)
            what = type_name(type(args[0])) if filling else _described(func, args)
            made = self._stand_in(what, next(_placeholders(args), error))
            if filling:
                self._spoil(args[0], made)
            return made

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

    def load_build(self) -> None:
        """Give an instance its state."""
        instance = self.stack[-2]
        if isinstance(instance, Placeholder):
            self.stack.pop()
            return
        try:
            super().load_build()
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            made = self._stand_in(type_name(type(instance)), error)
            self._spoil(instance, made)
            self.stack[-1] = made

    dispatch[pickle.BUILD[0]] = load_build

    def load_appends(self) -> None:
        """Append items to a list or what behaves like one."""
        items = self.pop_mark()
        self._extend(items)

    dispatch[pickle.APPENDS[0]] = load_appends

    def load_append(self) -> None:
        """Append one item."""
        item = self.stack.pop()
        self._extend([item])

    dispatch[pickle.APPEND[0]] = load_append

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            return
        try:
            if isinstance(target, list):
                list.extend(target, items)
            else:
                for item in items:
                    target.append(item)
        except stopping(rebuild.Superseded):
            raise
        except BaseException as error:
            self._fail_top(target, error)

    def load_setitems(self) -> None:
        """Set items of a dict or what behaves like one."""
        items = self.pop_mark()
        self._set(items)

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def load_setitem(self) -> None:
        """Set one item."""
        value = self.stack.pop()
        key = self.stack.pop()
        self._set([key, value])

    dispatch[pickle.SETITEM[0]] = load_setitem

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            try:
                target[key] = value
            except stopping(rebuild.Superseded):
                raise
            except BaseException as error:
                if type(target) is not dict:
                    self._fail_top(target, error)
                    return
                stand_in = self._stand_in(type_name(type(key)), error)
                target[stand_in] = value
                self._later.append((target, stand_in, key))

    def load_additems(self) -> None:
        """Add items to a set or what behaves like one."""
        items = self.pop_mark()
        self._add(items)

    dispatch[pickle.ADDITEMS[0]] = load_additems

    def _add(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            return
        for item in items:
            try:
                target.add(item)
            except stopping(rebuild.Superseded):
                raise
            except BaseException as error:
                if type(target) is not set:
                    self._fail_top(target, error)
                    return
                stand_in = self._stand_in(type_name(type(item)), error)
                target.add(stand_in)
                self._later.append((target, stand_in, item))

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

    def _fail_top(self, target: Any, error: BaseException) -> None:
        made = self._stand_in(type_name(type(target)), error)
        self._spoil(target, made)
        self.stack[-1] = made


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


def _fills(func: Any) -> bool:
    return type(func) is types.FunctionType and func in rebuild.SETTERS


def _placeholders(args: tuple[Any, ...]) -> Iterator[Placeholder]:
    """Yield the placeholders among arguments and their tuples: most likely what a failed call failed for."""
    for arg in args:
        if type(arg) is Placeholder:
            yield arg
        elif type(arg) is tuple:
            yield from _placeholders(arg)


def _described(func: Any, args: tuple[Any, ...]) -> str:
    """Name what a call would have made: the class that it was given, else the callable."""
    if func in (rebuild.new_object, rebuild.new_object_ex, rebuild.instance) and args and isinstance(args[0], type):
        return type_name(args[0])
    if isinstance(func, type):
        return type_name(func)
    if isinstance(func, functools.partial):
        return {"make_class": "type", "make_function": "function"}.get(func.func.__name__, "")
    return qualname_of(func) or type_name(type(func))
