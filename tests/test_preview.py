"""Small plain values as text, without unpickling."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save.preview import LONGEST, previews

atoms = (
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | st.text() | st.binary()
)
hashables = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=2), max_leaves=4)
values = st.recursive(
    hashables,
    lambda inner: st.lists(inner) | st.dictionaries(hashables, inner) | st.sets(hashables, max_size=1),
    max_leaves=12,
)


@given(values)
def test_plain_values_are_read_as_they_are(value: Any) -> None:
    stream = pickle.dumps({"x": value}, protocol=5)
    if len(stream) > LONGEST:
        return
    shown = previews(stream)
    assert set(shown) == {"x"}
    if len(repr(value)) < 30 and type(value) in (int, str, bytes, float, bool, type(None)):
        assert shown["x"] == repr(value)
    assert len(shown["x"]) <= 60


@pytest.mark.parametrize("value", [print, complex(1, 2), bytearray(b"x"), Exception("x"), range(3)])
def test_anything_else_is_not_looked_into(value: Any) -> None:
    assert previews(pickle.dumps({"x": 1, "y": value}, protocol=5)) == {}


def test_shared_and_cyclic_containers_are_shown() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    shared = [0]
    shown = previews(pickle.dumps({"ring": ring, "twice": [shared, shared]}, protocol=5))
    assert shown["twice"] == "[[0], [0]]"
    assert shown["ring"].startswith("[1, [")


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\x80\x05.",
        b"junk",
        pickle.dumps([1], protocol=5),
        b"\x80\x05K\x01K\x02.",
        b"\x80\x05u.",
        b"\x80\x05h\x07.",
        b"\x80\x05K\x01(K\x02K\x03e.",  # appended to a number
        b"\x80\x05K\x01(K\x02K\x03u.",
    ],
)
def test_junk_has_no_preview(stream: bytes) -> None:
    assert previews(stream) == {}


def test_a_few_bytes_that_stand_for_billions_are_not_looked_into() -> None:
    many: Any = ("x",)
    for _ in range(60):
        many = (many, many)
    assert previews(pickle.dumps({"x": many}, protocol=5)) == {}


class Evil:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit",)


def test_nothing_is_called() -> None:
    assert previews(pickle.dumps({"x": Evil()}, protocol=5)) == {}
