"""What is tied to a process: threads and what they wait for, workers, event loops, files, databases, sockets."""

from __future__ import annotations

from functools import partial

from . import Case

_sync = partial(Case, "locks and queues")
_worker = partial(Case, "threads, processes and tasks")
_file = partial(Case, "files and directories")
_outside = partial(Case, "databases, sockets and memory")

_RUNS = "it ran in the process that ended"

CASES = [
    _sync(
        "threading.Lock, free",
        """
        import threading
        $x = threading.Lock()
        """,
        """
        print($x.locked(), $x.acquire(blocking=False))
        $x.release()
        """,
        """
        $x.acquire()
        print($x.locked())
        $x.release()
        """,
    ),
    _sync(
        "threading.Lock, held",
        """
        import threading
        $x = threading.Lock()
        $x.acquire()
        """,
        """
        if $x.locked():
            $x.release()
        print($x.locked(), $x.acquire(blocking=False))
        """,
        "$x.release()",
        outcome="reconnected",
        why="free: who held it ended with the process",
    ),
    _sync(
        "threading.RLock, free and held twice",
        """
        import threading
        $x = [threading.RLock(), threading.RLock()]
        $x[1].acquire()
        $x[1].acquire()
        """,
        """
        while $x[1]._is_owned():
            $x[1].release()
        with $x[0], $x[1], $x[1]:
            print($x[0]._is_owned(), $x[1]._is_owned())
        """,
        outcome="reconnected",
        why="free: who held it ended with the process",
    ),
    _sync(
        "a lock that two objects share",
        """
        import threading
        class $C:
            def __init__(self, lock):
                self.lock, self.n = lock, 0
            def add(self):
                with self.lock:
                    self.n += 1
                return self.n
        $l = threading.Lock()
        $x = [$C($l), $C($l)]
        """,
        "print($x[0].lock is $x[1].lock is $l, $x[0].add())",
    ),
    _sync(
        "threading.Event, set and not",
        """
        import threading
        $x = [threading.Event(), threading.Event()]
        $x[1].set()
        """,
        "print([e.is_set() for e in $x], $x[1].wait(0), $x[0].wait(0))",
        """
        $x[0].set()
        $x[1].clear()
        $x[1].set()
        """,
    ),
    _sync(
        "threading.Condition",
        """
        import threading
        $x = threading.Condition()
        """,
        """
        with $x:
            $x.notify_all()
            print($x.wait(0.001))
        """,
    ),
    _sync(
        "threading.Condition over a lock that is also a variable",
        """
        import threading
        $y = threading.Lock()
        $x = threading.Condition($y)
        """,
        """
        with $y:
            print($x._is_owned(), $x._lock is $y)
        """,
    ),
    _sync(
        "threading.Semaphore and BoundedSemaphore, partly taken",
        """
        import threading
        $x = [threading.Semaphore(3), threading.BoundedSemaphore(2)]
        for s in $x:
            s.acquire()
        """,
        "print([s._value for s in $x])",
        """
        $x[1].release()
        try:
            $x[1].release()
        except ValueError as error:
            print(error)
        """,
    ),
    _sync(
        "threading.Barrier",
        """
        import threading
        $x = threading.Barrier(2)
        """,
        """
        $t = threading.Thread(target=$x.wait)
        $t.start()
        print(sorted([$x.wait() >= 0]), $x.parties)
        $t.join()
        """,
    ),
    _sync(
        "threading.Barrier, broken",
        """
        import threading
        $x = threading.Barrier(2)
        $x.abort()
        """,
        "print($x.broken)",
        "$x.reset()",
    ),
    _sync(
        "threading.local",
        """
        import threading
        $x = threading.local()
        $x.a = [1]
        """,
        """
        print($x.a)
        $seen = []
        $t = threading.Thread(target=lambda: $seen.append(hasattr($x, "a")))
        $t.start()
        $t.join()
        print($seen)
        """,
        "$x.a.append(2)",
    ),
    _sync(
        "queue.Queue, LifoQueue, PriorityQueue with content",
        """
        import queue
        $x = [queue.Queue(3), queue.LifoQueue(), queue.PriorityQueue()]
        for q in $x:
            q.put((2, "b"))
            q.put((1, "a"))
        """,
        "print([(q.qsize(), q.maxsize) for q in $x], [q.get_nowait() for q in $x])",
        """
        for q in $x:
            q.put((0, "new"))
        """,
    ),
    _sync(
        "queue.SimpleQueue with content",
        """
        import queue
        $x = queue.SimpleQueue()
        $x.put(1)
        $x.put([2])
        $x.put(3)
        """,
        "print($x.qsize(), $x.get_nowait())",
        '$x.put("new")',
    ),
    _sync(
        "queue.Queue with tasks not done",
        """
        import queue
        $x = queue.Queue()
        $x.put(1)
        $x.get()
        """,
        "print($x.unfinished_tasks, $x.empty())",
        """
        $x.task_done()
        $x.join()
        """,
    ),
    _sync(
        "asyncio.Lock, Event, Semaphore",
        """
        import asyncio
        $x = [asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(2)]
        $x[1].set()
        await $x[2].acquire()
        """,
        """
        async with $x[0]:
            print($x[0].locked(), $x[1].is_set(), $x[2]._value)
        """,
        """
        $x[1].clear()
        $x[2].release()
        """,
    ),
    _sync(
        "asyncio.Lock, held",
        """
        import asyncio
        $x = asyncio.Lock()
        await $x.acquire()
        """,
        """
        if $x.locked():
            $x.release()
        print(await $x.acquire(), $x.locked())
        """,
        outcome="reconnected",
        why="free: who held it ended with the process",
    ),
    _sync(
        "asyncio.Queue with content",
        """
        import asyncio
        $x = asyncio.Queue(5)
        $x.put_nowait("a")
        $x.put_nowait("b")
        $x.put_nowait("c")
        """,
        "print($x.qsize(), $x.maxsize, await $x.get())",
        'await $x.put("d")',
    ),
    _sync(
        "asyncio.Condition and PriorityQueue",
        """
        import asyncio
        $x = [asyncio.Condition(), asyncio.PriorityQueue()]
        $x[1].put_nowait(3)
        $x[1].put_nowait(1)
        """,
        """
        async with $x[0]:
            $x[0].notify_all()
            print($x[0].locked())
        print($x[1].get_nowait())
        """,
        "$x[1].put_nowait(2)",
    ),
    _sync(
        "multiprocessing.Lock",
        """
        import multiprocessing
        $x = multiprocessing.Lock()
        """,
        """
        print($x.acquire(block=False))
        $x.release()
        """,
        outcome="placeholder",
        why="the lock of the operating system ended with the process",
    ),
    _sync(
        "multiprocessing.Queue",
        """
        import multiprocessing
        $x = multiprocessing.Queue()
        """,
        "print($x.empty())",
        outcome="placeholder",
        why="its pipe ended with the process",
    ),
    _worker(
        "thread that has not started",
        """
        import threading
        $out = []
        $x = threading.Thread(target=$out.append, args=(1,), name="worker", daemon=True)
        """,
        "print($x.name, $x.daemon, $x.is_alive(), $x.ident, $out)",
        """
        $x.start()
        $x.join()
        $x = threading.Thread(target=$out.append, args=(2,), name="worker", daemon=True)
        """,
    ),
    _worker(
        "thread that has ended",
        """
        import threading
        $x = threading.Thread(target=print, name="done")
        $x.start()
        $x.join()
        """,
        """
        print($x.name, $x.is_alive())
        $x.join(timeout=1)
        """,
        outcome="placeholder",
        why="a thread cannot be made that has ended; its results are where it put them",
    ),
    _worker(
        "thread that runs",
        """
        import threading
        $e = threading.Event()
        $x = threading.Thread(target=$e.wait, daemon=True)
        $x.start()
        """,
        """
        print($e.is_set())
        print($x.is_alive())
        """,
        outcome="placeholder",
        why=_RUNS,
    ),
    _worker(
        "subclass of Thread, not started",
        """
        import threading
        class $T(threading.Thread):
            def __init__(self, n):
                super().__init__()
                self.n, self.got = n, None
            def run(self):
                self.got = self.n * 2
        $x = $T(4)
        """,
        "print($x.n, $x.got, $x.is_alive())",
        """
        $x.start()
        $x.join()
        """,
    ),
    _worker(
        "threading.main_thread()",
        """
        import threading
        $x = threading.main_thread()
        """,
        "print($x is threading.main_thread(), $x.name)",
    ),
    _worker(
        "threading.Timer, not started",
        """
        import threading
        $out = []
        $x = threading.Timer(0.001, $out.append, ["fired"])
        """,
        "print($x.interval, $x.is_alive(), $out)",
        """
        $x.start()
        $x.join()
        $x = threading.Timer(0.001, print)
        """,
    ),
    _worker(
        "ThreadPoolExecutor",
        """
        from concurrent.futures import ThreadPoolExecutor
        $x = ThreadPoolExecutor(2, thread_name_prefix="p")
        list($x.map(abs, [-1]))
        """,
        "print(list($x.map(abs, [-1, -2])), $x._max_workers)",
        outcome="reconnected",
        why="a new pool with the same options",
    ),
    _worker(
        "ThreadPoolExecutor, shut down",
        """
        from concurrent.futures import ThreadPoolExecutor
        $x = ThreadPoolExecutor(2)
        $x.shutdown()
        """,
        """
        try:
            $x.submit(abs, 1)
        except RuntimeError as error:
            print(error)
        """,
        outcome="reconnected",
        why="a new pool, shut down as the old one was",
    ),
    _worker(
        "ProcessPoolExecutor",
        """
        from concurrent.futures import ProcessPoolExecutor
        $x = ProcessPoolExecutor(1)
        """,
        "print($x._max_workers, $x.submit(abs, -3).result())",
        outcome="reconnected",
        why="a new pool with the same options",
    ),
    _worker(
        "concurrent.futures.Future, done, failed and cancelled",
        """
        from concurrent.futures import Future
        $x = [Future(), Future(), Future()]
        $x[0].set_result([1])
        $x[1].set_exception(ValueError("no"))
        $x[2].cancel()
        """,
        "print($x[0].result(), repr($x[1].exception()), $x[2].cancelled())",
        "$x[0].result().append(2)",
    ),
    _worker(
        "concurrent.futures.Future, pending",
        """
        from concurrent.futures import Future
        $x = Future()
        """,
        "print($x.done())",
        """
        $x.set_result(3)
        print($x.result())
        $x = Future()
        """,
        outcome="placeholder",
        why="what would have set its result is gone",
    ),
    _worker(
        "multiprocessing.Process, not started",
        """
        import multiprocessing
        $x = multiprocessing.get_context("fork").Process(target=abs, args=(1,), name="child")
        """,
        "print($x.name, $x.is_alive())",
        outcome="placeholder",
        why="a process object belongs to the process that made it",
    ),
    _worker(
        "subprocess.Popen, running",
        """
        import subprocess, sys
        $x = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        """,
        """
        print($x.poll())
        $x.kill()
        $x.wait()
        """,
        outcome="placeholder",
        why="only its parent can wait for a process",
    ),
    _worker(
        "subprocess.CompletedProcess",
        """
        import subprocess, sys
        $x = subprocess.run([sys.executable, "-c", "print(42)"], capture_output=True, text=True)
        """,
        "print($x.returncode, $x.stdout.strip(), $x.check_returncode())",
    ),
    _worker(
        "multiprocessing.Pool",
        """
        import multiprocessing
        $x = multiprocessing.get_context("fork").Pool(1)
        """,
        """
        print($x.map(abs, [-1]))
        $x.terminate()
        """,
        outcome="placeholder",
        why="its processes ended with their parent",
    ),
    _worker(
        "asyncio.Task, pending",
        """
        import asyncio
        $x = asyncio.ensure_future(asyncio.sleep(3600))
        """,
        """
        print($x.done())
        $x.cancel()
        """,
        outcome="placeholder",
        why="its event loop ended with the process",
    ),
    _worker(
        "asyncio.Task, done",
        """
        import asyncio
        $x = asyncio.ensure_future(asyncio.sleep(0, [7]))
        await $x
        """,
        "print($x.done(), $x.result(), await $x)",
        "$x.result().append(8)",
        why="it belongs to the event loop of the kernel that loads",
    ),
    _worker(
        "asyncio.Future, failed",
        """
        import asyncio
        $x = asyncio.get_running_loop().create_future()
        $x.set_exception(ValueError("no"))
        """,
        """
        print($x.done(), repr($x.exception()), $x.get_loop() is asyncio.get_running_loop())
        try:
            await $x
        except ValueError as error:
            print(error)
        """,
        why="it belongs to the event loop of the kernel that loads",
    ),
    _worker(
        "asyncio tasks of a gather, cancelled and failed, one in its own result",
        """
        import asyncio
        async def $fail(): raise KeyError("k")
        $t = asyncio.ensure_future($fail())
        $c = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        $c.cancel("enough")
        $x = asyncio.gather($t, $c, asyncio.sleep(0, 3), return_exceptions=True)
        await $x
        $own = asyncio.get_running_loop().create_future()
        $own.set_result([$own])
        """,
        """
        print($t.get_name() != "", $t.get_coro().__name__, repr($t.exception()), $c.cancelled())
        print($own.result()[0] is $own)
        print([repr(r) for r in $x.result()], $x.result()[0] is $t.exception(), len(asyncio.all_tasks()) < 50)
        """,
        "print(await asyncio.gather($t, $own, return_exceptions=True) == [$t.exception(), $own.result()])",
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _worker(
        "asyncio event loop of the kernel",
        """
        import asyncio
        $x = asyncio.get_running_loop()
        """,
        "print($x is asyncio.get_running_loop())",
        why="the loop of the kernel that loads",
    ),
    _file(
        "file for reading, in the middle",
        r"""
        open("$x.txt", "w").write("one\ntwo\nthree\n")
        $x = open("$x.txt")
        $x.readline()
        """,
        "print($x.tell(), $x.readline(), $x.mode, $x.encoding)",
        outcome="reconnected",
        why="opened again at its position",
    ),
    _file(
        "file for writing",
        r"""
        $x = open("$x.txt", "w")
        _ = $x.write("first\n")
        """,
        """
        $x.flush()
        print(open("$x.txt").read(), $x.mode)
        """,
        '_ = $x.write("second\\n")',
        outcome="reconnected",
        why="opened again at its position, never truncated",
    ),
    _file(
        "file for appending",
        r"""
        open("$x.txt", "w").write("old\n")
        $x = open("$x.txt", "a")
        _ = $x.write("first\n")
        """,
        """
        $x.flush()
        print(open("$x.txt").read(), $x.mode)
        """,
        '_ = $x.write("second\\n")',
        outcome="reconnected",
    ),
    _file(
        "file for reading and writing (r+, w+, a+)",
        """
        $x = []
        for $mode in ("r+", "w+", "a+"):
            open(f"$x{$mode}.txt", "w").write("abcdef")
            $x.append(open(f"$x{$mode}.txt", $mode))
            _ = $x[-1].write("XY")
            $x[-1].seek(1)
        """,
        """
        for $f in $x:
            print($f.mode, $f.tell(), $f.read(2))
        """,
        """
        for $f in $x:
            $f.seek(0)
            _ = $f.write("Z")
            $f.flush()
            $f.seek(0)
        """,
        outcome="reconnected",
    ),
    _file(
        "file opened with x",
        """
        $x = open("$x.txt", "x")
        _ = $x.write("made")
        """,
        """
        $x.flush()
        print(open("$x.txt").read())
        """,
        '_ = $x.write("more")',
        outcome="reconnected",
    ),
    _file(
        "binary files, buffered and not",
        """
        open("$x.bin", "wb").write(bytes(range(100)))
        $x = [open("$x.bin", "rb"), open("$x.bin", "rb", buffering=0), open("$x.bin", "r+b")]
        for f in $x:
            f.seek(10)
        """,
        "print([(f.tell(), f.read(2)) for f in $x])",
        """
        _ = $x[2].write(b"!")
        $x[2].flush()
        """,
        outcome="reconnected",
    ),
    _file(
        "text file with newline, encoding and errors",
        r"""
        open("$x.txt", "wb").write("ä\r\nö\r\n".encode("latin-1"))
        $x = open("$x.txt", encoding="latin-1", newline="", errors="replace")
        $x.readline()
        """,
        "print(repr($x.readline()), $x.encoding, $x.errors)",
        outcome="reconnected",
    ),
    _file(
        "closed file",
        """
        $x = open("$x.txt", "w")
        $x.close()
        """,
        "print($x.closed, $x.name, $x.mode)",
        why="closed, without touching the file",
    ),
    _file(
        "file that has been deleted",
        """
        import os
        $x = open("$x.txt", "w+")
        _ = $x.write("gone")
        os.remove("$x.txt")
        """,
        """
        $x.seek(0)
        print($x.read())
        """,
        outcome="placeholder",
        why="there is nothing to open again",
    ),
    _file(
        "iterating over a file",
        r"""
        open("$x.txt", "w").write("one\ntwo\nthree\n")
        $f = open("$x.txt")
        $x = enumerate($f)
        next($x)
        """,
        "print(next($x))",
        outcome="placeholder",
        why="text files hide their position while they are iterated; lines read with readline() keep it",
    ),
    _file(
        "io.StringIO and io.BytesIO",
        r"""
        import io
        $x = [io.StringIO("one\ntwo\n"), io.BytesIO(b"abc")]
        $x[0].readline()
        $x[1].seek(1)
        """,
        "print($x[0].tell(), $x[0].read(), $x[1].read(), $x[1].getvalue())",
        """
        _ = $x[1].write(b"more")
        $x[0].seek(0)
        """,
    ),
    _file(
        "io.TextIOWrapper over BytesIO",
        r"""
        import io
        $y = io.BytesIO(b"one\ntwo\n")
        $x = io.TextIOWrapper($y)
        $x.readline()
        """,
        "print($x.readline(), $y.getvalue())",
    ),
    _file(
        "io.BufferedReader over BytesIO",
        """
        import io
        $x = io.BufferedReader(io.BytesIO(b"abcdef"))
        $x.read(2)
        """,
        "print($x.read(2))",
    ),
    _file(
        "gzip, bz2 and lzma files",
        r"""
        import bz2, gzip, lzma
        $x = []
        for $m in (bz2, gzip, lzma):
            with $m.open(f"$x.{$m.__name__}", "wt") as $f:
                _ = $f.write("one\ntwo\nthree\n")
            $x.append($m.open(f"$x.{$m.__name__}", "rt"))
            $x[-1].readline()
        """,
        "print([f.readline() for f in $x])",
        outcome="reconnected",
    ),
    _file(
        "zipfile.ZipFile for reading",
        """
        import zipfile
        with zipfile.ZipFile("$x.zip", "w") as $f:
            $f.writestr("a.txt", "content")
        $x = zipfile.ZipFile("$x.zip")
        """,
        'print($x.namelist(), $x.read("a.txt"))',
        outcome="reconnected",
    ),
    _file(
        "zipfile.ZipFile for writing",
        """
        import zipfile
        $x = zipfile.ZipFile("$x.zip", "w")
        $x.writestr("a.txt", "content")
        """,
        "print($x.namelist())",
        outcome="placeholder",
        why="its directory is written when it is closed",
    ),
    _file(
        "tarfile.TarFile for reading",
        """
        import io, tarfile
        with tarfile.open("$x.tar.gz", "w:gz") as $f:
            $i = tarfile.TarInfo("a.txt")
            $i.size = 3
            $f.addfile($i, io.BytesIO(b"abc"))
        del $f
        $x = tarfile.open("$x.tar.gz")
        """,
        'print($x.getnames(), $x.extractfile("a.txt").read())',
        outcome="reconnected",
    ),
    _file(
        "tempfile.NamedTemporaryFile",
        """
        import tempfile
        $x = tempfile.NamedTemporaryFile("w+")
        _ = $x.write("content")
        $x.flush()
        """,
        """
        $x.seek(0)
        print($x.read())
        """,
        """
        _ = $x.write("more")
        $x.flush()
        """,
        outcome="reconnected",
        why="the file is still there after a kill",
    ),
    _file(
        "tempfile.TemporaryFile",
        """
        import tempfile
        $x = tempfile.TemporaryFile("w+")
        _ = $x.write("content")
        """,
        """
        $x.seek(0)
        print($x.read())
        """,
        outcome="placeholder",
        why="it has no name, and ended with the process",
    ),
    _file(
        "tempfile.SpooledTemporaryFile",
        """
        import tempfile
        $x = tempfile.SpooledTemporaryFile(1000, "w+")
        _ = $x.write("content")
        """,
        """
        $x.seek(0)
        print($x.read())
        """,
        '_ = $x.write("more")',
    ),
    _file(
        "tempfile.TemporaryDirectory",
        """
        import pathlib, tempfile
        $x = tempfile.TemporaryDirectory()
        pathlib.Path($x.name, "f").write_text("in it")
        """,
        'print(pathlib.Path($x.name, "f").read_text())',
        """
        $x.cleanup()
        print(pathlib.Path($x.name).exists())
        $x = tempfile.TemporaryDirectory()
        pathlib.Path($x.name, "f").write_text("new")
        """,
        outcome="reconnected",
        why="the directory is still there after a kill",
    ),
    _file(
        "pathlib paths",
        """
        import pathlib
        $x = [pathlib.Path("$x.txt"), pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("C:/a")]
        """,
        "print($x[0].exists(), $x[1].parent, $x[2].drive)",
        '$x[0].write_text("now")',
    ),
    _file(
        "os.scandir entries",
        """
        import os
        os.makedirs("$x", exist_ok=True)
        open("$x/f", "w").close()
        $x = list(os.scandir("$x"))
        """,
        "print([e.name for e in $x])",
        outcome="placeholder",
        why="it belongs to a directory handle; pathlib paths travel",
    ),
    _file(
        "os.stat result, os.environ",
        """
        import os
        $x = [os.stat_result(range(10)), os.environ, os.terminal_size((80, 24))]
        """,
        "print($x[0].st_size, $x[1] is os.environ, $x[2])",
    ),
    _file(
        "csv reader and writer",
        """
        import csv, io
        $x = [csv.reader(["a;b", "c;d", "e;f"], delimiter=";"), csv.writer(open("$x.csv", "w", newline=""))]
        next($x[0])
        """,
        "print(next($x[0], None), $x[0].line_num)",
        '_ = $x[1].writerow([1, "two"])',
        outcome="reconnected",
    ),
    _file(
        "csv.DictReader over a list",
        """
        import csv
        $x = csv.DictReader(["a,b", "1,2", "3,4", "5,6"])
        next($x)
        """,
        "print(next($x, None), $x.fieldnames)",
    ),
    _file(
        "sys.stdout and a print that was bound to it",
        """
        import functools, sys
        $x = [sys.stdout, functools.partial(print, file=sys.stdout)]
        """,
        """
        print($x[0] is sys.stdout)
        $x[1]("out")
        """,
    ),
    _file(
        "shelve.Shelf",
        """
        import shelve
        $x = shelve.open("$x")
        $x["k"] = [1]
        $x.sync()
        """,
        "print(dict($x))",
        outcome="placeholder",
        why="the file may be half written; close it before the save",
    ),
    _file(
        "configparser",
        r"""
        import configparser
        $x = configparser.ConfigParser()
        $x.read_string("[a]\nb = 1\n")
        """,
        'print($x["a"]["b"], $x.sections())',
        '$x["c"] = {"d": "2"}',
    ),
    _outside(
        "sqlite3 connection to a file",
        """
        import sqlite3
        $x = sqlite3.connect("$x.db")
        $x.executescript("create table t (n); insert into t values (1)")
        $x.commit()
        """,
        'print($x.execute("select * from t").fetchall())',
        '_ = $x.execute("insert into t values (2)")',
        outcome="reconnected",
        why="opened again",
    ),
    _outside(
        "sqlite3 :memory: with its contents",
        """
        import sqlite3
        $x = sqlite3.connect(":memory:")
        $x.row_factory = sqlite3.Row
        _ = $x.executescript("create table t (n); insert into t values (1)")
        """,
        """
        print(
            [tuple(r) for r in $x.execute("select * from t")], $x.execute("select n from t").fetchone()["n"]
        )
        """,
        '_ = $x.execute("insert into t values (2)")',
        why="its contents travel",
    ),
    _outside(
        "sqlite3 with an open transaction",
        """
        import sqlite3
        $x = sqlite3.connect("$x.db", isolation_level="DEFERRED")
        _ = $x.execute("create table t (n)")
        $x.commit()
        _ = $x.execute("insert into t values (1)")
        """,
        'print($x.execute("select 1").fetchall())',
        outcome="reconnected",
        why="what was not committed is lost with the process, and the report says so",
    ),
    _outside(
        "sqlite3 cursor and rows",
        """
        import sqlite3
        $c = sqlite3.connect(":memory:")
        $x = [$c.cursor(), $c.execute("select 1 as a, 2 as b").fetchall()]
        """,
        'print($x[1], $x[0].execute("select 3").fetchone(), $x[0].connection is $c)',
    ),
    _outside(
        "sqlite3 closed connection",
        """
        import sqlite3
        $x = sqlite3.connect(":memory:")
        $x.close()
        """,
        """
        try:
            $x.execute("select 1")
        except sqlite3.ProgrammingError as error:
            print(error)
        """,
    ),
    _outside(
        "sqlite3 with functions of the notebook",
        """
        import sqlite3
        $x = sqlite3.connect(":memory:")
        $x.create_function("twice", 1, lambda n: n * 2)
        """,
        'print($x.execute("select 4").fetchone())',
        outcome="reconnected",
        why="a connection does not say which functions it was given; the report asks for them",
    ),
    _outside(
        "socket",
        """
        import socket
        $x = socket.socket()
        """,
        "print($x.fileno() >= 0)",
        outcome="placeholder",
        why="a connection ends with its process",
    ),
    _outside(
        "socket pair in a list with data",
        """
        import socket
        $x = ["kept", *socket.socketpair()]
        """,
        """
        print($x[0])
        print($x[1].send(b"a"))
        """,
        outcome="placeholder",
        why="a connection ends with its process",
    ),
    _outside(
        "selectors and pipes",
        """
        import os, selectors
        $x = selectors.DefaultSelector()
        """,
        "print($x.get_map() is not None)",
        outcome="placeholder",
        why="it watches handles of the process",
    ),
    _outside(
        "mmap of a file",
        """
        import mmap
        open("$x.bin", "wb").write(b"x" * 4096)
        $f = open("$x.bin", "r+b")
        $x = mmap.mmap($f.fileno(), 0)
        """,
        "print($x[:3])",
        outcome="placeholder",
        why="a map does not know its file",
    ),
    _outside(
        "mmap, anonymous",
        """
        import mmap
        $x = mmap.mmap(-1, 4096)
        _ = $x.write(b"hello")
        """,
        "print($x[:5], $x.tell(), len($x))",
        outcome="placeholder",
        why="a map does not say whether it is anonymous",
    ),
    _outside(
        "shared memory",
        """
        from multiprocessing import shared_memory
        $x = shared_memory.SharedMemory(create=True, size=16)
        """,
        """
        print($x.size)
        $x.close()
        $x.unlink()
        """,
        outcome="placeholder",
        why="it belongs to the process",
    ),
    _outside(
        "urllib request and response",
        """
        import urllib.request
        $x = urllib.request.Request("http://example.org/", headers={"X-A": "b"}, data=b"d")
        """,
        "print($x.full_url, $x.header_items(), $x.get_method())",
        '$x.add_header("X-C", "d")',
    ),
    _outside(
        "http.client.HTTPConnection, not connected",
        """
        import http.client
        $x = http.client.HTTPConnection("localhost", 1, timeout=3)
        """,
        "print($x.host, $x.port, $x.timeout, $x.sock)",
    ),
    _outside(
        "ssl.SSLContext",
        """
        import ssl
        $x = ssl.create_default_context()
        """,
        "print($x.check_hostname)",
        outcome="placeholder",
        why="it may hold private keys",
    ),
    _outside(
        "xmlrpc.client.ServerProxy",
        """
        import xmlrpc.client
        $x = xmlrpc.client.ServerProxy("http://localhost:1/")
        """,
        "print($x)",
    ),
    _outside(
        "hashlib objects in the middle",
        """
        import hashlib
        $x = hashlib.sha256(b"abc")
        """,
        "print($x.hexdigest())",
        outcome="placeholder",
        why="hashlib does not give out its state",
    ),
    _outside(
        "zlib.compressobj",
        """
        import zlib
        $x = zlib.compressobj()
        """,
        'print($x.compress(b"a"))',
        outcome="placeholder",
        why="zlib does not give out its state",
    ),
    _outside(
        "ctypes values, structures, arrays",
        """
        import ctypes
        class $P(ctypes.Structure):
            _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]
        $x = [ctypes.c_int(5), $P(1, 2.5), (ctypes.c_int * 3)(1, 2, 3), ctypes.create_string_buffer(b"abc")]
        """,
        "print($x[0].value, $x[1].a, $x[1].b, list($x[2]), $x[3].value)",
        """
        $x[1].a = 9
        $x[2][0] = 7
        """,
    ),
    _outside(
        "ctypes library and its functions",
        """
        import ctypes, ctypes.util
        $x = ctypes.CDLL(None)
        $f = $x.strlen
        $f.argtypes, $f.restype = [ctypes.c_char_p], ctypes.c_size_t
        """,
        "print($x.abs(-3), $f(b'abc'), $x.strlen is $f, $f.restype)",
        outcome="reconnected",
    ),
    _outside(
        "ctypes values on the memory of others, in structures and in arrays of numpy",
        """
        import ctypes
        import numpy as np
        class $P(ctypes.Structure):
            _fields_ = [("n", ctypes.c_int), ("a", ctypes.c_int * 2), ("next", ctypes.c_void_p)]
        $b, $p, $a = bytearray(8), $P(1), np.arange(3, dtype=np.int32)
        $x = [(ctypes.c_int * 1).from_buffer($b, 4), $p.a, np.ctypeslib.as_ctypes($a), (ctypes.c_int * 2)(1, 2)]
        $x += [np.frombuffer($x[3], np.int32), memoryview($x[3])]
        """,
        "print($b, $p.n, list($p.a), $a, [list(c) for c in $x[:4]], $x[4], $x[5].nbytes)",
        "$x[0][0] = 1; $x[1][1] = 2; $x[2][2] = 3; $x[4][0] = 4",
        needs=("numpy",),
    ),
    _outside(
        "ctypes value at an address",
        """
        import ctypes
        $y = ctypes.c_int(4)
        $x = ctypes.c_int.from_address(ctypes.addressof($y))
        """,
        "print($x.value, $y.value)",
        outcome="placeholder",
        why="it does not tell whose memory it shows",
    ),
    _outside(
        "ctypes callback",
        """
        import ctypes
        $T = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
        $n = 1
        @$T
        def $x(k):
            return k + $n
        """,
        "print($x(2), type($x) is $T)",
        "$n = 5",
    ),
    _outside(
        "ctypes pointers of every kind",
        """
        import ctypes
        $y = (ctypes.c_int * 3)(1, 2, 3)
        $x = [ctypes.cast($y, ctypes.POINTER(ctypes.c_int)), ctypes.cast($y, ctypes.c_void_p), ctypes.c_char_p(b"c")]
        $x += [ctypes.c_wchar_p("w"), ctypes.py_object([1]), ctypes.c_void_p(), ctypes.POINTER(ctypes.c_int)()]
        """,
        "print($x[0][2], [p.value for p in $x[2:6]], bool($x[6]), ctypes.cast($x[1], ctypes.POINTER(ctypes.c_int))[1])",
        "$x[0][1] = 9; $x[4].value.append(2)",
    ),
    _outside(
        "ctypes pointer",
        """
        import ctypes
        $y = ctypes.c_int(4)
        $x = ctypes.pointer($y)
        """,
        "print($x.contents.value, $y.value)",
        "$x[0] = 5",
    ),
]
