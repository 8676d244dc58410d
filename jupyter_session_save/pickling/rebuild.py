"""What the streams call while they are unpickled. The names in here are part of the format: never rename one.

Invariant: nothing here runs user code other than what an object's own protocol asks for: no decorator, no
``__init_subclass__``, no metaclass ``__new__``, no ``__set_name__`` runs a second time.
"""

from __future__ import annotations

import _abc  # type: ignore[import-not-found]
import importlib
import marshal
import operator
import pickle
import sys
import types
import typing
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from ..snapshot import Problem
from . import generics, source, spans
from .placeholder import Placeholder
from .quiet import note_values, raw_class

if TYPE_CHECKING:
    from .unpickler import Restoring

_Setter = typing.TypeVar("_Setter", bound=Callable[..., None])

CONTEXTUAL = ("named", "live", "function", "class_", "new_type", "type_alias", "type_variable")
"""Functions that need to know the load they are part of; the unpickler binds them to it."""


class Superseded(BaseException):
    """A cycle has finished the component that is being unpickled: what this attempt makes is not wanted."""


SETTERS: set[Any] = set()
"""Functions that fill an object which was made before: if one fails, that object is spoiled."""


def setter(function: _Setter) -> _Setter:
    """Mark a function as one of `SETTERS`."""
    SETTERS.add(function)
    return function


def _outside(name: str) -> NoReturn:
    raise RuntimeError(f"{name} is resolved by the unpickler of a session; use jupyter_session_save.load")


def named(name: str) -> Any:
    """Resolve a name of the session."""
    _outside(f"the session's variable {name}")


def live(tag: str) -> Any:
    """Resolve a kernel object."""
    _outside(f"the kernel's {tag}")


def importable(module: str, path: str) -> Any:
    """Import a module and follow a path of attributes."""
    return operator.attrgetter(path)(sys.modules.get(module) or importlib.import_module(module))


def module(name: str) -> types.ModuleType:
    """Import a module."""
    return importlib.import_module(name)


def dynamic_module(name: str, doc: str | None) -> types.ModuleType:
    """Make a module that stands in no file."""
    return types.ModuleType(name, doc)


def imported_module(name: str, doc: str | None) -> types.ModuleType:
    """Make a module that stands in no file, and let imports find it unless they find a real one."""
    made = types.ModuleType(name, doc)
    there = sys.modules.get(name)
    if there is None or getattr(there, "__spec__", None) is None:
        sys.modules[name] = made
    return made


def placeholder(path: str, type_: str, reason: str, advice: str) -> Placeholder:
    """Make a placeholder."""
    return Placeholder(Problem(path, type_, reason, advice))


def code(
    magic: str,
    data: bytes,
    text: str,
    filename: str,
    firstlineno: int,
    name: str,
    free: tuple[str, ...],
    flags: int,
    qualname: str = "",
    span: source.Span | tuple[()] = (),
) -> types.CodeType:
    """Make a code object from bytecode of this Python minor, or else from source."""
    if magic == source.MAGIC:
        made: types.CodeType = marshal.loads(data)
    else:
        made = source.recompile(
            text,
            filename=filename,
            firstlineno=firstlineno,
            name=name,
            qualname=qualname,
            free=free,
            flags=flags,
            span=span,
        )
    source.remember(filename, firstlineno, text)
    if span:
        spans.remember(made, text, span)
    return made


def buffer(*view: memoryview) -> pickle.PickleBuffer:
    """Make a buffer on the memory of a view, or one that has been released."""
    made = pickle.PickleBuffer(*view or (b"",))
    if not view:
        made.release()
    return made


def cell() -> types.CellType:
    """Make an empty cell."""
    return types.CellType()


@setter
def cell_state(made: types.CellType, contents: tuple[Any, ...]) -> None:
    """Fill a cell."""
    if contents:
        made.cell_contents = contents[0]


def function(register: str | None, code: Any, where: tuple[str, Any], name: str, closure: tuple[Any, ...]) -> Any:
    """Make a function without its state."""
    _outside(f"the function {name}")


def make_function(restoring: Restoring, register: Any, code: Any, where: Any, name: Any, closure: Any) -> Any:
    """Make a function without its state; registered at once, so that cycles find it."""
    known = restoring.registered(register)
    if known is not None:
        return known
    kind, value = where
    if kind == "namespace":
        globals_ = restoring.namespace
    elif kind == "module":
        globals_ = vars(importlib.import_module(value))
    elif kind == "dynamic":
        globals_ = vars(value)
    else:
        globals_ = value
    made = types.FunctionType(code, globals_, name, None, closure or None)
    restoring.register(register, made)
    return made


@setter
def function_state(made: types.FunctionType, state: dict[str, Any]) -> None:
    """Fill a function and the cells that it brings."""
    made.__qualname__ = state["qualname"]
    made.__module__ = state["module"]
    made.__doc__ = state["doc"]
    made.__defaults__ = state["defaults"]
    made.__kwdefaults__ = state["kwdefaults"]
    made.__annotations__ = state["annotations"]
    made.__dict__.update(state["dict"])
    if state["type_params"] and sys.version_info >= (3, 12):
        made.__type_params__ = state["type_params"]
    for one, contents in state["cells"]:
        cell_state(one, contents)


def class_(
    register: str | None, meta: type, name: str, bases: tuple[type, ...], fixed: Any, qualname: str, module: str
) -> Any:
    """Make a class without its attributes."""
    _outside(f"the class {name}")


def make_class(
    restoring: Restoring, register: Any, meta: Any, name: Any, bases: Any, fixed: Any, qualname: Any, module: Any
) -> Any:
    """Make a class without its attributes; registered at once, so that cycles find it."""
    known = restoring.registered(register)
    if known is not None:
        return known
    attributes: dict[str, Any] = {"__module__": module} if module else {}
    attributes |= {"__qualname__": qualname, **fixed}
    if type(slots := fixed.get("__slots__")) is tuple:
        # As the compiler does: else the next pickle of an instance would not be the same as the last.
        attributes["__slots__"] = tuple(sys.intern(name) if type(name) is str else name for name in slots)
    made = raw_class(meta, name, bases, attributes)
    restoring.register(register, made)
    return made


@setter
def class_attributes(made: type, attributes: dict[str, Any]) -> None:
    """Set attributes of a class, past whatever its metaclass does about it."""
    for key, value in attributes.items():
        type.__setattr__(made, key, value)


@setter
def class_state(made: type, state: tuple[Any, dict[str, Any], dict[str, Any]]) -> None:
    """Fill a class."""
    _, attributes, extra = state
    if "_member_map_" in attributes and "_member_map_" in vars(made):
        type.__delattr__(made, "_member_map_")  # Set anew in its place among the attributes.
    class_attributes(made, attributes)
    if "_value2member_map_" in attributes:
        note_values(made, attributes)
    if attributes.get("_is_protocol") is True:
        generics.note_members(made)
    if extra["doc"] is not None:
        type.__setattr__(made, "__doc__", extra["doc"])
    if extra["abc"]:
        _abc._abc_init(made)
        for virtual in extra["virtual"]:
            _abc._abc_register(made, virtual)
    for abstract in extra.get("registered", ()):
        _abc._abc_register(abstract, made)


def new_type(register: str | None, name: str, supertype: Any, module: str) -> Any:
    """Make a `typing.NewType`."""
    _outside(f"the type {name}")


def make_new_type(restoring: Restoring, register: Any, name: Any, supertype: Any, module: Any) -> Any:
    """Make a `typing.NewType` and register it."""
    known = restoring.registered(register)
    if known is not None:
        return known
    made: Any = typing.NewType(name, supertype)  # type: ignore[misc]
    made.__module__ = module
    restoring.register(register, made)
    return made


def type_alias(register: str | None, name: str, *rest: Any) -> Any:
    """Make a type alias of the ``type`` statement."""
    _outside(f"the type alias {name}")


def make_type_alias(restoring: Restoring, register: Any, *given: Any) -> Any:
    """Make a type alias and register it."""
    known = restoring.registered(register)
    if known is not None:
        return known
    made = generics.alias_of(*given)
    restoring.register(register, made)
    return made


setter(generics.give_value)


def type_variable(
    register: str | None, kind: str, name: str, constraints: tuple[Any, ...], options: Mapping[str, Any], module: str
) -> Any:
    """Make a type variable."""
    _outside(f"the type variable {name}")


def make_type_variable(restoring: Restoring, register: Any, *given: Any) -> Any:
    """Make a TypeVar, ParamSpec or TypeVarTuple and register it."""
    known = restoring.registered(register)
    if known is not None:
        return known
    made = generics.variable_of(*given)
    restoring.register(register, made)
    return made


def enum_member(cls: Any, name: str) -> Any:
    """Return a member of an Enum by name."""
    return cls._member_map_[name]


def enum_value(cls: Any, value: Any) -> Any:
    """Return the member, or the combination of flags, that has a value."""
    return cls(value)


def raw_member(cls: Any, data_type: Any, args: tuple[Any, ...]) -> Any:
    """Make a member while its class is being made."""
    return data_type.__new__(cls, *args)


@setter
def raw_members(cls: Any, members: dict[str, tuple[Any, tuple[Any, ...]]]) -> None:
    """Make the members of an Enum, without their state; the whole map of them, with its generics, follows."""
    made = {name: raw_member(cls, data_type, args) for name, (data_type, args) in members.items()}
    type.__setattr__(cls, "_member_map_", made)


@setter
def raw_state(made: Any, state: dict[str, Any]) -> None:
    """Set an instance's attributes past whatever its class does about it."""
    made.__dict__.update(state)


@setter
def object_state(made: Any, state: Any) -> None:
    """Set attributes and slots as pickle does, without asking the object for anything."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    if attributes:
        object.__getattribute__(made, "__dict__").update(attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(made, name, value)


class Settled:
    """Takes the states of instances that were made without, after all of them; holds the variables."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def append(self, item: tuple[Any, Any] | None) -> None:
        """Give an instance its state."""
        made, state = item or (None, None)
        if type(made) is Placeholder:
            made._note(object_state, state)
        elif made is not None:
            object_state(made, state)


def instance(cls: Any) -> Any:
    """Make an instance without calling any constructor of its class."""
    return object.__new__(cls)


def new_object(cls: Any, *args: Any) -> Any:
    """Make an instance by the ``__new__`` of its class."""
    return cls.__new__(cls, *args)


def new_object_ex(cls: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Make an instance by the ``__new__`` of its class, with keyword arguments."""
    return cls.__new__(cls, *args, **kwargs)


@setter
def set_state(made: Any, state: tuple[Any, Any]) -> None:
    """Give an object its state by a setter of its own."""
    method, own = state
    method(made, own)


CONTAINERS = (OrderedDict, defaultdict, dict, list, set)


def container(cls: Any, base: Any, factory: Any) -> Any:
    """Make an empty instance of a subclass of a builtin container, without calling its constructors."""
    made = base.__new__(cls)
    if base is defaultdict:
        made.default_factory = factory
    return made


@setter
def filled(made: Any, state: tuple[Any, tuple[Any, ...], tuple[Any, ...]]) -> None:
    """Give an instance of a subclass of a builtin container its state, and then its items by the builtin's methods."""
    own, items, pairs = state
    # Looked for on the class: a `__getattr__` may fail in ways of its own, and needs the items.
    if own is not None and hasattr(type(made), "__setstate__"):
        made.__setstate__(own)
    elif own is not None:
        object_state(made, own)
    base: Any = next(c for c in type(made).__mro__ if c in CONTAINERS)
    for item in items:
        (base.append if base is list else base.add)(made, item)
    for key, value in pairs:
        base.__setitem__(made, key, value)
