"""The path to an object inside a value, as a user would type it."""

from __future__ import annotations

import collections
import functools
import threading
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from jupyter_session_save.pickling import culprit
from jupyter_session_save.pickling.culprit import PathFinder

from .restore import save


class Plain:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def method(self) -> None: ...


class Slotted:
    __slots__ = ("__private", "held", "unset")

    def __init__(self, held: Any, private: Any = None) -> None:
        self.held, self.__private = held, private


class Jealous:
    """Raises whatever it is asked."""

    def __init__(self, held: Any) -> None:
        self.__dict__["held"] = held

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return object.__getattribute__(self, name)
        raise AssertionError(name)

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __hash__(self) -> int:
        raise AssertionError

    def __bool__(self) -> bool:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError

    def __repr__(self) -> str:
        raise AssertionError


class JealousDict(dict[Any, Any]):
    def items(self) -> Any:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError

    def __getitem__(self, key: Any) -> Any:
        raise AssertionError


class JealousList(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class Pair(NamedTuple):
    one: Any
    two: Any


# What holds the target, and the expression that leads to it from there.
HOLDERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "itself": (lambda t: t, ""),
    "a list": (lambda t: [0, t], "[1]"),
    "a tuple": (lambda t: (0, 1, t), "[2]"),
    "a deque": (lambda t: collections.deque([0, t]), "[1]"),
    "a namedtuple": (lambda t: Pair(0, t), "[1]"),
    "a list's subclass": (lambda t: JealousList([0, t]), "[1]"),
    "a dict": (lambda t: {"a b": t}, "['a b']"),
    "a dict by number": (lambda t: {1.5: 0, True: t}, "[True]"),
    "a dict by bytes": (lambda t: {b"k": t}, "[b'k']"),
    "a dict by None": (lambda t: {None: t}, "[None]"),
    "an ordered dict": (lambda t: collections.OrderedDict(x=t), "['x']"),
    "a default dict": (lambda t: collections.defaultdict(list, x=t), "['x']"),
    "a dict's subclass": (lambda t: JealousDict(x=t), "['x']"),
    "an instance": (lambda t: Plain(x=t), ".x"),
    "an instance's list": (lambda t: Plain(x=[Plain(y=(t,))]), ".x[0].y[0]"),
    "slots": (Slotted, ".held"),
    "private slots": (lambda t: Slotted(0, t), "._Slotted__private"),
    "an instance that raises": (Jealous, ".held"),
    "an attribute of a list": (lambda t: types.SimpleNamespace(x=[t]), ".x[0]"),
    "a bound method": (lambda t: Plain(x=t).method, ".__self__.x"),
    "a partial's arguments": (lambda t: functools.partial(print, t), ".args[0]"),
    "a partial's keywords": (lambda t: functools.partial(print, end=t), ".keywords['end']"),
    "defaults": (lambda t: lambda x=t: x, ".__defaults__[0]"),
    "keyword defaults": (lambda t: lambda *, x=t: x, ".__kwdefaults__['x']"),
    "an attribute of a class": (lambda t: type("K", (), {"x": t}), ".x"),
    "deep inside": (lambda t: {"m": {"locks": [t]}}, "['m']['locks'][0]"),
}


def jealous() -> Any:
    return Jealous([])


@pytest.mark.parametrize("make", [object, threading.Lock, list, jealous], ids=["object", "lock", "list", "jealous"])
@pytest.mark.parametrize("holder", HOLDERS)
def test_the_path_leads_to_the_object(holder: str, make: Callable[[], Any]) -> None:
    build, path = HOLDERS[holder]
    target = make()
    value = build(target)
    assert PathFinder({"other": [1, [2]], "v": value}).known(target) == f"v{path}"
    if "Jealous" not in repr(type(value)):
        assert eval(f"v{path}", {"v": value}) is target


def test_what_a_closure_holds() -> None:
    target = [1]

    def closed() -> Any:
        return target

    assert PathFinder({"f": closed}).known(target) == "f.<closure>.target"


def test_an_empty_cell_is_no_error() -> None:
    target = [1]
    code = (lambda: target).__code__
    empty = types.FunctionType(code, {}, "empty", None, (types.CellType(),))
    assert PathFinder({"f": empty, "x": [target]}).known(target) == "x[0]"


def test_elements_of_sets_and_keys_are_shown_though_they_cannot_be_typed() -> None:
    target = Plain()
    assert PathFinder({"s": {target}}).known(target) == "s{0}"
    assert PathFinder({"s": [frozenset({target})]}).known(target) == "s[0]{0}"
    assert PathFinder({"d": {target: 1}}).known(target) == "d.keys()[<Plain>]"
    inner = [1]
    assert PathFinder({"d": {Pair(1, 2): inner}}).known(inner) == "d[<Pair>]"


def test_the_shortest_path_is_told() -> None:
    target = [1]
    assert PathFinder({"deep": [[[target]]], "near": {"k": target}}).known(target) == "near['k']"
    assert PathFinder({"deep": [[[target]]], "itself": target}).known(target) == "itself"


def test_what_is_not_there_is_none() -> None:
    assert PathFinder({"v": [1, {}]}).known([1]) is None
    assert PathFinder({}).known(1) is None


def test_cycles_end() -> None:
    target = [1]
    ring: list[Any] = []
    ring += [ring, {"ring": ring, "t": target}]
    plain = Plain(ring=ring)
    plain.me = plain  # type: ignore[attr-defined]
    assert PathFinder({"p": plain}).known(target) == "p.ring[1]['t']"
    assert PathFinder({"p": plain}).known([]) is None


def test_equal_objects_are_told_apart() -> None:
    one, two = [1], [1]
    finder = PathFinder({"v": [one, two]})
    assert (finder.known(one), finder.known(two)) == ("v[0]", "v[1]")


def test_temporaries_do_not_lend_their_ids() -> None:
    values: dict[str, Any] = {f"f{i}": functools.partial(print, [i], end=[i]) for i in range(200)}
    finder = PathFinder(values)
    for i in range(200):
        assert finder.known(values[f"f{i}"].args[0]) == f"f{i}.args[0]"
        assert finder.known(object()) is None


def test_properties_and_descriptors_are_not_run() -> None:
    class Guarded:
        def __init__(self, held: Any) -> None:
            self._held = held

        @property
        def held(self) -> Any:
            raise AssertionError

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    target = [1]
    assert PathFinder({"g": Guarded(target)}).known(target) == "g._held"


def test_classes_with_odd_metaclasses_are_not_asked() -> None:
    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        __hash__ = None  # type: ignore[assignment]

        def __instancecheck__(cls, instance: object) -> bool:
            raise AssertionError

        def __subclasscheck__(cls, subclass: type) -> bool:
            raise AssertionError

    class Odd(metaclass=Meta):
        def __init__(self, held: Any) -> None:
            self.held = held

    target = [1]
    assert PathFinder({"v": [Odd(1), Odd(target)]}).known(target) == "v[1].held"
    assert PathFinder({"v": {Odd(0): target}}).known(target) == "v[<Odd>]"


def test_the_walk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(culprit, "LIMIT", 100)
    target, chain = [1], [object()]
    for _ in range(1000):
        chain = [chain]
    assert PathFinder({"v": [chain, target]}).known(target) == "v[1]"
    assert PathFinder({"v": [chain, [[[chain]]]]}).known(chain[0][0]) == "v[0][0][0]"
    deep: Any = target
    for _ in range(200):
        deep = [deep]
    assert PathFinder({"v": deep}).known(target) is None


def test_every_variable_that_holds_the_culprit_is_named() -> None:
    bad = (i for i in "ab")
    next(bad)
    saved = save({"a": {"x": [bad]}, "b": Plain(y=bad), "c": [1]})
    assert {problem.path for problem in saved.problems} == {"a['x'][0]", "b.y"}
