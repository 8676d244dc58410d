"""How functions, classes, cells and code are pickled by value, in two phases: an empty skeleton, then its state.

Invariant: a cycle through functions, classes and their instances always passes a skeleton that is already
memoized; the globals of a restored function are the namespace itself.
"""

from __future__ import annotations

import _abc  # type: ignore[import-not-found]
import abc
import builtins
import contextlib
import enum
import gc
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

from . import generated, generics, rebuild, source, spans
from .scope import (
    globals_in,
    importable_path,
    made_by_hand,
    module_of,
    names_in,
    own_name,
    qualname_of,
    reloaded_path,
)

if TYPE_CHECKING:
    from .pickler import Pickling

Reduced = tuple[Any, ...]

_NOT_STATE = frozenset(
    "__slots__ _abc_impl __abstractmethods__ __classcell__ __doc__ __module__ __qualname__ "
    # What `copyreg` notes on a class when an instance is pickled for the first time.
    "__slotnames__".split()
)

# How the names of files begin in which libraries compile methods, with a copy of the namespace as their globals.
_COPYISTS = ("<attrs generated ", "<decorator-gen-", "<makefun-gen-")


class Call:
    """A call to be made while unpickling, at the place in the stream where it stands."""

    __slots__ = ("args", "func")

    def __init__(self, func: Any, *args: Any) -> None:
        self.func, self.args = func, args

    def __reduce__(self) -> Reduced:
        """Pickle as the call."""
        return self.func, self.args


def reduce_function(func: types.FunctionType, pickling: Pickling) -> Any:
    """Reduce a function: by reference where it can be found again, else its code and its surroundings."""
    referred = _reference(func, pickling)
    if referred is not None:
        return referred
    closure = func.__closure__ or ()
    if pickling.scope.is_live_globals(func.__globals__):
        used = globals_in(func.__code__)
        pickling.payload.globals |= used
        pickling.mentions.update(pickling.scope.saved & used)
    pickling.payload.names |= names_in(func.__code__)
    pickling.announced.update(id(cell) for cell in closure)
    try:
        notes = func.__annotations__
    except Exception:
        notes = {}
    state = {
        "qualname": interned(func.__qualname__),
        "module": interned(func.__module__),
        "doc": func.__doc__,
        "defaults": func.__defaults__,
        "kwdefaults": func.__kwdefaults__,
        "annotations": notes,
        "dict": func.__dict__,
        "type_params": getattr(func, "__type_params__", ()),
        "cells": tuple((cell, cell_contents(cell)) for cell in closure),
    }
    args = (pickling.name_of(func), func.__code__, globals_of(func, pickling), interned(func.__name__), closure)
    return rebuild.function, args, state, None, None, rebuild.function_state


def interned(text: Any) -> Any:
    """Return one object for equal names: which strings are the same object shows in a pickle's memo."""
    return sys.intern(text) if type(text) is str else text


def globals_of(func: types.FunctionType, pickling: Pickling) -> tuple[str, Any]:
    """Say which globals a function has: the live namespace, a module's, or a dict of its own."""
    if pickling.scope.is_live_globals(func.__globals__):
        return "namespace", None
    module = func.__globals__.get("__name__")
    holder: Any = sys.modules.get(module) if type(module) is str else None
    if getattr(holder, "__dict__", None) is func.__globals__:
        if made_by_hand(holder):
            return "dynamic", holder
        pickling.modules.add(str(module).partition(".")[0])
        return "module", module
    for holder in gc.get_referrers(func.__globals__):
        if type(holder) is types.ModuleType and vars(holder) is func.__globals__:
            return "dynamic", holder
    return "own", _used_of(func) if func.__code__.co_filename.startswith(_COPYISTS) else func.__globals__


def _used_of(func: types.FunctionType) -> dict[str, Any]:
    """Return the globals that a generated method can use: the rest is a copy of what the notebook held at the time."""
    used = {"__builtins__", "__name__", *globals_in(func.__code__)}
    for note in (n for n in func.__annotations__.values() if type(n) is str):
        with contextlib.suppress(SyntaxError, ValueError):
            used |= names_in(compile(note, "", "eval"))
    return {name: value for name, value in func.__globals__.items() if name in used}


def cell_contents(cell: types.CellType) -> tuple[Any, ...]:
    """Return the contents as a tuple of one, or of none if the cell is empty."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def reduce_cell(cell: types.CellType, pickling: Pickling) -> Reduced:
    """Reduce a cell, empty if a function that is being pickled brings its contents."""
    if id(cell) in pickling.announced:
        return rebuild.cell, ()
    return rebuild.cell, (), cell_contents(cell), None, None, rebuild.cell_state


def reduce_code(code: types.CodeType, pickling: Pickling) -> Reduced:
    """Reduce a code object to bytecode for this Python minor and source for the others."""
    text, span = spans.located(code)
    return rebuild.code, (
        source.MAGIC,
        source.dump_code(code),
        text,
        interned(code.co_filename),
        code.co_firstlineno,
        interned(code.co_name),
        code.co_freevars,
        code.co_flags,
        interned(code.co_qualname),
        *((span,) if span else ()),
    )


def reduce_class(cls: type, pickling: Pickling) -> Any:
    """Reduce a class: by reference where it can be found again, else its skeleton, then its attributes."""
    builtin = _builtin_class(cls)
    if builtin is not None:
        return builtin
    referred = _reference(cls, pickling)
    if referred is not None:
        return referred
    own = dict(type.__dict__["__dict__"].__get__(cls))
    slots = own.get("__slots__")
    fixed = {} if slots is None else {"__slots__": slots if type(slots) is str else tuple(slots)}
    if type(own.get("__module__", "")) is not str:
        fixed["__module__"] = own["__module__"]  # None for what sympy makes of a function's name.
    methods: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    written, left_out = _written_again(cls, own, pickling)
    for key, value in own.items():
        if key in _NOT_STATE or key in left_out or _is_layout(value, cls):
            continue
        if key == "__subclasshook__" and generics.is_protocol_hook(value):
            methods[key] = Call(generics.protocol_hook, cls)
        elif _is_settable(key, type(cls)):
            fixed[key] = value
        elif any(type(value) is kind for kind in (types.FunctionType, staticmethod, classmethod, property)):
            methods[key] = value
        else:
            attributes[key] = value
    is_abc = "_abc_impl" in own
    state = (
        # Methods first: instances among the attributes may need `__setstate__` or `__hash__` to be rebuilt.
        (Call(rebuild.class_attributes, cls, methods), *written, *_raw_members(cls), *_registered_again(cls)),
        attributes,
        {"doc": own.get("__doc__"), "abc": is_abc, "virtual": _virtual_subclasses(cls) if is_abc else ()},
    )
    registered = pickling.scope.registered_with(cls)
    if registered:
        state[2]["registered"] = registered
    names = interned(cls.__name__), interned(cls.__qualname__), interned(module_of(cls))
    args = (pickling.name_of(cls), type(cls), names[0], cls.__bases__, fixed, *names[1:])
    return rebuild.class_, args, state, None, None, rebuild.class_state


def _registered_again(cls: Any) -> tuple[Call, ...]:
    """Return the calls that register a class with jax once more, if it was."""
    meta: Any = type(cls)
    if "jax._src.tree_util" not in sys.modules or meta.__hash__ is not type.__hash__:
        return ()
    from .reducers import trees

    return tuple(Call(function, *args) for function, args in trees.registrations(cls))


def _written_again(cls: type, own: dict[str, Any], pickling: Pickling) -> tuple[tuple[Call, ...], set[str]]:
    """Return the calls that write generated methods again, and the names of what they write."""
    methods = generated.dataclass_methods(own)
    left_out = methods.keys() | generated.versioned(own)
    if left_out:
        if id(cls) in pickling.announced:
            return (), left_out
        params = own["__dataclass_params__"]
        settings = {key: getattr(params, key) for key in type(params).__slots__}
        fields = tuple(own["__dataclass_fields__"].values())
        former = generated.without_slots(cls, methods)
        pickling.announced.add(id(former))
        live = any(pickling.scope.is_live_globals(f.__globals__) for f in methods.values())
        where = (Call(rebuild.live, "namespace"),) if live else ()
        call = Call(generated.write_dataclass, cls, settings, fields, generated.described(methods), former, *where)
        return (call,), left_out
    methods = generated.named_tuple_methods(cls.__name__, own)
    if methods:
        call = Call(generated.write_named_tuple, cls, tuple(own["_fields"]), generated.described(methods))
        return (call,), {*methods}
    return (), set()


def reduce_named_generic(obj: Any, pickling: Pickling) -> Any:
    """Reduce a TypeVar, ParamSpec, TypeVarTuple, NewType or type alias."""
    referred = _reference(obj, pickling)
    if referred is not None:
        return referred
    cls, register = type(obj), pickling.name_of(obj)
    if cls is typing.NewType:
        made_of = "__name__", "__qualname__", "__supertype__", "__module__"
        added = {k: v for k, v in vars(obj).items() if k not in made_of}
        args = register, obj.__name__, obj.__supertype__, module_of(obj)
        return (rebuild.new_type, args, added, None, None, rebuild.raw_state) if added else (rebuild.new_type, args)
    if cls.__name__ == "TypeAliasType":
        made_from, value = generics.alias_arguments(obj)
        return rebuild.type_alias, (register, *made_from), value, None, None, generics.give_value
    options = {}
    for flag in ("covariant", "contravariant", "infer_variance"):
        if getattr(obj, f"__{flag}__", False):
            options[flag] = True
    if getattr(obj, "__bound__", None) is not None:
        options["bound"] = obj.__bound__
    if hasattr(obj, "has_default") and obj.has_default():
        options["default"] = obj.__default__
    constraints = getattr(obj, "__constraints__", ())
    return rebuild.type_variable, (register, cls.__name__, obj.__name__, constraints, options, module_of(obj))


def reduce_enum_member(member: enum.Enum, pickling: Pickling) -> Any:
    """Reduce a member of a notebook's Enum: by name if its class travels apart, raw if they travel together."""
    cls = type(member)
    if importable_path(cls) is not None:
        pickling.referenced.add(id(member))
        return NotImplemented
    if pickling.refers_to(cls):
        pickling.referenced.add(id(member))
        if cls._member_map_.get(member._name_) is member:
            return rebuild.enum_member, (cls, member._name_)
        return rebuild.enum_value, (cls, member._value_)
    state = dict(member.__dict__)
    if cls._member_map_.get(member._name_) is member:
        return rebuild.enum_member, (cls, member._name_), state, None, None, rebuild.raw_state
    return rebuild.raw_member, (cls, *_member_args(member)), state, None, None, rebuild.raw_state


def _raw_members(cls: type) -> tuple[Call, ...]:
    """Make the members of an Enum before anything that may refer to them."""
    members = vars(cls).get("_member_map_") if issubclass(cls, enum.Enum) else None
    if not members:
        return ()
    made = {name: _member_args(member) for name, member in members.items() if member._name_ == name}
    return (Call(rebuild.raw_members, cls, made),)


def _member_args(member: enum.Enum) -> tuple[type, tuple[Any, ...]]:
    data_type = getattr(type(member), "_member_type_", object)
    return data_type, data_type.__getnewargs__(member) if hasattr(data_type, "__getnewargs__") else ()


def reduce_module(module: types.ModuleType, pickling: Pickling) -> Reduced:
    """Reduce a module to its import, or to its contents if it stands in no file."""
    name = own_name(module)
    imported = bool(name) and sys.modules.get(name) is module
    if imported and not made_by_hand(module):
        pickling.modules.add(name.partition(".")[0])
        pickling.referenced.add(id(module))
        return rebuild.module, (interned(name),)
    contents = {k: v for k, v in vars(module).items() if k not in ("__builtins__", "__loader__", "__spec__")}
    make = rebuild.imported_module if imported else rebuild.dynamic_module
    return make, (name, module.__doc__), contents, None, None, rebuild.raw_state


def reduce_method(method: types.MethodType, pickling: Pickling) -> Reduced:
    """Reduce a bound method to its function and its object."""
    return types.MethodType, (method.__func__, method.__self__)


def _reference(obj: Any, pickling: Pickling) -> Any:
    """Return how to refer to a definition instead of pickling it, None if it must travel by value."""
    imported = pickling.scope.imported.get(id(obj))
    if imported is not None:
        pickling.modules.add(imported[1])
        pickling.referenced.add(id(obj))
        return NotImplemented
    if pickling.refers_to(obj):
        name = pickling.scope.names[id(obj)]
        pickling.refs.add(name)
        pickling.referenced.add(id(obj))
        return rebuild.named, (name,)
    if id(obj) in pickling.scope.names:
        return None
    path = importable_path(obj)
    if path is not None:
        pickling.modules.add(path[0].partition(".")[0])
        pickling.referenced.add(id(obj))
        if path != (module_of(obj), qualname_of(obj)):
            return rebuild.importable, path
        pickling.scope.imported[id(obj)] = obj, path[0].partition(".")[0]
        return NotImplemented
    path = reloaded_path(obj)
    if path is not None:
        pickling.referenced.add(id(obj))
        pickling.modules.add(path[0].partition(".")[0])
        kind = "instances get the new class" if isinstance(obj, type) else "the new function is used"
        pickling.note_reconnected(obj, f"{path[0]}.{path[1]} was reloaded since it was used here; {kind} at load")
        return rebuild.importable, path
    return None


def _builtin_class(cls: type) -> Any:
    """Types such as ``function`` and ``cell`` say that they are builtins, but stand in `types`."""
    if module_of(cls) == "builtins" and getattr(builtins, cls.__name__, None) is not cls:
        for name, value in vars(types).items():
            if value is cls:
                return rebuild.importable, ("types", name)
        if not cls.__flags__ & (1 << 9):  # Py_TPFLAGS_HEAPTYPE: one of the interpreter's own, which stand nowhere.
            return rebuild.importable, ("jupyter_session_save.pickling.reducers.iterators", f"HIDDEN.{cls.__name__}")
    return None


def _is_layout(value: Any, cls: type) -> bool:
    kind = type(value)
    return kind in (types.GetSetDescriptorType, types.MemberDescriptorType) and value.__objclass__ is cls


def _is_settable(key: str, meta: type) -> bool:
    """Whether setting the attribute on a class would set something else: it has to be there from the beginning."""
    found = next((vars(c)[key] for c in meta.__mro__ if key in vars(c)), None)
    return hasattr(type(found), "__set__")


def _virtual_subclasses(cls: type) -> tuple[type, ...]:
    if not isinstance(cls, abc.ABCMeta):
        return ()
    found = (reference() for reference in _abc._get_dump(cls)[0])
    return tuple(sorted((c for c in found if c is not None), key=lambda c: (c.__module__, c.__qualname__)))
