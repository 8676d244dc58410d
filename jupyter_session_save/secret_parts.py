"""Where in a statement a secret is expected, told by names, calls and texts.

Invariant: nothing but the statement's own text is looked at; what it only looks up, as in ``settings["password"]``, is
no place of a secret.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from .effects import literal_text
from .sensitive import is_hex_key, is_plain_name, names_secret, shows_secret

_CALLS = re.compile(
    r"login|authenticat|basicauth|digestauth|(?:set|with)_?password|secretstr|^secret$|fernet", re.IGNORECASE
)
_CRYPTO = frozenset("hmac jwt jose nacl bcrypt scrypt argon2 itsdangerous keyring AES ChaCha20 Cipher".split())
_NO_SECRET = re.compile(r"(?:sha|md|blake|[hrep]s)\w*\d\w*|utf[-_]?\d+|ascii|latin[-_]?1|hex|\d{1,2}", re.IGNORECASE)
_ASKING = frozenset("getpass get_password input prompt environ get_secret open Path".split())
_LOOKUPS = frozenset({"get", "getenv"})
"""Calls of which the first argument says what is looked up, and the second what it is if it is not there."""
_BUILDING = frozenset({"format", "join", "zip", "dict", "partial"})
"""Calls that put their arguments together."""
_KEYED = frozenset(
    "Grouper groupby read_hdf to_hdf get put select append sort sorted min max put_object "
    "nlargest nsmallest sort_index sort_values insort bisect bisect_left bisect_right".split()
)
"""Calls of which the key is a word of the data."""
_DIGESTS = re.compile(r"hash|digest|checksum|sha|md5|revision|commit|version|uuid|_id$|^id$", re.IGNORECASE)
_SETTINGS = re.compile(r"[\d.,:]*|true|false|yes|no|on|off|none", re.IGNORECASE)

_MENTIONED = re.compile(
    rf"{_CALLS.pattern}|\b(?:{'|'.join(sorted(_CRYPTO))})\b|\bkey\s*=(?!=)|environ|(?:put|set_?|['\"])env|connect(?:ion)?\(",
    re.IGNORECASE,
)
_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
_WORD = re.compile(r"[\w.:\-]+")


@dataclass(frozen=True, slots=True)
class Tainted:
    """Names whose values are secrets, told by where other statements put them.

    Attributes
    ----------
    names : frozenset of str
    holders : frozenset of str
        Names of which an element or attribute is one.
    takers : frozenset of (str, int)
        Functions of the notebook, each with the place of an argument that is one.
    """

    names: frozenset[str] = frozenset()
    holders: frozenset[str] = frozenset()
    takers: frozenset[tuple[str, int]] = frozenset()

    def within(self, text: str) -> Tainted:
        """Return what of it a statement mentions."""
        return Tainted(
            frozenset(n for n in self.names if n in text),
            frozenset(n for n in self.holders if n in text),
            frozenset(t for t in self.takers if t[0] in text),
        )

    def __or__(self, other: Tainted) -> Tainted:
        """Return both together."""
        return Tainted(self.names | other.names, self.holders | other.holders, self.takers | other.takers)


NOTHING = Tainted()


def is_suspicious_call(text: str) -> bool:
    """Whether a text may hold calls that take secrets."""
    return _MENTIONED.search(text) is not None


def secret_parts(tree: ast.AST, tainted: Tainted) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the parts that stand where a secret is expected, or look like one, and whether it comes from there."""
    for node in ast.walk(tree):
        for part in (*_text(node), *_compared(node)):
            yield part, False
        for part in (*_bound(node, tainted), *_passed(node, tainted), *_put_together(node)):
            yield part, True
        for part in (*_loosely_bound(node, tainted), *_set_outside(node)):
            yield part, False


def _text(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=str() | bytes() as value) if shows_secret(literal_text(value)):
            yield node
        case ast.Assign(targets=[target], value=value) if not _DIGESTS.search(_named(target)):
            yield from _keys([value])
        case ast.Call(args=args, keywords=keywords):
            yield from _keys([*args, *(k.value for k in keywords if not _DIGESTS.search(k.arg or ""))])


def _keys(values: list[ast.expr]) -> Iterator[ast.Constant]:
    for value in values:
        if isinstance(value, ast.Constant) and is_hex_key(literal_text(value.value)):
            yield value


def _bound(node: ast.AST, tainted: Tainted) -> Iterator[ast.AST]:
    """Yield what names that can only be those of secrets are bound to."""
    match node:
        case ast.Assign(targets=targets, value=value) if any(_is_plain_target(t, tainted) for t in targets):
            yield value
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.AugAssign(target=target, value=value)
            | ast.NamedExpr(target=target, value=value)
        ) if _is_plain_target(target, tainted):
            yield value


def _loosely_bound(node: ast.AST, tainted: Tainted) -> Iterator[ast.AST]:
    """Yield what is bound to names that may be those of secrets, or hold one."""
    match node:
        case ast.Assign(targets=targets, value=value):
            if any(map(_is_secret_target, targets)):
                yield value
            elif any(_named(t) in ("key", "KEY") for t in targets):
                yield from _unlike_words(value)
            elif any(_named(t) in tainted.holders or _base(t) in tainted.holders for t in targets):
                yield from displayed(value)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.AugAssign(target=target, value=value)
            | ast.NamedExpr(target=target, value=value)
            | ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
        ) if _is_secret_target(target) or _named(target) in tainted.names:
            yield value
        case ast.arguments():
            yield from _defaults(node)


def displayed(value: ast.expr) -> Iterator[ast.expr]:
    """Yield what stands in a value itself; not what is given to a call, such as the name of a file."""
    match value:
        case ast.Constant():
            yield value
        case ast.Dict(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from displayed(part)
        case ast.Call(func=ast.Name(id="dict" | "list" | "tuple" | "SimpleNamespace"), args=args, keywords=keywords):
            for part in (*args, *(k.value for k in keywords)):
                yield from displayed(part)


def _unlike_words(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.Constant) and isinstance(value.value, (str, bytes)):
        text = literal_text(value.value)
        if isinstance(value.value, bytes) or (len(text) >= 8 and re.search(r"\d", text) and " " not in text):
            yield value


def _passed(node: ast.AST, tainted: Tainted) -> Iterator[ast.AST]:
    """Yield what calls and displays give to the name of a secret."""
    match node:
        case ast.keyword(arg=str() as name, value=value) if names_secret(name):
            yield value
        case ast.Dict(keys=keys, values=values):
            yield from (v for k, v in zip(keys, values, strict=True) if k is not None and _is_secret_key(k))
        case ast.Tuple(elts=[ast.Constant(value=str() as name), value]) if names_secret(name):
            yield value
        case ast.List(elts=[ast.Constant(value=str() as name), value]) if is_plain_name(name):
            yield value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            yield from _given_to(parts, _OPTION)
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from _given_to(args, _WORD)
            name = _called(func)
            if _CALLS.search(name) or _CRYPTO.intersection(_path(func)):
                yield from (a for a in args if not _is_algorithm(a))
            if name.lower() in ("connect", "connection"):
                yield from args[2:]
            yield from (args[at] for taker, at in tainted.takers if taker == name and 0 <= at < len(args))
            if name not in _KEYED:
                yield from (k.value for k in keywords if k.arg == "key" and _is_text(k.value))
            if args and _is_secret_key(args[0]):
                yield from (k.value for k in keywords if k.arg in ("default", "value", "const"))


def _is_text(value: ast.expr) -> bool:
    """Whether a value may be text and not the function by which something is sorted."""
    if isinstance(value, ast.Call):
        return _called(value.func) in ("encode", "decode", "strip", "format", "bytes", "str", "fromhex", "b64decode")
    return isinstance(value, ast.Constant | ast.Name | ast.BinOp | ast.JoinedStr)


def _is_algorithm(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and _NO_SECRET.fullmatch(literal_text(node.value)) is not None


def _put_together(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a text or a dict that is made of pieces, if these together name or show a secret."""
    match node:
        case ast.JoinedStr():
            parts: list[ast.expr] = [node]
        case ast.BinOp(op=ast.Add() | ast.Mod(), left=left, right=right):
            parts = [left, right]
        case ast.Call(func=func, args=args, keywords=keywords) if _called(func) in _BUILDING:
            base = [func.value] if isinstance(func, ast.Attribute) else []
            parts = [*base, *args, *(k.value for k in keywords)]
        case _:
            return
    texts = [literal_text(n.value) for part in parts for n in _pieces(part) if isinstance(n, ast.Constant)]
    template = "".join(
        literal_text(n.value) if isinstance(n, ast.Constant) else "{}" for part in parts for n in _pieces(part)
    )
    named = any(map(is_plain_name, texts)) and len(texts) > 1
    if named or shows_secret(template) or (is_plain_name("".join(texts)) and len(texts) > 1):
        yield from parts


def _pieces(value: ast.AST) -> Iterator[ast.AST]:
    """Yield the literals of a value in order, and something for each other part; nothing that is only looked up."""
    match value:
        case ast.Constant():
            yield value
        case ast.Subscript() | ast.Name() | ast.Attribute() | ast.Lambda():
            yield value
        case ast.Call(func=func) if _called(func) not in _BUILDING | {"encode", "decode", "list", "tuple"}:
            yield value
        case _:
            for part in ast.iter_child_nodes(value):
                if not isinstance(part, ast.expr_context | ast.operator | ast.keyword):
                    yield from _pieces(part)


def _set_outside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is set in the environment: the names there follow no rule, and what is no number may be a secret."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=base)], value=value) if _named(base) == "environ":
            yield from _no_settings([value])
        case ast.Call(func=ast.Attribute(attr="update" | "setdefault", value=base), args=args) if (
            _named(base) == "environ"
        ):
            yield from _no_settings([*args[:1], *args[1:]] if isinstance(args[:1], ast.Dict) else args)
        case ast.AugAssign(target=target, value=value) if _named(target) == "environ":
            yield from _no_settings([value])
        case ast.Call(func=func, args=[_, value]) if _called(func) in ("putenv", "setenv"):
            yield from _no_settings([value])
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic"),
            args=[ast.Constant(value="env" | "set_env"), ast.Constant(value=str() as line) as value],
        ) if not _SETTINGS.fullmatch(re.split(r"[=\s]\s*", line, maxsplit=1)[-1]) and re.search(r"[=\s]", line):
            yield value


def _no_settings(values: list[ast.expr]) -> Iterator[ast.expr]:
    for value in values:
        if isinstance(value, ast.Dict):
            yield from _no_settings(value.values)
        elif not (isinstance(value, ast.Constant) and _SETTINGS.fullmatch(literal_text(value.value))):
            yield value


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
            yield from (p for n, p in zip(names, patterns, strict=True) if names_secret(n))


def _given_to(values: list[ast.expr], named: re.Pattern[str]) -> Iterator[ast.Constant]:
    """Yield what stands behind the name of a secret, as in ``set("password", "x")`` and ``["--password", "x"]``."""
    for name, value in pairwise(values):
        match name, value:
            case ast.Constant(value=str() as text), ast.Constant(value=str() | bytes()) if named.fullmatch(text):
                if names_secret(text):
                    yield value


def _folded(node: ast.AST) -> str:
    """Return the text that the literals of an expression make up."""
    return "".join(literal_text(n.value) for n in _pieces(node) if isinstance(n, ast.Constant))


def _called(func: ast.expr) -> str:
    return getattr(func, "attr", "") or getattr(func, "id", "")


def _path(func: ast.AST) -> set[str]:
    """Return the names in a call such as ``hmac.new(...).hexdigest``, up to the arguments."""
    return {getattr(n, "attr", "") or getattr(n, "id", "") for n in _chain(func)}


def _chain(func: ast.AST) -> Iterator[ast.AST]:
    while isinstance(func, ast.Attribute):
        yield func
        func = func.value
    yield func


def _named(target: ast.AST) -> str:
    return getattr(target, "attr", "") or getattr(target, "id", "")


def _base(target: ast.AST) -> str:
    return _named(target.value) if isinstance(target, ast.Subscript | ast.Attribute) else ""


def _is_plain_target(target: ast.expr, tainted: Tainted) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return is_plain_name(name) or (isinstance(target, ast.Name) and name in tainted.names)
        case ast.Subscript(slice=index):
            return is_plain_name(_folded(index))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(_is_plain_target(part, tainted) for part in parts)
    return False


def _is_secret_target(target: ast.expr) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return names_secret(name)
        case ast.Subscript(slice=index):
            return names_secret(_folded(index))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(map(_is_secret_target, parts))
    return False


def _is_secret_key(key: ast.expr) -> bool:
    return names_secret(_folded(key))


def _defaults(node: ast.arguments) -> Iterator[ast.expr]:
    positional = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
    pairs += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None]
    for arg, default in pairs:
        if names_secret(arg.arg):
            yield default


def literals_in(value: ast.AST) -> Iterator[ast.Constant]:
    """Yield the literals that an expression yields itself; not the name of an environment variable that it reads."""
    match value:
        case ast.Constant(value=None | bool()):
            return
        case ast.Constant():
            yield value
        case ast.Subscript():
            yield from literals_in(value.value)
        case ast.Call(func=func) if _called(func) in _ASKING:
            return
        case ast.Call(func=func, args=[_, *others]) if _called(func) in _LOOKUPS:
            for other in others:
                yield from literals_in(other)
        case ast.Call(func=func) if _called(func) in _LOOKUPS:
            return
        case _:
            for part in ast.iter_child_nodes(value):
                yield from literals_in(part)


def sources_of(value: ast.AST) -> Iterator[tuple[ast.Name, bool]]:
    """Yield the names whose values go into a value, and whether as a whole or only a part of them."""
    match value:
        case ast.Name():
            yield value, True
        case ast.Subscript(value=ast.Name() as name) | ast.Attribute(value=ast.Name() as name):
            yield name, False
        case ast.Call(func=ast.Attribute(value=base), args=args):
            yield from ((n, w) for n, w in sources_of(base) if w or not isinstance(base, ast.Name))
            if _called(value.func) in _BUILDING:
                for arg in args:
                    yield from sources_of(arg)
        case ast.Call(func=ast.Name(id="str" | "bytes" | "bytearray"), args=args):
            for arg in args:
                yield from sources_of(arg)
        case (
            ast.BinOp() | ast.JoinedStr() | ast.FormattedValue() | ast.Tuple() | ast.List() | ast.IfExp() | ast.BoolOp()
        ):
            for part in ast.iter_child_nodes(value):
                yield from sources_of(part)
