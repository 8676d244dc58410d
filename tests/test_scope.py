"""What code uses as globals; the garbage collector while a namespace is pickled or restored."""

from __future__ import annotations

import argparse
import dis
import enum
import gc
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_session_save.pickling import collection_paused, scope


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    gc.collect()
    yield
    gc.unfreeze()
    gc.enable()


def is_old(value: Any) -> bool:
    return any(obj is value for obj in gc.get_objects(generation=2))


def test_no_collection_begins_meanwhile() -> None:
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with collection_paused():
        assert not gc.isenabled()
    assert not gc.isenabled()


@pytest.mark.skipif(gc.get_freeze_count() > 0, reason="this Python keeps objects of its own frozen")
def test_much_that_was_made_counts_as_old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "_MANY", 1000)
    with collection_paused():
        made = [[i] for i in range(2000)]
        assert not is_old(made[0])
    assert is_old(made[0]) and gc.isenabled() and not gc.get_freeze_count()


def test_little_stays_young() -> None:
    with collection_paused():
        made = [[i] for i in range(20)]
    assert not is_old(made[0])


def test_what_the_user_has_frozen_stays_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "_MANY", 1000)
    gc.freeze()
    frozen = gc.get_freeze_count()
    with collection_paused():
        made = [[i] for i in range(2000)]
    assert gc.get_freeze_count() == frozen and made


@pytest.mark.skipif(gc.get_freeze_count() > 0, reason="this Python keeps objects of its own frozen")
def test_an_interrupt_leaves_nothing_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze = gc.freeze

    def interrupted() -> None:
        freeze()
        raise KeyboardInterrupt

    monkeypatch.setattr(gc, "freeze", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scope.count_as_old()
    assert not gc.get_freeze_count()


@pytest.mark.parametrize("module", [argparse, dis, enum, inspect, types, typing], ids=lambda module: module.__name__)
def test_globals_are_those_that_the_disassembler_names(module: types.ModuleType) -> None:
    def named(code: types.CodeType) -> set[str]:
        found = {i.argval for i in dis.get_instructions(code) if i.opname in scope._GLOBAL_NAMES}
        return found.union(*(named(const) for const in code.co_consts if isinstance(const, types.CodeType)))

    code = compile(inspect.getsource(module), module.__name__, "exec")
    assert scope.globals_in(code) == named(code) != set()


def test_globals_beyond_the_reach_of_one_byte() -> None:
    names = [f"n{i}" for i in range(700)]
    assert scope.globals_in(compile("f(" + ", ".join(names) + ")", "", "exec")) == {"f", *names}
