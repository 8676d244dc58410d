"""Plain instances are reduced in fewer steps, to the same stream."""

from __future__ import annotations

import collections
import copyreg
import enum
import functools
import io
import pickle
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from jupyter_session_save.pickling.quick import own_way, quick_reduce

from .restore import cell, save

T = TypeVar("T")


class Plain:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("__private", "one", "two")

    def __init__(self, one: Any, two: Any, private: Any = None) -> None:
        self.one, self.two, self.__private = one, two, private


class Below(Slotted):
    __slots__ = ("three",)


class WithDict(Slotted):
    pass


class WeakSlots:
    __slots__ = ("__weakref__", "one")


class Empty:
    __slots__ = ()


class Typed(Generic[T]):
    def __init__(self, held: T) -> None:
        self.held = held


@dataclass(slots=True)
class Point:
    x: float
    y: float


Keyword = type("Keyword", (), {"__slots__": ("class", "one")})
Keyword.__module__ = __name__


def filled(value: Any, **attributes: Any) -> Any:
    for name, held in attributes.items():
        setattr(value, name, held)
    return value


QUICK: dict[str, Any] = {
    "attributes": Plain(a=1, b=[2], c="text"),
    "slots": Slotted(1, [2], {3}),
    "a slot below": filled(Below(1, 2), three=3),
    "slots and attributes": filled(WithDict(1, 2), more=[3]),
    "slots and no attribute yet": WithDict(1, 2),
    "weak references": filled(WeakSlots(), one=[1]),
    "a dataclass": Point(1.0, 2.0),
    "a generic": Typed([1]),
    "no attribute": Plain(),
}


def pickled(values: Any, **how: Any) -> bytes:
    sink = io.BytesIO()
    pickler = type("Quick", (pickle.Pickler,), {})(sink, 5)
    vars(pickler).update(how)
    pickler.dump(values)
    return sink.getvalue()


def quickly(values: list[Any]) -> bytes:
    ways: dict[type, Any] = {}

    def reduce(obj: Any) -> Any:
        if isinstance(obj, type):
            return NotImplemented
        try:
            return ways.setdefault(type(obj), quick_reduce(obj))(obj)
        except AttributeError:
            return NotImplemented

    return pickled(values, reducer_override=reduce)


@pytest.mark.parametrize("kind", QUICK)
def test_the_stream_is_the_same(kind: str) -> None:
    value = QUICK[kind]
    assert quick_reduce(value) not in (None, own_way)
    values = [value, {"again": value}, value]
    assert quickly(values) == pickled(values)


def test_a_slot_that_is_not_set_is_left_to_the_pickler() -> None:
    values = [Point(1, 2), Point(3, 4), Point(5, 6)]
    del values[1].x
    assert quickly(values) == pickled(values)


def test_attributes_that_come_and_go() -> None:
    values = [Plain(), Plain(a=1), Plain(), Plain(b=2, a=1)]
    assert quickly(values) == pickled(values)


def hooked(name: str, hook: Any) -> Any:
    cls = type("Hooked", (Plain,), {name: hook})
    return cls(a=1)


def raising(name: str) -> Any:
    raise AttributeError(name)


OTHERS: dict[str, Any] = {
    "a reduce": hooked("__reduce__", lambda self: (list, ())),
    "a reduce by protocol": hooked("__reduce_ex__", lambda self, protocol: (list, ())),
    "a state": hooked("__getstate__", lambda self: {}),
    "arguments": hooked("__getnewargs__", lambda self: (1,)),
    "named arguments": hooked("__getnewargs_ex__", lambda self: ((), {})),
    "any attribute": hooked("__getattr__", lambda self, name: raising(name)),
    "every attribute": hooked("__getattribute__", object.__getattribute__),
    "another class": hooked("__class__", property(lambda self: int)),
    "another dictionary": hooked("__dict__", property(lambda self: {"b": 2})),
    "a list": type("Listed", (list,), {})([1]),
    "a dict": type("Mapped", (dict,), {})(a=1),
    "a deque": collections.deque([1]),
    "an exception": ValueError(1),
    "a number": type("Number", (int,), {})(1),
    "a metaclass": type("Meta", (type,), {})("K", (), {})(),
    "an enum": enum.Enum("Colour", "RED").RED,  # type: ignore[attr-defined]
    "a keyword": filled(Keyword(), one=1, **{"class": 2}),
    "no slot": Empty(),
    "a partial": functools.partial(print),
    "what cannot be pickled": (i for i in "ab"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_others_are_left_to_the_pickler(kind: str) -> None:
    assert quick_reduce(OTHERS[kind]) in (None, own_way)


def test_a_registered_reduce_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, Plain, lambda obj: (list, ()))
    assert quick_reduce(Plain(a=1)) in (None, own_way)


def test_they_come_back_with_all_they_hold() -> None:
    ns = cell(
        "class Event:\n    def __init__(self, n): self.n, self.tags = n, [n]\n"
        "class Point:\n    __slots__ = ('x', '__y')\n    def __init__(self, x): self.x = x; self.__y = [x]\n"
        "    def y(self): return self.__y\n"
        "events = [Event(i) for i in range(50)]; events.append(events[7])\n"
        "points = {i: Point(i) for i in range(50)}; del points[3].x\n"
    )
    fresh = save(ns).load()
    assert [(e.n, e.tags) for e in fresh["events"][:-1]] == [(i, [i]) for i in range(50)]
    assert fresh["events"][-1] is fresh["events"][7] and type(fresh["events"][0]) is fresh["Event"]
    assert [p.y() for p in fresh["points"].values()] == [[i] for i in range(50)]
    assert not hasattr(fresh["points"][3], "x") and fresh["points"][4].x == 4


class Mixed(Slotted):
    def __init__(self) -> None:
        super().__init__(1, 2, 3)


@pytest.mark.parametrize("kind", [Plain, Mixed])
def test_an_instance_may_bring_its_own_protocol(kind: Any) -> None:
    reduce = quick_reduce(kind())
    assert reduce not in (None, own_way)
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        made = kind()
        vars(made)[name] = lambda *_: {}
        assert reduce(made) is NotImplemented, name


def test_what_an_instance_says_of_its_state_is_saved() -> None:
    namespace = cell(
        """
class C: pass
plain, own, other = C(), C(), C()
plain.n = own.n = other.n = 1
own.__getstate__ = lambda: {"n": 2}
other.__reduce_ex__ = lambda protocol: (C, (), {"n": 3})
all_ = [plain, own, other]
"""
    )
    assert [one.n for one in save(namespace).load()["all_"]] == [1, 2, 3]
