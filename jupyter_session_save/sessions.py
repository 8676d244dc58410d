"""Save and load a live namespace: the one place where all steps meet.

Invariant: a save never fails because of a value, and a failure of any other kind changes nothing anywhere.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .catalog import split_reference
from .compare import plan, statuses
from .loading import check_trust, load_into
from .pickling import collection_paused
from .reports import LoadPlan, LoadReport, Progress, SaveReport
from .repository import Repository
from .rerun import chains_of, foretold, make_again, watched_by, with_stayed, without
from .resuming import names_of
from .saving import save_namespace
from .snapshot import Snapshot
from .statement import Lineage
from .target import Options, Target, select
from .trust import Signer

if TYPE_CHECKING:
    from .lineage import Recorder

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class SessionManager:
    """Saves one namespace to a repository and loads it from there.

    Parameters
    ----------
    namespace : dict
        The live namespace, such as ``get_ipython().user_ns`` or ``globals()``.
    repository : Repository
    signer : Signer
        Signs what is saved, and says whether what is loaded was signed by this user.
    live : mapping of str to object
        Kernel objects by tag; they are not saved, but found again in the kernel that loads.
    hidden : mapping of str to object
        Names that the shell put into the namespace, with what it put there.
    recorder : Recorder, optional
        Knows which statements made the variables.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        *,
        repository: Repository,
        signer: Signer,
        live: Mapping[str, Any] = _NOTHING,
        hidden: Mapping[str, Any] = _NOTHING,
        recorder: Recorder | None = None,
    ) -> None:
        self._namespace, self._repository, self._signer = namespace, repository, signer
        self._live, self._hidden, self._recorder = live, hidden, recorder

    def save(
        self,
        name: str,
        *,
        message: str = "",
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        strict: bool = False,
        history: bool = False,
        parent: int | None = None,
        progress: Progress | None = None,
    ) -> SaveReport:
        """Save the user's variables as a new snapshot.

        Parameters
        ----------
        name : str
            The session.
        message : str
            Remembered with the snapshot.
        only, exclude : sequence of str
            Shell patterns of names, such as ``df*``. What the chosen ones need is saved, too.
        strict : bool
            Refuse to save if anything would become a placeholder.
        history : bool
            Save inputs and outputs, too, with all that they hold; not with `only`.
        parent : int, optional
            The version of the session that the namespace came from.
        progress : callable, optional
            ``progress(what, done, total)``.

        Returns
        -------
        SaveReport

        Raises
        ------
        SessionNameError
            If the name cannot be used, or a pattern matches nothing.
        SaveError
            If `strict` refuses.
        StoreError
            If the store refuses; earlier snapshots are as they were.
        """
        if self._recorder is not None:
            self._recorder.catch_up()
        return save_namespace(
            self._namespace,
            name,
            repository=self._repository,
            signer=self._signer,
            live=self._live,
            hidden=self._hidden,
            message=message,
            only=only,
            exclude=exclude,
            strict=strict,
            history=history,
            parent=parent,
            progress=progress,
            recorder=self._recorder,
        )

    def load(
        self,
        name: str,
        version: int | None = None,
        *,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        prefix: str = "",
        into: str = "",
        conflicts: Literal["overwrite", "keep"] = "overwrite",
        replace: bool = False,
        trust: bool = False,
        verify_data: bool = False,
        state: bool = True,
        since: Snapshot | None = None,
        repoint: bool = False,
        progress: Progress | None = None,
    ) -> LoadReport:
        """Load a snapshot into the namespace, all or nothing.

        Parameters
        ----------
        name : str
        version : int, optional
            By default the newest.
        only, exclude : sequence of str
            Shell patterns of names. What the chosen ones need is loaded, too, where it is missing.
        prefix : str
            Put before every name that is bound.
        into : str
            Bind one object of this name with the variables as its attributes.
        conflicts : {"overwrite", "keep"}
            What to do with names that exist.
        replace : bool
            Remove all other names of the user's.
        trust : bool
            Load though this user did not sign it; that runs code which the snapshot holds.
        verify_data : bool
            Compare large arrays with their digests before they are used; that reads them all.
        state : bool
            Restore the interpreter's state, too; `only`, `prefix` and `into` restore none.
        since : Snapshot, optional
            What the namespace is known to be equal to: then only what differs from it is loaded, and the rest stays
            the very same objects.
        repoint : bool
            Give live instances of classes of the user's own modules that were reloaded since, the class that stands in
            the module now: also those that were there before the load.
        progress : callable, optional

        Returns
        -------
        LoadReport

        Raises
        ------
        SessionNotFoundError, SessionNameError, TrustError, DamagedError, FormatError, StoreError
            The namespace is as it was.
        """
        keep = conflicts == "keep"
        options = Options(only, exclude, prefix, into, keep, replace, trust, verify_data, state, since, repoint)
        with collection_paused():
            snapshot = self._repository.resolve(name, version)
            report = load_into(
                self._namespace,
                snapshot,
                options,
                repository=self._repository,
                signer=self._signer,
                live=self._live,
                hidden=self._hidden,
                progress=progress,
            )
        if self._recorder is not None:
            names = [into] if into else [v.name for v in report.variables]
            self._recorder.adopt(Lineage() if prefix or into else snapshot.lineage, names)
        return report

    def rerun(
        self,
        report: LoadReport,
        names: Sequence[str] = (),
        *,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        flags: int = 0,
        trust: bool = False,
    ) -> LoadReport:
        """Run again the statements that made what a load could not bring back, and nothing else.

        Parameters
        ----------
        report : LoadReport
            Of the load, under the variables' own names.
        names : sequence of str
            The variables to make again, with what depends on them; by default all that are placeholders.
        only, exclude : sequence of str
            As for the load: what it did not choose is not made again, either.
        flags : int
            Compiler flags of the session's cells.
        trust : bool
            Run them though this user did not sign the snapshot.

        Returns
        -------
        LoadReport
            The same, with what was made again.

        Raises
        ------
        SessionNameError
            If a name is not one that was loaded; nothing has been run.
        """
        snapshot = self._repository.resolve(*split_reference(report.reference))
        check_trust(snapshot, self._signer, trust)
        report, there = with_stayed(report, snapshot, self._namespace, only=only, exclude=exclude)
        chains = chains_of(snapshot, [*report.variables, *there], names, self._namespace)
        watched = watched_by(chains, snapshot)
        before = statuses(self._namespace, snapshot, watched, self._live, self._repository)

        def settle() -> list[str]:
            after = statuses(self._namespace, snapshot, watched, self._live, self._repository)
            changed = sorted(n for n in watched if before.get(n) == "same" and after.get(n) != "same")
            if changed:
                only, rest = [glob.escape(name) for name in changed], without(snapshot, changed)
                self.load(snapshot.name, snapshot.sequence, only=only, trust=trust, state=False, since=rest)
            if self._recorder is not None:
                self._recorder.know_bindings()
            return changed

        return make_again(report, chains, self._namespace, snapshot.lineage, flags=flags, settle=settle)

    def plan(
        self,
        name: str,
        version: int | None = None,
        *,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        prefix: str = "",
        into: str = "",
        conflicts: Literal["overwrite", "keep"] = "overwrite",
        replace: bool = False,
        state: bool = True,
        rerun: Sequence[str] | None = None,
    ) -> LoadPlan:
        """Say what a load would do; nothing is unpickled or changed.

        Parameters as for `load`; `rerun` names what would be made again, None if nothing.
        """
        snapshot = self._repository.resolve(name, version)
        selection = select(snapshot, only, exclude)
        options = Options(only, exclude, prefix, into, conflicts == "keep", replace, state=state)
        # The load's own choice of names, so that a plan never says anything else than the load does.
        target = Target(self._namespace, selection, options, self._hidden)
        return plan(
            self._namespace,
            snapshot,
            {n: target.name_of(n) for n in (*selection.wanted, *target.extra)},
            self._live,
            self._repository,
            into=into,
            kept=target.kept,
            removed=target.removed(),
            state=names_of(snapshot.state) if options.resumes else (),
            notes=[*target.notes(snapshot), *foretold(snapshot, rerun)],
        )
