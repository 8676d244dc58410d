"""SQLAlchemy: engines are made again from their address, unless that holds a secret.

Invariant: no password is written, and a load connects to nothing but files.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling

_SECRET = re.compile(r"pass|pwd|token|secret|key|credential", re.IGNORECASE)
_ADVICE = "run create_engine again; read the password from the environment, so that the cell can be run again by itself"


def engine(obj: Any, pickling: Pickling) -> Any:
    """Reduce an engine to its address."""
    url = obj.url
    shown = url.render_as_string(hide_password=True)
    if url.password is not None or any(_SECRET.search(f"{k}={v}") for k, v in url.query.items()):
        return pickling.placeholder(obj, "its address holds a password, which is not saved", _ADVICE)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        return pickling.placeholder(
            obj, "its database lives in memory only", "make it again, or use a database in a file"
        )
    pickling.note_reconnected(obj, f"made again for {shown}; only echo is kept of its other options")
    pickling.modules.add("sqlalchemy")
    return make_engine, (url.render_as_string(hide_password=False), obj.echo)


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
    pickling.note_reconnected(obj, "made again without its objects and its transaction; query them again")
    settings = {"autoflush": obj.autoflush, "expire_on_commit": obj.expire_on_commit}
    return make_session, (_real(type(obj)), obj.bind, settings)


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


def make_session_maker(cls: Any, made_class: Any, settings: dict[str, Any]) -> Any:
    """Make a session factory."""
    options = dict(settings)
    return cls(options.pop("bind", None), class_=made_class, **options)
