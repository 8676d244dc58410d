"""A cell as its top-level statements, and which of them runs, or failed.

Invariant: nothing of the cell is run.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .effects import Effects, Position, effects_of

_WRAPPING_MAGICS = frozenset({"time", "capture", "prun"})
_RUNNING = frozenset({"run_line_magic", "run_cell_magic", "run_cell", "magic"})
_SESSION_MAGICS = re.compile(r"\b(?:(?:save|load|undo|autosave|diff|delete)_session|sessions)\b")
_SAVING = re.compile(r"\b(?:save|load)\s*\(")
_PACKAGE = "jupyter_session_save"
_OPTIMIZED = 0x1  # inspect.CO_OPTIMIZED: functions have it, cells and class bodies do not.


def statements(source: str, transform: Callable[[str], str]) -> tuple[list[Effects], bool]:
    """Take a cell apart.

    Parameters
    ----------
    source : str
        The cell as Python, with IPython's syntax translated.
    transform : callable
        Translates IPython's syntax in the body of a cell magic such as ``%%time``.

    Returns
    -------
    statements : list of Effects
    wrapped : bool
        Whether they are the body of a cell magic, which ran as a cell of its own.

    Raises
    ------
    SyntaxError
        If the source is not Python.
    """
    tree = ast.parse(source)
    wrapper = _wrapper(tree)
    if wrapper is None:
        return list(_each(tree, source)), False
    name, line, body = wrapper
    body = transform(body)
    found = list(_each(ast.parse(body), body))
    words = [word for word in line.split() if word.isidentifier()]
    if name == "capture" and words:
        # The captured output is bound after the body; nothing can make it again without all of it.
        found.append(Effects("", (1 << 30, 0), (1 << 30, 0), binds=set(words[:1]), opaque=True))
    return found, True


def _wrapper(tree: ast.Module) -> tuple[str, str, str] | None:
    match tree.body:
        case [ast.Expr(ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=args))]:
            values = [arg.value for arg in args if isinstance(arg, ast.Constant)]
            if len(values) == 3 and values[0] in _WRAPPING_MAGICS:
                return str(values[0]), str(values[1]), str(values[2])
    return None


def _each(tree: ast.Module, source: str) -> Iterator[Effects]:
    lines = source.replace("\r\n", "\n").encode().split(b"\n")
    for node in tree.body:
        decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
        line = min([node.lineno, *(d.lineno for d in decorators)])
        start = (line, 0 if decorators else node.col_offset)
        end = (node.end_lineno or line, node.end_col_offset or 0)
        found = effects_of(node, _text(lines, start, end), start, end)
        found.session = not hasattr(node, "name") and any(map(_calls_session_magic, ast.walk(node)))
        found.opaque &= not found.session
        yield found


def _calls_session_magic(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in _RUNNING:
        return False
    return any(isinstance(arg, ast.Constant) and _SESSION_MAGICS.search(str(arg.value)) for arg in node.args)


def _text(lines: list[bytes], start: Position, end: Position) -> str:
    chosen = lines[start[0] - 1 : end[0]]
    chosen[-1] = chosen[-1][: end[1]]
    chosen[0] = chosen[0][start[1] :]
    return b"\n".join(chosen).decode(errors="replace")


def effects_in(text: str) -> Effects:
    """Return the effects of one recorded statement."""
    found = Effects(text, (0, 0), (0, 0))
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        found = next(iter(statements(text, str)[0]), found)
    return found


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code object and those within it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


def reaches_session(text: str, values: Iterable[Any], namespace: dict[str, Any]) -> bool:
    """Whether a statement, or a function of the notebook that it may call, saves or loads a session.

    Parameters
    ----------
    text : str
        The statement.
    values : iterable of object
        Those of the names that it reads.
    namespace : dict
        The globals of cells.
    """
    todo, seen = list(values), set()
    calls = _SAVING.search(text) is not None
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if calls and _saves_or_loads(value):
            return True
        # Asked of the type, since `isinstance` may run code of a proxy.
        if issubclass(type(value), type) and value.__module__ == "__main__":
            todo += [v for v in vars(value).values() if type(v) is types.FunctionType]
        if type(value) is not types.FunctionType or value.__globals__ is not namespace:
            continue
        for code in codes(value.__code__):
            called = set(code.co_names)
            texts = [c for c in code.co_consts if isinstance(c, str)]
            if called & _RUNNING and any(map(_SESSION_MAGICS.search, texts)):
                return True
            calls = calls or not called.isdisjoint(("save", "load"))
            todo += [namespace[name] for name in code.co_names if name in namespace]
    return False


def _saves_or_loads(value: Any) -> bool:
    """Whether a value is this package, or its function that saves or loads."""
    if type(value) is types.FunctionType:
        return value.__name__ in ("save", "load") and str(value.__module__).startswith(_PACKAGE)
    return value is not None and value is sys.modules.get(_PACKAGE)


def failed_at(error: BaseException, namespace: dict[str, Any], *, wrapped: bool) -> Position:
    """Return where in a cell an exception left it, (0, 0) if that is not known.

    Parameters
    ----------
    error : BaseException
    namespace : dict
        The globals of cells.
    wrapped : bool
        Whether the statements are the body of a cell magic.
    """
    steps = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if step.tb_frame.f_globals is namespace and not code.co_flags & _OPTIMIZED:
            steps.append(_position(code, step.tb_lasti, step.tb_lineno))
        step = step.tb_next
    return steps[wrapped] if len(steps) > wrapped else (0, 0)


def running_at(namespace: dict[str, Any], *, wrapped: bool) -> Position | None:
    """Return where the cell stands that this thread runs, None if it runs none; parameters as for `failed_at`."""
    frames: list[types.FrameType] = []
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is namespace and not frame.f_code.co_flags & _OPTIMIZED:
            frames.append(frame)
        frame = frame.f_back
    if len(frames) <= wrapped:
        return None
    here = frames[-1 - wrapped]
    return _position(here.f_code, here.f_lasti, here.f_lineno)


def _position(code: types.CodeType, instruction: int, line: int) -> Position:
    found = next(itertools.islice(code.co_positions(), max(0, instruction // 2), None), None)
    if found is None or found[0] is None:
        return line, 0
    return found[0], found[2] or 0
