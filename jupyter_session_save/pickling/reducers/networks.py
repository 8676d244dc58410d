"""keras: models, layers, optimizers and metrics with all their attributes.

Keras would write each into an archive by itself, which leaves out the iterations of an optimizer, the counts of a
metric and that a layer is the very one of a model; and it knows classes of cells only if they are registered.

Invariant: what keras looks up by ``id`` is looked up by the ids of the objects that were made at load.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_COMPILED = ("train_function", "test_function", "predict_function")
"""Compiled for the variables of this process, and again when they are None."""


def saveable(obj: Any, pickling: Pickling) -> Any:
    """Reduce whatever keras can save to its attributes."""
    kind: Any = type(obj)
    base: Any = sys.modules["keras.src.saving.keras_saveable"]
    if kind.__reduce__ is not base.KerasSaveable.__reduce__ or kind.__reduce_ex__ is not object.__reduce_ex__:
        return NotImplemented
    pickling.modules.add("keras")
    state: dict[str, Any] = {name: None if name in _COMPILED else value for name, value in vars(obj).items()}
    by_id: dict[str, Any] = {}
    if "_nodes" in state and "_operations" in state:
        operations = {str(id(operation)): operation for operation in state["_operations"]}
        keys = (key.split("_ib-") for key in state["_nodes"])
        by_id["_nodes"] = [(operations[number], int(index)) for number, index in keys]
    if "_trainable_variables_indices" in state and "_trainable_variables" in state:
        indices = state["_trainable_variables_indices"]
        by_id["_trainable_variables_indices"] = [
            (variable, indices[obj._var_key(variable)])
            for variable in state["_trainable_variables"]
            if obj._var_key(variable) in indices
        ]
    if "_loss_ids" in state:
        by_id["_loss_ids"] = [loss for loss in state.get("_losses", ()) if id(loss) in state["_loss_ids"]]
    plain = {name: value for name, value in state.items() if name not in by_id}
    return instance_on, (kind, _backend()), (plain, by_id), None, None, attributes


def tracker(obj: Any, pickling: Pickling) -> Any:
    """Reduce what watches the attributes of a layer; it knows by their ids which it has seen."""
    state = dict(vars(obj))
    seen = state.pop("stored_ids")
    stored = {name: [v for v in state["config"][name][1] if id(v) in ids] for name, ids in seen.items()}
    return rebuild.instance, (type(obj),), (state, stored), None, None, watching


def instance_on(kind: Any, backend: str) -> Any:
    """Make an instance without calling any constructor, if keras computes on what it computed on."""
    if _backend() != backend:
        raise RuntimeError(f"keras runs on {_backend()} here: set KERAS_BACKEND={backend} in a fresh kernel, and load")
    return rebuild.instance(kind)


def _backend() -> str:
    return str(sys.modules["keras.src.backend.config"].backend())


@rebuild.setter
def attributes(made: Any, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an object its attributes, past methods that register them."""
    plain, by_id = state
    made.__dict__.update(plain)
    if "_nodes" in by_id:
        made.__dict__["_nodes"] = {f"{id(operation)}_ib-{index}" for operation, index in by_id["_nodes"]}
    if "_trainable_variables_indices" in by_id:
        indices = {made._var_key(variable): index for variable, index in by_id["_trainable_variables_indices"]}
        made.__dict__["_trainable_variables_indices"] = indices
    if "_loss_ids" in by_id:
        made.__dict__["_loss_ids"] = {id(loss) for loss in by_id["_loss_ids"]}


@rebuild.setter
def watching(made: Any, state: tuple[dict[str, Any], dict[str, list[Any]]]) -> None:
    """Give a tracker its stores."""
    plain, stored = state
    made.__dict__.update(plain, stored_ids={name: {id(v) for v in values} for name, values in stored.items()})
