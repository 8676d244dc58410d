"""Cases about objects that several variables share (21, 38, 40)."""

from __future__ import annotations

import pytest

from .machine import Machine, alive, save


@pytest.mark.core
def test_case_21_aliases_and_cycles_keep_their_identity(machine: Machine) -> None:
    facts = machine.save(
        "a = [1, 2]; b = a; d = {'a': a}; t = (a, a)",
        "x = []; y = [x]; x.append(y)",
        "class Node:\n    pass\nleft = Node(); right = Node(); left.to = right; right.to = left",
        "apart = [1, 2]; s = {1}; both = [s, s]",
    )
    assert not facts.placeholders
    b = machine.load()
    b.check(
        "b is a",
        "d['a'] is a",
        "t[0] is a",
        "t[1] is a",
        "apart is not a",
        "both[0] is both[1]",
        "both[0] is s",
    )
    b.check("x[0] is y", "y[0] is x", "left.to is right", "right.to is left", "type(left) is Node")
    b.run("b.append(3)")
    b.check("d == {'a': [1, 2, 3]}", "apart == [1, 2]")


def test_case_38_a_load_in_the_same_kernel_is_an_undo(machine: Machine) -> None:
    a = machine.begin(
        "import numpy as np, pandas as pd",
        "df = pd.DataFrame({'a': np.arange(1000.0), 'b': ['x', 'y'] * 500})",
        "whole = df.copy(); other = {'df': df}",
    )
    save(a)
    a.run("del df['a']; df.loc[0, 'b'] = 'gone'")
    a.run("loaded = %load_session case")
    alive(a)
    a.check("df.equals(whole)", "other['df'] is df", "'df' in loaded.overwritten")
    a.run("df['a'] = 0.0; df = None")
    a.run("loaded = %load_session case")
    a.check("df.equals(whole)", "other['df'] is df")
    a.sigkill()
    b = machine.load()
    b.check("df.equals(whole)", "other['df'] is df")


@pytest.mark.core
def test_case_40_an_array_and_its_views_share_memory(machine: Machine) -> None:
    facts = machine.save(
        "import numpy as np",
        "a = np.arange(5.0); v = a[:2]; w = {'rev': a[::-1]}",
        "big = np.zeros((1000, 1000)); corner = big[10:20, 10:20].T",
        "frozen = np.arange(3); frozen.flags.writeable = False; first = np.ones(4)[1:]",
    )
    assert not facts.placeholders
    b = machine.load()
    b.run("v[0] = 42.0; a[4] = -1.0; corner[0, 1] = 7.0")
    b.check("a.tolist() == [42.0, 1.0, 2.0, 3.0, -1.0]", "w['rev'].tolist() == [-1.0, 3.0, 2.0, 1.0, 42.0]")
    b.check("v.base is a", "big[11, 10] == 7.0", "big.sum() == 7.0", "np.shares_memory(corner, big)")
    b.check(
        "not frozen.flags.writeable",
        "a.flags.writeable",
        "big.flags.writeable",
        "first.tolist() == [1.0] * 3",
    )


def test_case_40_a_frame_and_the_array_below_it_share_memory(machine: Machine) -> None:
    a = machine.begin(
        "import numpy as np, pandas as pd",
        "m = np.zeros((1000, 2)); df = pd.DataFrame(m, columns=['p', 'q'], copy=False)",
        "source = pd.DataFrame({'k': np.arange(4.0), 'l': np.arange(4.0)})",
        "lazy = source[:]; column = source['k']",
    )
    a.run("m[0, 0] = 5.0")
    a.check("df.loc[0, 'p'] == 5.0", "np.shares_memory(df, m)")
    save(a)
    a.sigkill()
    b = machine.load()
    b.check("df.loc[0, 'p'] == 5.0", "np.shares_memory(df, m)")
    b.run("m[1, 1] = 6.0")
    b.check("df.loc[1, 'q'] == 6.0")
    b.run("df.iloc[2, 0] = 7.0")
    b.check("m[2, 0] == 7.0")
    # Copy-on-write: what looks like a view of a frame must not leak a write into it.
    b.run("lazy.iloc[0, 0] = 99.0; column.iloc[1] = 98.0")
    b.check("source['k'].tolist() == [0.0, 1.0, 2.0, 3.0]", "lazy.iloc[0, 0] == 99.0", "column.iloc[1] == 98.0")
    b.check("lazy['k'].tolist() == [99.0, 1.0, 2.0, 3.0]")
