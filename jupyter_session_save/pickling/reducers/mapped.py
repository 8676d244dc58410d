"""Declarative classes of SQLAlchemy: made as classes of the notebook are, then mapped to their tables once more.

Invariant: a class is mapped after its bases and before what it is related to, and nothing connects to a database.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .. import code, rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_OF_MAPPING = frozenset(("__mapper__", "_sa_class_manager", "__init__", "__parameters__"))
_EXPRESSIONS = "secondary primaryjoin secondaryjoin order_by foreign_keys remote_side back_populates".split()
_UNLIKE = frozenset(("self", "argument", "backref", "attribute_options", "info", "overlaps", *_EXPRESSIONS))


def mapped_class(obj: Any, pickling: Pickling) -> Any:
    """Reduce a declarative class to its own attributes, its table and how its mapper was told to map the others."""
    reduced = code.reduce_class(obj, pickling)
    if not isinstance(reduced, tuple) or reduced[0] is not rebuild.class_ or "__mapper__" not in vars(obj):
        return reduced
    func, args, (methods, attributes, extra), *_ = reduced
    own = {key: prop for key, prop in obj.__mapper__.attrs.items() if key in vars(obj)}
    unknown = [key for key, prop in own.items() if type(prop).__name__ not in _PROPERTIES]
    unknown += ["__init__"] if "__dataclass_fields__" in vars(obj) else []
    if unknown:
        return pickling.placeholder(obj, f"nobody knows how {unknown[0]} was mapped", "run its cell again")
    table, mapper = vars(obj).get("__table__"), obj.__mapper__
    found = {k: _PROPERTIES[type(p).__name__](k, p, table) for k, p in own.items() if p.parent is mapper}
    specs = {key: spec for key, spec in found.items() if spec is not None}
    made = obj.__mapper__.class_manager.original_init
    init = {"__init__": made} if vars(obj).get("__init__") is not None and _is_own(made, obj) else {}
    for part in (attributes, methods[0].args[1]):
        for name in [name for name in part if name in _OF_MAPPING or name in own]:
            del part[name]
    methods[0].args[1].update(init)
    state = code.Call(rebuild.class_state, obj, (methods, attributes, extra))
    mapping = code.Call(map_class, obj, obj.registry, specs)
    related = tuple(_target(p)[1] for p in own.values() if type(p).__name__ in _RELATED)
    return func, args, (state, mapping, related), None, None, mapped_state


def _is_own(init: Any, cls: type) -> bool:
    return getattr(init, "__qualname__", "").startswith(f"{cls.__qualname__}.")


def _column(key: str, prop: Any, table: Any) -> Any:
    if table is not None and table.c.get(key) is prop.columns[0] and not prop.deferred:
        return None  # Found in the table again.
    return ("column_property", prop.columns, {"deferred": prop.deferred, "group": prop.group})


def _relation(key: str, prop: Any, table: Any) -> Any:
    options = {}
    for name, parameter in inspect.signature(type(prop).__init__).parameters.items():
        value = getattr(prop, name, parameter.default) if name not in _UNLIKE else parameter.default
        if name in _EXPRESSIONS:
            given = getattr(prop._init_args, name).argument
            value = getattr(given, "arg", given)  # A text that SQLAlchemy wrapped to look it up later.
        # An expression that is compared makes another one.
        if type(value) is not type(parameter.default) or value != parameter.default:
            options[name] = value
    if options.get("comparator_factory") is type(prop).Comparator:
        del options["comparator_factory"]
    options.update({"cascade": ", ".join(sorted(prop.cascade)), "info": dict(prop.info)})
    return "relationship", [_target(prop)[0]], options


def _target(prop: Any) -> tuple[str, Any]:
    """Return the class that a relationship leads to, and its name; to configure the mappers is not our business."""
    if prop.parent.configured:
        return prop.mapper.class_.__name__, prop.mapper.class_
    given = getattr(prop.argument, "arg", prop.argument)
    if isinstance(given, str):
        return given, prop.parent.registry._class_registry.get(given)
    return given.__name__, given


def _synonym(key: str, prop: Any, table: Any) -> Any:
    return ("synonym", [prop.name], {})


_RELATED = ("RelationshipProperty", "Relationship", "_RelationshipDeclared")
_PROPERTIES = {
    **dict.fromkeys(("ColumnProperty", "MappedSQLExpression", "MappedColumn"), _column),
    **dict.fromkeys(_RELATED, _relation),
    **dict.fromkeys(("SynonymProperty", "Synonym"), _synonym),
}


def registry(obj: Any, pickling: Pickling) -> Any:
    """Reduce a registry to its settings; classes enter it when they are mapped."""
    return make_registry, (type(obj), obj.metadata, obj.constructor, dict(obj.type_annotation_map))


def make_registry(cls: Any, metadata: Any, constructor: Any, types: dict[Any, Any]) -> Any:
    """Make a registry without classes."""
    return cls(metadata=metadata, constructor=constructor, type_annotation_map=types)


def map_class(cls: Any, known: Any, specs: dict[str, tuple[str, Any, dict[str, Any]]]) -> None:
    """Map a class."""
    from sqlalchemy import orm

    for name, (kind, args, options) in specs.items():
        type.__setattr__(cls, name, getattr(orm, kind)(*args, **options))
    notes = vars(cls).get("__annotations__")
    type.__setattr__(cls, "__annotations__", {})  # They say what the table has, which is there.
    known.mapped(cls)
    if notes is None:
        type.__delattr__(cls, "__annotations__")
    else:
        type.__setattr__(cls, "__annotations__", notes)


@rebuild.setter
def mapped_state(made: Any, state: Any) -> None:
    """Leave a class as it is: it has been filled and mapped before what it is related to was made."""
