"""Levels of loggers, and handlers that write to the standard streams or to a file.

Invariant: loggers of the kernel's machinery are left alone, of libraries only levels are kept, and a log file is opened
only when something is logged. Where a load goes back, handlers are only taken from their loggers, and not closed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..pickling.scope import is_library
from .parts import StatePart, Surroundings, nothing

_MACHINERY = frozenset(
    "IPKernelApp dill IPython ipykernel traitlets tornado zmq asyncio comm jupyter_client parso prompt_toolkit".split()
)


def _loggers() -> Iterator[tuple[str, Any, int]]:
    """Yield the name of each logger (that of the root is empty), the logger and its level at first."""
    logging = sys.modules.get("logging")
    if logging is None:
        return
    yield "", logging.root, logging.WARNING
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if type(name) is str and name.partition(".")[0] not in _MACHINERY and hasattr(logger, "handlers"):
            yield name, logger, logging.NOTSET


def _read(_: Surroundings) -> Any:
    found = {}
    for name, logger, level in _loggers():
        row: tuple[Any, ...]
        if name and is_library(name):
            # It makes its handlers itself when it is imported.
            row = (logger.level, True, logger.disabled, [])
        else:
            row = (logger.level, logger.propagate, logger.disabled, [_recipe(handler) for handler in logger.handlers])
        if row != (level, True, False, []):
            found[name] = row
    return found or None


def _recipe(handler: Any) -> tuple[Any, ...] | str:
    """Return how a handler is made again, or its type if that is not known."""
    logging = sys.modules["logging"]
    formatter = handler.formatter
    layout: tuple[Any, ...] | None = None
    if formatter is not None:
        if type(formatter) is not logging.Formatter:
            return type(handler).__name__
        layout = (formatter._fmt, formatter.datefmt, next((s for s in "%{$" if _is_style(formatter, s)), "%"))
    common = (handler.level, layout)
    if handler.filters:
        return type(handler).__name__
    if type(handler) is logging.StreamHandler:
        for stream in ("stdout", "stderr"):
            if handler.stream is getattr(sys, stream):
                return ("stream", stream, *common)
    if type(handler) is logging.FileHandler:
        return ("file", (handler.baseFilename, handler.encoding), *common)
    if type(handler) is logging.NullHandler:
        return ("null", None, *common)
    return type(handler).__name__


def _is_style(formatter: Any, style: str) -> bool:
    return type(formatter._style) is sys.modules["logging"]._STYLES[style][0]


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    import logging

    for name, (level, propagate, disabled, recipes) in value.items():
        logger = logging.getLogger(name or None)
        logger.setLevel(level)
        logger.disabled = disabled
        if not is_library(name):
            logger.propagate = propagate
        present = [_recipe(handler) for handler in logger.handlers]
        for recipe in recipes:
            if type(recipe) is str and recipe not in map(_kind, logger.handlers):
                yield f"a {recipe} of {name or 'the root logger'} is not made again"
            elif type(recipe) is tuple and recipe not in present:
                logger.addHandler(_made(recipe))


def _kind(handler: Any) -> str:
    return type(handler).__name__


def _made(recipe: tuple[Any, ...]) -> Any:
    import logging

    kind, what, level, layout = recipe
    handler: logging.Handler
    if kind == "stream":
        handler = logging.StreamHandler(getattr(sys, what))
    elif kind == "file":
        handler = logging.FileHandler(what[0], encoding=what[1], delay=True)
    else:
        handler = logging.NullHandler()
    handler.setLevel(level)
    if layout is not None:
        handler.setFormatter(logging.Formatter(layout[0], layout[1], layout[2]))
    return handler


def _reset(value: Any, _: Surroundings) -> tuple[str, ...]:
    for name, logger, level in _loggers():
        if name and is_library(name):
            continue  # It may have set its level itself when it was imported, which it will not do again.
        first, propagates, disabled, recipes = (value or {}).get(name, (level, True, False, []))
        logger.setLevel(first)
        logger.propagate, logger.disabled = propagates, disabled
        for handler in list(logger.handlers):
            recipe = _recipe(handler)
            if type(recipe) is tuple and recipe not in recipes:
                logger.removeHandler(handler)
    return ()


def _keep(_: Surroundings) -> Callable[[], None]:
    before = [
        (logger, logger.level, logger.propagate, logger.disabled, list(logger.handlers)) for _, logger, _ in _loggers()
    ]
    if not before:
        return nothing

    def back() -> None:
        known = {id(row[0]) for row in before}
        for name, logger, level in _loggers():
            if id(logger) not in known and name:
                logger.setLevel(level)
                logger.handlers.clear()
        for logger, level, propagate, disabled, handlers in before:
            logger.setLevel(level)
            logger.propagate, logger.disabled = propagate, disabled
            logger.handlers[:] = handlers

    return back


PARTS = (StatePart("logging", _read, _write, _keep, reset=_reset),)
