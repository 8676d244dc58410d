"""State that is in no variable comes back in a fresh kernel, part by part, and is put back when a load fails."""

from __future__ import annotations

import ast
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.interpreter import PARTS, Changes, Surroundings, changed, collect
from jupyter_session_save.repository import Repository

from .machine import Machine
from .restore import ROOT


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def here(shell: Any = None) -> Surroundings:
    return Surroundings({}, shell)


MAGICS = """
from IPython.core.magic import Magics, line_magic, magics_class, register_line_cell_magic, register_line_magic

@register_line_magic
def hello(line):
    return f"hello {line} {k}"

@register_line_cell_magic
def both(line, cell=None):
    return line, cell, k

del both

@magics_class
class Mine(Magics):
    @line_magic
    def mine(self, line):
        return line, self.extra, self.shell is get_ipython()

own = Mine(get_ipython())
own.extra = 4
get_ipython().register_magics(own)
del own
"""

CELLS = (
    "import decimal, logging, os, random, sys, warnings\nimport numpy as np, pandas as pd\nk = 5",
    "random.seed(0); np.random.seed(0)\nrandom.random(), np.random.rand()",
    "os.makedirs('sub/lib'); os.chdir('sub'); sys.path.append('lib')",
    "decimal.getcontext().prec = 7\nwarnings.filterwarnings('error', message='boo.*')",
    "pd.set_option('display.max_rows', 7, 'display.float_format', '{:.1f}'.format)",
    "np.set_printoptions(precision=3); np.seterr(all='ignore')",
    "%alias greet echo hi\n%load_ext autoreload\n%autoreload 2",
    "import calendar, csv, socket\ncalendar.setfirstweekday(6); csv.field_size_limit(999); socket.setdefaulttimeout(7)",
    "os.makedirs('front'); sys.path.insert(0, os.path.abspath('front')); sys.set_int_max_str_digits(9999)",
    "%alias_magic quick time\n%alias_magic -c quicker time\n%xmode Plain",
    "logging.disable(5)",
    "logging.basicConfig(level=logging.INFO, format='%(message)s'); logging.getLogger('own').setLevel(10)",
    MAGICS,
)

FOLLOWING = (
    "random.random(), np.random.rand(), str(decimal.Decimal(1) / 3), os.getcwd(), 'lib' in sys.path",
    "pd.get_option('display.max_rows'), str(pd.Series([1.25])), np.array([1.23456]), np.geterr()",
    "logging.root.level, len(logging.root.handlers), logging.getLogger('own').level",
    "calendar.firstweekday(), csv.field_size_limit(), socket.getdefaulttimeout(), sys.get_int_max_str_digits()",
    "os.path.basename(sys.path[0]), logging.root.manager.disable, get_ipython().InteractiveTB.mode",
    "[n in t and t[n].magic_name for t in get_ipython().magics_manager.magics.values() for n in ('quick', 'quicker')]",
    "%hello you",
    "%both b",
    "%mine m",
    "%greet",
    "try:\n    warnings.warn('booh')\nexcept UserWarning:\n    print('raised')",
    "get_ipython().magics_manager.registry['AutoreloadMagics']._reloader.enabled",
    "k = 6",
    "%hello again",
    "get_ipython().execution_count - len(In), In[-1]",
)

LIBRARIES = (
    "import matplotlib, torch\nmatplotlib.rcParams['lines.linewidth'] = 9\ntorch.manual_seed(3)\ntorch.rand(2)",
    "torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)",
    "import sklearn; sklearn.set_config(transform_output='pandas'); torch.set_printoptions(precision=2)",
)
DRAWN = (
    "sklearn.get_config()['transform_output'], torch.tensor([1.23456])",
    "torch.rand(2), torch.is_grad_enabled()",
    "matplotlib.rcParams['lines.linewidth'], matplotlib.rcParams._get_backend_or_none()",
)


def resumed(machine: Machine, cells: tuple[str, ...], following: tuple[str, ...]) -> None:
    """Assert that the following cells print, and are numbered, the same after a resume as without one."""
    first = machine.begin(*cells)
    first.run("report = %save_session case")
    runs = [first.run(cell) for cell in following]
    first.sigkill()
    second = machine.fresh()
    second.run("%load_ext jupyter_session_save")
    second.run("report = %load_session case")
    for cell, expected in zip(following, runs, strict=True):
        found = second.run(cell)
        assert (found.count, found.text, found.complaint) == (expected.count, expected.text, expected.complaint), cell


@pytest.mark.core
def test_the_following_cells_cannot_tell(machine: Machine) -> None:
    resumed(machine, CELLS, FOLLOWING)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_nor_can_they_with_torch_and_matplotlib(machine: Machine) -> None:
    resumed(machine, LIBRARIES, DRAWN)


def test_inline_figures_are_shown_after_a_load(machine: Machine) -> None:
    before = ("import matplotlib.pyplot as plt\nplt.rcParams['figure.figsize'] = [2, 1]", "plt.plot([1]);")
    machine.save(*before)
    kernel = machine.load()
    shown = kernel.run("plt.plot([1, 2]);").displays
    assert any("image/png" in bundle for bundle in shown)
    kernel.check("plt.rcParams['figure.figsize'] == [2, 1]", "not plt.get_fignums()")


def test_polars_prints_as_it_did(machine: Machine) -> None:
    pytest.importorskip("polars")
    shown = "str(pl.Series([1.0, 2.5])) == 'shape: (2,)\\nSeries: \\'\\' [f64]\\n[\\n\\t1.000\\n\\t2.500\\n]'"
    machine.begin("import polars as pl", "_ = pl.Config.set_float_precision(3).set_tbl_rows(2)").check(shown)
    machine.save("import polars as pl", "_ = pl.Config.set_float_precision(3).set_tbl_rows(2)")
    machine.load().check(shown, "pl.Config.state()['POLARS_FMT_MAX_ROWS'] == '2'")


def test_a_failed_load_puts_back_the_options_of_polars() -> None:
    config = pytest.importorskip("polars").Config
    (part,) = (part for part in PARTS if part.name == "polars options")
    around = Surroundings({})
    assert part.read(around) is None
    back = part.keep(around)
    part.write({"environment": {"POLARS_FMT_MAX_ROWS": "3"}, "direct": {"set_float_precision": 2}}, around)
    assert part.read(around) == {"environment": {"POLARS_FMT_MAX_ROWS": "3"}, "direct": {"set_float_precision": 2}}
    back()
    assert part.read(around) is None
    assert config.state()["POLARS_FMT_MAX_ROWS"] is None


def test_names_of_colours_mean_what_they_meant(machine: Machine) -> None:
    changed = "names = colors.get_named_colors_mapping(); names['b'] = (0.25, 0.5, 0.75); names['house'] = '#102030'"
    machine.save("from matplotlib import colors", "colors.to_rgb('b')", changed, "del names")
    machine.load("from matplotlib import colors", "colors.to_rgb('b'); colors.to_rgb('r')").check(
        "colors.to_rgb('b') == (0.25, 0.5, 0.75)",
        "colors.to_hex('house') == '#102030'",
        "colors.to_rgb('r') == (1, 0, 0)",
    )


def test_a_failed_load_puts_back_the_names_of_colours() -> None:
    colors = pytest.importorskip("matplotlib.colors")
    (part,) = (part for part in PARTS if part.name == "matplotlib colours")
    around = Surroundings({})
    assert part.read(around) is None
    back = part.keep(around)
    assert part.write({"b": "pink", "house": "red"}, around) == ()
    assert part.read(around) == {"b": "pink", "house": "red"}
    back()
    assert part.read(around) is None
    assert colors.to_rgb("b") == (0, 0, 1)
    assert not colors.is_color_like("house")


def test_the_format_of_inline_figures_comes_back(machine: Machine) -> None:
    machine.save("import matplotlib.pyplot as plt", "%config InlineBackend.figure_format = 'svg'")
    shown = machine.load().run("plt.plot([1, 2]);").displays
    assert [sorted({"image/svg+xml", "image/png"} & set(bundle)) for bundle in shown] == [["image/svg+xml"]]


class Device:
    """Stands for CUDA as torch shows it; the generators of each device are bytes."""

    def __init__(self, states: list[Any]) -> None:
        self.states, self._queued_calls = states, list[Any]()

    def is_initialized(self) -> bool:
        return bool(self.states)

    def device_count(self) -> int:
        return len(self.states)

    def get_rng_state_all(self) -> list[Any]:
        return [state.clone() for state in self.states]

    def set_rng_state_all(self, states: list[Any]) -> None:
        self.states[:] = states

    def set_rng_state(self, state: Any, index: int) -> None:
        self.states[index] = state


def test_generators_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    old = torch.get_rng_state()
    try:
        monkeypatch.setattr(torch, "cuda", Device([torch.tensor([n], dtype=torch.uint8) for n in (1, 2)]))
        values = {"torch generators": collect(here())[0]["torch generators"]}
        assert values["torch generators"]["cuda"] == (b"\x01", b"\x02")
        device = Device([torch.tensor([7], dtype=torch.uint8)])
        monkeypatch.setattr(torch, "cuda", device)
        changes = Changes(here())
        changes.apply({name: lambda name=name: values[name] for name in values}, early=False)
        assert [state.tolist() for state in device.states] == [[1]]
        assert changes.notes == ["torch generators: the generators of 1 CUDA device stay as they are: not found here"]
        changes.undo()
        assert [state.tolist() for state in device.states] == [[7]]
    finally:
        torch.set_rng_state(old)


def test_another_kind_of_numpy_generator() -> None:
    code = """
import jupyter_session_save as j, numpy as np, sys
if sys.argv[1] == 'save':
    np.random.set_bit_generator(np.random.PCG64(5)); np.random.normal()
    j.save('s', {}, store=sys.argv[2])
else:
    assert 'numpy.random' in j.load('s', {}, store=sys.argv[2]).state
print(np.random.rand(), np.random.get_state(legacy=False)['bit_generator'])
"""
    with tempfile.TemporaryDirectory() as store:
        shown = {
            subprocess.run([sys.executable, "-c", code, what, store], capture_output=True, text=True, check=True).stdout
            for what in ("save", "load")
        }
    assert len(shown) == 1 and "PCG64" in shown.pop()


def test_another_backend_comes_back(machine: Machine) -> None:
    machine.save("import matplotlib; matplotlib.use('svg')")
    machine.load().check("matplotlib.rcParams._get_backend_or_none() == 'svg'")


def test_a_backend_that_is_not_here_is_named_and_changes_nothing() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    (part,) = (part for part in PARTS if part.name == "matplotlib backend")
    before = dict.get(matplotlib.rcParams, "backend")
    back = part.keep(here())
    (note,) = part.write("module://no_such_backend", here())
    assert note.startswith("module://no_such_backend cannot be used here")
    back()
    assert dict.get(matplotlib.rcParams, "backend") == before


def test_saving_resolves_no_backend_imports_nothing_and_draws_nothing() -> None:
    code = """
import os, random, sys, tempfile
os.environ.pop('MPLBACKEND', None)
import matplotlib, numpy as np
import jupyter_session_save.sessions
store = tempfile.mkdtemp()
jupyter_session_save.save('warm', {}, store=store)
random.seed(1); np.random.seed(1)
states, modules = (random.getstate(), np.random.get_state()[1].tolist()), set(sys.modules)
options = dict(dict.items(matplotlib.rcParams))
jupyter_session_save.save('s', {'a': [1], 'f': lambda: a, 'm': np.zeros(5)}, store=store)
assert (random.getstate(), np.random.get_state()[1].tolist()) == states
assert matplotlib.rcParams._get_backend_or_none() is None
assert dict(dict.items(matplotlib.rcParams)) == options
assert not {'pandas', 'torch', 'IPython', 'matplotlib.pyplot'} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_loggers_of_libraries_keep_their_levels_only(machine: Machine) -> None:
    fresh = machine.begin("import logging").run("r = %save_session fresh\n'logging' in r.state")
    assert fresh.text.strip() == "False"
    machine.save(
        "import logging, numpy\nfor name in ('numpy', 'own'):\n    log = logging.getLogger(name)\n    log.setLevel(35)",
        "for name in ('numpy', 'own'):\n    log = logging.getLogger(name)\n    log.addHandler(logging.StreamHandler())",
        "del log",
    )
    kernel = machine.load()
    kernel.check("[logging.getLogger(n).level for n in ('numpy', 'own')] == [35, 35]", "'logging' in loaded.state")
    kernel.check("[len(logging.getLogger(n).handlers) for n in ('numpy', 'own')] == [0, 1]")


@pytest.mark.parametrize("options", ["--no-state", "--only k", "--prefix old_", "--into old"])
def test_loads_that_restore_no_state(machine: Machine, options: str) -> None:
    machine.save("import os, random\nk = 1\nos.mkdir('sub'); os.chdir('sub'); random.seed(0)")
    kernel = machine.fresh()
    kernel.run(
        "%load_ext jupyter_session_save\nimport os, random; random.seed(9); was = random.getstate(), os.getcwd()"
    )
    kernel.run(f"r = %load_session case {options}")
    kernel.check("(random.getstate(), os.getcwd()) == was", "r.state == ()")


def test_a_trait_and_a_dry_run(machine: Machine) -> None:
    machine.save("import random; random.seed(0)")
    kernel = machine.fresh()
    kernel.run("%load_ext jupyter_session_save\nimport random; random.seed(9); was = random.getstate()")
    kernel.run("p = %load_session case --dry-run")
    kernel.check("'random' in p.state", "'would restore state:' in repr(p)", "random.getstate() == was")
    kernel.run("%config SessionMagics.restore_state = False\nr = %load_session case")
    kernel.check("r.state == ()", "random.getstate() == was")


def test_an_interrupted_load_puts_everything_back(machine: Machine) -> None:
    machine.save(*CELLS)
    kernel = machine.fresh()
    kernel.run("%load_ext jupyter_session_save\nimport decimal, logging, os, random, sys, warnings\nimport numpy as np")
    kernel.run("import pandas as pd")
    kernel.run(
        """
from jupyter_session_save.interpreter import PARTS, Surroundings, collect
from jupyter_session_save import loading
def state():
    shell = get_ipython()
    tables = {k: dict(v) for k, v in shell.magics_manager.magics.items()}
    number, count = shell.execution_count - len(In), len(shell.configurables)
    values = {k: v for k, v in collect(Surroundings({}, shell))[0].items() if k != 'prompt number'}
    return repr(values), tables, number, sorted(shell.extension_manager.loaded), list(sys.path), count
def stop(*args, **kwargs):
    raise KeyboardInterrupt
loading.LoadReport = stop
was = state()
"""
    )
    failed = kernel.run("%load_session case", check=False)
    assert failed.error is not None and failed.error.name == "KeyboardInterrupt"
    kernel.check("state() == was", "'k' not in globals()")


def test_a_part_that_fails_costs_only_itself(machine: Machine) -> None:
    machine.save(
        "import os, random, sys, logging, pandas as pd\nrandom.seed(0)\nos.mkdir('gone'); os.chdir('gone')",
        "pd.set_option('display.max_rows', 7)\npd.options.display.precision = 2",
        "class Odd(logging.Handler): pass\nlogging.getLogger('own').addHandler(Odd())",
        "sys.path.append(os.path.abspath('missing'))\nimport types\nm = types.ModuleType('vanishing')",
        "m.load_ipython_extension = lambda ip: None\nsys.modules['vanishing'] = m\ndel m\n%load_ext vanishing",
    )
    (machine.project / "gone").rmdir()
    kernel = machine.load("import pandas as pd; pd._config.config._registered_options.pop('display.precision')")
    notes = kernel.get("loaded.notes")
    for told in (
        "gone is not here",
        "missing is not here",
        "display.precision stays",
        "Odd of own",
        "vanishing failed",
    ):
        assert sum(told in note for note in notes) == 1, (told, notes)
    kernel.check("pd.get_option('display.max_rows') == 7", "random.getstate() == random.Random(0).getstate()")


def test_a_damaged_part_costs_only_itself(machine: Machine) -> None:
    kernel = machine.begin("import random; random.seed(0)")
    kernel.run("from jupyter_session_save import interpreter, sessions, resuming, interpreter\nk = 1")
    kernel.run("%save_session case")
    kernel.run(
        "def broken(value, around):\n    raise OSError('no luck')\n    yield\n"
        "import dataclasses\n"
        "interpreter.PARTS = tuple(dataclasses.replace(p, write=broken) if p.name == 'warnings filters' else p "
        "for p in interpreter.PARTS)\nr = %load_session case"
    )
    kernel.check("'warnings filters' not in r.state", "'random' in r.state")
    assert "warnings filters: not restored: OSError: no luck" in kernel.get("r.notes")


def test_a_filter_for_warnings_of_a_library_imports_it_only_where_it_is(tmp_path: Path) -> None:
    tmp_path.joinpath("colorama.py").write_text("class Loud(UserWarning): pass\nclass Quiet(Loud): pass\n")
    here_too = "import pickle, sys, warnings\nfrom jupyter_session_save.interpreter import filters\n"
    library = f"sys.path.insert(0, {str(tmp_path)!r})\nfilters.is_library = lambda module: module == 'colorama'\n"
    save = (
        "import colorama\nwarnings.simplefilter('error', colorama.Loud)\nprint(pickle.dumps(filters._read(None)).hex())"
    )
    data = _ran(here_too + library + save)
    load = f"""
value = pickle.loads(bytes.fromhex({data!r}))
assert [*filters._write(value, None)] == [] and "colorama" not in sys.modules
warnings.warn("another", UserWarning)
assert filters._read(None) == value
import colorama
for kind in (colorama.Loud, colorama.Quiet):
    try:
        warnings.warn("one of them", kind)
    except kind:
        print("raised")
assert [*filters._write(value, None)] == [] and warnings.filters[0][2] is colorama.Loud
del colorama.Loud
print(*filters._write(value, None))
"""
    left_out = "1 left out, since the category is not here"
    assert _ran(here_too + library + load).splitlines() == ["raised", "raised", left_out]


def _ran(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


CHANGES: list[tuple[str, Callable[[], Any]]] = [
    ("random", lambda: random.seed(5)),
    ("warnings filters", lambda: warnings.simplefilter("always")),
]


@pytest.mark.parametrize(("part", "change"), CHANGES)
def test_changes_are_noticed_and_taken_back(part: str, change: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        before = collect(here())[0]
        assert changed(collect(here())[0], before) == set()
        undoing = Changes(here())
        undoing.apply({name: lambda name=name: before[name] for name in before}, early=False)
        change()
        assert changed(collect(here())[0], before) == {part}
        undoing.undo()
        assert changed(collect(here())[0], before) == set()
        assert undoing.notes == []


def test_settings_of_modules_are_taken_back_and_one_that_fails_costs_only_itself() -> None:
    import calendar
    import socket

    sklearn = pytest.importorskip("sklearn")
    (part,) = (part for part in PARTS if part.name == "settings of modules")
    before = part.read(here())
    back = part.keep(here())
    value = {"calendar": 9, "sklearn": {"assume_finite": True}, "socket": 3, "later": 1}
    notes = [*part.write(value, here())]
    assert sklearn.get_config()["assume_finite"] and socket.getdefaulttimeout() == 3
    assert [note.split()[2] for note in notes] == ["calendar", "later"]
    back()
    assert part.read(here()) == before and not sklearn.get_config()["assume_finite"]
    assert calendar.firstweekday() == 0


def test_every_part_has_a_name_of_its_own() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)


HISTORY = (
    "import pandas as pd\ndf = pd.DataFrame({'a': [1]})",
    "df",
    "'first'",
    "'second'",
    "secret = 'canary-' + 'typed'\nsecret",
    "del secret",
)


@pytest.mark.core
def test_inputs_and_outputs_come_along_when_asked_for(machine: Machine) -> None:
    first = machine.begin(*HISTORY[:4])
    saved = first.run("%save_session case --with-history")
    assert "history" in saved.text
    first.sigkill()
    second = machine.fresh()
    second.run("%load_ext jupyter_session_save")
    assert second.run("'of its own'").count == 2
    second.run("%load_session case")
    found = second.run("_, __, Out[4] is df, _4 is df, _i, _i5, In[3]")
    command = "%save_session case --with-history"
    assert ast.literal_eval(found.text) == ("second", "first", True, True, command, "'first'", HISTORY[0])
    assert found.count == (saved.count or 0) + 1
    second.check("In is get_ipython().history_manager.input_hist_parsed", "In[8].startswith('_, __')", "len(In) == 9")
    second.check(
        "Out is get_ipython().history_manager.output_hist", "sorted(Out) == [4, 5, 6, 8]", "'_2' not in globals()"
    )
    again = second.run("again = %save_session case --with-history").count
    second.check(f"{again} == 9", "not again.placeholders", "{'_4', '_8'} <= {v.name for v in again.variables}")


def test_a_trait_asks_for_the_history(machine: Machine) -> None:
    kernel = machine.begin("%config SessionMagics.with_history = True", "'shown'")
    kernel.run("r = %save_session case")
    kernel.check("'history' in r.state")
    kernel.run("r = %save_session case --only sentinel")
    kernel.check("r.state == ()")


def test_a_kernel_that_is_further_keeps_its_own_history(machine: Machine) -> None:
    machine.save("'shown'", options="--with-history")
    kernel = machine.fresh()
    for number in range(9):
        kernel.run(f"{number} * 100")
    kernel.run("%load_ext jupyter_session_save\nr = %load_session case")
    kernel.check("Out[9] == 800", "In[1] == '0 * 100'", "any('its own inputs' in n for n in r.notes)")
    assert kernel.run("_").text.strip() == "800"


@pytest.mark.core
def test_a_deleted_secret_is_in_no_file(machine: Machine) -> None:
    machine.save(*HISTORY, "get_ipython().set_next_input('x')", "import os; os.environ['TOKEN'] = 'canary-' + 'typed'")
    for data in [snapshot_bytes(machine), *machine.stored().values()]:
        assert b"canary-typed" not in data and b"canary-" not in data


def snapshot_bytes(machine: Machine) -> bytes:
    """Everything stored, as it was before it was compressed."""
    repository = Repository.open(str(machine.store), create=False)
    snapshot = repository.resolve("case")
    parts = [p for c in (*snapshot.components, *snapshot.state) for p in (c.stream, *c.buffers)]
    return b"".join(bytes(repository.read(part)) for part in parts)


RESETS: list[tuple[str, str, str]] = [
    ("polars options", "polars", "m.Config.set_tbl_rows(7); m.Config.set_float_precision(2)"),
    ("torch options", "torch", "m.set_grad_enabled(False)"),
    ("settings of modules", "torch", "m.set_printoptions(precision=7)"),
    ("settings of modules", "sklearn", "m.set_config(display='text')"),
    ("settings of modules", "xarray", "m.set_options(display_width=99)"),
    ("settings of modules", "socket", "m.setdefaulttimeout(7)"),
    ("matplotlib colours", "matplotlib.colors", "m._colors_full_map.update(b='#123456', mine='#654321')"),
    ("locale", "locale", "m.setlocale(m.LC_NUMERIC, 'C.UTF-8')"),
    ("jax options", "jax", "m.config.update('jax_debug_nans', True)"),
    ("numpy error handling", "numpy", "m.seterr(over='raise'); m.seterrcall(print)"),
]


@pytest.mark.parametrize(("part", "module", "change"), RESETS)
def test_what_a_value_does_not_list_is_put_at_its_default_and_can_be_taken_back(
    part: str, module: str, change: str
) -> None:
    m = pytest.importorskip(module)
    if module == "locale":
        try:
            exec(change)
        except m.Error:
            pytest.skip("there is no such locale")
    outer = Changes(here())
    outer.apply({}, early=False, whole=True)
    outer.apply({}, early=True, whole=True)
    try:
        assert part not in collect(here())[0]
        exec(change)
        changed_to = collect(here())[0][part]
        changes = Changes(here())
        for early in (True, False):
            changes.apply({}, early=early, whole=True)
        assert changes.done == [part] and changes.notes == []
        assert part not in collect(here())[0]
        changes.undo()
        assert collect(here())[0][part] == changed_to and changes.notes == []
        for early in (True, False):
            changes.apply({part: lambda: changed_to}, early=early, whole=True)
        assert collect(here())[0][part] == changed_to
        for early in (True, False):
            changes.apply({}, early=early, whole=True)
    finally:
        outer.undo()
