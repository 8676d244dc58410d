"""Cells without a kernel: namespaces that play ``__main__`` in turn, and save to one store in memory."""

from __future__ import annotations

import builtins
import contextlib
import gc
import itertools
import linecache
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_session_save.pickling import Payload, Restoring, Scope
from jupyter_session_save.reports import LoadPlan, LoadReport, SaveReport
from jupyter_session_save.repository import Repository
from jupyter_session_save.sessions import SessionManager
from jupyter_session_save.snapshot import Problem
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.trust import Signer

from . import describe as descriptions

_COUNTER = itertools.count(1)


def describe(namespace: Mapping[str, Any]) -> dict[str, str]:
    """Describe a namespace without what has tests of its own.

    That is the list that `copyreg` leaves on a class whose instance was pickled, what a weak dictionary notes when
    it is looked at, and whether functions share an empty dict of annotations.
    """
    return settled(descriptions.describe(namespace))


def settled(described: Mapping[str, str]) -> dict[str, str]:
    """Return a description without what `describe` leaves out."""
    found = {}
    for path, line in described.items():
        empty = path.endswith(".annotations") and (line.startswith("is ") or line == "builtins.dict of 0: ")
        if not (empty or ".__slotnames__" in path or path.endswith("._dirty_len")):
            found[path] = line.replace(" __slotnames__", "")
    return found


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Return the lines in which two descriptions differ."""
    paths = sorted({*one, *other})
    return {path: (one.get(path), other.get(path)) for path in paths if one.get(path) != other.get(path)}


class Notebook:
    """A namespace in which cells run, as the ``__main__`` of this process."""

    def __init__(self, repository: Repository, *cells: str) -> None:
        self.repository = repository
        self.module = types.ModuleType("__main__")
        self.namespace: dict[str, Any] = vars(self.module)
        self.namespace["__builtins__"] = builtins
        self.signer = Signer(b"k" * 32)
        self.enter()
        for cell in cells:
            self.run(cell)

    def enter(self) -> None:
        """Become ``__main__``."""
        sys.modules["__main__"] = self.module

    def fresh(self, *cells: str) -> Notebook:
        """Another kernel on the same store."""
        return Notebook(self.repository, *cells)

    @property
    def manager(self) -> SessionManager:
        return SessionManager(self.namespace, repository=self.repository, signer=self.signer)

    def run(self, source: str) -> Notebook:
        """Run a cell, with its source where `inspect` finds it."""
        source = textwrap.dedent(source)
        filename = f"<cell {next(_COUNTER)}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        exec(compile(source, filename, "exec", dont_inherit=True), self.namespace)
        return self

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]

    def get(self, expression: str) -> Any:
        """Evaluate an expression."""
        return eval(compile(expression, "<test>", "eval", dont_inherit=True), self.namespace)

    def check(self, *expressions: str) -> None:
        """Assert that expressions are true."""
        for expression in expressions:
            assert self.get(expression), expression

    def save(self, name: str = "s", **options: Any) -> SaveReport:
        return self.manager.save(name, **options)

    def load(self, name: str = "s", version: int | None = None, **options: Any) -> LoadReport:
        return self.manager.load(name, version, **options)

    def plan(self, name: str = "s", **options: Any) -> LoadPlan:
        return self.manager.plan(name, **options)

    def move(self, *cells: str, clean: bool = True) -> Notebook:
        """Save everything, and load it in a fresh kernel."""
        self.enter()
        saved = self.save()
        assert not (clean and saved.placeholders), saved.placeholders
        other = self.fresh(*cells)
        loaded = other.load()
        assert not (clean and loaded.placeholders), loaded.placeholders
        return other

    def resume(self, *cells: str) -> Notebook:
        """Save everything and load it in a fresh kernel; neither changes anything."""
        before = self.described()
        other = self.move(*cells)
        assert not differences(before, self.described()), "saving changed the namespace"
        if not cells:
            assert not differences(before, other.described()), "loading lost something"
        return other

    def described(self) -> dict[str, str]:
        """Describe the variables; what only cycles keep alive is gone first."""
        self.enter()
        gc.collect()
        return describe(self.namespace)


@contextlib.contextmanager
def notebook(*cells: str) -> Iterator[Notebook]:
    """A first kernel on a store of its own."""
    main = sys.modules["__main__"]
    try:
        yield Notebook(Repository(MemoryStore()), *cells)
    finally:
        sys.modules["__main__"] = main


class Held:
    """A payload, copied as a store would."""

    def __init__(self, payload: Payload, names: tuple[str, ...]) -> None:
        self.names, self.defines = names, payload.defines
        self.data = b"".join(payload.chunks)
        self.parts = [bytes(buffer.raw()) for buffer in payload.buffers]
        payload.release()

    def stream(self) -> memoryview:
        return memoryview(self.data)

    def buffers(self) -> list[memoryview]:
        return [memoryview(bytearray(part)) for part in self.parts]


Lane = Callable[[Mapping[str, Any], Scope, bool], Payload]


def through(lane: Lane, source: Notebook, *, guarded: bool = False) -> Notebook:
    """Take all variables through one lane as one component, into a fresh namespace."""
    source.enter()
    names = tuple(n for n in source.namespace if not n.startswith("__"))
    scope = Scope(source.namespace, {n: source.namespace[n] for n in names}, {})
    held = Held(lane({n: source.namespace[n] for n in names}, scope, guarded), names)
    target = source.fresh()
    restore([held], target.namespace)
    return target


def restore(held: list[Held], namespace: dict[str, Any], *, guarded: frozenset[int] = frozenset()) -> Restoring:
    """Unpickle components into a namespace, raising what goes wrong."""
    restoring = Restoring(
        namespace,
        held,
        live={},
        publish=namespace.__setitem__,
        explain=lambda error: (f"{type(error).__name__}: {error}", "advice"),
        guarded=guarded,
    )
    for position in range(len(held)):
        restoring.load(position)
    for error in restoring.failures.values():
        raise error
    return restoring


def problems(report: SaveReport | LoadReport) -> dict[str, Problem]:
    """Return the problems of a report's placeholders, by path."""
    return {p.path: p for v in report.placeholders for p in v.problems}
