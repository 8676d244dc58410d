"""Which statement last bound each name, and which names it read: recorded as the cells run, and kept with a save.

Invariant: a recorder holds text, names and numbers, never a value; its hooks raise and print nothing.
"""

from __future__ import annotations

import contextlib
import re
import threading
import types
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from .bindings import Bound, bound
from .cells import codes, effects_in, failed_at, reaches_session, running_at, statements
from .effects import Effects, Position
from .masking import Masking
from .statement import OMITTED, Lineage, Statement

_HISTORY = re.compile(r"_+\d*|_i+\d*|_dh|_oh|_ih|_exit_code|In|Out|exit|quit|get_ipython|open|display|__\w+__")
_CONSTANT = (str, bytes, int, float, complex, bool, type(None), types.ModuleType)
_DEFINITIONS = (type, types.FunctionType)
_LONGEST = 20_000
_MOST = 5_000
_LINE = 32  # A notebook that changes one object in every cell would else keep all of its cells with each of them.

_FAILED = "it failed when it ran"
_AWAITS = "it awaits, and a magic cannot wait for the loop in which it runs: run it in a cell"
_TOO_LONG = "it is too long to be recorded"
_CAPTURED = "a cell magic made it"
_SESSION = "it calls a magic that saves or loads sessions"


@dataclass(slots=True)
class _Cell:
    """A cell that runs."""

    source: str | None
    raw: str
    before: Bound | None
    parsed: tuple[list[Effects], bool] | None = None
    done: int = 0
    unclear: list[tuple[Effects, Statement]] = field(default_factory=list)
    ids: dict[str, int] | None = None

    def id_before(self, name: str) -> int | None:
        """Return the id of what a name was bound to before the cell."""
        if self.ids is None:
            self.ids = {} if self.before is None else dict(zip(self.before.names, self.before.ids, strict=True))
        return self.ids.get(name)


def _followed(line: tuple[int, ...], number: int) -> tuple[int, ...]:
    """Return who made a value, with one more statement that changed it, unless they are too many to be run again."""
    return (*line, number) if len(line) < _LINE and OMITTED not in line else (line[0], OMITTED)


def _changes(value: Any, is_stored: bool) -> bool:
    """Whether what touches a value may have changed it; a definition changes where its attributes are set."""
    # Asked of the type: `isinstance` may run code of a proxy, and what that raises would lose the whole cell.
    return is_stored if issubclass(type(value), _DEFINITIONS) else not issubclass(type(value), _CONSTANT)


class Recorder:
    """Records what the statements of the cells that run do to names.

    Parameters
    ----------
    namespace : callable
        Returns the live namespace.
    transform : callable
        Translates IPython's syntax into Python.
    """

    def __init__(self, namespace: Callable[[], dict[str, Any]], transform: Callable[[str], str]) -> None:
        self._namespace, self._transform = namespace, transform
        self._lock = threading.RLock()
        self._running = threading.local()
        self._count = 0
        self._statements: dict[int, tuple[Statement, Effects]] = {}
        self._lines: dict[str, tuple[int, ...]] = {}
        self._held: dict[str, set[str]] = {}
        self._forgotten: set[str] = set()
        self._last = Bound()
        self._masking = Masking()
        self._prune_at = 500

    def before_cell(self, info: Any) -> None:
        """Take note of a cell that is about to run; `info` is IPython's."""
        with contextlib.suppress(Exception, KeyboardInterrupt):
            stack = self._stack()
            if not info.store_history:
                stack.append(None)  # Nested, or a front end's own.
                return
            source = getattr(info, "transformed_cell", None)
            self._last, _ = bound(dict(self._namespace()), self._last)
            stack[:] = [_Cell(source, info.raw_cell, self._last)]

    def after_cell(self, result: Any) -> None:
        """Record a cell that has run; `result` is IPython's, None if it was torn down."""
        with contextlib.suppress(Exception, KeyboardInterrupt):
            stack = self._stack()
            cell = stack.pop() if stack else None
            if result is None or not result.info.store_history or result.info.silent:
                return
            if not result.info.raw_cell.strip() or result.error_before_exec is not None:
                return
            # The cell that loads the extension is not announced.
            cell = cell or _Cell(getattr(result.info, "transformed_cell", None), result.info.raw_cell, None)
            with self._lock:
                error, (_, wrapped) = result.error_in_exec, self._parsed(cell)
                self._record(cell, None if error is None else failed_at(error, self._namespace(), wrapped=wrapped))
                self._attribute(cell)
                self._forget_deleted()
                self._prune()

    def catch_up(self) -> None:
        """Record what has already run of the cell that runs now, such as the one with the save in it."""
        with contextlib.suppress(Exception, KeyboardInterrupt), self._lock:
            cell = next((c for c in self._stack() if c is not None), None)
            if cell is None:
                return
            here = running_at(self._namespace(), wrapped=self._parsed(cell)[1])
            if here is not None:
                self._record(cell, here, failed=False)
            self._forget_deleted()

    def lineage(self, saved: Collection[str], broken: Collection[str]) -> Lineage:
        """Return what a snapshot keeps.

        Parameters
        ----------
        saved : collection of str
            The variables in it.
        broken : collection of str
            Those of them that may have to be made again; all that their statements need is kept, too.
        """
        with self._lock:
            self._forget_deleted()
            known = set(saved)
            forgotten = set(self._forgotten)
            for name in self._held.keys() - known:
                forgotten |= self._held[name]
            made = sorted(filter(self._lines.__contains__, saved))
            made_by = dict(zip(made, map(self._lines.__getitem__, made), strict=True))
            own = set(chain.from_iterable(made_by.values())).intersection(self._statements)
            chosen = {number: self._statements[number][0] for number in own}
            # Of what is to be made again, all that it needs.
            todo = {number for name in broken for number in made_by.get(name, ())}
            whole = set(todo)
            while todo:
                number = todo.pop()
                if number in self._statements:
                    chosen[number] = self._through_calls(self._statements[number][0])
                    todo |= set(self._needs(chosen[number], known, set(broken))) - whole
                    whole |= todo
            kept = self._masking.without_secrets([chosen[n] for n in sorted(chosen)], known, frozenset(forgotten))
            return Lineage(tuple(kept), made_by)

    def adopt(self, lineage: Lineage, names: Iterable[str]) -> None:
        """Take over the lineage of variables that a load has bound."""
        with contextlib.suppress(Exception, KeyboardInterrupt), self._lock:
            base, self._count = self._count, self._count + max([0, *(s.number for s in lineage.statements)])

            def moved(numbers: Iterable[int]) -> tuple[int, ...]:
                return tuple(base + n if n != OMITTED else n for n in numbers)

            known = {s.text: effects for s, effects in self._statements.values()}
            for s in lineage.statements:
                new = replace(s, number=base + s.number, reads={n: moved(v) for n, v in s.reads.items()})
                self._statements[new.number] = (new, known.get(s.text) or effects_in(s.text))
            for name in names:
                self._lines.pop(name, None)
                if name in lineage.made_by:
                    self._lines[name] = moved(lineage.made_by[name])
                for number in self._lines.get(name, ()):
                    if number in self._statements:
                        self._held.setdefault(name, set()).update(self._statements[number][1].held)
            self.know_bindings()

    def know_bindings(self) -> None:
        """Take what the names are bound to now as no doing of the cell that runs."""
        with contextlib.suppress(Exception, KeyboardInterrupt):
            for cell in filter(None, self._stack()):
                cell.before, cell.ids = bound(dict(self._namespace()), cell.before or Bound())[0], None

    def _stack(self) -> list[_Cell | None]:
        if not hasattr(self._running, "stack"):
            self._running.stack = []
        stack: list[_Cell | None] = self._running.stack
        return stack

    def _parsed(self, cell: _Cell) -> tuple[list[Effects], bool]:
        if cell.parsed is None:
            source = cell.source if cell.source is not None else self._transform(cell.raw)
            cell.parsed = statements(source, self._transform)
        return cell.parsed

    def _record(self, cell: _Cell, stop: Position | None, *, failed: bool = True) -> None:
        """Record the statements that ended before a position; the one there has run in part."""
        for effects in self._parsed(cell)[0][cell.done :]:
            if stop is None or effects.end <= stop:
                cell.done += 1
                self._apply(cell, effects)
                continue
            if failed and effects.start <= stop and (rebound := self._rebound(cell, effects, self._namespace())):
                self._add(effects, rebound, _FAILED)
            break

    def _apply(self, cell: _Cell, effects: Effects) -> None:
        namespace = self._namespace()
        for name in effects.scrubs:
            self._forgotten |= self._held.get(name, set())
        touched = self._touched(effects, namespace)
        bound = self._bound(cell, effects, namespace)
        refused = _SESSION if effects.session else _AWAITS if effects.awaits else "" if effects.text else _CAPTURED
        if bound or touched:
            number = self._add(effects, bound, refused).number
            for name in touched - bound:
                self._lines[name] = _followed(self._lines[name], number)
        elif effects.opaque or effects.reads:
            cell.unclear.append((effects, self._statement(effects, set(), "")))
        if (bound or touched) and effects.opaque:
            cell.unclear.append((effects, self._statements[self._count][0]))
        for name in effects.deletes:
            self._forget(name)

    def _bound(self, cell: _Cell, effects: Effects, namespace: dict[str, Any]) -> set[str]:
        """Return what a statement that ran bound; a loop or a branch may have bound nothing."""
        if not effects.compound:
            return set(effects.binds)
        return self._rebound(cell, effects, namespace) | {n for n in effects.binds if n not in namespace}

    def _rebound(self, cell: _Cell, effects: Effects, namespace: dict[str, Any]) -> set[str]:
        """Return the names of a statement that are bound to something else than before the cell."""
        now = {n: id(namespace[n]) for n in effects.binds if n in namespace}
        return {n for n, i in now.items() if cell.id_before(n) != i}

    def _touched(self, effects: Effects, namespace: dict[str, Any]) -> set[str]:
        """Return the names, aliases too, whose values a statement may have changed in place."""
        touched = set()
        for name in effects.touches | effects.reads | self._read_by_calls(effects.reads, effects.binds):
            value = namespace.get(name)
            if name not in self._lines or (name in namespace and not _changes(value, name in effects.stores)):
                continue
            # Whatever reads an iterator moves it on.
            if name in effects.touches or hasattr(type(value), "__next__"):
                touched.add(name)
        if touched:
            ids = {id(namespace[name]) for name in touched if name in namespace}
            touched |= {n for n in self._lines if n in namespace and id(namespace[n]) in ids}
        return touched

    def _add(self, effects: Effects, bound: set[str], refused: str) -> Statement:
        statement = self._statement(effects, bound, refused)
        self._statements[statement.number] = (statement, effects)
        for name in bound:
            earlier = self._lines.get(name, ()) if name in effects.changes else ()
            self._lines[name] = _followed(earlier, statement.number)
        for name in (*bound, *effects.changes):
            if effects.held:
                self._held.setdefault(name, set()).update(effects.held)
        return statement

    def _statement(self, effects: Effects, bound: set[str], refused: str) -> Statement:
        namespace = self._namespace()
        read = effects.reads | {n for n in effects.deferred if n in namespace}
        # What the functions that it calls read then; a name may have another value when the session is saved.
        read |= self._read_by_calls(read, effects.binds)
        reads = {n: self._lines.get(n, ()) for n in sorted(read) if n in self._lines or n in namespace}
        changes = [n for n in effects.changes if n not in namespace or _changes(namespace[n], n in effects.stores)]
        if not refused and reaches_session(effects.text, (namespace.get(n) for n in read), namespace):
            refused = _SESSION
        text = effects.text
        if len(text) > _LONGEST:
            text, refused = f"{text[:200]}...", _TOO_LONG
        self._count += 1
        return Statement(self._count, text, tuple(sorted(bound)), reads, tuple(sorted(changes)), refused)

    def _read_by_calls(self, read: set[str], bound: set[str]) -> set[str]:
        """Return what the functions among names read when they are called, but for what is being bound."""
        found: set[str] = set()
        todo = set(read)
        while todo:
            makers = [n for name in todo for n in self._lines.get(name, ())[:1] if n in self._statements]
            called = {n for maker in makers for n in self._statements[maker][1].deferred if n in self._lines}
            todo = called - read - found - bound
            found |= todo
        return found

    def _attribute(self, cell: _Cell) -> None:
        """Find out who bound the names that were rebound though no statement shows it."""
        if cell.before is None:
            return
        view = dict(self._namespace())
        self._last, moved = bound(view, cell.before)
        shown = {n for effects in self._parsed(cell)[0] for n in effects.binds}
        more: dict[int, tuple[Statement, list[str]]] = {}
        for name in moved:
            if name in shown or name not in view or _HISTORY.fullmatch(name):
                continue
            makers = [s for e, s in cell.unclear if e.opaque or self._sets(e, name)]
            self._lines.pop(name, None)
            for maker in makers:
                more.setdefault(maker.number, (maker, []))[1].append(name)
                self._lines[name] = _followed(self._lines.get(name, ()), maker.number)
        for number, (maker, names) in more.items():
            statement = self._statements.get(number, (maker,))[0]
            statement = replace(statement, binds=(*statement.binds, *names))
            self._statements[number] = (statement, effects_in(statement.text))

    def _sets(self, effects: Effects, name: str) -> bool:
        """Whether a function that a statement mentions binds a global name."""
        namespace = self._namespace()
        functions = (value for value in map(namespace.get, effects.reads) if type(value) is types.FunctionType)
        return any(name in code.co_names for function in functions for code in codes(function.__code__))

    def _forget_deleted(self) -> None:
        namespace = self._namespace()
        for names in (self._lines, self._held):
            # Mostly none is, and nothing is done for each of many.
            if not all(map(namespace.__contains__, names)):
                for name in names.keys() - namespace.keys():
                    self._forget(name)

    def _forget(self, name: str) -> None:
        self._lines.pop(name, None)
        self._forgotten |= self._held.pop(name, set())

    def _prune(self) -> None:
        """Drop statements that no living name's value comes from."""
        if len(self._statements) < self._prune_at:
            return
        todo = {n for numbers in self._lines.values() for n in numbers}
        reached: set[int] = set()
        while todo:
            reached |= todo
            found = (self._statements[n][0] for n in todo if n in self._statements)
            todo = {n for s in found for numbers in s.reads.values() for n in numbers} - reached
        kept = sorted(reached & set(self._statements))[-_MOST:]
        self._statements = {n: self._statements[n] for n in kept}
        self._prune_at = 2 * len(kept) + 500

    def _through_calls(self, statement: Statement) -> Statement:
        """Add what the notebook's functions that a statement mentions read and change."""
        namespace = self._namespace()
        reads, changes = dict(statement.reads), set(statement.changes)
        todo = list(reads)
        seen = set(todo)
        while todo:
            name = todo.pop()
            value = namespace.get(name)
            found: set[str] = set()
            if type(value) is types.FunctionType and value.__globals__ is namespace:
                found.update(n for c in codes(value.__code__) for n in c.co_names if n in self._lines)
            if issubclass(type(value), _DEFINITIONS):
                for number in self._lines.get(name, ()):
                    effects = self._statements[number][1] if number in self._statements else None
                    if effects is not None:
                        found |= {n for n in effects.deferred if n in namespace or n in self._lines}
                        changes |= {n for n in effects.later if _changes(namespace.get(n), n in effects.later_stores)}
            for other in sorted(found - seen - set(statement.binds)):
                reads[other] = self._lines.get(other, ())
                todo.append(other)
            seen |= found
        return replace(statement, reads=reads, changes=tuple(sorted(changes)))

    def _needs(self, statement: Statement, saved: set[str], broken: set[str]) -> Iterator[int]:
        """Yield the statements that must run before this one can."""
        for name, numbers in statement.reads.items():
            now = self._lines.get(name, ())
            if name not in saved or now[:1] != numbers[:1]:
                yield from numbers
            elif name in broken:
                yield from now
