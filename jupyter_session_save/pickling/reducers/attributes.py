"""Instances that plain pickling gets wrong: their attributes, read from where they lie, and in an order that helps.

Invariant: no ``__getattr__`` runs, an attribute that is not set is not set afterwards, and those of which a hash is
made are there before a set or a dict asks for the hash.
"""

from __future__ import annotations

import copyreg
import dataclasses
import gc
import types
from typing import TYPE_CHECKING, Any

from .. import code, rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_PROTOCOL = ("__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__", "__getattribute__", "__class__")
_STATES = ("__getstate__", "__setstate__")
_PLAIN = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes, range)))
_NEW = copyreg.__newobj__  # type: ignore[attr-defined]
_FEW = 200
_WRITERS = ("attr._make", "dataclasses")
_CACHED_HASH = "_attrs_cached_hash"  # Of the process that was saved: text has another hash in each.


def written_state_lacks(cls: type) -> bool:
    """Whether the state that attrs or dataclasses write for slots lacks attributes: of a subclass, or cached ones."""
    states = [_defined(cls, name) for name in _STATES]
    if any(type(s) is not types.FunctionType or s.__module__ not in _WRITERS for s in states) or not _in_python(cls):
        return False
    return bool(cls.__dictoffset__) or not _names_in_state(cls, states[0]) >= {*_slots(cls)} - {_CACHED_HASH}


def _defined(cls: type, name: str) -> Any:
    """Return what a class has under a name as it lies there: a descriptor may make another class each time."""
    return next((vars(c)[name] for c in cls.__mro__[:-1] if name in vars(c)), None)


def _names_in_state(cls: Any, getstate: Any) -> set[str]:
    if getstate.__module__ == "dataclasses":
        return {field.name for field in dataclasses.fields(cls)}
    found = dict(zip(getstate.__code__.co_freevars, getstate.__closure__ or (), strict=True))
    return {*found["state_attr_names"].cell_contents} if "state_attr_names" in found else set()


def _in_python(cls: type) -> bool:
    """Whether no base is written in C, which may keep something that no attribute shows."""
    heap = 1 << 9  # Py_TPFLAGS_HEAPTYPE
    return all(c.__flags__ & heap for c in cls.__mro__[:-1])


def whole(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance to all of its attributes."""
    return rebuild.instance, (type(obj),), state_of(obj), None, None, rebuild.object_state


def shadows_slots(cls: type) -> bool:
    """Whether a class hides a slot of a base behind something of the same name, and pickles as `object` does."""
    if not _in_python(cls) or any(name in vars(c) for c in cls.__mro__[:-1] for name in (*_PROTOCOL, *_STATES)):
        return False
    return any(_defined(cls, name) is not vars(owner)[name] for owner, name in _members(cls))


def by_slots(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance to its attributes and to what is in each slot of each of its classes."""
    slots = []
    for owner, name in _members(type(obj)):
        try:
            slots.append((owner, name, vars(owner)[name].__get__(obj)))
        except AttributeError:
            continue
    attributes = object.__getattribute__(obj, "__dict__") if type(obj).__dictoffset__ else None
    shared = (True,) if id(attributes) in pickling.scope.dicts else ()
    state = (attributes if shared else attributes or None, tuple(slots), *shared)
    return rebuild.instance, (type(obj),), state, None, None, slots_state


@rebuild.setter
def slots_state(made: Any, state: Any) -> None:
    """Set the attributes of an instance, or all at once if others have the dict, and slots through their classes."""
    attributes, slots, *shared = state
    if shared:
        object.__setattr__(made, "__dict__", attributes)
    else:
        rebuild.object_state(made, attributes)
    for owner, name, value in slots:
        vars(owner)[name].__set__(made, value)


def _members(cls: type) -> list[tuple[type, str]]:
    return [(c, k) for c in cls.__mro__[:-1] for k, v in vars(c).items() if type(v) is types.MemberDescriptorType]


def hashed_by_state(cls: type) -> bool:
    """Whether a hash written in Python may need attributes, and the way to these is that of `object`, or written."""
    if type(_defined(cls, "__hash__")) is not types.FunctionType or not _in_python(cls):
        return False
    own = [vars(c) for c in cls.__mro__[:-1]]
    if any(name in names for names in own for name in _PROTOCOL) or cls in copyreg.dispatch_table:
        return False
    states = (next((names[name] for names in own if name in names), None) for name in _STATES)
    return all(getattr(state, "__module__", "dataclasses") in _WRITERS for state in states)


def hashed(obj: Any, reduced: Any) -> Any:
    """Return a reduce that sets what cannot lead back to an instance before it makes what may hold the instance."""
    if reduced is not NotImplemented and reduced[0] not in (_NEW, rebuild.new_object, rebuild.instance):
        return reduced
    if reduced is not NotImplemented and reduced[5:] == (slots_state,):
        return reduced
    state = state_of(obj)
    first = tuple({k: v for k, v in (part or {}).items() if not _leads_back(v, obj)} for part in state)
    ahead = code.Call(rebuild.object_state, obj, first)
    return rebuild.instance, (type(obj),), (ahead, state), None, None, state_after


def _leads_back(value: Any, obj: Any) -> bool:
    """Whether something leads to an object, or to so much that it may."""
    seen: set[int] = set()
    front = [value] if id(type(value)) not in _PLAIN else []
    while front and len(seen) < _FEW and not any(one is obj for one in front):
        seen.update(map(id, front))
        front = [r for r in gc.get_referents(*front) if id(r) not in seen and id(type(r)) not in _PLAIN]
        front = [r for r in front if not issubclass(type(r), type)]
    return bool(front)


@rebuild.setter
def state_after(made: Any, state: tuple[Any, Any]) -> None:
    """Set all attributes of an instance, some of which have been set, in the order that they had."""
    if state[1][0]:
        object.__getattribute__(made, "__dict__").clear()
    rebuild.object_state(made, state[1])


def state_of(obj: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the state that `object` gives an instance, without asking the instance."""
    slots = {}
    for name in _slots(type(obj)):
        try:
            slots[name] = object.__getattribute__(obj, name)
        except AttributeError:
            continue
    if _CACHED_HASH in slots:
        slots[_CACHED_HASH] = None
    return (object.__getattribute__(obj, "__dict__") or None) if type(obj).__dictoffset__ else None, slots


def _slots(cls: type) -> list[str]:
    names: list[str] = copyreg._slotnames(cls)  # type: ignore[attr-defined]
    return names
