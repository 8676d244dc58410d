"""ctypes: values and arrays by their bytes, array types by element and length, structures by their fields.

Invariant: an address is never restored, and memory that was shared is shared or the report says so.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import TYPE_CHECKING, Any

from .. import code, rebuild
from . import cmemory

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


def function_type(obj: Any, pickling: Pickling) -> Any:
    """Reduce a type of C functions to what they take and return."""
    if obj.__qualname__ in ("CFUNCTYPE.<locals>.CFunctionType", "PYFUNCTYPE.<locals>.CFunctionType"):
        return make_function_type, (obj._restype_, obj._argtypes_, obj._flags_)
    return code.reduce_class(obj, pickling)


def function(obj: Any, pickling: Pickling) -> Any:
    """Reduce a C function to the Python function that it calls, or to its library and name."""
    kept: Any = next(cmemory.kept(obj._objects), None)
    if type(kept).__name__ == "CThunkObject":
        _, called, *_ = gc.get_referents(kept)  # After the types of the arguments, before that of the result.
        return type(obj), (called,)
    name = getattr(obj, "__name__", "")
    if isinstance(kept, ctypes.CDLL) and getattr(kept, name, None) is obj:
        return getattr, (kept, name)
    return pointer(obj, pickling)


def pointer(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pointer to the value that it was made of; what holds any other address to a placeholder."""
    for target in (
        (getattr(obj, "_objects", None) or {}).values() if isinstance(obj, ctypes._Pointer) and bool(obj) else ()
    ):
        if isinstance(target, obj._type_) and ctypes.addressof(target) == ctypes.addressof(obj.contents):
            return point_to, (type(obj), target)
    return cmemory.shown(obj, pickling) or cmemory.target(obj) or _lost(obj, pickling)


def _lost(obj: Any, pickling: Pickling) -> Any:
    return pickling.placeholder(obj, "it holds an address in the process that was saved", "make it again")


def library(obj: Any, pickling: Pickling) -> Any:
    """Reduce a loaded C library to its name, and the signatures that were set."""
    pickling.note_reconnected(obj, f"loaded again: {obj._name or 'the process itself'}")
    functions = {k: f for k, f in vars(obj).items() if isinstance(f, cmemory.FUNCTION) and not k.startswith("__")}
    signatures = {k: (f.argtypes, f.restype, getattr(f, "errcheck", None)) for k, f in functions.items()}
    return type(obj), (obj._name,), signatures, None, None, set_signatures


def value(obj: Any, pickling: Pickling) -> Any:
    """Reduce a plain value, array or structure by the protocol of ctypes, unless its memory is that of another."""
    place = cmemory.shown(obj, pickling)
    if place is not None:
        return place
    try:
        return obj.__reduce_ex__(4)
    except ValueError:
        if isinstance(obj, ctypes._SimpleCData):
            return pointer(obj, pickling)
        return (cmemory.with_bytes, (type(obj), bytes(obj))) if cmemory.empty_pointers(obj) else _lost(obj, pickling)


@rebuild.setter
def set_signatures(made: Any, signatures: dict[str, tuple[Any, Any, Any]]) -> None:
    """Set what the functions of a library take and return."""
    for name, (arguments, result, check) in signatures.items():
        function = getattr(made, name)
        function.argtypes, function.restype = arguments, result
        if check is not None:
            function.errcheck = check


def make_function_type(result: Any, arguments: tuple[Any, ...], flags: int) -> Any:
    """Make, or find, a type of C functions."""
    make = ctypes.PYFUNCTYPE if flags & _PYTHON else ctypes.CFUNCTYPE
    options = (
        {} if flags & _PYTHON else {"use_errno": bool(flags & _ERRNO), "use_last_error": bool(flags & _LAST_ERROR)}
    )
    return make(result, *arguments, **options)


_PYTHON, _ERRNO, _LAST_ERROR = 0x4, 0x8, 0x10  # FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, FUNCFLAG_USE_LASTERROR


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
