"""The C pickler in three kinds, by what each asks about besides the objects that have a reduce.

Invariant: a kind that asks about more writes the same for all that the others ask about.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .buffers import HeldBuffer, buffers_in

if TYPE_CHECKING:
    from .pickler import Pickling

PROTOCOL = 5
"""Fixed by the format: the first protocol with out-of-band buffers, read by every supported Python."""

INLINE = 16 * 1024
"""Buffers below this many bytes are copied into the stream; larger ones stay out of band."""


class FastPickler(pickle.Pickler):
    """The C pickler, asking `Pickling` about everything that is not a plain builtin."""

    def __init__(self, sink: Any, pickling: Pickling) -> None:
        super().__init__(sink, PROTOCOL, buffer_callback=keeper(pickling))
        # Found by the C pickler on the instance; a method that hands on would cost a call for each object.
        self.reducer_override = pickling.reducer()  # type: ignore[method-assign]
        self._known = pickling.scope.known()


class PersistentPickler(FastPickler):
    """Asks about every single object, which finds the kernel's own dicts and lists, and NaNs, but costs time."""

    def persistent_id(self, obj: Any) -> Any:
        """Return the tag of a kernel object, or what stands for a shared NaN."""
        return self._known.get(id(obj))


class AttentivePickler(PersistentPickler):
    """Tells the buffers of reducers from those that the user holds, for which the pickler asks no reducer."""

    def __init__(self, sink: Any, pickling: Pickling) -> None:
        super().__init__(sink, pickling)
        self._own = pickling.own_buffers
        self._held: dict[int, HeldBuffer] = {}
        reduce = self.reducer_override

        def reducer_override(obj: Any) -> Any:
            reduced = reduce(obj)
            if type(reduced) is tuple:
                self._own.update(map(id, buffers_in(reduced)))
            return reduced

        self.reducer_override = reducer_override  # type: ignore[method-assign]

    def persistent_id(self, obj: Any) -> Any:
        """Return the same, or the user's buffer itself in a form that tells what it is."""
        if type(obj) is pickle.PickleBuffer and id(obj) not in self._own:
            return self._held.setdefault(id(obj), HeldBuffer(obj))
        return self._known.get(id(obj))


def keeper(pickling: Pickling) -> Callable[[pickle.PickleBuffer], bool]:
    """Return what decides whether a buffer is written into the stream."""
    own, keep_apart = pickling.own_buffers, pickling.payload.buffers.append

    def keep(buffer: pickle.PickleBuffer) -> bool:
        if id(buffer) not in own:
            pickling.held_buffers = True
        if buffer.raw().nbytes < INLINE:
            return True
        keep_apart(buffer)
        return False

    return keep
