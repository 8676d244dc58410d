"""Callables that are not functions: caches, comparison keys, descriptors.

Invariant: nothing is called to find out what it is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import rebuild
from ..scope import importable_path
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def cached(obj: Any, pickling: Pickling) -> Any:
    """Reduce a `functools.lru_cache` function to the function and its settings; the cache is empty."""
    path = importable_path(obj)
    if path is not None:
        pickling.referenced.add(id(obj))
        pickling.modules.add(path[0].partition(".")[0])
        return rebuild.importable, path
    settings = obj.cache_parameters()
    count = obj.cache_info().currsize
    if count and id(obj) not in pickling.announced:
        # Met again within itself if it calls itself through its closure.
        pickling.announced.add(id(obj))
        pickling.note_reconnected(obj, f"its cache of {count} results is empty and fills again")
    state = {k: v for k, v in vars(obj).items() if k not in ("cache_parameters", "__wrapped__")}
    args = (obj.__wrapped__, settings["maxsize"], settings["typed"])
    return make_cached, args, state, None, None, rebuild.raw_state


def comparison_key(obj: Any, pickling: Pickling) -> Any:
    """Reduce what `functools.cmp_to_key` makes."""
    return make_comparison_key, tuple(held_by(obj))


def descriptor(obj: Any, pickling: Pickling) -> Any:
    """Reduce an attribute of a class that is written in C or made by ``__slots__``."""
    return class_attribute, (obj.__objclass__, obj.__name__)


def make_cached(function: Any, maxsize: int | None, typed: bool) -> Any:
    """Make a function with a cache."""
    return functools.lru_cache(maxsize, typed)(function)


def make_comparison_key(compare: Any, *values: Any) -> Any:
    """Make a comparison key, or what makes them."""
    key = functools.cmp_to_key(compare)
    return key(values[0]) if values else key


def class_attribute(cls: type, name: str) -> Any:
    """Return an attribute of a class without binding it."""
    return type.__dict__["__dict__"].__get__(cls)[name]
