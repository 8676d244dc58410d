"""What a top-level statement of a cell does to names, as far as their text tells.

Invariant: nothing is run or looked up; a statement whose effects the text does not tell is `opaque`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_HARMLESS = frozenset("print len repr str type isinstance id dir help display hash callable hasattr".split())
"""Functions that change nothing that they are given."""

_IN_PLACE = frozenset(
    "append extend insert remove pop popitem clear update setdefault add discard sort reverse appendleft popleft "
    "extendleft rotate send throw write writelines put put_nowait start".split()
)
"""Methods that change what they are called on, also where their result is used."""

_OPAQUE = frozenset("get_ipython exec eval globals locals vars setattr __import__".split())
_PYTHON_MAGICS = frozenset({"time", "prun"})

_REMOVING = frozenset("pop popitem clear remove discard".split())

LONG = 6
"""Characters from which on a literal may be a secret that is recognized where it stands again."""

Position = tuple[int, int]


@dataclass(slots=True)
class Effects:
    """What one statement does.

    Attributes
    ----------
    text : str
    start, end : (line, column)
        Its place in the cell; lines from 1, columns in bytes.
    binds, deletes, reads : set of str
    deferred : set of str
        Names that functions defined in it read when they are called.
    changes : set of str
        Names whose values it certainly changes in place.
    touches : set of str
        Names whose values it may change in place.
    later : set of str
        Names whose values functions defined in it change when they are called.
    stores, later_stores : set of str
        Names of which it sets attributes or elements, now or when a function defined in it is called.
    scrubs : set of str
        Names from which it takes something out, or that it blanks: ``del d["pw"]``, ``pw = None``.
    held : set of str
        Literals that the names it binds or changes then hold.
    opaque : bool
        It may bind names that its text does not show.
    session : bool
        It calls a magic of this extension, which tells by itself what it binds.
    awaits : bool
        It can run only where ``await`` is allowed.
    compound : bool
        It has branches or a body, and may not bind all that it names.
    """

    text: str
    start: Position
    end: Position
    binds: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    deferred: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    touches: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    later_stores: set[str] = field(default_factory=set)
    scrubs: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    opaque: bool = False
    session: bool = False
    awaits: bool = False
    compound: bool = False


def _given(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a loop or ``with`` binds before its body reads them."""
    targets: list[ast.AST | None] = []
    if isinstance(node, (ast.For, ast.AsyncFor)):
        targets = [node.target]
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        targets = [item.optional_vars for item in node.items]
    yield from (n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name))


def _held(node: ast.AST) -> Iterator[str]:
    """Yield the long literals in a statement; those in functions and classes travel with these."""
    todo = [node]
    while todo:
        part = todo.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        # What an imported function was called with is not what the name holds: open("data.csv") is no secret.
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            todo.append(part.func.value)
            continue
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Load):
            continue
        if isinstance(part, ast.Constant):
            text = literal_text(part.value)
            if len(text) >= LONG:
                yield text
        todo += ast.iter_child_nodes(part)


def literal_text(value: object) -> str:
    """Return what a literal says, ``""`` for what cannot be a secret."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    return str(value) if type(value) in (int, float, complex) else ""


def effects_of(node: ast.stmt, text: str, start: Position, end: Position) -> Effects:
    """Return what a top-level statement does.

    Parameters
    ----------
    node : ast.stmt
    text : str
        Its source.
    start, end : (line, column)
    """
    found = Effects(text, start, end)
    found.compound = (hasattr(node, "body") and not hasattr(node, "name")) or isinstance(node, ast.Match)
    _Visitor(found).visit(node)
    found.held.update(_held(node))
    for target in _given(node):
        found.reads.discard(target)
        found.touches.discard(target)
    return found


@dataclass(slots=True)
class _Scope:
    names: set[str]
    kind: str


class _Visitor(ast.NodeVisitor):
    """Fills in the effects of one statement."""

    def __init__(self, found: Effects) -> None:
        self._found = found
        self._scopes: list[_Scope] = []

    @property
    def _deferred(self) -> bool:
        return any(scope.kind == "function" for scope in self._scopes)

    def _is_local(self, name: str) -> bool:
        inner = True
        for scope in reversed(self._scopes):
            # What stands in a class body is not seen by its methods.
            if name in scope.names and (inner or scope.kind != "class"):
                return True
            inner = inner and scope.kind == "comprehension"
        return False

    def _read(self, name: str) -> None:
        if not self._is_local(name):
            (self._found.deferred if self._deferred else self._found.reads).add(name)

    def _bind(self, name: str) -> None:
        if all(scope.kind == "comprehension" for scope in self._scopes):
            self._found.binds.add(name)

    def _change(self, node: ast.AST | None, *, certain: bool) -> None:
        name = _root(node)
        if name is None or self._is_local(name):
            return
        if self._deferred:
            if certain:
                self._found.later.add(name)
            return
        self._found.touches.add(name)
        if certain:
            self._found.changes.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        """Note a name that is read, bound or deleted."""
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
            if node.id in _OPAQUE and not self._is_local(node.id):
                self._found.opaque = True
        elif self._is_local(node.id):
            return
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        elif not self._scopes:
            self._found.deletes.add(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """Note a name that an expression binds."""
        self._bind(node.target.id)
        self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note an assignment to an attribute."""
        self._stored(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Note an assignment to an element."""
        self._stored(node)
        self.generic_visit(node)

    def _stored(self, node: ast.Attribute | ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node, certain=True)
            name = _root(node)
            if name is not None and not self._is_local(name):
                (self._found.later_stores if self._deferred else self._found.stores).add(name)
        if isinstance(node.ctx, ast.Del):
            self._found.scrubs.add(_root(node) or "")

    def visit_Assign(self, node: ast.Assign) -> None:
        """Note what is blanked."""
        if isinstance(node.value, ast.Constant) and not node.value.value:
            self._found.scrubs.update(_root(target) or "" for target in node.targets)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Note that the target is read and changed."""
        if isinstance(node.target, ast.Name):
            self._read(node.target.id)
            self._change(node.target, certain=True)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Bind the target only if there is a value."""
        if node.value is None:
            self.visit(node.annotation)
        else:
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call whose result nobody keeps is made for what it changes."""
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call):
            if isinstance(call.func, ast.Attribute):
                self._change(call.func, certain=True)
            if not (isinstance(call.func, ast.Name) and call.func.id in _HARMLESS):
                for arg in chain(call.args, (k.value for k in call.keywords)):
                    self._change(arg if isinstance(arg, ast.Name) else None, certain=False)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note methods, and functions that change their argument."""
        if isinstance(node.func, ast.Attribute):
            if self._python_magic(node):
                return
            self._change(node.func, certain=node.func.attr in _IN_PLACE)
            if node.func.attr in _REMOVING:
                self._found.scrubs.add(_root(node.func) or "")
        elif isinstance(node.func, ast.Name) and node.func.id in ("next", "setattr", "delattr") and node.args:
            self._change(node.args[0], certain=True)
        self.generic_visit(node)

    def _python_magic(self, node: ast.Call) -> bool:
        """Look into ``x = %time f()``, whose code is a string by now."""
        if getattr(node.func, "attr", "") != "run_line_magic" or self._scopes:
            return False
        values = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        if len(values) < 2 or values[0] not in _PYTHON_MAGICS:
            return False
        try:
            inner = ast.parse(str(values[1]))
        except (SyntaxError, ValueError):
            return False
        for statement in inner.body:
            self.visit(statement)
        return True

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Note what an import binds."""
        for alias in node.names:
            if alias.name == "*":
                self._found.opaque = True
            else:
                self._bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        """Note what a pattern captures."""
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        """Note the rest that a pattern captures."""
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)

    def visit_Await(self, node: ast.AST) -> None:
        """Note what needs a running loop."""
        self._found.awaits |= not self._deferred
        self.generic_visit(node)

    visit_AsyncFor = visit_AsyncWith = visit_Await  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Defaults and decorators are read now, the body when it is called."""
        self._bind(node.name)
        self._function(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """As a function."""
        self._function(node, [node.body])

    def _function(self, node: Any, body: Sequence[ast.AST]) -> None:
        a = node.args
        every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
        now = [*getattr(node, "decorator_list", ()), *a.defaults, *filter(None, a.kw_defaults)]
        now += [x.annotation for x in every if x.annotation] + [r for r in [getattr(node, "returns", None)] if r]
        for part in now:
            self.visit(part)
        self._within(_Scope({x.arg for x in every} | _assigned(body), "function"), body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class body runs at once, with names of its own."""
        self._bind(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._within(_Scope(_assigned(node.body), "class"), node.body)

    def _comprehension(self, node: Any) -> None:
        if any(g.is_async for g in node.generators):
            self._found.awaits |= not self._deferred
        targets = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        self.visit(node.generators[0].iter)
        scope = _Scope(targets, "comprehension")
        rest = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for i, g in enumerate(node.generators):
            rest += [*([g.iter] if i else []), *g.ifs]
        self._within(scope, rest)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def _within(self, scope: _Scope, body: Sequence[ast.AST]) -> None:
        self._scopes.append(scope)
        for part in body:
            self.visit(part)
        self._scopes.pop()


def _root(node: ast.AST | None) -> str | None:
    """Return the name that an expression such as ``x.a[0].b()`` begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Starred, ast.Await)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _assigned(body: Sequence[ast.AST]) -> set[str]:
    """Return the names that are local to a function or class with this body."""
    names: set[str] = set()
    declared: set[str] = set()
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, _DEFERRED):
            continue
        if isinstance(node, ast.Global):
            declared.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((a.asname or a.name).partition(".")[0] for a in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        todo += ast.iter_child_nodes(node)
    return names - declared
