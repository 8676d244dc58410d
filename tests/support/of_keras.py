"""keras on torch, which a cell chooses before it imports keras; `of_large` has it on tensorflow."""

from __future__ import annotations

from functools import partial

from . import Case

_HEAD = "import os; os.environ['KERAS_BACKEND'] = 'torch'\nimport keras, numpy as np\nkeras.utils.set_random_seed(1)\n"

_keras = partial(Case, "keras", why="on torch", needs=("keras", "torch"))

CASES = [
    _keras(
        "a network of layers, fitted",
        _HEAD
        + "$x = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, 'relu'), keras.layers.Dense(1)])\n$x.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), 'mse')\n_ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0)",
        "print(np.round($x.predict(np.ones((2, 3)), verbose=0), 5), $x.count_params(), int($x.optimizer.iterations), keras.backend.backend())",
        "_ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0)",
    ),
    _keras(
        "a layer of a cell in a network, a layer with a name of its own, and metrics",
        _HEAD
        + "class $L(keras.layers.Layer):\n    def build(self, shape):\n        self.w = self.add_weight(shape=(shape[-1],), initializer='ones')\n    def call(self, a):\n        return a * self.w * $n\n$n = 2.0\n$i = keras.Input((3,))\n$l, $d = $L(), keras.layers.Dense(2)\n$x = keras.Model($i, $d($l($i)))\n$x.compile('adam', 'mse', metrics=['mae'])\n$h = $x.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)\n$m = keras.metrics.Mean(); $m.update_state([1.0, 3.0])",
        "print(np.round(keras.ops.convert_to_numpy($x(np.ones((2, 3)))), 5), $l in $x.layers, $h.model is $x, $d.kernel is $x.layers[-1].kernel, len(keras.models.clone_model($x).layers), float($m.result()))",
        "_ = $x.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0); $n = 3.0; $m.update_state([5.0])",
    ),
]
