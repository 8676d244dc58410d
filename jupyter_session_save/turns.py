"""Whose turn it is to work, where hooks, idle time and threads want to.

Invariant: no interrupt comes between having taken the turn and being sure to give it back.
"""

from __future__ import annotations

import threading


class Turn:
    """A lock; whoever takes it gives it back by ``by = None`` where ``by`` is what they gave: without a call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.by: object = None

    def take(self, who: object) -> bool:
        """Take the turn unless another has it."""
        with self._lock:
            if self.by is None:
                self.by = who
        return self.by is who
