"""What a cell changes without naming it is stored before its reply, in a real kernel that has no idle time."""

from __future__ import annotations

import threading

from jupyter_session_save.escaping import Escaping
from jupyter_session_save.repository import Repository

from .machine import Machine

HOLDER = """
callbacks, registry = [], {}
class Bus:
    def __init__(self): self.handlers = []
bus = Bus()
def fire():
    for each in callbacks + bus.handlers: each()
"""

BEGIN = """
import jupyter_session_save.idle as own
own.Idle._run = lambda self: None
import __main__ as m, builtins, code, ctypes, queue, sys, threading
import numpy as np
%load_ext jupyter_session_save
%autosave_session on --name nb
"""

# The variable that changes, the cells before, and the cell after whose reply it must be stored.
ROUTES: dict[str, tuple[str, list[str], str]] = {
    "main by another name": ("x", [], "m.x.append(1)"),
    "main found by name": ("x", [], "sys.modules['__main__'].x.append(1)"),
    "globals by another name": ("x", ["g = globals"], "g()['x'].append(1)"),
    "the namespace itself": ("x", ["ns = globals()"], "ns['x'].append(1)"),
    "the namespace inside something": ("x", ["inside = [globals()]"], "inside[0]['x'].append(1)"),
    "an interpreter of one's own": (
        "x",
        ["ic = code.InteractiveInterpreter(globals())"],
        "ic.runsource('x.append(1)')",
    ),
    "eval by another name": ("x", ["e = eval"], "e('x.append(1)')"),
    "a name made up": ("x", [], "getattr(builtins, 'ev' + 'al')('x.append(1)')"),
    "a frame": ("x", ["def up(): sys._getframe().f_back.f_globals['x'].append(1)"], "up()"),
    "an address": (
        "a",
        ["a = np.zeros(9); at = a.ctypes.data; real = ctypes.c_double"],
        "real.from_address(at).value = 1",
    ),
    "a callback in a module": ("x", ["import holder; holder.callbacks.append(lambda: x.append(1))"], "holder.fire()"),
    "a callback in an object": (
        "x",
        ["holder.bus.handlers.append(x.append)\nfrom holder import bus"],
        "bus.handlers[-1](1)",
    ),
    "a function of a module": ("x", ["from holder import fire"], "holder.bus.handlers.clear(); fire()"),
    "a value in a module": ("x", ["holder.registry['kept'] = [x]"], "holder.registry['kept'][0].append(1)"),
    "a thread": (
        "x",
        [
            "q = queue.Queue()\ndef work(out, q=q):\n    while True: out.append(q.get()); q.task_done()",
            "threading.Thread(target=work, args=(x,), daemon=True).start()",
        ],
        "q.put(1); q.join()",
    ),
    "a callback of the shell": (
        "log",
        ["log = []\ndef note(*_): log.append(1)\nget_ipython().events.register('pre_run_cell', note)"],
        "1 + 1",
    ),
    "a finalizer": (
        "ends",
        ["ends = []\nclass Ends:\n    def __del__(self): ends.append(1)\nending = Ends()"],
        "del ending",
    ),
    "the current figure": (
        "ax",
        ["import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()"],
        "plt.plot([1, 2])",
    ),
    "a function that draws": (
        "ax",
        ["def draw():\n    from matplotlib import pyplot\n    pyplot.title('t')"],
        "draw()",
    ),
}


def digest(machine: Machine, name: str) -> str:
    snapshot = Repository.open(machine.store).resolve("nb")
    return next(v.digest for v in snapshot.variables if v.name == name)


def test_every_way_to_a_variable_that_no_name_tells(machine: Machine) -> None:
    machine.write("holder.py", HOLDER)
    kernel = machine.kernel()
    kernel.run(BEGIN)
    kernel.run("x = [0]; bystander = [1]")
    lost = []
    for route, (name, before, cell) in ROUTES.items():
        for each in before:
            kernel.run(each)
        was = digest(machine, name)
        kernel.run(cell)
        if digest(machine, name) == was:
            lost.append(route)
    assert not lost
    length = kernel.get("len(x)")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save\n%load_session nb")
    kernel.check(f"len(x) == {length} > 10", "ends == [1]", "len(ax.lines) == 1", "a[0] == 1")


def test_a_thread_without_a_target_leads_nowhere_outside_a_shell_either() -> None:
    timer = threading.Timer(600, len)
    timer.start()
    try:
        namespace = {"x": [1]}
        assert Escaping(namespace, dict(namespace), None).always() == set()
    finally:
        timer.cancel()
        timer.join()
