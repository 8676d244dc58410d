"""Pickle the variables of a namespace by component, and restore them.

Invariant: `dumps` never fails because of a value, and changes nothing in what it pickles.
"""

from __future__ import annotations

from .payload import Payload
from .pickler import dumps
from .placeholder import Placeholder
from .scope import GiveWay, Scope, collection_paused
from .unpickler import Restoring, Stored
from .within import huge_in

__all__ = [
    "GiveWay",
    "Payload",
    "Placeholder",
    "Restoring",
    "Scope",
    "Stored",
    "collection_paused",
    "dumps",
    "huge_in",
]
