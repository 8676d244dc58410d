"""The line magics: parse what the user typed, call the room that does it, show what came of it.

Invariant: no decisions about values are made here; a user's mistake costs one line and never a traceback.
"""

from .autosave import AutosaveMagics
from .offers import offer
from .session import COMPLETED, SessionMagics
from .traits import switch

__all__ = ["COMPLETED", "AutosaveMagics", "SessionMagics", "offer", "switch"]
