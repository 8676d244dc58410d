"""Autosave in real kernels: what is there after a kill, and what the hooks never do."""

from __future__ import annotations

import pytest

from .kernels import Kernel
from .machine import Machine, never_idle, wait_for

ON = "%autosave_session on --name nb"


def begin(machine: Machine, *cells: str) -> Kernel:
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", ON, *cells):
        kernel.run(cell)
    return kernel


def resumed(machine: Machine, reference: str = "nb") -> Kernel:
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run(f"loaded = %load_session {reference}")
    return kernel


def versions(machine: Machine) -> list[int]:
    return sorted(int(path.stem) for path in (machine.store / "sessions" / "nb").glob("*.json"))


@pytest.mark.core
def test_what_a_cell_changed_is_there_after_a_kill_at_its_reply(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import numpy as np\na = [1]; b = a; big = np.zeros(1_000_000); view = big[:10]",
        "def push(x):\n    a.append(x)\n    view[3] = x",
        "push(7)",
    )
    kernel.run("push(8); 1 / 0", check=False)
    kernel.sigkill()
    kernel = resumed(machine)
    kernel.check("a == [1, 7, 8]", "b is a", "big[3] == 8", "np.shares_memory(big, view)")
    kernel.run("push(9)")
    kernel.check("b[-1] == 9 == big[3]")


@pytest.mark.core
def test_a_cell_that_changes_nothing_writes_nothing_and_none_prints(machine: Machine) -> None:
    kernel = begin(machine, "x = [1]")
    before = machine.stored()
    assert not kernel.run("len(x); None").outputs
    assert not kernel.run("y = 1; del y").outputs
    kernel.run("")
    with never_idle(kernel):
        kernel.submit("x.append(2)", silent=True)
        kernel.check("x == [1, 2]")
        assert versions(machine) == [1] and machine.stored() == before
    # What the silent code did is found at idle.
    wait_for(lambda: versions(machine) == [1, 2], "the sweep")


def test_what_a_thread_does_between_cells_is_found_at_idle(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import os, threading, time\nseen = []",
        "def later(out=seen):\n    while not os.path.exists('flag'):\n        time.sleep(0.01)\n    out.append('late')",
        "threading.Thread(target=later, daemon=True).start()",
    )
    count = len(versions(machine))
    machine.write("flag", "")
    wait_for(lambda: len(versions(machine)) > count, "the sweep")
    kernel.sigkill()
    resumed(machine).check("seen == ['late']")


def test_the_last_state_is_offered_in_one_line(machine: Machine) -> None:
    named = {"JPY_SESSION_NAME": "work/sales.ipynb"}
    kernel = machine.kernel(env=named)
    assert not kernel.run("%load_ext jupyter_session_save").outputs
    kernel.run("%autosave_session on")
    kernel.run("x = [1]; y = 2")
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    offer = kernel.run("%load_ext jupyter_session_save").text
    assert offer.count("\n") == 1
    assert offer.startswith("the last state of this notebook is from ") and ", after cell 3 (2 variables, " in offer
    assert offer.endswith("): %load_session @1 brings it back\n")
    assert kernel.run("%load_session").error is None
    kernel.check("x == [1]")
    other = machine.kernel(env=named)
    other.run("z = 1")
    assert not other.run("%load_ext jupyter_session_save").outputs
    assert not machine.kernel(env={"JPY_SESSION_NAME": "other.ipynb"}).run("%load_ext jupyter_session_save").outputs


@pytest.mark.parametrize("title", ["report@2", "two\nlines"])
def test_a_notebook_whose_name_no_session_can_have_is_saved_all_the_same(machine: Machine, title: str) -> None:
    named = {"JPY_SESSION_NAME": str(machine.project / f"{title}.ipynb")}
    kernel = machine.kernel(env=named)
    for cell in ("%load_ext jupyter_session_save", "%autosave_session on", "x = 1", "%save_session", "x = 2"):
        kernel.run(cell)
    kernel.run("%undo_session")
    kernel.check("x == 1")
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    assert "%load_session @4 brings it back" in kernel.run("%load_ext jupyter_session_save").text
    last = title.replace("\n", "_")
    assert f"variables of {last}-" in kernel.run(f"%sessions {last}").text
    for reference in ("", "@4", last):
        kernel.run(f"%load_session {reference}\nassert x == 1; del x")
    # What the user means by it where there is such a session.
    kernel.run("x = 7")
    kernel.run("%save_session report")
    assert "no version 2" in kernel.run("%load_session report@2", check=False).complaint


def test_autosaves_of_a_kernel_that_loaded_nothing_do_not_hide_the_state_on_offer(machine: Machine) -> None:
    profile = machine.root / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("c.SessionMagics.autosave = True\n", encoding="utf-8")
    named = {"JPY_SESSION_NAME": "nb.ipynb"}
    kernel = machine.kernel(env=named)
    kernel.run("%load_ext jupyter_session_save")
    for cell in ("x = [1]", "y = 2", "x.append(3)"):
        kernel.run(cell)
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    assert "%load_session @3 brings it back" in kernel.run("%load_ext jupyter_session_save").text
    kernel.run("a = 100")
    kernel.run("b = 200")
    assert versions(machine) == [1, 2, 3, 4, 5]
    other = machine.kernel(env=named).run("%load_ext jupyter_session_save").text
    assert other.endswith("%load_session @5 brings it back; @3 holds 2 variables that it lacks\n")
    assert "note: nb@5 is newer" in kernel.run("%load_session --dry-run").text
    text = kernel.run("%load_session").text
    assert text.startswith("loaded nb@3: 2 variables") and "note: nb@5 is newer, but this kernel" in text
    kernel.check("x == [1, 3]", "y == 2", "a == 100", "b == 200")
    # From here on the newest is meant again, and nothing was lost.
    kernel.run("x.append(4)")
    newest = versions(machine)[-1]
    assert kernel.run("%load_session").text.startswith(f"loaded nb@{newest}: ")
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("%load_session")
    kernel.check("x == [1, 3, 4]", "a == 100")
    kernel.run("%load_session @5 --replace")
    kernel.check("(a, b) == (100, 200)", "'x' not in globals()")


def test_a_load_of_an_autosave_says_that_autosave_is_off(machine: Machine) -> None:
    begin(machine, "x = 1").sigkill()
    named = {"JPY_SESSION_NAME": "nb.ipynb"}
    for env, hint in ((named, "%autosave_session on\n"), ({}, "%autosave_session on --name nb\n")):
        kernel = machine.kernel(env=env)
        kernel.run("%load_ext jupyter_session_save")
        assert f"note: autosave is off in this kernel: {hint}" in kernel.run("%load_session nb").text
        kernel.run(hint)
        assert "autosave is off" not in kernel.run("%load_session nb").text
        kernel.close()


def test_the_status_says_that_there_is_no_name(machine: Machine) -> None:
    kernel = machine.kernel(env={"JPY_SESSION_NAME": ""})
    kernel.run("%load_ext jupyter_session_save")
    assert "this front end does not tell the notebook's name" in kernel.run("%autosave_session").text
    assert kernel.run("%load_session nope", check=False).error is not None
    assert "goes on with what there is" not in kernel.run("%autosave_session").text
    failed = kernel.run("%load_session @4", check=False)
    assert "give one, as in NAME@4" in failed.complaint


def test_autorestore_goes_on_from_the_last_cell(machine: Machine) -> None:
    named = {"JPY_SESSION_NAME": "nb.ipynb"}
    profile = machine.root / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    config = "c.SessionMagics.autosave = True\nc.SessionMagics.autorestore = True\n"
    (profile / "ipython_config.py").write_text(config, encoding="utf-8")
    kernel = machine.kernel(env=named)
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("x = [1]")
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    assert kernel.run("%load_ext jupyter_session_save").text == "restored nb@1: 1 variable\n"
    kernel.run("x.append(2); a = b = c = 1")
    assert versions(machine) == [1, 2]
    # Kernels in which a cell or two ran before that do not hide it; one saves nothing as long as nothing has run.
    for cell in ("tried = 1", "tried = 2", ""):
        kernel.sigkill()
        kernel = machine.kernel(env=named)
        kernel.run("get_ipython().config.SessionMagics.autorestore = False\n%load_ext jupyter_session_save")
        kernel.run(cell)
    assert versions(machine) == [1, 2, 3, 4]
    assert "%load_session @2 brings it back" in kernel.run("%reload_ext jupyter_session_save").text
    assert kernel.run("%load_session --dry-run").text.startswith("plan for nb@2: 4 new")
    both = kernel.run("%reload_ext jupyter_session_save\n%load_session --dry-run").text
    assert "brings it back" not in both and "4 new" in both
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    aside = "@4 is newer, but its kernel began with nothing and holds 1 variable"
    assert kernel.run("%load_ext jupyter_session_save").text == f"restored nb@2: 4 variables; {aside}\n"
    kernel.run("x.append(3); c = (i for i in x); next(c)")
    kernel.sigkill()
    # What was restored is gone on with, and nothing was replaced.
    kernel = machine.kernel(env=named)
    newest = versions(machine)[-1]
    rest = "(1 placeholder: %load_session --rerun makes again what can be)"
    assert kernel.run("%load_ext jupyter_session_save").text == f"restored nb@{newest}: 4 variables {rest}\n"
    kernel.run("%load_session --rerun")
    kernel.check("x == [1, 2, 3]", "next(c) == 2")
    assert versions(machine)[:4] == [1, 2, 3, 4]


def test_after_a_failed_load_autosave_pauses(machine: Machine) -> None:
    begin(machine, "x = 'the good one'").sigkill()
    (path,) = (machine.store / "sessions" / "nb").glob("*.json")
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    kernel = begin(machine)
    failed = kernel.run("%load_session nb", check=False)
    assert failed.error is not None and "autosave is paused, because nb could not be loaded" in failed.text
    kernel.run("x = 'poor'")
    assert versions(machine) == [1]
    assert "is paused" in kernel.run("%autosave_session").text
    path.write_bytes(good)
    kernel.run("%load_session nb")
    kernel.check("x == 'the good one'")
    kernel.run("x = 'better'")
    assert versions(machine) == [1, 2]


STOP = """
import signal
class Stop:
    def __setstate__(self, state): signal.raise_signal(signal.SIGINT)
stop = Stop(); stop.state = 1
x = [stop]
"""


def test_neither_slips_of_the_pen_nor_interrupts_in_loads_pause_anything(machine: Machine) -> None:
    kernel = begin(machine, STOP, "x.append(2)")
    for line in ("nb@9", "other", "nb@x", "nb@1"):
        failed = kernel.run(f"%load_session {line}", check=False)
        assert failed.error is not None and "paused" not in failed.text
        kernel.check("x == [stop, 2]")
    assert failed.error.name == "KeyboardInterrupt"
    kernel.run("x.append(3)")
    assert versions(machine) == [1, 2, 3]


def test_a_failing_store_is_told_once_and_nothing_is_lost(machine: Machine) -> None:
    kernel = begin(
        machine,
        "x = [1]",
        "from jupyter_session_save.store.local import LocalStore as store\nput = store.put",
        "def refuse(*args, **options): raise OSError(28, 'No space left on device')",
    )
    count = len(versions(machine))
    for cell in ("store.put = refuse", "x.append(2)", "y = 3"):
        assert not kernel.run(cell).outputs
    assert len(versions(machine)) == count
    assert "No space left" in kernel.run("%autosave_session").text
    assert kernel.log().count("No space left") == 1
    assert not kernel.run("store.put = put").outputs
    wait_for(lambda: len(versions(machine)) > count, "another attempt")
    kernel.sigkill()
    resumed(machine).check("x == [1, 2]", "y == 3")


def test_an_interrupt_in_the_hook_costs_nothing_and_shows_nothing(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import os, signal\nclass Slow:\n    def __reduce__(self):\n        if os.path.exists('armed'):\n"
        "            os.remove('armed'); os.kill(os.getpid(), signal.SIGINT)\n"
        "            for _ in range(10_000): pass\n        return Slow, ()",
        "x = [Slow()]",
    )
    machine.write("armed", "")
    result = kernel.run("x.append(1)")
    assert not result.outputs and not (machine.project / "armed").exists()
    kernel.run("1 + 1")
    kernel.sigkill()
    resumed(machine).check("len(x) == 2")


LOUD = """
import logging, sys, threading, warnings
from IPython.display import display
class Loud:
    def __init__(self): self.x = []
    def __getstate__(self):
        print('printed'); print('complained', file=sys.stderr); logging.error('logged'); warnings.warn('warned')
        display('displayed'); sys.stdout.flush()
        other = threading.Thread(target=print, args=('of another thread',))
        other.start(); other.join()
        return vars(self)
class Quits:
    def __reduce__(self): raise KeyboardInterrupt
class Leaves:
    def __reduce__(self): raise SystemExit
"""


@pytest.mark.core
def test_what_code_of_the_users_says_or_raises_while_it_is_saved_shows_nowhere(machine: Machine) -> None:
    kernel = begin(machine, LOUD, "beside = [1]")
    shown = kernel.run("quits = [Quits()]; leaves = [Leaves()]; loud = Loud()")
    assert set(shown.text.split("\n")) == {"of another thread", ""} and not shown.stream("stderr")
    # Also at idle, and while the namespace is caught up with.
    kernel.run("quiet = 1\n%undo_session")
    shown = kernel.run("loud.x.append(1); beside.append(2); print('mine'); display('too'); print('!', file=sys.stderr)")
    assert "printed" not in shown.text and "displayed" not in shown.text
    assert shown.text.startswith("mine\n") and "'too'" in shown.text and shown.stream("stderr") == "!\n"
    kernel.check("'silence' not in repr(sys.stdout.write)", "'publish' not in vars(get_ipython().display_pub)")
    # A save by hand is like any other call.
    assert "printed" in kernel.run("%save_session byhand").text
    kernel.sigkill()
    kernel = resumed(machine)
    kernel.check("beside == [1, 2]", "loud.x == [1]", "len(quits) == len(leaves) == 1")


def test_two_kernels_of_one_notebook_lose_nothing(machine: Machine) -> None:
    one, other = begin(machine), begin(machine)
    for number in range(3):
        one.run(f"x = {number}")
        other.run(f"y = {number}")
    assert versions(machine) == [1, 2, 3, 4, 5, 6]
    resumed(machine, "nb@5").check("x == 2", "'y' not in globals()")


def test_the_status_names_what_only_placeholders_stand_for(machine: Machine) -> None:
    kernel = begin(machine, "x = 1")
    assert "placeholder" not in kernel.run("%autosave_session").text
    kernel.run("%config SessionMagics.autosave_max_variable = 100_000")
    kernel.run("import numpy as np; big = np.zeros(1_000_000); g = (i for i in [1]); next(g); d = {'inner': [g, 1]}")
    said = kernel.run("%autosave_session").text
    assert "placeholders stand for all or a part of big, d, g: %save_session says why, and saves what is only" in said
    kernel.run("more = {n: (i for i in [n]) for n in 'abcd'}; [*map(next, more.values())]; globals().update(more)")
    assert "a part of a, b, big, c, d, … and 2 more: " in kernel.run("%autosave_session").text
    kernel.run("%save_session nb")
    kernel.run("x = 2")
    assert "big" not in kernel.run("%autosave_session").text
    kernel.run("del g, d, a, b, c, more, big")
    assert "placeholder" not in kernel.run("%autosave_session").text
