"""Records come back from their JSON, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save import manifest
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
codecs = st.sampled_from(["raw", "zstd"])
chunks = st.builds(Part, digests, st.integers(1, 9), st.none() | digests, sizes, sizes, codecs)
patched = st.builds(
    lambda digest, base, patches: Part(
        digest, 10 * len(patches), base=base, patches=tuple((10 * n, patch) for n, patch in enumerate(patches))
    ),
    digests,
    digests,
    st.lists(chunks, max_size=3),
)
parts = patched | st.builds(Part, digests, sizes, st.none() | digests, sizes, sizes, codecs)


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
    line=rows(st.tuples(sizes, sizes)),
    cell=st.none() | st.integers(0, 10**6),
    environment=st.builds(Environment, texts, texts, texts, st.dictionaries(texts, texts, max_size=3)),
    variables=rows(variables),
    components=rows(components(rows(texts))),
    state=rows(components(st.tuples(texts))),
    signature=texts,
    lineage=st.builds(Lineage, rows(statements), numbers),
)

CHUNK = ["1" * 64, 3, None, 0, 0, "raw"]

EXAMPLE = Snapshot(
    "sales",
    sequence=7,
    components=(Component(("a",), Part("0" * 64, 3)),),
    variables=(Variable("a", "int", problems=(Problem("a", "t", "r"),)),),
    signature="s",
)


def test_a_record_without_state_is_signed_as_before_there_was_any() -> None:
    assert "state" not in json.loads(manifest.signed_bytes(EXAMPLE))
    state = (Component(("random",), Part("1" * 64, 4)),)
    with_state = json.loads(manifest.encode(replace(EXAMPLE, state=state)))
    assert with_state["state"] == [[["random"], ["1" * 64, 4, None, 0, 0, "raw"], [], [], [], False, []]]


@given(snapshots)
def test_a_record_comes_back(snapshot: Snapshot) -> None:
    again = manifest.read(manifest.encode(snapshot), source="here")
    assert again == snapshot
    assert manifest.encode(again) == manifest.encode(snapshot)
    assert manifest.signed_bytes(again) == manifest.signed_bytes(snapshot)


@pytest.mark.parametrize("name", ["numpy", 'x"signature', "signature", '"signature":"'])
@pytest.mark.parametrize("value", ["", "1.0", "5" * 64])
def test_a_record_that_was_read_is_checked_as_it_was_read(name: str, value: str) -> None:
    odd = replace(EXAMPLE, environment=Environment("3.11.9", packages={name: value}), signature="5" * 64)
    read = manifest.read(manifest.encode(odd), source="here")
    assert manifest.signed_bytes(read) == manifest.signed_bytes(odd) == manifest.encode(replace(odd, signature=""))
    spoiled = manifest.read(manifest.encode(odd).replace(b"3.11.9", b"3.11.8"), source="here")
    assert manifest.signed_bytes(spoiled) != manifest.signed_bytes(odd)
    assert manifest.signed_bytes(replace(read, message="!")) != manifest.signed_bytes(read)


@given(st.lists(snapshots, max_size=4))
def test_rows_that_are_carried_over_are_encoded_once(found: list[Snapshot]) -> None:
    rows = manifest.Rows()
    before: tuple[Component, ...] = ()
    for snapshot in found:
        given = replace(snapshot, components=(*before[1:], *snapshot.components), signature="")
        signed, data = manifest.seal(given, lambda covered: str(len(covered)), rows)
        assert signed == replace(given, signature=str(len(manifest.signed_bytes(given))))
        assert data == manifest.encode(signed)
        before = given.components


@given(snapshots, texts)
def test_a_signature_covers_all_but_itself(snapshot: Snapshot, text: str) -> None:
    signed = manifest.signed_bytes(snapshot)
    assert manifest.signed_bytes(replace(snapshot, signature=text)) == signed
    assert manifest.signed_bytes(replace(snapshot, message=snapshot.message + "!")) != signed
    assert manifest.signed_bytes(replace(snapshot, sequence=snapshot.sequence + 1)) != signed
    environment = replace(snapshot.environment, python=snapshot.environment.python + "!")
    assert manifest.signed_bytes(replace(snapshot, environment=environment)) != signed


def test_the_json_is_pinned() -> None:
    """Old stores must stay readable: whoever changes this changes FORMAT."""
    raw = json.loads(manifest.encode(EXAMPLE))
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
    assert manifest.encode(EXAMPLE).isascii()
    patched = Part("0" * 64, 30, base="2" * 64, patches=((4, Part("1" * 64, 3)),))
    later = replace(EXAMPLE, components=(Component(("a",), patched),), cell=41, line=((1, 6),))
    assert json.loads(manifest.encode(later)) == raw | {
        "cell": 41,
        "line": [[1, 6]],
        "components": [
            [["a"], ["0" * 64, 30, None, 0, 0, "raw", "2" * 64, [[4, CHUNK]]], [], [], [], False, []],
        ],
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"%PDF-1.7", b"[" * 100_000, manifest.encode(EXAMPLE)[:-5]],
)
def test_other_bytes_are_no_snapshot(data: bytes) -> None:
    with pytest.raises(DamagedError, match=r"^sessions/a/1\.json is not a snapshot"):
        manifest.read(data, source="sessions/a/1.json")


@pytest.mark.parametrize("version", [FORMAT + 1, 0, "1", None, 1.5])
def test_other_formats_are_refused(version: object) -> None:
    raw = json.loads(manifest.encode(EXAMPLE)) | {"format": version}
    with pytest.raises(FormatError, match="upgrade"):
        manifest.read(json.dumps(raw).encode(), source="here")


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
        {"components": [[["a"], ["0" * 64, 3, None, 0, 0, "raw"], [], [], [], False, [], "later"]]},
        *(
            {"components": [[["a"], ["0" * 64, 30, pack, 0, 0, "raw", base, patches], [], [], [], False, []]]}
            for pack, base, patches in (
                (None, 5, []),
                ("1" * 64, "2" * 64, []),
                (None, "2" * 64, None),
                (None, "2" * 64, [[28, CHUNK]]),
                (None, "2" * 64, [[0, CHUNK], [2, CHUNK]]),
                (None, "2" * 64, [["0", CHUNK]]),
                (None, "2" * 64, [[0, [*CHUNK, "2" * 64, []]]]),
            )
        ),
        {"cell": "7"},
        {"line": [[1]]},
        {"line": [["1", 2]]},
        {"variables": [["a"]]},
        {"variables": [["a", "int", "", 0, "lost", []]]},
        {"environment": {"packages": []}},
        {"environment": {"packages": {"numpy": 2}}},
        {"environment": {"paths": 0}},
        {"environment": {"paths": "here"}},
        {"environment": {"python": None}},
        {"environment": {"color": "red"}},
        {"environment": []},
    ],
)
def test_malformed_fields_are_damage(change: dict[str, object]) -> None:
    raw = json.loads(manifest.encode(EXAMPLE)) | change
    with pytest.raises(DamagedError, match="here is not a whole snapshot"):
        manifest.read(json.dumps(raw).encode(), source="here")


@pytest.mark.parametrize("field", sorted(json.loads(manifest.encode(EXAMPLE))))
def test_missing_fields_are_damage(field: str) -> None:
    raw = json.loads(manifest.encode(EXAMPLE))
    del raw[field]
    with pytest.raises(DamagedError):
        manifest.read(json.dumps(raw).encode(), source="here")
