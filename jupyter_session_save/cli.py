"""``jupyter session``: look at stores and tidy them up from a terminal.

Invariant: reads records and bytes, never unpickles anything.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import __version__
from .autoload import disable, enable
from .catalog import STORE_VARIABLE, open_repository
from .errors import SessionError
from .listings import SessionDiff, SessionList, SnapshotList
from .looking import check, compare, delete, list_sessions, list_snapshots, prune, pruning_lines
from .retention import DEFAULT
from .snapshot import Snapshot


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit status: 0 if all is well, 1 if something is damaged, missing or differs, 2 for wrong usage,
        130 if interrupted, 141 if the reader of a pipe has gone.
    """
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except SessionError as error:
        print(f"jupyter session: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("jupyter session: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # `head` has seen enough; without this the interpreter complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument(
        "--store",
        default=argparse.SUPPRESS,
        help=f"where the sessions are; by default what {STORE_VARIABLE} says, or the Jupyter data directory",
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON for machines")
    parser = argparse.ArgumentParser(
        prog="jupyter session", description="Saved notebook sessions.", parents=[store], allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=list(parents), allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    command("list", _list, "list the sessions", store, as_json)
    show = command("show", _show, "show a session's snapshots, and the variables of the newest", store, as_json)
    show.add_argument("name", metavar="NAME[@VERSION]")
    differ = command("diff", _diff, "show what differs between two snapshots", store, as_json)
    differ.add_argument("before", metavar="NAME[@VERSION]")
    differ.add_argument("after", nargs="?", default="", metavar="NAME[@VERSION]")
    remove = command("delete", _delete, "delete a session, or one snapshot of it", store)
    remove.add_argument("name", metavar="NAME[@VERSION]")
    prune = command("prune", _prune, "remove autosaves that are not to be kept, and free their bytes", store, as_json)
    prune.add_argument("names", metavar="NAME", nargs="*", help="by default all sessions")
    prune.add_argument("--keep", metavar="POLICY", default=DEFAULT, help=f"by default {DEFAULT}")
    prune.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    checking = command(
        "check", _check, "look for damage (exit status 1), and for what you did not sign", store, as_json
    )
    checking.add_argument("--no-data", action="store_true", help="only whether everything is there, not each byte")
    autoload = command("autoload", _autoload, "load the extension in every new kernel of an IPython profile")
    way = autoload.add_mutually_exclusive_group(required=True)
    way.add_argument("--enable", action="store_true", help="write a startup file into the profile")
    way.add_argument("--disable", action="store_true", help="remove that file")
    autoload.add_argument("--profile", default="default", help="by default the profile named default")
    autoload.add_argument("--autosave", action="store_true", help="turn autosave on, too")
    command("demo", _demo, "run a notebook, kill its kernel, resume it in a fresh one, and compare")
    return parser


def _store(args: argparse.Namespace) -> str | None:
    return getattr(args, "store", None)


def _list(args: argparse.Namespace) -> int:
    found = list_sessions(open_repository(_store(args), create=False))
    return _listed(found, [_record(s) for s in found.snapshots], as_json=args.json)


def _show(args: argparse.Namespace) -> int:
    found = list_snapshots(open_repository(_store(args), create=False), args.name)
    return _listed(found, [_record(s, variables=True) for s in found.snapshots], as_json=args.json)


def _listed(found: SessionList | SnapshotList, rows: list[dict[str, Any]], *, as_json: bool) -> int:
    if not as_json:
        print(found.whole())
        return 0
    print(_json(rows))
    for line in found.refused:
        print(f"jupyter session: {line}", file=sys.stderr)
    return 0


def _diff(args: argparse.Namespace) -> int:
    found = compare(open_repository(_store(args), create=False), args.before, args.after)
    print(_json(_difference(found)) if args.json else found.whole())
    return 0


def _delete(args: argparse.Namespace) -> int:
    print(delete(open_repository(_store(args), create=False), args.name))
    return 0


def _prune(args: argparse.Namespace) -> int:
    pruning = prune(open_repository(_store(args), create=False), args.names, args.keep, dry_run=args.dry_run)
    if args.json:
        rows = [{"name": s.name, "kept": s.kept, "removed": s.removed} for s in pruning.sessions]
        print(_json({"sessions": rows, "bytes": pruning.freed, "note": pruning.note, "dry_run": args.dry_run}))
    else:
        print("\n".join(pruning_lines(pruning, dry_run=args.dry_run)))
    return 0


def _check(args: argparse.Namespace) -> int:
    repository = open_repository(_store(args), create=False)
    found = check(repository, data=not args.no_data)
    if args.json:
        print(_json({"damage": found.damage, "notes": found.notes}))
    else:
        print("\n".join((*(found.damage or [f"no damage in {repository.store.url}"]), *found.notes)))
    return 1 if found.damage else 0


def _autoload(args: argparse.Namespace) -> int:
    if args.enable:
        print(f"written: {enable(args.profile, autosave=args.autosave)}; kernels started from now on load it")
    else:
        print("removed" if disable(args.profile) else "there was nothing to remove")
    return 0


def _demo(args: argparse.Namespace) -> int:
    from .demo import run

    return run()


def _difference(found: SessionDiff) -> dict[str, Any]:
    rows = [
        {
            "name": c.name,
            "what": c.kind,
            "before": found.values_before.get(c.name),
            "after": found.values_after.get(c.name),
        }
        for c in found.changes
    ]
    return {"before": found.before, "after": found.after, "variables": rows}


def _record(snapshot: Snapshot, *, variables: bool = False) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": snapshot.name,
        "version": snapshot.sequence,
        "created": snapshot.created,
        "message": snapshot.message,
        "parent": snapshot.parent,
        "bytes": snapshot.size,
        "python": snapshot.environment.python,
    }
    if not variables:
        return {**record, "variables": len(snapshot.variables)}
    rows = [
        {
            "name": v.name,
            "type": v.type,
            "shape": v.shape,
            "bytes": v.size,
            "state": v.state,
            "problems": [{"path": p.path, "type": p.type, "reason": p.reason, "advice": p.advice} for p in v.problems],
        }
        for v in snapshot.variables
    ]
    return {**record, "variables": rows}


def _json(data: Any) -> str:
    # A record may hold halves of surrogate pairs, which no encoding writes.
    return json.dumps(data, indent=2, ensure_ascii=False).encode(errors="backslashreplace").decode()
