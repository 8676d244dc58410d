"""The line magics: parse what the user typed, call the room that does it, show what came of it.

Invariant: no decisions about values are made here; a user's mistake costs one line and never a traceback.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Float, Int, TraitError, Unicode, observe, validate

from ..catalog import (
    Stores,
    check_saved,
    found_as,
    is_version,
    name_to_save,
    session_name,
    split_reference,
    suggesting,
    whole_reference,
)
from ..display import ProgressMeter
from ..lineage import Recorder
from ..shell import adopt_compiler_flags, hidden_names, live_objects
from .autosave import AutosaveMagics
from .lines import one_line, parsed, patterns, refuse_contradictions, swallowed, unquoted
from .meter import meter
from .traits import checked_policy, how_to_mend, move_store, switch

if TYPE_CHECKING:
    from ..listings import SessionDiff, SessionList, SnapshotList
    from ..reports import LoadPlan, LoadReport, SaveReport
    from ..repository import Repository
    from ..sessions import SessionManager
    from ..snapshot import Problem, Snapshot

COMPLETED = {
    "save_session": False,
    "load_session": True,
    "sessions": True,
    "delete_session": True,
    "diff_session": True,
}
"""Magics whose first argument is completed with session names, and whether versions are offered, too."""


@magics_class
class SessionMagics(Magics):
    """Save this notebook's variables as a session, and load them into a fresh kernel."""

    store = Unicode(
        "",
        help="""Where sessions are stored: a directory, or a store's address. If it is empty, the environment
        variable JUPYTER_SESSION_STORE counts, and without that the directory "sessions" in the Jupyter data
        directory. Sessions already stored elsewhere are not moved.""",
    ).tag(config=True)
    progress = Bool(
        True,
        help="Whether saves and loads that take a while show how far they are. The line vanishes at the end.",
    ).tag(config=True)
    progress_after = Float(
        1.0,
        min=0.0,
        help="""Seconds for which a save or load stays silent before it shows how far it is.""",
    ).tag(config=True)

    restore_state = Bool(
        True,
        help="""Whether loads also restore the state of the interpreter that is in no variable: random generators,
        options, the working directory, magics of cells and the like. --no-state switches it off for one load.""",
    ).tag(config=True)
    autosave = Bool(
        False,
        help="""Whether what a cell changed is saved at the end of the cell, as after %autosave_session on. It needs
        a front end that tells the notebook's name.""",
    ).tag(config=True)
    autosave_max_block = Float(
        2.0,
        min=0.01,
        help="""Seconds that saving one variable, with what shares objects with it, may hold up the end of a cell.
        What takes longer is saved when the kernel is idle.""",
    ).tag(config=True)
    autorestore = Bool(
        False,
        help="""Whether %load_ext loads the last state of this notebook into an empty kernel, and does not only offer
        it. Loading runs code that the session holds; only what you have saved yourself is loaded.""",
    ).tag(config=True)
    autosave_keep = Unicode(
        "",
        help="""Which snapshots of autosaves are kept, such as "last=50,hourly=24,daily=30,size=20GB"; those that
        were saved by hand always are. Empty means what is said here.""",
    ).tag(config=True)
    autosave_max_variable = Int(
        16 << 30,
        min=0,
        help="""Bytes that autosave stores of one variable, with what shares objects with it; a placeholder stands
        for a larger one. 0 means no limit.""",
    ).tag(config=True)

    with_history = Bool(
        False,
        help="""Whether saves take In, Out, _ and _i along, as --with-history does for one save. They hold all that was
        ever typed or shown: deleted secrets, frames that are long gone.""",
    ).tag(config=True)

    def __init__(self, shell: Any) -> None:
        try:
            super().__init__(shell=shell)
        except TraitError as error:
            shell.configurables[:] = [c for c in shell.configurables if c is not self]
            raise UsageError(how_to_mend(SessionMagics, error)) from None
        self._stores = Stores()
        self.follower: AutosaveMagics | None = None
        self.recorder = Recorder(lambda: self._namespace, shell.transform_cell)

    @validate("autosave_keep")
    def _keep_says_what_to_keep(self, proposal: Any) -> str:
        return checked_policy(proposal["value"])

    @observe("store")
    def _store_changed(self, change: Any) -> None:
        if getattr(self, "follower", None) is not None:
            move_store(self, change["old"])

    @observe("autosave")
    def _autosave_changed(self, change: Any) -> None:
        # Configuration is read while this is being made.
        switch(getattr(self, "follower", None), on=change["new"])

    @magic_arguments()
    @argument("name", nargs="?", type=unquoted, help="the session; by default the notebook's own name")
    @argument("-m", "--message", type=unquoted, default="", help="what to remember about this snapshot, in quotes")
    @patterns("save")
    @argument("--strict", action="store_true", help="refuse to save if anything would become a placeholder")
    @argument("--with-history", action="store_true", help="take In, Out, _ and _i along, with all that was shown")
    @argument(
        "--verify",
        action="store_true",
        help="load the snapshot in a process of its own and say whether every saved value came back",
    )
    @line_magic
    def save_session(self, line: str) -> SaveReport | None:
        """Save the variables of this notebook.

        Put NAME before --only and --exclude, which take every word that follows.
        ``r = %save_session x`` keeps the report.
        """
        args = parsed(SessionMagics.save_session, line)
        if args is None:
            return None
        with one_line("nothing was saved", swallowed(args)):
            name = self._name(args.name, "%save_session", version=False)[0]
            with self._meter() as progress:
                report = self._manager(create=True).save(
                    name,
                    message=args.message,
                    only=args.only,
                    exclude=args.exclude,
                    strict=args.strict,
                    history=args.with_history or self.with_history,
                    parent=None if self.follower is None else self.follower.version_of(name),
                    progress=progress,
                )
        if self.follower is not None and not (args.only or args.exclude):
            self.follower.saved(report)
        if args.verify:
            with one_line(f"{report.reference} is saved, but not verified"):
                report = replace(report, verification=self._verify(report.reference))
        return report

    @magic_arguments()
    @argument(
        "name",
        nargs="?",
        type=unquoted,
        metavar="NAME[@VERSION]",
        help="the session, by default the notebook's own; without VERSION its newest snapshot; @VERSION alone is one "
        "of the session that autosave saves to, else of the notebook's own",
    )
    @patterns("load")
    @argument("--prefix", type=unquoted, default="", metavar="P", help="put P before every name that is loaded")
    @argument(
        "--into",
        type=unquoted,
        default="",
        metavar="NAME",
        help="bind one object NAME with the variables as its attributes",
    )
    @argument("--no-overwrite", action="store_true", help="leave names alone that exist already")
    @argument("--replace", action="store_true", help="make the namespace what it was: remove all other names")
    @argument("--dry-run", action="store_true", help="show what would happen; nothing is unpickled or changed")
    @argument(
        "--trust",
        action="store_true",
        help="load though you did not sign it; this runs code that the snapshot holds",
    )
    @argument(
        "--no-state", action="store_true", help="leave random generators, options, directories and the like alone"
    )
    @argument("--verify-data", action="store_true", help="compare every byte with its digest before it is used")
    @argument(
        "--repoint",
        action="store_true",
        help="then give all live instances of classes whose module was reloaded the class as it is now",
    )
    @argument("--rerun", nargs="*", type=unquoted, metavar="VARIABLE", help="run again what made the placeholders")
    @line_magic
    def load_session(self, line: str) -> LoadReport | LoadPlan | None:
        """Load saved variables into this notebook, adding names and overwriting those that exist.

        Put NAME before --only and --exclude, which take every word that follows.
        """
        args = parsed(SessionMagics.load_session, line)
        if args is None:
            return None
        refuse_contradictions(args)
        with one_line("the namespace is as it was", swallowed(args)):
            name, version = self._name(args.name, "%load_session", version=True)
            chosen: dict[str, Any] = {
                "only": args.only,
                "exclude": args.exclude,
                "prefix": args.prefix,
                "into": args.into,
                "conflicts": "keep" if args.no_overwrite else "overwrite",
                "replace": args.replace,
                "state": self.restore_state and not args.no_state,
            }
            manager = self._manager(create=False)
            with suggesting(self.repository(create=False), name), self._meter() as progress:
                passed_over = ""
                if self.follower is not None:
                    version, passed_over = self.follower.meant(name, version)
                if args.dry_run:
                    plan = manager.plan(name, version, **chosen, rerun=args.rerun)
                    return replace(plan, notes=(*plan.notes, *filter(None, [passed_over])))
                held: Snapshot | None = None
                # What gives way must not end, and run code, before it is seen how the new values pickle.
                _before = dict(self._namespace)
                with nullcontext() if self.follower is None else self.follower.noting_failure(name):
                    if self.follower is not None and not (args.prefix or args.into):
                        version, held = self.follower.held(name, version)
                    report = manager.load(
                        name,
                        version,
                        **chosen,
                        trust=args.trust,
                        verify_data=args.verify_data,
                        repoint=args.repoint,
                        since=held,
                        progress=progress,
                    )
            adopt_compiler_flags(self.shell, (v.name for v in report.variables if not args.prefix))
            remarks = [passed_over]
            if self.follower is not None and not (args.prefix or args.into):
                remarks.append(self.follower.loaded(report))
            report = replace(report, notes=(*report.notes, *filter(None, remarks)))
        if args.rerun is not None:
            with one_line(f"{report.reference} is loaded, and nothing was made again"):
                flags = getattr(getattr(self.shell, "compile", None), "flags", 0)
                chosen = {"only": args.only, "exclude": args.exclude}
                report = manager.rerun(report, args.rerun, **chosen, flags=flags, trust=args.trust)
        if "history" in report.state:
            from ..interpreter import pass_over

            pass_over(self.shell, report)
        return report

    @magic_arguments()
    @argument(
        "name",
        nargs="?",
        type=unquoted,
        metavar="NAME[@VERSION]",
        help="show this session's snapshots and the variables of the newest, or of VERSION",
    )
    @line_magic
    def sessions(self, line: str) -> SessionList | SnapshotList | None:
        """List the saved sessions, or the snapshots and variables of one."""
        args = parsed(SessionMagics.sessions, line)
        if args is None:
            return None
        from ..looking import list_sessions, list_snapshots

        with one_line("nothing was changed"):
            repository = self.repository(create=False)
            return list_snapshots(repository, self._found(args.name)) if args.name else list_sessions(repository)

    @magic_arguments()
    @argument("before", type=unquoted, metavar="NAME[@VERSION]", help="the earlier snapshot")
    @argument(
        "after",
        nargs="?",
        type=unquoted,
        default="",
        metavar="NAME[@VERSION]",
        help="the later snapshot; by default the newest of the same session, of which @VERSION alone is one, too",
    )
    @line_magic
    def diff_session(self, line: str) -> SessionDiff | None:
        """Say which variables two snapshots have in common and which differ, with small values; nothing is loaded."""
        args = parsed(SessionMagics.diff_session, line)
        if args is None:
            return None
        from ..looking import compare

        with one_line("nothing was changed"):
            before, after = self._found(args.before), self._found(args.after, alone=False)
            return compare(self.repository(create=False), before, after)

    @magic_arguments()
    @argument(
        "name",
        type=unquoted,
        metavar="NAME[@VERSION]",
        help="the session to delete with all its snapshots, or with VERSION that snapshot only",
    )
    @line_magic
    def delete_session(self, line: str) -> None:
        """Delete a session or one snapshot of it."""
        args = parsed(SessionMagics.delete_session, line)
        if args is None:
            return
        from ..looking import delete

        with one_line("look with %sessions at what is left"):
            print(delete(self.repository(create=False), self._whole(args.name)))

    def move(self, target: Snapshot, *, since: Snapshot) -> LoadReport:
        """Make the namespace what a snapshot holds, given what it is equal to now."""
        _before = dict(self._namespace)  # As in `load_session`.
        with self._meter() as progress:
            report = self._manager(create=False).load(
                target.name, target.sequence, since=since, replace=True, progress=progress
            )
        adopt_compiler_flags(self.shell, (v.name for v in report.variables))
        remark = "" if self.follower is None else self.follower.loaded(report)
        return replace(report, notes=(*report.notes, remark)) if remark else report

    def repository(self, *, create: bool = True, anew: bool = False) -> Repository:
        """Open the store that counts now; see `Stores.open`."""
        return self._stores.open(self.store, create=create, anew=anew)

    def _name(self, given: str | None, command: str, *, version: bool) -> tuple[str, int | None]:
        if given is not None:
            return split_reference(self._found(given)) if version else (name_to_save(given), None)
        name = session_name(self._namespace, command)
        if version:
            check_saved(self.repository(create=False), name)
        return name, None

    def _found(self, given: str, *, alone: bool = True) -> str:
        if not is_version(given):
            given = found_as(self.repository(create=False), given, "" if self.follower is None else self.follower.own)
        return self._whole(given) if alone else given

    def _whole(self, given: str) -> str:
        whole = whole_reference(given, self._namespace, "" if self.follower is None else self.follower.running)
        if is_version(given):
            check_saved(self.repository(create=False), split_reference(whole)[0])
        return whole

    @property
    def _namespace(self) -> dict[str, Any]:
        assert self.shell is not None
        namespace: dict[str, Any] = self.shell.user_ns
        return namespace

    def resolved(self, reference: str) -> Snapshot:
        """Return the record of a reference."""
        return self.repository().resolve(*split_reference(reference))

    def _verify(self, reference: str) -> tuple[Problem, ...]:
        from ..verification import verify

        snapshot, store = self.resolved(reference), self.repository().store.url
        return verify(self._namespace, snapshot, store=store, live=live_objects(self.shell))

    def _manager(self, *, create: bool) -> SessionManager:
        # Imported when it is needed: %load_ext has a budget of 60 ms.
        from ..sessions import SessionManager
        from ..trust import Signer

        return SessionManager(
            self._namespace,
            repository=self.repository(create=create),
            signer=Signer.of_user(),
            live=live_objects(self.shell),
            hidden=hidden_names(self.shell),
            recorder=self.recorder,
        )

    def _meter(self) -> AbstractContextManager[ProgressMeter | None]:
        return meter(self.shell, after=self.progress_after) if self.progress else nullcontext()
