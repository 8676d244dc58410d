"""Dump variables and load them into a fresh namespace: the pickler alone, without store or sessions."""

from __future__ import annotations

import base64
import json
import linecache
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_session_save.components import split
from jupyter_session_save.pickling import Placeholder, Restoring, Scope
from jupyter_session_save.snapshot import Problem

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Kept:
    """One stored component."""

    names: Sequence[str]
    defines: bool
    data: bytes
    blobs: Sequence[bytes]

    def stream(self) -> memoryview:
        return memoryview(self.data)

    def buffers(self) -> list[memoryview]:
        return [memoryview(bytearray(blob)) for blob in self.blobs]


@dataclass
class Saved:
    """Everything that a save made of some variables."""

    parts: list[Kept] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    reconnected: list[Problem] = field(default_factory=list)

    def load(self) -> dict[str, Any]:
        """Load into a fresh namespace; nothing may fail there."""
        fresh, failures = self.attempt()
        assert not failures, failures
        return fresh

    def attempt(self) -> tuple[dict[str, Any], list[Problem]]:
        """Load as a session would: what fails is loaded again under guard, and its problems are returned."""
        guarded: frozenset[int] = frozenset()
        for _ in range(2):
            fresh: dict[str, Any] = {"__name__": "__main__"}
            restoring = Restoring(
                fresh,
                self.parts,
                live={},
                publish=fresh.__setitem__,
                explain=lambda error: (str(error), ""),
                guarded=guarded,
            )
            for position in range(len(self.parts)):
                restoring.load(position)
            guarded = frozenset(restoring.failures)
            if not guarded:
                break
        assert not restoring.failures, restoring.failures
        return fresh, restoring.problems

    def load_elsewhere(self, check: str, *, executable: str = sys.executable, cwd: Path | None = None) -> str:
        """Load in another process, run `check` there, and return what it printed."""
        parts = [
            (
                list(p.names),
                p.defines,
                base64.b64encode(p.data).decode(),
                [base64.b64encode(b).decode() for b in p.blobs],
            )
            for p in self.parts
        ]
        script = (
            "import sys, json, base64\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            "from tests.restore import Kept, Saved\n"
            "rows = json.load(sys.stdin)\n"
            "un = base64.b64decode\n"
            "saved = Saved([Kept(n, d, un(s), [un(b) for b in bs]) for n, d, s, bs in rows])\n"
            f"ns, problems = saved.attempt()\nassert not problems, problems\nexec({check!r}, ns)\n"
        )
        done = subprocess.run(
            [executable, "-W", "error", "-c", script],
            input=json.dumps(parts),
            capture_output=True,
            text=True,
            cwd=cwd,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout


def cell(source: str) -> dict[str, Any]:
    """Run source as a notebook cell would be, with its lines known, in a namespace of its own."""
    filename = f"<cell {abs(hash(source))}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, filename, "exec"), namespace)
    return namespace


def save(namespace: Mapping[str, Any]) -> Saved:
    """Pickle the variables of a namespace, in components as a session would."""
    live = namespace if isinstance(namespace, dict) else dict(namespace)
    values = {name: value for name, value in live.items() if not name.startswith("__")}
    saved = Saved()
    for part in split(values, Scope(live, values, {}), tick=lambda name: None):
        payload = part.payload
        blobs = [bytes(buffer.raw()) for buffer in payload.buffers]
        saved.parts.append(Kept(part.names, payload.defines, b"".join(payload.chunks), blobs))
        saved.problems += payload.problems
        saved.reconnected += payload.reconnected
        payload.release()
    saved.parts.sort(key=lambda part: not part.defines)
    return saved


def again(value: Any) -> Any:
    """Save and load one value that must come back whole."""
    saved = save({"value": value})
    assert not saved.problems, saved.problems
    return saved.load()["value"]


def stand_in(value: Any) -> Problem:
    """Save and load one value that must become a placeholder, and return its problem."""
    saved = save({"value": value, "rest": [1]})
    fresh = saved.load()
    assert fresh["rest"] == [1]
    assert type(fresh["value"]) is Placeholder, fresh["value"]
    (problem,) = saved.problems
    assert problem == fresh["value"].problem
    assert problem.path == "value" and problem.reason and problem.advice
    return problem
