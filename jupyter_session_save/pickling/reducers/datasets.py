"""Training data in the memory of libraries written in C: xgboost, lightgbm and catboost; and numba's containers.

Invariant: what comes back holds no address of the process that was saved.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def matrix(obj: Any, pickling: Pickling) -> Any:
    """Reduce a matrix of xgboost to what it writes of itself."""
    if type(obj).__name__ != "DMatrix":
        return pickling.placeholder(obj, "xgboost writes only plain matrices", "make it again from its data")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "matrix")
        obj.save_binary(str(path))
        data = path.read_bytes()
    pickling.modules.add("xgboost")
    return make_matrix, (type(obj), data)


def dataset(obj: Any, pickling: Pickling) -> Any:
    """Reduce a data set of lightgbm to its raw data, or if these are gone to what it writes of itself."""
    state = {name: value for name, value in vars(obj).items() if name != "_handle"}
    written = b""
    if obj._handle is not None and obj.data is None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "dataset")
            obj.save_binary(str(path))
            written = path.read_bytes()
    pickling.modules.add("lightgbm")
    whole = state, written, obj._handle is not None
    return rebuild.instance, (type(obj),), whole, None, None, fill_dataset


def pool(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pool of catboost to its numbers."""
    if obj.get_cat_feature_indices() or obj.get_text_feature_indices() or obj.get_embedding_feature_indices():
        return pickling.placeholder(obj, "catboost gives no categories and texts back", "make it again from its data")
    pickling.modules.add("catboost")
    options = {"label": obj.get_label(), "weight": obj.get_weight(), "feature_names": obj.get_feature_names()}
    return make_pool, (type(obj), obj.get_features(), {k: v for k, v in options.items() if v is not None and len(v)})


def typed_list(obj: Any, pickling: Pickling) -> Any:
    """Reduce a typed list of numba to its type and its items."""
    pickling.modules.add("numba")
    return make_typed_list, (obj._list_type, list(obj)) if obj._typed else (None, [])


def typed_dict(obj: Any, pickling: Pickling) -> Any:
    """Reduce a typed dictionary of numba to its types and its items."""
    pickling.modules.add("numba")
    return make_typed_dict, (obj._dict_type, dict(obj)) if obj._typed else (None, {})


def compiled_instance(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance of a compiled class to a placeholder."""
    return pickling.placeholder(obj, "its fields are in memory of compiled code", "make it again")


def make_matrix(cls: Any, data: bytes) -> Any:
    """Make a matrix of xgboost."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "matrix")
        path.write_bytes(data)
        return cls(str(path))


@rebuild.setter
def fill_dataset(made: Any, state: tuple[dict[str, Any], bytes, bool]) -> None:
    """Give a data set of lightgbm its state, and construct it if it was."""
    attributes, written, constructed = state
    vars(made).update(attributes, _handle=None)
    if not constructed:
        return
    with tempfile.TemporaryDirectory() as directory:
        if written:
            path = Path(directory, "dataset")
            path.write_bytes(written)
            made.data = str(path)
        made.construct()
        if written:
            made.data = None


def make_pool(cls: Any, features: Any, options: dict[str, Any]) -> Any:
    """Make a pool of catboost."""
    return cls(features, **options)


def make_typed_list(list_type: Any, items: list[Any]) -> Any:
    """Make a typed list of numba."""
    from numba.typed import List

    made = List() if list_type is None else List.empty_list(list_type.item_type)
    for item in items:
        made.append(item)
    return made


def make_typed_dict(dict_type: Any, items: dict[Any, Any]) -> Any:
    """Make a typed dictionary of numba."""
    from numba.typed import Dict

    made = Dict() if dict_type is None else Dict.empty(dict_type.key_type, dict_type.value_type)
    for key, value in items.items():
        made[key] = value
    return made
