"""Which names the code of a cell can touch, told from its text.

Names are collected more widely than Python would look them up; what can reach variables without naming them counts
as reaching all of them. What a cell reaches through functions that it calls is told by what those functions name.

Invariant: a name that the cell's own text can read, bind or delete is among its names, or it reaches everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .pickling.scope import is_library

Transform = Callable[[str], str]
"""Turns magics and shell escapes into Python, as ``shell.transform_cell`` does."""

DYNAMIC = frozenset(
    "eval exec globals locals vars get_ipython __import__ __builtins__ builtins __main__ breakpoint ctypes "
    "import_module runpy reload __globals__ f_globals f_locals f_back tb_frame gi_frame cr_frame ag_frame "
    "currentframe _getframe get_objects get_referrers get_referents modules user_ns user_global_ns user_module "
    "run_cell run_cell_async run_cell_magic run_line_magic run_code ex ev magic __code__ __closure__ "
    "from_address memmove memset cell_contents last_traceback last_value last_exc __traceback__ Out _oh".split()
)
"""Names and attributes that lead to variables which are not named."""

_HISTORY = re.compile(r"_{1,3}|_\d+")
_WORD = re.compile(r"[^\W\d]\w*")
_OPTIONS = re.compile(r"\s*(-[A-Za-z]\w*(\s+\d+)?\s+)*")

_WITH_CODE = frozenset("time timeit prun capture memit lprun scalene".split())
"""Magics that run their line or body as Python, here and now."""

_HARMLESS = frozenset(
    "alias alias_magic autosave bash cat cd clear colors conda config cp dhist env hist history html javascript js "
    "latex ldir less lf lk ll load_ext logoff logon logstart ls lsmagic lx man markdown matplotlib mkdir more mv "
    "notebook page pdoc perl pfile pinfo pinfo2 pip popd precision psearch psource pushd pwd pycat quickref rehashx "
    "reload_ext rm rmdir ruby save script sc sh svg sx system tb unload_ext uv who who_ls whos writefile xmode ! !! "
    "autosave_session delete_session diff_session load_session save_session sessions undo_session".split()
)
"""Magics that bind at most names which stand in their line."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a piece of code can touch.

    Attributes
    ----------
    names : frozenset of str
        Names that it mentions, whether there are such variables or not.
    everything : bool
        Whether it can touch variables that it does not mention.
    """

    names: frozenset[str] = frozenset()
    everything: bool = False

    def __or__(self, other: Reach) -> Reach:
        return Reach(self.names | other.names, self.everything or other.everything)


EVERYTHING = Reach(everything=True)


def is_dynamic(names: Iterable[str]) -> bool:
    """Whether a function that uses these names can reach variables which it does not name."""
    return not DYNAMIC.isdisjoint(names) or any(name[0] == "_" and _HISTORY.fullmatch(name) for name in names if name)


def reach_of(code: str, transform: Transform) -> Reach:
    """Return what a cell can touch.

    Parameters
    ----------
    code : str
        The cell, already in plain Python.
    transform : callable
        For cells and lines inside it that are arguments of magics.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return EVERYTHING
    except (RecursionError, MemoryError):
        return EVERYTHING
    walk = _Walk(transform)
    walk.visit_all(tree)
    return Reach(frozenset(walk.names), walk.everything)


class _Walk:
    """Collects names from a syntax tree."""

    def __init__(self, transform: Transform) -> None:
        self._transform = transform
        self.names: set[str] = set()
        self.everything = False

    def visit_all(self, tree: ast.AST) -> None:
        # A stack of nodes instead of recursion: cells may be nested deeply.
        todo: list[ast.AST] = [tree]
        while todo and not self.everything:
            node = todo.pop()
            if isinstance(node, ast.Call) and self._is_of_shell(node):
                todo += node.args
                continue
            self._visit(node)
            todo += ast.iter_child_nodes(node)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self.names.add(node.id)
            loaded = isinstance(node.ctx, ast.Load)
            self.everything |= node.id in DYNAMIC or (loaded and _HISTORY.fullmatch(node.id) is not None)
        elif isinstance(node, ast.Attribute):
            self.everything |= node.attr in DYNAMIC
        elif isinstance(node, ast.Constant):
            # As in getattr(function, "__globals__").
            self.everything |= type(node.value) is str and node.value.startswith("__") and node.value in DYNAMIC
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._imported(node)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            self.names.update(node.names)
        elif isinstance(node, ast.MatchMapping):
            self.names.add(node.rest or "")
        else:
            name = getattr(node, "name", None)
            if type(name) is str:
                self.names.add(name)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        # A module of the user's own runs code that may hold on to, or change, what it likes.
        self.everything |= any(not is_library(module) for module in modules) or getattr(node, "level", 0) > 0
        for alias in node.names:
            self.names.add(alias.asname or alias.name.partition(".")[0])
            self.everything |= alias.name in DYNAMIC

    def _is_of_shell(self, call: ast.Call) -> bool:
        """Whether a call is what IPython makes of a magic or shell escape; if so, take what it touches."""
        method = call.func
        if not (
            isinstance(method, ast.Attribute)
            and isinstance(method.value, ast.Call)
            and isinstance(method.value.func, ast.Name)
            and method.value.func.id == "get_ipython"
        ):
            return False
        texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and type(arg.value) is str]
        if len(texts) != len(call.args) or call.keywords:
            return False
        reach = EVERYTHING
        if method.attr in ("system", "getoutput") and len(texts) == 1:
            reach = _words(texts[0])
        elif method.attr == "run_line_magic" and len(texts) == 2:
            reach = self._magic(texts[0], texts[1], None)
        elif method.attr == "run_cell_magic" and len(texts) == 3:
            reach = self._magic(*texts)
        elif method.attr == "set_next_input":
            reach = Reach()
        self.names |= reach.names
        self.everything |= reach.everything
        return True

    def _magic(self, name: str, line: str, body: str | None) -> Reach:
        if name in _HARMLESS:
            # IPython puts values in place of {x} and $x, which may be any expression.
            return _words(line)
        if name not in _WITH_CODE:
            return EVERYTHING
        found = _words(line)
        if name != "capture":
            found |= self._code(line[_end_of_options(line) :])
        return found if body is None else found | self._code(body)

    def _code(self, text: str) -> Reach:
        try:
            return reach_of(self._transform(text), self._transform) if text.strip() else Reach()
        except Exception:  # a transformer of somebody's
            return EVERYTHING


def _end_of_options(line: str) -> int:
    found = _OPTIONS.match(line)
    return found.end() if found else 0


def _words(text: str) -> Reach:
    names = frozenset(_WORD.findall(text))
    return Reach(names, is_dynamic(names) and ("{" in text or "$" in text))
