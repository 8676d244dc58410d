"""What a load makes and gives up again ends without running code of the user's."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.opening import OpenSession
from jupyter_session_save.pickling import Placeholder, abandoned, collection_paused, unpickler
from jupyter_session_save.target import Target

from .cells import Notebook, notebook, problems

OWNER = """\
import os, pathlib
class Owner:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_text("mine")
    def __del__(self):
        if getattr(self, "path", None):
            self.path.unlink(missing_ok=True)
"""

BROKEN = """\
class Broken:
    def __getstate__(self): return {"owner": getattr(self, "owner", None)}
    def __setstate__(self, state):
        self.__dict__.update(state)
        raise ValueError("not any more")
"""


@pytest.fixture
def a(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(OWNER, BROKEN, f"root = {str(tmp_path)!r}") as made:
        yield made


def files(tmp_path: Path) -> set[str]:
    gc.collect()
    return {path.name for path in tmp_path.iterdir()}


def resumed(a: Notebook) -> tuple[Notebook, dict[str, Any]]:
    a.save()
    b = a.fresh()
    return b, {path: p.reason for path, p in problems(b.load()).items()}


def test_a_load_that_begins_again_deletes_nothing(a: Notebook, tmp_path: Path) -> None:
    a.run("owner = Owner(root + '/file'); held = {'all': [Owner(root + '/inner')]}; bad = Broken()")
    b, lost = resumed(a)
    assert lost.keys() == {"bad"}
    assert files(tmp_path) == {"file", "inner"}
    b.check("owner.path.read_text() == 'mine'", "type(held['all'][0]) is Owner")


def test_what_was_loaded_still_ends_as_its_class_says(a: Notebook, tmp_path: Path) -> None:
    a.run("owner = Owner(root + '/file'); bad = Broken()")
    b, _ = resumed(a)
    b.run("del owner")
    assert files(tmp_path) == set()


def test_the_component_that_fails_deletes_nothing(a: Notebook, tmp_path: Path) -> None:
    a.run("bad = Broken(); bad.owner = Owner(root + '/file'); pair = [Owner(root + '/second'), Broken()]")
    b, lost = resumed(a)
    assert lost.keys() == {"bad", "pair[1]"}
    assert files(tmp_path) == {"file", "second"}
    b.run("del pair")
    assert files(tmp_path) == {"file"}


def test_a_load_that_is_taken_back_deletes_nothing(a: Notebook, tmp_path: Path) -> None:
    a.run("owner = Owner(root + '/file'); later = [Owner]")
    a.save()
    b = a.fresh()

    begun = []

    def stop(name: str, position: int, count: int) -> None:
        begun.append(name)
        if name == "later":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        b.load(progress=stop)
    assert "owner" in begun
    assert files(tmp_path) == {"file"}
    assert "owner" not in b.namespace


def test_an_instance_that_fails_itself_does_not_end(a: Notebook, tmp_path: Path) -> None:
    a.run(
        """
        class Both(Owner):
            def __setstate__(self, state):
                self.__dict__.update(state)
                raise ValueError("no")
        both = Both(root + '/file')
        """
    )
    _, lost = resumed(a)
    assert lost.keys() == {"both"}
    assert files(tmp_path) == {"file"}
    snapshot = a.repository.resolve("s", None)
    opened = OpenSession(snapshot, repository=a.repository, signer=a.signer, trust=False)
    assert type(opened["both"]) is Placeholder
    assert files(tmp_path) == {"file"}


def test_weak_references_of_what_is_given_up_call_nobody(a: Notebook, tmp_path: Path) -> None:
    a.run(
        """
        import weakref
        class Thing: pass
        def gone(reference): pathlib.Path(root + '/called').touch()
        thing = Thing()
        watched = [weakref.ref(thing, gone), thing]
        del thing
        bad = Broken()
        """
    )
    b, _ = resumed(a)
    assert files(tmp_path) == set()
    b.run("del watched[1]")
    assert files(tmp_path) == {"called"}


def test_nothing_ends_with_the_process_either(tmp_path: Path) -> None:
    script = f"""
        import sys, builtins
        from tests.cells import Notebook, Repository, MemoryStore
        made = Notebook(Repository(MemoryStore()), {BROKEN!r})
        made.run('''
            class Counted:
                def __del__(self): print("end")
            one, bad = Counted(), Broken()
        ''')
        made.save()
        other = made.fresh()
        assert other.load().placeholders
        other.run("del one")
        print("rest", flush=True)
    """
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {root!r})\n{textwrap.dedent(script)}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert not done.returncode, done.stderr
    # The loaded one at its `del`, and the one that was saved with the process; what was given up in between never.
    assert done.stdout.split() == ["end", "rest", "end"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever threads other tests have left."""
    monkeypatch.setattr(abandoned, "_alone", lambda: True)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("made", "walks"), [("n = [1]", 0), ("owner = Owner(root + '/file')", 1)])
def test_only_what_may_end_with_code_is_looked_for(
    a: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str, walks: int
) -> None:
    a.run(made).save()
    b = a.fresh()
    walked = []
    monkeypatch.setattr(unpickler, "retain", lambda *given: walked.append(given) or abandoned.retain(*given))

    monkeypatch.setattr(Target, "finish", lambda *given: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        b.load()
    assert len(walked) == walks
    assert not {"n", "owner"}.intersection(b.namespace)
    assert files(tmp_path) == ({"file"} if walks else set())


@pytest.mark.usefixtures("alone")
def test_what_has_been_collected_meanwhile_is_not_told_apart() -> None:
    with collection_paused():
        young = abandoned.Young()
        assert not young.may_end_with_code(())
        gc.collect()
        assert young.may_end_with_code(())


@pytest.mark.parametrize("name", ["theirs", "session-settle"])
def test_objects_that_other_threads_may_be_making_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name=name)
    with collection_paused():
        before = abandoned.Young()
        thread.start()
        try:
            monkeypatch.setattr(gc, "get_objects", lambda **_: pytest.fail("somebody referred to all objects"))
            assert before.may_end_with_code(()) and abandoned.Young().may_end_with_code(())
        finally:
            go_on.set()
            thread.join()


@pytest.mark.usefixtures("alone")
def test_instances_that_the_collector_does_not_know_are_not_overlooked() -> None:
    pytest.importorskip("pyarrow")
    with collection_paused():
        young = abandoned.Young()
        assert not young.may_end_with_code({"numpy"})
        assert young.may_end_with_code({"pyarrow.lib"})
