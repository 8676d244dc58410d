"""Reduce instances of plain classes as the pickler would by itself, in fewer steps.

The pickler asks each instance for its ``__reduce_ex__``, ``__reduce__``, ``__getnewargs__`` and ``__getstate__``.
Where the class defines none of them the answer is known.

Invariant: the reduce is that of `object`, of the same objects; only names of private slots may be other strings.
"""

from __future__ import annotations

import copyreg
import keyword
import types
from collections.abc import Callable
from typing import Any

Reduce = Callable[[Any], Any]
Sharing = Callable[[Any, Any], Any]

_HOOKS = (
    "__reduce__ __reduce_ex__ __getstate__ __getnewargs__ __getnewargs_ex__ __getattr__ __getattribute__ __class__"
).split()
_ON_INSTANCES = frozenset(("__reduce_ex__", "__reduce__", "__getstate__"))
"""What the pickler looks for on an instance, and not on its class only."""

_HEAP_TYPE = 1 << 9
"""Set for classes that are made while the program runs (`Py_TPFLAGS_HEAPTYPE`): all that are written in Python."""


def own_way(obj: Any) -> Any:
    """Leave an object to the pickler."""
    return NotImplemented


def quick_reduce(
    obj: Any, *, dicts: Callable[[], frozenset[int]] = frozenset, sharing: Sharing | None = None
) -> Reduce | None:
    """Return how to reduce instances of the class of one that the pickler may be left alone with.

    Parameters
    ----------
    obj : object
        On which the result is tried.
    dicts : callable, optional
        Returns the ids of dicts that are variables; asked only where instances have a ``__dict__``.
    sharing : callable, optional
        Returns a reduce for an instance whose attributes are one of them, from that instance and its plain reduce.

    Returns
    -------
    callable or None
        Raises AttributeError for an instance whose slots are not all set. None for a class written in Python that has
        a way of its own, which may take long.
    """
    cls = type(obj)
    default: Any = object
    may_share = cls.__dictoffset__ and cls.__reduce__ is default.__reduce__
    left = None if cls.__flags__ & _HEAP_TYPE or may_share else own_way
    if not _is_plain(cls):
        return left
    made = _reduce_for(cls)
    try:
        same = _same(made(obj), obj.__reduce_ex__(5))
    except Exception:
        return left
    if not same:
        return left
    if sharing is None or not cls.__dictoffset__ or not (ids := dicts()):
        return made
    return _reduce_for(cls, ids, sharing)


def _is_plain(cls: type) -> bool:
    """Whether the way from a class's instance to its state is that of `object`."""
    if type(cls) is not type or cls in copyreg.dispatch_table:
        return False
    bases = [vars(base) for base in cls.__mro__[:-1]]
    dicts = [base["__dict__"] for base in bases if "__dict__" in base]
    return not any(hook in base for base in bases for hook in _HOOKS) and all(
        type(one) is types.GetSetDescriptorType for one in dicts
    )


def _reduce_for(cls: type, dicts: frozenset[int] = frozenset(), sharing: Sharing = lambda obj, plain: plain) -> Reduce:
    new, args = copyreg.__newobj__, (cls,)  # type: ignore[attr-defined]
    slots = copyreg._slotnames(cls)  # type: ignore[attr-defined]
    if not slots:

        def by_dict(obj: Any) -> Any:
            state = obj.__dict__
            # The pickler looks for these on the instance, too. Written out, since a loop takes twice as long.
            if "__reduce_ex__" in state or "__reduce__" in state or "__getstate__" in state:
                return NotImplemented
            if id(state) in dicts:
                return sharing(obj, (new, args, state or None))
            return new, args, state or None

        return by_dict
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in slots):
        return own_way
    # Written out, as in `dataclasses`, from names that are identifiers: to go through them for each instance takes
    # twice as long.
    state = ", ".join(f"{name!r}: obj.{name}" for name in slots)
    attributes = "obj.__dict__ or None" if cls.__dictoffset__ else "None"
    source = f"lambda obj: (new, args, ({attributes}, {{{state}}}))"
    made: Reduce = eval(source, {"new": new, "args": args})  # noqa: S307
    if not cls.__dictoffset__:
        return made

    def by_both(obj: Any) -> Any:
        if not _ON_INSTANCES.isdisjoint(own := obj.__dict__):
            return NotImplemented
        return sharing(obj, made(obj)) if id(own) in dicts else made(obj)

    return by_both


def _same(made: Any, reduced: Any) -> bool:
    """Whether two reduces are of the same objects."""
    new, args, state, *rest = reduced
    if made is NotImplemented or made[0] is not new or [*map(id, made[1])] != [*map(id, args)] or any(rest):
        return False
    if type(state) is not tuple:
        return made[2] is state
    (own, slots), (own_too, slots_too) = state, made[2]
    values, values_too = ([(name, id(value)) for name, value in one.items()] for one in (slots, slots_too))
    return own is own_too and values == values_too
