"""What code can change though no name in it leads there: through the namespace itself, the user's modules and threads,
callbacks of the shell, and the figure that pyplot draws on.

What libraries hold (handlers, accessors, finalizers, memory known by its address) is left to the sweep.

Invariant: looking runs no code of the user's, and follows a bounded number of objects.
"""

from __future__ import annotations

import builtins
import collections
import gc
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from .bystanders import users
from .examining import Tracked
from .pickling.scope import globals_in, is_library, module_of, names_in, own_name
from .reach import is_dynamic

FOLLOWED = 1000
"""Objects, at most, that are followed from a module, thread or callback."""

_LARGE = 10_000
"""Items of a container that is taken for data and not followed."""

_NEAR = 50
"""Parts of a value that are looked at for what leads to all variables."""

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, types.CodeType})
"""Types of which no instance leads anywhere."""

_CONTAINERS = dict, list, set, tuple, frozenset, collections.deque

_PYPLOT = frozenset({"matplotlib", "pyplot", "pylab"})

_OURS = __name__.partition(".")[0]

_DOORS = frozenset(
    id(getattr(builtins, name)) for name in ("eval", "exec", "globals", "locals", "vars", "__import__", "breakpoint")
) | {id(builtins), id(vars(builtins)), id(sys.modules), id(sys._getframe)}


class Escaping:
    """Looks at what stands behind names.

    Parameters
    ----------
    namespace : dict
        The live namespace.
    view : mapping of str to object
        What it holds.
    shell : InteractiveShell or None
    """

    def __init__(self, namespace: dict[str, Any], view: Mapping[str, Any], shell: Any) -> None:
        self._namespace, self._view, self._shell = namespace, view, shell
        main = sys.modules.get("__main__")
        # Outside a shell there is none, and None leads nowhere.
        self._doors = _DOORS | {id(namespace), id(main), id(getattr(main, "__dict__", None)), id(shell)} - {id(None)}
        self._seen: set[str] = set()
        self._names: dict[int, str] | None = None

    def always(self) -> set[str] | None:
        """Return names that may have been touched whatever a cell named, None for all."""
        return self._held_by([*_targets(users()), *_callbacks(self._shell, self._namespace)])

    def beyond(self, reached: Iterable[str], where: Mapping[str, Tracked]) -> set[str] | None:
        """Return names that code can have touched which reached these, None for all.

        Parameters
        ----------
        reached : iterable of str
        where : mapping of str to Tracked
            How each name was stored last.
        """
        found: set[str] = set()
        fresh = [name for name in reached if name not in self._seen and name in self._view]
        self._seen.update(fresh)
        figures = _open_figures()
        for name in fresh:
            value = self._view[name]
            if self._opens(value):
                return None
            module = _home(value)
            if not _is_foreign(module):
                held = self._held_by([sys.modules.get(module)])
                if held is None:
                    return None
                found |= held
            if figures and _draws(value, module):
                found.update(n for n, tracked in where.items() if "matplotlib" in tracked.component.modules)
        return found & self._view.keys()

    def _opens(self, value: Any) -> bool:
        """Whether a value is, or holds where it is seen at once, what leads to all variables."""
        near = [value]
        if type(value) not in _ATOMS and type(value) is not types.ModuleType:
            near += islice(_parts(value), _NEAR)
            near += islice(chain.from_iterable(p.values() for p in near[1:] if type(p) is dict), _NEAR)
        return not self._doors.isdisjoint(map(id, near))

    def _held_by(self, roots: list[Any]) -> set[str] | None:
        """Return the names of variables that can be reached from objects, and those which functions there use."""
        found: set[str] = set()
        todo, seen = list(roots), set(map(id, roots))
        while todo and len(seen) < FOLLOWED:
            obj = todo.pop()
            if id(obj) in self._doors:
                return None
            found |= self._named(obj)
            if type(obj) is types.FunctionType and obj.__globals__ is self._namespace:
                if is_dynamic(names_in(obj.__code__)):
                    return None
                found |= globals_in(obj.__code__)
            for part in _parts(obj):
                if id(part) not in seen:
                    seen.add(id(part))
                    todo.append(part)
        return found & self._view.keys()

    def _named(self, obj: Any) -> set[str]:
        """Return the names under which an object and its class stand."""
        if self._names is None:
            self._names = {id(v): n for n, v in self._view.items() if type(v) not in _ATOMS}
        return {self._names[i] for i in (id(obj), id(type(obj))) if i in self._names}


def _home(value: Any) -> str:
    """Return the module of the user's or of a library that a value is, comes from, or is an instance of."""
    kind = type(value)
    if kind in _ATOMS:
        return ""
    if kind is types.ModuleType:
        return own_name(value)
    if kind is types.FunctionType or kind is types.MethodType or issubclass(kind, type):
        module = module_of(value)
    else:
        module = module_of(kind)
    return "" if module in ("__main__", "__mp_main__") else module


def _parts(obj: Any) -> Iterator[Any]:
    """Yield what an object holds, as far as it may lead to variables."""
    kind = type(obj)
    inside: Iterable[Any]
    if kind in _ATOMS or _length(obj, kind) > _LARGE:
        inside = ()
    elif kind is types.ModuleType:
        own = vars(obj) if not _is_foreign(own_name(obj)) else {}
        inside = [value for name, value in own.items() if not name.startswith("__")]
    elif kind is types.FunctionType:
        inside = [*(obj.__closure__ or ()), *(obj.__defaults__ or ()), *(obj.__kwdefaults__ or {}).values()]
    elif issubclass(kind, type):
        inside = type.__dict__["__dict__"].__get__(obj).values() if not _is_foreign(module_of(obj)) else ()
    else:
        inside = gc.get_referents(obj)
    return (part for part in inside if type(part) not in _ATOMS)


def _length(obj: Any, kind: type) -> int:
    """Return how much a container holds, past what its class may say of that."""
    base: Any = next((base for base in _CONTAINERS if issubclass(kind, base)), None)
    return 0 if base is None else int(base.__len__(obj))


def _is_foreign(module: str) -> bool:
    """Whether a module is neither the user's nor the notebook itself, whose definitions are variables."""
    return module in ("", "__main__", "__mp_main__") or module.partition(".")[0] == _OURS or is_library(module)


def _targets(threads: Iterable[threading.Thread]) -> Iterator[Any]:
    for thread in threads:
        # While a thread runs it keeps what it was started with; one of the user's own class may keep more.
        yield from (getattr(thread, name, None) for name in ("_target", "_args", "_kwargs"))
        if module_of(type(thread)) == "__main__":
            yield thread


def _callbacks(shell: Any, namespace: dict[str, Any]) -> Iterator[Any]:
    """Yield functions of the notebook that the shell calls around each cell."""
    known: Any = getattr(getattr(shell, "events", None), "callbacks", None)
    lists = [*(known.values() if isinstance(known, dict) else ())]
    lists += [getattr(shell, name, ()) for name in ("input_transformers_post", "input_transformers_cleanup")]
    for callback in chain.from_iterable(lists):
        function = getattr(callback, "__func__", callback)
        if type(function) is types.FunctionType and function.__globals__ is namespace:
            yield callback


def _open_figures() -> bool:
    """Whether there are figures that pyplot may draw on without being told which."""
    return bool(getattr(getattr(sys.modules.get("matplotlib._pylab_helpers"), "Gcf", None), "figs", None))


def _draws(value: Any, module: str) -> bool:
    """Whether code that uses a value may draw with pyplot."""
    if type(value) is types.FunctionType and module == "":
        return not _PYPLOT.isdisjoint(names_in(value.__code__))
    return module != "" and _uses_pyplot(module.partition(".")[0], len(sys.modules))


@lru_cache(maxsize=256)
def _uses_pyplot(root: str, _: int) -> bool:
    """Whether a loaded library has pyplot at hand; asked anew when more is loaded."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    mine = {name: m for name, m in list(sys.modules.items()) if name == root or name.startswith(f"{root}.")}
    # pandas has a part of that name, and imports pyplot only inside its functions.
    named = root in _PYPLOT or any("matplotlib" in name for name in mine)
    return named or any(getattr(m, "__dict__", {}).get("plt") is pyplot for m in mine.values())
