"""pandas: every dtype comes back, and writes reach what they reached before and nothing else."""

from __future__ import annotations

import datetime
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .restore import save

TIMES = pd.date_range("2024-01-01", periods=3, freq="h", tz="Europe/Berlin")

COLUMNS: dict[str, Any] = {
    "int64": [1, 2, 3],
    "int8": np.array([1, 2, 3], "i1"),
    "uint64": np.array([1, 2, 2**63], "u8"),
    "float": [1.5, np.nan, np.inf],
    "float32": np.array([1, 2, 3], "f4"),
    "complex": [1j, 2, 3],
    "bool": [True, False, True],
    "object": [[1], {"k": (2,)}, None],
    "mixed": [1, "a", 2.5],
    "text": ["a", "ñ", None],
    "string": pd.array(["a", None, "c"], dtype="string"),
    "Int64": pd.array([1, None, 3], dtype="Int64"),
    "Float64": pd.array([1.5, None, 3], dtype="Float64"),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "category": pd.Categorical(["a", "b", "a"], categories=["b", "a", "c"], ordered=True),
    "datetime": TIMES.tz_localize(None),
    "datetime in seconds": np.array(["2024-01-01"] * 3, "M8[s]"),
    "datetime with zone": TIMES,
    "timedelta": pd.to_timedelta([1, 2, None], unit="D"),
    "period": pd.period_range("2024-01", periods=3, freq="M"),
    "interval": pd.interval_range(0, 3),
    "sparse": pd.arrays.SparseArray([0, 0, 1]),
    "dates": [datetime.date(2024, 1, i) for i in (1, 2, 3)],
}


def moved(**namespace: Any) -> dict[str, Any]:
    saved = save(namespace)
    assert not saved.problems + saved.reconnected
    return {name: value for name, value in saved.load().items() if not name.startswith("__")}


def frame(rows: int = 4) -> pd.DataFrame:
    return pd.DataFrame({"k": np.arange(float(rows)), "l": np.arange(float(rows)), "n": range(rows), "t": ["x"] * rows})


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_dtype_comes_back(kind: str) -> None:
    series = pd.Series(COLUMNS[kind], name=kind)
    whole = pd.DataFrame({kind: series, "other": [1, 2, 3]})
    fresh = moved(series=series, whole=whole, array=series.array, index=pd.Index(series), alone=series.iloc[1:])
    pd.testing.assert_series_equal(fresh["series"], series, check_freq=True)
    pd.testing.assert_frame_equal(fresh["whole"], whole)
    pd.testing.assert_series_equal(fresh["alone"], series.iloc[1:])
    pd.testing.assert_index_equal(fresh["index"], pd.Index(series), exact=True)
    assert type(fresh["array"]) is type(series.array) and fresh["array"].dtype == series.array.dtype
    fresh["whole"].loc[0, "other"] = 9
    assert fresh["whole"]["other"].tolist() == [9, 2, 3]


def test_a_part_of_an_arrow_column_is_stored_without_the_rest() -> None:
    whole = pd.Series([f"text number {n}" for n in range(100_000)], dtype="str")
    part, joined = whole.iloc[50_000:50_010], pd.concat([whole.iloc[:3], whole.iloc[7:9]])
    saved = save({"part": part.array, "joined": joined})
    assert sum(len(p.data) + sum(map(len, p.blobs)) for p in saved.parts) < 10_000
    fresh = saved.load()
    assert list(fresh["part"]) == list(part)
    pd.testing.assert_series_equal(fresh["joined"], joined)


def test_a_buffer_that_the_user_holds_on_arrow_memory_comes_back_as_one() -> None:
    pa = pytest.importorskip("pyarrow")
    memory = pa.py_buffer(b"some memory")
    fresh = save({"memory": memory, "held": [memory, pickle.PickleBuffer(memory)]}).load()
    below, held = fresh["held"]
    assert fresh["memory"] is below and type(below) is pa.Buffer and below.to_pybytes() == b"some memory"
    assert type(held) is pickle.PickleBuffer and bytes(held) == b"some memory"


def test_frames_of_the_same_dtypes_are_stored_apart() -> None:
    shared = ("object", "category", "sparse")  # lists, categories and places of values that really are in both
    names = [kind for kind in COLUMNS if kind not in shared]
    made = {f"{n}": pd.DataFrame({kind: pd.Series(COLUMNS[kind]).copy() for kind in names}) for n in "ab"}
    for frame in made.values():
        frame.to_numpy(), frame["Int64"] + 1, frame["boolean"].sum()  # what they work out is kept with the dtype
    saved = save(made)
    assert sorted(part.names for part in saved.parts) == [("a",), ("b",)]
    fresh = saved.load()
    pd.testing.assert_frame_equal(fresh["a"], made["a"])
    assert fresh["a"]["Int64"].dtype.itemsize == 8


INDEXES: dict[str, Any] = {
    "range": pd.RangeIndex(2, 8, 2),
    "int": pd.Index([3, 1, 2], name="i"),
    "text": pd.Index(["a", "b", "c"]),
    "datetime": TIMES,
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["x", None]),
    "categorical": pd.CategoricalIndex(["a", "b", "a"]),
    "interval": pd.interval_range(0, 3),
    "duplicated": pd.Index([1, 1, 1]),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_every_index_comes_back_and_is_shared(kind: str) -> None:
    index = INDEXES[kind]
    one, two = pd.DataFrame({"a": [1, 2, 3]}, index=index), pd.Series([4, 5, 6], index=index)
    fresh = moved(one=one, two=two, index=index)
    pd.testing.assert_index_equal(fresh["index"], index, exact=True)
    pd.testing.assert_frame_equal(fresh["one"], one)
    pd.testing.assert_series_equal(fresh["two"], two)
    columns = one.T
    pd.testing.assert_frame_equal(moved(columns=columns)["columns"], columns)


EMPTY = [
    pd.DataFrame(),
    pd.DataFrame(index=[1, 2]),
    pd.DataFrame(columns=["a", "b"]),
    pd.DataFrame({"a": [1.5], "b": ["x"]}).iloc[:0],
]


@pytest.mark.parametrize("position", range(len(EMPTY)))
def test_frames_without_rows_or_columns(position: int) -> None:
    empty = EMPTY[position]
    fresh = moved(empty=empty)["empty"]
    pd.testing.assert_frame_equal(fresh, empty)
    fresh["new"] = 1
    assert "new" in fresh.columns


def test_attributes_flags_and_names_travel() -> None:
    made = frame()
    made.attrs["unit"] = ["m"]
    made.columns.name = "what"
    named = frame().set_flags(allows_duplicate_labels=False)
    fresh = moved(made=made, named=named)
    assert fresh["made"].attrs == {"unit": ["m"]} and fresh["made"].columns.name == "what"
    assert not fresh["named"].flags.allows_duplicate_labels


def test_columns_that_were_added_one_by_one() -> None:
    made = frame()
    for i in range(5):
        made[f"c{i}"] = i
    del made["l"]
    made.insert(0, "first", ["a"] * len(made))
    pd.testing.assert_frame_equal(moved(made=made)["made"], made)


# What one name writes, and who sees it. Each maker gives names; each write goes to one of them.


def slices() -> dict[str, Any]:
    source = frame()
    return {"source": source, "whole": source[:], "head": source.head(2), "columns": source[["k", "l"]]}


def series() -> dict[str, Any]:
    source = frame()
    return {
        "source": source,
        "k": source["k"],
        "same": source["k"],
        "tail": source["k"].iloc[1:],
        "row": source.iloc[1],
    }


def shallow() -> dict[str, Any]:
    source = frame()
    return {"source": source, "shallow": source.copy(deep=False), "deep": source.copy(), "itself": source}


def renamed() -> dict[str, Any]:
    source = frame()
    made = {
        "source": source,
        "renamed": source.rename(columns={"k": "kk"}),
        "reset": source.reset_index(drop=True),
        "assigned": source.assign(m=1),
        "dropped": source.drop(columns="n"),
    }
    return {**made, "chained": made["renamed"].set_axis(list("abcd"), axis=0)}


def of_a_series() -> dict[str, Any]:
    source = pd.Series(np.arange(5.0), name="k")
    return {"source": source, "frame": source.to_frame(), "part": source[1:3], "named": source.rename("other")}


def of_a_dict() -> dict[str, Any]:
    k = pd.Series(np.arange(4.0), name="k")
    return {"k": k, "frame": pd.DataFrame({"k": k, "l": k}), "joined": pd.concat([k, k], axis=1)}


def of_an_index() -> dict[str, Any]:
    index = pd.Index(np.arange(4.0))
    return {"index": index, "values": index.to_series(), "frame": index.to_frame(), "again": pd.Series(index)}


def of_an_array() -> dict[str, Any]:
    source = np.arange(8.0).reshape(4, 2)
    over = pd.DataFrame(source, columns=["k", "l"], copy=False)
    return {"array": source, "over": over, "view": over[:], "copy": pd.DataFrame(source, columns=["k", "l"], copy=True)}


def extension() -> dict[str, Any]:
    source = pd.DataFrame({"k": pd.array([1, 2, None], "Int64"), "c": pd.Categorical(["a", "b", "a"])})
    return {"source": source, "view": source[:], "k": source["k"], "c": source["c"]}


MAKERS = [slices, series, shallow, renamed, of_a_series, of_a_dict, of_an_index, of_an_array, extension]


def write(value: Any, step: int) -> None:
    if isinstance(value, pd.DataFrame | pd.Series):
        number = 100 + step
        if isinstance(value, pd.DataFrame):
            value.iloc[0, 0] = number
            value.iloc[-1, 0] = number + 50
        else:
            value.iloc[0] = "b" if value.dtype == "category" else number
    elif isinstance(value, np.ndarray):
        value[0, 0] = 200 + step


def shown(namespace: Mapping[str, Any]) -> dict[str, str]:
    return {name: repr(value) for name, value in namespace.items()}


@pytest.mark.parametrize("maker", MAKERS, ids=lambda f: f.__name__)
def test_writes_show_where_they_showed_before(maker: Any) -> None:
    for first in maker():
        for second in maker():
            original = maker()
            fresh = moved(**original)
            assert shown(fresh) == shown(original)
            for name, value in fresh.items():
                assert (value is fresh[first]) == (original[name] is original[first])
            for step, name in enumerate([first, second, first]):
                write(original[name], step)
                write(fresh[name], step)
                assert shown(fresh) == shown(original), (first, second, step)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda f: f.__name__)
def test_writes_show_where_they_showed_after_two_moves(maker: Any) -> None:
    for name in maker():
        original = maker()
        once = moved(**original)
        twice = moved(**once)
        for step in range(2):
            write(original[name], step)
            write(twice[name], step)
            assert shown(twice) == shown(original), (name, step)
        assert shown(once) == shown(maker())


def test_an_index_is_not_changed_through_a_series_that_shares_its_values() -> None:
    index, series = pd.Index(np.arange(3.0)), pd.Series(np.arange(3.0))
    fresh = moved(index=index, of_index=pd.Series(index), series=series, of_series=pd.Index(series))
    fresh["of_index"].iloc[0] = 99
    fresh["series"].iloc[0] = 99
    assert fresh["index"].tolist() == [0, 1, 2] == fresh["of_series"].tolist()
    assert fresh["of_index"].tolist() == [99, 1, 2] == fresh["series"].tolist()


def test_a_frame_that_shares_with_nobody_is_written_in_place() -> None:
    fresh = moved(alone=pd.DataFrame({"a": np.arange(100_000.0), "b": np.arange(100_000.0)}))["alone"]
    before = fresh._mgr.blocks[0].values.__array_interface__["data"]
    fresh.iloc[0, 0] = 5
    assert fresh._mgr.blocks[0].values.__array_interface__["data"] == before


def test_shared_frames_are_stored_once() -> None:
    source = pd.DataFrame(np.zeros((100_000, 4)))
    saved = save({"source": source, "view": source[:], "half": source.iloc[50_000:], "one": source[2]})
    assert sum(len(p.data) + sum(map(len, p.blobs)) for p in saved.parts) < 100_000 * 4 * 8 + 30_000
    assert not saved.problems


def test_what_was_deleted_leaves_no_trace() -> None:
    source = frame()
    kept = source["k"]
    del source
    fresh = moved(kept=kept)["kept"]
    before = fresh._mgr.blocks[0].values.__array_interface__["data"]
    fresh.iloc[0] = 9
    assert fresh.tolist() == [9, 1, 2, 3] and kept.tolist() == [0, 1, 2, 3]
    # Nobody else refers to the block any more, so that nothing was copied.
    assert fresh._mgr.blocks[0].values.__array_interface__["data"] == before


def test_groups_and_windows_go_on() -> None:
    source = pd.DataFrame({"g": ["a", "b", "a"], "v": [1, 2, 3]})
    grouped, window = source.groupby("g"), source["v"].rolling(2)
    fresh = moved(source=source, grouped=grouped, window=window)
    assert fresh["grouped"]["v"].sum().tolist() == [4, 2]
    assert fresh["window"].sum().tolist()[1:] == [3, 5]
    assert fresh["grouped"].obj is fresh["source"]
