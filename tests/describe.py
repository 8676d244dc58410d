"""Describe a namespace in words: every value, and which paths lead to one and the same object.

It runs inside a kernel. The result maps a path, such as ``model.steps[0]``, to a line about what is there.
A mutable object that was met before is only named by its first path; an array whose memory was met before
says so. Two namespaces with equal descriptions are equal by value and by alias structure.

Invariant: describing changes nothing, and equal namespaces have equal descriptions in different processes.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import inspect
import io
import itertools
import json
import pathlib
import random
import re
import sqlite3
import sys
import types
import uuid
import warnings
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

_ATOMS = (
    *(type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis), type(NotImplemented)),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, fractions.Fraction),
    *(pathlib.PurePath, re.Pattern, uuid.UUID),
)
_OURS = re.compile(r"_+|_(i|dh|oh|ih|ii|iii|exit_code|\d+|i\d+)|__\w+__")
_NODES = 200_000


def describe(namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Describe the user's variables.

    Parameters
    ----------
    namespace : mapping of str to object
    hidden : mapping of str to object
        Names that are the kernel's own while they are bound to these objects.

    Returns
    -------
    dict of str to str
        A line for each path.
    """
    missing = object()
    walk = _Walk(namespace)
    for name in sorted(namespace):
        if _OURS.fullmatch(name) or (hidden or {}).get(name, missing) is namespace[name]:
            continue
        walk.visit(name, namespace[name])
    return walk.lines


def write(path: str, namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> None:
    """Write the description of a namespace to a JSON file."""
    pathlib.Path(path).write_text(json.dumps(describe(namespace, hidden)), encoding="utf-8")


class _Walk:
    """One pass over a namespace; holds on to what it makes, so that no identity is met twice by chance."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.lines: dict[str, str] = {}
        self._namespace = namespace
        self._first: dict[int, str] = {}
        self._memory: list[tuple[int, int, str]] = []
        self._held: list[object] = []

    def visit(self, path: str, value: Any) -> None:
        """Write a line about a value, and lines about what it holds."""
        if len(self.lines) > _NODES:
            raise RuntimeError(f"{path}: more than {_NODES} objects; describe something smaller")
        self._held.append(value)
        kind = type(value)
        if isinstance(value, enum.Enum):
            self.lines[path] = f"{_name(kind)}.{value.name}"
        elif isinstance(value, _ATOMS) and kind.__module__ != "__main__":
            self.lines[path] = f"{_name(kind)} {_short(repr(value))}"
        elif kind is types.ModuleType:
            self.lines[path] = f"module {value.__name__}"
        elif kind is tuple:
            self.lines[path] = f"tuple of {len(value)}"
            self._items(path, value)
        elif _IMMUTABLE(value):
            # Whether equal immutable objects are one object is the interpreter's affair.
            self._object(path, value)
        elif id(value) in self._first:
            self.lines[path] = f"is {self._first[id(value)]}"
        else:
            self._first[id(value)] = path
            self._object(path, value)

    def _object(self, path: str, value: Any) -> None:
        act = next((act for test, act in _KINDS if test(value)), _Walk._instance)
        act(self, path, value)

    def _items(self, path: str, values: Iterable[Any]) -> None:
        for index, value in enumerate(values):
            self.visit(f"{path}[{index}]", value)

    def _parts(self, path: str, line: str, **parts: Any) -> None:
        self.lines[path] = line
        for name, value in parts.items():
            self.visit(f"{path}.{name}", value)

    def _list(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} of {len(value)}"
        self._items(path, value)
        self._state(path, value)

    def _dict(self, path: str, value: Any) -> None:
        keys = [_short(repr(key), 80) if isinstance(key, _ATOMS) else _name(type(key)) for key in value]
        self.lines[path] = f"{_name(type(value))} of {len(value)}: {_short(', '.join(keys))}"
        for index, (key, item) in enumerate(value.items()):
            if isinstance(key, _ATOMS):
                self.visit(f"{path}[{_short(repr(key), 80)}]", item)
            else:
                self.visit(f"{path}.key{index}", key)
                self.visit(f"{path}.value{index}", item)
        if isinstance(value, collections.defaultdict):
            self.visit(f"{path}.default_factory", value.default_factory)
        self._state(path, value)

    def _set(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} of {len(value)}"
        ranked = sorted((_Walk(self._namespace).digest(item), index) for index, item in enumerate(value))
        items = [*value]
        self._items(path, (items[index] for _, index in ranked))
        self._state(path, value)

    def digest(self, value: Any) -> str:
        """All lines about one value, as one short text that orders the elements of sets."""
        self.visit("it", value)
        return _digest(repr(self.lines))

    def _compound(self, path: str, value: Any) -> None:
        """An object of the language that is made of a few others."""
        names = next(names for kinds, names in _COMPOUNDS if isinstance(value, kinds))
        self._parts(path, _name(type(value)), **{name: getattr(value, name) for name in names})

    def _function(self, path: str, value: Any) -> None:
        name = f"{value.__module__}.{value.__qualname__}"
        if value.__module__ != "__main__" and value.__globals__ is not self._namespace:
            self.lines[path] = f"function {name}"
            return
        live = "live" if value.__globals__ is self._namespace else "DETACHED"
        # Cells, not their contents: two closures may share one.
        closure = dict(zip(value.__code__.co_freevars, value.__closure__ or (), strict=True))
        self._parts(
            path,
            f"function {name}, {live} globals, {_code(value.__code__)}",
            defaults=value.__defaults__,
            kwdefaults=value.__kwdefaults__,
            closure=closure,
            annotations=getattr(value, "__annotations__", None),
            doc=value.__doc__,
            attributes=value.__dict__,
        )

    def _cell(self, path: str, value: Any) -> None:
        try:
            self._parts(path, "cell", contents=value.cell_contents)
        except ValueError:
            self.lines[path] = "empty cell"

    def _klass(self, path: str, value: Any) -> None:
        self.lines[path] = f"class {_name(value)}"
        if value.__module__ != "__main__":
            return
        self.lines[path] += f" ({', '.join(_name(base) for base in value.__bases__)}) of {_name(type(value))}"
        machine = {"__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "_abc_impl"}
        members = {key: vars(value)[key] for key in sorted(vars(value)) if key not in machine}
        self.lines[path] += f": {' '.join(members)}"
        for key, member in members.items():
            # Slots are made by the interpreter; their names are in __slots__.
            if not isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType):
                self.visit(f"{path}.{key}", member)
        self.lines[f"{path}.subclasses"] = ", ".join(sorted(_name(each) for each in type.__subclasses__(value)))

    def _builtin(self, path: str, value: Any) -> None:
        owner = None if isinstance(value.__self__, types.ModuleType) else value.__self__
        self._parts(path, f"builtin {value.__qualname__}", owner=owner)

    def _generator(self, path: str, value: Any) -> None:
        frame = value.gi_frame
        state = inspect.getgeneratorstate(value)
        self._parts(
            path,
            f"generator {value.__qualname__}, {state}, {_code(value.gi_code)}",
            locals={} if frame is None else dict(frame.f_locals),
        )

    def _file(self, path: str, value: Any) -> None:
        place = None if value.closed else value.tell()
        self.lines[path] = f"file {value.name} {getattr(value, 'mode', '')} closed={value.closed} at {place}"

    def _buffer(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} at {value.tell()} {_digest(repr(value.getvalue()))}"

    def _connection(self, path: str, value: Any) -> None:
        self.lines[path] = f"sqlite3 connection {_digest(repr([*value.iterdump()]))} {value.in_transaction}"
        self.visit(f"{path}.row_factory", value.row_factory)

    def _bytes(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} of {len(value)} {_digest(bytes(value))}"

    def _random(self, path: str, value: Any) -> None:
        self.lines[path] = f"random.Random {_digest(repr(value.getstate()))}"

    def _reference(self, path: str, value: Any) -> None:
        self._parts(path, "weakref", target=value())

    def _array(self, path: str, value: Any) -> None:
        numpy = sys.modules["numpy"]
        access = "writeable" if value.flags.writeable else "read-only"
        self.lines[path] = f"{_name(type(value))} {value.dtype} {value.shape} {access}"
        if value.dtype.hasobject or value.dtype.names:
            self._items(path, value.reshape(-1).tolist())
        else:
            self.lines[path] += f" {_digest(numpy.ascontiguousarray(value).tobytes())}"
        low, high = numpy.lib.array_utils.byte_bounds(value)
        for start, end, owner in self._memory:
            if low < end and start < high:
                self.lines[path] += f", shares memory with {owner} at {low - start}"
                break
        else:
            if value.size:
                self._memory.append((low, high, path))
        if type(value) is not numpy.ndarray:
            self._state(path, value)

    def _scalar(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} {_short(repr(value))}"

    def _numbers(self, path: str, value: Any) -> None:
        bits = value if hasattr(value, "state") else value.bit_generator
        self.lines[path] = f"{_name(type(value))} {_short(repr(bits.state), 80)} {_digest(repr(bits.state))}"
        if bits is not value:
            self.visit(f"{path}.bit_generator", bits)

    def _frame(self, path: str, value: Any) -> None:
        self._parts(path, f"DataFrame {value.shape}", index=value.index, columns=value.columns, attrs=value.attrs)
        for place, name in enumerate(value.columns):
            self._values(f"{path}[{_short(repr(name), 80)}]", value.iloc[:, place])

    def _series(self, path: str, value: Any) -> None:
        self._parts(path, f"Series {value.name!r} {value.shape}", index=value.index, attrs=value.attrs)
        self._values(f"{path}.values", value)

    def _index(self, path: str, value: Any) -> None:
        self.lines[path] = f"{type(value).__name__} {value.names} {value.dtype} of {len(value)}"
        # Index objects are immutable, so only the values count.
        self.lines[path] += f" {_digest(repr([*value]))}"

    def _values(self, path: str, column: Any) -> None:
        """A column by value: which blocks hold it and who shares them is pandas' own affair."""
        self.lines[path] = f"{column.dtype} {_digest(repr(column.tolist()))}"
        for place, item in enumerate(column) if column.dtype == object else ():
            if not isinstance(item, _ATOMS):
                self.visit(f"{path}[{place}]", item)

    def _tensor(self, path: str, value: Any) -> None:
        torch = sys.modules["torch"]
        plain = value.detach().cpu().contiguous()
        self.lines[path] = f"{_name(type(value))} {value.dtype} {tuple(value.shape)} {value.requires_grad}"
        self.lines[path] += f" {_digest(plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b'')}"
        # By storage, since views of one storage need not overlap.
        storage = value.untyped_storage()
        owner = self._first.setdefault(storage.data_ptr(), path) if storage.nbytes() else path
        self._held.append(storage)
        self.lines[path] += "" if owner == path else f", in the storage of {owner} at {value.storage_offset()}"
        if value.is_leaf:
            self.visit(f"{path}.grad", value.grad)

    def _draws(self, path: str, value: Any) -> None:
        self.lines[path] = f"torch.Generator {_digest(value.get_state().numpy().tobytes())}"

    def _polars(self, path: str, value: Any) -> None:
        frame = value.collect() if hasattr(value, "collect") else value
        rows = frame.rows() if hasattr(frame, "rows") else frame.to_list()
        schema = getattr(frame, "schema", None) or (frame.name, frame.dtype)
        self.lines[path] = f"{_name(type(value))} {_short(repr(schema))} {_digest(repr(rows))}"

    def _arrow(self, path: str, value: Any) -> None:
        self.lines[path] = f"{_name(type(value))} {_digest(repr(value.schema))} {_digest(repr(value.to_pylist()))}"

    def _symbols(self, path: str, value: Any) -> None:
        text = sys.modules["sympy"].srepr(value)
        # Dummies are numbered by the process.
        self.lines[path] = f"{_name(type(value))} {_digest(re.sub(r'dummy_index=[0-9]+', '', text))}"

    def _weak(self, path: str, value: Any) -> None:
        self._parts(path, _name(type(value)), items=dict(value))

    def _slice(self, path: str, value: Any) -> None:
        _, (inner, *bounds), state = (*value.__reduce__(), 0)[:3]
        if bounds[:2] in ([0], [0, 0]):
            self.lines[path] = "exhausted islice"
        else:
            self._parts(path, f"islice {bounds} at {state}", inner=inner)

    def _match(self, path: str, value: Any) -> None:
        self._parts(path, f"match {value.regs} {_digest(repr(value.string))}", pattern=value.re)

    def _figure(self, path: str, value: Any) -> None:
        """A figure by its pixels."""
        target = io.BytesIO()
        value.savefig(target, format="raw", dpi=40)
        self.lines[path] = f"figure with {len(value.axes)} axes {_digest(target.getvalue())}"
        for place, axes in enumerate(value.axes):
            self.visit(f"{path}.axes[{place}]", axes)

    def _artist(self, path: str, value: Any) -> None:
        points = value.get_xydata() if hasattr(value, "get_xydata") else None
        self._parts(path, _name(type(value)), figure=value.get_figure(), points=points)

    def _instance(self, path: str, value: Any) -> None:
        kind = type(value)
        self.lines[path] = _name(kind)
        if not self._state(path, value) and kind.__module__ != "__main__":
            self._reduced(path, value)

    def _state(self, path: str, value: Any) -> bool:
        """Attributes in ``__dict__`` and slots; False if there is no room for any."""
        found = hasattr(value, "__dict__") and isinstance(value.__dict__, dict)
        for name, item in sorted(value.__dict__.items()) if found else ():
            self.visit(f"{path}.{name}", item)
        for klass in type(value).__mro__:
            slots = vars(klass).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                    found = True
                    self.visit(f"{path}.{name}", getattr(value, name))
        return found

    def _reduced(self, path: str, value: Any) -> None:
        """What pickle would keep of an object written in C."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Those of itertools, on some Pythons.
            try:
                reduced = value.__reduce_ex__(4)
            except TypeError:
                return
        if isinstance(reduced, str):
            self.lines[path] += f" {reduced}"
            return
        function, arguments, state, *items = (*reduced, None, None, None)[:5]
        parts = {"arguments": arguments, "state": state}
        parts |= {name: part and [*part] for name, part in zip(("items", "pairs"), items, strict=True)}
        self._parts(path, f"{self.lines[path]} by {getattr(function, '__qualname__', function)}", **parts)


def _is(*names: str) -> Any:
    """A test by qualified type name along the MRO, so that nothing is imported to be asked for."""
    return lambda value: any(_name(klass) in names for klass in type(value).__mro__)


def _of(*kinds: type) -> Any:
    return lambda value: isinstance(value, kinds)


_COMPOUNDS: list[tuple[tuple[type, ...], tuple[str, ...]]] = [
    ((types.MethodType,), ("__self__", "__func__")),
    ((staticmethod, classmethod), ("__func__",)),
    ((property,), ("fget", "fset", "fdel")),
    ((functools.partial,), ("func", "args", "keywords")),
    ((type(functools.lru_cache(print)),), ("__wrapped__",)),
]
_POLARS = ("dataframe.frame.DataFrame", "lazyframe.frame.LazyFrame", "series.series.Series")
_KINDS: list[tuple[Any, Any]] = [
    (_of(type), _Walk._klass),
    (_of(types.FunctionType), _Walk._function),
    (_of(types.CellType), _Walk._cell),
    (_of(types.BuiltinFunctionType), _Walk._builtin),
    (_of(*(kind for kinds, _ in _COMPOUNDS for kind in kinds)), _Walk._compound),
    (_of(types.GeneratorType), _Walk._generator),
    (_of(io.StringIO, io.BytesIO), _Walk._buffer),
    (_of(io.IOBase), _Walk._file),
    (_of(sqlite3.Connection), _Walk._connection),
    (_of(random.Random), _Walk._random),
    (_of(weakref.ref), _Walk._reference),
    (_of(weakref.WeakKeyDictionary, weakref.WeakValueDictionary), _Walk._weak),
    (_of(itertools.islice), _Walk._slice),
    (_of(re.Match), _Walk._match),
    (_of(bytearray, memoryview, array.array), _Walk._bytes),
    (_is("numpy.ndarray"), _Walk._array),
    (_is("numpy.generic", "numpy.dtype"), _Walk._scalar),
    (
        _is("numpy.random._generator.Generator", "numpy.random.bit_generator.BitGenerator"),
        _Walk._numbers,
    ),
    (_is("pandas.core.frame.DataFrame", "pandas.DataFrame"), _Walk._frame),
    (_is("pandas.core.series.Series", "pandas.Series"), _Walk._series),
    (_is("pandas.core.indexes.base.Index", "pandas.Index"), _Walk._index),
    (_is("torch.Tensor", "torch._tensor.Tensor"), _Walk._tensor),
    (_is("torch._C.Generator"), _Walk._draws),
    (_is(*(f"polars.{place}" for place in _POLARS)), _Walk._polars),
    (_is("pyarrow.lib.Table", "pyarrow.lib.RecordBatch"), _Walk._arrow),
    (_is("sympy.core.basic.Basic", "sympy.matrices.matrixbase.MatrixBase"), _Walk._symbols),
    (_is("matplotlib.figure.Figure"), _Walk._figure),
    (_is("matplotlib.artist.Artist"), _Walk._artist),
    (_of(list, tuple, collections.deque), _Walk._list),
    (_of(set, frozenset), _Walk._set),
    (_of(dict, types.MappingProxyType), _Walk._dict),
]


_IMMUTABLE = _is("numpy.generic", "numpy.dtype", "pandas.core.indexes.base.Index", "pandas.Index")


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _code(code: types.CodeType) -> str:
    """The code by what it does: not by its file and lines, which differ between kernels."""
    consts = [_code(c) if isinstance(c, types.CodeType) else repr(_ordered(c)) for c in code.co_consts]
    names = (
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_flags,
    )
    return f"code {_digest(repr((code.co_name, code.co_code, consts, names)))}"


def _ordered(constant: object) -> object:
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant


def _short(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... {len(text)} {_digest(text)}"


def _digest(data: str | bytes) -> str:
    return hashlib.sha256(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data).hexdigest()[:16]
