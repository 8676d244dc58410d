"""numpy arrays: what they are, what they share, and that nothing is stored twice."""

from __future__ import annotations

import array as stdlib_array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_session_save.pickling.reducers import arrays

from .cells import Notebook, notebook
from .restore import Saved, again, save

DTYPES = [
    "?", "i1", "u1", "<i2", ">i2", "i4", "u8", ">u4", "f2", "f4", ">f8", "g", "c8", "c16", "S3", "U4", ">U2", "S0",
    "M8[ns]", "M8[D]", "m8[us]", "V5", "O", "M8",
    [("a", "i4"), ("b", ">f8")], [("a", "i4", (2, 2)), ("o", "O")],
    np.dtype([("x", "i1"), ("y", "f8")], align=True),
    np.dtype({"names": ["p", "q"], "formats": ["u1", "u1"], "offsets": [0, 5], "itemsize": 9}),
]  # fmt: skip
SHAPES = [(), (0,), (1,), (5,), (0, 3), (2, 0, 2), (3, 4), (2, 3, 4)]


def filled(dtype: Any, shape: tuple[int, ...]) -> Any:
    made = np.zeros(shape, dtype)
    count = made.size
    if made.dtype.hasobject:
        return made
    raw = np.arange(count * made.itemsize, dtype=np.uint8)
    if made.dtype.kind not in "bUMfcm" and made.nbytes:
        made = raw.view(made.dtype).reshape(shape).copy()
    elif made.dtype.kind in "fc":
        made[...] = np.arange(count).reshape(shape)
    elif made.dtype.kind == "U":
        made[...] = "ñ"
    elif made.dtype.kind == "b":
        made[...] = True
    return made


def same(one: Any, two: Any, *, strides: bool = True) -> None:
    assert type(one) is type(two)
    assert one.dtype == two.dtype and one.shape == two.shape
    if strides and one.nbytes:
        assert one.strides == two.strides
    assert one.flags.writeable == two.flags.writeable
    if one.dtype.hasobject or one.dtype.names:
        assert repr(one) == repr(two)  # What stands between the fields is nobody's.
    else:
        assert one.tobytes() == two.tobytes()


def stored(saved: Saved) -> int:
    return sum(len(p.data) + sum(map(len, p.blobs)) for p in saved.parts)


def moved(namespace: Mapping[str, Any], *, most: int | None = None) -> dict[str, Any]:
    """Save and load arrays; nothing may be a placeholder, and all must be the same."""
    saved = save(namespace)
    assert not saved.problems + saved.reconnected
    if most is not None:
        assert stored(saved) < most
    fresh = saved.load()
    for name, value in namespace.items():
        if isinstance(value, np.ndarray):
            same(value, fresh[name])
    return fresh


def starts(one: Any) -> int:
    return int(one.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_in_every_shape(dtype: Any) -> None:
    ns: dict[str, Any] = {f"a{i}": filled(dtype, shape) for i, shape in enumerate(SHAPES)}
    ns |= {f"f{i}": np.asfortranarray(ns[f"a{i}"]) for i in range(len(SHAPES)) if i}
    fresh = moved(ns)
    for value in fresh.values():
        if isinstance(value, np.ndarray) and not value.dtype.hasobject and value.base is None:
            assert value.flags.owndata


@pytest.mark.parametrize("dtype", ["f8", ">i4", "O", [("a", "i4"), ("b", "O")]], ids=str)
@pytest.mark.parametrize("shape", [(0,), (4,), (2, 3)])
def test_read_only_arrays_stay_read_only(dtype: Any, shape: tuple[int, ...]) -> None:
    value = np.zeros(shape, dtype)
    value.flags.writeable = False
    fresh = save({"value": value, "view": value[:]}).load()
    assert fresh["value"].shape == shape and fresh["value"].dtype == value.dtype
    assert not fresh["value"].flags.writeable
    assert not fresh["view"].flags.writeable


def test_a_read_only_view_of_a_writeable_array() -> None:
    base = np.arange(20.0)
    fixed = base[:]
    fixed.flags.writeable = False
    fresh = moved({"base": base, "fixed": fixed})
    fresh["base"][3] = 77
    assert fresh["fixed"][3] == 77


def test_a_writeable_view_of_a_read_only_array() -> None:
    base = np.arange(20.0)
    free = base[:]
    base.flags.writeable = False
    fresh = moved({"base": base, "free": free})
    fresh["free"][3] = 78
    assert fresh["base"][3] == 78


@pytest.mark.parametrize("size", [24, 24 * 2000], ids=["in the stream", "out of band"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_views_of_every_kind_share_their_memory(size: int, order: Any) -> None:
    base = np.arange(float(size)).reshape((4, -1), order=order)
    ns: dict[str, Any] = {
        "base": base,
        "row": base[1],
        "column": base[:, 2],
        "corner": base[1:3, 2:5],
        "turned": base.T,
        "back": base[::-1, ::-1],
        "steps": base[::2, ::-3],
        "none": base[2:2],
        "scalar": base[1, 1:2].reshape(()),
        "bytes": base.T.view("u1") if order == "F" else base.view("u1"),
        "flat": base.ravel("K"),
        "wide": np.broadcast_to(base, (2, *base.shape)),
        "still": np.broadcast_to(base[0, 0:1], (7,)),
    }
    fresh = moved(ns, most=size * 8 + 20_000)
    fresh["base"][...] = np.arange(float(size)).reshape(base.shape) * -1
    base[...] = np.arange(float(size)).reshape(base.shape) * -1
    for name, value in ns.items():
        same(value, fresh[name])
        if value.nbytes:
            assert starts(fresh[name]) - starts(fresh["base"]) == starts(value) - starts(base), name


def test_views_overlap_without_their_base() -> None:
    one = np.arange(50_000.0)
    ns = {"a": one[:40_000], "b": one[10_000:], "c": one[::-2]}
    del one
    fresh = moved(ns, most=50_000 * 8 + 20_000)
    fresh["a"][20_001] = -5
    assert fresh["b"][10_001] == -5
    assert np.shares_memory(fresh["a"], fresh["c"])


def test_a_view_of_a_view_is_a_view_of_the_owner() -> None:
    base = np.arange(1000.0)
    first = base[100:900]
    ns = {"base": base, "first": first, "second": first[::3][5:50]}
    fresh = moved(ns)
    fresh["base"][100 + 15] = -1
    assert fresh["second"][0] == -1 == fresh["first"][15]


def test_views_with_another_dtype_and_fields() -> None:
    records = np.zeros(100, [("a", "<i4"), ("b", ">f8")])
    ns = {"records": records, "a": records["a"], "b": records["b"], "both": records[["b"]], "raw": records.view("V12")}
    fresh = moved(ns)
    fresh["records"][7] = (5, 6.5)
    assert fresh["a"][7] == 5 and fresh["b"][7] == 6.5 and fresh["both"][7][0] == 6.5


def test_a_small_view_does_not_keep_a_large_base_that_nobody_else_sees() -> None:
    ns = {"few": np.arange(1_000_000.0)[5:10], "steps": np.arange(1_000_000)[::100_000]}
    fresh = moved_values(ns, most=20_000)
    assert fresh["few"].tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]
    assert fresh["steps"].tolist() == list(range(0, 1_000_000, 100_000))
    assert fresh["few"].flags.writeable


def moved_values(ns: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    saved = save(ns)
    assert not saved.problems and stored(saved) < most
    return saved.load()


def test_a_large_strided_view_is_stored_without_a_copy_of_it() -> None:
    every_other = np.zeros((2000, 400))[:, ::2]
    assert every_other.nbytes > arrays.COMPACT
    fresh = moved_values({"v": every_other}, most=every_other.nbytes * 2 + 20_000)
    assert np.array_equal(fresh["v"], every_other)


def test_small_arrays_own_their_memory_and_large_ones_need_not() -> None:
    fresh = moved({"small": np.arange(100), "fortran": np.asfortranarray(np.eye(20)), "big": np.arange(100_000)})
    assert fresh["small"].flags.owndata and fresh["fortran"].flags.owndata
    small = fresh.pop("small")
    small.resize(200, refcheck=False)
    assert small[150] == 0


@pytest.mark.parametrize("size", [100, 100_000])
def test_windows_that_overlap_are_windows_again(size: int) -> None:
    base = np.arange(float(size))
    ns = {
        "base": base,
        "windows": np.lib.stride_tricks.sliding_window_view(base, 50),
        "rows": np.lib.stride_tricks.as_strided(base[2:], (20, 4), (8, 16), writeable=True),
    }
    fresh = moved(ns, most=size * 8 + 20_000)
    fresh["base"][4] = -1
    assert fresh["windows"][0, 4] == fresh["windows"][4, 0] == -1 == fresh["rows"][0, 1]


def test_a_broadcast_is_not_spread_out() -> None:
    one = np.arange(10.0)
    ns = {"wide": np.broadcast_to(one, (100_000, 10)), "still": np.broadcast_to(np.array(7), (1000, 1000))}
    fresh = moved(ns, most=20_000)
    assert fresh["wide"][99_999].tolist() == one.tolist() and fresh["still"][5, 5] == 7


# Arrays of objects.


def test_arrays_of_objects_share_objects_and_memory() -> None:
    held = [1]
    base = np.array([[held, 2, None], [held, "x", held]], dtype=object)
    ns = {"base": base, "held": held, "row": base[1], "back": base[::-1, ::-1], "turned": base.T, "part": base[:, 1:]}
    fresh = moved(ns)
    assert fresh["base"][0, 0] is fresh["held"] is fresh["row"][0] is fresh["turned"][0, 1]
    fresh["base"][1, 1] = "changed"
    assert fresh["row"][1] == fresh["back"][0, 1] == fresh["turned"][1, 1] == fresh["part"][1, 0] == "changed"


def test_an_array_that_holds_itself() -> None:
    base = np.empty(3, object)
    base[0], base[1], base[2] = base, [base], {"base": base}
    fresh = save({"base": base, "view": base[1:]}).load()
    assert fresh["base"][0] is fresh["base"] is fresh["base"][1][0] is fresh["base"][2]["base"]
    fresh["base"][2] = "changed"
    assert fresh["view"][1] == "changed"


def test_records_that_hold_objects() -> None:
    base = np.zeros(4, [("n", "i4"), ("o", "O")])
    base["o"][:] = [[i] for i in range(4)]
    fresh = save({"base": base, "part": base[1:3]}).load()
    assert [r[1] for r in fresh["base"]] == [[0], [1], [2], [3]]
    assert fresh["part"]["o"][0] is fresh["base"]["o"][1]
    fresh["base"][1] = (9, "changed")
    assert fresh["part"][0].tolist() == (9, "changed")


def test_unpicklable_elements_cost_only_themselves() -> None:
    generator = (i for i in "ab")
    next(generator)
    base = np.array([1, generator, [3]], dtype=object)
    saved = save({"base": base})
    assert [p.type for p in saved.problems] == ["generator"]
    fresh = saved.load()["base"]
    assert fresh[0] == 1 and fresh[2] == [3]


# Memory that is not numpy's.


@pytest.mark.parametrize("size", [40, 40_000])
def test_arrays_on_a_bytearray_stay_on_it(size: int) -> None:
    data, numbers, fixed = bytearray(size), stdlib_array.array("i", range(size)), bytes(size)
    ns = {
        "data": data,
        "numbers": numbers,
        "on_data": np.frombuffer(data, "u1"),
        "offset": np.frombuffer(data, "<u2", 5, offset=4),
        "on_numbers": np.frombuffer(numbers, "i4"),
        "fixed": np.frombuffer(fixed, "u1"),
    }
    fresh = moved(ns)
    fresh["data"][4:6] = b"\x07\x01"
    fresh["on_numbers"][3] = -9
    assert fresh["on_data"][4] == 7 and fresh["offset"][0] == 263 and fresh["numbers"][3] == -9
    assert not fresh["fixed"].flags.writeable


def test_two_arrays_on_one_hidden_bytearray() -> None:
    data = bytearray(100)
    ns = {"one": np.frombuffer(data, "u1"), "two": np.frombuffer(data, "u1")[::-1]}
    del data
    fresh = save(ns).load()
    fresh["one"][0] = 5
    assert fresh["two"][-1] == 5


def test_memory_maps_are_mapped_again(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    made = np.memmap(path, "<i4", "w+", shape=(10, 5), order="F")
    made[:] = 3
    fixed = np.memmap(path, "<i4", "r", offset=8, shape=(3,))
    saved = save({"made": made, "fixed": fixed})
    assert {p.path for p in saved.reconnected} == {"made", "fixed"} and stored(saved) < 20_000
    assert all(str(path) in p.reason for p in saved.reconnected)
    fresh = saved.load()
    assert type(fresh["made"]) is np.memmap and fresh["made"].flags.f_contiguous and fresh["made"].shape == (10, 5)
    fresh["made"][:3, 0] = 8
    assert made[0, 0] == 8 and fresh["fixed"].tolist() == [8, 3, 3] and not fresh["fixed"].flags.writeable


def test_memory_maps_that_belong_to_no_file_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    np.arange(10, dtype="<i4").tofile(path)
    private = np.memmap(path, "<i4", "c")
    private[0] = 100
    saved = save({"private": private, "part": private[:2]})
    path.unlink()
    fresh = saved.load()
    assert fresh["private"].tolist() == [100, *range(1, 10)] and fresh["part"].tolist() == [100, 1]


def test_parts_of_memory_maps_are_parts_of_the_same_map_again(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    np.arange(10, dtype="<i4").tofile(path)
    view = np.memmap(path, "<i4", "r+")[2:5]
    plain = np.asarray(view)
    saved = save({"view": view, "plain": plain})
    assert {p.path for p in saved.reconnected} >= {"view"} and stored(saved) < 2000
    fresh = saved.load()
    assert type(fresh["view"]) is np.memmap and fresh["view"].filename == view.filename
    fresh["view"][0] = 77
    assert fresh["plain"].tolist() == [77, 3, 4]
    fresh["view"].flush()
    assert np.fromfile(path, "<i4").tolist() == [0, 1, 77, *range(3, 10)]


# Subclasses and company.


def test_masked_matrix_and_own_subclasses() -> None:
    masked = np.ma.masked_array(np.arange(5.0), [0, 1, 0, 0, 1])
    matrix = np.arange(4).reshape(2, 2).view(np.matrix)
    records = np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])
    fresh = save({"masked": masked, "matrix": matrix, "records": records}).load()
    assert fresh["masked"].tolist() == masked.tolist() and fresh["masked"].mask.tolist() == masked.mask.tolist()
    assert fresh["matrix"].tolist() == matrix.tolist() and type(fresh["matrix"]) is type(matrix)
    assert fresh["records"].a.tolist() == [1, 3] and type(fresh["records"]) is np.recarray


def test_subclasses_share_memory_with_their_parts_and_plain_arrays() -> None:
    matrix = np.arange(1, 5).reshape(2, 2).view(np.matrix)
    records = np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])
    mask = np.ma.array(np.arange(4.0), mask=[0, 1, 0, 0])
    values = {"matrix": matrix, "row": matrix[0], "plain": np.asarray(matrix), "records": records, "field": records.b}
    values |= {"one": records[1], "masked": mask, "hidden": mask.mask, "data": mask.data}
    fresh = save(values).load()
    fresh["row"][0, 0], fresh["field"][0], fresh["one"]["a"] = 9, 8, 7
    fresh["hidden"][0], fresh["data"][3] = True, 6
    assert fresh["matrix"].tolist() == [[9, 2], [3, 4]] == fresh["plain"].tolist()
    assert fresh["records"].tolist() == [(1, 8.0), (7, 4.0)] and type(fresh["one"]) is np.record
    assert fresh["masked"].tolist() == [None, None, 2.0, 6.0]
    assert save(fresh).load()["records"].tolist() == fresh["records"].tolist()


def test_a_part_of_a_large_record_array_brings_no_more_than_itself() -> None:
    part = np.zeros(50_000, [("a", "f8"), ("b", "f8")]).view(np.recarray)[5:8]
    saved = save({"part": part})
    assert stored(saved) < 3000 and saved.load()["part"].a.tolist() == [0, 0, 0]


def test_attributes_of_subclasses_of_the_users() -> None:
    cell = """
        import numpy as np

        class Signal(np.ndarray):
            def __array_finalize__(self, other):
                self.rate = getattr(other, "rate", None)

        whole = np.arange(5.0).view(Signal)
        whole.rate = 44
        part = whole[1:3]
        part.rate = whole
        things = np.array([whole, None], object).view(Signal)
        """
    with notebook(cell) as first:
        second = first.move()
        second.check("part.rate is whole", "whole.rate == 44", "type(part) is Signal", "type(things) is Signal")
        second.run("part[0] = 9").check("whole.tolist() == [0, 9, 2, 3, 4]")


def test_iterators_functions_and_archives_of_numpy(tmp_path: Path) -> None:
    flat = np.arange(4).flat
    next(flat)
    both = np.broadcast(np.arange(3), np.arange(2)[:, None])
    next(both)
    np.savez(tmp_path / "z.npz", a=np.arange(3))
    with np.load(tmp_path / "z.npz") as archive, np.load(tmp_path / "z.npz") as closed:
        closed.close()
        values = {"flat": flat, "both": both, "archive": archive, "closed": closed, "limits": np.finfo("f4")}
        saved = save(values | {"twice": np.frompyfunc(str.upper, 1, 1), "add": np.add})
    fresh = saved.load()
    assert next(fresh["flat"]) == 1 and next(fresh["both"]) == (1, 0) and fresh["limits"] is np.finfo("f4")
    assert fresh["twice"](["a"]).tolist() == ["A"] and fresh["add"] is np.add
    with fresh["archive"]:
        assert fresh["archive"]["a"].tolist() == [0, 1, 2] and fresh["closed"].zip is None


def test_scalars_dtypes_and_generators() -> None:
    rng = np.random.default_rng(7)
    rng.random(3)
    values = {"f": np.float32(1.5), "d": np.dtype(">i4"), "t": np.datetime64("2020-01-02"), "rng": rng}
    fresh = save(values).load()
    assert fresh["f"].dtype == "f4" and fresh["d"] == np.dtype(">i4") and fresh["t"] == values["t"]
    assert fresh["rng"].random(5).tolist() == rng.random(5).tolist()


# A namespace that was loaded is saved and loaded again, from mapped memory.

CELL = """
import numpy as np
base = np.arange(300_000.0)
view, back, part = base[1000:2000], base[::-1], base[5:].reshape(5, -1)[:, :7]
fortran = np.asfortranarray(np.arange(200_000.0).reshape(400, 500))
row = fortran[3]
fixed = np.arange(200_000); fixed.flags.writeable = False
objects = np.array([[1], None, 'x'], dtype=object); tail = objects[1:]
data = bytearray(200_000); on_data = np.frombuffer(data, 'u1')
small = np.arange(10); few = small[2:4]
"""

CHECKS = [
    "view.base is not None and np.shares_memory(view, base)",
    "np.shares_memory(back, base) and np.shares_memory(part, base)",
    "np.shares_memory(row, fortran) and fortran.flags.f_contiguous",
    "not fixed.flags.writeable and fixed[-1] == 199_999",
    "np.shares_memory(on_data, np.frombuffer(data, 'u1'))",
    "np.shares_memory(few, small)",
    "back[0] == base[-1] and view[0] == base[1000] and part[0, 0] == base[5]",
]


def test_a_second_and_a_third_generation() -> None:
    with notebook(CELL) as first:
        generation: Notebook = first
        for step in range(3):
            generation.check(*CHECKS)
            generation.run(f"base[1000] = {step}.5; objects[2] = {step}; data[7] = {step}; row[2] = {step}; few[0] = 9")
            generation.check(f"view[0] == {step}.5", f"tail[1] == {step}", f"on_data[7] == {step}")
            generation.check(f"fortran[3, 2] == {step}", "small[2] == 9")
            generation = generation.move()
            generation.check(f"view[0] == {step}.5", f"tail[1] == {step}", f"on_data[7] == {step}", "small[2] == 9")


def test_a_loaded_namespace_is_not_written_again() -> None:
    with notebook(CELL) as first:
        first.save()
        second = first.fresh()
        second.load()
        report = second.save("again")
        assert report.bytes_new < 50_000, report
        assert report.bytes_total < 2 * (300_000 + 200_000 + 200_000) * 8


# Masked arrays.


def test_masked_arrays_keep_what_they_share_and_whether_it_was_asked() -> None:
    data = np.arange(50_000.0)
    plain = np.ma.masked_array(data)
    some = np.ma.masked_array(data, data % 3 == 0, hard_mask=True, fill_value=-1)
    part = some[10:20]
    saved = save({"data": data, "plain": plain, "some": some, "part": part, "mask": some.mask, "again": some})
    assert not saved.problems and stored(saved) < 50_000 * 9 + 20_000
    fresh = saved.load()
    assert fresh["plain"]._mask is np.ma.nomask and fresh["plain"]._fill_value is None
    assert fresh["again"] is fresh["some"] and fresh["some"].hardmask and fresh["some"].fill_value == -1
    for name in ("plain", "some", "part"):
        before, after = locals()[name], fresh[name]
        assert type(after) is np.ma.MaskedArray and after.sharedmask == before.sharedmask
        assert np.array_equal(np.ma.getmaskarray(after), np.ma.getmaskarray(before))
    fresh["data"][11] = -7
    assert fresh["some"][11] == fresh["part"][1] == fresh["plain"][11] == -7
    assert np.shares_memory(fresh["part"]._mask, fresh["some"]._mask)
    assert np.shares_memory(fresh["mask"], fresh["some"]._mask)


@pytest.mark.parametrize("dtype", ["O", "M8[ns]", "S3", [("a", "i4"), ("b", "f8")], [("a", "i4"), ("o", "O")]], ids=str)
def test_masked_arrays_of_every_kind(dtype: Any) -> None:
    made = np.ma.masked_all((2, 3), dtype)
    fixed = np.ma.masked_array(np.zeros(3, dtype))
    fixed.flags.writeable = False
    fresh = save({"made": made, "fixed": fixed, "few": np.ma.masked_array(np.zeros(1000, dtype))[3:5]}).load()
    assert fresh["made"].dtype == made.dtype and fresh["made"].mask.tolist() == made.mask.tolist()
    assert fresh["made"].mask.dtype == made.mask.dtype and fresh["few"].shape == (2,)
    assert not fresh["fixed"].flags.writeable and repr(fresh["fixed"]) == repr(fixed)


def test_a_small_masked_part_does_not_keep_a_large_array_that_nobody_else_sees() -> None:
    fresh = moved_values({"few": np.ma.masked_array(np.arange(1_000_000.0))[5:10]}, most=20_000)
    assert fresh["few"].tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]


def test_a_masked_array_over_a_matrix_is_left_to_numpy() -> None:
    matrix = np.ma.masked_array(np.arange(4.0).reshape(2, 2).view(np.matrix), [[0, 1], [0, 0]])
    fresh = save({"matrix": matrix}).load()["matrix"]
    assert type(fresh.data) is np.matrix and fresh.mask.tolist() == matrix.mask.tolist()
    assert fresh.data.tolist() == matrix.data.tolist()


# Memory that cannot be written by everybody, and objects that hold views of what holds them.


def test_an_array_that_holds_views_of_itself() -> None:
    base = np.empty(3, object)
    base[0], base[1], base[2] = 5, base[1:], base[::-1]
    saved = save({"base": base})
    assert not saved.problems
    fresh = saved.load()["base"]
    fresh[0] = "changed"
    assert fresh[2][2] == "changed" and fresh[1][0] is fresh[1]


@pytest.mark.parametrize("dtype", ["O", "f8", {"names": ["a", "b"], "formats": ["u2", "u1"], "offsets": [0, 1]}])
@pytest.mark.parametrize("size", [10, 10_000, 100_000])
def test_views_that_can_be_written_of_arrays_that_cannot(dtype: Any, size: int) -> None:
    fixed = np.zeros(size, dtype)
    ns: dict[str, Any] = {"fixed": fixed, "free": fixed[1:]}
    fixed.flags.writeable = False
    for _ in range(3):
        ns = save(ns).load()
        assert ns["free"].flags.writeable and not ns["fixed"].flags.writeable
        ns["free"][0] = 1
        assert ns["fixed"][1] == ns["free"][0]


def test_fields_of_an_array_with_objects_are_views_of_it() -> None:
    whole = np.zeros(5, dtype=[("a", "i4"), ("b", "f8", (2,)), ("c", "O")])
    whole["c"] = [[1], [2], None, "x", 5]
    values = {"whole": whole, "a": whole["a"], "b": whole["b"], "c": whole["c"], "ab": whole[["a", "b"]]}
    values |= {"some": whole[1:4]["a"], "back": whole["c"][::-2]}
    fresh = save(values).load()
    for name, value in values.items():
        assert repr(fresh[name]) == repr(value) and fresh[name].strides == value.strides
        assert np.shares_memory(fresh[name], fresh["whole"]), name
    fresh["a"][2] = 7
    assert fresh["whole"][2]["a"] == fresh["some"][1] == fresh["ab"]["a"][2] == 7
    fresh["back"][0] = "last"
    assert fresh["c"][4] == fresh["whole"]["c"][4] == "last"


def test_elements_are_the_same_kinds_of_objects_again() -> None:
    elements = [np.array(5), np.array([1, 2]), [1, 2], np.float32(2), None, ()]
    value = np.empty((2, 3), object)
    for position, element in enumerate(elements):
        value.reshape(-1)[position : position + 1] = np.array([element, None], object)[:1] if position > 3 else None
    value[0, 0], value[0, 1], value[0, 2] = [elements[0]], elements[1], elements[2]
    for order in ("C", "F"):
        fresh = save({"value": value.copy(order)}).load()["value"]
        assert repr(fresh) == repr(value) and fresh.strides == value.copy(order).strides
        assert [type(e) for e in fresh.flat] == [type(e) for e in value.flat]


def test_windows_of_windows_share_their_memory() -> None:
    base = np.arange(100.0)
    windows = np.lib.stride_tricks.sliding_window_view(base, 10)
    fresh = moved({"base": base, "windows": windows, "row": windows[3], "turned": windows.T[::2]})
    fresh["base"][3] = -1
    assert fresh["row"][0] == -1 == fresh["windows"][0, 3] == fresh["turned"][0, 3]


@pytest.mark.parametrize("order", ["C", "F", "K"])
@pytest.mark.parametrize("dtype", ["f8", ">i2", "?", "M8[D]", "S3", "U2", [("a", "i1"), ("b", "f8")]], ids=str)
def test_small_arrays_in_memory_of_their_own_come_back(order: Any, dtype: Any) -> None:
    numbers = np.zeros((2, 3, 4), dtype)
    numbers.reshape(-1).view("u1")[::3] = 1
    array = numbers.transpose(2, 0, 1).copy(order)
    assert array.base is None
    for writeable in (True, False):
        array.flags.writeable = writeable
        loaded = again(array)
        assert loaded.tobytes() == array.tobytes() and loaded.dtype == array.dtype and loaded.shape == array.shape
        assert loaded.flags.f_contiguous == array.flags.f_contiguous and loaded.flags.writeable is writeable
        assert loaded.base is None


@pytest.mark.parametrize(
    "view",
    [
        "np.frombuffer(memory, 'u1')[9:20]",
        "np.asarray(memory)[9:20]",
        "np.ndarray(20, 'u1', memory)[9:15]",
        "np.frombuffer(memory, 'u1').reshape(-1, 2)[:, 1][4:9]",
        "np.lib.stride_tricks.as_strided(np.frombuffer(memory, 'u1'), (90,), (1,))[9:30]",
    ],
)
@pytest.mark.parametrize("memory", ["bytearray(100)", "array.array('B', bytes(100))"])
def test_a_short_part_of_what_shows_a_buffer_goes_on_showing_it(memory: str, view: str) -> None:
    with notebook(f"import array, numpy as np\nmemory = {memory}\nv = {view}") as first:
        second = first.move()
    second.run("memory[9] = 7; memory[10] = 8")
    first.run("memory[9] = 7; memory[10] = 8")
    assert second["v"].tolist() == first["v"].tolist() and {7, 8} & {*second["v"].tolist()}
