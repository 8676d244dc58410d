"""A pickle stream in a form that does not show which equal strings are the same object.

Attribute names are interned by the interpreter, but those that come out of a pickle are not, so that the same class
before and after a load has other strings in its memo.

Invariant: a stream is only read, never executed.
"""

from __future__ import annotations

import pickletools
from typing import Any

_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_GETS = frozenset({"BINGET", "LONG_BINGET"})


def normal(stream: bytes) -> list[tuple[str, Any]]:
    """Return the opcodes of a stream, with strings where they are fetched from the memo.

    Parameters
    ----------
    stream : bytes
        A whole pickle of protocol 5.

    Returns
    -------
    list of (str, object)
        Opcode and argument; other objects are numbered in the order in which they enter the memo.
    """
    memo: list[tuple[str, Any]] = []
    found: list[tuple[str, Any]] = []
    objects = 0
    argument: Any
    for opcode, argument, _ in pickletools.genops(stream):
        name = opcode.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "MEMOIZE":
            is_string = found[-1][0] == "string"
            memo.append(found[-1] if is_string else ("object", objects))
            objects += not is_string
        elif name in _GETS:
            found.append(memo[argument])
        else:
            found.append(("string" if name in _STRINGS else name, argument))
    return found
