"""tensorflow: compiled functions, data sets, and what its runtime keeps to itself.

Invariant: no part of a value is a placeholder where tensorflow would hand it to code in C, which would crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def function(obj: Any, pickling: Pickling) -> Any:
    """Reduce a compiled function to the function and its options; it is traced again when it is called."""
    pickling.modules.add("tensorflow")
    return rebuild.instance, (type(obj),), obj._clone(obj.python_function).__getstate__()


def data_set(obj: Any, pickling: Pickling) -> Any:
    """Reduce a data set to the graph that it is; one that calls Python or draws from a file under way has none."""
    pickling.modules.add("tensorflow")
    try:
        graph = obj._as_serialized_graph(external_state_policy=_no_state()).numpy()
    except Exception as error:
        said = str(error).rpartition("pipeline graph: ")[2].partition(" [Op:")[0]
        return pickling.placeholder(obj, f"it is no plain graph: {said}", "run the statement that made it again")
    return make_data_set, (graph, obj.element_spec)


def table(obj: Any, pickling: Pickling) -> Any:
    """Reduce a table for looking up, which stays as it is, to what it holds."""
    pickling.modules.add("tensorflow")
    keys, values = obj.export()
    return make_table, (keys, values, obj._default_value)


def mutable_table(obj: Any, pickling: Pickling) -> Any:
    """Reduce a table for looking up to what it holds."""
    pickling.modules.add("tensorflow")
    return make_mutable_table, (*obj.export(), obj._default_value)


def checkpoint(obj: Any, pickling: Pickling) -> Any:
    """Reduce a checkpoint to its attributes; making one also starts the clock that all of them read."""
    pickling.modules.add("tensorflow")
    return make_checkpoint, (type(obj),), dict(vars(obj)), None, None, rebuild.raw_state


def of_runtime(obj: Any, pickling: Pickling) -> Any:
    """Reduce what the runtime of tensorflow keeps: graphs, tapes, walks over data sets."""
    return pickling.placeholder(obj, "it lives in the runtime of tensorflow", "run the statement that made it again")


def _no_state() -> Any:
    from tensorflow.python.data.ops.options import ExternalStatePolicy

    return ExternalStatePolicy.FAIL


def make_data_set(graph: bytes, spec: Any) -> Any:
    """Make a data set from its graph."""
    import tensorflow as tf
    from tensorflow.python.data.ops import dataset_ops

    return dataset_ops._VariantDataset(tf.raw_ops.DatasetFromGraph(graph_def=graph), spec)


def make_table(keys: Any, values: Any, default: Any) -> Any:
    """Make a table that stays as it is."""
    import tensorflow as tf

    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)


def make_mutable_table(keys: Any, values: Any, default: Any) -> Any:
    """Make a table and fill it."""
    import tensorflow as tf

    made = tf.lookup.experimental.MutableHashTable(keys.dtype, values.dtype, default)
    made.insert(keys, values)
    return made


def make_checkpoint(kind: Any) -> Any:
    """Make a checkpoint of nothing yet."""
    return kind()
