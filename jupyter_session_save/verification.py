"""Prove that a snapshot comes back: load it in a process of its own and compare every value with the live one.

Values are compared by fingerprints that follow the same reduces as the pickle, and, for instances of classes that
are not a library's, the attributes themselves: a ``__reduce__`` that forgets something is found out by these.

Invariant: the live namespace is only read; what the other process does cannot reach it.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from blake3 import blake3

from .components import own_digest
from .errors import SaveError, said
from .interrupts import watched
from .loading import StoredComponent, check_trust, restore
from .pickling import Placeholder, Scope, collection_paused, registered
from .pickling.culprit import attributes
from .pickling.depth import with_deep_stack
from .pickling.nans import OwnNan
from .pickling.pickler import Pickling
from .pickling.plans import is_immutable
from .pickling.reducers import iterators
from .pickling.scope import importable_path, is_library, module_of, qualname_of, type_name
from .repository import Repository
from .snapshot import Problem, Snapshot
from .trust import Signer


def verify(
    namespace: dict[str, Any], snapshot: Snapshot, *, store: str, live: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Load a snapshot in a throwaway process and say which values do not come back.

    Parameters
    ----------
    namespace : dict
        As it was when the snapshot was made from it.
    snapshot : Snapshot
    store : str
        Address of the store, which the other process must be able to open.
    live : mapping of str to object
        Kernel objects by tag.

    Returns
    -------
    tuple of Problem
        Empty if every value came back; placeholders that the save reported are not repeated.

    Raises
    ------
    SaveError
        If the other process did not end as it should.
    """
    names = [v.name for v in snapshot.variables if v.state != "placeholder" and v.name in namespace]
    with collection_paused():
        loose = {name: set[str]() for name in names}
        expected = fingerprints(namespace, names, [v.name for v in snapshot.variables], live, loose)
    question = {
        "store": store,
        "name": snapshot.name,
        "version": snapshot.sequence,
        "expected": expected,
        "loose": {name: sorted(may_differ) for name, may_differ in loose.items() if may_differ},
        "tags": sorted(live),
        "path": sys.path,
    }
    # The notebook's inline backend needs a kernel.
    environment = {**os.environ, "MPLBACKEND": "agg"}
    process = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    try:
        answer = json.loads(process.stdout.rpartition("\n\x1e")[2])
        return tuple(Problem(*row) for row in answer)
    except (ValueError, TypeError):
        last = (process.stderr.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise SaveError(f"{snapshot.reference} is saved, but its verification did not end: {last}") from None


def fingerprints(
    namespace: dict[str, Any],
    names: Sequence[str],
    saved: Sequence[str],
    live: Mapping[str, Any],
    loose: dict[str, set[str]],
) -> dict[str, str]:
    """Return a digest of the structure of each variable.

    Parameters
    ----------
    namespace : dict
    names : sequence of str
        The variables to look at.
    saved : sequence of str
        The names that can be referred to.
    live : mapping of str to object
    loose : dict of str to set of str
        What may come back different in each variable, as a type or as the attribute of one; what the walk meets that is
        reconnected, or goes by a reducer of the user's, is added.

    Returns
    -------
    dict of str to str
        ``"!"`` and a reason where a value cannot be taken apart.
    """
    scope = Scope(namespace, {n: namespace[n] for n in saved if n in namespace}, live)
    found = {}
    for name in names:
        may_differ = loose.setdefault(name, set())
        found[name] = own_digest(namespace[name]) or _fingerprint(name, namespace[name], scope, may_differ)
    return found


def _fingerprint(name: str, value: Any, scope: Scope, loose: set[str]) -> str:
    def walk() -> str:
        while True:
            known = frozenset(loose)
            pickling = Pickling({name: value}, scope, guarded=True, capture=True)
            found = _Walk(pickling, loose).of(value)
            if pickling.payload.again:
                loose.add(_AGAIN)
            if known == loose:
                return found

    try:
        return walk()
    except RecursionError:
        try:
            return str(with_deep_stack(walk))
        except Exception as error:
            return f"!{said(error)}"
    except Exception as error:
        return f"!{said(error)}"


_OPAQUE = frozenset({"matplotlib"})
"""Libraries whose objects count anew and register callbacks when they are restored: only their types are compared."""


_BUILTIN = (list, tuple, dict, set, frozenset, str, bytes, bytearray, int, float, complex)


def _is_padded(obj: Any, kind: type) -> bool:
    """Whether a value is a structured array with bytes between its fields."""
    if module_of(kind) != "numpy" or kind.__name__ != "ndarray" or not obj.dtype.names:
        return False
    return bool(sum(field[0].itemsize for field in obj.dtype.fields.values()) < obj.dtype.itemsize)


class _Walk:
    """One walk over a value, in which each object is met once."""

    def __init__(self, pickling: Pickling, loose: set[str]) -> None:
        self._pickling, self._loose = pickling, loose
        self._met: dict[int, int] = {}
        self._keep: list[Any] = []

    def of(self, obj: Any) -> str:
        if isinstance(obj, OwnNan):
            obj = obj.value  # Which NaN is shared is another matter.
        kind = type(obj)
        live = self._pickling.scope.live_ids.get(id(obj))
        if live is not None:
            return f"live:{live}"
        if kind in (type(None), bool, int, float, complex, str):
            return f"{kind.__name__}:{hex(obj) if kind is int else repr(obj)}"
        if kind in (bytes, bytearray):
            return f"{kind.__name__}:{blake3(obj).hexdigest()}"
        if kind is pickle.PickleBuffer:
            return f"buffer:{blake3(obj.raw()).hexdigest()}"
        if module_of(kind).partition(".")[0] in _OPAQUE:
            return type_name(kind)
        if is_immutable(kind) and kind not in (tuple, frozenset):
            # Whether equal ones are the same object means nothing, and numpy's dtypes come back as others.
            return _digest(type_name(kind), self._parts(obj, kind))
        if id(obj) in self._met:
            return f"@{self._met[id(obj)]}"
        self._met[id(obj)] = len(self._met)
        self._keep.append(obj)
        if kind in iterators.COPIED:
            return _digest("iterator", [self.of(item) for item in iterators.left(obj)])
        if type_name(kind) in self._loose:
            return type_name(kind)
        if registered.find(kind) is not None:
            self._loose.add(f"{_REGISTERED}{type_name(kind)}")
        if f"{_REGISTERED}{type_name(kind)}" in self._loose:
            # The process that loads needs no registration, so what the reducer returns cannot be compared there.
            return _digest(type_name(kind), self._attributes(obj, kind, made_again=True))
        return _digest(type_name(kind), self._parts(obj, kind))

    def _parts(self, obj: Any, kind: type) -> list[str]:
        if kind in (list, tuple):
            return [self.of(item) for item in obj]
        if kind is dict:
            return [self.of(part) for pair in obj.items() for part in pair]
        if kind in (set, frozenset):
            # In any order: each element is looked at as if it came next.
            return sorted(self._fork().of(item) for item in obj)
        if _is_padded(obj, kind):
            # What stands between the fields is nobody's, and is lost whenever the array is copied.
            return [repr(obj.dtype), repr(obj.shape), *(self.of(obj[name].copy()) for name in obj.dtype.names)]
        parts = [self._reduced(obj)]
        own = kind is not Placeholder and not is_library(module_of(kind)) and module_of(kind) != "builtins"
        if own and not issubclass(kind, type):
            parts += [*self._attributes(obj, kind), *self._content(obj, kind)]
        return parts

    def _content(self, obj: Any, kind: type) -> list[str]:
        """Return what stands in an instance of a subclass of a builtin, past the methods of its class."""
        base: Any = next((b for b in _BUILTIN if issubclass(kind, b)), None)
        if base in (str, bytes, bytearray, int, float, complex):
            return [base.__repr__(obj)]
        if base is dict:
            return [self.of(part) for pair in dict.items(obj) for part in pair]
        if base in (set, frozenset):
            return sorted(self._fork().of(item) for item in base.__iter__(obj))
        return [self.of(item) for item in base.__iter__(obj)] if base is not None else []

    def _fork(self) -> _Walk:
        walk = _Walk(self._pickling, self._loose)
        walk._met, walk._keep = dict(self._met), self._keep
        return walk

    def _reduced(self, obj: Any) -> str:
        noted = len(self._pickling.payload.reconnected)
        reduced = self._pickling.reduce(obj)
        if len(self._pickling.payload.reconnected) > noted and is_foreign(type(obj)) and not isinstance(obj, type):
            self._loose.add(type_name(type(obj)))
        if reduced is NotImplemented:
            path = importable_path(obj)
            return f"{path}" if path else self._reduced_by_protocol(obj)
        return self._tuple(reduced)

    def _reduced_by_protocol(self, obj: Any) -> str:
        reduced = self._pickling.by_reduce(obj)
        return reduced if isinstance(reduced, str) else self._tuple(reduced)

    def _tuple(self, reduced: tuple[Any, ...]) -> str:
        padded: tuple[Any, ...] = (*reduced, *(None,) * (6 - len(reduced)))
        func, args, state, items, pairs, _ = padded
        called = self.of(func) if type(func) is Placeholder else f"{module_of(func)}.{qualname_of(func)}"
        parts = [called, self.of(args), self.of(state)]
        parts += [self.of(item) for item in (items or ())]
        parts += [self.of(part) for pair in (pairs or ()) for part in pair]
        return _digest("reduce", parts)

    def _attributes(self, obj: Any, kind: type, *, made_again: bool = False) -> list[str]:
        """Return the attributes; of what a reducer makes again, those that pickling alone would keep."""
        found, parts, payload = dict(attributes(obj)), [], self._pickling.payload
        for name in sorted(found):
            place, noted = f"{type_name(kind)}.{name}", len(payload.problems) + len(payload.reconnected)
            if place in self._loose:
                continue
            parts.append(f"{name}={self.of(found[name])}")
            if made_again and len(payload.problems) + len(payload.reconnected) > noted:
                self._loose.add(place)
        return parts


_REGISTERED = "a reducer makes "
_AGAIN = "a load makes what is a placeholder now"


def is_foreign(kind: type) -> bool:
    """Whether a type is no class of the user's."""
    return module_of(kind) == "builtins" or is_library(module_of(kind))


def _digest(kind: str, parts: Sequence[str]) -> str:
    return blake3("\x1f".join((kind, *parts)).encode("utf-8", "surrogatepass")).hexdigest()


class _StandIn:
    """Stands in the throwaway process for an object of the kernel."""


def answer(question: Mapping[str, Any], held: list[Any]) -> list[list[str]]:
    """Load the snapshot that a question names and return what does not come back, as rows of `Problem`.

    Parameters
    ----------
    question : mapping
    held : list
        Takes what keeps the loaded values alive.
    """
    repository = Repository.open(question["store"], create=False)
    snapshot = repository.resolve(question["name"], question["version"])
    check_trust(snapshot, Signer.of_user(), False)
    sys.path[:] = question["path"]
    live = {tag: _StandIn() for tag in question["tags"]}
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    held.append(namespace)
    components = sorted(snapshot.components, key=lambda c: (not c.defines, bool(c.refs)))
    stored = [StoredComponent(c, repository, verify=lambda part: True) for c in components]
    restoring = watched(restore)(stored, snapshot, namespace, live, namespace.__setitem__)
    expected = question["expected"]
    told = {name: set(question["loose"].get(name, ())) for name in expected}
    loose = {name: may_differ - {_AGAIN} for name, may_differ in told.items()}
    found = fingerprints(namespace, list(expected), [v.name for v in snapshot.variables], live, loose)
    types = {v.name: v.type for v in snapshot.variables}
    # A placeholder of before comes back as one.
    differs = [name for name, fingerprint in expected.items() if found[name] != fingerprint]
    rows = [[p.path, p.type, p.reason, p.advice] for p in restoring.problems if _root(p.path) in differs]
    for name in differs:
        better = _AGAIN in told[name] - loose[name] or isinstance(namespace.get(name), Placeholder)
        if not better and all(_root(row[0]) != name for row in rows):
            reason = "comes back different from what it is now: its way of being pickled loses something"
            rows.append([name, types[name], reason, _advice(namespace.get(name), told[name])])
    return rows


_IN_IT = "check __reduce__ or __getstate__ of the classes of yours in it; register_reducer says how others are saved"


def _advice(value: Any, loose: Collection[str]) -> str:
    kind = type(value)
    if f"{_REGISTERED}{type_name(kind)}" in loose:
        return "check the reducer that was registered for its type"
    if kind in _BUILTIN:
        return _IN_IT
    if is_foreign(kind):
        return "say with register_reducer how it is saved and made again"
    return "check __reduce__ or __getstate__ of its class"


def _root(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]


def main() -> None:
    """Answer the question on standard input, and end without a word to what was loaded: finalizers do not run."""
    held: list[Any] = []
    status = 1
    try:
        rows = answer(json.load(sys.stdin), held)
        # What loading printed stands before the separator.
        print(f"\n\x1e{json.dumps(rows)}")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
