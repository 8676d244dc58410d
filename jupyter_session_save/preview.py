"""Small plain values as text, read off a pickle stream without unpickling it.

Invariant: only atoms and containers of Python itself are made; nothing is imported, and nothing is called.
"""

from __future__ import annotations

import pickletools
import reprlib
from collections.abc import Callable
from typing import Any

from .sensitive import withheld

LONGEST = 16 * 1024
"""Streams of more bytes than these are not looked into."""

_WIDTH = 60
_PUSHED = frozenset(
    "BININT BININT1 BININT2 LONG1 BINFLOAT SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
_MARKED = frozenset({"APPENDS", "SETITEMS", "ADDITEMS", "TUPLE", "FROZENSET"})
_COUNTED = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_FROZEN = (tuple, frozenset)
_SKIPPED = frozenset({"PROTO", "FRAME", "STOP"})


class _NotPlainError(Exception):
    """The stream holds more than plain values."""


def previews(stream: bytes | memoryview) -> dict[str, str]:
    """Return the variables of a small component of plain values, without secrets, as text of at most 60 characters.

    Parameters
    ----------
    stream : bytes-like
        The pickle of one component, a dict of its variables.

    Returns
    -------
    dict of str to str
        Empty if the stream is large, or holds anything but plain values.
    """
    if len(stream) > LONGEST:
        return {}
    try:
        values = {name: withheld(value, name) for name, value in _run(bytes(stream)).items() if type(name) is str}
    except (_NotPlainError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = _WIDTH
    return {name: _cut(short.repr(value)) for name, value in values.items()}


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _run(stream: bytes) -> dict[Any, Any]:
    stack: list[Any] = []
    marks: list[int] = []
    memo: list[Any] = []
    for opcode, argument, _ in pickletools.genops(stream):
        _step(opcode.name, argument, stack, marks, memo)
    (value,) = stack
    if type(value) is not dict:
        raise _NotPlainError
    return value


def _step(name: str, argument: Any, stack: list[Any], marks: list[int], memo: list[Any]) -> None:
    """Do what one opcode says; see the descriptions in ``pickletools``."""
    items: list[Any]
    if name in _PUSHED:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _EMPTY:
        stack.append(_EMPTY[name]())
    elif name == "MARK":
        marks.append(len(stack))
    elif name == "MEMOIZE":
        memo.append(stack[-1])
    elif name in ("BINGET", "LONG_BINGET"):
        stack.append(_again(memo[argument]))
    elif name in _COUNTED:
        count = _COUNTED[name]
        stack[-count:] = [tuple(stack[-count:])]
    elif name in ("APPEND", "SETITEM"):
        items = stack[-1:] if name == "APPEND" else stack[-2:]
        del stack[-len(items) :]
        _fill(stack[-1], items)
    elif name in _MARKED:
        at = marks.pop()
        items, stack[at:] = stack[at:], []
        if name in ("TUPLE", "FROZENSET"):
            stack.append(tuple(items) if name == "TUPLE" else frozenset(items))
        else:
            _fill(stack[-1], items)
    elif name not in _SKIPPED:
        raise _NotPlainError


def _again(value: Any) -> Any:
    """Return what stands in several places, but no tuples of tuples, which in a few bytes could be of billions."""
    if type(value) in _FROZEN and any(type(item) in _FROZEN for item in value):
        raise _NotPlainError
    return value


def _fill(container: Any, items: Any) -> None:
    if type(container) is list:
        container.extend(items)
    elif type(container) is dict:
        container.update(zip(items[::2], items[1::2], strict=True))
    else:
        container.update(items)
