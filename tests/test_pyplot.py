"""pyplot's figures after a load: managed as they were, under their numbers, the same one current, and none shown."""

from __future__ import annotations

from functools import partial

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from jupyter_session_save.interpreter import Changes, Surroundings, collect

from .kernels import Kernel
from .machine import Machine

NOW = "print(plt.get_fignums(), plt.get_figlabels(), plt.isinteractive(), plt.get_backend())"

INLINE = (
    "%matplotlib inline\nimport matplotlib.pyplot as plt; plt.ioff()",
    "closed = plt.figure(); plt.close(closed); fig2 = plt.figure(); plt.plot([3, 1]);",
    "%save_session ioff",
    "plt.ion(); shown = plt.figure(3); plt.plot([1])\n%save_session midst",
)
AGG = (
    "%matplotlib agg",
    """class Model: pass
f1, (left, right) = plt.subplots(1, 2); f2 = plt.figure(7); plt.plot([1, 2]); model = Model()
_, axes = plt.subplots(num='named'); model.parts = {'deep': [plt.figure(12)]}
_ = plt.figure(9).suptitle('only pyplot has it'); plt.plot([4, 4]); _ = None""",
    "plt.figure(14)",
    "plt.figure(f1.number); plt.sca(left);",
    "%save_session agg",
)


def shows(kernel: Kernel, cell: str) -> bool:
    return any("image/png" in bundle for bundle in kernel.run(cell).displays)


def test_the_next_cells_draw_where_they_would_have(machine: Machine) -> None:
    a = machine.begin(*INLINE[:3])
    inline = a.run(NOW).text
    for cell in (INLINE[3], *AGG):
        a.run(cell)
    agg = a.run(NOW).text
    a.sigkill()

    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    assert not shows(b, "loaded = %load_session ioff\nloaded")
    assert b.run(NOW).text == inline and "False" in inline
    b.check("plt.gcf() is fig2", "plt.get_fignums() == [fig2.number]", "not loaded.notes")
    assert not shows(b, "plt.plot([2, 2])\nassert len(fig2.axes[0].lines) == 2")
    # What the cell that saves has drawn was shown and closed at its end.
    assert not shows(b, "loaded = %load_session midst")
    b.check("plt.get_fignums() == []", "plt.isinteractive()", "not loaded.notes")
    assert shows(b, "plt.figure(); plt.plot([1, 2]);")

    b.run("loaded = %load_session agg")
    assert b.run(NOW).text == agg and "[1, 7, 8, 9, 12, 14]" in agg
    b.check("not loaded.notes", "plt.gcf() is f1", "plt.gca() is left", "plt.figure('named') is axes.figure")
    b.check("plt.figure(7) is f2", "plt.figure(12) is model.parts['deep'][0]", "plt.figure(9).axes[0].lines")
    b.check(
        "plt.figure(f1.number).gca() is left",
        "plt.sca(right) or plt.gca() is right",
        "plt.sca(left) or plt.gca() is left",
    )

    # Values alone come without being managed, and leave pyplot as it is.
    b.run("plt.close('all'); kept = plt.figure(4)\nloaded = %load_session agg --only f1")
    b.check("plt.get_fignums() == [4]", "plt.gcf() is kept", "len(f1.axes) == 2")
    b.run("loaded = %load_session agg --no-state")
    b.check("plt.get_fignums() == [4]", "plt.gcf() is kept", "len(f2.axes) == 1")


def test_going_back_and_autosave_keep_pyplot_in_step(machine: Machine) -> None:
    a = machine.begin("%matplotlib agg\nimport matplotlib.pyplot as plt", "%autosave_session on --name auto")
    a.run("f1 = plt.figure(); plt.plot([1, 2]); kept = plt.figure(5)")
    a.run("plt.figure(1); plt.plot([3, 4]); plt.ioff(); extra = plt.figure(6)")
    a.run("%undo_session")
    back = "plt.get_fignums() == [1, 5]", "plt.gcf() is kept", "len(f1.axes[0].lines) == 1", "plt.isinteractive()"
    a.check(*back)
    a.run("plt.close(kept); number = 1")
    a.check("plt.get_fignums() == [1]")
    a.run("%undo_session")
    a.check(*back)
    a.run("plt.figure(1); plt.plot([5, 6]);")
    a.check("len(f1.axes[0].lines) == 2")
    a.run("plt.figure(8).suptitle('of no variable');")
    before = a.run(NOW).text
    a.sigkill()
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    b.run("loaded = %load_session auto")
    assert b.run(NOW).text == before and "[1, 5, 8]" in before
    b.check("plt.gcf().get_suptitle() == 'of no variable'", "plt.figure(1) is f1", "len(f1.axes[0].lines) == 2")


def test_a_load_that_fails_and_a_backend_that_is_gone() -> None:
    interactive, backend = mpl.rcParams["interactive"], mpl.rcParams["backend"]
    plt.switch_backend("agg")
    try:
        held = {
            "b": plt.figure(2),
            "a": plt.figure(9),
            "_4": plt.figure(4),
            "_own": plt.figure(5),
            "unmanaged": Figure(),
        }
        plt.figure(9)
        state, notes = collect(Surroundings(held))
        assert not notes and state["pyplot"]["figures"] == [(2, "b", 0), (4, "", 0), (5, "_own", 0), (9, "a", 0)]
        with_history, _ = collect(Surroundings(held, history=True))
        assert (4, "_4", 0) in with_history["pyplot"]["figures"]
        plt.close("all")
        other = plt.figure(1)
        changes = Changes(Surroundings({**held, "b": "placeholder"}))
        parts = {"matplotlib backend": "module://gone", "pyplot": {**state["pyplot"], "interactive": True}}
        for early in (True, False):
            changes.apply({name: partial(parts.get, name) for name in parts}, early=early)
        assert plt.get_fignums() == [4, 5, 9] and plt.gcf() is held["a"] and plt.isinteractive()
        assert "module://gone cannot be used here" in changes.notes[0]
        assert changes.notes[1:] == ["pyplot: figure 2 did not come back with b"]
        changes.undo()
        assert plt.get_fignums() == [1] and plt.gcf() is other and plt.isinteractive() == interactive
    finally:
        plt.close("all")
        plt.switch_backend(backend)
