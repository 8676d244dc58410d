"""Contents that are given and put back in place."""

from __future__ import annotations

from typing import Any

from jupyter_session_save.rewinding import keep, take_on


class Shy(type):
    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("not to be asked")


def test_containers_get_their_contents_back() -> None:
    rows: list[Any] = [1, 2]
    table = {"a": 1}
    back = [keep(rows), keep(table)]
    rows.append(3)
    table["b"] = 2
    assert take_on(rows, [9])
    assert rows == [9]
    for put_back in back:
        assert put_back is not None
        put_back()
    assert (rows, table) == ([1, 2], {"a": 1})


def test_a_class_that_does_not_say_where_it_is_from_is_left_alone() -> None:
    kind: Any = Shy("Kind", (), {})
    assert keep(kind) is None
    assert keep(kind()) is None
