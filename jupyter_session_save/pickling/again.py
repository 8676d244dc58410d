"""What a placeholder keeps of the value that could not be made, so that a later load can make it where it can be made.

The steps of the stream are kept as they were given: a call, and what was done to its result. To save the placeholder is
to write those steps again. The functions in here are part of the format: never rename one.

Invariant: nothing that was stored is lost because one load could not make use of it, and nothing in here is called
but by a load.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import rebuild
from .code import Call
from .references import referable

if TYPE_CHECKING:
    from .pickler import Pickling
    from .placeholder import Placeholder

Setter = Callable[..., None]


@rebuild.setter
def built(made: Any, state: Any) -> None:
    """Give an instance its state as unpicklers do."""
    method = getattr(made, "__setstate__", None)
    if method is not None:
        method(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for name, value in (attributes or {}).items():
        made.__dict__[sys.intern(name) if type(name) is str else name] = value
    for name, value in (slots or {}).items():
        setattr(made, name, value)


@rebuild.setter
def extended(made: Any, items: list[Any]) -> None:
    """Append items to a list, or to what behaves like one."""
    extend = getattr(made, "extend", None)
    if extend is not None:
        extend(items)
    else:
        for item in items:
            made.append(item)


@rebuild.setter
def updated(made: Any, items: list[Any]) -> None:
    """Set items, keys and values in turn."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        made[key] = value


@rebuild.setter
def added(made: Any, items: list[Any]) -> None:
    """Add items to a set, or to what behaves like one."""
    if isinstance(made, set):
        set.update(made, items)
    else:
        for item in items:
            made.add(item)


@rebuild.setter
def taken(made: Any, setter: Callable[..., Any], *args: Any) -> None:
    """Call a setter that is none of ours."""
    setter(made, *args)


@rebuild.setter
def finished(made: Any, steps: tuple[None, ...]) -> None:
    """Do nothing: each step has been taken when it was read."""


def referred(module: str, path: str) -> Any:
    """Return what stands at a path of a module, if it can be what a stream has referred to."""
    return referable(rebuild.importable(module, path), module, path)


class Steps:
    """How the stream makes an object.

    Parameters
    ----------
    func : callable
        A placeholder, if it is what could not be found.
    args : tuple
    """

    __slots__ = ("_args", "_func", "_then")

    def __init__(self, func: Any, args: tuple[Any, ...]) -> None:
        self._func, self._args = func, args
        self._then: list[tuple[Setter, tuple[Any, ...]]] = []

    @property
    def name(self) -> str:
        """What is made, if it is a class or function that has a name."""
        if self._func is referred:
            return ".".join(self._args)
        return str(self._args[5]) if self._func is rebuild.class_ else ""

    @property
    def is_atomic(self) -> bool:
        """Whether copies of what is made are the very object, as those of classes, functions and modules."""
        return id(self._func) in _REGISTERING or self._func is referred or self._func is rebuild.module

    @property
    def target(self) -> Any:
        """What a call of a setter is for."""
        return self._args[0] if self._args else None

    def copied(self, each: Callable[[Any], Any] = lambda args: args) -> Steps:
        """Return the same steps with copies of their arguments."""
        made = Steps(self._func, each(self._args))
        made._then = [(setter, each(args)) for setter, args in self._then]
        return made

    def take(self, other: Steps) -> None:
        """Note a call that was for this object."""
        self.add(taken, (other._func, *other._args[1:]))

    def held(self) -> list[Any]:
        """Return what the object may lead to."""
        return [*self._args, *(arg for _, args in self._then for arg in args)]

    def add(self, setter: Setter, args: tuple[Any, ...]) -> None:
        """Note what the stream does next to the object."""
        if setter is not finished:
            self._then.append((setter, args))

    def reduced(self, stand_in: Placeholder, pickling: Pickling) -> Any:
        """Return the reduce that writes the steps again."""
        args = _given(self._args, pickling)
        if id(self._func) in _REGISTERING and args[0] is not None and pickling.values.get(args[0]) is not stand_in:
            args = (None, *args[1:])  # It has been bound to another name since, and is none of the session's own.
        if self._func is referred:
            pickling.modules.add(args[0].partition(".")[0])
        if not self._then:
            return self._func, args
        # Each at its place, since what comes next may need it.
        then = tuple(Call(setter, stand_in, *_given(given, pickling)) for setter, given in self._then)
        return self._func, args, then, None, None, finished


_REGISTERING = frozenset(id(getattr(rebuild, name)) for name in rebuild.CONTEXTUAL[2:])
"""Ids of the functions that make definitions, since the func of others need have no hash."""


class Raw:
    """A buffer of the stream, as an argument of a step.

    Parameters
    ----------
    view : memoryview
    """

    __slots__ = ("view",)

    def __init__(self, view: memoryview) -> None:
        self.view = view

    def __deepcopy__(self, memo: dict[int, Any]) -> Raw:
        """Return the same: a load makes memory of its own for each."""
        return self


def with_raw(args: tuple[Any, ...], raw: Mapping[int, memoryview]) -> tuple[Any, ...]:
    """Return arguments with the stream's own buffers told from views that are values."""
    return tuple(Raw(arg) if id(arg) in raw else arg for arg in args)


def _given(args: tuple[Any, ...], pickling: Pickling) -> tuple[Any, ...]:
    return tuple(pickling.out_of_band(arg.view) if type(arg) is Raw else arg for arg in args)


def reduced(stand_in: Placeholder, pickling: Pickling) -> Any:
    """Return the reduce of a placeholder that stands in the namespace, and report it."""
    old = stand_in.problem
    if stand_in._steps is None:
        pickling.payload.problems += [replace(old, path=path) for path in pickling.paths(stand_in)]
        return rebuild.placeholder, (old.path, old.type, old.reason, old.advice)
    pickling.remade = True
    path = pickling.finder.known(stand_in)
    if path is not None:  # Else it is within another one, or in an array.
        pickling.payload.again.append(replace(old, path=path))
    return stand_in._steps.reduced(stand_in, pickling)
