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
        reason = f"it holds what lives in the runtime of tensorflow: {str(error).partition(chr(10))[0]}"
        return pickling.placeholder(obj, reason, "run the statement that made it again")
    return make_data_set, (graph, obj.element_spec)


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
