"""Loggers by name, set up as they were unless the new process has set them up already.

Invariant: no log file is opened, created or truncated until a message is written to it, and then it is appended to.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_SET_UP_AGAIN = {
    "logging.StreamHandler",
    "logging.FileHandler",
    "logging.NullHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.WatchedFileHandler",
}


def logger(obj: logging.Logger, pickling: Pickling) -> Any:
    """Reduce a logger to its name, level and plain handlers."""
    handlers: list[logging.Handler] = []
    left: list[logging.Handler] = []
    for handler in obj.handlers:
        kind = f"{type(handler).__module__}.{type(handler).__qualname__}"
        (handlers if kind in _SET_UP_AGAIN else left).append(handler)
    if left:
        names = ", ".join(type(handler).__name__ for handler in left)
        pickling.note_reconnected(obj, f"its handlers of type {names} must be added again")
    state = (obj.level, obj.propagate, obj.disabled, list(obj.filters), handlers)
    known = logging.root if obj.name == "root" else logging.root.manager.loggerDict.get(obj.name)
    if known is obj:
        return find_logger, (obj.name,), state, None, None, set_up_logger
    return type(obj), (obj.name,), state, None, None, set_up_logger


def handler(obj: logging.Handler, pickling: Pickling) -> Any:
    """Reduce a handler to its state; its lock is new."""
    state = dict(vars(obj))
    state.pop("lock", None)
    return rebuild.instance, (type(obj),), state, None, None, set_up_handler


def file_handler(obj: logging.FileHandler, pickling: Pickling) -> Any:
    """Reduce a handler of a file to its path."""
    obj.flush()
    state = {**vars(obj), "stream": None, "delay": True}
    state.pop("lock", None)
    if obj.mode.startswith(("w", "x")) and obj.stream is not None:
        # It would begin the file anew, as it had done when it was made.
        state["mode"] = "a" + obj.mode[1:]
    pickling.note_reconnected(obj, f"{obj.baseFilename} is opened again at the next message")
    return rebuild.instance, (type(obj),), state, None, None, set_up_handler


def find_logger(name: str) -> logging.Logger:
    """Return the logger of this process."""
    return logging.getLogger(None if name == "root" else name)


@rebuild.setter
def set_up_logger(made: logging.Logger, state: tuple[int, bool, bool, list[Any], list[Any]]) -> None:
    """Set a logger up, unless this process has done so."""
    level, propagate, disabled, filters, handlers = state
    fresh = made.level in (logging.NOTSET, logging.WARNING if made is logging.root else logging.NOTSET)
    if made.handlers or not fresh:
        return
    made.setLevel(level)
    made.propagate, made.disabled = propagate, disabled
    for one in filters:
        made.addFilter(one)
    for one in handlers:
        made.addHandler(one)


@rebuild.setter
def set_up_handler(made: logging.Handler, state: dict[str, Any]) -> None:
    """Give a handler its state and a lock."""
    vars(made).update(state)
    made.createLock()
