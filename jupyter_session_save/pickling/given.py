"""Attributes that a user has given to an object whose class was written without them, and pickles without them.

A frame keeps its data, a `requests.Session` what it lists, a `collections.Counter` its counts. Such a class cannot have
left out on purpose what none of its code speaks of: ``frame.source = "survey"`` comes along.

Invariant: what a class has for its own use is left to its own way, and so is all of a class of the user's that says
itself how it is pickled.
"""

from __future__ import annotations

import copyreg
import functools
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import rebuild
from .scope import is_library, module_of

if TYPE_CHECKING:
    from .pickler import Pickling
    from .plans import Plan

_IN_C = (types.SimpleNamespace, BaseException, OSError, functools.partial, set, frozenset, deque, OrderedDict)
_WHOLE = frozenset(map(id, _IN_C))
"""Classes written in C whose reduce carries all attributes."""

_HOOKS = ("__reduce_ex__", "__reduce__", "__getstate__")
_REFERENCES = frozenset(map(id, (rebuild.importable, rebuild.live, rebuild.named, rebuild.placeholder)))


def may_be_forgotten(cls: type, plan: Plan | None, *, by_name: bool) -> bool:
    """Whether a reduce that a library has written, or we for it, may leave out attributes of an instance.

    Parameters
    ----------
    cls : type
    plan : callable or None
    by_name : bool
        Whether the plan is one of `reducers`.
    """
    if not cls.__dictoffset__ or issubclass(cls, types.ModuleType) or _fills_itself(cls):
        return False
    owner = next((c for c in cls.__mro__[:-1] if any(hook in vars(c) for hook in _HOOKS)), None)
    if owner is not None and owner.__flags__ & (1 << 9):  # Py_TPFLAGS_HEAPTYPE: written in Python, mostly.
        return _is_known(owner)
    if owner is not None and plan is None:
        return id(owner) not in _WHOLE
    # What no library has written a class for is reduced to all of its attributes.
    ours = plan is not None and any(map(_is_known, cls.__mro__[:-1]))
    return by_name or owner is not None or ours or _is_registered(cls)


def _fills_itself(cls: type) -> bool:
    """Whether a library's class keeps what it was once asked for, under names that its code does not show."""
    asked = [vars(c).get("__getattr__") for c in cls.__mro__[:-1]]
    return any(type(one) is types.FunctionType and {*_words(one.__code__)} & _SETTING for one in asked)


_SETTING = {"setattr", "__setattr__", "__dict__"}


def _is_registered(cls: type) -> bool:
    return type(cls).__hash__ is type.__hash__ and cls in copyreg.dispatch_table


def _is_known(cls: type) -> bool:
    return is_library(module_of(cls))


def with_given(cls: type, otherwise: Plan | None) -> Plan:
    """Return how to reduce as a class does otherwise, and add what it leaves out of the attributes it does not know."""
    known = _known_to(cls)
    # A library sets private attributes on its objects from outside their classes, too.
    private = not _is_known(cls) or module_of(cls).partition(".")[0] in sys.stdlib_module_names

    def reduce(obj: Any, pickling: Pickling) -> Any:
        own = _attributes(obj)
        given = {} if own.keys() <= known else _given(own, known, private=private)
        if not given and otherwise is None:
            return pickling.by_reduce(obj) if pickling.guarded else NotImplemented
        reduced = pickling.by_reduce(obj) if otherwise is None else otherwise(obj, pickling)
        if given and reduced is NotImplemented:
            reduced = pickling.by_reduce(obj)
        if not given or not isinstance(reduced, tuple) or id(reduced[0]) in _REFERENCES:
            return reduced
        padded = (*reduced, *(None,) * (6 - len(reduced)))
        left = _left_out(given, own, padded)
        if not left:
            return reduced
        return (*padded[:2], (padded[5], padded[2], left), *padded[3:5], completed)

    return reduce


@rebuild.setter
def completed(made: Any, state: tuple[Any, Any, dict[str, Any]]) -> None:
    """Give an object its state in its own way, and then the attributes that this leaves out."""
    setter, own, left = state
    if setter is not None and own is not None:
        setter(made, own)
    elif own is not None and hasattr(type(made), "__setstate__"):
        made.__setstate__(own)
    elif own is not None:
        rebuild.object_state(made, own)
    object.__getattribute__(made, "__dict__").update(left)


def _attributes(obj: Any) -> dict[Any, Any]:
    try:
        own = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return {}
    return own if type(own) is dict else {}


def _given(own: dict[Any, Any], known: frozenset[str], *, private: bool) -> dict[str, Any]:
    """Return the attributes of an instance that none of its libraries' classes speaks of."""
    named = {k: v for k, v in own.items() if type(k) is str and (private or not k.startswith("_"))}
    return {k: v for k, v in named.items() if k not in known}


def _known_to(cls: type) -> frozenset[str]:
    """Return the names that the libraries' classes of a class speak of."""
    owners = (c for c in cls.__mro__[:-1] if type(c).__hash__ is type.__hash__ and _is_known(c))
    return frozenset().union(*map(_spoken_of, owners))


def _left_out(given: dict[str, Any], own: dict[str, Any], reduced: tuple[Any, ...]) -> dict[str, Any]:
    """Return those of some attributes that a reduce does not carry."""
    state = reduced[2]
    parts = [*reduced[1], state, *(state if type(state) is tuple else ())]
    dicts = [part for part in parts[len(reduced[1]) :] if type(part) is dict]
    if any(part is own for part in parts) or any(v is own for one in dicts for v in one.values()):
        return {}
    return {k: v for k, v in given.items() if not any(one.get(k, dicts) is v for one in dicts)}


@functools.lru_cache(maxsize=512)
def _spoken_of(cls: type) -> frozenset[str]:
    """Return the names that a class has, and those that its methods mention."""
    names = set(vars(cls))
    for value in list(vars(cls).values()):
        for part in _PARTS.get(type(value), lambda method: (method,))(value):
            function = part
            while type(function) is types.FunctionType:
                names.update(_words(function.__code__))
                function = vars(function).get("__wrapped__")
    return frozenset(names)


_PARTS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    staticmethod: lambda method: (method.__func__,),
    classmethod: lambda method: (method.__func__,),
    property: lambda method: (method.fget, method.fset),
    functools.cached_property: lambda method: (method.func,),
}


def _words(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if type(const) is str:
            yield const
        elif type(const) is types.CodeType:
            yield from _words(const)
        elif type(const) in (tuple, frozenset):
            yield from (one for one in const if type(one) is str)
