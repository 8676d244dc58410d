"""How instances are pickled whose classes make, answer for or fill them in a way of their own.

Invariant: no ``__new__``, ``__getattr__`` or overridden method of a container runs before the state is there.
"""

from __future__ import annotations

import copyreg
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import rebuild
from .reducers import attributes

if TYPE_CHECKING:
    from .pickler import Pickling
    from .plans import Plan

Reduced = tuple[Any, ...]
Reduce = Callable[[Any], Any]


def reduce_instance(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance whose class has a ``__new__`` of its own, which may count or return one it knows."""
    reduced = pickling.by_reduce(obj)
    if isinstance(reduced, tuple) and reduced[0] in (copyreg.__newobj__, rebuild.new_object):  # type: ignore[attr-defined]
        cls, *args = reduced[1]
        if cls is type(obj) and not args:
            return rebuild.instance, (cls,), *reduced[2:]
        base = next((c for c in cls.__mro__ if vars(c).get("__new__") is c.__new__ and c is not object), None)
        if base is not None and cls.__getnewargs__ is getattr(base, "__getnewargs__", None):
            return rebuild.raw_member, (cls, base, tuple(args)), *reduced[2:]
        if isinstance(obj, tuple) and [*map(id, args)] == [*map(id, tuple.__iter__(obj))]:  # As of a named tuple.
            return rebuild.raw_member, (cls, tuple, (tuple(args),)), *reduced[2:]
    return reduced


def reduce_shy(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance whose class has a ``__getattr__``, which must not be asked before the state is there."""
    reduced = pickling.by_reduce(obj)
    if not isinstance(reduced, tuple):
        return reduced
    padded = [*reduced, *(None,) * (6 - len(reduced))]
    if padded[2] is None or padded[5] is not None:
        return reduced
    if type(padded[2]) is tuple and getattr(type(obj), "__getstate__", None) is object.__getstate__:
        padded[2] = attributes.state_of(obj)  # Without what `__getattr__` said for slots that are not set.
    return (*padded[:5], rebuild.object_state)


def reduce_container(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance of a notebook's subclass of list, dict or set: its state before its items.

    Methods that it overrides may need the state, and must not run when items are put back.
    """
    base: Any = next(c for c in type(obj).__mro__ if c in rebuild.CONTAINERS)
    factory = obj.default_factory if base is defaultdict else None
    items = tuple(base.__iter__(obj)) if base in (list, set) else ()
    pairs = () if base in (list, set) else tuple(base.items(obj))
    args = (type(obj), base, factory)
    if _is_its_attributes(obj):
        return rebuild.container, args, (None, items, pairs), None, None, filled_with_attributes
    return rebuild.container, args, (obj.__getstate__(), items, pairs), None, None, rebuild.filled


def reduce_dict(obj: Any, pickling: Pickling, otherwise: Plan | None) -> Any:
    """Reduce an instance of a module's subclass of dict, which `pickle` would part from its attributes."""
    if _is_its_attributes(obj) and next(c for c in type(obj).__mro__ if c in rebuild.CONTAINERS) is dict:
        return reduce_container(obj, pickling)
    if otherwise is not None:
        return otherwise(obj, pickling)
    return pickling.by_reduce(obj) if pickling.guarded else NotImplemented


def reduce_sharing(obj: Any, pickling: Pickling, otherwise: Plan | None) -> Any:
    """Reduce an instance whose ``__dict__`` others may have, too: it is put back as a whole, not item by item."""
    reduced = pickling.by_reduce(obj) if otherwise is None else otherwise(obj, pickling)
    return sharing(obj, reduced) if isinstance(reduced, tuple) else reduced


def watching(reduce: Reduce, pickling: Pickling) -> Reduce:
    """Return a reduce that lets an instance and a variable, after ``d = vars(obj)``, have one dict."""
    dicts: frozenset[int] | None = None

    def watched(obj: Any) -> Any:
        nonlocal dicts
        reduced = reduce(obj)
        state = reduced[2] if reduced is not NotImplemented and len(reduced) > 2 else None
        if dicts is None:
            if not type(obj).__dictoffset__:
                return reduced
            dicts = pickling.scope.dicts
        if type(state) is dict and id(state) not in dicts:
            return reduced
        if not dicts or not type(obj).__dictoffset__ or id(_attributes(obj)) not in dicts:
            return reduced
        return sharing(obj, pickling.by_reduce(obj) if reduced is NotImplemented else reduced)

    return watched


def sharing(obj: Any, reduced: Any) -> Any:
    """Return a reduce that puts the ``__dict__`` of an instance back as a whole, if it does so item by item."""
    if hasattr(type(obj), "__setstate__") or reduced[0] not in _MAKERS:
        return reduced
    own = object.__getattribute__(obj, "__dict__")
    padded = [*reduced, *(None,) * (6 - len(reduced))]
    attributes, *slots = state if type(state := padded[2]) is tuple and len(state) == 2 else (state,)
    if type(own) is not dict or (attributes is not own and padded[2] is not None) or padded[5] not in _ITEM_BY_ITEM:
        return reduced
    return (*padded[:2], (own, *slots) if slots else own, *padded[3:5], with_attributes)


_MAKERS = (copyreg.__newobj__, rebuild.new_object, rebuild.instance, rebuild.raw_member)  # type: ignore[attr-defined]
_ITEM_BY_ITEM = (None, rebuild.object_state, rebuild.raw_state)


@rebuild.setter
def with_attributes(made: Any, state: dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an instance a ``__dict__``, and what is in its slots."""
    attributes, slots = state if type(state) is tuple else (state, None)
    object.__setattr__(made, "__dict__", attributes)
    rebuild.object_state(made, (None, slots))


def _is_its_attributes(obj: Any) -> bool:
    """Whether a dict is that of its own attributes, by ``self.__dict__ = self``, and does not say how it is kept."""
    if any(hook in vars(c) for c in type(obj).__mro__[:-1] for hook in ("__getstate__", "__setstate__")):
        return False
    return _attributes(obj) is obj


def _attributes(obj: Any) -> Any:
    try:
        return object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return None


@rebuild.setter
def filled_with_attributes(made: Any, state: tuple[Any, tuple[Any, ...], tuple[Any, ...]]) -> None:
    """Make a dict that of its own attributes, and give it its items."""
    object.__setattr__(made, "__dict__", made)
    rebuild.filled(made, state)
