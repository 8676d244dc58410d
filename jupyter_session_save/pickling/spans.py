"""Where lambdas and generator expressions stand in their lines, of which several may share one.

Invariant: nothing is compiled unless the positions that the code object itself carries do not tell.
"""

from __future__ import annotations

import ast
import functools
import linecache
import types
from collections.abc import Iterator

from . import source

Extent = tuple[int, int, int, int]

_NODES: dict[str, type[ast.expr]] = {
    "<lambda>": ast.Lambda,
    "<genexpr>": ast.GeneratorExp,
    "<listcomp>": ast.ListComp,
    "<setcomp>": ast.SetComp,
    "<dictcomp>": ast.DictComp,
}

_known: dict[tuple[str, str, Extent | None], tuple[str, source.Span]] = {}
"""Expressions that a load has made: their lines are known, but no longer what stood around them."""


def located(code: types.CodeType) -> tuple[str, source.Span | tuple[()]]:
    """Return the source of a code object, and where in it the expression stands that makes the function.

    Returns
    -------
    text : str
        As of `source.of_code`, or the lines of the expression where these are no statement.
    span : tuple of int
        ``()`` for what has a statement of its own, or cannot be found.
    """
    text = source.of_code(code)
    if code.co_name not in _NODES or not text:
        return text, ()
    extent = _extent(code)
    known = _known.get((code.co_filename, code.co_name, extent)) if extent else None
    return known or _searched(code, extent, text, len(linecache.getlines(code.co_filename)))


def remember(code: types.CodeType, text: str, span: source.Span) -> None:
    """Note where the expression of a loaded function stands, for when it is saved again."""
    _known[code.co_filename, code.co_name, _extent(code)] = text, span


@functools.lru_cache(maxsize=4096)
def _searched(
    code: types.CodeType, extent: Extent | None, text: str, length: int
) -> tuple[str, source.Span | tuple[()]]:
    """Find the expression, among the statements of its lines or else of its file: once for each state of a file."""
    start = code.co_firstlineno
    for whole, first in ((text, start), ("".join(linecache.getlines(code.co_filename)), 1)):
        try:
            tree = ast.parse(f"if 1:\n{whole}" if whole[:1] in " \t" else whole)
        except (SyntaxError, ValueError, RecursionError):
            continue
        ast.increment_lineno(tree, first - 1 - (whole[:1] in (" ", "\t")))
        nodes = [node for node in ast.walk(tree) if type(node) is _NODES[code.co_name] and node.lineno == start]
        lines = whole.split("\n")
        for node in _by_position(nodes, extent) if extent else _by_structure(nodes, code, lines, first):
            span = _span(node, start)
            if whole is text:
                return text, span
            return "".join(f"{line}\n" for line in lines[start - 1 : start + span[2]]), span
    return text, ()


def _by_position(nodes: list[ast.expr], extent: Extent) -> list[ast.expr]:
    """Return the innermost expression whose body surrounds all that the code does."""
    found = [node for node in nodes if _surrounds(node.body if isinstance(node, ast.Lambda) else node, extent)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))[-1:]


def _by_structure(nodes: list[ast.expr], code: types.CodeType, lines: list[str], first: int) -> Iterator[ast.expr]:
    """Yield the expressions that compile to the same; one of these is as good as the other."""
    start = code.co_firstlineno
    text = "\n".join(lines[start - first :])
    for node in nodes:
        try:
            made = source.recompile(
                text,
                filename=code.co_filename,
                firstlineno=start,
                name=code.co_name,
                free=code.co_freevars,
                flags=code.co_flags,
                qualname=code.co_qualname,
                span=_span(node, start),
            )
        except ValueError:
            continue
        if _structure(made) == _structure(code):
            yield node


def _structure(code: types.CodeType) -> tuple[object, ...]:
    consts = tuple(_structure(c) if isinstance(c, types.CodeType) else (type(c), c) for c in code.co_consts)
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    return code.co_code, code.co_names, code.co_varnames, counts, consts


def _span(node: ast.expr, start: int) -> source.Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno - start, node.col_offset, node.end_lineno - start, node.end_col_offset


def _surrounds(node: ast.expr, extent: Extent) -> bool:
    first, column, last, end = _span(node, 0)
    return (first, column) <= extent[:2] and extent[2:] <= (last, end)


def _extent(code: types.CodeType) -> Extent | None:
    """Return the lines and columns that a code object's instructions come from, None if it does not say."""
    found = [p for p in code.co_positions() if None not in p and (p[0], p[2]) != (p[1], p[3])]
    if not found:
        return None
    first = min((line, column) for line, _, column, _ in found)
    last = max((line, column) for _, line, _, column in found)
    return (*first, *last)  # type: ignore[return-value]
