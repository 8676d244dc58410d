"""Long texts in pieces, and huge containers of arrays in chunks: what they load to, and what they share."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from jupyter_session_save import bystanders
from jupyter_session_save.pickling import GiveWay, Scope, chunked, dumps, joining, pieces

from .cells import Held, restore
from .restore import Saved, cell, save


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few items be many."""
    monkeypatch.setattr(chunked, "MANY", 20)
    monkeypatch.setattr(chunked, "SAMPLE", 4)
    monkeypatch.setattr(chunked, "OBJECTS", 64)
    monkeypatch.setattr(pieces, "LONG", 1000)
    monkeypatch.setattr(pieces, "PIECE", 300)


def part_of(saved: Saved, name: str) -> Any:
    return next(part for part in saved.parts if name in part.names)


def in_chunks(namespace: Mapping[str, Any], name: str = "x") -> bool:
    return len(part_of(save(namespace), name).blobs) > 2


TEXTS = {
    "ascii": "abcdefgh" * 200,
    "latin": "ä\N{NO-BREAK SPACE}" * 800,
    "wide": "\N{SNOWMAN}\N{PILE OF POO}" * 800,
    "surrogates": "\ud83d\udca9x\udcff" * 400,
    "just longer": "x" * 1001,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_comes_back_from_its_pieces(name: str) -> None:
    text = TEXTS[name]
    saved = save({"x": text, "y": [text, text, {"k": text}]})
    for variable in ("x", "y"):
        assert [str(blob, *joining.ENCODING) for blob in part_of(saved, variable).blobs] == [
            text[at : at + 300] for at in range(0, len(text), 300)
        ]
    loaded = saved.load()
    assert loaded["x"] == text == loaded["y"][0]
    assert loaded["y"][0] is loaded["y"][1] is loaded["y"][2]["k"]


def test_a_text_keeps_no_encoding_of_itself() -> None:
    text = "ä" * random.Random(0).randrange(2000, 3000)
    size = sys.getsizeof(text)
    assert in_chunks({"x": text}) and sys.getsizeof(text) == size
    short = "ä" * 900
    size = sys.getsizeof(short)
    save({"x": short})
    assert sys.getsizeof(short) > size  # What the C pickler does to it.


def test_a_long_bytearray_comes_back_from_its_pieces_and_shares_its_memory() -> None:
    namespace = cell("import numpy as np\nx = bytearray(range(256)) * 9\na = np.frombuffer(x, 'u1')[5:]\nl = [x, x]")
    saved = save(namespace)
    assert {"x", "a", "l"} <= {*part_of(saved, "x").names} and len(part_of(saved, "x").blobs) > 5
    loaded = saved.load()
    assert loaded["x"] == namespace["x"] and loaded["l"][0] is loaded["l"][1] is loaded["x"]
    loaded["x"][7] = 99
    assert loaded["a"][2] == 99


def test_a_bytearray_may_grow_while_it_is_pickled() -> None:
    growing = bytearray(2000)
    steps = iter(range(7))

    class Growing(Scope):
        def pause(self) -> None:
            if next(steps, None) is not None:
                growing.append(1)

    payload = dumps({"x": growing}, Growing({}, {}, {}))
    assert sum(len(buffer.raw()) for buffer in payload.buffers) in (0, len(growing)) and not payload.problems
    growing.append(1)


def test_texts_stand_beside_containers_and_arrays() -> None:
    text, other = TEXTS["wide"], TEXTS["ascii"]
    rows = [[n, other] for n in range(100)]
    big = np.arange(5000.0)
    loaded = save({"x": {"rows": rows, "text": text, "also": [other]}}).load()["x"]
    assert loaded["rows"] == rows and loaded["text"] == text
    assert loaded["rows"][99][1] is loaded["rows"][0][1] is loaded["also"][0]
    loaded = save({"x": [text, big]}).load()["x"]
    assert loaded[0] == text and np.array_equal(loaded[1], big)


def test_a_text_is_in_pieces_whatever_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "MANY", 50_000)
    rows = [[[n] for n in range(5000)]]
    loaded = save({"x": {"rows": rows * 2, "text": TEXTS["wide"]}})
    assert len(part_of(loaded, "x").blobs) == -(-len(TEXTS["wide"]) // 300)
    found = loaded.load()["x"]
    assert found["rows"][0] is found["rows"][1] and found["text"] == TEXTS["wide"]


def test_an_append_to_a_text_is_one_piece() -> None:
    def stored(text: str) -> set[bytes]:
        return {bytes(blob) for blob in part_of(save({"x": text}), "x").blobs}

    text = "".join(map(chr, range(0x4E00, 0x5600)))
    assert len(stored(text + "more") - stored(text)) == 1


def test_a_piece_that_was_damaged_is_not_decoded() -> None:
    saved = save({"x": TEXTS["ascii"]})
    (part,) = saved.parts
    part.blobs[1] = b"X" + part.blobs[1][1:]  # type: ignore[index]
    with pytest.raises(AssertionError, match="differs from what was saved"):
        saved.attempt()


def test_each_piece_gives_room_for_something_better_to_do() -> None:
    steps: list[int] = []

    class Pausing(Scope):
        def pause(self) -> None:
            steps.append(0)

    text = TEXTS["ascii"]
    payload = dumps({"x": text}, Pausing({}, {}, {}))
    assert len(steps) > len(payload.buffers) == -(-len(text) // 300)
    assert payload.inner == {*range(len(payload.buffers))}

    class Leaving(Scope):
        def pause(self) -> None:
            raise GiveWay

    with pytest.raises(GiveWay):
        dumps({"x": text}, Leaving({}, {}, {}))


@pytest.mark.parametrize(
    "code",
    [
        "x = [np.arange(n % 7) for n in range(100)]",
        "x = {n: np.full((2, 3), n, order='F') for n in range(100)}",
        "x = [{'a': np.array([n], 'M8[s]'), 'b': np.array(['text', 'x' * n])} for n in range(100)]",
        "x = [(n, np.zeros(1, [('a', 'i4'), ('b', 'f8', 2)])) for n in range(100)]\nx[3][1].flags.writeable = False",
        "x = [np.array(n) for n in range(100)]\nkept = x[5], [x[70]]",
    ],
)
def test_arrays_that_own_their_elements_are_in_chunks(code: str) -> None:
    namespace = cell(f"import numpy as np\n{code}")
    assert in_chunks(namespace)
    loaded = save(namespace).load()
    assert repr(loaded["x"]) == repr(namespace["x"])
    if "kept" in namespace:
        assert loaded["kept"][0] is loaded["x"][5] and loaded["kept"][1][0] is loaded["x"][70]
    if "writeable" in code:
        assert not loaded["x"][3][1].flags.writeable and loaded["x"][4][1].flags.writeable


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("x = [[np.arange(4)[1:], n] for n in range(100)]", "True"),
        ("one = np.arange(400)\nx = [one[n : n + 4] for n in range(100)]\ndel one", "shares(x[0], x[1])"),
        ("one = np.arange(4)\nx = [[n, one] for n in range(100)]\ndel one", "x[0][1] is x[99][1]"),
        ("x = [np.array([n, [n]], dtype=object) for n in range(100)]", "x[7][1] == [7]"),
        ("class A(np.ndarray): pass\nx = [np.arange(4).view(A) for n in range(100)]", "type(x[0]) is A"),
    ],
)
def test_arrays_that_may_share_are_pickled_in_one_stream(code: str, same: str) -> None:
    namespace = cell(f"import numpy as np\nshares = np.shares_memory\n{code}")
    assert not in_chunks(namespace)
    assert eval(same, save(namespace).load())


def test_arrays_beside_a_huge_container_leave_it_in_chunks() -> None:
    code = "x = {'rows': [[n] for n in range(100)], 'few': few, 'many': np.arange(9000.0), 'part': few[1:]}"
    namespace = cell(f"import numpy as np\nfew = np.arange(4)\n{code}\ndel few")
    assert in_chunks(namespace)
    loaded = save(namespace).load()["x"]
    assert loaded["rows"] == namespace["x"]["rows"] and np.array_equal(loaded["many"], namespace["x"]["many"])
    loaded["part"][0] = -1
    assert [*loaded["few"]] == [0, -1, 2, 3]


@pytest.mark.parametrize("views", ["v = x[5][1:]", "v = [x[n][:1] for n in (4, 5)]", "v = x[5].T[::-1]; w = x[99]"])
def test_a_view_of_an_array_in_a_chunk_shows_it_after_the_load(views: str) -> None:
    namespace = cell(f"import numpy as np\nx = [np.arange(4) + n for n in range(100)]\n{views}")
    assert in_chunks(namespace)
    saved = save(namespace)
    assert {"x", "v"} <= {*part_of(saved, "x").names}
    loaded = saved.load()
    first = loaded["v"] if type(loaded["v"]) is np.ndarray else loaded["v"][1]
    first[0] = -1
    assert -1 in loaded["x"][5]
    if "w" in loaded:
        assert loaded["w"] is loaded["x"][99]


class Ticking(Scope):
    """Runs something now and then, as a thread may."""

    def __init__(self, act: Any) -> None:
        super().__init__({}, {}, {})
        self._act = act

    def pause(self) -> None:
        self._act()


def loaded_from(payload: Any) -> Any:
    held = Held(payload, ("x", "rest"))
    namespace: dict[str, Any] = {}
    restore([held], namespace)
    return namespace


@pytest.mark.parametrize("size", [1500, 200_000])
def test_a_bytearray_that_grows_is_stored_as_it_was(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    if size > 1500:
        monkeypatch.setattr(pieces, "LONG", 1 << 60)
    growing = bytearray(size)
    scope = Ticking(lambda: growing.append(1))
    found = loaded_from(dumps({"x": growing, "rest": [growing]}, scope))
    assert size <= len(found["x"]) <= len(growing) and found["rest"][0] is found["x"]
    assert not found["x"].strip(b"\0").strip(b"\1")


def test_a_bytearray_that_shrinks_is_pickled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LONG", 1 << 60)
    shrinking, steps = bytearray(200_000), iter(range(4))
    scope = Ticking(lambda: next(steps, None) is not None and shrinking.pop())
    found = loaded_from(dumps({"x": shrinking, "rest": [1]}, scope))
    assert found["x"] == shrinking and found["rest"] == [1]


def test_a_bytearray_that_a_thread_rewrites_is_one_of_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders, "are_there", lambda: True)
    data, steps = bytearray(2000), iter(range(1, 9))

    def rewrite() -> None:
        data[:] = bytes([next(steps, 9)]) * 2000

    found = loaded_from(dumps({"x": data, "rest": 1}, Ticking(rewrite)))
    assert len({*found["x"]}) == 1


@pytest.mark.parametrize("make", ["[nan] * 60", "{n: nan for n in range(60)}", "{(n, nan) for n in range(60)}"])
def test_a_nan_that_items_share_is_one_object(make: str) -> None:
    loaded = save(cell(f"nan = float('nan')\nx = {make}")).load()
    items = loaded["x"].values() if isinstance(loaded["x"], dict) else loaded["x"]
    assert {id(item[1] if isinstance(item, tuple) else item) for item in items} == {id(loaded["nan"])}


@pytest.mark.parametrize("stub", [types.ModuleType("numpy"), None])
def test_a_numpy_that_is_none_stops_no_save(monkeypatch: pytest.MonkeyPatch, stub: Any) -> None:
    namespace = cell("class A:\n    def __init__(self): self.x = 1\na = A(); x = [[n] for n in range(60)]")
    monkeypatch.setitem(sys.modules, "numpy", stub)
    loaded = save(namespace).load()
    assert loaded["a"].x == 1 and loaded["x"] == namespace["x"]
