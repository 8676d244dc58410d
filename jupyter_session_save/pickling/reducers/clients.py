"""Clients of the network: their settings are kept, their connections made again when they are used.

Invariant: a load connects to nothing, and certificates are checked if they were.
"""

from __future__ import annotations

import importlib
import ssl
from typing import TYPE_CHECKING, Any

from ..scope import module_of

if TYPE_CHECKING:
    from ..pickler import Pickling

_LIMITS = ("max_connections", "max_keepalive_connections", "keepalive_expiry")


def transport(obj: Any, pickling: Pickling) -> Any:
    """Reduce a transport of httpx, or of the next httpx, to its settings."""
    pool = obj._pool
    if type(pool).__name__ not in ("ConnectionPool", "AsyncConnectionPool"):
        return pickling.placeholder(obj, "it goes through a proxy, whose address may hold a password", "make it again")
    checks = pool._ssl_context is None or pool._ssl_context.verify_mode != ssl.CERT_NONE
    options = {"verify": checks, "http1": pool._http1, "http2": pool._http2, "retries": pool._retries}
    options |= {"uds": pool._uds, "local_address": pool._local_address}
    pickling.modules.add(module_of(type(obj)).partition(".")[0])
    pickling.note_reconnected(obj, "made again with its settings; certificates of your own must be given again")
    return make_transport, (type(obj), options, {name: getattr(pool, f"_{name}") for name in _LIMITS})


def make_transport(cls: Any, options: dict[str, Any], limits: dict[str, Any]) -> Any:
    """Make a transport of the library that has the class."""
    library = importlib.import_module(module_of(cls).partition(".")[0])
    return cls(limits=library.Limits(**limits), **options)
