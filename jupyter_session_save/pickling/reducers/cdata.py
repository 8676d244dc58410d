"""ctypes: values and arrays by their bytes, array types by element and length, structures by their fields.

Invariant: an address is never restored.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

from .. import code, rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


_LAYOUT = ("_pack_", "_layout_", "_align_", "_anonymous_", "_fields_")  # In the order in which they must be set.


def array_type(obj: Any, pickling: Pickling) -> Any:
    """Reduce an array type, unless it is a class of its own, to its element type and length."""
    if "_type_" in vars(obj) and obj.__bases__ == (ctypes.Array,):
        return make_array_type, (obj._type_, obj._length_)
    return code.reduce_class(obj, pickling)


def pointer_type(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pointer type to the type that it points to."""
    if "_type_" in vars(obj) and obj.__bases__ == (ctypes._Pointer,):
        return ctypes.POINTER, (obj._type_,)
    return code.reduce_class(obj, pickling)


def structure_type(obj: Any, pickling: Pickling) -> Any:
    """Reduce a structure or union of the notebook; setting its fields lays it out again."""
    reduced = code.reduce_class(obj, pickling)
    if not isinstance(reduced, tuple) or reduced[0] is not rebuild.class_:
        return reduced
    func, args, ((methods, *_), attributes, extra), *_ = reduced
    layout = {k: attributes.pop(k) for k in _LAYOUT if k in attributes}
    fields = {field[0] for field in layout.get("_fields_", ())}
    anonymous = {k for k, v in attributes.items() if type(v).__name__ == "CField"}
    # Together: a method cannot be set on such a class before the others by what sets those of ordinary ones.
    plain = {**methods.args[1], **{k: v for k, v in attributes.items() if k not in fields | anonymous}}
    # Its metaclass has no name to be imported by.
    args = (args[0], code.Call(type, obj.__bases__[0]), *args[2:])
    return func, args, (plain, extra["doc"], layout), None, None, structure_state


def pointer(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pointer to the value that it was made of; what holds any other address to a placeholder."""
    for target in (getattr(obj, "_objects", None) or {}).values() if isinstance(obj, ctypes._Pointer) else ():
        if isinstance(target, obj._type_) and ctypes.addressof(target) == ctypes.addressof(obj.contents):
            return point_to, (type(obj), target)
    return pickling.placeholder(obj, "it holds an address in the process that was saved", "make it again")


def library(obj: Any, pickling: Pickling) -> Any:
    """Reduce a loaded C library to its name."""
    pickling.note_reconnected(obj, f"loaded again: {obj._name or 'the process itself'}; set its signatures again")
    return type(obj), (obj._name,)


def value(obj: Any, pickling: Pickling) -> Any:
    """Reduce a plain value, array or structure by the protocol of ctypes."""
    try:
        return obj.__reduce_ex__(4)
    except ValueError:
        return pointer(obj, pickling)


def point_to(cls: Any, target: Any) -> Any:
    """Make a pointer."""
    return cls(target)


def make_array_type(element: Any, length: int) -> Any:
    """Make, or find, an array type."""
    return element * length


@rebuild.setter
def structure_state(made: Any, state: tuple[dict[str, Any], Any, dict[str, Any]]) -> None:
    """Fill a structure's class, then lay it out."""
    attributes, doc, layout = state
    if sys.version_info >= (3, 13):
        # From then on it is `__init__`, not `__new__`, that makes room for the layout.
        type(made).__init__(made, made.__name__, made.__bases__, {})
    for name, value_ in {**attributes, "__doc__": doc, **layout}.items():
        setattr(made, name, value_)
