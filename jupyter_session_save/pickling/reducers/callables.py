"""Callables that are not functions: caches, comparison keys, descriptors.

Invariant: nothing is called to find out what it is.
"""

from __future__ import annotations

import contextlib
import functools
import types
from typing import TYPE_CHECKING, Any

from .. import rebuild
from ..placeholder import Placeholder
from ..scope import importable_path
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def cached(obj: Any, pickling: Pickling) -> Any:
    """Reduce a `functools.lru_cache` function to the function, its settings and what it remembers."""
    path = importable_path(obj)
    if path is not None:
        pickling.referenced.add(id(obj))
        pickling.modules.add(path[0].partition(".")[0])
        return rebuild.importable, path
    settings = obj.cache_parameters()
    info, remembered = obj.cache_info(), _remembered(obj, typed=settings["typed"])
    if info.currsize and remembered is None and id(obj) not in pickling.announced:
        # Met again within itself if it calls itself through its closure.
        pickling.announced.add(id(obj))
        pickling.note_reconnected(obj, f"its cache of {info.currsize} results is empty and fills again")
    attributes = {k: v for k, v in vars(obj).items() if k not in ("cache_parameters", "__wrapped__")}
    args = (obj.__wrapped__, settings["maxsize"], settings["typed"])
    state = (attributes, remembered, info.hits, info.misses)
    return make_cached, args, state, None, None, fill_cache


MOST_CALLS = 1_000_000
"""Hits and misses up to which they are counted again; the results are kept whatever the counts."""


def _remembered(obj: Any, *, typed: bool) -> list[tuple[tuple[Any, ...], dict[str, Any], Any]] | None:
    """Return arguments and results from the least recently used on; None if they cannot be read or put back."""
    held, size = held_by(obj), obj.cache_info().currsize
    function = obj.__wrapped__
    # A library's own function must not answer from a list, not even while a session is loaded.
    if type(function) is not types.FunctionType or importable_path(function) is not None:
        return None
    if not size:
        return []
    # A bounded cache holds (key, result, type of the link) in order, then its dict; an unbounded one its dict alone.
    at = 3 * size if len(held) > 3 * size and type(held[3 * size]) is dict else 0
    cache = held[at]
    if type(cache) is not dict or len(cache) != size:
        return None
    pairs = [(held[i], held[i + 1]) for i in range(0, at, 3)] or list(cache.items())
    mark = next((one for one in held[at + 1 :] if type(one) is object), None)
    return [(*_arguments(key, mark, typed=typed), result) for key, result in pairs]


def _arguments(key: Any, mark: Any, *, typed: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Take a key of the cache apart, as `lru_cache_make_key` in CPython's _functoolsmodule.c puts it together."""
    if type(key) is not tuple:
        return (key,), {}
    at = next((i for i, part in enumerate(key) if part is mark), None)
    if at is None:
        return (key[: len(key) // 2] if typed else key), {}
    # (arguments, mark, name, value, ..., then as many types as there are arguments and values)
    words = key[at + 1 :]
    if typed:
        words = words[: 2 * ((len(words) - at) // 3)]
    return key[:at], dict(zip(words[::2], words[1::2], strict=True))


def comparison_key(obj: Any, pickling: Pickling) -> Any:
    """Reduce what `functools.cmp_to_key` makes."""
    return make_comparison_key, tuple(held_by(obj))


def descriptor(obj: Any, pickling: Pickling) -> Any:
    """Reduce an attribute of a class that is written in C or made by ``__slots__``."""
    return class_attribute, (obj.__objclass__, obj.__name__)


def wrapping(obj: Any, pickling: Pickling) -> Any:
    """Reduce a property, class method or static method, or an instance of a subclass of these."""
    cls = type(obj)
    base = next(c for c in cls.__mro__ if c in (property, classmethod, staticmethod))
    args = (obj.fget, obj.fset, obj.fdel, obj.__doc__) if base is property else (obj.__func__,)
    if cls is base:
        return cls, args
    own = {k: v for k, v in getattr(obj, "__dict__", {}).items() if base is property or not k.startswith("__")}
    return wrapping_of, (cls, base, args), own or None, None, None, rebuild.raw_state


def wrapping_of(cls: Any, base: Any, args: tuple[Any, ...]) -> Any:
    """Make an instance of a subclass of a builtin descriptor, without calling its constructors."""
    made = base.__new__(cls)
    base.__init__(made, *args)
    return made


def make_cached(function: Any, maxsize: int | None, typed: bool) -> Any:
    """Make a function with a cache."""
    return functools.lru_cache(maxsize, typed)(function)


@rebuild.setter
def fill_cache(made: Any, state: tuple[dict[str, Any], list[Any] | None, int, int]) -> None:
    """Give a function with a cache its attributes, and let it remember results without computing them."""
    attributes, remembered, hits, misses = state
    made.__dict__.update(attributes)
    if remembered is None:
        return
    known = [entry for entry in remembered if not isinstance(entry[2], Placeholder)]
    function = made.__wrapped__
    results: list[Any] = []
    own = function.__code__
    function.__code__ = _answering(results, own.co_freevars)
    try:
        for _ in range(misses - len(known) if hits + misses <= MOST_CALLS else 0):
            with contextlib.suppress(IndexError):  # There is no result yet: a miss that nothing remembers.
                made()
        for args, named, result in known:
            results.append(result)
            made(*args, **named)
        for _ in range(hits if known and hits + misses <= MOST_CALLS else 0):
            made(*known[-1][0], **known[-1][1])
    finally:
        function.__code__ = own


def _answering(results: list[Any], free: tuple[str, ...]) -> types.CodeType:
    """Return the code of a function that takes any arguments and its result from a list."""
    code = compile("(lambda *args, **named: 'results'.pop())", "<cache>", "eval").co_consts[0]
    assert isinstance(code, types.CodeType)
    consts = tuple(results if const == "results" else const for const in code.co_consts)
    return code.replace(co_consts=consts, co_freevars=free)


def make_comparison_key(compare: Any, *values: Any) -> Any:
    """Make a comparison key, or what makes them."""
    key = functools.cmp_to_key(compare)
    return key(values[0]) if values else key


def class_attribute(cls: type, name: str) -> Any:
    """Return an attribute of a class without binding it."""
    return type.__dict__["__dict__"].__get__(cls)[name]
