"""Records come back from their JSON, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save.errors import DamagedError, FormatError
from jupyter_session_save.snapshot import (
    FORMAT,
    Component,
    Environment,
    Part,
    Problem,
    Snapshot,
    Variable,
)
from jupyter_session_save.statement import Lineage, Statement

texts = st.text(max_size=8)
sizes = st.integers(0, 2**62)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
parts = st.builds(Part, digests, sizes, st.none() | digests, sizes, sizes, st.sampled_from(["raw", "zstd"]))


def rows(what: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(what, max_size=3).map(tuple)


def components(names: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[Component]:
    return st.builds(
        Component,
        names=names,
        stream=parts,
        buffers=rows(parts),
        refs=rows(texts),
        modules=rows(texts),
        defines=st.booleans(),
    )


variables = st.builds(
    Variable,
    name=texts,
    type=texts,
    shape=texts,
    size=sizes,
    state=st.sampled_from(["saved", "reconnected", "placeholder"]),
    problems=rows(st.builds(Problem, texts, texts, texts, texts)),
)
numbers = st.dictionaries(texts, rows(st.integers(0, 9)), max_size=3)
statements = st.builds(Statement, st.integers(0, 9), texts, rows(texts), numbers, rows(texts), texts)
snapshots = st.builds(
    Snapshot,
    name=texts,
    sequence=st.integers(0, 10**6),
    created=texts,
    message=texts,
    parent=st.none() | st.integers(0, 10**6),
    environment=st.builds(Environment, texts, texts, texts, st.dictionaries(texts, texts, max_size=3)),
    variables=rows(variables),
    components=rows(components(rows(texts))),
    state=rows(components(st.tuples(texts))),
    signature=texts,
    lineage=st.builds(Lineage, rows(statements), numbers),
)

EXAMPLE = Snapshot(
    "sales",
    sequence=7,
    components=(Component(("a",), Part("0" * 64, 3)),),
    variables=(Variable("a", "int", problems=(Problem("a", "t", "r"),)),),
    signature="s",
)


def test_a_record_without_state_is_signed_as_before_there_was_any() -> None:
    assert "state" not in json.loads(EXAMPLE.signed_bytes())
    state = (Component(("random",), Part("1" * 64, 4)),)
    with_state = json.loads(replace(EXAMPLE, state=state).to_json())
    assert with_state["state"] == [[["random"], ["1" * 64, 4, None, 0, 0, "raw"], [], [], [], False, []]]


@given(snapshots)
def test_a_record_comes_back(snapshot: Snapshot) -> None:
    again = Snapshot.from_json(snapshot.to_json(), source="here")
    assert again == snapshot
    assert again.to_json() == snapshot.to_json()
    assert again.signed_bytes() == snapshot.signed_bytes()


@given(snapshots, texts)
def test_a_signature_covers_all_but_itself(snapshot: Snapshot, text: str) -> None:
    signed = snapshot.signed_bytes()
    assert replace(snapshot, signature=text).signed_bytes() == signed
    assert replace(snapshot, message=snapshot.message + "!").signed_bytes() != signed
    assert replace(snapshot, sequence=snapshot.sequence + 1).signed_bytes() != signed
    environment = replace(snapshot.environment, python=snapshot.environment.python + "!")
    assert replace(snapshot, environment=environment).signed_bytes() != signed


def test_the_json_is_pinned() -> None:
    """Old stores must stay readable: whoever changes this changes FORMAT."""
    raw = json.loads(EXAMPLE.to_json())
    assert raw == {
        "name": "sales",
        "sequence": 7,
        "created": "",
        "message": "",
        "parent": None,
        "signature": "s",
        "format": FORMAT,
        "environment": {"python": "", "implementation": "", "platform": "", "packages": {}, "paths": {}},
        "components": [[["a"], ["0" * 64, 3, None, 0, 0, "raw"], [], [], [], False, []]],
        "variables": [["a", "int", "", 0, "saved", [["a", "t", "r", ""]], ""]],
    }
    assert EXAMPLE.to_json().isascii()


def test_reference_and_size() -> None:
    assert EXAMPLE.reference == "sales@7"
    part = Part("1" * 64, 5)
    twice = replace(EXAMPLE, components=(*EXAMPLE.components, Component(("b",), part, (part,))))
    assert twice.size == 8


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"%PDF-1.7", b"[" * 100_000, EXAMPLE.to_json()[:-5]],
)
def test_other_bytes_are_no_snapshot(data: bytes) -> None:
    with pytest.raises(DamagedError, match=r"^sessions/a/1\.json is not a snapshot"):
        Snapshot.from_json(data, source="sessions/a/1.json")


@pytest.mark.parametrize("version", [FORMAT + 1, 0, "1", None, 1.5])
def test_other_formats_are_refused(version: object) -> None:
    raw = json.loads(EXAMPLE.to_json()) | {"format": version}
    with pytest.raises(FormatError, match="upgrade"):
        Snapshot.from_json(json.dumps(raw).encode(), source="here")


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5},
        {"sequence": "7"},
        {"parent": "6"},
        {"signature": None},
        {"components": [[["a"], ["0" * 64, -3, None, 0, 0, "raw"], [], [], [], False]]},
        {"components": [[["a"], ["0" * 64, 3, 5, 0, 0, "raw"], [], [], [], False]]},
        {"components": [[["a"], ["0" * 64, 3], [], [], [], False]]},
        {"components": [[[1], ["0" * 64, 3, None, 0, 0, "raw"], [], [], [], False]]},
        {"components": None},
        {"state": None},
        {"state": [[["a", "b"], ["0" * 64, 3, None, 0, 0, "raw"], [], [], [], False, []]]},
        {"variables": [["a"]]},
        {"variables": [["a", "int", "", 0, "lost", []]]},
        {"environment": {"packages": []}},
        {"environment": {"color": "red"}},
        {"environment": []},
    ],
)
def test_malformed_fields_are_damage(change: dict[str, object]) -> None:
    raw = json.loads(EXAMPLE.to_json()) | change
    with pytest.raises(DamagedError, match="here is not a whole snapshot"):
        Snapshot.from_json(json.dumps(raw).encode(), source="here")


@pytest.mark.parametrize("field", sorted(json.loads(EXAMPLE.to_json())))
def test_missing_fields_are_damage(field: str) -> None:
    raw = json.loads(EXAMPLE.to_json())
    del raw[field]
    with pytest.raises(DamagedError):
        Snapshot.from_json(json.dumps(raw).encode(), source="here")
