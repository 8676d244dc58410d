"""What lives outside the process, or in a part of a library that nothing can look into: always a placeholder.

Invariant: nothing is closed, sent or asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling


def widget(obj: Any, pickling: Pickling) -> Any:
    """Reduce a widget: its other half lives in the browser."""
    return pickling.placeholder(
        obj, "a widget is tied to its counterpart in the front end", "run the cell that made it again"
    )


def progress_bar(obj: Any, pickling: Pickling) -> Any:
    """Reduce a progress bar, and say how far it was."""
    own = vars(obj)
    count, total = own.get("n"), own.get("total")
    far = f" (at {count} of {total})" if total is not None else ""
    return pickling.placeholder(obj, f"a progress bar{far} belongs to the loop that moved it", "start the loop again")


def channel(obj: Any, pickling: Pickling) -> Any:
    """Reduce a channel to the front end or to another process."""
    return pickling.placeholder(obj, "it is a channel of the process that was saved", "open it again")


def connection(obj: Any, pickling: Pickling) -> Any:
    """Reduce a socket, selector or other network object."""
    return pickling.placeholder(
        obj, "it is a connection of the process that was saved", "run the cell that opened it again"
    )


def memory_map(obj: Any, pickling: Pickling) -> Any:
    """Reduce a memory map."""
    return pickling.placeholder(obj, "it maps memory of the process that was saved", "map the file again")


def digest(obj: Any, pickling: Pickling) -> Any:
    """Reduce a running hash."""
    return pickling.placeholder(
        obj, f"the state of a running {obj.name} cannot be read", "hash the data again, or keep hexdigest()"
    )


def compressor(obj: Any, pickling: Pickling) -> Any:
    """Reduce a running compression or decompression."""
    return pickling.placeholder(obj, "the state of a running compression cannot be read", "make it again")


def security(obj: Any, pickling: Pickling) -> Any:
    """Reduce a TLS context, which may hold private keys."""
    return pickling.placeholder(obj, "it may hold private keys, which are not saved", "run the cell that made it again")


def of_cluster(obj: Any, pickling: Pickling) -> Any:
    """Reduce a reference into a cluster of Ray, whose owner was the process that was saved."""
    return pickling.placeholder(
        obj, "the cluster forgets it when the kernel that owns it ends", "run the statement that made it again"
    )


def of_java(obj: Any, pickling: Pickling) -> Any:
    """Reduce what stands for an object in the Java process of Spark."""
    return pickling.placeholder(
        obj, "it lives in a Java process that ends with the kernel", "run the statements that made it again"
    )
