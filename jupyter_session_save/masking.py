"""Which literals of a recorded statement must not be stored, and the statement without them.

Invariant: a masked statement is never said to be one that can be run again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from .effects import literal_text

MARK = "***"

_NAMES = re.compile(
    r"password|passwd|passphrase|passcode|pwd|token(?!iz)|secret|api[_-]?key|credential|private[_-]?key|access[_-]?key"
    r"|bearer|(?<![^\W_])(?:pw|pass|auth|pin)(?![^\W\d_])|authorization|cookie",
    re.IGNORECASE,
)
_CALLS = re.compile(
    r"login|authenticat|basicauth|digestauth|(?:set|with)_?password|secretstr|^secret$|fernet", re.IGNORECASE
)
_ASKING = frozenset("getpass get_password input prompt environ get_secret".split())
_LOOKUPS = frozenset({"get", "getenv"})
"""Calls of which the first argument says what is looked up, and the second what it is if it is not there."""

_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
_WORD = re.compile(r"[\w.:\-]+")
_VALUES = re.compile(
    r"[a-z][\w+.\-]*://[^/\s:@]*:[^@\s]+@"
    r"|(?:^|[\s'\"])(?!mailto:)[\w.+{}\-]+:[^@\s/:]+@[\w{]"
    r"|(?:password|passwd|passphrase|pwd|token|secret|(?:api|access|secret|private)[_-]?key|authorization"
    r"|[?&;](?:x-amz-)?sig(?:nature)?)['\"]?\s*[=:]\s*\S"
    r"|(?-i:^[A-Z][A-Z0-9_]*(?:PASSWORD|TOKEN|SECRET|KEY)\s+\S)"
    r"|--[\w-]*(?:password|token|secret|api-?key|access-?key)\s+\S"
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
    return "#" in text and any(
        pattern.search(line.partition("#")[2]) for line in text.splitlines() for pattern in (_NAMES, _VALUES)
    )


def _secret(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the literals that stand where a secret is expected, or look like one."""
    for node in ast.walk(tree):
        for found in (_text(node), _bound(node), _passed(node), _compared(node)):
            for part in found:
                yield from _literals(part)


def _text(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=str() | bytes() as value) if _VALUES.search(literal_text(value)):
            yield node
        case ast.JoinedStr(values=parts) if _VALUES.search(_template(node)):
            yield from parts


def _bound(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what names of secrets are bound to."""
    match node:
        case ast.Assign(targets=targets, value=value) if any(map(_is_secret_target, targets)):
            yield value
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.AugAssign(target=target, value=value)
            | ast.NamedExpr(target=target, value=value)
            | ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
        ) if _is_secret_target(target):
            yield value
        case ast.arguments():
            yield from _defaults(node)


def _passed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what calls and displays give to the name of a secret."""
    match node:
        case ast.keyword(arg=str() as name, value=value) if _NAMES.search(name):
            yield value
        case ast.Dict(keys=keys, values=values):
            yield from (v for k, v in zip(keys, values, strict=True) if k is not None and _is_secret_key(k))
        case ast.Tuple(elts=[ast.Constant(value=str() as name), value]) if _NAMES.search(name):
            yield value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            yield from _given_to(parts, _OPTION)
        case ast.Call(func=func, args=args) if _CALLS.search(_called(func)):
            yield from args
        case ast.Call(args=args):
            yield from _given_to(args, _WORD)


def _compared(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what secrets are compared with, and what stands in their place."""
    match node:
        case ast.Compare(left=left, comparators=others) if any(map(_is_secret_target, [left, *others])):
            yield from (left, *others)
        case ast.BoolOp(values=parts) if any(map(_is_secret_target, parts)):
            yield from parts
        case ast.MatchMapping(keys=keys, patterns=patterns):
            yield from (p for k, p in zip(keys, patterns, strict=True) if _is_secret_key(k))
        case ast.MatchClass(kwd_attrs=names, kwd_patterns=patterns):
            yield from (p for n, p in zip(names, patterns, strict=True) if _NAMES.search(n))


def _given_to(values: list[ast.expr], named: re.Pattern[str]) -> Iterator[ast.Constant]:
    """Yield what stands behind the name of a secret, as in ``set("password", "x")`` and ``["--password", "x"]``."""
    for name, value in pairwise(values):
        match name, value:
            case ast.Constant(value=str() as text), ast.Constant(value=str() | bytes()) if named.fullmatch(text):
                if _NAMES.search(text):
                    yield value


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


def _defaults(node: ast.arguments) -> Iterator[ast.expr]:
    positional = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
    pairs += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None]
    for arg, default in pairs:
        if _NAMES.search(arg.arg):
            yield default


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
        case ast.Call(func=func, args=[_, *others]) if _called(func) in _LOOKUPS:
            for other in others:
                yield from _literals(other)
        case ast.Call(func=func) if _called(func) in _LOOKUPS:
            return
        case _:
            for part in ast.iter_child_nodes(value):
                yield from _literals(part)
