"""What a reference to a global of a module can mean.

Invariant: nothing is imported here.
"""

from __future__ import annotations

from typing import Any

from .scope import module_of, qualname_of

_BY_VALUE = (type(None), bool, int, float, str, bytes, tuple)


def referable(found: Any, module: str, path: str) -> Any:
    """Return what stands at a path of a module.

    Raises
    ------
    AttributeError
        If no pickler refers to it: None or False stand for the class of an optional library that is not there.
    """
    if type(found) in _BY_VALUE:
        raise AttributeError(f"{module}.{path} is {found!r} here")
    return found


def is_stub(found: Any, module: str, path: str) -> bool:
    """Whether something stands at a path of a module that a pickler would call otherwise."""
    return (module_of(found), qualname_of(found)) != (module, path)
