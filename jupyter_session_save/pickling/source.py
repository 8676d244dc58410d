"""Source text of code objects: found when saving, shown in tracebacks and recompiled after loading.

Invariant: only the lines of the function itself travel, never the rest of its cell, which may hold secrets
that the user has since deleted.
"""

from __future__ import annotations
import __future__

import ast
import importlib.util
import linecache
import marshal
import sys
import types
from collections.abc import Iterator

from .blocks import block

MAGIC = importlib.util.MAGIC_NUMBER.hex()
"""The bytecode version of this interpreter; code with another one is recompiled, never executed."""

_remembered: dict[tuple[str, int], str] = {}
"""Functions whose lines a load has put into `linecache`, by file and first line."""

_put_together: dict[str, list[str]] = {}
"""The lines that stand there, by file; all others in there belong to somebody else."""

Span = tuple[int, int, int, int]
"""First line, first column, last line and end column of an expression: lines from 0, columns in bytes of UTF-8."""

_FUTURES = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
_FUTURE_MASK = sum(set(_FUTURES.values()))


def of_code(code: types.CodeType) -> str:
    """Return the source lines of a function's code, ``""`` if they are not known."""
    known = _remembered.get((code.co_filename, code.co_firstlineno))
    if known is not None:
        return known
    lines = linecache.getlines(code.co_filename)
    start = code.co_firstlineno - 1
    if not 0 <= start < len(lines):
        return ""
    entry = linecache.cache.get(code.co_filename)
    changed = entry[1] if entry is not None and len(entry) == 4 else None
    return block(code.co_filename, code.co_firstlineno, len(lines), changed)


def dump_code(code: types.CodeType) -> bytes:
    """Return marshal bytes that do not vary with reference counts, so that equal code gives equal bytes."""
    try:
        # Versions before 3 write no back references: https://docs.python.org/3/library/marshal.html
        return marshal.dumps(code, 2)
    except ValueError:
        return marshal.dumps(code)


def remember(filename: str, firstlineno: int, source: str) -> None:
    """Put a function's lines where tracebacks and `inspect` look for them, beside those already there."""
    if not source:
        return
    entry = linecache.cache.get(filename)
    # What looks like `<this>` is no file, and to look for hundreds takes longer than all the rest.
    if entry is None and not (filename[:1] == "<" and filename[-1:] == ">") and linecache.getlines(filename):
        return
    lines = entry[2] if entry is not None and len(entry) == 4 else []
    if lines is not _put_together.get(filename):
        lines = _put_together[filename] = list(lines)
        # No modification time: `linecache.checkcache` then leaves the entry alone, and nobody looks at the size.
        linecache.cache[filename] = (0, None, lines, filename)
    place = filename, firstlineno
    if len(source) >= len(_remembered.get(place, "")):
        _remembered[place] = source
    new = source.splitlines(keepends=True)
    end = firstlineno - 1 + len(new)
    # What stood between was not saved; an ellipsis ends a block, where a blank line would not.
    if len(lines) < end:
        lines.extend(["...\n"] * (end - len(lines)))
    lines[firstlineno - 1 : end] = new


def recompile(
    source: str,
    *,
    filename: str,
    firstlineno: int,
    name: str,
    free: tuple[str, ...],
    flags: int,
    qualname: str = "",
    span: Span | tuple[()] = (),
) -> types.CodeType:
    """Compile a function's source with this interpreter and return the code of the function.

    Parameters
    ----------
    source : str
        The function's own lines, possibly indented.
    filename : str
    firstlineno : int
        Line of the first line of `source` in its cell.
    name : str
        ``co_name`` of the function.
    free : tuple of str
        Names of its closure variables, in the order of its cells.
    flags : int
        ``co_flags`` of the original, for the features it was compiled under.
    qualname : str
        ``co_qualname`` of the function, which says in which class it stands; private names depend on it.
    span : tuple of int, optional
        Where in `source` the expression stands that makes the function, of `spans.span_of`.

    Raises
    ------
    ValueError
        If the source does not hold exactly one such function.
    """
    if not source:
        raise ValueError(f"the source of {name} was not known when it was saved")
    try:
        tree = _expression(source, span) if span else _statements(source)
    except SyntaxError as error:
        here = "{}.{}".format(*sys.version_info)
        raise ValueError(f"the source of {name} cannot be compiled by Python {here}: {error.msg}") from error
    ast.increment_lineno(tree, firstlineno - 1)
    owner = _class_of(qualname)
    if owner:
        tree = _within(f"class {owner}: pass", tree)
    if free:
        if owner and owner not in free:
            # Else the class would be local here, and a method that names it would have it among its closure.
            tree.body[:0] = ast.parse(f"global {owner}").body
        tree = _within(f"def _enclosing({', '.join(free)}): pass", tree)
    unit = compile(tree, filename, "exec", flags=flags & _FUTURE_MASK, dont_inherit=True)
    found = [c for c in _walk(unit) if c.co_name == name and set(c.co_freevars) == set(free)]
    if span:
        del found[1:]  # What stands inside comes after.
    elif len(found) > 1:
        found = [c for c in found if c.co_firstlineno == firstlineno]
    if len(found) != 1:
        raise ValueError(f"the source holds {len(found)} functions that could be {name}")
    if found[0].co_freevars != free:
        raise ValueError(f"the closure of {name} has another order in this Python")
    return _renamed(found[0], found[0].co_qualname, qualname) if qualname else found[0]


def _statements(source: str) -> ast.Module:
    # Not dedented: that would change text of several lines inside the function.
    if source[0] not in " \t":
        return ast.parse(source)
    return ast.increment_lineno(ast.parse(f"if 1:\n{source}"), -1)


def _expression(source: str, span: Span) -> ast.Module:
    """Parse one expression of a source, at the column where it stands: tracebacks point there."""
    first, column, last, end = span
    lines = source.encode().split(b"\n")[first : last + 1]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    text = b"(" + b" " * (column - 1) + b"\n".join(lines) + b")"
    tree = ast.parse(text)
    match tree.body:
        case [ast.Expr(ast.Lambda(args=args))]:
            # They are values of the function, not part of its code, and may hold lambdas of their own.
            args.defaults = [ast.Constant(None) for _ in args.defaults]
            args.kw_defaults = [default and ast.Constant(None) for default in args.kw_defaults]
            ast.fix_missing_locations(tree)
    return ast.increment_lineno(tree, first)


def _class_of(qualname: str) -> str:
    """Return the name of the innermost class around a function, ``""`` if there is none."""
    parts = qualname.split(".")[:-1]
    while parts:
        part = parts.pop()
        if part != "<locals>":
            return part if part.isidentifier() else ""
        parts = parts[:-1]
    return ""


def _within(statement: str, tree: ast.Module) -> ast.Module:
    outer = ast.parse(statement)
    outer.body[0].body = tree.body  # type: ignore[attr-defined]
    return outer


def _renamed(code: types.CodeType, old: str, new: str) -> types.CodeType:
    """Take what was put around a function out of the qualified names of it and of what is inside it."""
    consts = tuple(_renamed(c, old, new) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=consts, co_qualname=new + code.co_qualname.removeprefix(old))


def _walk(code: types.CodeType) -> Iterator[types.CodeType]:
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield const
            yield from _walk(const)
