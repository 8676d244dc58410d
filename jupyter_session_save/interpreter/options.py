"""The options of numpy, pandas, polars and torch that are not at their defaults.

Invariant: an option that cannot be set costs only itself.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, differs, nothing, resetting

_PRINTED = {
    "edgeitems": 3,
    "threshold": 1000,
    "floatmode": "maxprec",
    "precision": 8,
    "suppress": False,
    "linewidth": 75,
    "nanstr": "nan",
    "infstr": "inf",
    "sign": "-",
    "formatter": None,
    "legacy": False,
    "override_repr": None,
}
"""numpy's defaults, the same since print options exist; it does not tell them."""

_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def _numpy() -> Any:
    numpy = sys.modules.get("numpy")
    return numpy if hasattr(numpy, "get_printoptions") and hasattr(numpy, "geterrcall") else None


def _read_print(_: Surroundings) -> Any:
    numpy = _numpy()
    if numpy is None:
        return None
    return {k: v for k, v in numpy.get_printoptions().items() if differs(v, _PRINTED.get(k))} or None


def _write_print(value: Any, _: Surroundings) -> Iterator[str]:
    numpy = importlib.import_module("numpy")
    known = numpy.get_printoptions()
    numpy.set_printoptions(**{k: v for k, v in value.items() if k in known})
    for key in sorted(value.keys() - known):
        yield f"this numpy has no {key}"


def _keep_print(_: Surroundings) -> Callable[[], None]:
    numpy = _numpy()
    if numpy is None:
        return nothing
    before = numpy.get_printoptions()
    return lambda: numpy.set_printoptions(**before)


def _read_errors(_: Surroundings) -> Any:
    numpy = _numpy()
    if numpy is None:
        return None
    found = {k: v for k, v in numpy.geterr().items() if v != _ERRORS.get(k)}
    call = numpy.geterrcall()
    return {**found, **({} if call is None else {"call": call})} or None


def _write_errors(value: Any, _: Surroundings) -> tuple[str, ...]:
    numpy = importlib.import_module("numpy")
    if "call" in value:
        numpy.seterrcall(value["call"])
    numpy.seterr(**{k: v for k, v in value.items() if k != "call"})
    return ()


def _keep_errors(_: Surroundings) -> Callable[[], None]:
    numpy = _numpy()
    if numpy is None:
        return nothing
    before, call = numpy.geterr(), numpy.geterrcall()

    def back() -> None:
        numpy.seterr(**before)
        numpy.seterrcall(call)

    return back


def _pandas_options() -> Iterator[tuple[str, Any, Any]]:
    """Yield name, default and value; past `get_option`, which is slow and warns of what is deprecated."""
    config = sys.modules.get("pandas._config.config")
    if config is None or "pandas" not in sys.modules:
        return
    for key, option in list(config._registered_options.items()):
        node: Any = config._global_config
        for step in key.split("."):
            node = node[step]
        yield key, option.defval, node


def _read_pandas(_: Surroundings) -> Any:
    return {key: value for key, default, value in _pandas_options() if differs(value, default)} or None


def _write_pandas(value: Any, _: Surroundings) -> Iterator[str]:
    pandas = importlib.import_module("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, setting in value.items():
            try:
                pandas.set_option(key, setting)
            except Exception as error:
                yield f"{key} stays as it is: {said(error)}"


def _keep_pandas(around: Surroundings) -> Callable[[], None]:
    before = {key: value for key, _, value in _pandas_options()}

    def back() -> None:
        changed = {key: before[key] for key, _, now in _pandas_options() if key in before and now is not before[key]}
        list(_write_pandas(changed, around))

    return back


_POLARS = {
    "set_fmt_float": "mixed",
    "set_float_precision": None,
    "set_thousands_separator": "",
    "set_decimal_separator": ".",
    "set_trim_decimal_zeros": False,
}
"""The defaults of those of its options that polars always tells, set or not."""


def _polars() -> Any:
    return getattr(sys.modules.get("polars.config"), "Config", None)


def _read_polars(_: Surroundings) -> Any:
    config = _polars()
    if config is None:
        return None
    found = json.loads(config.save(if_set=True))
    found["direct"] = {key: value for key, value in found["direct"].items() if value != _POLARS.get(key)}
    return found if any(found.values()) else None


def _write_polars(value: Any, _: Surroundings) -> tuple[str, ...]:
    importlib.import_module("polars").Config.load(json.dumps(value))
    return ()


def _keep_polars(_: Surroundings) -> Callable[[], None]:
    config = _polars()
    if config is None:
        return nothing
    before = config.save()
    return lambda: config.load(before) and None


def _reset_polars(_: Any, around: Surroundings) -> tuple[str, ...]:
    if _read_polars(around) is not None:
        _polars().restore_defaults()
    return ()


def _torch_options() -> dict[str, Any]:
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "get_default_dtype") or not hasattr(torch, "are_deterministic_algorithms_enabled"):
        return {}
    return {
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


_TORCH = {"dtype": "float32", "grad": True, "deterministic": False}


def _read_torch(_: Surroundings) -> Any:
    return {key: value for key, value in _torch_options().items() if value != _TORCH[key]} or None


def _write_torch(value: Any, _: Surroundings) -> tuple[str, ...]:
    torch = importlib.import_module("torch")
    if "dtype" in value:
        torch.set_default_dtype(getattr(torch, value["dtype"]))
    if "grad" in value:
        torch.set_grad_enabled(value["grad"])
    if "deterministic" in value:
        torch.use_deterministic_algorithms(value["deterministic"])
    return ()


def _keep_torch(around: Surroundings) -> Callable[[], None]:
    before = _torch_options()

    def back() -> None:
        if before:
            _write_torch(before, around)

    return back


_reset_print = resetting(_read_print, lambda _: _PRINTED, _write_print)
_reset_errors = resetting(_read_errors, lambda _: {**_ERRORS, "call": None}, _write_errors)
_reset_pandas = resetting(_read_pandas, lambda _: {key: first for key, first, _ in _pandas_options()}, _write_pandas)
_reset_torch = resetting(_read_torch, lambda _: _TORCH, _write_torch)

PARTS = (
    StatePart("numpy print options", _read_print, _write_print, _keep_print, reset=_reset_print),
    StatePart("numpy error handling", _read_errors, _write_errors, _keep_errors, reset=_reset_errors),
    StatePart("pandas options", _read_pandas, _write_pandas, _keep_pandas, reset=_reset_pandas),
    StatePart("polars options", _read_polars, _write_polars, _keep_polars, reset=_reset_polars),
    StatePart("torch options", _read_torch, _write_torch, _keep_torch, reset=_reset_torch),
)
