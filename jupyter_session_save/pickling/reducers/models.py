"""Models of pydantic: a generic model with its arguments is found again by subscribing the model.

Invariant: what pydantic keeps one of, a model for each set of arguments, stays one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import code

if TYPE_CHECKING:
    from ..pickler import Pickling


def model_class(obj: Any, pickling: Pickling) -> Any:
    """Reduce a model, and a model with arguments to both."""
    known = type.__dict__["__dict__"].__get__(obj).get("__pydantic_generic_metadata__") or {}
    origin, args = known.get("origin"), known.get("args")
    if origin is None or not args or pickling.refers_to(obj):
        return code.reduce_class(obj, pickling)
    return with_arguments, (origin, args)


def with_arguments(origin: Any, args: tuple[Any, ...]) -> Any:
    """Subscribe a generic model."""
    return origin[args]
