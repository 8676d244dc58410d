"""Snapshots as JSON, and back.

Invariant: reading never unpickles, and ``read(encode(s), source="") == s``. A field that came later is left out
while it has its default, so that the signatures of older records still hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, islice
from operator import is_
from typing import Any, TypeVar, get_args

from .errors import DamagedError, FormatError
from .snapshot import FORMAT, Component, Environment, Part, Problem, Snapshot, State, Variable
from .statement import Lineage, Statement, lineage_from, statement_row

_LARGEST = 1 << 63
_TEXT = frozenset({str})
_WHOLE = frozenset({int})
_PACKS = frozenset({str, type(None)})
_PLAIN_PART = 6
"""Fields of a part without patches."""
_STATES = frozenset(get_args(State))
_DEFAULTS: dict[str, Any] = {"cell": None, "line": (), "state": (), "lineage": None}
"""Fields of a snapshot that came later."""

_BETWEEN: list[dict[str, str]] = [{}]
"""What no row holds."""

_Row = TypeVar("_Row", Component, Variable, Statement, Environment)
_Known = Callable[[], dict[tuple[str, int], str]]
_Make = Callable[[list[tuple[str, Any]]], list[str]]
_ROWS = 64


@dataclass(slots=True)
class _Block:
    """Some rows that follow each other; the objects stay referred to, so that no other takes over their identity."""

    items: tuple[Any, ...]
    labels: tuple[str, ...]
    texts: list[str]
    whole: str

    def holds(self, items: tuple[Any, ...], labels: tuple[str, ...]) -> bool:
        return len(items) == len(self.items) and all(map(is_, items, self.items)) and labels == self.labels


class Rows:
    """JSON of what the last snapshot held, for what the next one carries over.

    It is kept in blocks of rows, of which a cell changes few: next to nothing is done for the rows of the others.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[_Block]] = {}

    def text(self, field: str, items: Sequence[_Row], row: Callable[[_Row], Any]) -> str:
        """Return a JSON list with a row for each item of a field."""
        return f"[{self._joined(field, items, (), lambda new: _texts(row(item) for _, item in new))}]"

    def numbers(self, field: str, table: Mapping[str, tuple[int, ...]]) -> str:
        """Return the JSON of numbers by name."""
        names = tuple(sorted(table))
        numbers = tuple(map(table.__getitem__, names))
        return f"{{{self._joined(field, numbers, names, lambda new: [f'{_dumps(n)}:{_dumps(v)}' for n, v in new])}}}"

    def one(self, field: str, item: _Row, row: Callable[[_Row], Any]) -> str:
        """Return the JSON of one record."""
        return self._joined(field, (item,), (), lambda _: [_dumps(row(item))])

    def _joined(self, field: str, items: Sequence[Any], names: tuple[str, ...], make: _Make) -> str:
        """Return the JSON of items, and of their names if they have any, separated by commas."""
        before = self._known.get(field, [])
        anywhere = cache(lambda: _by_key(before))
        blocks: list[_Block] = []
        for at in range(0, len(items), _ROWS):
            part, labels = tuple(items[at : at + _ROWS]), names[at : at + _ROWS]
            there = before[len(blocks)] if len(blocks) < len(before) else None
            kept = there is not None and there.holds(part, labels)
            blocks.append(there if kept and there is not None else _block(part, labels, there, anywhere, make))
        self._known[field] = blocks
        return ",".join([block.whole for block in blocks])


def _block(
    items: tuple[Any, ...], labels: tuple[str, ...], there: _Block | None, anywhere: _Known, make: _Make
) -> _Block:
    """Make a block, with what is known from the one in its place, or from all if rows have moved."""
    named = labels or ("",) * len(items)
    keys = list(zip(named, map(id, items), strict=True))
    known = _by_key([there] if there is not None else [])
    if sum(map(known.__contains__, keys)) < len(keys) - 1:
        known = anywhere()
    new = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
    known.update(zip(new, make([(key[0], item) for key, item in new.items()]), strict=True))
    texts = list(map(known.__getitem__, keys))
    return _Block(items, labels, texts, ",".join(texts))


def _by_key(blocks: list[_Block]) -> dict[tuple[str, int], str]:
    return {
        key: text
        for b in blocks
        for key, text in zip(zip(b.labels or ("",) * len(b.items), map(id, b.items), strict=True), b.texts, strict=True)
    }


def encode(snapshot: Snapshot) -> bytes:
    """Return a record as ASCII JSON."""
    return _joined(_fields(snapshot, None))


def signed_bytes(snapshot: Snapshot) -> bytes:
    """Return the bytes that a signature covers: everything but the signature."""
    own = f'"signature":{_dumps(snapshot.signature)}'.encode()
    # In what this user signed the name of a field stands unescaped once, unless a module has a very odd name.
    if snapshot.signature and snapshot.record.count(own) == 1:
        return snapshot.record.replace(own, b'"signature":""')
    return encode(replace(snapshot, signature=""))


def seal(snapshot: Snapshot, sign: Callable[[bytes], str], rows: Rows) -> tuple[Snapshot, bytes]:
    """Sign a record.

    Parameters
    ----------
    snapshot : Snapshot
    sign : callable
        Given `signed_bytes`, returns the signature.
    rows : Rows
        Of the snapshots before it.

    Returns
    -------
    snapshot : Snapshot
        With its signature.
    data : bytes
        What `encode` returns for it.
    """
    fields = _fields(replace(snapshot, signature=""), rows)
    keys = sorted(fields)
    at = keys.index("signature")
    # Put together in two pieces, as the signature is the only thing that differs between what is signed and stored.
    head = f"{{{_pairs(fields, keys[:at])},".encode()
    tail = f",{_pairs(fields, keys[at + 1 :])}}}".encode()
    signature = sign(b'%b"signature":""%b' % (head, tail))
    return replace(snapshot, signature=signature), b'%b"signature":%b%b' % (head, _dumps(signature).encode(), tail)


def read(data: bytes, *, source: str) -> Snapshot:
    """Read a record.

    Parameters
    ----------
    data : bytes
    source : str
        The file's name, for messages.

    Raises
    ------
    DamagedError
        If the bytes are not JSON or lack fields.
    FormatError
        If the record is of a later format.
    """
    try:
        raw = json.loads(data)
        version = raw["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError(f"{source} is not a snapshot: it is cut short or is another kind of file") from error
    if not isinstance(version, int) or version > FORMAT or version < 1:
        raise FormatError(
            f"{source} has format {version!r}; this version reads up to {FORMAT}: upgrade jupyter_session_save"
        )
    try:
        made = _snapshot(raw)
        object.__setattr__(made, "record", data)
        return made
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{source} is not a whole snapshot: {error!r}") from error


_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def _texts(rows: Iterable[Any]) -> list[str]:
    """Return the JSON of each row: one call for all, since to begin one costs more than a row."""
    marked = [one for row in rows for one in (row, _BETWEEN)]
    if not marked:
        return []
    # No text holds a raw control character, so what stands between two of them is no text.
    whole = json.dumps(marked[:-1], separators=("\0", ":"), sort_keys=True, ensure_ascii=True)
    return [text.replace("\0", ",") for text in whole[1:-1].split("\0[{}]\0")]


def _pairs(fields: dict[str, str], keys: Iterable[str]) -> str:
    return ",".join(f'"{key}":{fields[key]}' for key in keys)


def _joined(fields: dict[str, str]) -> bytes:
    return f"{{{_pairs(fields, sorted(fields))}}}".encode()


def _fields(snapshot: Snapshot, rows: Rows | None) -> dict[str, str]:
    rows = rows or Rows()
    raw = {
        "name": snapshot.name,
        "sequence": snapshot.sequence,
        "created": snapshot.created,
        "message": snapshot.message,
        "parent": snapshot.parent,
        "line": snapshot.line,
        "cell": snapshot.cell,
        "signature": snapshot.signature,
        "format": snapshot.format,
    }
    fields = {key: _dumps(value) for key, value in raw.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
    environment = snapshot.environment
    fields["environment"] = rows.one("environment", environment, _environment_row)
    # Positional rows: a namespace of 100,000 names must not repeat its keys 100,000 times.
    fields["components"] = rows.text("components", snapshot.components, _component_row)
    if snapshot.state:
        fields["state"] = rows.text("state", snapshot.state, _component_row)
    if snapshot.lineage:
        made_by = rows.numbers("made_by", snapshot.lineage.made_by)
        statements = rows.text("statements", snapshot.lineage.statements, statement_row)
        fields["lineage"] = f'{{"made_by":{made_by},"statements":{statements}}}'
    fields["variables"] = rows.text("variables", snapshot.variables, _variable_row)
    return fields


def _environment_row(environment: Environment) -> dict[str, Any]:
    return {
        "python": environment.python,
        "implementation": environment.implementation,
        "platform": environment.platform,
        "packages": dict(environment.packages),
        "paths": dict(environment.paths),
    }


def _variable_row(v: Variable) -> tuple[Any, ...]:
    problems = [(p.path, p.type, p.reason, p.advice) for p in v.problems]
    return (v.name, v.type, v.shape, v.size, v.state, problems, v.digest)


def _part_row(part: Part) -> tuple[Any, ...]:
    row = (part.digest, part.size, part.pack, part.offset, part.stored, part.codec)
    if part.base is None:
        return row
    return (*row, part.base, [(offset, _part_row(patch)) for offset, patch in part.patches])


def _component_row(component: Component) -> tuple[Any, ...]:
    return (
        component.names,
        _part_row(component.stream),
        [_part_row(b) for b in component.buffers],
        component.refs,
        component.modules,
        component.defines,
        component.mentions,
    )


def _part(row: list[Any]) -> Part:
    digest, size, pack, offset, stored, codec, *patched = row
    sound = (
        type(digest) is type(codec) is str
        and (pack is None or type(pack) is str)
        and type(size) is type(offset) is type(stored) is int
        and 0 <= size < _LARGEST
        and 0 <= offset < _LARGEST
        and 0 <= stored < _LARGEST
    )
    if not patched and sound:
        return Part(digest, size, pack, offset, stored, codec)
    base, patches = patched or (None, ())
    if not sound or (base is not None and (type(base) is not str or pack is not None)):
        raise ValueError("a part is malformed")
    return Part(digest, size, pack, offset, stored, codec, base, _patches(patches, size))


def _patches(rows: Any, size: int) -> tuple[tuple[int, Part], ...]:
    patches, end = [], 0
    for offset, row in rows:
        patch = _part(row)
        if not isinstance(offset, int) or offset < end or offset + patch.size > size or patch.base is not None:
            raise ValueError("a patch is malformed")
        patches.append((offset, patch))
        end = offset + patch.size
    return tuple(patches)


def _parts(rows: Sequence[list[Any]]) -> list[Part]:
    """Read parts: all plain ones at once, since to look at each takes longer than to make it."""
    if set(map(len, rows)) == {_PLAIN_PART}:
        digests, sizes, packs, offsets, lengths, codecs = columns = list(zip(*rows, strict=True))
        sound = _are_texts(digests) and _are_texts(codecs) and _PACKS.issuperset(map(type, packs))
        if sound and _are_sizes(sizes) and _are_sizes(offsets) and _are_sizes(lengths):
            return list(map(Part, *columns))
    return list(map(_part, rows))


def _components(rows: list[list[Any]]) -> tuple[Component, ...]:
    if len(rows) == 0:
        return ()
    names, streams, buffers, refs, modules, defines, mentions = zip(*rows, strict=True)
    parts = iter(_parts([*streams, *chain.from_iterable(buffers)]))
    first = list(islice(parts, len(streams)))
    texts = [list(map(tuple, column)) for column in (names, refs, modules, mentions)]
    if not all(_are_texts(chain.from_iterable(column)) for column in texts):
        raise ValueError("a name is malformed")
    others = [tuple(islice(parts, len(own))) if own else () for own in buffers]
    return tuple(map(Component, texts[0], first, others, texts[1], texts[2], map(bool, defines), texts[3]))


def _variables(rows: list[list[Any]]) -> tuple[Variable, ...]:
    if len(rows) == 0:
        return ()
    names, types, shapes, sizes, states, problems, digests = zip(*rows, strict=True)
    told = [tuple(Problem(*one) for one in own) if own != [] else () for own in problems]
    # What the annotations promise is what has to be checked: these are anybody's bytes.
    texts: list[Iterable[Any]] = [names, types, shapes, digests]
    texts.append(text for p in chain.from_iterable(told) for text in (p.path, p.type, p.reason, p.advice))
    if not (all(map(_are_texts, texts)) and _are_sizes(sizes) and _STATES.issuperset(states)):
        raise ValueError("a variable is malformed")
    return tuple(map(Variable, names, types, shapes, sizes, states, told, digests))


def _line(rows: Any) -> tuple[tuple[int, int], ...]:
    line = tuple((first, last) for first, last in rows)
    if not all(isinstance(n, int) for ends in line for n in ends):
        raise ValueError("a line is malformed")
    return line


def _is_plain(environment: Environment) -> bool:
    tables: list[Any] = [environment.packages, environment.paths]
    texts = (environment.python, environment.implementation, environment.platform)
    return _are_texts(texts) and all(type(t) is dict and _are_texts((*t, *t.values())) for t in tables)


def _are_texts(items: Iterable[Any]) -> bool:
    return _TEXT.issuperset(map(type, items))


def _are_sizes(items: Sequence[Any]) -> bool:
    return _WHOLE.issuperset(map(type, items)) and 0 <= min(items, default=0) <= max(items, default=0) < _LARGEST


def _snapshot(raw: dict[str, Any]) -> Snapshot:
    components, variables = _components(raw["components"]), _variables(raw["variables"])
    environment = Environment(**raw["environment"])
    plain = {k: raw[k] for k in ("name", "sequence", "created", "message", "parent", "signature", "format")}
    later = {**_DEFAULTS, **{key: raw[key] for key in _DEFAULTS if key in raw}}
    later["line"] = _line(later["line"])
    later["lineage"] = lineage_from(raw["lineage"]) if "lineage" in raw else Lineage()
    later["state"] = _components(later["state"])
    sound = (
        _are_texts([plain[k] for k in ("name", "created", "message", "signature")])
        and isinstance(plain["sequence"], int)
        and isinstance(plain["parent"], int | None)
        and isinstance(later["cell"], int | None)
        and _is_plain(environment)
        and all(len(c.names) == 1 for c in later["state"])
    )
    if not sound:
        raise ValueError("a field is malformed")
    return Snapshot(components=components, variables=variables, environment=environment, **plain, **later)
