"""An open session loads one variable when it is asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_session_save.errors import TrustError
from jupyter_session_save.opening import OpenSession
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Part
from jupyter_session_save.trust import Signer

from .cells import Notebook, notebook

CELL = """\
import numpy as np
big = np.arange(300_000.0)
items = [1, [2]]
alias = items[1]
n = 3
class Foo: pass
foo = Foo(); foo.f = foo
def h(): return helper() + n
def helper(): return 40
lonely = {'l': 1}
"""


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook(CELL) as made:
        yield made


def opened(a: Notebook, **options: Any) -> OpenSession:
    options = {"repository": a.repository, "signer": a.signer, "trust": False} | options
    return OpenSession(a.repository.resolve("s"), **options)


def test_a_read_only_mapping(a: Notebook) -> None:
    a.save()
    session = opened(a)
    expected = {k for k in a.namespace if not k.startswith("__")}
    assert set(session) == expected
    assert len(session) == len(expected)
    assert "big" in session
    assert "nothing" not in session
    assert 5 not in session
    assert "__name__" not in session
    with pytest.raises(KeyError):
        session["nothing"]
    assert session.get("nothing", 7) == 7
    assert not hasattr(session, "__setitem__")
    assert "s@1" in repr(session)
    assert session.info("big").shape == "300000"


def test_looking_reads_nothing(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.save()
    session = opened(a)
    for method in ("read", "map"):
        monkeypatch.setattr(Repository, method, lambda *_, **__: pytest.fail("it read data"))
    assert "big" in session
    assert "s@1" in repr(session)
    assert [*session]
    assert len(session) > 5
    assert session.info("items").type == "list"


def test_one_variable_reads_one_component_and_what_it_needs(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.save()
    snapshot = a.repository.resolve("s")
    owner = {p.digest: c.names for c in snapshot.components for p in (c.stream, *c.buffers)}
    read: set[str] = set()
    original, mapped = Repository.read, Repository.map

    def counting(self: Repository, part: Part) -> memoryview:
        read.update(owner[part.digest])
        return original(self, part)

    def mapping(self: Repository, part: Part, *, verify: bool) -> memoryview:
        read.update(owner[part.digest])
        return mapped(self, part, verify=verify)

    monkeypatch.setattr(Repository, "read", counting)
    monkeypatch.setattr(Repository, "map", mapping)
    session = opened(a)
    assert session["lonely"] == {"l": 1}
    assert read == {"lonely"}
    assert session["h"]() == 43
    plain = next(set(c.names) for c in snapshot.components if "n" in c.names)
    assert read == {"lonely", "h", "helper"} | plain
    read.clear()
    assert session["h"]() == 43
    assert session["lonely"] is session["lonely"]
    assert not read


def test_values_keep_their_identities_among_each_other(a: Notebook) -> None:
    a.save()
    session = opened(a)
    assert session["alias"] is session["items"][1]
    assert type(session["foo"]) is session["Foo"]
    assert session["foo"].f is session["foo"]
    assert session["h"].__globals__ is not a.namespace
    assert session["big"][5] == 5.0


def test_nothing_reaches_the_callers_namespace(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 1000")
    session = opened(b)
    assert session["h"]() == 43
    assert {k for k in b.namespace if not k.startswith("__")} == {"n"}
    b.run("class Foo: pass")
    assert type(session["foo"]) is not b["Foo"]


def test_two_sessions_do_not_share(a: Notebook) -> None:
    a.save()
    one, two = opened(a), opened(a)
    one["items"].append(9)
    one["big"][0] = 99
    assert two["items"] == [1, [2]]
    assert two["big"][0] == 0


def test_a_stranger_must_be_trusted(a: Notebook) -> None:
    a.save()
    with pytest.raises(TrustError):
        opened(a, signer=Signer(b"o" * 32))
    assert opened(a, signer=Signer(b"o" * 32), trust=True)["n"] == 3


def test_damage_costs_one_variable(a: Notebook) -> None:
    a.save()
    part = next(b for c in a.repository.resolve("s").components for b in c.buffers if "big" in c.names)
    a.repository.store.delete(f"blobs/{part.digest[:2]}/{part.digest}")
    session = opened(a)
    assert type(session["big"]) is Placeholder
    assert part.digest in session["big"].problem.reason
    assert session["items"] == [1, [2]]


def test_a_failing_object_costs_its_place(a: Notebook) -> None:
    a.run(
        "class Bad:\n    def __setstate__(self, s): raise ValueError('no')\n"
        "held = {'b': Bad(), 'ok': 1}; held['b'].x = 1"
    )
    a.save()
    session = opened(a)
    assert session["held"]["ok"] == 1
    assert type(session["held"]["b"]) is Placeholder
    assert session["held"]["b"].problem.path == "held['b']"


def test_every_variable_equals_a_load(a: Notebook) -> None:
    a.save()
    session = opened(a)
    b = a.fresh()
    b.namespace.update(session.items())
    assert b.described().keys() == a.described().keys()
