"""polars: frames with Python objects in them, contexts of SQL, and plans that call functions of cells.

Invariant: a plan never comes back with a function that sees older values of the notebook's variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling


def series(obj: Any, pickling: Pickling) -> Any:
    """Reduce a series of Python objects to a list; polars writes all others itself."""
    import polars as pl

    if obj.dtype != pl.Object:
        return NotImplemented
    pickling.modules.add("polars")
    return make_series, (obj.name, obj.to_list())


def frame(obj: Any, pickling: Pickling) -> Any:
    """Reduce a frame that has Python objects in it to its columns."""
    import polars as pl

    if pl.Object not in obj.dtypes:
        return NotImplemented
    pickling.modules.add("polars")
    return type(obj), (obj.get_columns(),)


def plan(obj: Any, pickling: Pickling) -> Any:
    """Reduce a plan or an expression by its own protocol, unless polars has copied functions of cells into it."""
    reduced = obj.__reduce_ex__(4)
    written = reduced[2] if len(reduced) > 2 else None
    if type(written) is bytes and b"cloudpickle" in written and b"__main__" in written:
        reason = "it calls functions of cells, of which polars keeps copies that would not see later changes"
        return pickling.placeholder(obj, reason, "make it again, or collect it")
    return reduced


def sql_context(obj: Any, pickling: Pickling) -> Any:
    """Reduce a context of SQL to its tables."""
    pickling.modules.add("polars")
    quoted = {name: name.replace('"', '""') for name in obj.tables()}
    tables = {name: obj.execute(f'from "{q}"', eager=False) for name, q in quoted.items()}
    return type(obj), (tables,)


def make_series(name: str, items: list[Any]) -> Any:
    """Make a series of Python objects."""
    import polars as pl

    return pl.Series(name, items, dtype=pl.Object)
