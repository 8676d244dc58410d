"""Which names and texts speak of a secret, and what may be said of them.

Invariant: only names and plain text are looked at; what stands here holds for statements, reports and previews alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

MARK = "***"

_WORDS = (
    r"password|passwd|passphrase|passcode|pwd|secret|credential|bearer|authorization|cookie"
    r"|(?:api|access|private|secret|signing|encryption|account|subscription|shared|master|app)[_-]?key"
)
_NAMES = re.compile(
    rf"{_WORDS}|token(?!iz|s(?![^\W_]))|(?:access|auth|api|refresh)[_-]?tokens|(?<![^\W_])(?:pw|pass|auth|pin|otp|mnemonic|appid)(?![^\W\d_])",
    re.IGNORECASE,
)
_PLAIN_NAMES = re.compile(rf"[\W_]*(?:[\w]+[-_ ])*(?:{_WORDS}|(?:\w+[-_])token|pw|pass)[\s:=]*", re.IGNORECASE)
"""Names that mean nothing else; a token, a pin or a key may be a word of another trade."""

_ADDRESSES = (
    r"[a-z][\w+.\-]*://[^/\s:@]*:[^@\s]+@"
    r"|(?:^|[\s'\"])(?!mailto:)[\w.+{}%\-]+:[^@\s/:]+@[\w{%]"
    r"|(?:-u|--user)[\s=]+['\"]?[\w.{}-]+:\S"
    r"|\b(?:mysql\w*|sshpass)\b.*?\s-p\s?\S"
)
_GIVEN = (
    r"(?:password|passwd|passphrase|pwd|token|secret|(?:api|access|secret|private|account)[_-]?key|authorization)"
    r"['\"]?\s*[=:]\s*\S"
    r"|(?:sharedaccess\w+|[?&;](?:x-amz-)?sig(?:nature)?|[?&](?:appid|key))\s*[=:]\s*\S"
    r"|(?-i:^[A-Z][A-Z0-9_]*(?:PASSWORD|TOKEN|SECRET|KEY)\s+\S)"
    r"|--[\w-]*(?:password|token|secret|api-?key|access-?key)\s+\S"
    r"|\b(?:bearer|basic)\s+[\w.~+/={}%-]{6,}"
)
_MADE_TOKENS = (
    r"\b(?:sk|rk|pk)[-_](?:live|test|proj|ant|or|svcacct)[-_][\w-]{8,}|\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}"
    r"|github_pat_\w+|\b(?-i:AKIA|ASIA)[0-9A-Z]{16}|\bxox[abeoprs]-[\w-]+|\bxapp-[\w-]+|\b(?:hf|npm|gsk)_\w{20,}"
    r"|\beyJ[\w-]{8,}\.[\w.-]+|\bglpat-[\w-]+|\bpypi-\w{16,}|\b(?-i:AIza)[\w-]{30,}|\bya29\.[\w-]+"
    r"|\bSG\.[\w-]{16,}\.[\w-]+|\bdckr_pat_\w+|\bshpat_\w+|hooks\.slack\.com/services/\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY[^'\"]*"
)
_VALUES = re.compile(f"{_ADDRESSES}|{_GIVEN}|{_MADE_TOKENS}", re.IGNORECASE)

_TOKEN = re.compile(r"(?<![\w+/=])(?:[A-Za-z0-9+_=-]{20,200}|[A-Za-z0-9+/]{40})(?![\w+/=])")
_HEX = re.compile(r"(?=.*[0-9])(?=.*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{64})", re.IGNORECASE)
_DRAWN = 0.36
"""In text drawn at random, letters of both cases and digits follow one another more often than in any name."""

_SHOWN = re.compile(
    r"(?P<keep>\b\w[\w+.-]*://[^\s:/@'\"]*:)[^\s/@'\"]+(?=@)"
    r"|(?P<name>(?:\b|_)(?:password|passwd|passphrase|pwd|secret|token|(?:api|access|account|secret|private)[-_]?key"
    r"|authorization|appid|(?:pw|pass|auth|pin|otp|cookie)(?=['\"]?\s*=))['\"]?\s*[=:]\s*['\"]?(?:(?:bearer|basic)\s+)?+)[^\s'\"&;,)\]}*]+"
    rf"|(?P<kind>\b(?:bearer|basic)\s+)[\w.~+/=-]{{8,}}|(?:{_MADE_TOKENS})",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"://|pass|pw|pin|otp|cookie|secret|token|key|bearer|basic|auth|appid|hooks\.|[\w-]{12}", re.IGNORECASE
)


def names_secret(name: str) -> bool:
    """Whether a name is that of a secret."""
    return _NAMES.search(name) is not None


def is_plain_name(text: str) -> bool:
    """Whether a text is the name of a secret and nothing else, as ``"api_key="`` or ``"Authorization"`` are."""
    return _PLAIN_NAMES.fullmatch(text) is not None


def shows_secret(text: str) -> bool:
    """Whether a text holds a secret, told by what stands around it or by its own form."""
    return _VALUES.search(text) is not None or any(_is_drawn(token) for token in _TOKEN.findall(text))


def is_hex_key(text: str) -> bool:
    """Whether a text is a number in hexadecimal of the length of keys, and of digests."""
    return _HEX.fullmatch(text) is not None


def _is_drawn(token: str) -> bool:
    kinds = ["digit" if c.isdigit() else "upper" if c.isupper() else "lower" if c.islower() else "" for c in token]
    changes = sum(a != b for a, b in pairwise(kinds))
    mixed = {"digit", "upper", "lower"}.issubset(kinds) and kinds.count("") * 8 <= len(kinds)
    return mixed and changes >= _DRAWN * len(kinds)


def redacted(text: str) -> str:
    """Return a text without passwords, tokens and keys, as far as they or what stands around them tell.

    What is said of values is written into records, which are readable without loading anything.
    """
    if not _TELLING.search(text):
        return text
    text = _SHOWN.sub(lambda m: f"{m['keep'] or m['name'] or m['kind'] or ''}{MARK}", text)
    return _TOKEN.sub(lambda m: MARK if _is_drawn(m[0]) else m[0], text)


def withheld(value: Any, name: str = "", seen: dict[tuple[int, str], Any] | None = None) -> Any:
    """Return a value of plain containers and atoms with `MARK` in place of secrets.

    Parameters
    ----------
    value : object
    name : str
        What the value is bound to or the key of.
    seen : dict, optional
        What containers became, since they may hold themselves.
    """
    seen = {} if seen is None else seen
    if (id(value), name) in seen:
        return seen[id(value), name]
    if type(value) in (dict, list):
        made = seen[id(value), name] = type(value)()
        if type(made) is dict:
            made.update({k: withheld(v, k if type(k) is str else name, seen) for k, v in value.items()})
        else:
            made.extend(_each(value, name, seen))
        return made
    if type(value) in (tuple, set, frozenset):
        return type(value)(_each(value, name, seen))
    if value is None or type(value) is bool:
        return value
    if is_plain_name(name) or (names_secret(name) and isinstance(value, (str, bytes))):
        return MARK
    if isinstance(value, (str, bytes)):
        text = value if isinstance(value, str) else value.decode("latin-1")
        return MARK if shows_secret(text) or is_hex_key(text) else value
    return value


def _each(values: Any, name: str, seen: dict[tuple[int, str], Any]) -> Iterator[Any]:
    before = ""
    for value in values:
        yield withheld(value, name or before, seen)
        before = value if type(value) is str and is_plain_name(value) else ""
