"""What records say of themselves."""

from __future__ import annotations

from dataclasses import replace

from jupyter_session_save.snapshot import Component, Part, Snapshot

EXAMPLE = Snapshot("sales", sequence=7, components=(Component(("a",), Part("0" * 64, 3)),))


def test_reference_and_size() -> None:
    assert EXAMPLE.reference == "sales@7"
    part = Part("1" * 64, 5)
    twice = replace(EXAMPLE, components=(*EXAMPLE.components, Component(("b",), part, (part,))))
    assert twice.size == 8
    patched = Part("2" * 64, 5, base="1" * 64, patches=((1, Part("3" * 64, 2)),))
    assert replace(twice, components=(*twice.components, Component(("c",), patched))).size == 10


def test_what_a_snapshot_came_from() -> None:
    late = Snapshot("sales", sequence=9, parent=7, line=((1, 3), (5, 6)))
    assert [n for n in range(12) if late.came_from(n)] == [1, 2, 3, 5, 6, 7]


def test_only_an_autosave_says_what_is_older_than_its_cell() -> None:
    said = Snapshot("s", cell=3, message="older than this cell: a, b")
    assert said.late == ("a", "b")
    assert replace(said, cell=None).late == replace(said, message="older").late == ()
