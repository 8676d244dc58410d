from __future__ import annotations

import contextlib
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_session_save.cli import main
from jupyter_session_save.errors import SessionError, StoreError
from jupyter_session_save.looking import check, delete, list_sessions, list_snapshots, prune
from jupyter_session_save.repository import Repository

from .repositories import path, save

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, sockets and links of POSIX")


@pytest.fixture
def disk(tmp_path: Path) -> Repository:
    return filled(Repository.open(tmp_path))


def filled(repository: Repository) -> Repository:
    """Add three snapshots of one session and one of another."""
    for _ in range(3):
        save(repository, "s", {"a": b"1" * 5000})
    save(repository, "other", {"a": b"2"})
    return repository


def listen(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(place))


KINDS: dict[str, Callable[[Path], object]] = {
    "an empty directory": Path.mkdir,
    "a directory": lambda place: (place / "sub").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a socket": listen,
    "a link": lambda place: place.symlink_to("1.json"),
    "a link to nothing": lambda place: place.symlink_to("none"),
    "nothing": Path.touch,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_place_of_the_newest_record_is_named(disk: Repository, kind: str) -> None:
    record = path(disk, "sessions/s/3.json")
    record.unlink()
    KINDS[kind](record)
    with pytest.raises(SessionError, match=r"sessions/s/3\.json.*; s@2 can be read: load that$"):
        disk.resolve("s")
    everything = list_sessions(disk)
    assert [s.reference for s in everything.snapshots] == ["other@1", "s@2"]
    one = list_snapshots(disk, "s")
    assert [s.sequence for s in one.snapshots] == [2, 1]
    for (line,) in (everything.refused, one.refused, check(disk).damage):
        assert "sessions/s/3.json" in line
    for shown in (everything.whole(), one.whole(), one._repr_html_()):
        assert "sessions/s/3.json" in shown
    assert save(disk, "s", {"a": b"3"}).sequence == 4
    assert [s.reference for s in list_sessions(disk).snapshots] == ["other@1", "s@4"]
    assert "deleted other: 1 snapshot; no bytes were freed, because" in delete(disk, "other")
    assert "no bytes were freed, because" in prune(disk, []).note


def test_a_session_is_deleted_as_a_whole_or_not_at_all(disk: Repository) -> None:
    record = path(disk, "sessions/s/2.json")
    record.unlink()
    record.mkdir()
    for reference in ("s", "s@2"):
        with pytest.raises(StoreError, match=r"2\.json: .*: move it away, then delete again; nothing was deleted$"):
            delete(disk, reference)
    assert disk.versions("s") == [1, 2, 3]
    assert sorted(os.listdir(record.parent)) == ["1.json", "2.json", "3.json"]
    record.rmdir()
    record.symlink_to("1.json")
    assert delete(disk, "s").startswith("deleted s: 3 snapshots")
    assert disk.names() == ["other"]


@pytest.mark.parametrize("link", [False, True])
def test_what_stands_in_place_of_a_session_costs_no_other(disk: Repository, link: bool) -> None:
    place = path(disk, "sessions/t")
    place.symlink_to("s") if link else place.touch()
    with pytest.raises(StoreError, match=r"sessions/t: (it is a symbolic link|a file stands where a directory should)"):
        save(disk, "t", {"a": b"1"})
    with pytest.raises(StoreError, match="sessions/t"):
        list_snapshots(disk, "t")
    found = list_sessions(disk)
    assert [s.reference for s in found.snapshots] == ["other@1", "s@3"]
    assert [line for line in found.refused if "sessions/t" in line] == list(found.refused)
    looked = check(disk)
    assert len(looked.damage) == len(found.refused) == link
    assert any("sessions/t" in line for line in (*looked.damage, *looked.notes))
    assert save(disk, "s", {"a": b"1"}).sequence == 4


def test_names_that_are_no_versions_are_told_and_nothing_else(disk: Repository) -> None:
    strays = ["04.json", "0.json", "9223372036854775808.json", "-1.json", "1.json.bak", "notes.txt"]
    for name in strays:
        path(disk, f"sessions/s/{name}").write_bytes(b"junk")
    path(disk, "sessions/Sales").mkdir()
    looked = check(disk)
    assert looked.damage == ()
    told = [line.partition(" in ")[0] for line in looked.notes if line.endswith("move it away")]
    assert told == ["sessions/Sales", *(f"sessions/s/{name}" for name in sorted(strays))]
    assert save(disk, "s", {"a": b"1"}).sequence == 4
    assert disk.collect(grace=0) == 0


def give(place: str | Path, user: int) -> None:
    try:
        os.chown(place, user, 12345)
    except OSError as error:  # a container may have one user only
        pytest.skip(f"cannot give files to others: {error}")


@contextlib.contextmanager
def as_another(user: int) -> Iterator[None]:
    """Act for a while as a user whom rights bind."""
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("place", "mode", "owner"),
    [
        pytest.param("sessions/s", 0, 12345, id="a session"),
        pytest.param("sessions/s", 0o700, 0, id="a session of another user"),
        pytest.param("sessions/s/3.json", 0, 12345, id="a record"),
        pytest.param("sessions", 0, 12345, id="all sessions"),
        pytest.param(".", 0, 12345, id="all of it"),
    ],
)
def test_what_may_not_be_read_costs_no_other(
    place: str, mode: int, owner: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", os.devnull)
    # Not below pytest's directory, which only its user may enter.
    with tempfile.TemporaryDirectory() as root:
        disk = filled(Repository.open(Path(root, "store")))
        for command in COMMANDS:
            main([*command, "--store", disk.store.url])  # what it imports may be out of that user's reach, too
        capsys.readouterr()
        for directory, names, files in os.walk(root):
            for name in (".", *names, *files):
                give(os.path.join(directory, name), 12345)
        give(path(disk, place), owner)
        path(disk, place).chmod(mode)
        with as_another(12345):
            status = [main([*command, "--store", disk.store.url]) for command in COMMANDS]
        shown = capsys.readouterr()
        lines = (shown.out + shown.err).splitlines()
        refused = [line for line in lines if re.search(f"cannot (read|use) {re.escape(str(path(disk, place)))}", line)]
    assert len(refused) == len(COMMANDS)
    if not place.startswith("sessions/"):
        assert status == [1, 1, 1, 1]
        return
    assert status == [0, int(place == "sessions/s"), 1, 0]
    assert "other@1" in shown.out
    assert "no bytes were freed, because" in shown.out


COMMANDS = [["list"], ["show", "s"], ["check"], ["prune"]]
