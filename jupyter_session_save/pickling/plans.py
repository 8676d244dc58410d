"""Decide for each type how its instances are pickled: by a reducer, by dill's, or in the pickler's own way.

Invariant: the decision depends on the type alone, so it is made once for each type and save.
"""

from __future__ import annotations

import copyreg
import enum
import pickle
import sys
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import again, code, dill_reducers, given, instances, rebuild, reducers, registered
from .placeholder import Placeholder
from .reducers import attributes
from .scope import importable_path, is_library, module_of

if TYPE_CHECKING:
    from .pickler import Pickling

Plan = Callable[[Any, "Pickling"], Any]

ATOMS = frozenset(
    map(id, (type(None), type(...), type(NotImplemented), bool, int, float, complex, str, bytes, tuple, frozenset))
) | frozenset(map(id, (range, slice, types.CodeType)))
"""Ids of the types whose instances cannot change and so link nothing: what is mutable in them links by itself.

Types are looked up by id, because a metaclass may define `__hash__` and `__eq__` as it likes.
"""

CONTAINERS = frozenset(
    map(
        id,
        (type(None), bool, int, float, str, bytes, tuple, list, dict, set, frozenset, bytearray, pickle.PickleBuffer),
    )
)
"""Ids of the types that the C pickler handles before it asks anybody."""

_BY_TYPE: dict[type, Plan] = {
    types.FunctionType: code.reduce_function,
    types.CodeType: code.reduce_code,
    types.CellType: code.reduce_cell,
    types.MethodType: code.reduce_method,
    types.ModuleType: code.reduce_module,
    # As dill does it: there is hardly a class without one of these, and to import dill takes longer than a save.
    property: lambda obj, pickling: (property, (obj.fget, obj.fset, obj.fdel, obj.__doc__)),
    staticmethod: lambda obj, pickling: (staticmethod, (obj.__func__,)),
    classmethod: lambda obj, pickling: (classmethod, (obj.__func__,)),
    Placeholder: again.reduced,
}
for _name in ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "TypeAliasType"):
    if hasattr(typing, _name):
        _BY_TYPE[getattr(typing, _name)] = code.reduce_named_generic
_OWN = {id(cls): plan for cls, plan in _BY_TYPE.items()}


_IMMUTABLE = frozenset(
    "datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone decimal.Decimal "
    "fractions.Fraction uuid.UUID re.Pattern pathlib.PurePath pathlib._local.PurePath zoneinfo.ZoneInfo "
    "numpy.dtype numpy.generic "
    "numpy.ufunc pandas._libs.tslibs.timestamps.Timestamp pandas._libs.tslibs.timedeltas.Timedelta "
    "pandas._libs.missing.C_NAType pandas._libs.tslibs.offsets.BaseOffset "
    "pandas.core.dtypes.base.ExtensionDtype pandas.api.extensions.ExtensionDtype "
    "pyarrow.lib.DataType pyarrow.lib.Field pyarrow.lib.Schema "
    "builtins.builtin_function_or_method".split()
)


def is_immutable(cls: type) -> bool:
    """Whether instances of a type cannot change, so that two variables that hold one are still independent."""
    return id(cls) in ATOMS or any(f"{module_of(c)}.{c.__qualname__}" in _IMMUTABLE for c in cls.__mro__[:-1])


def known_immutable(cls: type, known: dict[int, tuple[type, bool]]) -> bool:
    """Whether a type `is_immutable`; the answers are kept by its id, with the type, so that the id stays its own."""
    if id(cls) not in known:
        known[id(cls)] = cls, is_immutable(cls)
    return known[id(cls)][1]


def library_owned(cls: type) -> set[int]:
    """Return the ids of lists and dicts that are attributes of a library's class and may turn up in any instance."""
    if not is_library(module_of(cls)):
        return set()
    kinds = frozenset(map(id, (list, dict, set)))
    return {id(v) for c in cls.__mro__ for v in list(vars(c).values()) if id(type(v)) in kinds}


def plan_for(cls: type, *, capture: bool) -> Plan | None:
    """Return the reducer for a type, None for the pickler's own way.

    Parameters
    ----------
    cls : type
    capture : bool
        Whether to ask what dill has registered; dill's own pickler does not need it.
    """
    if id(cls) in CONTAINERS:
        return None
    own = _OWN.get(id(cls))
    if own is not None:
        return own
    if issubclass(cls, type):
        return reducers.find(cls) or code.reduce_class
    theirs, by_name = registered.find(cls), reducers.find(cls)
    if theirs is not None:
        return theirs
    if by_name is None and issubclass(cls, enum.Enum):
        return code.reduce_enum_member
    plan = by_name or _by_class(cls, capture=capture)
    if given.may_be_forgotten(cls, plan, by_name=by_name is not None):
        return given.with_given(cls, plan)
    return plan


def _by_class(cls: type, *, capture: bool) -> Plan | None:
    plan, singletons = _by_protocol(cls, capture=capture), _module_singletons(cls)
    if plan is not instances.reduce_container and _may_be_its_attributes(cls):
        return lambda obj, pickling: instances.reduce_dict(obj, pickling, plan)
    if singletons:
        return lambda obj, pickling: _singleton(obj, pickling, singletons, plan)
    if plan is not instances.reduce_container and _shares_attributes(cls):
        return lambda obj, pickling: instances.reduce_sharing(obj, pickling, plan)
    return plan


def _by_protocol(cls: type, *, capture: bool) -> Plan | None:
    if attributes.written_state_lacks(cls):
        return attributes.whole
    if attributes.shadows_slots(cls):
        return attributes.by_slots
    dynamic = importable_path(cls) is None and module_of(cls) != "builtins"
    if not dynamic and issubclass(cls, (list, dict)) and not _has_own_reduce(cls) and _adds_its_own_way(cls):
        return instances.reduce_container
    if dynamic and issubclass(cls, (list, dict, set)) and not _has_own_reduce(cls):
        return instances.reduce_container
    if dynamic and hashable(cls) and _has_own_new(cls) and not _has_own_reduce(cls):
        return instances.reduce_instance
    if _answers_itself(cls):
        return instances.reduce_shy
    if dynamic:
        return _by_reduce if _has_own_reduce(cls) or not hashable(cls) else None
    if capture and cls not in copyreg.dispatch_table and _without_reduce(cls):
        return dill_reducers.captured(cls)
    return None


def hashable(cls: type) -> bool:
    """Whether a type can be looked up in a dict: its metaclass leaves comparison alone."""
    meta: Any = type(cls)
    return meta.__hash__ is type.__hash__ and meta.__eq__ is type.__eq__


def _by_reduce(obj: Any, pickling: Pickling) -> Any:
    return pickling.by_reduce(obj)


def _has_own_reduce(cls: type) -> bool:
    own = [c for c in cls.__mro__[:-1] if c.__module__ not in ("builtins", "collections")]
    return any("__reduce__" in vars(c) or "__reduce_ex__" in vars(c) for c in own)


def _answers_itself(cls: type) -> bool:
    """Whether looking for ``__setstate__`` on an instance without state would run a ``__getattr__`` that needs it."""
    own = [vars(c) for c in cls.__mro__[:-1]]
    asked = any(isinstance(names.get("__getattr__"), types.FunctionType) for names in own)
    return asked and not any("__setstate__" in names for names in own) and hashable(cls) and not _has_own_reduce(cls)


def _may_be_its_attributes(cls: type) -> bool:
    """Whether an instance of a module's class may be the dict of its own attributes."""
    library = module_of(cls).startswith("collections")
    return issubclass(cls, dict) and bool(cls.__dictoffset__) and not library and not _has_own_reduce(cls)


def _shares_attributes(cls: type) -> bool:
    """Whether a method of a notebook's class gives an instance another ``__dict__``, which others may have, too."""
    if importable_path(cls) is not None or not cls.__dictoffset__ or not hashable(cls) or _has_own_reduce(cls):
        return False
    own = [vars(c) for c in cls.__mro__[:-1]]
    if any(hook in names for names in own for hook in ("__getstate__", "__setstate__")):
        return False
    methods = (getattr(value, "__func__", value) for names in own for value in names.values())
    return any(_sets_dict(method.__code__) for method in methods if type(method) is types.FunctionType)


def _sets_dict(code: types.CodeType) -> bool:
    if "__dict__" not in code.co_names:
        return False
    import dis

    return any(one.opname == "STORE_ATTR" and one.argval == "__dict__" for one in dis.get_instructions(code))


def _adds_its_own_way(cls: type) -> bool:
    """Whether items pass through a method written in Python, which may need the state that they come before."""
    methods = ("__setitem__", "append", "extend")
    return any(type(vars(c).get(name)) is types.FunctionType for c in cls.__mro__ for name in methods)


def _has_own_new(cls: type) -> bool:
    """Whether a ``__new__`` written in Python makes the instances; it has done so, and need not do it again."""
    return type(next(vars(c)["__new__"] for c in cls.__mro__ if "__new__" in vars(c))) is staticmethod


def _without_reduce(cls: type) -> bool:
    """Whether the type is written in C and pickles by the default protocol, which such types mostly refuse."""
    heap = 1 << 9  # Py_TPFLAGS_HEAPTYPE
    in_c = not cls.__flags__ & heap or not {"__dict__", "__slots__"} & vars(cls).keys()
    protocol: Any = cls
    default = protocol.__reduce_ex__ is object.__reduce_ex__ and protocol.__reduce__ is object.__reduce__
    return in_c and default and "__getstate__" not in vars(cls)


def _module_singletons(cls: type) -> dict[int, str]:
    """Find instances of a library's type that stand where it is defined, sentinels and defaults, with their paths."""
    name = module_of(cls)
    # Types written in Cython are no heap types (Py_TPFLAGS_HEAPTYPE), and neither are those of the interpreter.
    in_c = not cls.__flags__ & (1 << 9) and name.partition(".")[0] in sys.stdlib_module_names
    if in_c or name not in sys.modules or not is_library(name):
        return {}
    own = list(vars(sys.modules[name]).items())
    found = {id(v): k for k, v in own if type(v) is cls}
    if not _is_plain_mark(cls):
        return found
    classes = [(k, c) for k, c in own if isinstance(c, type) and module_of(c) == name]
    return {id(v): f"{k}.{n}" for k, c in classes for n, v in list(vars(c).items()) if type(v) is cls} | found


def _is_plain_mark(cls: type) -> bool:
    """Whether nothing but identity tells instances apart, so that one may stand in a class to be compared with."""
    made: Any = cls
    return made.__init__ is object.__init__ and made.__new__ is object.__new__ and made.__eq__ is object.__eq__


def _singleton(obj: Any, pickling: Pickling, singletons: dict[int, str], plan: Plan | None) -> Any:
    name = singletons.get(id(obj))
    if name is None and plan is not None:
        return plan(obj, pickling)
    if name is None:
        return pickling.by_reduce(obj) if pickling.guarded else NotImplemented
    pickling.referenced.add(id(obj))
    module = module_of(type(obj))
    pickling.modules.add(module.partition(".")[0])
    return rebuild.importable, (module, name)
