"""When to save by itself: after each cell what it can have touched, at idle the rest.

Invariant: the hooks are silent, raise nothing, and lose nothing that a cell touched, whatever fails or interrupts.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import bystanders
from .changes import Tracker
from .errors import SaveError, SessionError, said
from .idle import Idle
from .marking import refusal
from .pickling import GiveWay
from .reach import EVERYTHING, Reach, reach_of
from .repository import Repository
from .retention import DEFAULT, parse
from .silence import silently
from .snapshot import Snapshot
from .status import AutosaveStatus
from .sweeping import Rhythm
from .together import Together
from .turns import Turn

RETRY = 2.0, 300.0
"""Seconds after which a failed save is tried again: at first, and at most; it doubles in between."""

PRUNED_AFTER = 50
"""Autosaves after which those that are not to be kept are removed."""

_MOVES = re.compile(r"%(?:undo|load)_session\b[^-\n{$;]*")
"""Cells that only move the namespace to another snapshot: no expression in braces runs, and no statement again."""

SETTLED_AFTER = 1.0
"""Seconds for which autosaves gather before they are made to survive a loss of power: meanwhile other writes wait."""

TERMINAL = 0.02
"""Seconds for a sweep after each cell in a shell that has no idle time."""

UNSEEN = 300.0, 50.0
"""Seconds after which such a shell looks at all that has not been looked at, however long that takes: at least, and
for each second that it has taken."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has configured.

    Attributes
    ----------
    max_block : float
        Seconds that one component may hold up the end of a cell.
    max_variable : int
        Bytes that one component may have, 0 for any number.
    keep : str
        Which autosaves to keep, as `retention.parse` reads it.
    """

    max_block: float = 2.0
    max_variable: int = 0
    keep: str = DEFAULT


class Autosave:
    """Saves one shell's namespace by itself.

    Parameters
    ----------
    shell : InteractiveShell
    tracker : Tracker
    settings : callable
        Returns the `Settings` that count now.
    """

    def __init__(self, shell: Any, tracker: Tracker, settings: Callable[[], Settings]) -> None:
        self._shell, self.tracker, self._settings = shell, tracker, settings
        self._idle = Idle(getattr(shell, "kernel", None), self._step)
        # Another on the same store: what a repository remembers is for one thread.
        self._settler = Repository(tracker.repository.store)
        self._turn = Turn()
        # Set where nothing else can be done: on other threads, and for as long as it is not known what a cell touched.
        self._escaped = True
        self._cell: int | None = None
        self._failures, self._failure, self._retry = 0, "", 0.0
        self._rhythm, self._patience, self._unseen = Rhythm(), TERMINAL, 0.0
        self._busy = self._ended = time.monotonic()
        self._depth, self._is_magic, self._untold = 0, False, False
        self._unpruned, self._ready, self.together = 0, False, Together()
        self._settling: threading.Thread | None = None
        self.paused = ""

    @property
    def events(self) -> dict[str, Callable[..., None]]:
        """What to register for which event of IPython."""
        return {
            "pre_execute": self.before,
            "pre_run_cell": self.announced,
            "post_execute": self.between,
            "post_run_cell": self.after,
        }

    def before(self) -> None:
        """A cell is about to run, or code of a front end."""
        if threading.current_thread() is threading.main_thread():
            self._idle.stop()
            self._busy = time.monotonic()
            self._depth, self._is_magic = self._depth + 1, False

    def announced(self, info: Any) -> None:
        """A cell is about to run, of which the text is known."""
        # An interrupt may have come between the last cell and its hook, or this cell stands within another.
        self._escaped, self._untold = self._escaped or self._untold, True
        raw = getattr(info, "raw_cell", None)
        self._is_magic = self._depth == 1 and type(raw) is str and _MOVES.fullmatch(raw.strip()) is not None

    def between(self) -> None:
        """Code has run that may not be a cell of the user's."""
        if threading.current_thread() is threading.main_thread():
            self._idle.start()
            self._busy = time.monotonic()
            self._ended = self._ended if self._is_magic else self._busy
            self._depth = max(0, self._depth - 1)

    def after(self, result: Any = None) -> None:
        """A cell has run."""
        mine = object()
        try:
            try:
                if threading.current_thread() is threading.main_thread() and self._turn.take(mine):
                    self._after(result)
                    return
            finally:
                if self._turn.by is mine:
                    self._turn.by = None
            self._escaped = True
            self._idle.wake()
        except BaseException as error:
            # Also an interrupt: what was touched stays so, and is saved after the next cell.
            self._note(error)

    def pause(self, why: str) -> None:
        """Save nothing more until the user says so."""
        self.paused = why

    def resume(self) -> None:
        """Go on, with all that may have changed meanwhile."""
        self.paused, self._retry, self._escaped = "", 0.0, True

    def catch_up(self, differing: Callable[[Snapshot], Collection[str]]) -> Snapshot | None:
        """Save whatever differs now, however long that takes; return what the namespace is then equal to.

        What was looked at while nothing ran is not looked at again, but for what is about to be replaced: whatever a
        thread changes meanwhile is found later where it stays. The rest is looked at as by a sweep, and all together
        only if that finds a change: then it counts as the last cell's, as it would at idle.

        Parameters
        ----------
        differing : callable
            Returns the names that are about to be replaced if the namespace is equal to a snapshot.

        Raises
        ------
        SessionError, OSError
            If the store refuses, or if autosave is at work already or paused.
        """
        if self.paused:
            raise SaveError(f"autosave is paused, because {self.paused}: %autosave_session on goes on")
        mine = object()
        try:
            if not self._turn.take(mine):
                raise SaveError("autosave is at work on another thread: try again")
            unknown = self._sweep_unknown() if self._is_magic and not self._escaped else EVERYTHING
            # What this cell itself has done before it moves is not the last one's.
            looked, cell = set(unknown.names), None if self._cell is None else self._cell + (not self._is_magic)
            while True:
                held = self.tracker.current
                more = set() if unknown.everything or held is None else set(differing(held)) - looked
                looked |= more
                self.tracker.touch(Reach(frozenset(more), unknown.everything))
                save = partial(self.tracker.save, cell=cell, largest=self._settings().max_variable)
                silently(self._shell, partial(self.together.saving, save, cell, held))
                self._failures, self._failure, self._retry = 0, "", 0.0
                if self.tracker.current is held or unknown.everything:
                    return self.tracker.current
                unknown = Reach()
        finally:
            if self._turn.by is mine:
                self._turn.by = None

    def _sweep_unknown(self) -> Reach:
        """Look at what was not looked at since the last cell; return which names that was, or that all may differ."""
        unknown = self.tracker.unknown_since(self._ended)
        if not unknown.everything:
            self.tracker.sweep_again()
            look = partial(self.tracker.sweep, lambda: None, only=unknown.names)
            while silently(self._shell, look):
                pass
            unknown |= self.tracker.unknown_since(self._ended)
        return unknown

    def stop(self) -> None:
        """Do nothing more."""
        self._idle.stop()

    def status(self) -> AutosaveStatus:
        """Return what the user is told."""
        current = self.tracker.current
        return AutosaveStatus(
            name=self.tracker.name,
            snapshot=current.reference if current else "",
            cell=current.cell if current else None,
            created=current.created if current else "",
            late=tuple(sorted(self.tracker.late)),
            partial=tuple(sorted(v.name for v in current.variables if v.state == "placeholder")) if current else (),
            paused=self.paused,
            failure=self._failure or refusal(self.tracker.repository.store),
            fickle=self.tracker.fickle,
            unseen=self._unseen,
            store=self.tracker.repository.store.url,
        )

    def _after(self, result: Any) -> None:
        escaped, self._escaped = self._escaped, True
        info = getattr(result, "info", None)
        raw = getattr(info, "raw_cell", None)
        if info is None or type(raw) is not str:
            return
        if raw.strip() and result.error_before_exec is None:
            self.tracker.touch(EVERYTHING if escaped else self._reach(info, raw))
        elif escaped:
            self.tracker.touch(EVERYTHING)
        self._escaped = self._untold = False
        if not raw.strip() or not info.store_history or info.silent:
            return
        self._cell = result.execution_count
        self._rhythm.cell()
        has_idle_time = self._idle.start()
        self._save(self._settings().max_block if has_idle_time else float("inf"), lambda: None)
        self._settle()
        self._unseen = 0.0 if has_idle_time else self._unseen or UNSEEN[0]
        if not has_idle_time and not self.paused:
            self._sweep_a_little()

    def _reach(self, info: Any, raw: str) -> Reach:
        if getattr(self._shell, "ast_transformers", None):
            return EVERYTHING
        code = getattr(info, "transformed_cell", None)
        try:
            if type(code) is not str:
                code = self._shell.transform_cell(raw)
            return reach_of(code, self._shell.transform_cell)
        except Exception:  # a transformer of somebody's
            return EVERYTHING

    def _save(self, limit: float, pause: Callable[[], None], *, whole: bool = False) -> Snapshot | None:
        held = self.tracker.current
        if self.paused or time.monotonic() < self._retry:
            self.together.miss(self._cell, held)
            return None
        try:
            largest = self._settings().max_variable
            save = partial(self.tracker.save, cell=self._cell, limit=limit, largest=largest, pause=pause, whole=whole)
            saved = silently(self._shell, partial(self.together.saving, save, self._cell, held))
        except GiveWay:
            self.tracker.gave_way(whole=whole)
            raise
        except Exception as error:
            self._note(error)
            return None
        self._failures, self._failure, self._retry = 0, "", 0.0
        self._unpruned += saved is not None
        return saved

    def _settle(self) -> None:
        """Make what was saved survive a loss of power, in a thread: that may take long, and reads nothing live."""
        prunes = self._unpruned >= PRUNED_AFTER
        if (self.tracker.unsettled or prunes) and not (self._settling and self._settling.is_alive()):
            self._unpruned = 0 if prunes else self._unpruned
            keep = self._settings().keep if prunes else ""
            work = partial(_settle, self._settler, self.tracker.unsettled, self.tracker.name, keep)
            self._settling = threading.Thread(target=work, name="session-settle", daemon=True)
            self._settling.start()

    def _note(self, error: BaseException) -> None:
        """Remember a failure, and warn of the first one where no notebook shows it."""
        if isinstance(error, KeyboardInterrupt):
            self._failure = "interrupted; it goes on after the next cell"
            return
        wait = min(RETRY[0] * 2**self._failures, RETRY[1])
        self._failures, self._failure, self._retry = self._failures + 1, said(error), time.monotonic() + wait
        if self._failures == 1:
            self._shell.log.warning("autosave of %s failed, and is tried again: %s", self.tracker.name, self._failure)

    def _step(self, pause: Callable[[], None]) -> float | None:
        """Do one step of what is left for idle time."""
        if self.paused:
            return None
        mine = object()
        try:
            if not self._turn.take(mine):
                return None
            if self._escaped:
                # A cell of a subshell, which runs on a thread of its own.
                self._ended = time.monotonic()
                self.tracker.touch(EVERYTHING)
                self._escaped = False
            failing = self._retry - time.monotonic()
            if failing > 0:
                return failing
            quiet, waits = time.monotonic() - self._busy, []
            for whole in (False, True):
                wait = self.tracker.until_save(whole=whole, quiet=quiet)
                if wait == 0.0:
                    self._save(float("inf") if whole else self._settings().max_block, pause, whole=whole)
                    self._settle()
                    return 0.0 if not self._failures else self._retry - time.monotonic()
                waits += [wait] if wait else []
            self._settle()
            began = time.thread_time()
            try:
                more = silently(self._shell, partial(self.tracker.sweep, pause, quiet=quiet))
            finally:
                self._rhythm.took(time.thread_time() - began)
            if more:
                return 0.0
            self._prepare()
            waits += [wait] if (wait := self.tracker.until_sweep(quiet=quiet)) else []
            self.tracker.sweep_again()
            return min([self._rhythm.next(beside=bystanders.are_there() or bystanders.tasks_are_there()), *waits])
        except (GiveWay, KeyboardInterrupt):
            raise
        except BaseException as error:
            # Nothing else may reach the kernel's loop, which a SystemExit would end.
            self._note(error)
            return max(0.1, self._retry - time.monotonic())
        finally:
            if self._turn.by is mine:
                self._turn.by = None

    def _prepare(self) -> None:
        """Import what a move to another snapshot needs, so that the first one does not wait for it."""
        if not self._ready:
            self._ready = True
            for room in ("history", "sessions"):
                importlib.import_module(f"{__package__}.{room}")

    def _sweep_a_little(self) -> None:
        """Look at a few components where there is no idle time, each cell at others; at all if one has waited long."""
        began, looked_at = time.perf_counter(), self.tracker.looked
        every = self.tracker.has_unseen(self._unseen)
        deadline = float("inf") if every else began + self._patience

        def pause() -> None:
            if time.perf_counter() > deadline:
                raise GiveWay

        def look() -> None:
            looked = False
            while time.perf_counter() < deadline:
                more = self.tracker.sweep(pause)
                if not more:
                    self.tracker.sweep_again()
                if looked and not more:
                    break
                looked = True

        try:
            silently(self._shell, look)
            self._patience = TERMINAL
        except GiveWay:
            # More time only for what takes more than there is: the others have their turn after the next cells.
            one = self.tracker.looked == looked_at
            self._patience = min(2 * self._patience, self._settings().max_block) if one else TERMINAL
        for whole in (False, True) if every else (False,):
            if self.tracker.until_save(whole=whole, quiet=float("inf")) == 0.0:
                self._save(float("inf"), lambda: None, whole=whole)
        self._settle()
        if every:
            # Looking at everything shall never take more than a small part of the time.
            self._unseen = max(UNSEEN[0], UNSEEN[1] * (time.perf_counter() - began))


def _settle(repository: Repository, unsettled: list[str], name: str, keep: str) -> None:
    # The next loss of power may cost these; the disk that refuses them will refuse the next save, which is told.
    with contextlib.suppress(SessionError, OSError):
        while unsettled:
            time.sleep(SETTLED_AFTER)
            # One by one, as a save may add to them meanwhile.
            repository.settle([unsettled.pop() for _ in range(len(unsettled))])
        if keep:
            repository.prune(parse(keep), [name])
