"""SQLAlchemy: engines are made again from their address, unless that holds a secret.

Invariant: no password is written, and a load connects to nothing but files.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_SECRET = re.compile(r"pass|pwd|token|secret|key|credential", re.IGNORECASE)
_IN_A_FILE = "make it again, or use a database in a file"
_ADVICE = "run create_engine again; read the password from the environment, so that the cell can be run again by itself"


def engine(obj: Any, pickling: Pickling) -> Any:
    """Reduce an engine to its address."""
    url = obj.url
    shown = url.render_as_string(hide_password=True)
    if url.password is not None or any(_SECRET.search(f"{k}={v}") for k, v in url.query.items()):
        return pickling.placeholder(obj, "its address holds a password, which is not saved", _ADVICE)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        return _in_memory(obj, pickling)
    pickling.note_reconnected(obj, f"made again for {shown}; only echo is kept of its other options")
    pickling.modules.add("sqlalchemy")
    return make_engine, (url.render_as_string(hide_password=False), obj.echo)


def _in_memory(obj: Any, pickling: Pickling) -> Any:
    """Reduce an engine on a database in memory to its contents, read from the connection that the pool holds."""
    pool = obj.pool
    kind = type(pool).__name__
    if kind not in ("SingletonThreadPool", "StaticPool"):
        return pickling.placeholder(obj, "its database lives in memory only", _IN_A_FILE)
    held = vars(pool).get("connection") or getattr(getattr(pool, "_conn", None), "current", lambda: None)()
    connected: Any = getattr(held, "dbapi_connection", None)
    if connected is None and vars(pool).get("_all_conns"):
        return pickling.placeholder(obj, "its database lives in memory only, for another thread", _IN_A_FILE)
    if connected is not None and not hasattr(connected, "serialize"):
        return pickling.placeholder(obj, "its database lives in memory only", _IN_A_FILE)
    pages = 0 if connected is None else connected.execute("PRAGMA page_count").fetchone()[0]
    data = pickling.out_of_band(connected.serialize()) if pages else b""
    pickling.note_reconnected(obj, "made again with the contents of its database; only echo is kept of its options")
    pickling.modules.add("sqlalchemy")
    return make_memory_engine, (obj.url.render_as_string(hide_password=False), obj.echo, kind, data)


def async_engine(obj: Any, pickling: Pickling) -> Any:
    """Reduce an asynchronous engine to the engine inside."""
    return type(obj), (obj.sync_engine,)


def connection(obj: Any, pickling: Pickling) -> Any:
    """Reduce a connection to its engine; only what is closed or reads a file is connected again."""
    if obj.closed:
        return closed_connection, (type(obj), obj.engine)
    if obj.engine.url.get_backend_name() != "sqlite":
        return pickling.placeholder(obj, "it was connected to a server", "call engine.connect() again")
    lost = "; its open transaction is not saved" if obj.in_transaction() else ""
    pickling.note_reconnected(obj, f"connected again{lost}")
    return connect, (obj.engine,)


def session(obj: Any, pickling: Pickling) -> Any:
    """Reduce a session to its settings; it has no objects at first."""
    if list(obj.new) or list(obj.dirty) or list(obj.deleted):
        return pickling.placeholder(obj, "it held changes that were not flushed", "commit before saving")
    pickling.note_reconnected(obj, "made again with its objects, without its transaction")
    settings = {"autoflush": obj.autoflush, "expire_on_commit": obj.expire_on_commit}
    objects = list(obj.identity_map.values())
    return make_session, (_real(type(obj)), obj.bind, settings), objects, None, None, attached


def session_maker(obj: Any, pickling: Pickling) -> Any:
    """Reduce a session factory to its class and its settings."""
    return make_session_maker, (type(obj), _real(obj.class_), obj.kw)


def _real(cls: Any) -> Any:
    """A factory makes a class of its own, whose name leads to its base."""
    return (
        cls.__mro__[1]
        if cls.__module__ == "sqlalchemy.orm.session" and cls.__mro__[1].__name__ == cls.__name__
        else cls
    )


def make_engine(url: str, echo: Any) -> Any:
    """Make an engine, which connects when it is used."""
    import sqlalchemy

    address = sqlalchemy.make_url(url)
    on_disk = address.get_backend_name() == "sqlite" and not (address.database or "").startswith("file:")
    if on_disk and not os.path.exists(address.database or ""):
        raise FileNotFoundError(f"the database {address.database} is not there any more")
    return sqlalchemy.create_engine(address, echo=echo)


def make_memory_engine(url: str, echo: Any, kind: str, data: Any) -> Any:
    """Make an engine whose first connection has a database's contents."""
    import sqlalchemy

    shared = {"check_same_thread": False} if kind == "StaticPool" else {}
    made = sqlalchemy.create_engine(url, echo=echo, poolclass=getattr(sqlalchemy.pool, kind), connect_args=shared)
    if len(data):
        connected: Any = made.raw_connection()
        connected.driver_connection.deserialize(data)
        connected.close()
    return made


def connect(engine: Any) -> Any:
    """Connect to a file."""
    return engine.connect()


def closed_connection(cls: Any, engine: Any) -> Any:
    """Make a connection that is closed."""
    made = cls.__new__(cls)
    made.engine, made.dialect = engine, engine.dialect
    made._dbapi_connection = made._transaction = made._nested_transaction = None
    made._Connection__can_reconnect = False
    return made


def make_session(cls: Any, bind: Any, settings: dict[str, Any]) -> Any:
    """Make a session."""
    return cls(bind=bind, **settings)


@rebuild.setter
def attached(made: Any, objects: list[Any]) -> None:
    """Give a session its objects back, which asks no database."""
    made.add_all(objects)


def make_session_maker(cls: Any, made_class: Any, settings: dict[str, Any]) -> Any:
    """Make a session factory."""
    options = dict(settings)
    return cls(options.pop("bind", None), class_=made_class, **options)
