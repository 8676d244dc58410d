"""The contents of plain containers, instances and definitions: put back as they were, or those of an earlier time.

Invariant: the object stays the same; no code of the user's runs but what a metaclass answers for ``__module__``.
"""

from __future__ import annotations

import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from .pickling.scope import module_of

_LISTS = (list, bytearray)
_DICTS: tuple[type, ...] = (dict, OrderedDict, defaultdict, Counter)
_ADDED = (set, deque)
_KEPT = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__"})
_OF_CLASS = (type, classmethod, staticmethod, property, types.MemberDescriptorType, types.GetSetDescriptorType)
"""What knows the class in which it stands, and is taken for unchanged."""
_CALLED = ("__defaults__", "__kwdefaults__")


def is_definition(value: Any) -> bool:
    """Whether a value is a class or function of a notebook."""
    kind = type(value)
    return (issubclass(kind, type) or kind is types.FunctionType) and module_of(value) == "__main__"


def keep(value: Any) -> Callable[[], None] | None:
    """Return what puts the contents of a value back as they are now, None where that is not known."""
    if type(value) in _LISTS:
        return _filling(value, value[:])
    if type(value) in _DICTS:
        return _filling(value, dict(value))
    if type(value) in _ADDED:
        return _filling(value, [*value])
    if is_definition(value):
        return _defining(value, _attributes(value))
    if _is_plain(value):
        return _filling(vars(value), dict(vars(value)))
    return None


def take_on(value: Any, other: Any) -> bool:
    """Give a value the contents that another of its kind has, and return whether that could be done."""
    if isinstance(value, types.FunctionType) and isinstance(other, types.FunctionType):
        _defining(value, _attributes(other))()
    elif isinstance(value, type) and isinstance(other, type):
        _defining(value, {n: _own(v, vars(value).get(n)) for n, v in _attributes(other).items()})()
    elif type(value) is not type(other) and not (_is_plain(value) and type(value).__name__ == type(other).__name__):
        return False
    elif _is_container(value):
        _filling(value, other)()
    elif _is_plain(value):
        _filling(vars(value), vars(other))()
    else:
        return False
    return True


def _filling(value: Any, contents: Any) -> Callable[[], None]:
    def fill() -> None:
        if type(value) in _LISTS:
            value[:] = contents
            return
        value.clear()
        if type(value) is deque:
            value.extend(contents)
        else:
            # The method of dict itself: a Counter's own would add.
            (set if type(value) is set else dict).update(value, contents)

    return fill


def _defining(value: Any, attributes: dict[str, Any]) -> Callable[[], None]:
    inner = [keep(v) for v in attributes.values() if _is_container(v)]

    def define() -> None:
        now = _attributes(value)
        change, drop = _setters(value)
        for name in now.keys() - attributes.keys():
            drop(value, name)
        for name, attribute in attributes.items():
            if name not in now or now[name] is not attribute:
                change(value, name, attribute)
        for put_back in inner:
            if put_back is not None:
                put_back()

    return define


def _setters(value: Any) -> tuple[Callable[..., None], Callable[..., None]]:
    return (type.__setattr__, type.__delattr__) if isinstance(value, type) else (setattr, delattr)


def _attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, types.FunctionType):
        return {**vars(value), **{name: getattr(value, name) for name in _CALLED}}
    return {n: v for n, v in vars(value).items() if n not in _KEPT and not n.startswith("_abc_")}


def _own(earlier: Any, now: Any) -> Any:
    """Return a method as it stands in the class now, if its code has not changed: only it knows its class."""
    same = getattr(earlier, "__code__", None) == getattr(now, "__code__", 0)
    return now if same or (type(earlier) is type(now) and isinstance(now, _OF_CLASS)) else earlier


def _is_plain(value: Any) -> bool:
    cls = type(value)
    return (
        module_of(cls) == "__main__"
        and cls.__mro__[1:] == (object,)
        and type(cls.__dict__.get("__dict__")) is types.GetSetDescriptorType
    )


def _is_container(value: Any) -> bool:
    # One by one, since a class of the user's may refuse to be compared.
    return any(type(value) is kind for kind in (*_LISTS, *_ADDED, *_DICTS))
