"""The global random generators of the standard library, numpy and torch.

Invariant: neither reading nor putting in place draws a number.
"""

from __future__ import annotations

import importlib
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .parts import StatePart, Surroundings, nothing


def _read_random(_: Surroundings) -> Any:
    module = sys.modules.get("random")
    if module is None:
        return None
    version, words, gauss = module.getstate()
    return version, struct.pack(f"<{len(words)}I", *words), gauss


def _write_random(value: Any, _: Surroundings) -> tuple[str, ...]:
    version, words, gauss = value
    importlib.import_module("random").setstate((version, struct.unpack(f"<{len(words) // 4}I", words), gauss))
    return ()


def _keep_random(_: Surroundings) -> Callable[[], None]:
    module = sys.modules.get("random")
    if module is None:
        return nothing
    state = module.getstate()
    return lambda: module.setstate(state)


def _read_numpy(_: Surroundings) -> Any:
    module = sys.modules.get("numpy.random.mtrand")
    return None if module is None else _plain(module.get_state(legacy=False))


def _plain(state: Any) -> Any:
    """Arrays as bytes, so that two states are compared in no time."""
    if type(state) is dict:
        return {key: _plain(part) for key, part in state.items()}
    return ("array", state.dtype.str, state.tobytes()) if hasattr(state, "dtype") and state.ndim else state


def _arrays(state: Any) -> Any:
    if type(state) is dict:
        return {key: _arrays(part) for key, part in state.items()}
    if type(state) is tuple:
        return importlib.import_module("numpy").frombuffer(state[2], dtype=state[1]).copy()
    return state


def _write_numpy(value: Any, _: Surroundings) -> tuple[str, ...]:
    module = importlib.import_module("numpy.random")
    if module.get_state(legacy=False)["bit_generator"] != value["bit_generator"]:
        kind = getattr(module, value["bit_generator"])
        module.set_bit_generator(kind())
    module.set_state(_arrays(value))
    return ()


def _keep_numpy(_: Surroundings) -> Callable[[], None]:
    module = sys.modules.get("numpy.random")
    if "numpy.random.mtrand" not in sys.modules or module is None:
        return nothing
    state = module.get_state(legacy=False)
    generator = module.get_bit_generator() if hasattr(module, "get_bit_generator") else None

    def back() -> None:
        if generator is not None and module.get_bit_generator() is not generator:
            module.set_bit_generator(generator)
        module.set_state(state)

    return back


def _read_torch(_: Surroundings) -> Any:
    torch = _torch()
    if torch is None:
        return None
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ()
    return {"cpu": _bytes(torch.get_rng_state()), "cuda": tuple(map(_bytes, cuda))}


def _torch() -> Any:
    torch = sys.modules.get("torch")
    # Half imported, it has no generator yet.
    return torch if hasattr(torch, "get_rng_state") and hasattr(torch, "cuda") else None


def _bytes(tensor: Any) -> bytes:
    try:
        return bytes(tensor.numpy().tobytes())
    except (RuntimeError, ImportError):  # torch without numpy
        return bytes(tensor.tolist())


def _write_torch(value: Any, _: Surroundings) -> Iterator[str]:
    torch = importlib.import_module("torch")

    def tensor(state: bytes) -> Any:
        return torch.frombuffer(bytearray(state), dtype=torch.uint8)

    torch.set_rng_state(tensor(value["cpu"]))
    devices = torch.cuda.device_count() if value["cuda"] else 0
    for index, state in enumerate(value["cuda"][:devices]):
        torch.cuda.set_rng_state(tensor(state), index)
    lost = len(value["cuda"]) - devices
    if value["cuda"] and lost > 0:
        yield f"the generators of {lost} CUDA device{'s' if lost > 1 else ''} stay as they are: not found here"


def _keep_torch(_: Surroundings) -> Callable[[], None]:
    torch = _torch()
    if torch is None:
        return nothing
    cpu = torch.get_rng_state()
    started = torch.cuda.is_initialized()
    cuda = torch.cuda.get_rng_state_all() if started else ()
    # Before CUDA has started, states wait here for it.
    queue = getattr(torch.cuda, "_queued_calls", [])
    waiting = len(queue)

    def back() -> None:
        torch.set_rng_state(cpu)
        if started:
            torch.cuda.set_rng_state_all(cuda)
        else:
            del queue[waiting:]

    return back


PARTS = (
    StatePart("random", _read_random, _write_random, _keep_random),
    StatePart("numpy.random", _read_numpy, _write_numpy, _keep_numpy),
    StatePart("torch generators", _read_torch, _write_torch, _keep_torch),
)
