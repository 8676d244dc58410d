"""Reducers that the notebook has registered, so that the next save goes by them, too.

Invariant: no registration of a library's own is saved, and none is taken away; classes and functions travel as
variables do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..pickling import Placeholder, registered
from ..pickling.scope import module_of, qualname_of, type_name
from .parts import StatePart, Surroundings


def _read(around: Surroundings) -> Any:
    found = {
        type_name(one.kind): (one.kind, one.reduce, one.rebuild, one.subclasses)
        for one in registered.all_of_them()
        if _is_notebooks(one) and _is_here(one.kind, around.namespace)
    }
    return found or None


def _is_notebooks(one: registered.Registration) -> bool:
    # Modules register again when they are imported again.
    return any(module_of(part) == "__main__" for part in (one.kind, one.reduce, one.rebuild))


def _is_here(kind: type, namespace: dict[str, Any]) -> bool:
    """Whether a type is the one that the notebook has under its name now, or none of the notebook's."""
    if module_of(kind) != "__main__":
        return True
    first, *rest = qualname_of(kind).split(".")
    found = namespace.get(first)
    for name in rest:
        found = vars(found).get(name) if isinstance(found, type) else None
    return found is kind


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    for name, (kind, reduce, rebuild, subclasses) in value.items():
        if any(isinstance(part, Placeholder) for part in (kind, reduce, rebuild)):
            yield f"{name} has none until register_reducer is called again"
        else:
            registered.register_reducer(kind, reduce, rebuild, subclasses=subclasses)


def _keep(_: Surroundings) -> Callable[[], None]:
    return registered.keep()


PARTS = (StatePart("reducers", _read, _write, _keep),)
