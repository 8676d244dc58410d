"""The immutable record of one save, and its JSON.

Invariant: a record is plain data. Reading one never unpickles, and ``from_json(to_json(s)) == s``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from .errors import DamagedError, FormatError
from .statement import Lineage, lineage_from, lineage_row

FORMAT = 1
"""The repository format that this version writes; it reads every format up to this one."""

_ROOT = re.compile(r"[^\W\d]\w*")

_QUOTED = re.compile(r"""globals\(\)\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")

_LARGEST = 1 << 63

State = Literal["saved", "reconnected", "placeholder"]
_STATES = frozenset(get_args(State))


@dataclass(frozen=True, slots=True)
class Part:
    """Where some bytes stand in a repository.

    Attributes
    ----------
    digest : str
        BLAKE3 of the plain bytes, 64 hexadecimal digits.
    size : int
        Plain bytes.
    pack : str or None
        Digest of the pack that holds the bytes; None when they are a blob of their own, stored raw.
    offset, stored : int
        Place in the pack and length there, in bytes.
    codec : str
        How the bytes are compressed in the pack; blobs are always ``"raw"`` so that they can be mapped.
    """

    digest: str
    size: int
    pack: str | None = None
    offset: int = 0
    stored: int = 0
    codec: str = "raw"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of a variable could not be kept as it was.

    Attributes
    ----------
    path : str
        Python expression for the culprit, such as ``d['m']['locks'][0]``.
    type : str
        Qualified type of the culprit.
    reason, advice : str
        What happened, and what to do about it; one line each.
    """

    path: str
    type: str
    reason: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """What is known of one variable without unpickling it.

    Attributes
    ----------
    type : str
        Qualified type name.
    shape : str
        Shape or length as shown to people, ``""`` if it has none.
    size : int
        Bytes stored for the component it belongs to, shared equally among the component's names.
    state : {"saved", "reconnected", "placeholder"}
        The one state that every variable ends in.
    problems : tuple of Problem
        Parts of the value that are reconnected or placeholders.
    digest : str
        Two snapshots that give a name the same digest give it the same value.
    """

    name: str
    type: str
    shape: str = ""
    size: int = 0
    state: State = "saved"
    problems: tuple[Problem, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """Variables that share mutable objects, pickled together as ``{name: value}``.

    Attributes
    ----------
    names : tuple of str
    stream : Part
        The pickle stream.
    buffers : tuple of Part
        The out-of-band buffers, in the order of the stream.
    refs : tuple of str
        Names of other components that the stream refers to.
    modules : tuple of str
        Top-level modules that loading imports.
    defines : bool
        Whether the component holds functions or classes of the namespace; these load first.
    mentions : tuple of str
        Names that its functions read as globals when they are called; loading does not need them.
    """

    names: tuple[str, ...]
    stream: Part
    buffers: tuple[Part, ...] = ()
    refs: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    defines: bool = False
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a snapshot was made.

    Attributes
    ----------
    python : str
        Version such as ``"3.11.7"``.
    implementation, platform : str
        As ``sys.implementation.name`` and ``platform.platform()``.
    packages : mapping of str to str
        Version of each top-level module that the snapshot needs.
    paths : mapping of str to str
        Directory in which each module that is a file of the user's own was found.
    """

    python: str = ""
    implementation: str = ""
    platform: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The record of one save.

    Attributes
    ----------
    name : str
        The session's name as the user gave it.
    sequence : int
        Version within the session, from 1; 0 until committed.
    created : str
        ISO 8601 time in UTC.
    parent : int or None
        The version that the namespace came from, if any.
    state : tuple of Component
        State of the interpreter that is in no variable; each has one name, that of its part.
    signature : str
        Keyed digest over all the other fields; see ``trust``.
    lineage : Lineage
        Which statements made the variables; empty where nothing recorded them.
    """

    name: str
    sequence: int = 0
    created: str = ""
    message: str = ""
    parent: int | None = None
    environment: Environment = field(default_factory=Environment)
    variables: tuple[Variable, ...] = ()
    components: tuple[Component, ...] = ()
    state: tuple[Component, ...] = ()
    signature: str = ""
    format: int = FORMAT
    lineage: Lineage = field(default_factory=Lineage)

    @property
    def reference(self) -> str:
        """The snapshot's name as a user types it, such as ``sales@7``."""
        return f"{self.name}@{self.sequence}"

    @property
    def size(self) -> int:
        """Plain bytes of all parts, each counted once."""
        parts = {p.digest: p.size for c in (*self.components, *self.state) for p in (c.stream, *c.buffers)}
        return sum(parts.values())

    def signed_bytes(self) -> bytes:
        """The bytes that a signature covers: everything but the signature."""
        return _dump(replace(self, signature=""))

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON."""
        return _dump(self)

    @classmethod
    def from_json(cls, data: bytes, *, source: str) -> Snapshot:
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
            return _snapshot(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedError(f"{source} is not a whole snapshot: {error!r}") from error


def by_variable(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Group problems by the variable that their paths begin with."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        quoted = _QUOTED.match(problem.path)
        root = _ROOT.match(problem.path)
        if quoted is not None:
            found.setdefault(ast.literal_eval(quoted[1]), []).append(problem)
        elif root is not None:
            found.setdefault(root[0], []).append(problem)
    return found


def _dump(snapshot: Snapshot) -> bytes:
    environment = snapshot.environment
    raw: dict[str, Any] = {
        "name": snapshot.name,
        "sequence": snapshot.sequence,
        "created": snapshot.created,
        "message": snapshot.message,
        "parent": snapshot.parent,
        "signature": snapshot.signature,
        "format": snapshot.format,
        "environment": {
            "python": environment.python,
            "implementation": environment.implementation,
            "platform": environment.platform,
            "packages": dict(environment.packages),
            "paths": dict(environment.paths),
        },
        # Positional rows: a namespace of 100,000 names must not repeat its keys 100,000 times.
        "components": [_component_row(c) for c in snapshot.components],
        "variables": [
            (
                v.name,
                v.type,
                v.shape,
                v.size,
                v.state,
                [(p.path, p.type, p.reason, p.advice) for p in v.problems],
                v.digest,
            )
            for v in snapshot.variables
        ],
    }
    if snapshot.state:
        # Only if there is some: the bytes of a record without it are signed without it.
        raw["state"] = [_component_row(c) for c in snapshot.state]
    if snapshot.lineage:
        raw["lineage"] = lineage_row(snapshot.lineage)
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _part_row(part: Part) -> tuple[Any, ...]:
    return (part.digest, part.size, part.pack, part.offset, part.stored, part.codec)


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
    digest, size, pack, offset, stored, codec = row
    sound = (
        isinstance(digest, str)
        and (pack is None or isinstance(pack, str))
        and all(isinstance(n, int) and 0 <= n < _LARGEST for n in (size, offset, stored))
        and isinstance(codec, str)
    )
    if not sound:
        raise ValueError("a part is malformed")
    return Part(digest, size, pack, offset, stored, codec)


def _component(row: list[Any]) -> Component:
    names, stream, buffers, refs, modules, defines, mentions = row
    return Component(
        tuple(names),
        _part(stream),
        tuple(map(_part, buffers)),
        tuple(refs),
        tuple(modules),
        bool(defines),
        tuple(mentions),
    )


def _is_sound(variable: Variable) -> bool:
    # What the annotations promise is what has to be checked: these are anybody's bytes.
    texts: list[Any] = [variable.name, variable.type, variable.shape, variable.digest]
    texts += [text for p in variable.problems for text in (p.path, p.type, p.reason, p.advice)]
    size: Any = variable.size
    sized = isinstance(size, int) and 0 <= size < _LARGEST
    return sized and variable.state in _STATES and all(isinstance(text, str) for text in texts)


def _snapshot(raw: dict[str, Any]) -> Snapshot:
    components, state = (tuple(map(_component, rows)) for rows in (raw["components"], raw.get("state", ())))
    variables = tuple(
        Variable(name, type_, shape, size, state, tuple(Problem(*row) for row in problems), digest)
        for name, type_, shape, size, state, problems, digest in raw["variables"]
    )
    environment = Environment(**raw["environment"])
    plain = {k: raw[k] for k in ("name", "sequence", "created", "message", "parent", "signature", "format")}
    sound = (
        all(isinstance(plain[k], str) for k in ("name", "created", "message", "signature"))
        and isinstance(plain["sequence"], int)
        and isinstance(plain["parent"], int | None)
        and isinstance(raw["environment"].get("packages", {}), dict)
        and all(isinstance(n, str) for c in (*components, *state) for n in (*c.names, *c.refs, *c.modules, *c.mentions))
        and all(_is_sound(v) for v in variables)
        and all(len(c.names) == 1 for c in state)
    )
    if not sound:
        raise ValueError("a field is malformed")
    lineage = lineage_from(raw["lineage"]) if "lineage" in raw else Lineage()
    return Snapshot(
        components=components, state=state, variables=variables, environment=environment, lineage=lineage, **plain
    )
