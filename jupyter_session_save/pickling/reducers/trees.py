"""jax: wide arrays, devices, and classes of the notebook that were registered as nodes of trees.

Without its registration jax takes an instance for a leaf.

Invariant: a class is registered in the way that it was, with the names of its parts; no array loses its precision.
"""

from __future__ import annotations

import inspect
import operator
import sys
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling

_WITH_NAMES = ("tree_flatten_with_keys", "_pytree__flatten_with_paths")


def array(obj: Any, pickling: Pickling) -> Any:
    """Reduce an array; of numbers of 64 bits each also where jax has not been told to have such."""
    reduced = obj.__reduce__()
    wide = obj.dtype.name in ("float64", "int64", "uint64", "complex128")
    return (make_wide, reduced[:2]) if wide else reduced


def device(obj: Any, pickling: Pickling) -> Any:
    """Reduce a device to its kind and number."""
    pickling.modules.add("jax")
    return find_device, (obj.platform, obj.id)


def traceback(obj: Any, pickling: Pickling) -> Any:
    """Reduce where in a cell an operation was written, which nothing computes with, to nothing."""
    return type(None), ()


def make_wide(make: Any, args: tuple[Any, ...]) -> Any:
    """Make an array of numbers of 64 bits."""
    import jax

    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        return make(*args)


def find_device(platform: str, number: int) -> Any:
    """Return a device of this machine."""
    import jax

    found = next((one for one in jax.devices(platform) if one.id == number), None)
    if found is None:
        raise LookupError(f"jax has no {platform} device {number} here")
    return found


def registrations(cls: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the functions that register a class once more with jax and with flax, and their arguments.

    Parameters
    ----------
    cls : type
        One whose metaclass leaves comparison alone.
    """
    as_node = _as_node(cls)
    if as_node is not None:
        yield as_node
    known = getattr(sys.modules.get("flax.serialization"), "_STATE_DICT_REGISTRY", {})
    if cls in known:
        yield register_state, (cls, *known[cls])


def _as_node(cls: Any) -> tuple[Any, tuple[Any, ...]] | None:
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


def register_state(cls: Any, to_state: Any, from_state: Any) -> None:
    """Say how flax takes instances for a checkpoint apart."""
    from flax import serialization

    serialization.register_serialization_state(cls, to_state, from_state)
