"""The immutable record of one save.

Invariant: a record is plain data that nothing changes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from .sensitive import redacted
from .statement import Lineage

FORMAT = 1
"""The repository format that this version writes; it reads every format up to this one."""

_ROOT = re.compile(r"[^\W\d]\w*")

_QUOTED = re.compile(r"""globals\(\)\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")

OLDER = "older than this cell: "
"""Begins what an autosave says of variables that it holds as they were before."""

_RANGES = 256
"""Ranges of a line that a record holds; only kernels that save one name in turns ever make so many."""

State = Literal["saved", "reconnected", "placeholder"]

_Record = TypeVar("_Record")


def _quickly_made(cls: type[_Record]) -> type[_Record]:
    """Let a frozen record take its fields while it is of a class that is not frozen, in a tenth of the time.

    A session has tens of thousands of them, and to read or write its snapshot takes hardly longer than to make them.
    """
    kept: Any = cls
    defaults = {f"_{f.name}": f.default for f in fields(kept) if f.default is not MISSING}
    arguments = [f"{name}=_{name}" if f"_{name}" in defaults else name for name in kept.__slots__]
    assignments = [f"self.{name} = {name}" for name in kept.__slots__]
    body = ["thaw(self, '__class__', thawed)", *assignments, "self.__class__ = frozen"]
    thawed = type(cls.__name__, (), {"__slots__": kept.__slots__})
    names: dict[str, Any] = {"thaw": object.__setattr__, "thawed": thawed, "frozen": cls, **defaults}
    exec("\n    ".join([f"def __init__(self, {', '.join(arguments)}):", *body]), names)  # noqa: S102
    kept.__init__ = names["__init__"]
    return cls


@_quickly_made
@dataclass(frozen=True, slots=True)
class Part:
    """Where some bytes stand in a repository.

    Attributes
    ----------
    digest : str
        BLAKE3 of the plain bytes, 64 hexadecimal digits; with a `base`, of the list of what makes up the bytes.
    size : int
        Plain bytes.
    pack : str or None
        Digest of the pack that holds the bytes; None when they are a blob of their own, stored raw.
    offset, stored : int
        Place in the pack and length there, in bytes.
    codec : str
        How the bytes are compressed in the pack; blobs are always ``"raw"`` so that they can be mapped.
    base : str or None
        Digest of a blob of the same size that differs from the bytes only where a patch covers it.
    patches : tuple of (int, Part)
        Offsets in ascending order, and what stands there instead; they do not overlap.
    """

    digest: str
    size: int
    pack: str | None = None
    offset: int = 0
    stored: int = 0
    codec: str = "raw"
    base: str | None = None
    patches: tuple[tuple[int, Part], ...] = ()

    def pieces(self) -> Iterator[Part]:
        """Yield what stands in the store: the part itself, or its base and its patches."""
        if self.base is None:
            yield self
        else:
            yield Part(self.base, self.size)
            yield from (patch for _, patch in self.patches)


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

    def __post_init__(self) -> None:
        """Keep secrets out of records and reports, wherever the text comes from."""
        for name in ("path", "reason", "advice"):
            text = getattr(self, name)
            if isinstance(text, str) and redacted(text) != text:
                object.__setattr__(self, name, redacted(text))


@_quickly_made
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


@_quickly_made
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
        As ``sys.implementation.name``, and such as ``"Linux-6.1.0-x86_64"``.
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
    line : tuple of (int, int)
        Ranges of versions, ends included, that the parent and what came before it lie in. So it is still known
        what a snapshot came from when those between them are gone.
    cell : int or None
        Execution count of the cell after which it was saved by itself; None if the user asked for it.
    state : tuple of Component
        State of the interpreter that is in no variable; each has one name, that of its part.
    signature : str
        Keyed digest over all the other fields; see ``trust``.
    lineage : Lineage
        Which statements made the variables; empty where nothing recorded them.
    record : bytes
        What it was read from; empty for one that was made or altered here.
    """

    name: str
    sequence: int = 0
    created: str = ""
    message: str = ""
    parent: int | None = None
    line: tuple[tuple[int, int], ...] = ()
    cell: int | None = None
    environment: Environment = field(default_factory=Environment)
    variables: tuple[Variable, ...] = ()
    components: tuple[Component, ...] = ()
    state: tuple[Component, ...] = ()
    signature: str = ""
    format: int = FORMAT
    lineage: Lineage = field(default_factory=Lineage)
    # Not set by `replace`, so that no other snapshot passes for what stands in the store.
    record: bytes = field(default=b"", init=False, repr=False, compare=False)

    @property
    def reference(self) -> str:
        """The snapshot's name as a user types it, such as ``sales@7``."""
        return f"{self.name}@{self.sequence}"

    @property
    def size(self) -> int:
        """Plain bytes of all parts as they stand in the store, each counted once."""
        return sum({part.digest: part.size for part in self.parts()}.values())

    @property
    def late(self) -> tuple[str, ...]:
        """Names of variables that are older in it than its cell."""
        if self.cell is None or not self.message.startswith(OLDER):
            return ()
        return tuple(self.message.removeprefix(OLDER).split(", "))

    def parts(self) -> Iterator[Part]:
        """Yield every part that the snapshot needs from the store; some more than once."""
        for component in (*self.components, *self.state):
            for part in (component.stream, *component.buffers):
                yield from part.pieces()

    def line_on(self) -> tuple[tuple[int, int], ...]:
        """Return the line of a snapshot whose parent this is."""
        if self.line and self.line[-1][1] == self.sequence - 1:
            return (*self.line[:-1], (self.line[-1][0], self.sequence))
        return (*self.line, (self.sequence, self.sequence))[-_RANGES:]

    def came_from(self, version: int) -> bool:
        """Whether the snapshot of that version is the parent or came before it."""
        return version == self.parent or any(first <= version <= last for first, last in self.line)


def brought_along(name: str, where: Mapping[str, Component]) -> set[str]:
    """Return the names that a load of one variable needs, too, given which component each stands in."""
    needed: set[str] = set()
    todo = [name]
    while todo:
        component = where.get(todo.pop())
        if component is not None:
            fresh = {*component.refs, *component.mentions} - needed
            needed |= fresh
            todo += fresh
    return needed


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


def under_name(problem: Problem, name: str, new: str) -> Problem:
    """Return a problem of a variable that goes by another name now."""
    rest = problem.path.removeprefix(name)
    return replace(problem, path=f"{new}{rest}") if rest != problem.path else problem


def types_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the types that the save noted, by the path of what has them."""
    known = {p.path: p.type for v in snapshot.variables for p in v.problems}
    return {v.name: v.type for v in snapshot.variables} | known
