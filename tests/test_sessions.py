"""Saving and loading a namespace: what is chosen, where it goes, and what is taken back when something fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import jupyter_session_save as package
from jupyter_session_save import errors
from jupyter_session_save.namespace import Journal
from jupyter_session_save.opening import OpenSession
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.repository import Repository
from jupyter_session_save.sessions import SessionManager
from jupyter_session_save.snapshot import Part
from jupyter_session_save.store import LocalStore
from jupyter_session_save.trust import Signer

from .cells import Notebook, differences, notebook, problems

CELL = """\
import numpy as np
big = np.arange(300_000.0)
other_big = np.arange(250_000)
small = np.arange(1000)
view = big[5:10]
n = 3
rate = 2.5
text = 'x' * 100
items = [1, [2]]
alias = items[1]
class Foo:
    def __init__(self, x): self.x = x
foo = Foo(items)
def scale(v): return helper(v) * n
def helper(v): return v + rate
"""


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook(CELL) as made:
        yield made


def names(report: Any) -> set[str]:
    return {v.name for v in report.variables}


def test_everything_comes_back(a: Notebook) -> None:
    b = a.resume()
    b.check("scale(1) == 10.5", "alias is items[1]", "foo.x is items", "type(foo) is Foo", "view.base is not None")
    b.run("big[5] = -1")
    b.check("view[0] == -1")


def test_the_report_of_a_save(a: Notebook) -> None:
    report = a.save(message="first")
    assert report.reference == "s@1"
    assert names(report) == {k for k in a.namespace if not k.startswith("__")}
    assert report.bytes_total >= 300_000 * 8 + 250_000 * 8 + 8000
    assert 0 < report.bytes_new <= report.bytes_total + 10_000
    kinds = {v.name: (v.type, v.shape) for v in report.variables}
    assert kinds["big"] == ("numpy.ndarray", "300000")
    assert kinds["items"] == ("list", "2")
    assert kinds["foo"] == ("Foo", "")
    assert a.repository.resolve("s").message == "first"
    assert report.reused == ()


def test_a_second_save_reuses_what_did_not_change(a: Notebook) -> None:
    a.save()
    a.run("n = 4; items.append(5)")
    report = a.save()
    assert {"big", "other_big", "small", "Foo", "helper"} <= set(report.reused)
    assert not {"items", "alias", "foo"} & set(report.reused)
    assert report.bytes_new < 100_000
    assert a.repository.versions("s") == [1, 2]
    old = a.fresh()
    old.load(version=1)
    old.check("n == 3", "items == [1, [2]]")


# What is chosen.


def test_only_takes_along_what_is_needed(a: Notebook) -> None:
    report = a.save(only=["scale"])
    assert names(report) == {"scale", "helper", "n", "rate"}
    assert len(report.notes) == 1
    assert all(word in report.notes[0] for word in ("helper", "n", "rate"))
    b = a.fresh()
    b.load()
    b.check("scale(1) == 10.5")


def test_only_of_an_instance_takes_its_class(a: Notebook) -> None:
    assert names(a.save(only=["foo"])) >= {"foo", "Foo"}
    b = a.fresh()
    b.load()
    b.check("type(foo) is Foo", "foo.x == [1, [2]]")


def test_patterns_and_exclusions(a: Notebook) -> None:
    assert names(a.save(only=["*big", "n"])) == {"big", "other_big", "n"}
    saved = names(a.save(exclude=["*big", "view", "np"]))
    assert not {"big", "other_big", "view", "np"} & saved
    assert "small" in saved
    # A name that is excluded is not fetched back by those that refer to it.
    assert names(a.save(only=["scale"], exclude=["helper"])) == {"scale", "n", "rate"} - {"rate"}


@pytest.mark.parametrize("where", ["save", "load", "plan"])
@pytest.mark.parametrize("option", ["only", "exclude"])
def test_a_pattern_that_matches_nothing_is_named(a: Notebook, where: str, option: str) -> None:
    a.save()
    before = a.described()
    with pytest.raises(errors.SessionNameError, match="nowhere") as caught:
        getattr(a, where)(**{option: ["nowhere*"]})
    assert "\n" not in str(caught.value)
    assert a.repository.versions("s") == [1]
    assert not differences(before, a.described())


def test_loading_only_brings_what_is_needed_and_missing(a: Notebook) -> None:
    a.save()
    b = a.fresh("rate = 100")
    report = b.load(only=["scale"])
    assert names(report) == {"scale", "helper", "n"}
    assert any("helper" in note and "n" in note for note in report.notes)
    assert any("rate" in note for note in report.notes)
    b.check("rate == 100", "scale(1) == 303", "'big' not in globals()")


def test_loading_with_exclusions(a: Notebook) -> None:
    a.save()
    b = a.fresh()
    report = b.load(exclude=["big", "helper"])
    assert not {"big", "helper"} & names(report)
    b.check("'big' not in globals()", "'helper' not in globals()", "n == 3")


def test_part_of_a_component_binds_only_what_was_asked_for(a: Notebook) -> None:
    a.save()
    b = a.fresh()
    b.load(only=["alias"])
    b.check("alias == [2]", "'items' not in globals()", "'foo' not in globals()")


# Where it goes.


def test_a_prefix_is_put_before_every_name(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 1000; old_n = 5")
    report = b.load(prefix="old_")
    b.check(
        "n == 1000", "old_n == 3", "old_alias is old_items[1]", "type(old_foo) is old_Foo", "'items' not in globals()"
    )
    b.check("old_scale(1) == 10.5")
    assert report.overwritten == ("old_n",)


def test_one_object_may_take_everything(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 1000")
    b.load(into="before")
    b.check("n == 1000", "before.n == 3", "before.alias is before.items[1]", "type(before.foo) is before.Foo")
    b.check("before.scale(1) == 10.5", "'items' not in globals()")


@pytest.mark.parametrize("options", [{"prefix": "1"}, {"prefix": "a b"}, {"into": "x-y"}, {"into": "a.b"}])
def test_what_cannot_begin_a_name_is_refused(a: Notebook, options: dict[str, str]) -> None:
    a.save()
    b = a.fresh()
    with pytest.raises(errors.SessionNameError) as caught:
        b.load(**options)
    assert "\n" not in str(caught.value)
    assert "n" not in b.namespace


@pytest.mark.parametrize("into", ["class", "None", "import"])
def test_a_keyword_is_no_name(a: Notebook, into: str) -> None:
    a.save()
    with pytest.raises(errors.SessionNameError):
        a.fresh().load(into=into)


def test_loading_overwrites_and_says_what_differed(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 3; rate = 9.0; text = 5; mine = 1")
    report = b.load()
    assert report.overwritten == ("rate", "text")
    assert report.kept == report.removed == ()
    b.check("rate == 2.5", "mine == 1", "text == 'x' * 100")


def test_keeping_leaves_what_is_there(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 50; class_ = 1\nclass Foo:\n    new = True")
    report = b.load(conflicts="keep")
    assert set(report.kept) == {"n", "Foo"}
    assert not {"n", "Foo"} & names(report)
    assert report.overwritten == ()
    b.check("n == 50", "Foo.new", "type(foo) is not Foo", "foo.x is items", "scale(1) == 175")
    b.run("old = 1")
    report = b.load(into="old", conflicts="keep")
    assert (report.kept, report.overwritten) == (("old",), ())
    b.check("old == 1")


def test_replacing_makes_the_namespace_what_it_was(a: Notebook) -> None:
    a.save()
    b = a.fresh("mine = 1; n = 50; more = [mine]")
    report = b.load(replace=True)
    assert report.removed == ("mine", "more")
    b.check("'mine' not in globals()", "'__builtins__' in globals()")
    assert not differences(a.described(), b.described())


def test_what_the_shell_put_there_is_neither_saved_nor_removed(a: Notebook) -> None:
    tool, hidden = object(), {}
    a.namespace["tool"] = hidden["tool"] = tool
    manager = SessionManager(a.namespace, repository=a.repository, signer=a.signer, hidden=hidden)
    assert "tool" not in names(manager.save("s"))
    manager.load("s", replace=True)
    assert a.namespace["tool"] is tool
    a.namespace["tool"] = [1]
    assert "tool" in names(manager.save("s"))


# Names.


@pytest.mark.parametrize(
    "name", ["a/b c", "über", "..", ".", "CON", "a@b", "x.ipynb", "%41", "日本", "a\\b", "-m", "*"]
)
def test_odd_names_of_sessions(a: Notebook, name: str) -> None:
    report = a.save(name, only=["n"])
    assert report.reference == f"{name}@1"
    b = a.fresh()
    b.load(name)
    b.check("n == 3")
    assert a.repository.names() == [name]


@pytest.mark.parametrize("name", ["", "x" * 300, "a\nb", "a\0b"])
def test_names_that_cannot_be_used_are_refused_at_once(a: Notebook, name: str) -> None:
    with pytest.raises(errors.SessionNameError) as caught:
        a.save(name)
    assert "\n" not in str(caught.value)
    assert list(a.repository.store.list()) == []


@pytest.mark.parametrize(
    "variable", ["é", "变量", "_private", "__dunder", "_1", "list", "open", "not an identifier", "a.b", "1x", ""]
)
def test_odd_names_of_variables(a: Notebook, variable: str) -> None:
    a.namespace[variable] = [1]
    a.namespace["same"] = a.namespace[variable]
    a.save()
    b = a.fresh()
    b.load()
    assert b.namespace[variable] == [1]
    assert b.namespace["same"] is b.namespace[variable]


def test_a_key_that_is_no_string_is_left_alone(a: Notebook) -> None:
    a.namespace[5] = "five"  # type: ignore[index]
    assert 5 not in names(a.save())
    b = a.fresh()
    b.namespace[6] = "six"  # type: ignore[index]
    b.load(replace=True)
    assert b.namespace[6] == "six"  # type: ignore[index]


def test_an_empty_namespace(a: Notebook) -> None:
    empty = a.fresh()
    report = empty.save("nothing")
    assert report.variables == ()
    assert report.bytes_total == sum(c.stream.size for c in empty.manager._repository.resolve("nothing").state)
    loaded = empty.load("nothing")
    assert loaded.variables == ()
    assert empty.plan("nothing").rows == ()
    repr((report, loaded))
    b = a.fresh("x = 1")
    assert b.load("nothing", replace=True).removed == ("x",)


def test_unknown_sessions_and_versions(a: Notebook) -> None:
    a.save()
    for name, version in (("other", None), ("s", 2), ("s", 0), ("s", -1)):
        with pytest.raises(errors.SessionNotFoundError) as caught:
            a.load(name, version)
        assert "\n" not in str(caught.value)
        assert ("s" if name == "other" else "1") in str(caught.value)


# Strict.


def test_strict_refuses_and_writes_no_snapshot(a: Notebook) -> None:
    a.save()
    a.run("gen = (i for i in 'ab'); next(gen); d = {'deep': [gen]}")
    with pytest.raises(errors.SaveError, match=r"gen|d\['deep'\]") as caught:
        a.save(strict=True)
    assert "\n" not in str(caught.value)
    assert a.repository.versions("s") == [1]
    assert a.save(strict=True, exclude=["gen", "d"]).reference == "s@2"


def test_strict_refuses_a_placeholder_of_an_earlier_load(a: Notebook) -> None:
    a.run("gen = (i for i in 'ab'); next(gen); d = {'deep': [gen]}")
    a.save()
    b = a.fresh()
    b.load()
    with pytest.raises(errors.SaveError):
        b.save(strict=True)


# Trust.


def test_what_another_user_signed_is_refused_before_anything_is_read(a: Notebook) -> None:
    a.run("class Trap:\n    def __reduce__(self): return print, ('sprung',)\ntrap = Trap()")
    a.save()
    b = a.fresh()
    b.signer = Signer(b"o" * 32)
    with pytest.raises(errors.TrustError, match="trust"):
        b.load()
    assert not [k for k in b.namespace if not k.startswith("__")]
    b.load(trust=True)
    b.check("n == 3")


@pytest.mark.parametrize("field", ["name", "message", "created", "variables", "components", "environment", "signature"])
def test_an_altered_record_is_refused(a: Notebook, field: str) -> None:
    import json

    a.save()
    key = next(k for k in a.repository.store.list("sessions/"))
    record = json.loads(a.repository.store.get(key))
    old = record[field]
    record[field] = (
        f"{old} " if isinstance(old, str) else old[1:] if isinstance(old, list) else {**old, "platform": "x"}
    )
    a.repository.store.put(key, [json.dumps(record).encode()], durable=False, overwrite=True)
    with pytest.raises((errors.TrustError, errors.DamagedError)):
        a.fresh().load()


def test_parts_cannot_be_exchanged_between_variables(a: Notebook) -> None:
    import json

    a.save()
    key = next(k for k in a.repository.store.list("sessions/"))
    record = json.loads(a.repository.store.get(key))
    record["components"][0][1], record["components"][1][1] = record["components"][1][1], record["components"][0][1]
    a.repository.store.put(key, [json.dumps(record).encode()], durable=False, overwrite=True)
    with pytest.raises(errors.TrustError):
        a.fresh().load()


# All or nothing.


def _moments(monkeypatch: pytest.MonkeyPatch, target: Any, method: str) -> Iterator[int]:
    """Let the nth call of a method be interrupted, for every n until it is not reached."""
    original = getattr(target, method)
    for moment in range(200):
        calls = [0]

        def interrupted(*args: Any, calls: list[int] = calls, moment: int = moment, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] > moment:
                raise KeyboardInterrupt
            return original(*args, **options)

        monkeypatch.setattr(target, method, interrupted)
        yield moment
        monkeypatch.setattr(target, method, original)
        if calls[0] <= moment:
            return
    pytest.fail("it never ends")


@pytest.mark.parametrize(
    "options", [{}, {"replace": True}, {"prefix": "old_"}, {"into": "before"}, {"conflicts": "keep"}]
)
@pytest.mark.parametrize("method", ["bind", "unbind"])
def test_an_interrupt_at_any_binding_takes_everything_back(
    a: Notebook, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], method: str
) -> None:
    a.save()
    b = a.fresh("n = 1; text = [2]; mine = 3; foo = n; more = text; old_n = 9")
    before, kept = b.described(), dict(b.namespace)
    interrupted = 0
    for _ in _moments(monkeypatch, Journal, method):
        try:
            b.load(**options)
        except KeyboardInterrupt:
            interrupted += 1
            assert b.namespace.keys() == kept.keys()
            assert all(b.namespace[name] is value for name, value in kept.items())
        else:
            break
    assert not (method == "bind" and interrupted < 1)
    assert differences(before, b.described())


def test_an_interrupt_at_any_progress_takes_everything_back(a: Notebook) -> None:
    a.save()
    b = a.fresh("n = 1; mine = 3")
    before = b.described()
    for moment in range(100):
        left = [moment]

        def progress(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        try:
            b.load(progress=progress, replace=True)
        except KeyboardInterrupt:
            assert not differences(before, b.described())
        else:
            break
    assert 3 < moment < 99


def test_an_interrupt_in_user_code_takes_everything_back(a: Notebook) -> None:
    a.run("import signal\nclass Stop:\n    def __setstate__(self, s): signal.raise_signal(signal.SIGINT)\nzz = Stop()")
    a.run("zz.x = 1")
    a.save()
    b = a.fresh("n = 1; mine = 3")
    before = b.described()
    with pytest.raises(KeyboardInterrupt):
        b.load()
    assert not differences(before, b.described())


def test_progress_names_what_is_done(a: Notebook) -> None:
    for act in (a.save, a.load):
        seen: list[tuple[str, int, int]] = []
        act(progress=lambda *row, seen=seen: seen.append(row))  # type: ignore[misc]
        assert {what.partition(" ")[0] for what, _, _ in seen} & {"big", "items", "Foo", "foo"}
        assert all(0 <= done <= total for _, done, total in seen)
        assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


# Damage.


def _break(a: Notebook, part: Part, how: str) -> None:
    from jupyter_session_save.digests import key_of

    store, key = a.repository.store, key_of(part)
    data = bytearray(store.get(key))
    at = part.offset if part.pack else 0
    if how == "missing":
        store.delete(key)
        return
    if how == "altered":
        data[at] ^= 1
    elif how == "truncated":
        del data[at + 1 :]
    else:
        data[:] = b"junk"
    store.put(key, [bytes(data)], durable=False, overwrite=True)
    a.repository = Repository(store)


@pytest.mark.parametrize("how", ["missing", "altered", "truncated", "foreign"])
def test_a_damaged_blob_costs_only_its_variables(a: Notebook, how: str) -> None:
    a.save()
    snapshot = a.repository.resolve("s")
    part = next(b for c in snapshot.components for b in c.buffers if "other_big" in c.names)
    assert part.pack is None
    _break(a, part, how)
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"other_big"}
    assert part.digest in problems(report)["other_big"].reason
    assert type(b.namespace["other_big"]) is Placeholder
    b.check("n == 3", "scale(1) == 10.5", "big[7] == 7", "alias is items[1]")


@pytest.mark.parametrize("how", ["missing", "altered", "truncated", "foreign"])
def test_a_damaged_pack_costs_only_what_is_in_it(a: Notebook, how: str) -> None:
    a.save(only=["big", "n", "items"])
    snapshot = a.repository.resolve("s")
    part = next(c.stream for c in snapshot.components if "items" in c.names)
    assert part.pack is not None
    _break(a, part, how)
    b = a.fresh()
    report = b.load()
    assert "items" in {v.name for v in report.placeholders}
    assert all(v.name in b.namespace for v in snapshot.variables)
    for variable in report.variables:
        if variable.state == "saved":
            assert b.namespace[variable.name] is not None
            assert type(b.namespace[variable.name]) is not Placeholder
    if how == "altered":
        b.check("n == 3", "big[7] == 7")


def test_a_stream_that_is_no_pickle_costs_only_its_variables(a: Notebook) -> None:
    """Signed and whole, but from a version with a fault."""
    import dataclasses

    a.save(only=["n", "items", "rate"])
    snapshot = a.repository.resolve("s")
    with a.repository.writer() as writer:
        writer.know(snapshot)
        wrong = writer.put([b"\x80\x05no pickle"])
        components = tuple(
            dataclasses.replace(c, stream=wrong) if "items" in c.names else c for c in snapshot.components
        )
        writer.commit(dataclasses.replace(snapshot, components=components), sign=a.signer.sign)
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"items"}
    b.check("n == 3", "rate == 2.5")


def test_verify_data_finds_damage_in_large_arrays_before_they_are_used(a: Notebook) -> None:
    a.run("huge = np.zeros(2_000_000)")
    a.save(only=["huge", "n"])
    part = next(b for c in a.repository.resolve("s").components for b in c.buffers)
    _break(a, part, "altered")
    b = a.fresh()
    report = b.load(verify_data=True)
    assert {v.name for v in report.placeholders} == {"huge"}
    b.check("n == 3")


# From plain Python.


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("JUPYTER_SESSION_STORE", raising=False)
    return tmp_path


def test_save_load_and_open_from_plain_python(home: Path) -> None:
    shared = [1]
    report = package.save("plain", {"x": shared, "y": {"x": shared}})
    assert report.reference == "plain@1"
    target: dict[str, Any] = {}
    package.load("plain", target)
    assert target == {"x": [1], "y": {"x": [1]}}
    assert target["y"]["x"] is target["x"]
    package.save("plain", {"x": 2})
    package.load("plain@1", target)
    assert target["x"] == [1]
    assert package.open_session("plain")["x"] == 2
    assert (home / "data" / "sessions" / "format.json").exists()


def test_the_callers_globals_are_the_default(home: Path) -> None:
    ns: dict[str, Any] = {"__name__": "script", "package": package, "x": [4]}
    exec("r = None\nr = package.save('g', exclude=['package', 'r'])", ns)
    other: dict[str, Any] = {"__name__": "script", "package": package}
    exec("package.load('g')", other)
    assert other["x"] == [4]


def test_the_store_may_be_given(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package.save("s", {"x": 1}, store=home / "mine")
    assert (home / "mine" / "format.json").exists()
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(home / "mine"))
    assert dict(package.open_session("s")) == {"x": 1}
    with pytest.raises(errors.SessionError):
        package.load("s", {}, store=home / "elsewhere")
    assert not (home / "elsewhere").exists()


def test_a_store_that_fails_leaves_earlier_snapshots_as_they_were(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package.save("s", {"x": [1]}, store=home / "m")
    before = {p: p.read_bytes() for p in (home / "m").rglob("*") if p.is_file()}
    original = LocalStore.put

    for moment in range(20):
        left = [moment]

        def put(self: LocalStore, *args: Any, left: list[int] = left, **options: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise errors.StoreError(28, "the disk is full")
            original(self, *args, **options)

        monkeypatch.setattr(LocalStore, "put", put)
        try:
            package.save("s", {"x": [1, 2], "y": b"z" * 2_000_000}, store=home / "m")
        except errors.StoreError:
            assert all(path.read_bytes() == data for path, data in before.items())
            assert package.open_session("s", store=home / "m").snapshot.sequence == 1
        else:
            break
    assert moment >= 2
    assert dict(package.open_session("s", store=home / "m"))["x"] == [1, 2]


# From reports of users.


def test_an_integer_too_long_to_be_written_in_decimal_is_saved(a: Notebook) -> None:
    a.run("long = 10 ** 5000; others = {10 ** 5000: [long]}")
    a.save()
    b = a.fresh()
    b.load()
    b.check("long == 10 ** 5000", "others[long] == [long]")
    assert {v.name for v, status, _ in b.plan().rows if status != "same"} == set()


def test_strict_names_all_that_would_be_placeholders(a: Notebook) -> None:
    a.run("g1 = (i for i in [1]); next(g1); g2 = {'k': g1}")
    with pytest.raises(errors.SaveError, match=r"g1 \(generator\).*g2\['k'\] \(generator\)"):
        a.save(strict=True)
    assert a.repository.names() == []


def test_what_cannot_be_reconnected_is_told_once(a: Notebook, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("some text")
    a.namespace["f"] = (tmp_path / "f").open()
    a.namespace["f"].read(6)
    a.save()
    a.namespace["f"].close()
    (tmp_path / "f").write_text("s")
    b = a.fresh()
    problems = next(v for v in b.load().variables if v.name == "f").problems
    assert [p.type for p in problems] == ["_io.TextIOWrapper"]
    assert "shorter now" in problems[0].reason


def test_an_open_session_is_not_saved_with_the_others(a: Notebook) -> None:
    a.run("x = 1")
    a.save("first")
    snapshot = a.repository.resolve("first")
    a.namespace["opened"] = OpenSession(snapshot, repository=a.repository, signer=a.signer, trust=False)
    assert [p.path for v in a.save().placeholders for p in v.problems] == ["opened"]


@pytest.mark.parametrize("options", [{"prefix": "old_"}, {"into": "box"}], ids=["prefix", "into"])
@pytest.mark.parametrize("replacing", [False, True], ids=["adding", "replacing"])
@pytest.mark.parametrize("conflicts", ["overwrite", "keep"])
def test_other_names_that_exist_already(a: Notebook, options: dict[str, str], replacing: bool, conflicts: str) -> None:
    a.run("x = [1]")
    a.save("one", only=["x"])
    a.run("old_x = 'mine'; box = 'mine'; spare = 1")
    both = {**options, "replace": replacing, "conflicts": conflicts}
    plan = a.plan("one", **both)
    report = a.load("one", **both)
    name = options.get("into") or "old_x"
    assert tuple(plan.removed) == tuple(report.removed)
    assert tuple(plan.kept) == tuple(report.kept) == ((name,) if conflicts == "keep" else ())
    found = a.namespace[name]
    loaded = getattr(found, "x", found)
    assert loaded == ("mine" if conflicts == "keep" else [1])
    assert ("spare" in a.namespace) is not replacing


def test_names_that_only_a_dict_takes(a: Notebook) -> None:
    class Text(str):
        __slots__ = ()

    a.run(
        """
        class Fleeting:
            def __getstate__(self):
                globals().pop('fleeting', None)
                return {}
        first = Fleeting(); fleeting = [1]
        """
    )
    a.namespace |= {"a b": open(os.devnull), "it's": [1], Text("subtext"): [2]}  # noqa: SIM115
    a.namespace["a b"].close()
    a.namespace["a b"] = (i for i in [1])
    next(a.namespace["a b"])
    report = a.save()
    assert {v.name: v.state for v in report.variables if not v.name.isidentifier()} == {
        "a b": "placeholder",
        "it's": "saved",
    }
    assert "subtext" not in {v.name for v in report.variables}
    b = a.fresh()
    loaded = b.load()
    assert [p.path for v in loaded.placeholders for p in v.problems] == ["globals()['a b']"]
    assert b.namespace["it's"] == [1]


def test_looking_at_a_snapshot_imports_nothing(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    a.run("x = [1]")
    a.save()
    snapshot = a.repository.resolve("s")
    hostile = tuple(replace(c, modules=("this.x", "this")) for c in snapshot.components)
    with a.repository.writer() as writer:
        writer.commit(replace(snapshot, components=hostile), sign=lambda data: "nobody")
    sys.modules.pop("this", None)
    a.plan()
    assert "this" not in sys.modules
    assert capsys.readouterr().out == ""
    with pytest.raises(errors.TrustError):
        a.load()


def test_containers_of_the_notebook_are_not_constructed_again(a: Notebook) -> None:
    a.run(
        """
        import collections
        class Counted(collections.Counter):
            def __init__(self, needed): super().__init__('ab'); self.tag = needed
        class Default(collections.defaultdict):
            def __init__(self, kind, needed): super().__init__(kind); self.tag = needed
        class Ordered(collections.OrderedDict):
            def __init__(self, needed): super().__init__(); self['k'] = needed
        class Stated(list):
            def __setstate__(self, state): self.__dict__.update(state)
        class Must(set):
            def __new__(cls, needed): return super().__new__(cls)
            def __init__(self, needed): super().__init__([needed])
        counted, default, ordered, stated, must = Counted(1), Default(list, 2), Ordered(3), Stated([4]), Must(5)
        default['x'].append(6)
        """
    )
    b = a.resume()
    b.check(
        "counted == {'a': 1, 'b': 1} and counted.tag == 1",
        "default['x'] == [6] and default['new'] == [] and default.tag == 2",
        "list(ordered.items()) == [('k', 3)] and type(ordered) is Ordered",
        "stated == [4] and type(stated) is Stated",
        "must == {5} and type(must) is Must",
    )


def test_keys_that_are_no_names_are_told(tmp_path: Path) -> None:
    namespace: dict[Any, Any] = {"__name__": "__main__", "a": 1, 1: 2, (2, 3): 4}
    report = package.save("x", namespace, store=tmp_path)
    assert report.notes == ("not saved: 2 keys of the namespace that are no names (of type int, tuple)",)
    assert [v.name for v in report.variables] == ["a"]


def test_what_the_interpreter_notes_of_warnings_is_left_out_and_an_old_snapshot_of_it_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    registry = {"version": 0, ("careful", UserWarning, 1): True}
    saving = {"__name__": "__main__", "__warningregistry__": registry, "x": 1}
    assert names(package.save("now", saving, store=tmp_path)) == {"x"}
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_session_save.namespace._MODULE_NAMES", frozenset({"__name__"}))
        assert names(package.save("old", saving, store=tmp_path)) == {"x", "__warningregistry__"}
    fresh: dict[str, Any] = {"__name__": "__main__"}
    assert not package.load("old", fresh, store=tmp_path).placeholders
    assert fresh["x"] == 1
