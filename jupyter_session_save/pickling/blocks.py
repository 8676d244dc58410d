"""Where definitions end in their file, told from one walk over its strings, comments, brackets and line ends.

`inspect.getblock` tokenizes in Python, which takes longer than to pickle the function, and once for each function.

Invariant: the lines are those that `inspect.getblock` finds; where the walk cannot tell, it is asked.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_MARKS = re.compile(
    r"""
    \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?''' | "(?:[^\\\n"]|\\.)*" | '(?:[^\\\n']|\\.)*'
    | \#[^\n]* | [(\[{] | [)\]}] | \\\n | \n
    """,
    re.VERBOSE | re.DOTALL,
)
_INDENT = re.compile(r"[ \t\f]*")
_HEADER = re.compile(r"(?:async[ \t]+)?(?:def|class)\b")


@dataclass(frozen=True, slots=True)
class _Layout:
    """The logical lines of a file: where each starts and ends, its indentation, and its comments on lines of their own.

    Line numbers start with 1, columns with 0.
    """

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    indents: list[int] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)


def block(filename: str, firstlineno: int, length: int, changed: Any) -> str:
    """Return the lines of the definition, or of the statement with a lambda, that begins in a line.

    Parameters
    ----------
    filename : str
        As `linecache` knows it.
    firstlineno : int
        The line, from 1; that of the first decorator if there is one.
    length, changed
        How many lines the file has, and its modification time: what is known of it holds as long as these do.
    """
    lines = linecache.getlines(filename)
    layout = _layout(filename, length, changed)
    end = None if layout is None else _end(layout, lines, firstlineno)
    if end is not None:
        return "".join(lines[firstlineno - 1 : end])
    return _tokenized(filename, firstlineno, length, changed)


@functools.lru_cache(maxsize=8192)
def _tokenized(filename: str, firstlineno: int, length: int, changed: Any) -> str:
    try:
        return "".join(inspect.getblock(linecache.getlines(filename)[firstlineno - 1 :]))
    except Exception:
        return ""


@functools.lru_cache(maxsize=1024)
def _layout(filename: str, length: int, changed: Any) -> _Layout | None:
    """Return the layout of a file, None if it has none that makes sense."""
    lines = linecache.getlines(filename)
    text = "".join(lines)
    if not text.endswith("\n"):
        text += "\n"
    # A form feed or the like may end a line for `str.splitlines` that is none for the compiler.
    return _walked(text) if text.count("\n") == len(lines) else None


def _walked(text: str) -> _Layout | None:
    layout, line, depth = _Layout(), 1, 0
    inside = _begins(text, 0, 1, layout)
    for mark in _MARKS.finditer(text):
        found = mark[0]
        first = found[0]
        if first == "\n":
            line += 1
            if depth:
                continue
            if inside:
                layout.ends.append(line - 1)
            inside = _begins(text, mark.end(), line, layout)
        elif first in "([{":
            depth += 1
        elif first in ")]}":
            depth -= 1
        elif first != "#":
            line += found.count("\n")
    return layout if not depth and len(layout.starts) == len(layout.ends) else None


def _begins(text: str, at: int, line: int, layout: _Layout) -> bool:
    """Note what begins in a line; whether that is a statement."""
    margin = _INDENT.match(text, at)
    assert margin is not None
    column, first = margin.end() - at, text[margin.end() : margin.end() + 1]
    if first == "#":
        layout.comments.append((line, column))
    if first in ("#", "\n", ""):
        return False
    layout.starts.append(line)
    layout.indents.append(column)
    return True


def _end(layout: _Layout, lines: Sequence[str], firstlineno: int) -> int | None:
    """Return the last line of the definition that begins in a line, None if none begins there."""
    at = bisect_left(layout.starts, firstlineno)
    if at == len(layout.starts) or layout.starts[at] != firstlineno:
        return None
    indent = layout.indents[at]
    while at < len(layout.starts) and lines[layout.starts[at] - 1][indent : indent + 1] == "@":
        at += 1
    if at == len(layout.starts) or _HEADER.match(lines[layout.starts[at] - 1], indent) is None:
        return None
    body = after = at + 1
    while after < len(layout.starts) and layout.indents[after] > indent:
        after += 1
    end = layout.ends[after - 1]
    if after > body:
        limit = layout.starts[after] if after < len(layout.starts) else len(lines) + 1
        following = layout.comments[bisect_left(layout.comments, (end, 0)) :]
        for line, column in following:
            if line >= limit:
                break
            if column >= layout.indents[body]:
                end = line
    return end
