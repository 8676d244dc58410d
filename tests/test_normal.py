"""Streams in a form that does not show which equal strings are one object."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from jupyter_session_save.pickling.normal import normal

ONE = " ".join(["some", "text"] * 1)
TWO = " ".join(["some", "text"] * 1)
assert ONE is not TWO


def streamed(value: Any) -> list[tuple[str, Any]]:
    return normal(pickle.dumps(value, 5))


class Thing:
    pass


class Executed:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize(
    ("shared", "apart"),
    [
        ([ONE, ONE], [ONE, TWO]),
        ({"a": ONE, "b": [ONE]}, {"a": ONE, "b": [TWO]}),
        ((ONE, [1], ONE), (ONE, [1], TWO)),
        ([ONE * 1000, ONE * 1000], [ONE * 1000, TWO * 1000]),
    ],
)
def test_equal_strings_may_be_one_object_or_several(shared: Any, apart: Any) -> None:
    assert streamed(shared) == streamed(apart)


def test_long_strings_too() -> None:
    one, two = ONE * 40_000, TWO * 40_000
    assert pickle.dumps([one, one], 5) != pickle.dumps([one, two], 5)
    assert streamed([one, one]) == streamed([one, two])


def test_other_objects_are_not_renumbered_by_strings() -> None:
    inner = [1]
    assert streamed([ONE, ONE, inner, inner]) == streamed([ONE, TWO, inner, inner])
    many = [f"text {i}" for i in range(300)]
    assert streamed([many, list(many), inner, inner]) == streamed([many, ["".join(t) for t in many], inner, inner])


inner, other = [1], [1]
frozen = (1, 2)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ([inner, inner], [inner, other]),
        ([inner, other, inner], [inner, other, other]),
        ([ONE], ["other text"]),
        ([ONE, "a"], ["a", ONE]),
        ({"a": 1}, {"b": 1}),
        ([1], [1.0]),
        ([1], (1,)),
        ([b"some text"], ["some text"]),
        ([], [[]]),
        (["1"], [1]),
        ([frozen, frozen], [frozen, tuple(inner * 2)]),
        ([Thing()], [{}]),
    ],
)
def test_what_differs_otherwise_still_differs(one: Any, two: Any) -> None:
    assert streamed(one) != streamed(two)


def test_instances_and_cycles() -> None:
    def ring(name: str) -> Thing:
        thing = Thing()
        thing.me, thing.name, thing.held = thing, name, [name, ONE]  # type: ignore[attr-defined]
        return thing

    assert streamed(ring(ONE)) == streamed(ring(TWO))
    assert streamed(ring(ONE)) != streamed(ring("else"))


def test_frames_do_not_show() -> None:
    big = [bytes([i]) * 70_000 for i in range(3)]
    assert not {"FRAME", "PROTO", "MEMOIZE"} & {name for name, _ in streamed(big)}
    assert streamed(big) == streamed([bytes(b) for b in big])


def test_a_stream_is_not_executed() -> None:
    stream = pickle.dumps(Executed(), 5)
    with pytest.raises(SystemExit):
        pickle.loads(stream)
    assert ("REDUCE", None) in normal(stream)


@pytest.mark.parametrize("stream", [b"", b"no pickle", pickle.dumps([ONE] * 3, 5)[:-3]])
def test_what_is_no_whole_stream_raises(stream: bytes) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        normal(stream)
