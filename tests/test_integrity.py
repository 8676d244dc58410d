"""Which bytes are compared when, and how loudly damage is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jupyter_session_save import integrity
from jupyter_session_save.digests import key_of
from jupyter_session_save.integrity import AT_ONCE, DataCheck, checked_at_once, checked_first
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Part

from .cells import Notebook, notebook

CELL = f"import numpy as np\nhuge = np.zeros({AT_ONCE // 8}); large = np.ones({AT_ONCE // 8 - 1}); n = 3"


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook(CELL) as made:
        made.save()
        yield made


def buffer_of(a: Notebook, name: str) -> Part:
    return next(b for c in a.repository.resolve("s").components for b in c.buffers if name in c.names)


def alter(a: Notebook, part: Part) -> None:
    data = bytearray(a.repository.store.get(key_of(part)))
    data[-1] ^= 1
    a.repository.store.put(key_of(part), [bytes(data)], durable=False, overwrite=True)


def finish() -> None:
    for thread in threading.enumerate():
        if thread.name == "session-data-check":
            thread.join()


def test_what_is_compared_at_once() -> None:
    assert checked_at_once(Part("d", AT_ONCE - 1))
    assert not checked_at_once(Part("d", AT_ONCE))
    assert checked_at_once(Part("d", 10 * AT_ONCE, pack="p"))


def test_a_load_compares_the_smallest_first_up_to_a_limit() -> None:
    compressed, short = Part("a", 10 * AT_ONCE, "p", codec="zstd"), Part("b", 100, "p")
    small, half, other = Part("c", 1 << 20, "p"), Part("d", AT_ONCE // 2), Part("e", AT_ONCE // 2)
    assert checked_first([other, half, small, short, compressed]) == {compressed, short, small, half}
    assert checked_first([]) == frozenset()


def test_many_small_arrays_are_compared_after_the_load(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    a.run("rng = np.random.default_rng(0); a = {i: rng.random(9_000) for i in range(200)}; del rng").save()
    part = next(b for c in a.repository.resolve("s").components if "a" in c.names for b in c.buffers[-1:])
    size = sum(b.size for c in a.repository.resolve("s").components if "a" in c.names for b in c.buffers)
    assert part.pack is not None
    assert size > AT_ONCE
    data = bytearray(a.repository.store.get(key_of(part)))
    data[-1] ^= 1
    a.repository.store.put(key_of(part), [bytes(data)], durable=False, overwrite=True)
    b = a.fresh()
    report = b.load()
    finish()
    said = capsys.readouterr().err
    # Which of equally large ones come first nobody knows.
    assert [v.name for v in report.placeholders] == ["a"] or "DAMAGED DATA: a of s@2" in said
    assert [v.name for v in a.fresh().load(verify_data=True).placeholders] == ["a"]


def test_damage_below_the_limit_is_found_before_use(a: Notebook) -> None:
    alter(a, buffer_of(a, "large"))
    report = a.fresh().load()
    finish()
    assert [v.name for v in report.placeholders] == ["large"]


def test_damage_beyond_it_is_reported_loudly_afterwards(
    a: Notebook, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    part = buffer_of(a, "huge")
    alter(a, part)
    b = a.fresh()
    assert not b.load().placeholders
    finish()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in ("DAMAGED", "huge", "s@1 differs from", "do not use it", part.digest))
    assert "large" not in said
    assert not caplog.records  # where nobody configured logging, it would print the line again
    b.check("n == 3")


def test_several_damaged_names_are_told_in_the_plural(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    a.run("other = huge[:]").save()
    alter(a, buffer_of(a, "huge"))
    a.fresh().load()
    finish()
    said = capsys.readouterr().err
    assert said.count("DAMAGED DATA") == 1
    assert "s@2 differ from" in said
    assert "do not use them" in said


def test_sound_data_is_silent(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    report = a.fresh().load()
    finish()
    assert capsys.readouterr() == ("", "")
    assert report.notes == ()


def test_asked_for_it_is_compared_before_use_and_not_again(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataCheck, "start", lambda self: pytest.fail("twice"))
    alter(a, buffer_of(a, "huge"))
    assert [v.name for v in a.fresh().load(verify_data=True).placeholders] == ["huge"]


def test_what_is_left_unread_is_said(
    a: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(integrity, "IN_BACKGROUND", AT_ONCE - 1)
    alter(a, buffer_of(a, "huge"))
    report = a.fresh().load()
    finish()
    assert "1 large array was mapped without reading it: --verify-data compares it, too" in report.notes
    assert capsys.readouterr().err == ""


def test_the_check_reads_the_file_and_not_the_users_copy(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    b = a.fresh()
    b.load()
    b.run("huge[:] = 7")
    finish()
    assert capsys.readouterr().err == ""


def test_a_store_that_goes_during_the_check_is_no_damage(a: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    a.run("short = np.random.default_rng(0).random(9_000)").save()
    parts = [buffer_of(a, "short"), buffer_of(a, "huge")]
    for part in parts:
        a.repository.map(part, verify=False)
    snapshot = a.repository.resolve("s")
    for key in [*a.repository.store.list()]:
        a.repository.store.delete(key)
    assert DataCheck(a.repository, snapshot, parts).start() == []
    finish()
    said = capsys.readouterr().err
    assert said.startswith("data of s@2 was not compared any further with what was saved (packs/")
    assert said.count("\n") == 1


def test_a_missing_blob_is_found_when_it_is_mapped(a: Notebook) -> None:
    a.repository.store.delete(key_of(buffer_of(a, "huge")))
    report = a.fresh().load()
    finish()
    assert [v.name for v in report.placeholders] == ["huge"]


def test_a_blob_of_another_length_is_found_when_it_is_mapped(a: Notebook) -> None:
    part = buffer_of(a, "huge")
    data = a.repository.store.get(key_of(part))
    a.repository.store.put(key_of(part), [data[:-8]], durable=False, overwrite=True)
    a.repository = Repository(a.repository.store)
    assert [v.name for v in a.fresh().load().placeholders] == ["huge"]
