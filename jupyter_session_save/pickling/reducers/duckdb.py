"""duckdb: a database in a file is opened again, one in memory travels with its contents.

Invariant: saving runs nothing but queries and an export to a directory of its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling


def connection(obj: Any, pickling: Pickling) -> Any:
    """Reduce a connection to the path of its database, or to its contents if these are in memory."""
    import duckdb

    if obj is getattr(duckdb, "default_connection", lambda: None)():
        return default_connection, ()
    try:
        cursor = obj.cursor()
    except duckdb.ConnectionException:
        return closed_connection, ()
    query = "select database_name, path, readonly from duckdb_databases() where not internal"
    databases = cursor.execute(query).fetchall()
    pickling.modules.add("duckdb")
    if len(databases) != 1:
        return pickling.placeholder(obj, "other databases are attached to it", "connect again")
    (_, path, read_only) = databases[0]
    if path is not None:
        pickling.note_reconnected(obj, f"{os.path.abspath(path)} is opened again")
        return connect, (os.path.abspath(path), read_only)
    with tempfile.TemporaryDirectory() as directory:
        cursor.execute(f"export database '{directory}' (format parquet)")
        files = {part.name: part.read_bytes() for part in Path(directory).iterdir()}
    # The statements name the directory of the export.
    files["load.sql"] = files["load.sql"].replace(os.fsencode(directory), b"@DIRECTORY@")
    return import_database, (files,)


def relation(obj: Any, pickling: Pickling) -> Any:
    """Reduce a relation to a placeholder."""
    return pickling.placeholder(obj, "it belongs to its connection, and does not tell it", "run its query again")


def connect(path: str, read_only: bool) -> Any:
    """Connect to a database in a file that exists."""
    import duckdb

    if not os.path.exists(path):
        raise FileNotFoundError(f"the database {path} is not there any more")
    return duckdb.connect(path, read_only=read_only)


def default_connection() -> Any:
    """Return the connection of the module."""
    import duckdb

    return duckdb.default_connection()


def import_database(files: dict[str, bytes]) -> Any:
    """Make a database in memory."""
    import duckdb

    made = duckdb.connect()
    with tempfile.TemporaryDirectory() as directory:
        for name, data in files.items():
            here = directory.replace("\\", "/").encode()
            Path(directory, name).write_bytes(data.replace(b"@DIRECTORY@", here) if name == "load.sql" else data)
        made.execute(f"import database '{directory}'")
    return made


def closed_connection() -> Any:
    """Make a connection that is closed."""
    import duckdb

    made = duckdb.connect()
    made.close()
    return made
