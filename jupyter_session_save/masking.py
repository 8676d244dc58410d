"""Which literals of a recorded statement must not be stored, and the statement without them.

Invariant: a masked statement is never said to be one that can be run again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from .effects import literal_text
from .secret_parts import NOTHING, Tainted, displayed, is_suspicious_call, literals_in, secret_parts, sources_of
from .sensitive import MARK, is_plain_name, names_secret, shows_secret
from .statement import Statement

_SHORTEST = 4
_SENSITIVE = "a password, token or key in it was not recorded"
_GONE = "it holds a literal of a variable that was deleted or is not saved, which was not recorded"


def masked(
    text: str, *, forgotten: Collection[str] = (), everything: bool = False, tainted: Tainted = NOTHING
) -> tuple[str, str]:
    """Take out of a statement what must not be stored.

    Parameters
    ----------
    text : str
        Python source.
    forgotten : collection of str
        Literals of variables that are gone.
    everything : bool
        Mask all literals, since one variable of several that it bound is gone.
    tainted : Tainted
        What other statements tell of the names in this one.

    Returns
    -------
    text, reason : str
        The statement, masked if need be, and why it cannot be run again, ``""`` if nothing was masked.
    """
    plain = tainted == NOTHING and not _suspicious(text)
    if plain and not forgotten and not everything:
        return text, ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return MARK, _SENSITIVE
    parts = () if plain else secret_parts(tree, tainted | _told_by(tree, tainted))
    secret = {id(node) for part, _ in parts for node in literals_in(part)}
    reason = ""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            continue
        gone = (everything and not _is_flag(node.value)) or _mentions(node.value, forgotten)
        if id(node) in secret or gone:
            reason = _GONE if gone and id(node) not in secret else reason or _SENSITIVE
            node.value, node.kind = MARK, None
    commented = any(part in text for part in forgotten) or _in_comment(text)
    return (ast.unparse(tree), reason) if reason or commented else (text, "")


class Masking:
    """Masks the statements of one snapshot after another, and parses each text only once.

    After each cell there is one statement more: what is known of the others must cost next to nothing.
    """

    def __init__(self) -> None:
        # What each text tells, by what is known of names already.
        self._told: dict[Tainted, dict[str, Tainted]] = {}
        self._basis: tuple[frozenset[str], Tainted] = (frozenset(), NOTHING)
        self._masked: dict[tuple[str, bool, bool], tuple[str, str]] = {}
        # Of statements all of whose variables are saved, by number; each with what it was made of.
        self._whole: dict[int, tuple[Statement, Statement]] = {}

    def without_secrets(
        self, kept: Collection[Statement], saved: Collection[str], forgotten: frozenset[str]
    ) -> list[Statement]:
        """Return statements as a snapshot may hold them: the very same records each time, as far as they can be.

        Parameters
        ----------
        kept : collection of Statement
        saved : collection of str
            The variables of the snapshot.
        forgotten : frozenset of str
            Literals of variables that are gone.
        """
        basis = forgotten, self._tainted([s.text for s in kept])
        if self._basis != basis:
            self._basis, self._masked, self._whole = basis, {}, {}
        there = set(saved)
        known, self._whole = self._whole, {}
        found = []
        for statement in kept:
            if there.issuperset(statement.binds):
                before = known.get(statement.number)
                if before is None or (before[0] is not statement and before[0] != statement):
                    before = (statement, self._one(statement, there))
                self._whole[statement.number] = before
                found.append(before[1])
            else:
                found.append(self._one(statement, there))
        return found

    def _one(self, statement: Statement, saved: set[str]) -> Statement:
        several = len(statement.binds) > 1 and not saved.issuperset(statement.binds)
        gone = bool(statement.binds) and saved.isdisjoint(statement.binds)
        key = (statement.text, several, gone)
        if key not in self._masked:
            forgotten = self._basis[0].union(_assigned(statement.text) if gone else ())
            tainted = self._basis[1].within(statement.text)
            self._masked[key] = masked(statement.text, forgotten=forgotten, everything=several, tainted=tainted)
        text, reason = self._masked[key]
        if text == statement.text and not reason:
            return statement
        return replace(statement, text=text, refused=reason or statement.refused)

    def _tainted(self, texts: list[str]) -> Tainted:
        """Return what all statements together tell, which names what flows into the names they tell of."""
        found, before = NOTHING, None
        told: dict[Tainted, dict[str, Tainted]] = {}
        while found != before:
            before = found
            known = self._told.get(before, {})
            told[before] = {t: known[t] if t in known else told_by(t, before.within(t)) for t in texts}
            # Most tell nothing, and are one object.
            for one in {id(one): one for one in told[before].values()}.values():
                found |= one
        self._told = told
        return found


def _assigned(text: str) -> set[str]:
    """Return the texts of some length that an assignment gives to a name."""
    try:
        nodes = [n.value for n in ast.parse(text).body if isinstance(n, (ast.Assign, ast.AnnAssign)) and n.value]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = {literal_text(part.value) for node in nodes for part in displayed(node) if isinstance(part, ast.Constant)}
    return {text for text in found if len(text) >= _SHORTEST}


def told_by(text: str, tainted: Tainted = NOTHING) -> Tainted:
    """Return what a statement tells of other names: those that it puts where a secret is expected.

    Parameters
    ----------
    text : str
        Python source.
    tainted : Tainted
        What is known already.
    """
    if tainted == NOTHING and not _suspicious(text):
        return NOTHING
    try:
        return _told_by(ast.parse(text), tainted, outside=True)
    except (SyntaxError, ValueError, RecursionError):
        return NOTHING


def _suspicious(text: str) -> bool:
    low = text.lower()
    # Most statements have none of this, and the expressions below take ten times as long to find that out.
    if not any(hint in low for hint in _HINTS) and not _LONG_RUN.search(text):
        return _split(text)
    return (
        names_secret(text)
        or shows_secret(text)
        or is_suspicious_call(text)
        or _HEXADECIMAL.search(text) is not None
        or _split(text)
    )


_HINTS = (
    "pass|pwd|pw|secret|token|cred|bearer|auth|cookie|pin|otp|mnemonic|appid|basic|sig|login|connect|env|://|@|-u|-p|"
    "hmac|jwt|jose|nacl|bcrypt|scrypt|argon2|itsdangerous|aes|chacha|cipher|fernet|access|key |key=|_key|-key|apikey|"
    "privatekey|signingkey|encryptionkey|accountkey|subscriptionkey|sharedkey|masterkey|appkey|"
    "xox|xapp|sk-|sk_|rk-|rk_|pk-|pk_|gh|hf_|npm_|gsk_|eyj|akia|asia|aiza|ya29|sg.|dckr|shpat|glpat|pypi|hooks.|begin"
).split("|")
_LONG_RUN = re.compile(r"[\w+/=-]{16}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32}")


_ADJACENT = re.compile(r"[bfru]*['\"]\s*(?:\+\s*)?[bfru]*['\"]", re.IGNORECASE)


def _split(text: str) -> bool:
    """Whether adjacent literals of a statement make up what none of them shows, as ``"pass" + "word=x"`` does."""
    joined, count = _ADJACENT.subn("", text)
    return count > 0 and (names_secret(joined) or shows_secret(joined))


def _told_by(tree: ast.AST, tainted: Tainted, *, outside: bool = False) -> Tainted:
    """Return the names that flow into a secret's place; if `outside`, those that are not local to a function."""
    parts = [part for part, flows in secret_parts(tree, tainted) if flows]
    names: set[str] = set()
    holders: set[str] = set()
    inner: dict[int, set[str]] = {}
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            own = _local(function)
            for node in ast.walk(function):
                inner.setdefault(id(node), set()).update(own)
    for part in parts:
        for node, whole in sources_of(part):
            if not outside or node.id not in inner.get(id(node), ()):
                (names if whole else holders).add(node.id)
    every = {node.id for part in parts for node, _ in sources_of(part)}
    return Tainted(frozenset(names), frozenset(holders), frozenset(_takers(tree, every)))


def _local(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    named = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    return named | {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _takers(tree: ast.AST, secrets: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield the functions that put an argument where a secret is expected, and how many arguments stand before it."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name != "__init__":
                yield from ((name, at) for at in _taken(node.args, secrets))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=arguments)):
                yield from ((name, at) for at in _taken(arguments, secrets))
            case ast.ClassDef(name=name, body=body):
                for method in body:
                    if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                        yield from ((name, at - 1) for at in _taken(method.args, secrets))


def _taken(arguments: ast.arguments, secrets: Collection[str]) -> Iterator[int]:
    for at, arg in enumerate([*arguments.posonlyargs, *arguments.args]):
        if arg.arg in secrets or is_plain_name(arg.arg):
            yield at


def _mentions(value: object, forgotten: Collection[str]) -> bool:
    text = literal_text(value)
    return bool(text) and any(part in text for part in forgotten)


def _is_flag(value: object) -> bool:
    return value is None or value is ... or type(value) is bool


def _in_comment(text: str) -> bool:
    return "#" in text and any(
        names_secret(line.partition("#")[2]) or shows_secret(line.partition("#")[2]) for line in text.splitlines()
    )
