"""What an autosave costs, in counts that no busy machine can change: bytes hashed and written, objects pickled, files.

A limit here is what was measured and a little room; where a change makes one smaller, lower it.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jupyter_session_save import (
    bystanders,
    components,
    compression,
    digests,
    examining,
    fingerprint,
    loading,
    manifest,
    masking,
    reading,
    writing,
)
from jupyter_session_save.changes import Tracker
from jupyter_session_save.lineage import Recorder
from jupyter_session_save.pickling import pickler
from jupyter_session_save.reach import reach_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.store import LocalStore

from .cells import Notebook
from .restore import ROOT, save

MB = 1_000_000


@dataclass
class Counts:
    """Of one cell."""

    dumps: int = 0
    hashes: list[int] = field(default_factory=list)
    written: int = 0
    read: int = 0
    calls: list[str] = field(default_factory=list)
    syncs: list[int] = field(default_factory=list)

    @property
    def hashed(self) -> int:
        return sum(self.hashes)

    @property
    def files(self) -> set[str]:
        return {call.partition(" ")[2] for call in self.calls}


class Notes:
    """Counts what happens from `begin` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = Counts()
        for module in (components, examining):
            monkeypatch.setattr(module, "dumps", self._counting_dumps(module.dumps))
        monkeypatch.setattr(fingerprint, "xxh3_128_digest", self._counting_hash(fingerprint.xxh3_128_digest))
        monkeypatch.setattr(os, "fsync", self._counting_sync(os.fsync))
        for module in (writing, reading):
            monkeypatch.setattr(module, "digest_of", self._counting_digest(digests.digest_of))
        verbs = "get map read size exists put list children delete touch age sync"
        for verb in verbs.split():
            monkeypatch.setattr(LocalStore, verb, self._counting_store(verb, getattr(LocalStore, verb)))

    def begin(self) -> None:
        self.counts = Counts()

    def _counting_dumps(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def dumps(*args: Any, **options: Any) -> Any:
            self.counts.dumps += 1
            return real(*args, **options)

        return dumps

    def _counting_hash(self, real: Callable[[memoryview], bytes]) -> Callable[[memoryview], bytes]:
        def digest(view: memoryview) -> bytes:
            self.counts.hashes.append(view.nbytes)  # also from threads
            return real(view)

        return digest

    def _counting_sync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def fsync(fd: int) -> None:
            self.counts.syncs.append(fd)
            real(fd)

        return fsync

    def _counting_digest(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def digest_of(chunks: Any, *args: Any) -> Any:
            chunks = list(chunks)
            self.counts.hashes.append(sum(memoryview(chunk).nbytes for chunk in chunks))
            return real(chunks, *args)

        return digest_of

    def _counting_store(self, verb: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(store: LocalStore, key: Any = "", *args: Any, **options: Any) -> Any:
            keys = [key] if isinstance(key, str) else list(key)
            self.counts.calls += [f"{verb} {key}" for key in keys]
            key = keys[0] if isinstance(key, str) else keys
            found = real(store, key, *args, **options)
            if verb == "put":
                self.counts.written += sum(memoryview(chunk).nbytes for chunk in args[0])
            elif verb in ("get", "read"):
                self.counts.read += len(found)
            return found

        return call


class Autosaved:
    """A notebook on a directory, with autosave."""

    def __init__(self, root: Path, notes: Notes) -> None:
        self.notes = notes
        self.repository = Repository(LocalStore(root))
        self.notebook = Notebook(self.repository)
        self.tracker = Tracker(
            self.notebook.namespace,
            "s",
            repository=self.repository,
            signer=self.notebook.signer,
            live=dict,
            hidden=dict,
        )

    def run(self, code: str) -> Counts:
        """Run a cell and the autosave after it; return what the latter cost."""
        self.notebook.run(code)
        self.notes.begin()
        self.tracker.touch(reach_of(code, str))
        self.tracker.save(cell=1)
        return self.notes.counts


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    for thread in threading.enumerate():
        if thread.name.startswith("session-"):
            thread.join()  # One that another test has left would be counted.
    # So would be what a collection ends that other tests have left.
    gc.collect()
    return Notes(monkeypatch)


@pytest.fixture
def autosaved(tmp_path: Path, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Autosaved]:
    main = sys.modules["__main__"]
    # The interpreter's own state is no part of what is counted here, nor are threads: other tests leave them.
    monkeypatch.setattr(bystanders, "users", list)
    for room in ("changes", "saving"):
        monkeypatch.setattr(f"jupyter_session_save.{room}.collect", lambda *_: ({}, []))
    yield Autosaved(tmp_path / "store", notes)
    sys.modules["__main__"] = main


MANY = "\n".join(f"v{n} = [{n}, 'text {n}', {{'k': [{n}]}}]" for n in range(300))


def test_a_trivial_cell_among_300_variables_looks_at_what_it_names(autosaved: Autosaved) -> None:
    first = autosaved.run(MANY)
    assert first.dumps >= 300
    counts = autosaved.run("1 + 1")
    assert (counts.dumps, counts.hashed, counts.written, counts.calls) == (0, 0, 0, [])
    counts = autosaved.run("len(v7)")
    assert (counts.dumps, counts.written) == (1, 0)
    assert counts.hashed < 1000
    assert not counts.calls
    for n in range(20):
        counts = autosaved.run(f"v7.append({n})")
    # One pack and one record; the record lists all variables.
    assert counts.dumps == 1
    assert counts.written < 150_000
    assert len([call for call in counts.calls if call.startswith("put")]) == 2
    assert len(counts.files) <= 4
    assert len(counts.calls) <= 12, counts.calls


class Recorded(Autosaved):
    """Notes which statements made the variables, too."""

    def __init__(self, root: Path, notes: Notes) -> None:
        super().__init__(root, notes)
        self.recorder = Recorder(lambda: self.notebook.namespace, str)
        self.tracker._records._lineage = self.recorder.lineage

    def run(self, code: str) -> Counts:
        info = SimpleNamespace(store_history=True, silent=False, raw_cell=code, transformed_cell=code)
        self.recorder.before_cell(info)
        self.notebook.run(code)
        self.recorder.after_cell(SimpleNamespace(info=info, error_before_exec=None, error_in_exec=None))
        self.notes.begin()
        self.tracker.touch(reach_of(code, str))
        self.tracker.save(cell=1)
        return self.notes.counts


@pytest.fixture
def recorded(tmp_path: Path, autosaved: Autosaved, notes: Notes) -> Recorded:
    return Recorded(tmp_path / "recorded", notes)


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, size: Callable[..., int]) -> list[int]:
    """Return a list of how much each call of a function has to do."""
    found: list[int] = []
    real = getattr(module, name)

    def counting(*args: Any, **options: Any) -> Any:
        args = tuple(list(arg) if isinstance(arg, Iterator) else arg for arg in args)
        found.append(size(*args))
        return real(*args, **options)

    monkeypatch.setattr(module, name, counting)
    return found


def test_a_cell_writes_and_parses_anew_only_what_is_new(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the record's rows and of the statements that made 300 variables."""
    rows = counted(monkeypatch, manifest, "_texts", len)
    parsed = counted(monkeypatch, masking, "masked", lambda *_: 1)
    recorded.run(MANY)
    assert sum(rows) >= 600 and sum(parsed) >= 300
    recorded.run("v7.append(0)")
    for n in range(1, 6):
        rows.clear()
        parsed.clear()
        recorded.run(f"v7.append({n})")
        # A component, a variable and a statement.
        assert (sum(rows), sum(parsed)) == (3, 1)
    rows.clear()
    recorded.run("v7 = 1; del v8; new = [2]")
    # Where rows have moved, perhaps the one at the edge of each block, too.
    assert sum(rows) <= 30
    record = recorded.repository.store.get("sessions/s/8.json")
    assert manifest.encode(recorded.repository.resolve("s")) == record


@pytest.mark.skipif(os.name != "posix", reason="counts calls of the system")
def test_a_cell_makes_few_calls_of_the_system(autosaved: Autosaved) -> None:
    autosaved.run(MANY)
    for n in range(3):
        autosaved.run(f"v7.append({n})")
    seen: list[str] = []

    def note(_: object, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__module__", "") == "posix":
            seen.append(called.__name__)

    def calls(code: str) -> list[str]:
        seen.clear()
        autosaved.notebook.run(code)
        autosaved.tracker.touch(reach_of(code, str))
        sys.setprofile(note)
        try:
            autosaved.tracker.save(cell=1)
        finally:
            sys.setprofile(None)
        return [name for name in seen if name not in ("fspath", "urandom")]

    assert calls("len(v7)") == []
    changing = calls("v7.append(9)")
    assert len(changing) <= 46, changing


def test_a_cell_among_many_variables_calls_nothing_for_each(recorded: Recorded) -> None:
    """Neither recording it, nor looking for what it bound, nor making the next record."""
    recorded.run("for n in range(3000): globals()[f'v{n}'] = [n]")
    for n in range(2):
        recorded.run(f"v7 = [{n}]")
    seen: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.append(frame.f_code.co_qualname)

    for code in ("1 + 1", "v7 = [5]", "v8.append(6)"):
        seen.clear()
        sys.setprofile(note)
        try:
            recorded.run(code)
        finally:
            sys.setprofile(None)
        often = {name: count for name, count in Counter(seen).items() if count >= 1000}
        assert seen and not often, (code, often)


def test_a_cell_that_reads_an_array_hashes_it_once_and_writes_nothing(autosaved: Autosaved) -> None:
    autosaved.run("import numpy as np\nbig = np.random.default_rng(1).random(2_500_000)")
    autosaved.run("None")
    counts = autosaved.run("big.sum()")
    assert counts.dumps <= 2
    assert counts.hashed < 1.01 * 20 * MB
    assert counts.written == 0
    assert not counts.calls


def test_one_element_of_a_large_array_costs_chunks(autosaved: Autosaved, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would go on hashing while the next test counts.
    monkeypatch.setattr(loading.DataCheck, "start", lambda _: [])
    autosaved.run("import numpy as np\nbig = np.random.default_rng(1).random(12_500_000)")
    for at in (3, 9_000_000):
        counts = autosaved.run(f"big[{at}] = 5")
        assert counts.written < 4 * MB
        assert counts.hashed < 1.05 * 100 * MB
        assert counts.dumps <= 2
    fresh = autosaved.notebook.fresh()
    fresh.load("s", state=False)
    assert np.array_equal(fresh["big"], autosaved.notebook["big"])


def test_a_second_save_writes_its_record_and_nothing_else(autosaved: Autosaved) -> None:
    notebook = autosaved.notebook
    notebook.run(MANY + "\nimport numpy as np\nbig = np.ones(2_500_000)\ndef f(): return big")
    autosaved.notes.begin()
    first = notebook.save("t")
    assert autosaved.notes.counts.hashed < 40.5 * MB, "each byte for its digest and for its fingerprint"
    autosaved.notes.begin()
    second = notebook.save("t")
    counts = autosaved.notes.counts
    (record,) = (call for call in counts.calls if call.startswith("put"))
    assert record == "put sessions/t/2.json"
    assert first.bytes_new > 20 * MB > counts.written
    assert counts.written == (Path(autosaved.repository.store.url) / "sessions/t/2.json").stat().st_size
    assert second.bytes_new <= counts.written
    assert counts.hashed < 20.5 * MB, "each byte once"
    assert len(counts.syncs) <= 2, "the record and its directory"
    notebook.run("big[7] = 2")
    autosaved.notes.begin()
    third = notebook.save("t")
    counts = autosaved.notes.counts
    assert third.bytes_new < MB
    assert counts.hashed < 41 * MB, "its slice twice"
    assert len(counts.syncs) <= 5, "the pack, the record, and three directories"


def test_a_load_maps_large_arrays_and_reads_the_rest_once(
    autosaved: Autosaved, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is compared later, in the background, is read by nobody at once.
    monkeypatch.setattr(loading.DataCheck, "start", lambda _: [])
    autosaved.notebook.run(MANY + "\nimport numpy as np\nbig = np.ones(2_500_000)")
    autosaved.notebook.save("t")
    fresh = autosaved.notebook.fresh()
    autosaved.notes.begin()
    fresh.load("t", state=False)
    counts = autosaved.notes.counts
    assert fresh["big"].nbytes == 20 * MB
    assert counts.hashed < MB // 4 and counts.read < MB // 4
    assert sorted(call.partition("/")[0] for call in counts.calls) == [
        "children sessions",
        "get sessions",
        "map blobs",
        "map packs",
        "read packs",
    ]


def test_frames_with_text_are_pickled_once_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    picklers, dumped = list[type](), pickler._dumped
    monkeypatch.setattr(pickler, "_dumped", lambda kind, *a, **o: picklers.append(kind) or dumped(kind, *a, **o))
    text = pd.Series([f"text number {n}" for n in range(10_000)], dtype="string[pyarrow]")
    frames = {f"frame_{n}": pd.DataFrame({"n": [n], "text": ["a"]}).convert_dtypes() for n in range(20)}
    frames |= {f"other_{n}": pd.DataFrame({"n": [n], "text": [n % 2 * "a" or None]}) for n in range(20)}
    saved = save({**frames, "text": text})
    assert len(picklers) == 41 and set(picklers) == {pickler.FastPickler}
    (whole,) = (part for part in saved.parts if "text" in part.names)
    assert len(whole.data) < 4096 and len(whole.blobs) == 2


def test_a_load_expands_no_array_that_it_can_map(autosaved: Autosaved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading.DataCheck, "start", lambda _: [])
    autosaved.notebook.run("import numpy as np\nfor n in range(20): globals()[f'a{n}'] = np.arange(n, 100_000 + n)")
    autosaved.notebook.save("t")
    expanded = []

    def counted(data: Any, codec: str, size: int) -> Any:
        expanded.append(0 if codec == "raw" else size)
        return compression.expand(data, codec, size)

    monkeypatch.setattr(reading, "expand", counted)
    fresh = autosaved.notebook.fresh()
    autosaved.notes.begin()
    fresh.load("t", state=False)
    assert fresh["a7"][1] == 8 and fresh["a19"][-1] == 100_018
    assert sum(expanded) < MB // 10, "of 16 MB that compress well"
    assert autosaved.notes.counts.hashed < 8.5 * (1 << 20), "the smallest, up to 8 MiB"


CELL = """
class Shape:
    count = 1
    def __init__(self): self.sides = [1]
    @property
    def area(self): return self.sides
    @classmethod
    def unit(cls): return cls()
    @staticmethod
    def name(): return "shape"
def f(x):
    return x + Shape.count
shape, values = Shape(), [{"k": {1, 2.5}}, (b"", 3j)]
"""


def test_a_first_save_of_common_values_imports_no_dill_and_tokenizes_nothing(tmp_path: Path) -> None:
    code = f"""
import linecache, sys, tokenize
import jupyter_session_save as session
tokenize.generate_tokens = None
linecache.cache["<cell>"] = (0, None, {CELL!r}.splitlines(keepends=True), "<cell>")
exec(compile({CELL!r}, "<cell>", "exec"))
saved = session.save("s", store=sys.argv[1]).variables
assert not [v for v in saved if v.problems] and {{"Shape", "f"}} < {{v.name for v in saved}}
print([name for name in ("dill", "jupyter_core", "pandas", "numpy", "IPython") if name in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path / "store")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_load_of_many_small_variables_compares_them_together(
    autosaved: Autosaved, monkeypatch: pytest.MonkeyPatch
) -> None:
    autosaved.notebook.run(MANY)
    autosaved.notebook.save("t")
    compared, encoded = [], []
    real = reading.digest_of
    monkeypatch.setattr(reading, "digest_of", lambda chunks: compared.append(1) or real(chunks))
    monkeypatch.setattr(manifest, "encode", lambda _: encoded.append(1))
    fresh = autosaved.notebook.fresh()
    fresh.load("t", state=False)
    assert fresh["v299"] == [299, "text 299", {"k": [299]}]
    assert len(compared) == 1, "the pack, and none of the 300 streams in it by itself"
    assert not encoded, "the signature is that of the bytes as they were read"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open descriptors")
def test_autosaves_leave_no_descriptor_open(autosaved: Autosaved) -> None:
    autosaved.run("x = [1]")
    gc.collect()  # What other tests have mapped.
    before = len(os.listdir("/proc/self/fd"))
    for n in range(30):
        autosaved.run(f"x.append({n})")
    assert len(os.listdir("/proc/self/fd")) == before
