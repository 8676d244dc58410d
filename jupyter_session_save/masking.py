"""Which literals of a recorded statement must not be stored, and the statement without them.

Invariant: a masked statement is never said to be one that can be run again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from .effects import literal_text

MARK = "***"

_NAMES = re.compile(
    r"password|passwd|passphrase|passcode|pwd|token(?!iz)|secret|api[_-]?key|credential|private[_-]?key|access[_-]?key"
    r"|bearer|(?<![^\W_])(?:pw|pass|auth|pin)(?![^\W\d_])|authorization|cookie",
    re.IGNORECASE,
)
_CALLS = re.compile(r"login|authenticat|basicauth|digestauth|set_?password|secretstr", re.IGNORECASE)
_ASKING = frozenset("getenv getpass get_password input prompt get environ get_secret".split())
_VALUES = re.compile(
    r"[a-z][\w+.\-]*://[^/\s:@]*:[^@\s]+@"
    r"|\b(?:password|passwd|pwd|token|secret|api_?key|access_?key|authorization)\s*[=:]\s*\S"
    r"|\bbearer\s+\S{6,}"
    r"|\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}|github_pat_\w+|\bAKIA[0-9A-Z]{16}|\bxox[abprs]-[\w-]+|\bhf_\w{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+|\bglpat-[\w-]+|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)

_SENSITIVE = "a password, token or key in it was not recorded"
_GONE = "it holds a literal of a variable that was deleted or is not saved, which was not recorded"


def masked(text: str, *, forgotten: Collection[str] = (), everything: bool = False) -> tuple[str, str]:
    """Take out of a statement what must not be stored.

    Parameters
    ----------
    text : str
        Python source.
    forgotten : collection of str
        Literals of variables that are gone.
    everything : bool
        Mask all literals, since one variable of several that it bound is gone.

    Returns
    -------
    text, reason : str
        The statement, masked if need be, and why it cannot be run again, ``""`` if nothing was masked.
    """
    if not forgotten and not everything and not any(p.search(text) for p in (_NAMES, _CALLS, _VALUES)):
        return text, ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return MARK, _SENSITIVE
    secret = {id(node) for node in _secret(tree)}
    reason = ""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            continue
        gone = everything or _mentions(node.value, forgotten)
        if id(node) in secret or gone:
            reason = _GONE if gone and id(node) not in secret else reason or _SENSITIVE
            node.value, node.kind = MARK, None
    commented = any(part in text for part in forgotten) or _in_comment(text)
    return (ast.unparse(tree), reason) if reason or commented else (text, "")


def _mentions(value: object, forgotten: Collection[str]) -> bool:
    text = literal_text(value)
    return bool(text) and any(part in text for part in forgotten)


def _in_comment(text: str) -> bool:
    return "#" in text and any(_VALUES.search(line.partition("#")[2]) for line in text.splitlines())


def _secret(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the literals that stand where a secret is expected, or look like one."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() | bytes() as value) if _VALUES.search(literal_text(value)):
                yield node
            case ast.JoinedStr(values=parts) if _VALUES.search(_template(node)):
                yield from (p for p in parts if isinstance(p, ast.Constant))
            case ast.keyword(arg=str() as name, value=value) if _NAMES.search(name):
                yield from _literals(value)
            case ast.Assign(targets=targets, value=value) if any(map(_is_secret_target, targets)):
                yield from _literals(value)
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ) if _is_secret_target(target):
                yield from _literals(value)
            case ast.Dict(keys=keys, values=values):
                named = (v for k, v in zip(keys, values, strict=True) if k is not None and _is_secret_key(k))
                for value in named:
                    yield from _literals(value)
            case ast.Tuple(elts=[ast.Constant(value=str() as name), value]) if _NAMES.search(name):
                yield from _literals(value)
            case ast.Compare(left=left, comparators=others) if any(map(_is_secret_target, [left, *others])):
                for value in (left, *others):
                    yield from _literals(value)
            case ast.Call(func=func, args=args) if _CALLS.search(_called(func)):
                for value in args:
                    yield from _literals(value)
            case ast.arguments():
                yield from _defaults(node)


def _template(node: ast.JoinedStr) -> str:
    return "".join(literal_text(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)


def _called(func: ast.expr) -> str:
    return getattr(func, "attr", "") or getattr(func, "id", "")


def _is_secret_target(target: ast.expr) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _NAMES.search(name) is not None
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return _NAMES.search(name) is not None
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(map(_is_secret_target, parts))
    return False


def _is_secret_key(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and _NAMES.search(literal_text(key.value)) is not None


def _defaults(node: ast.arguments) -> Iterator[ast.Constant]:
    positional = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
    pairs += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None]
    for arg, default in pairs:
        if _NAMES.search(arg.arg):
            yield from _literals(default)


def _literals(value: ast.AST) -> Iterator[ast.Constant]:
    """Yield the literals that an expression yields itself; not the name of an environment variable that it reads."""
    match value:
        case ast.Constant(value=None | bool()):
            return
        case ast.Constant():
            yield value
        case ast.Subscript():
            yield from _literals(value.value)
        case ast.Call(func=func) if _called(func) in _ASKING:
            return
        case _:
            for part in ast.iter_child_nodes(value):
                yield from _literals(part)
