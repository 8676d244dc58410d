"""Arrays of text have streams of their own where that changes nothing."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest

from jupyter_session_save.pickling import GiveWay, Scope, dumps, pickler
from jupyter_session_save.pickling import texts as room
from jupyter_session_save.pickling.texts import MANY, Texts, listed

from .restore import save


@pytest.fixture(autouse=True, params=[room.STEP, 100])
def step(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Look at all elements at once, and at a few at a time."""
    monkeypatch.setattr(room, "STEP", request.param)
    return int(request.param)


def texts(*more: Any) -> Any:
    """Return an array of texts that nothing else holds."""
    return np.array([f"text {n} \udcff \N{SNOWMAN}" for n in range(MANY)] + [*more], dtype=object)


def stream_of(value: Any) -> bytes:
    (part,) = save({"value": value}).parts
    return bytes(part.data)


def has_its_own(value: Any) -> bool:
    return b"listed" in stream_of(value)


def equal(one: Any, other: Any) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tolist() == other.tolist()


@pytest.mark.parametrize("form", ["plain", "missing", "by column"])
def test_texts_come_back_from_a_stream_of_their_own(form: str) -> None:
    array = np.asfortranarray(texts().reshape(2, -1)) if form == "by column" else texts(*form.count("s") * [None])
    assert has_its_own(array)
    array.flags.writeable = False
    loaded = save({"a": array, "alias": array}).load()
    assert equal(loaded["a"], array) and loaded["alias"] is loaded["a"]
    assert not loaded["a"].flags.writeable and loaded["a"].flags.c_contiguous == array.flags.c_contiguous
    assert has_its_own(loaded["a"])


class Named(str):
    __slots__ = ()


@pytest.mark.parametrize("other", [1.5, b"text", float("nan"), Named("x"), ("t",), []], ids=repr)
def test_an_array_that_holds_anything_else_is_pickled_as_ever(other: Any) -> None:
    array = texts(other)
    assert not has_its_own(array)
    assert repr(save({"a": array}).load()["a"].tolist()) == repr(array.tolist())


def test_a_few_texts_are_pickled_as_ever() -> None:
    assert not has_its_own(texts()[: MANY // 2].copy())


def test_who_else_holds_a_text_changes_no_stream() -> None:
    array = texts()
    before = stream_of(array)
    held = array[7], [array[8]]
    assert stream_of(array) == before and held


def test_a_text_that_occurs_twice_is_one_object() -> None:
    array = texts()
    array[5] = array[9]
    loaded = save({"a": array}).load()["a"]
    assert loaded[5] is loaded[9] and equal(loaded, array)


def test_a_text_that_the_rest_of_a_component_holds_is_one_object() -> None:
    array = texts()
    for value in ({"array": array, "first": [array[0]]}, {"first": [array[0]], "array": array}):
        loaded = save({"value": value}).load()["value"]
        assert loaded["first"][0] is loaded["array"][0] and equal(loaded["array"], array)


def test_texts_of_two_arrays_are_the_same_objects() -> None:
    array = texts()
    loaded = save({"value": [array, array[::-1].copy(), texts()]}).load()["value"]
    assert all(one is other for one, other in zip(loaded[0], loaded[1][::-1], strict=True))
    assert equal(loaded[2], array)


def test_frames_of_text_come_back() -> None:
    pd = pytest.importorskip("pandas")
    columns = {name: pd.Series(texts(), dtype=object) for name in "ab"}
    frame = pd.DataFrame({**columns, "n": range(MANY)})
    assert has_its_own(frame)
    pd.testing.assert_frame_equal(save({"f": frame}).load()["f"], frame)


def test_a_pickle_of_texts_is_made_once_and_walks_through_none(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = pickler._dumped

    def dumped(*args: Any, **options: Any) -> Any:
        pickling, one = real(*args, **options)
        made.append(len(one.memo.copy()))
        return pickling, one

    monkeypatch.setattr(pickler, "_dumped", dumped)
    save({"a": texts()})
    assert len(made) == 1 and made[0] < 40


def test_texts_give_room_for_something_better_to_do_while_they_are_looked_at(step: int) -> None:
    places: list[str] = []

    class Pausing(Scope):
        def pause(self) -> None:
            places.append(sys._getframe(1).f_code.co_name)

    array = texts()
    held = array.tolist()
    dumps({"a": array}, Pausing({}, {}, {}))
    steps = -(-len(array) // step)
    assert held and places.count("_held_elsewhere") == steps
    assert places.count("are_apart") >= min(steps, 5)

    class Leaving(Scope):
        def pause(self) -> None:
            if sys._getframe(1).f_code.co_name == "are_apart":
                raise GiveWay

    with pytest.raises(GiveWay):
        dumps({"a": array}, Leaving({}, {}, {}))


def test_what_stands_among_texts_imports_nothing() -> None:
    with pytest.raises(pickle.UnpicklingError, match="stands among text"):
        listed(pickle.dumps([print]))
    assert Texts(lambda: None).pickled([]) is None
