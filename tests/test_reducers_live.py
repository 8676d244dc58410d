"""Locks, workers, event loops, generators and iterators: idle, exact or named, and never moved by a save."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import multiprocessing
import operator
import queue
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_session_save.pickling import Placeholder

from .restore import again, cell, save, stand_in


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading._RLock])
def test_locks_come_back_free(make: Any) -> None:
    lock = make()
    with lock:
        fresh = again(lock)
        assert type(fresh) is type(lock)
        taken: list[bool] = []
        taker = threading.Thread(target=lambda: taken.append(fresh.acquire(timeout=5)))
        taker.start()
        taker.join()
        assert taken == [True]
    assert lock.acquire(blocking=False)


def test_what_is_built_on_locks() -> None:
    lock = threading.Lock()
    event = threading.Event()
    event.set()
    semaphore = threading.BoundedSemaphore(3)
    semaphore.acquire()
    broken = threading.Barrier(2)
    broken.abort()
    ns = save(
        {
            "lock": lock,
            "condition": threading.Condition(lock),
            "event": event,
            "semaphore": semaphore,
            "barrier": threading.Barrier(1),
            "broken": broken,
        }
    ).load()
    assert ns["condition"]._lock is ns["lock"]
    with ns["condition"]:
        assert ns["lock"].locked()
        ns["condition"].notify_all()
    assert ns["event"].wait(0)
    assert [ns["semaphore"].acquire(blocking=False) for _ in range(3)] == [True, True, False]
    assert ns["barrier"].wait() == 0 and ns["broken"].broken


@pytest.mark.parametrize("make", [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_queues_keep_what_waits(make: Callable[[], Any], count: int) -> None:
    q = make()
    for item in range(count + 3):
        q.put(item)
    for _ in range(3):
        q.get()
    r = again(q)
    assert r.qsize() == q.qsize() == count
    r.put(-1)
    taken = [r.get_nowait() for _ in range(count + 1)]
    q.put(-1)
    assert taken == [q.get_nowait() for _ in range(count + 1)]


def test_thread_local_data() -> None:
    ns = cell(
        "import threading\nclass Mine(threading.local): pass\na = threading.local(); a.x = [1]\nb = Mine(); b.x = a.x"
    )
    fresh = save(ns).load()
    assert fresh["a"].x == [1] and fresh["b"].x is fresh["a"].x and type(fresh["b"]) is fresh["Mine"]


def test_threads_are_named_with_their_state() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="worker")
    fresh = again(thread)
    assert (fresh.name, fresh.is_alive(), fresh.ident) == ("worker", False, None)
    thread.start()
    assert "'worker' was running" in stand_in(thread).reason
    release.set()
    thread.join()
    assert "finished" in stand_in(thread).reason
    assert again(threading.main_thread()) is threading.main_thread()


def test_executors_are_set_up_again() -> None:
    with concurrent.futures.ThreadPoolExecutor(2, "mine") as pool:
        pool.submit(int).result()
        saved = save({"pool": pool})
    assert "set up again" in saved.reconnected[0].reason
    with saved.load()["pool"] as fresh:
        assert fresh.submit(int, "3").result() == 3
        assert (fresh._max_workers, fresh._thread_name_prefix) == (2, "mine")
    with pytest.raises(RuntimeError):
        save({"pool": pool}).load()["pool"].submit(int)
    workers = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    fresh = save({"workers": workers}).load()["workers"]
    assert fresh._max_workers == 1 and fresh._mp_context.get_start_method() == "spawn"


def test_futures_keep_their_outcome() -> None:
    done: concurrent.futures.Future[list[int]] = concurrent.futures.Future()
    done.set_result([1])
    failed: concurrent.futures.Future[int] = concurrent.futures.Future()
    failed.set_exception(ValueError("no"))
    cancelled: concurrent.futures.Future[int] = concurrent.futures.Future()
    cancelled.cancel()
    ns = save({"done": done, "failed": failed, "cancelled": cancelled}).load()
    assert ns["done"].result(0) == [1]
    with pytest.raises(ValueError, match="no"):
        ns["failed"].result(0)
    assert ns["cancelled"].cancelled()
    assert "waiting for a worker" in stand_in(concurrent.futures.Future()).reason


def test_processes_are_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert str(process.pid) in stand_in(process).reason
        assert process.returncode is None
        process.communicate(b"\n")
    assert "ended with 0" in stand_in(process).reason
    stand_in(multiprocessing.get_context("spawn").Process(target=print))


@pytest.mark.parametrize("make", ["Lock", "Event", "Queue", "SimpleQueue"])
def test_what_processes_share(make: str) -> None:
    shared = getattr(multiprocessing.get_context("spawn"), make)()
    assert "shared" in stand_in(shared).reason
    if hasattr(shared, "close"):
        shared.close()


def test_asyncio_primitives_come_back_idle() -> None:
    async def begin() -> dict[str, Any]:
        lock, event, q = asyncio.Lock(), asyncio.Event(), asyncio.PriorityQueue[int](5)
        await lock.acquire()
        waiting = asyncio.ensure_future(lock.acquire())
        event.set()
        q.put_nowait(2)
        q.put_nowait(1)
        await asyncio.sleep(0)
        saved = save({"lock": lock, "event": event, "q": q, "s": asyncio.Semaphore(2), "c": asyncio.Condition()})
        assert not saved.problems
        assert lock.locked() and not waiting.done()
        waiting.cancel()
        return saved.load()

    async def proceed(ns: dict[str, Any]) -> None:
        assert ns["event"].is_set() and not ns["lock"].locked()
        async with ns["lock"], ns["s"], ns["c"]:
            ns["c"].notify_all()
        assert ns["q"].maxsize == 5 and [await ns["q"].get() for _ in range(2)] == [1, 2]
        ns["q"].task_done()

    asyncio.run(proceed(asyncio.run(begin())))


def test_a_future_that_is_done_needs_no_loop() -> None:
    async def made() -> dict[str, Any]:
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(ValueError("no"))
        cancelled = asyncio.ensure_future(asyncio.sleep(60))
        cancelled.cancel("enough")
        await asyncio.wait([cancelled])
        own = asyncio.get_running_loop().create_future()
        own.set_result([own])
        saved = save({"failed": failed, "cancelled": cancelled, "own": own})
        assert not saved.problems and repr(failed.exception()) == "ValueError('no')"
        return saved.load()

    ns = asyncio.run(made())
    assert repr(ns["failed"].exception()) == "ValueError('no')"
    assert ns["cancelled"].cancelled() and "cancelled" in repr(ns["cancelled"])
    assert ns["own"].result()[0] is ns["own"]


def test_what_runs_in_a_loop_is_named() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 3

    async def values() -> Any:
        yield 1

    async def main() -> None:
        task = asyncio.ensure_future(work())
        assert "still running" in stand_in(task).reason
        await task
        done = again(task)
        assert done.done() and await done == 3 and done.get_name() == task.get_name()
        assert done.get_loop() is asyncio.get_running_loop() and "work()" in repr(done)
        stand_in(asyncio.get_running_loop().create_future())
        stand_in(asyncio.get_running_loop())
        coroutine = work()
        assert await again(coroutine) == 3
        coroutine.send(None)
        assert "coroutine" in stand_in(coroutine).reason
        coroutine.close()
        assert "had finished" in stand_in(coroutine).reason
        generator = values()
        assert [item async for item in again(generator)] == [1]
        await anext(generator)
        assert "was suspended" in stand_in(generator).reason

    asyncio.run(main())


GENERATORS = """
base = 10
def count(start, /, stop=5, *rest, step=1, **more):
    while start < stop:
        yield start, rest, step, more
        start += step
def cells():
    total = 0
    def items(values):
        nonlocal total
        for value in values:
            total += value
            yield (lambda: value)
    return items([1, 2]), lambda: total
plain = count(1, 3)
full = count(1, 9, 7, step=4, k=2)
source = [1, 2, 3]
fresh = (i * base for i in source)
nested = ((i, j) for i in fresh for j in range(i))
inside, total = cells()
spent = count(1, 2); list(spent)
closed = count(1); closed.close()
def delegates():
    got = yield from plain
running = delegates()
"""


def test_generators_before_and_after_their_steps() -> None:
    ns = cell(GENERATORS)
    saved = save(ns)
    assert not saved.problems
    r = saved.load()
    r["base"] = 20
    assert list(r["full"]) == [(1, (7,), 4, {"k": 2}), (5, (7,), 4, {"k": 2})] == list(ns["full"])
    assert r["plain"].__qualname__ == "count" and r["plain"].gi_code is r["count"].__code__
    assert next(r["running"]) == (1, (), 1, {}) and next(r["plain"]) == (2, (), 1, {})
    r["source"].append(4)
    assert list(r["fresh"]) == [20, 40, 60, 80] and list(r["nested"]) == []
    assert [item() for item in r["inside"]] == [1, 2] and r["total"]() == 3
    assert list(r["spent"]) == list(r["closed"]) == [] and r["spent"].__name__ == "count"
    assert list(ns["fresh"]) == [10, 20, 30], "the live one was not advanced"


def test_a_generator_in_the_middle_is_named() -> None:
    ns = cell(GENERATORS + "next(plain); next(fresh); box = {'k': [fresh]}")
    saved = save(ns)
    r = saved.load()
    assert type(r["plain"]) is type(r["fresh"]) is Placeholder
    assert "generator count was suspended" in r["plain"].problem.reason
    assert "generator expression" in r["fresh"].problem.reason
    assert next(ns["plain"])[0] == 2


def less(x: int) -> bool:
    return x < 3


ITERATORS: dict[str, Callable[[], Any]] = {
    "count": lambda: itertools.count(5),
    "count step": lambda: itertools.count(5, -2),
    "count float": lambda: itertools.count(0.5, 0.25),
    "count big": lambda: itertools.count(sys.maxsize - 1),
    "cycle": lambda: itertools.cycle([1, 2, 3]),
    "cycle empty": lambda: itertools.cycle(()),
    "chain": lambda: itertools.chain([1, 2], "ab", ()),
    "chain of": lambda: itertools.chain.from_iterable([[1, 2], [3]]),
    "repeat": lambda: itertools.repeat("x"),
    "repeat 3": lambda: itertools.repeat(None, 3),
    "starmap": lambda: itertools.starmap(pow, [(2, 3), (3, 2)]),
    "filterfalse": lambda: itertools.filterfalse(None, [0, 1, "", 2, []]),
    "compress": lambda: itertools.compress("abcd", [1, 0, 1, 1]),
    "pairwise": lambda: itertools.pairwise([1, 2, 3, 4]),
    "islice": lambda: itertools.islice(range(20), 3, 15, 4),
    "islice stop": lambda: itertools.islice(itertools.count(), 3),
    "islice open": lambda: itertools.islice([1, 2, 3], 1, None),
    "accumulate": lambda: itertools.accumulate([1, 2, 3]),
    "accumulate with": lambda: itertools.accumulate([1, 2, 3], operator.mul, initial=5),
    "takewhile": lambda: itertools.takewhile(less, [1, 2, 3, 1]),
    "dropwhile": lambda: itertools.dropwhile(less, [1, 3, 1, 2]),
    "zip_longest": lambda: itertools.zip_longest([1], "abc", fillvalue=0),
    "product": lambda: itertools.product([1, 2], "ab"),
    "product repeat": lambda: itertools.product([1, 2], repeat=2),
    "permutations": lambda: itertools.permutations([1, 2, 3], 2),
    "combinations": lambda: itertools.combinations([1, 2, 3], 2),
    "with replacement": lambda: itertools.combinations_with_replacement([1, 2], 2),
    "tee": lambda: itertools.tee(iter([1, 2, 3]))[1],
    "map": lambda: map(abs, [-1, 2, -3]),
    "filter": lambda: filter(less, [1, 5, 2]),
    "zip": lambda: zip([1, 2], "ab", strict=True),
    "enumerate": lambda: enumerate("abc", 5),
    "reversed": lambda: reversed([1, 2, 3]),
    "list": lambda: iter([1, 2, 3]),
    "tuple": lambda: iter((1, 2, 3)),
    "dict": lambda: iter({1: 2, 3: 4, 5: 6}),
    "dict items": lambda: iter({1: 2, 3: 4}.items()),
    "ordered": lambda: iter(OrderedDict(a=1, b=2)),
    "reversed dict": lambda: reversed({1: 2, 3: 4}),
    "set": lambda: iter({1}),
    "str": lambda: iter("abc"),
    "bytes": lambda: iter(b"abc"),
    "range": lambda: iter(range(3, 9, 2)),
    "long range": lambda: iter(range(2**70, 2**70 + 3)),
    "deque": lambda: iter(deque([1, 2, 3])),
    "callable": lambda: iter([3, 2, 1].pop, 3),
}


@pytest.mark.parametrize("name", ITERATORS)
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 20])
def test_iterators_go_on_where_they_were(name: str, steps: int) -> None:
    live = ITERATORS[name]()
    for _ in itertools.islice(live, steps):
        pass
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first = again(live)
        second = again(first)
    assert not said
    kept, rest = (list(itertools.islice(each, 7)) for each in (second, live))
    assert kept == rest


def test_iterators_stay_on_their_list() -> None:
    ns = cell("items = [1, 2]\nit = iter(items)\nnext(it)\nm = map(lambda x: x + len(items), it)")
    r = save(ns).load()
    r["items"].append(3)
    assert list(r["m"]) == [5, 6] and list(r["it"]) == []
    a, b = itertools.tee([1, 2, 3])
    next(a)
    r = save({"a": a, "b": b}).load()
    assert list(r["a"]) == [2, 3] and list(r["b"]) == [1, 2, 3] == list(b)


def test_groups() -> None:
    groups = itertools.groupby([1, 1, 2, 2])
    next(groups)
    rest = [(key, list(group)) for key, group in again(groups)]
    assert rest == [(2, [2, 2])] == [(key, list(group)) for key, group in groups]
