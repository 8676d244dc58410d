"""Open files, archives and databases: as they were, and untouched."""

from __future__ import annotations

import bz2
import csv
import gc
import gzip
import io
import lzma
import os
import shelve
import sqlite3
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.pickling import Placeholder

from .cells import notebook
from .restore import again, save, stand_in

TEXT = "one\ntwo\nthree\n"


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close what a test kept."""
    yield
    for file in OPENED:
        file.close()
    OPENED.clear()


OPENED: list[Any] = []


def keep(file: Any) -> Any:
    if type(file) is not Placeholder:
        OPENED.append(file)
    return file


def opened(path: str | Path, mode: str = "r", **settings: Any) -> Any:
    return keep(open(path, mode, **settings))


def reopened(value: Any) -> Any:
    saved = save({"value": value})
    assert not saved.problems
    assert [problem.path for problem in saved.reconnected] == ["value"]
    return keep(saved.load()["value"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.txt"
    path.write_text(TEXT, encoding="utf-8")
    os.utime(path, (1, 1))
    return path


@pytest.mark.parametrize("mode", ["r", "r+", "a", "a+", "rb", "rb+", "ab", "ab+"])
def test_files_come_back_in_their_mode_and_place(path: Path, mode: str) -> None:
    f = opened(path, mode, **({} if "b" in mode else {"encoding": "utf-8"}))
    if "r" in mode:
        f.seek(4)
    r = reopened(f)
    assert (r.mode, r.name, r.tell(), type(r)) == (f.mode, f.name, f.tell(), type(f))
    assert (path.read_text(encoding="utf-8"), path.stat().st_mtime) == (TEXT, 1)
    if "r" in mode:
        assert r.readline() in ("two\n", b"two\n")
    if mode not in ("r", "rb"):
        r.seek(0, 2)
        r.write("four" if "b" not in mode else b"four")
        r.close()
        assert path.read_text(encoding="utf-8") == f"{TEXT}four"


@pytest.mark.parametrize("mode", ["w", "x", "w+", "x+", "wb", "xb", "wb+", "xb+"])
def test_files_that_were_made_anew_are_not_made_anew_again(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "new.txt"
    f = opened(path, mode, **({} if "b" in mode else {"encoding": "utf-8"}))
    f.write("some" if "b" not in mode else b"some")
    r = reopened(f)
    assert path.read_bytes() == b"some"
    assert (r.mode, r.tell()) == (f.mode, 4)
    r.write(" more" if "b" not in mode else b" more")
    r.close()
    assert path.read_bytes() == b"some more"


@pytest.mark.parametrize("mode", ["r", "w", "a", "x", "rb", "wb+"])
def test_closed_files_come_back_closed_and_need_no_file(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "gone.txt"
    if "r" in mode:
        path.touch()
    with open(path, mode, **({} if "b" in mode else {"encoding": "latin-1"})) as f:
        pass
    path.unlink()
    saved = save({"f": f})
    assert not saved.problems + saved.reconnected
    r = saved.load()["f"]
    assert r.closed and (r.name, r.mode) == (f.name, f.mode)
    assert not path.exists()


@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
@pytest.mark.parametrize("read", ["nothing", "line", "all"])
def test_newlines_and_encodings_are_kept(tmp_path: Path, newline: str | None, read: str) -> None:
    path = tmp_path / "crlf.txt"
    path.write_bytes("é\r\nb\r\nc\r\n".encode("utf-16"))
    f = opened(path, "r+", encoding="utf-16", errors="replace", newline=newline)
    if read == "line":
        f.readline()
    elif read == "all":
        f.read()
        f.read()
    seen = f.newlines
    r = reopened(f)
    assert f.newlines == seen
    assert (r.encoding, r.errors) == ("utf-16", "replace")
    assert r.read() == f.read()
    r.seek(0)
    f.seek(0)
    assert r.read() == f.read()
    r.write("x\n")
    r.close()
    assert path.read_bytes().endswith("x\r\n".encode("utf-16-le") if newline == "\r\n" else "x\n".encode("utf-16-le"))


def test_layers_stay_the_same_objects(path: Path) -> None:
    f = opened(path, encoding="utf-8")
    saved = save({"f": f, "b": f.buffer, "raw": f.buffer.raw})
    ns = saved.load()
    keep(ns["f"])
    assert ns["f"].buffer is ns["b"] and ns["b"].raw is ns["raw"]


def test_unbuffered_and_in_memory(path: Path) -> None:
    with open(path, "rb", buffering=0) as f:
        f.seek(4)
        assert reopened(f).read() == b"two\nthree\n"
    inner = io.BytesIO(b"a\nb\n")
    t = io.TextIOWrapper(inner, "ascii", line_buffering=True)
    t.readline()
    saved = save({"inner": inner, "t": t})
    assert not saved.problems + saved.reconnected
    ns = saved.load()
    assert ns["t"].buffer is ns["inner"] and ns["t"].read() == "b\n" and ns["t"].line_buffering
    s = io.StringIO("a\nb\n")
    s.readline()
    assert again(s).read() == "b\n"


def test_a_file_that_is_gone_at_load_costs_only_itself(path: Path) -> None:
    f = opened(path, encoding="utf-8")
    saved = save({"f": f, "rest": [1]})
    path.unlink()
    ns, problems = saved.attempt()
    assert type(ns["f"]) is Placeholder and ns["rest"] == [1]
    assert "is not there any more" in problems[0].reason
    path.write_text("")
    w = opened(path, "r+", encoding="utf-8")
    w.write("long")
    saved = save({"w": w})
    w.truncate(0)
    ns, problems = saved.attempt()
    assert "shorter" in problems[0].reason


def test_files_that_cannot_be_found_again(path: Path) -> None:
    f = opened(path, encoding="utf-8")
    next(f)
    assert "line by line" in stand_in(f).reason
    assert list(f) == ["two\n", "three\n"]
    f = opened(path, encoding="utf-8")
    path.unlink()
    assert "deleted" in stand_in(f).reason
    path.touch()
    assert "replaced" in stand_in(f).reason
    assert "descriptor" in stand_in(keep(tempfile.TemporaryFile())).reason  # noqa: SIM115
    read, write = os.pipe()
    keep(os.fdopen(write, "w"))
    assert "descriptor" in stand_in(keep(os.fdopen(read))).reason


def test_a_relative_name_leads_to_where_it_led(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    f = opened(path.name, encoding="utf-8")
    saved = save({"f": f})
    monkeypatch.chdir("/")
    r = keep(saved.load()["f"])
    assert r.name == path.name and r.read() == TEXT


@pytest.mark.parametrize("module_open", [gzip.open, bz2.open, lzma.open], ids=["gzip", "bz2", "lzma"])
def test_compressed_files(tmp_path: Path, module_open: Callable[..., Any]) -> None:
    path = tmp_path / "data"
    with module_open(path, "wt", encoding="utf-8") as f:
        f.write(TEXT)
    before = path.read_bytes()
    binary = keep(module_open(path, "rb"))
    binary.readline()
    assert reopened(binary).read() == b"two\nthree\n"
    binary.close()
    assert again(binary).closed
    text = keep(module_open(path, "rt", encoding="utf-8"))
    text.readline()
    saved = save({"text": text})
    r = keep(saved.load()["text"])
    assert r.readline() == "two\n"
    assert path.read_bytes() == before
    writing = keep(module_open(tmp_path / "w", "wb"))
    assert "being written" in stand_in(writing).reason


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    z = keep(zipfile.ZipFile(path, "w"))
    z.writestr("x", "content")
    assert "being written" in stand_in(z).reason
    z.close()
    before = path.read_bytes()
    closed = again(z)
    assert closed.fp is None and closed.namelist() == ["x"] and path.read_bytes() == before
    assert reopened(keep(zipfile.ZipFile(path))).read("x") == b"content"


def test_temporary_files_and_databases(tmp_path: Path) -> None:
    named = keep(tempfile.NamedTemporaryFile())  # noqa: SIM115
    named.write(b"abc")
    saved = save({"named": named})
    assert named.name in saved.reconnected[0].reason
    fresh = saved.load()["named"]
    assert fresh.tell() == 3 and fresh.name == named.name
    fresh.close()
    assert os.path.exists(named.name)
    stand_in(keep(tempfile.TemporaryFile()))  # noqa: SIM115
    spooled = keep(tempfile.SpooledTemporaryFile())  # noqa: SIM115
    spooled.write(b"abc")
    spooled.seek(1)
    assert keep(again(spooled)).read() == b"bc"
    shelf = keep(shelve.open(str(tmp_path / "shelf")))  # noqa: SIM115
    stand_in(shelf)


def test_csv_writers_write_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    f = opened(path, "w", newline="", encoding="utf-8")
    w = csv.writer(f, delimiter=";")
    w.writerow([1, 2])
    ns = save({"f": f, "w": w}).load()
    keep(ns["f"])
    ns["w"].writerow([3, 4])
    ns["f"].close()
    assert path.read_bytes() == b"1;2\r\n3;4\r\n"
    reader = csv.reader(["a;'b", "c';d", "e"], delimiter=";", quotechar="'")
    next(reader)
    fresh = again(reader)
    assert fresh.line_num == reader.line_num == 2 and next(fresh) == next(reader) == ["e"] and fresh.line_num == 3


def test_temporary_directories_are_taken_over_and_not_deleted() -> None:
    owner = tempfile.TemporaryDirectory()
    saved = save({"directory": owner})
    assert owner.name in saved.reconnected[0].reason
    fresh = saved.load()["directory"]
    assert fresh.name == owner.name
    del fresh
    gc.collect()
    assert os.path.isdir(owner.name)
    saved.load()["directory"].cleanup()
    assert not os.path.isdir(owner.name)
    _, problems = saved.attempt()
    assert "was deleted" in problems[0].reason
    assert "had been deleted" in stand_in(owner).reason
    owner.cleanup()


def test_tar_archives_are_read_on(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in "abc":
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(name.encode()))
    with tarfile.open(path) as archive:
        archive.next()
        saved = save({"archive": archive})
        with saved.load()["archive"] as fresh:
            assert fresh.next().name == archive.next().name == "b"
            assert fresh.extractfile("c").read() == b"c"
    stand_in(archive)
    with tarfile.open(tmp_path / "b.tar", "w") as writing:
        stand_in(writing)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "data base?.db"
    con = sqlite3.connect(path)
    with con:
        con.execute("create table t (x integer, name text)")
        con.execute("insert into t values (1, 'a'), (2, 'b')")
    con.close()
    os.utime(path, (1, 1))
    return path


def test_connections_to_files(database: Path) -> None:
    con = keep(sqlite3.connect(database, isolation_level="IMMEDIATE", timeout=2.5))
    con.row_factory = sqlite3.Row
    con.execute("pragma foreign_keys = on")
    saved = save({"con": con, "inside": [con]})
    assert "open transaction" not in saved.reconnected[0].reason
    ns = saved.load()
    r = keep(ns["con"])
    assert ns["inside"][0] is r
    assert database.stat().st_mtime == 1
    assert r.isolation_level == "IMMEDIATE" and r.row_factory is sqlite3.Row
    assert r.execute("pragma busy_timeout").fetchone()[0] == 2500
    assert r.execute("pragma foreign_keys").fetchone()[0] == 1
    assert r.execute("select name from t").fetchall()[1]["name"] == "b"


def test_an_open_transaction_is_left_open(database: Path) -> None:
    con = keep(sqlite3.connect(database))
    con.execute("insert into t values (3, 'c')")
    con.create_function("twice", 1, lambda x: 2 * x)
    changes = con.total_changes
    saved = save({"con": con})
    assert con.in_transaction and con.total_changes == changes
    assert "open transaction" in saved.reconnected[0].reason and "twice" in saved.reconnected[0].reason
    r = keep(saved.load()["con"])
    assert r.execute("select count(*) from t").fetchone() == (2,)
    con.rollback()


def test_a_missing_database_is_not_created(database: Path) -> None:
    con = keep(sqlite3.connect(database))
    saved = save({"con": con})
    database.unlink()
    ns, problems = saved.attempt()
    assert type(ns["con"]) is Placeholder and "not there" in problems[0].reason
    assert not database.exists()


def test_databases_in_memory_travel(database: Path) -> None:
    con = keep(sqlite3.connect(":memory:"))
    assert keep(again(con)).execute("select 1").fetchone() == (1,)
    con.execute("create table t (x)")
    con.execute("insert into t values (1), (2)")
    r = keep(again(con))
    assert con.in_transaction
    assert r.execute("select * from t").fetchall() == [(1,), (2,)]
    r.execute("insert into t values (3)")
    assert con.execute("select count(*) from t").fetchone() == (2,)


def test_cursors_rows_and_closed_connections(database: Path) -> None:
    con = keep(sqlite3.connect(database))
    cursor = con.execute("select * from t")
    saved = save({"con": con, "cursor": cursor})
    assert [problem.path for problem in saved.problems] == ["cursor"]
    assert cursor.fetchall() == [(1, "a"), (2, "b")]
    saved = save({"con": con, "cursor": cursor})
    assert not saved.problems
    ns = saved.load()
    assert ns["cursor"].connection is keep(ns["con"])
    assert ns["cursor"].execute("select 1").fetchone() == (1,)
    cursor.row_factory = sqlite3.Row
    rows = cursor.execute('select x, name as "the ""name""" from t').fetchall()
    back = again(rows)
    assert back == rows and back[0]['the "name"'] == "a" and type(back[0]) is sqlite3.Row
    con.close()
    with pytest.raises(sqlite3.ProgrammingError):
        again(con).execute("select 1")


def test_files_in_the_memory_of_a_process_are_named() -> None:
    fsspec = pytest.importorskip("fsspec")
    with notebook("import fsspec\nfs = fsspec.filesystem('memory')") as first:
        assert again(fsspec.filesystem("memory")) is fsspec.filesystem("memory")
        assert "remark" not in repr(first.save())
        first.run("with fs.open('/a.csv', 'w') as file:\n    file.write('1')\ndel file")
        saved = first.save()
        first.run("fs.rm('/a.csv')")
    (problem,) = next(v for v in saved.variables if v.name == "fs").problems
    assert "the file in it is in the memory of this process" in problem.reason
    assert not saved.placeholders
