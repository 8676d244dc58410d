"""Make a class without any hook noticing: no ``__init_subclass__``, no ``__set_name__``, no metaclass.

Invariant: the bases' own hooks are as they were when the class is there, whatever goes wrong.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class _QuietSlots:
    """Stands first among the bases while a class is made, so that no ``__init_subclass__`` fires again."""

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass


class _QuietDict:
    """The same with the layout of an ordinary class: bases can only be exchanged for others laid out alike."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass


def raw_class(meta: Any, name: str, bases: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Make a class by `type` alone, whatever its metaclass and its bases do about it."""
    loud = {c for base in bases for c in base.__mro__ if c is not object and "__init_subclass__" in vars(c)}
    # Only where a hook cannot be taken away: a trial that fails counts among the subclasses until it is collected.
    for quiet in () if all(map(_is_changeable, loud)) else (_QuietDict, _QuietSlots):
        try:
            made = type.__new__(meta, name, (quiet, *bases), dict(attributes))
            type.__dict__["__bases__"].__set__(made, bases)
        except TypeError:
            continue
        return made
    with _silenced(loud):
        try:
            return type.__new__(meta, name, bases, dict(attributes))
        except TypeError as error:
            if "not safe" not in str(error):
                raise
            # A metaclass written in C insists on its own constructor.
            return meta.__new__(meta, name, bases, dict(attributes))


def _is_changeable(cls: type) -> bool:
    heap, immutable = 1 << 9, 1 << 8  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_IMMUTABLETYPE
    return bool(cls.__flags__ & heap) and not cls.__flags__ & immutable


@contextlib.contextmanager
def _silenced(classes: Iterable[type]) -> Iterator[None]:
    """Take ``__init_subclass__`` away for a moment."""
    hooks: dict[type, Any] = {}
    try:
        for cls in classes:
            with contextlib.suppress(TypeError):  # A class written in C cannot be changed; it notes nothing, either.
                hook = vars(cls)["__init_subclass__"]
                type.__setattr__(cls, "__init_subclass__", vars(_QuietDict)["__init_subclass__"])
                hooks[cls] = hook
        yield
    finally:
        for cls, hook in hooks.items():
            type.__setattr__(cls, "__init_subclass__", hook)


def note_values(cls: type, attributes: Mapping[str, Any]) -> None:
    """Set what newer Pythons note of an Enum's values, and older ones did not."""
    found = {id(member) for member in attributes["_value2member_map_"].values()}
    unhashable = {
        name: [member._value_] for name, member in attributes["_member_map_"].items() if id(member) not in found
    }
    for key, value in (
        ("_unhashable_values_", [v for values in unhashable.values() for v in values]),
        ("_unhashable_values_map_", unhashable),
        ("_hashable_values_", [*attributes["_value2member_map_"]]),
    ):
        if key not in attributes and key in vars(enum.FlagBoundary):
            type.__setattr__(cls, key, value)
