"""Cases about the kernel itself: its shell, input, figures, history and names (1, 2, 5, 6, 28, 29, 39)."""

from __future__ import annotations

import pytest

from .machine import Machine, alive, save


@pytest.mark.core
def test_case_01_the_shell_is_the_new_shell(machine: Machine) -> None:
    facts = machine.save("ip = get_ipython()", "d = {'ip': ip, 'run': ip.run_cell}")
    assert not facts.placeholders
    b = machine.load()
    b.check("ip is get_ipython()", "d['ip'] is ip", "d['run'].__self__ is ip", "ip.user_ns is globals()")


@pytest.mark.core
def test_case_02_input_and_getpass_are_the_new_kernels(machine: Machine) -> None:
    facts = machine.save("from getpass import getpass; myin = input", "asks = [myin, getpass]")
    assert not facts.placeholders
    b = machine.load()
    b.check("myin.__self__ is get_ipython().kernel", "getpass.__self__ is get_ipython().kernel")
    b.check("asks[0] == myin", "asks[1] == getpass")
    # This client answers no questions, so the kernel's own functions refuse, each in its own way.
    for call in ("myin('name? ')", "getpass('secret? ')"):
        error = b.run(call, check=False).error
        assert error is not None and error.name == "StdinNotImplementedError"
    alive(b)


def test_case_05_pylab_loads_and_still_draws(machine: Machine) -> None:
    machine.save("%pylab inline", "x = linspace(0, 1, 5); y = x ** 2")
    b = machine.load()
    b.check("allclose(y, linspace(0, 1, 5) ** 2)", "sin is np.sin", "plt.figure is figure")
    result = b.run("curve = plot(x, y)")
    assert any("image/png" in display for display in result.displays)
    alive(b)


def test_case_06_a_figure_with_a_line_comes_back_drawable(machine: Machine) -> None:
    cells = ("import matplotlib.pyplot as plt", "fig, ax = plt.subplots(); line, = ax.plot([1, 2, 4])")
    facts = machine.save(*cells)
    assert not facts.placeholders
    b = machine.load()
    b.check("fig.axes[0] is ax", "len(ax.lines) == 1", "ax.lines[0] is line", "line.figure is fig")
    b.check("list(line.get_ydata()) == [1, 2, 4]")
    assert any("image/png" in display for display in b.run("fig").displays)
    b.run("import io; ax.plot([4, 2, 1]); target = io.BytesIO(); fig.savefig(target, format='png')")
    b.check("target.getvalue().startswith(b'\\x89PNG')", "len(ax.lines) == 2")


@pytest.mark.core
def test_case_28_history_counter_and_exit_are_the_new_kernels(machine: Machine) -> None:
    machine.save("mine = In; shown = Out; leave = exit", "'a value of kernel A'")
    b = machine.load()
    b.check("In is get_ipython().history_manager.input_hist_parsed", "In is get_ipython().user_ns['_ih']")
    b.check("Out is get_ipython().history_manager.output_hist", "mine is In", "shown is Out", "leave is exit")
    first = b.run("'the next value'")
    second = b.run("last = _\nIn[-1]")
    assert first.count is not None and second.count == first.count + 1
    assert "last = _" in second.text
    b.check("last == 'the next value'", f"Out[{first.count}] == 'the next value'")
    b.check("'a value of kernel A' not in Out.values()")
    b.run("exit")
    b.wait_dead()
    assert b.process.returncode == 0


@pytest.mark.core
def test_case_29_the_users_names_are_kept_and_ipythons_are_not_saved(machine: Machine) -> None:
    a = machine.begin("'an output'", "_cache = {'k': 1}; L = []; ap = L.append; open = 5; list = [1]")
    facts = save(a)
    a.sigkill()
    assert not facts.placeholders
    assert {"_cache", "L", "ap", "open", "list", "sentinel"} <= set(facts.states)
    strangers = {"_", "__", "___", "_i", "_ii", "_iii", "_i1", "_1", "_2", "_3", "_ih", "_oh", "_dh"}
    assert not set(facts.states) & (strangers | {"In", "Out", "exit", "quit", "get_ipython"})
    b = machine.load()
    b.check("_cache == {'k': 1}", "open == 5", "list == [1]", "ap.__self__ is L")
    b.run("ap('added')")
    b.check("L == ['added']")


@pytest.mark.core
def test_case_39_a_save_takes_nothing_from_the_live_session(machine: Machine) -> None:
    a = machine.begin(
        "from IPython.display import HTML, display",
        "handle = display('shown', display_id='handle')",
        "d = {'html': HTML('<b>x</b>'), 'handle': handle, 'exit': exit, 'In': In}",
        "before = {name: id(value) for name, value in d.items()}; leave = id(exit)",
    )
    save(a)
    a.check("{name: id(value) for name, value in d.items()} == before")
    a.check("id(exit) == leave", "d['exit'] is exit", "d['In'] is In", "exit is get_ipython().user_ns['exit']")
    a.sigkill()
    b = machine.load()
    b.check("list(d) == ['html', 'handle', 'exit', 'In']", "d['exit'] is exit", "d['In'] is In")
    b.check("d['html'].data == '<b>x</b>'", "d['handle'] is handle", "handle.display_id == 'handle'")
