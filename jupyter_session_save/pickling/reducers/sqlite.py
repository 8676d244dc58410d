"""sqlite3: connections to files are opened again, databases in memory travel whole, rows are values.

Invariant: nothing is committed, rolled back or written; a load creates no database file.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import urllib.parse
from typing import TYPE_CHECKING, Any

from .. import rebuild
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling

_RECONNECT = "run the cell that connected again"


def connection(obj: sqlite3.Connection, pickling: Pickling) -> Any:
    """Reduce a connection to its database and its settings."""
    try:
        databases = _ask(obj, "SELECT name, CAST(file AS BLOB) FROM pragma_database_list ORDER BY seq")
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        return closed_connection, (type(obj),)
    paths = {name: os.fsdecode(bytes(path or b"")) for name, path in databases}
    settings = {
        "isolation_level": obj.isolation_level,
        "timeout": _ask(obj, "SELECT timeout FROM pragma_busy_timeout")[0][0] / 1000,
    }
    if getattr(obj, "autocommit", -1) != -1:
        settings["autocommit"] = obj.autocommit  # type: ignore[attr-defined]
    foreign_keys = _ask(obj, "SELECT foreign_keys FROM pragma_foreign_keys")[0][0]
    state = (obj.row_factory, obj.text_factory, foreign_keys)
    lost = []
    if obj.in_transaction and paths["main"]:
        lost.append("the open transaction is not")
    functions = _functions(obj) - _builtin_functions()
    if functions:
        lost.append(f"the functions {', '.join(sorted(functions))} must be registered again")
    attached = {name: path for name, path in paths.items() if name not in ("main", "temp")}
    if attached:
        lost.append(f"{', '.join(sorted(attached))} must be attached again")
    tail = f"; {'; '.join(lost)}" if lost else ""
    if not paths["main"]:
        if not hasattr(obj, "serialize"):
            return pickling.placeholder(obj, "its database lives in memory only", _RECONNECT)
        if lost:
            pickling.note_reconnected(obj, f"its contents were saved{tail}")
        empty = not _ask(obj, "PRAGMA page_count")[0][0]
        data = b"" if empty else pickling.out_of_band(obj.serialize())
        return memory_connection, (type(obj), data, settings), state, None, None, connection_state
    pickling.note_reconnected(obj, f"connected again to {paths['main']}{tail}")
    return file_connection, (type(obj), paths["main"], settings), state, None, None, connection_state


def cursor(obj: sqlite3.Cursor, pickling: Pickling) -> Any:
    """Reduce a cursor to a fresh one of its connection, unless rows are waiting in it."""
    if any(type(held).__name__ == "Statement" for held in held_by(obj)):
        return pickling.placeholder(
            obj, "it had rows that were not fetched yet", "execute its query again, or fetch the rows first"
        )
    return new_cursor, (type(obj), obj.connection, obj.arraysize, obj.row_factory)


def row(obj: sqlite3.Row, pickling: Pickling) -> Any:
    """Reduce a row to its names and values."""
    return make_row, (type(obj), tuple(obj.keys()), tuple(obj))


def blob(obj: Any, pickling: Pickling) -> Any:
    """Reduce an open blob to a placeholder."""
    return pickling.placeholder(obj, "it is open in a database connection", "call blobopen again")


def _ask(obj: sqlite3.Connection, question: str) -> list[Any]:
    """Query without the user's row factory; a SELECT opens no transaction."""
    asking = sqlite3.Cursor(obj)
    asking.row_factory = None
    try:
        return asking.execute(question).fetchall()
    finally:
        asking.close()


def _functions(obj: sqlite3.Connection) -> frozenset[str]:
    try:
        rows = _ask(obj, "SELECT DISTINCT CAST(name AS BLOB) FROM pragma_function_list")
    except sqlite3.OperationalError:
        return frozenset()
    return frozenset(bytes(name).decode() for (name,) in rows)


@functools.cache
def _builtin_functions() -> frozenset[str]:
    plain = sqlite3.connect(":memory:")
    try:
        return _functions(plain)
    finally:
        plain.close()


def file_connection(cls: Any, path: str, settings: dict[str, Any]) -> Any:
    """Connect to a database file that must be there."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"the database {path} is not there any more")
    # By default a missing file would be created.
    return cls(f"file:{urllib.parse.quote(path)}?mode=rw", uri=True, **settings)


def memory_connection(cls: Any, data: Any, settings: dict[str, Any]) -> Any:
    """Make a database in memory."""
    made = cls(":memory:", **settings)
    if len(data):
        made.deserialize(data)
    return made


@rebuild.setter
def connection_state(made: Any, state: tuple[Any, Any, int]) -> None:
    """Set what a connection needs no arguments for."""
    made.row_factory, made.text_factory, foreign_keys = state
    if foreign_keys:
        made.execute("PRAGMA foreign_keys = ON").close()


def closed_connection(cls: Any) -> Any:
    """Make a connection that is closed."""
    made = cls(":memory:")
    made.close()
    return made


def new_cursor(cls: Any, connected: Any, arraysize: int, row_factory: Any) -> Any:
    """Make a cursor."""
    made = cls(connected)
    made.arraysize = arraysize
    made.row_factory = row_factory
    return made


@functools.lru_cache(maxsize=64)
def _described(names: tuple[str, ...]) -> Any:
    """Return a cursor whose rows have these names."""
    plain = sqlite3.connect(":memory:")
    quoted = ", ".join('NULL AS "' + name.replace('"', '""') + '"' for name in names)
    try:
        return plain.execute(f"SELECT {quoted}")
    finally:
        plain.close()


def make_row(cls: Any, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """Make a row."""
    return cls(_described(names), values)
