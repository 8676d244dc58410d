"""Which NaN is which survives a load, at no cost for those that nobody shares."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from jupyter_session_save.pickling import nans, pickler
from jupyter_session_save.pickling.nans import may_be_in, module_nan

from .restore import save


@pytest.fixture(autouse=True, params=["at once", "in parts"])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look through everything at once, and through a little at a time."""
    if request.param == "in parts":
        monkeypatch.setattr(nans, "_OBJECTS", 2)
        monkeypatch.setattr(nans, "_BYTES", 3)


def test_a_shared_nan_is_one_object_wherever_it_stands() -> None:
    nan = float("nan")
    r = save({"n": nan, "d": {nan: 1, (2, nan): 3}, "o": np.array([nan, "x"], dtype=object), "m": [math.nan]}).load()
    n = r["n"]
    assert r["d"][n] == 1 and r["d"][2, n] == 3 and r["o"][0] is n
    assert id(r["m"][0]) == id(math.nan) != id(n)


def test_the_nan_of_numpy_is_that_of_numpy() -> None:
    r = save({"d": {np.nan: 1}, "o": np.array([np.nan, None], dtype=object), "f": np.float64("nan")}).load()
    assert r["d"][np.nan] == 1 and id(r["o"][0]) == id(np.nan) and math.isnan(r["f"])


def test_nans_that_were_two_stay_two() -> None:
    one, other = float("nan"), -float("nan")
    r = save({"d": {one: 1, other: 2}, "l": [one, other]}).load()
    assert [r["d"][n] for n in r["l"]] == [1, 2]
    assert [math.copysign(1, n) for n in r["l"]] == [math.copysign(1, n) for n in (one, other)]


def test_numbers_that_are_no_float_of_python_keep_which_nan_they_are() -> None:
    n = np.float32("nan")
    r = save({"n": n, "d": {n: 1}}).load()
    assert r["d"][r["n"]] == 1


def test_nans_of_their_own_are_pickled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dumped, count = pickler._dumped, []

    def counted(*args: Any, **kwargs: Any) -> Any:
        count.append(1)
        return dumped(*args, **kwargs)

    monkeypatch.setattr(pickler, "_dumped", counted)
    save({"l": [float("nan") for _ in range(9)]})
    assert len(count) == 1
    shared = float("nan")
    save({"l": [shared, shared]})
    assert len(count) == 3


def test_a_nan_of_a_module_links_no_variables() -> None:
    parts = save({"one": [np.nan], "other": {"k": np.nan}, "n": [math.nan]}).parts
    assert sorted(part.names for part in parts) == [("n",), ("one",), ("other",)]


def test_without_the_module_any_nan_will_do() -> None:
    assert id(module_nan("numpy")) == id(np.nan)
    assert math.isnan(module_nan("no_such_module_anywhere"))


@pytest.mark.parametrize("part", [1, 2, 3, 1 << 20])
def test_a_stream_shows_that_a_nan_may_be_in_it(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nans, "_BYTES", part)
    for value in (math.nan, -math.nan):
        assert may_be_in([b"", pickle.dumps([1.5, value, 2.5], 5)])
    assert not may_be_in([pickle.dumps([1.5, math.inf, 0xF8, "\x7f\xf8", b"\x7f\xf8"], 5), b"\xf8", b"\xff\xf8"])
