"""What a notebook has left in libraries: classes registered with their abstract classes, attributes set on them.

Only libraries that the namespace names are looked through: nothing else can be reached by a statement of a cell
without going through an object of one of them.

Invariant: looking runs no code of anybody, and changes nothing.
"""

from __future__ import annotations

import _abc  # type: ignore[import-not-found]
import abc
import collections.abc
import numbers
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .scope import importable_path, is_library, module_of

_SHOWN = 20


def registrations(classes: Mapping[int, str]) -> dict[int, list[type]]:
    """Return the libraries' abstract classes that know classes of the notebook as virtual subclasses.

    Parameters
    ----------
    classes : mapping of int to str
        Definitions of the notebook, by id.

    Returns
    -------
    dict of int to list of type
        By id of the registered class.
    """
    found: dict[int, list[type]] = {}
    for one in _abstract_classes():
        if is_library(module_of(one)) and importable_path(one) is not None:
            for reference in _abc._get_dump(one)[0]:
                registered = reference()
                if registered is not None and (id(registered) in classes or module_of(registered) == "__main__"):
                    found.setdefault(id(registered), []).append(one)
    return found


def _abstract_classes() -> Iterator[abc.ABCMeta]:
    """Yield every abstract class below those that people register with."""
    todo: list[Any] = [c for room in (collections.abc, numbers) for c in vars(room).values() if type(c) is abc.ABCMeta]
    todo += type.__subclasses__(abc.ABC)
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += type.__subclasses__(one)


def patches(namespace: Mapping[str, Any]) -> list[str]:
    """Return what the notebook has set in modules and classes of libraries, such as ``"pandas.DataFrame.total"``.

    Parameters
    ----------
    namespace : mapping of str to object
        The notebook's, which its functions have as their globals.
    """
    roots = {_root(value) for value in list(namespace.values())} - {""}
    found: list[str] = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in roots or name == "__main__" or not is_library(name):
            continue
        attributes = getattr(module, "__dict__", None)
        if type(attributes) is not dict:
            continue
        looked = _look(module, name, attributes, namespace)
        found += [f"{name}.{key}" for key in looked.found]
        for key in looked.classes:
            cls = attributes.get(key)
            if cls is not None and (of_class := _look(cls, name, _attributes(cls), namespace).found):
                found += [f"{name}.{key}.{k}" for k in of_class]
    return sorted(set(found))


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the attributes of a module or class were, what of them the notebook has set, and the module's classes."""

    state: int
    found: tuple[str, ...]
    classes: tuple[str, ...]


_looked: dict[int, _Looked] = {}
_attributes: Callable[[Any], Mapping[str, Any]] = type.__dict__["__dict__"].__get__
_bases: Callable[[Any], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_offset: Callable[[Any], int] = type.__dict__["__dictoffset__"].__get__
_MOST = 100_000
"""Modules and classes of which it is remembered what they are like: more than any notebook imports."""


def _look(owner: Any, name: str, attributes: Mapping[str, Any], namespace: Mapping[str, Any]) -> _Looked:
    """Look through a module or class, unless its attributes are the same objects as before: there are very many.

    Remembered are only numbers and names, so nothing is kept alive. An attribute that was deleted and replaced by
    another object in the very same place would be missed.
    """
    state = hash((id(namespace), name, *map(id, attributes.values())))
    known = _looked.get(id(owner))
    if known is None or known.state != state:
        known = _looked[id(owner)] = _looked_through(state, name, attributes, namespace)
        while len(_looked) > _MOST:
            del _looked[next(iter(_looked))]
    return known


def _looked_through(state: int, name: str, attributes: Mapping[str, Any], namespace: Mapping[str, Any]) -> _Looked:
    found, classes = list[str](), list[str]()
    plain: dict[int, type] = {}
    for key, value in list(attributes.items()):
        kind = type(value)
        if kind is types.FunctionType:  # First, as nearly all of tens of thousands are.
            if value.__globals__ is namespace:
                found.append(key)
        elif id(kind) in plain:
            continue
        elif _is_of(value, namespace):
            found.append(key)
        elif issubclass(kind, type):
            if module_of(value) == name:
                classes.append(key)
        elif _is_descriptor(kind):
            if any(_is_of(held, namespace) for held in _held(value)):
                found.append(key)
        elif kind not in (staticmethod, classmethod, property):
            plain[id(kind)] = kind
    return _Looked(state, tuple(found), tuple(classes))


def _is_descriptor(kind: type) -> bool:
    """Whether a class written in Python makes what its instances are on a class, as accessors and cached properties."""
    return any("__get__" in _attributes(base) for base in _bases(kind)) and bool(_offset(kind))


def _held(value: Any) -> list[Any]:
    """Return what is in the attributes of an instance."""
    made = next((_attributes(c)["__dict__"] for c in _bases(type(value)) if "__dict__" in _attributes(c)), None)
    if type(made) is not types.GetSetDescriptorType:  # A property, perhaps, which would run.
        return []
    own = made.__get__(value)
    return list(own.values()) if type(own) is dict else []


def told(found: list[str]) -> str:
    """Say in one line what was found."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    verb = "were" if len(found) > 1 else "was"
    shown = ", ".join(found[:_SHOWN])
    return f"{shown}{more} {verb} set in this notebook and {verb} not saved; run that cell again after a load"


def _root(value: Any) -> str:
    """Return the package that a module, class or instance comes from."""
    kind = type(value)
    if kind is types.ModuleType:
        return str(vars(value).get("__name__", "")).partition(".")[0]
    # Not `isinstance`, which asks a stranger's object for its class.
    return module_of(value if issubclass(kind, type) else kind).partition(".")[0]


def _is_of(value: Any, namespace: Mapping[str, Any]) -> bool:
    """Whether a function or class was defined in the notebook."""
    kind = type(value)
    if kind is types.FunctionType:
        return value.__globals__ is namespace
    if kind is staticmethod or kind is classmethod:
        return _is_of(value.__func__, namespace)
    if kind is property:
        return any(_is_of(part, namespace) for part in (value.fget, value.fset, value.fdel))
    return issubclass(kind, type) and module_of(value) == "__main__"
