"""jax: classes of the notebook that were registered as nodes of trees, without which jax takes instances for leaves.

Invariant: a class is registered in the way that it was; whether its parts have names of their own is kept, too.
"""

from __future__ import annotations

import inspect
import operator
import sys
import types
from collections.abc import Sequence
from typing import Any

_WITH_NAMES = ("tree_flatten_with_keys", "_pytree__flatten_with_paths")


def registration(cls: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """Return the function that registers a class as a node once more, and its arguments; None if it is none.

    Parameters
    ----------
    cls : type
        One whose metaclass leaves comparison alone.
    """
    entry = sys.modules["jax._src.tree_util"]._registry.get(cls)
    if entry is None:
        return None
    flatten, unflatten = entry
    inside = inspect.getclosurevars(flatten).nonlocals if type(flatten) is types.FunctionType else {}
    if {"data_fields", "meta_fields"} <= inside.keys() and flatten.__module__ == "jax._src.tree_util":
        return register_fields, (cls, inside["data_fields"], inside["meta_fields"])
    names = inside.get("flatten_with_keys")
    if names is None and hasattr(cls, _WITH_NAMES[0]):
        names = operator.methodcaller(_WITH_NAMES[0])
    elif names is None:
        names = getattr(cls, _WITH_NAMES[1], None)
    if flatten.__module__ == "jax._src.tree_util":
        flatten = None
    return register_node, (cls, flatten, unflatten, names)


def register_fields(cls: Any, data: Sequence[str], meta: Sequence[str]) -> None:
    """Register a class whose fields are its parts."""
    from jax import tree_util

    tree_util.register_dataclass(cls, data, meta)


def register_node(cls: Any, flatten: Any, unflatten: Any, names: Any) -> None:
    """Register a class that functions take apart."""
    from jax import tree_util

    if names is None:
        tree_util.register_pytree_node(cls, flatten, unflatten)
    else:
        tree_util.register_pytree_with_keys(cls, names, unflatten, flatten)
