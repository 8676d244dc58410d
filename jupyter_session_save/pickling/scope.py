"""What a save knows of the namespace around the objects that it pickles.

Invariant: nothing in here is pickled; it only decides what travels as a reference and what by value.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import gc
import importlib.util
import sys
import types
import typing
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from .nans import Nans

_GLOBAL_NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS")
_GLOBAL_OPS = frozenset(dis.opmap[name] for name in _GLOBAL_NAMES if name in dis.opmap)
_LOAD_GLOBAL, _EXTENDED = dis.opmap["LOAD_GLOBAL"], dis.opmap["EXTENDED_ARG"]

_NAMED_GENERICS = tuple(
    getattr(typing, name)
    for name in ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "TypeAliasType")
    if hasattr(typing, name)
)


def module_of(obj: Any) -> str:
    """Return ``obj.__module__`` if it is a string, else ``""``: descriptors and proxies may answer anything."""
    try:
        name = obj.__module__
    except Exception:
        return ""
    return name if type(name) is str else ""


def qualname_of(obj: Any) -> str:
    """Return the qualified name of a class or function, ``""`` if it has none."""
    try:
        name = getattr(obj, "__qualname__", None) or obj.__name__
    except Exception:
        return ""
    return name if type(name) is str else ""


def own_name(obj: Any) -> str:
    """Return ``__name__`` of a class, function or module if it is a string, else ``""``."""
    try:
        name = type.__dict__["__name__"].__get__(obj) if isinstance(obj, type) else obj.__name__
    except Exception:
        return ""
    return name if type(name) is str else ""


def type_name(cls: type) -> str:
    """Return the qualified name of a type as shown to people."""
    module = type.__dict__["__module__"].__get__(cls) if type(cls) is type else module_of(cls)
    name = type.__dict__["__qualname__"].__get__(cls)
    return str(name) if module in ("builtins", "__main__") or type(module) is not str else f"{module}.{name}"


def lookup(module: str, path: str) -> Any:
    """Return ``module.path`` of an imported module; raise AttributeError or KeyError if it is not there."""
    found: Any = sys.modules[module]
    for part in path.split("."):
        found = getattr(found, part)
    return found


def made_by_hand(module: Any) -> bool:
    """Whether a module stands in no file though it is imported: a notebook has put it into `sys.modules`."""
    if type(module) is not types.ModuleType:
        return False
    own = vars(module)
    if own.get("__spec__") is not None or own.get("__file__") is not None:
        return False
    name = own_name(module)
    return name not in ("", "__main__", "__mp_main__") and not is_library(name)


def importable_path(obj: Any) -> tuple[str, str] | None:
    """Return (module, path) that leads to this very object in an imported module other than ``__main__``.

    A function behind a decorator is found through ``__wrapped__``. What the standard library defines in a private
    module and shows in a public one is found in the latter, since the former is another one in another Python.
    """
    module, name = module_of(obj), qualname_of(obj)
    if not name or module in ("", "__main__", "__mp_main__") or "<" in name:
        return None
    try:
        if module not in sys.modules and isinstance(obj, type):
            module = _within_package(module)
        if not is_library(module) and made_by_hand(sys.modules[module]):
            return None
        found = lookup(module, name)
        for _ in range(8):
            if found is obj:
                return _public_path(obj, module, name)
            found, name = found.__wrapped__, f"{name}.__wrapped__"
    except Exception:
        return None
    return None


def _within_package(module: str) -> str:
    """Return where a module stands that says no more than the end of its name, as some of C do."""
    found = [name for name in list(sys.modules) if name.endswith(f".{module}") and is_library(name)]
    return min(found, key=len, default=module)


def _public_path(obj: Any, module: str, name: str) -> tuple[str, str]:
    if module == "_thread" and name == "lock":
        return "_thread", "LockType"  # The name that all Pythons have for it.
    public = module.partition("._")[0]
    if public != module and is_library(module) and public.partition(".")[0] in sys.stdlib_module_names:
        with contextlib.suppress(Exception):
            if lookup(public, name) is obj:
                return public, name
    return module, name


def reloaded_path(obj: Any) -> tuple[str, str] | None:
    """Return (module, path) where a newer object of the same kind stands, after its module was reloaded."""
    module, name = module_of(obj), qualname_of(obj)
    if not name or module in ("", "__main__", "__mp_main__") or "<" in name:
        return None
    try:
        if not is_library(module) and made_by_hand(sys.modules[module]):
            return None
        found = lookup(module, name)
    except Exception:
        return None
    if isinstance(obj, type):
        # A class that is derived from the one found is another class under the same name.
        return (module, name) if isinstance(found, type) and found not in obj.__mro__ else None
    if not isinstance(obj, types.FunctionType) or not isinstance(found, types.FunctionType):
        return None
    same_file = found.__code__.co_filename == obj.__code__.co_filename
    return (module, name) if same_file and found.__code__.co_qualname == obj.__code__.co_qualname else None


def globals_in(code: types.CodeType) -> set[str]:
    """Return the names that a code object and those inside it may use as globals."""
    # Read by hand: `dis` takes longer to describe the instructions than it takes to pickle the function.
    found, names, before = set(), code.co_names, 0
    if names:
        bytecode = code.co_code
        for op, low in zip(bytecode[::2], bytecode[1::2], strict=True):
            if op in _GLOBAL_OPS:
                arg = before | low
                # Its lowest bit says whether the global is about to be called.
                found.add(names[arg >> 1 if op == _LOAD_GLOBAL else arg])
            before = (before | low) << 8 if op == _EXTENDED else 0
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found |= globals_in(const)
    return found


def names_in(code: types.CodeType) -> set[str]:
    """Return every name that a code object and those inside it use as a global, an attribute or an import."""
    found = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found |= names_in(const)
    return found


def is_of_definitions(kind: type) -> bool:
    """Whether values of a type are functions, classes or type variables: what travels by reference to its name."""
    return kind is types.FunctionType or issubclass(kind, type) or any(kind is named for named in _NAMED_GENERICS)


class GiveWay(BaseException):
    """Raised by ``Scope.pause`` to give up a pickle half-way."""


class Scope:
    """The namespace that a save sees, and what of it travels by reference.

    Parameters
    ----------
    namespace : dict
        The live namespace; the ``__globals__`` of the functions defined in it.
    saved : mapping of str to object
        The variables that are being saved: only these can be referred to.
    live : mapping of str to object
        Kernel objects by tag, such as ``{"shell": get_ipython()}``.
    definitions : mapping of str to object, optional
        Those of the variables that may be functions, classes or type variables, if that is known. Of `saved` only the
        names count then, and it must not change.
    containers : callable, optional
        Returns those of the variables that are exact dicts, lists and sets, if they are not to be found among `saved`.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        saved: Mapping[str, Any],
        live: Mapping[str, Any],
        *,
        definitions: Mapping[str, Any] | None = None,
        containers: Callable[[], Iterable[Any]] | None = None,
    ) -> None:
        self.namespace = namespace
        self.live = dict(standard_live(namespace))
        self.live.update(live)
        self.live_ids = {id(value): tag for tag, value in reversed(self.live.items())}
        # Kernel objects are pickled as their tags; None and the like stand for themselves.
        for plain in (None, True, False, Ellipsis, NotImplemented, (), ""):
            self.live_ids.pop(id(plain), None)
        self.live_containers = [
            v for v in self.live.values() if type(v) in (dict, list, set) and id(v) in self.live_ids
        ]
        self.live_types = {id(type(self.live[tag])) for tag in self.live_ids.values()}
        # How each type is pickled, also in short, whether it is immutable and whether its hash needs its state (by its
        # id, so the types are kept), and what library classes own; filled while pickling.
        self.plans: dict[bool, dict[int, Any]] = {False: {}, True: {}}
        self.quick: dict[int, Any] = {}
        self.immutable: dict[int, tuple[type, bool]] = {}
        self.ways: dict[int, tuple[type, Any]] = {}
        self.types: list[type] = []
        self.hashing: dict[int, bool] = {}
        # Definitions of modules that are pickled by name, by id, each with its package: asked about with each variable.
        self.imported: dict[int, tuple[Any, str]] = {}
        self.library_owned: set[int] = set()
        self.nans = Nans()
        # Arrays, and storages of torch, by the address of their memory: torch does not say whose memory it uses.
        self.arrays: dict[int, weakref.ref[Any]] = {}
        self.storages: dict[int, Any] = {}
        # Not gone through where that is not needed: there may be 100,000, and this is made anew after each cell.
        self.saved: AbstractSet[str] = frozenset(saved) if definitions is None else saved.keys()
        kinds = frozenset(map(id, (dict, list, set)))  # A class of the user's may refuse to be compared.
        self._containers = containers or (lambda: [v for v in saved.values() if id(type(v)) in kinds])
        self.names = self._definitions(saved if definitions is None else definitions)
        self._registrations: dict[int, list[type]] | None = None

    @functools.cached_property
    def dicts(self) -> frozenset[int]:
        """Ids of the dicts that are variables: one may be the attributes of an instance, as after ``d = vars(obj)``."""
        return frozenset(id(value) for value in self._containers() if type(value) is dict)

    @functools.cached_property
    def borrowed(self) -> dict[int, tuple[Any, Any]]:
        """Those of the variables that are containers of libraries' modules, each with what stands for it, by id."""
        from .borrowed import stand_ins

        return stand_ins(frozenset(map(id, self._containers())))

    def borrowed_containers(self) -> list[Any]:
        """Return the dicts, lists and sets of libraries' modules that are variables."""
        return [own for own, _ in self.borrowed.values()]

    def known(self) -> dict[int, Any]:
        """Return the tags of kernel objects, and what stands for other objects, by id."""
        borrowed = {key: stand_in for key, (_, stand_in) in self.borrowed.items()}
        return {**borrowed, **self.live_ids, **self.nans.stand_ins}

    def registered_with(self, cls: type) -> tuple[type, ...]:
        """Return the abstract classes of libraries that know a class of the notebook as a virtual subclass."""
        if self._registrations is None:
            from .traces import registrations

            self._registrations = registrations(self.names)
        return tuple(self._registrations.get(id(cls), ()))

    def pause(self) -> None:
        """Is called for every 64 KiB that a pickler writes, and may raise `GiveWay`."""

    def array_at(self, memory: Any) -> Any:
        """Return the array of the session whose memory begins where that of another does, None if there is none."""
        known = self.arrays.get(memory.ctypes.data)
        found = known() if known is not None else None
        return found if found is not None and found.nbytes >= memory.nbytes else None

    def _definitions(self, saved: Mapping[str, Any]) -> dict[int, str]:
        names: dict[int, str] = {}
        # Asked once for each type, by its id, since a metaclass may forbid to hash its classes.
        kinds = {id(kind): kind for kind in map(type, saved.values())}
        defining = {i for i, kind in kinds.items() if is_of_definitions(kind)}
        for name in sorted(name for name, value in saved.items() if id(type(value)) in defining):
            value = saved[name]
            if id(value) in self.live_ids or importable_path(value) is not None:
                continue
            if id(value) not in names or own_name(value) == name:
                # One object for equal names: which strings are the same object shows in a pickle's memo.
                names[id(value)] = sys.intern(name)
        return names

    def is_live_globals(self, globals_: dict[str, Any]) -> bool:
        """Whether a function with these globals belongs to the namespace."""
        main = sys.modules.get("__main__")
        return globals_ is self.namespace or (main is not None and globals_ is vars(main))


def standard_live(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the objects of any Python process that are resolved anew at load, by tag."""
    import builtins
    import os

    live: dict[str, Any] = {"namespace": namespace, "builtins": vars(builtins), "sys.modules": sys.modules}
    main = sys.modules.get("__main__")
    if main is not None:
        live["__main__"] = main
        if vars(main) is not namespace:
            live["main"] = vars(main)
    for name in ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"):
        if getattr(sys, name) is not None:
            live[f"sys.{name}"] = getattr(sys, name)
    live |= {"os.environ": os.environ, "sys.path": sys.path, "sys.argv": sys.argv}
    return live


@functools.lru_cache(maxsize=4096)
def is_library(module: str) -> bool:
    """Whether a module belongs to an installed library or the standard library, not to the user's own files."""
    root = module.partition(".")[0]
    if root in ("__main__", "__mp_main__"):
        return False  # Even where it was started from a library, as by `python -m`.
    if root in sys.stdlib_module_names or root in sys.builtin_module_names:
        return True
    try:
        spec = importlib.util.find_spec(root) if root not in sys.modules else sys.modules[root].__spec__
        origin = (spec.origin or "") if spec else ""
        if spec and not spec.has_location:
            origin = next(iter(spec.submodule_search_locations or ()), "")
    except Exception:
        return False
    parts = origin.replace("\\", "/")
    return "/site-packages/" in parts or "/dist-packages/" in parts


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the garbage collector from walking the namespace again and again while pickles grow."""
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            try:
                # A walk through a whole namespace to find that all of it is used takes long.
                if gc.get_count()[0] > _MANY:
                    count_as_old()
            finally:
                gc.enable()


_MANY = 5_000


def count_as_old() -> None:
    """Let the garbage collector count all that there is as old, unless the user has frozen what they want apart."""
    if not gc.get_freeze_count():
        try:
            gc.freeze()
        finally:
            # Also after an interrupt that comes as soon as it is done: what stays frozen is never collected.
            gc.unfreeze()
