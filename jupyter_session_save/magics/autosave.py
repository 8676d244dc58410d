"""``%autosave_session``, and what it keeps between cells.

Invariant: no decisions about values are made here; while it is off, no hook of ours is registered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from ..catalog import name_to_save, session_name
from ..display import typed
from ..errors import SessionError, SessionNameError, SessionNotFoundError
from ..shell import hidden_names, live_objects
from .lines import one_line, parsed, unquoted
from .origins import Origin, of_load

if TYPE_CHECKING:
    from ..autosave import Autosave, Settings
    from ..reports import LoadReport, SaveReport
    from ..snapshot import Snapshot
    from ..status import AutosaveStatus
    from .session import SessionMagics


@magics_class
class AutosaveMagics(Magics):
    """Save this notebook's variables after each cell.

    Parameters
    ----------
    shell : InteractiveShell
    sessions : SessionMagics
        Whose traits count.
    """

    def __init__(self, shell: Any, sessions: SessionMagics) -> None:
        super().__init__(shell=shell)
        self._ip, self._sessions = shell, sessions
        self._autosave: Autosave | None = None
        self._events: dict[str, Any] = {}
        self._max_block: float | None = None
        self._keep = ""
        self._came_from: Origin | None = None
        # Sessions that were saved by hand or loaded here.
        self._stood: set[str] = set()
        # The newest snapshot of an autosave that is not at work any more.
        self._ended: Snapshot | None = None

    @magic_arguments()
    @argument("action", nargs="?", choices=["on", "off", "status"], default="status", help="by default status")
    @argument("--name", type=unquoted, help="the session; by default the one at work, else the notebook's own name")
    @argument(
        "--max-block",
        type=float,
        metavar="SECONDS",
        help="how long one variable may hold up the end of a cell; by default SessionMagics.autosave_max_block",
    )
    @argument(
        "--keep",
        type=unquoted,
        metavar="POLICY",
        help="which snapshots to keep; by default SessionMagics.autosave_keep",
    )
    @line_magic
    def autosave_session(self, line: str) -> AutosaveStatus | None:
        """Save what a cell changed at the end of the cell, so that a kernel that dies costs one cell at most."""
        args = parsed(AutosaveMagics.autosave_session, line)
        if args is None:
            return None
        if args.action != "on" and (args.name is not None or args.keep or args.max_block is not None):
            raise UsageError("--name, --max-block and --keep go with on: %autosave_session on --name NAME")
        if args.max_block is not None and not args.max_block > 0:
            raise UsageError("--max-block takes a number of seconds above 0")
        from ..retention import DEFAULT, parse

        with one_line("autosave is as it was"):
            if args.action == "on":
                parse(args.keep or DEFAULT)
                self.turn_on(args.name)
                self._max_block, self._keep = args.max_block, args.keep or ""
            elif args.action == "off":
                self.turn_off()
        return self.status()

    @magic_arguments()
    @argument("cells", nargs="?", type=int, default=1, metavar="N", help="how many cells; by default 1")
    @line_magic
    def undo_session(self, line: str) -> LoadReport | None:
        """Make the namespace what it was before the last N cells that changed something.

        Autosave must be on. Only what differs is loaded again; all else stays the very same objects. What was there
        is in a snapshot of its own: %sessions NAME shows it, %load_session NAME@VERSION goes back to it.
        """
        args = parsed(AutosaveMagics.undo_session, line, "give one number: how many cells to take back")
        if args is None:
            return None
        if args.cells < 1:
            raise UsageError("%undo_session takes a number of cells, 1 or more")
        if self._autosave is None:
            name = "" if self._own_name() else " --name NAME"
            raise UsageError(f"there is nothing to go back to while autosave is off: %autosave_session on{name}")
        from ..history import Undone, apart, cells_back, cells_between
        from ..pickling import collection_paused

        # The collector would go through all that there is, which can take longer than the rest.
        with one_line("the namespace is as it was"), collection_paused():
            name = self._autosave.tracker.name
            repository = self._sessions.repository()

            def before(held: Snapshot) -> Snapshot | None:
                return cells_back(
                    held, args.cells, partial(repository.resolve, name), partial(repository.versions, name)
                )

            held = self._autosave.catch_up(lambda held: apart(held, before(held)))
            target = None if held is None else before(held)
            if held is None or target is None:
                there = f"%sessions {typed(name)} shows what there is"
                raise SessionNotFoundError(f"{name} does not go back so far: {there}")
            cells = cells_between(held, target, partial(repository.resolve, name))
            gone = {v.name for v in target.variables}.difference(v.name for v in held.variables)
            report = self._sessions.move(target, since=held)
            back = tuple(sorted(v.name for v in report.variables if v.name in gone))
            return replace(report, undone=Undone(cells, back, self._autosave.together.spans(cells)))

    def status(self) -> AutosaveStatus:
        """Return what autosave does at the moment."""
        from ..status import AutosaveStatus

        if self._autosave is not None:
            return self._autosave.status()
        return AutosaveStatus(nameless=not self._own_name())

    @property
    def running(self) -> str:
        """The session that is saved to after each cell, ``""`` while autosave is off."""
        return "" if self._autosave is None else self._autosave.tracker.name

    @property
    def own(self) -> str:
        """The session of which ``@VERSION`` alone is a version, ``""`` if there is none."""
        return self.running or self._own_name()

    def turn_on(self, name: str | None = None) -> None:
        """Begin, or go on after a pause; without a name with the session that is saved to already, if there is one.

        Raises
        ------
        SessionError
            If there is no name for the session, or no store; all is as it was.
        """
        from ..names import quote

        if name is not None:
            name = name_to_save(name, "an autosave")
        else:
            name = self.running or session_name(self._ip.user_ns, "%autosave_session on --name")
            # Here and now: what fails only after a cell shows nowhere but in the log.
            quote(name)
        if self._autosave is not None and self._autosave.tracker.name == name:
            self._autosave.resume()
        else:
            self._begin(name)

    def follow_store(self) -> None:
        """Go on in the store that counts now, where nothing is saved of what there is; errors as for `turn_on`."""
        if self._autosave is not None:
            autosave, repository = self._autosave, self._sessions.repository()
            if autosave.tracker.repository.store.url == repository.store.url:
                return
            self._begin(autosave.tracker.name, anew=True)
            self._autosave.paused = autosave.paused
        self._came_from = self._ended = None
        self._stood.clear()

    def _begin(self, name: str, *, anew: bool = False) -> None:
        # First of all: what cannot be made leaves the one that is at work.
        autosave = self._made(name)
        self.turn_off()
        origin = self._came_from
        if not anew and origin is not None and origin.snapshot.name == name:
            autosave.tracker.adopt(origin.snapshot, origin.bound, origin.loaded)
        self._events = autosave.events
        for event, function in self._events.items():
            self._ip.events.register(event, function)
        self._autosave = autosave

    def turn_off(self) -> None:
        """Stop, and take the hooks out."""
        for event, function in self._events.items():
            with contextlib.suppress(ValueError):
                self._ip.events.unregister(event, function)
        self._events = {}
        if self._autosave is not None:
            self._ended = self._autosave.tracker.current
            self._autosave.stop()
            self._autosave = None

    def meant(self, name: str, version: int | None) -> tuple[int | None, str]:
        """Return which version a load without one means, and what to say of it.

        Autosaves of a kernel that began with nothing do not hide the state that it could go on from.
        """
        own = self._ended if self._autosave is None else self._autosave.tracker.current
        own = own if own is not None and own.name == name else None
        if version is not None or name in self._stood or (own is None and name != self._own_name()):
            return version, ""
        from ..offering import on_offer
        from ..trust import Signer

        found = on_offer(self._sessions.repository(create=False), name, Signer.of_user(), own)
        if found is None:
            return None, ""
        sequence = found.snapshot.sequence
        if found.newer is not None:
            return sequence, f"{found.aside}: %load_session {typed(found.newer.reference)} loads that"
        if own is None or sequence > own.sequence:
            return None, ""
        return sequence, (
            f"{own.reference} is newer, but this kernel has saved it by itself before it loaded anything: "
            f"%load_session {typed(own.reference)} goes back to it"
        )

    def held(self, name: str, version: int | None) -> tuple[int | None, Snapshot | None]:
        """Return which version is to be loaded, and the snapshot that the namespace is equal to, if it is known."""
        if self._autosave is None or self._autosave.tracker.name != name or self._autosave.paused:
            return version, None
        from ..history import apart
        from ..rerun import without

        # Resolved first: to find out what is held may save it, which makes a newer version.
        wanted = self._sessions.repository(create=False).resolve(name, version)
        version = wanted.sequence
        try:
            held = self._autosave.catch_up(lambda held: apart(held, wanted))
        except (SessionError, OSError):
            return version, None
        # What could not be loaded is tried again.
        return version, None if held is None else without(held, self._failed(name))

    def version_of(self, name: str) -> int | None:
        """Return the version of a session that the namespace came from, unless it has come to mean another."""
        from ..held import unless_replaced

        current = None if self._autosave is None else self._autosave.tracker.current
        if current is None or current.name != name:
            current = self._came_from.snapshot if self._came_from is not None else None
        if current is None or current.name != name:
            return None
        current = unless_replaced(self._sessions.repository().store, current)
        return None if current is None else current.sequence

    def saved(self, report: SaveReport) -> None:
        """Take note that the user has saved everything."""
        # The save is done; that autosave cannot build on it must not make it look failed.
        with contextlib.suppress(SessionError):
            names = frozenset(v.name for v in report.variables)
            self._noted(Origin(self._sessions.resolved(report.reference), names))

    def loaded(self, report: LoadReport) -> str:
        """Take note that the user has loaded variables under their own names; return what to say of it."""
        from ..reloaded import Loaded

        remark = ""
        with contextlib.suppress(SessionError):
            snapshot = self._sessions.resolved(report.reference)
            before = {v.name for v in snapshot.variables if v.state == "placeholder"}
            failed = [v.name for v in report.placeholders if v.name not in before]
            anew = frozenset(v.name for v in report.variables)
            bound = anew.union(report.stayed)
            # What was not loaded shall not look as if it had been deleted.
            if bound.issuperset(v.name for v in snapshot.variables):
                still = self._failed(snapshot.name).intersection(report.stayed)
                try:
                    with one_line(f"{report.reference} is loaded"):
                        origin = of_load(self._ip, snapshot, bound, anew, still.union(failed))
                except KeyboardInterrupt:
                    self._noted(Origin(snapshot, bound.difference(failed), Loaded(anew)))
                    raise
                self._noted(origin)
                remark = self._told_if_off(snapshot)
            lost = [name for name in report.lost if name in anew]
            if lost:
                why = f"{', '.join(lost[:5])} could not be loaded whole from {snapshot.reference}"
                remark = self._paused(why) or remark
        return remark

    @contextlib.contextmanager
    def noting_failure(self, name: str) -> Iterator[None]:
        """Pause if a session cannot be loaded."""
        try:
            yield
        except BaseException as error:
            # A slip of the pen, or a change of mind, by who has saved already; an empty kernel was to go on from what
            # was not found.
            slip = isinstance(error, SessionNotFoundError | SessionNameError | KeyboardInterrupt)
            if slip and self._autosave is not None and self._autosave.tracker.current is not None:
                raise
            if self._autosave is not None and self._autosave.tracker.name == name:
                print(self._paused(f"{name} could not be loaded"))
            raise

    def _told_if_off(self, snapshot: Snapshot) -> str:
        if snapshot.cell is None or self._autosave is not None:
            return ""
        name = "" if self._own_name() == snapshot.name else f" --name {typed(snapshot.name)}"
        return f"autosave is off in this kernel: %autosave_session on{name}"

    def _own_name(self) -> str:
        """Return the session of this notebook, ``""`` if the front end does not tell the notebook's name."""
        try:
            return session_name(self._ip.user_ns)
        except SessionNameError:
            return ""

    def _failed(self, name: str) -> frozenset[str]:
        """Return what stands for values of a session that could not be loaded."""
        origin = self._came_from
        return origin.failed if origin is not None and origin.snapshot.name == name else frozenset()

    def _noted(self, origin: Origin) -> None:
        self._came_from = origin
        self._stood.add(origin.snapshot.name)
        if self._autosave is not None and self._autosave.tracker.name == origin.snapshot.name:
            self._autosave.tracker.adopt(origin.snapshot, origin.bound, origin.loaded)
            if self._autosave.paused:
                self._autosave.resume()

    def _paused(self, why: str) -> str:
        if self._autosave is None:
            return ""
        self._autosave.pause(why)
        return f"autosave is paused, because {why}: %autosave_session on goes on"

    def _made(self, name: str) -> Autosave:
        # Imported when it is needed: %load_ext has a budget of 60 ms.
        from ..autosave import Autosave
        from ..changes import Tracker
        from ..trust import Signer

        tracker = Tracker(
            self._ip.user_ns,
            name,
            # Who turns it on knows that it saves; who goes on need not know that a disk has gone.
            repository=self._sessions.repository(anew=self._autosave is None),
            signer=Signer.of_user(),
            live=lambda: live_objects(self._ip),
            hidden=lambda: hidden_names(self._ip),
            lineage=self._sessions.recorder.lineage,
        )
        return Autosave(self._ip, tracker, self._settings)

    def _settings(self) -> Settings:
        from ..autosave import Settings
        from ..retention import DEFAULT

        traits = self._sessions
        max_block = traits.autosave_max_block if self._max_block is None else self._max_block
        keep = self._keep or traits.autosave_keep or DEFAULT
        return Settings(max_block=max_block, max_variable=traits.autosave_max_variable, keep=keep)
