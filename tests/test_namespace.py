"""Which names are the user's, and taking bindings back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from jupyter_session_save.errors import SessionNameError
from jupyter_session_save.namespace import Journal, choose, user_names


class Tricky:
    """Compares as nothing should be asked to."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError

    def __bool__(self) -> bool:
        raise ValueError


def shell_namespace(**values: Any) -> dict[str, Any]:
    outputs: dict[int, Any] = {}
    inputs = ["", "x = 1"]
    return {"In": inputs, "Out": outputs, "_ih": inputs, "_oh": outputs, "_dh": [], "_": "", "__": "", **values}


def test_the_users_names_in_the_order_they_were_made() -> None:
    assert user_names({"b": 1, "__name__": "m", "a": 2, "__builtins__": {}, "_private": 3}, {}) == [
        "b",
        "a",
        "_private",
    ]


def test_what_the_interpreter_notes_of_warnings_is_not_the_users() -> None:
    ns = {"__warningregistry__": {"version": 1}, "__warningregistry": 1, "_warningregistry__": 2, "warningregistry": 3}
    assert user_names(ns, {}) == ["__warningregistry", "_warningregistry__", "warningregistry"]


def test_what_the_shell_put_there_is_not_the_users_until_bound_anew() -> None:
    shell = [1]
    assert user_names({"get_ipython": shell, "exit": [1], "quit": Tricky()}, {"get_ipython": shell, "exit": shell}) == [
        "exit",
        "quit",
    ]
    assert user_names({"x": None}, {"x": None}) == []
    assert user_names({"x": None}, {}) == ["x"]


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"])
def test_keys_that_are_no_strings_are_no_names(key: Any) -> None:
    assert user_names({key: 1, "a": 2}, {}) == ["a"]


def test_history_is_the_shells() -> None:
    ns = shell_namespace(_i="x", _ii="", _iii="", ___="", _i1="x = 1", x=1)
    assert user_names(ns, {}) == ["x"]


def test_without_a_shell_all_names_are_the_users() -> None:
    ns = {"_": 1, "_1": 2, "_i": 3, "_i1": "four", "In": 5, "Out": 6}
    assert user_names(ns, {}) == list(ns)


def test_numbered_names_are_history_only_with_the_value_of_history() -> None:
    out, mine = [1], [1]
    ns = shell_namespace(_1=out, _2=mine, _3=mine, _i3="source", _i4=mine, _5a=1, _i=1, __5=2)
    ns["_oh"].update({1: out, 2: out})
    # What the user bound over an output, or under a number that gave none, is the user's.
    assert user_names(ns, {}) == ["_2", "_3", "_i4", "_5a", "__5"]


def test_a_user_may_shadow_the_outputs() -> None:
    ns = shell_namespace(_1=1)
    ns["_oh"] = "mine"
    assert user_names(ns, {}) == ["_1"]


def test_what_the_user_bound_over_the_last_output_and_an_input_is_the_users() -> None:
    typed = "x = 1"
    ns = shell_namespace(_=print, __=[1], _i=typed, _i1=typed, _i2="my own", _i3="of a cell not in the history")
    hidden = {"_": [2], "_i1": typed, "_i2": "y = 2"}
    assert user_names(ns, hidden) == ["_", "_i2"]
    # It may be what was shown and then forgotten.
    assert user_names({**ns, "_": [5]}, hidden) == ["_i2"]
    ns["_oh"][3] = ns["_"]
    assert user_names(ns, hidden) == ["_i2"]


def test_values_are_compared_by_identity_only() -> None:
    value = Tricky()
    ns = shell_namespace(_7=value, t=value)
    ns["_oh"][7] = value
    assert user_names(ns, {"t": Tricky()}) == ["t"]


NAMES = ["df", "df_raw", "model", "Model", "x1", "ñ"]


@pytest.mark.parametrize(
    ("only", "exclude", "chosen"),
    [
        ([], [], NAMES),
        (["df*"], [], ["df", "df_raw"]),
        (["model"], [], ["model"]),
        (["x?", "df"], [], ["df", "x1"]),
        (["[mM]odel"], [], ["model", "Model"]),
        (["*"], ["df*"], ["model", "Model", "x1", "ñ"]),
        ([], ["*"], []),
        (["df*"], ["df_*", "model"], ["df"]),
        (["ñ", "ñ"], [], ["ñ"]),
    ],
)
def test_patterns_choose_in_the_order_of_the_names(only: list[str], exclude: list[str], chosen: list[str]) -> None:
    assert choose(NAMES, only, exclude) == chosen
    assert choose(NAMES, iter(only), iter(exclude)) == chosen


@pytest.mark.parametrize(("only", "exclude"), [(["nope"], []), ([], ["nope"]), (["df", "nope"], []), (["DF"], ["df"])])
def test_a_pattern_that_matches_nothing_is_an_error(only: list[str], exclude: list[str]) -> None:
    with pytest.raises(SessionNameError, match=r"no variable matches '(nope|DF)'"):
        choose(NAMES, only, exclude)


OPERATIONS = [("bind", "a"), ("unbind", "a"), ("bind", "new"), ("unbind", "new"), ("bind", "a"), ("unbind", "none")]


@pytest.mark.parametrize("count", range(1, 4))
def test_any_sequence_of_changes_can_be_taken_back(count: int) -> None:
    for steps in itertools.permutations(OPERATIONS, count):
        kept, other = [1], Tricky()
        ns: dict[str, Any] = {"a": kept, "b": other, "none": None}
        journal = Journal(ns)
        for method, name in steps:
            if method == "bind":
                journal.bind(name, object())
                assert name in ns
            else:
                journal.unbind(name)
                assert name not in ns
        assert ns["b"] is other
        journal.rollback()
        assert ns.keys() == {"a", "b", "none"}
        assert ns["a"] is kept and ns["b"] is other and ns["none"] is None


def test_a_second_rollback_changes_nothing() -> None:
    ns: dict[str, Any] = {"a": 1}
    journal = Journal(ns)
    journal.bind("a", 2)
    journal.rollback()
    ns["a"] = 3
    journal.rollback()
    assert ns == {"a": 3}
