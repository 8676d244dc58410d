"""Libraries too large for the tests' own environment: tensorflow, keras, jax, torchvision, lightning, pyspark and ray."""

from __future__ import annotations

from functools import partial

from . import Case

_TF = "import numpy as np, tensorflow as tf\n"
_JAX = "import numpy as np, jax, jax.numpy as jnp\n"

_tensorflow = partial(Case, "tensorflow", needs=("tensorflow",))
_keras = partial(Case, "keras", needs=("keras", "tensorflow"))
_jax = partial(Case, "jax", needs=("jax",))
_torchvision = partial(Case, "torchvision", needs=("torchvision",))
_pyspark = partial(Case, "pyspark", needs=("pyspark",))
_ray = partial(Case, "ray", needs=("ray",))

CASES = [
    _tensorflow(
        "tensors of every sort",
        _TF
        + "$x = [tf.constant([[1.0, 2.0]]), tf.constant(['a', 'ñ']), tf.ragged.constant([[1], [2, 3]]), tf.sparse.from_dense([[0, 5]]), tf.constant(3, tf.bfloat16), tf.constant(1 + 2j), tf.constant([1], tf.uint8)]\n$y = $x[0]",
        "print($x, $x[0] is $y, ($x[0] @ [[1.0], [1.0]]).numpy(), tf.sparse.to_dense($x[3]))",
        "$x.append($y * 2)",
    ),
    _tensorflow(
        "a variable, and a list that holds it",
        _TF + "$x = tf.Variable([1.0, 2.0], name='v', trainable=False)\n$y = [$x, tf.Variable('text')]",
        "print($x, $y[0] is $x, $x.trainable, $x.name, $y[1])",
        "_ = $x.assign_add([1.0, 1.0]); print($y[0])",
    ),
    _tensorflow(
        "a compiled function of a cell with a variable",
        _TF
        + "$v = tf.Variable(2.0)\n$n = 1.0\n@tf.function\ndef $x(a):\n    return a * $v + $n\n_ = $x(tf.constant(3.0))",
        "print($x(tf.constant(3.0)).numpy(), $x.python_function.__name__)",
        "_ = $v.assign(5.0); print($x(tf.constant(3.0)).numpy())",
    ),
    _tensorflow(
        "a module of a cell with variables",
        _TF
        + "class $M(tf.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = tf.Variable([[1.0], [2.0]])\n    @tf.function\n    def __call__(self, a):\n        return a @ self.w\n$x = $M()\n_ = $x(tf.ones((1, 2)))",
        "print($x(tf.ones((1, 2))).numpy(), len($x.trainable_variables), $x.trainable_variables[0] is $x.w, type($x) is $M)",
        "_ = $x.w.assign([[5.0], [6.0]])",
    ),
    _tensorflow(
        "a data set with a function of a cell",
        _TF
        + "$n = 3\n$x = tf.data.Dataset.from_tensor_slices({'a': [1, 2, 3, 4, 5], 'b': list('vwxyz')}).map(lambda r: (r['a'] * $n, r['b'])).batch(2)",
        "print([(a.numpy().tolist(), b.numpy().tolist()) for a, b in $x], $x.element_spec, len($x))",
        "$x = $x.take(1)",
    ),
    _tensorflow(
        "a data set that calls Python",
        _TF
        + "def $g():\n    yield from range(3)\n$x = {'d': tf.data.Dataset.from_generator($g, output_signature=tf.TensorSpec((), tf.int32)), 'n': 1}",
        "print($x['n'])\nprint([int(v) for v in $x['d']])",
        outcome="placeholder",
        why="its graph refers to functions by where they are in the process",
    ),
    _tensorflow(
        "tables for looking up, a checkpoint, and layers with vocabularies",
        _TF
        + "$x = [tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(['a'], [1]), -1), tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)]\n$x[1].insert(['a'], [5])\n$v = tf.Variable(1.0)\n$c = tf.train.Checkpoint(v=$v)\n$l = [tf.keras.layers.Normalization(), tf.keras.layers.StringLookup(vocabulary=['a', 'b']), tf.keras.layers.TextVectorization(output_sequence_length=3)]\n$l[0].adapt(np.array([[1.0], [3.0]])); $l[2].adapt(['a b', 'b c'])",
        "import tempfile\nprint([t.lookup(tf.constant(['a', 'b'])).numpy() for t in $x], $l[0](np.array([[2.0]])).numpy(), $l[1](['b', 'z']).numpy(), $l[2](['b c q']).numpy())\nwith tempfile.TemporaryDirectory() as d:\n    p = $c.save(d + '/c'); _ = $v.assign(9.0); _ = $c.restore(p); print($v.numpy(), $c.v is $v)",
        "$x[1].insert(['b'], [7])",
    ),
    _tensorflow(
        "an iterator of a data set under way",
        _TF + "$x = {'i': iter(tf.data.Dataset.range(5)), 'n': 1}\n_ = next($x['i'])",
        "print($x['n'])\nprint(next($x['i']).numpy())",
        outcome="placeholder",
        why="it is a walk under way inside the runtime",
    ),
    _tensorflow(
        "a generator of random numbers of the runtime",
        _TF + "$x = tf.random.Generator.from_seed(3)\n_ = $x.normal((2,))",
        "print($x.uniform((2,)).numpy(), $x.algorithm)",
    ),
    _tensorflow(
        "specifications, shapes, types and gradients",
        _TF
        + "$x = [tf.TensorSpec((None, 2), tf.float32), tf.TensorShape([1, None]), tf.float32, tf.IndexedSlices(tf.ones(1), tf.constant([0])), tf.nest.map_structure]\n$w = tf.Variable(3.0)\nwith tf.GradientTape() as _t:\n    _y = $w * $w\n$g = _t.gradient(_y, $w)\ndel _t, _y",
        "print($x[:3], $x[3].values.numpy(), $x[2] is tf.float32, $g.numpy())",
    ),
    _tensorflow(
        "a tape of gradients",
        _TF
        + "$w = tf.Variable(3.0)\n$x = {'t': tf.GradientTape(persistent=True), 'n': 1}\nwith $x['t']:\n    $y = $w * $w",
        "print($x['n'], $w.numpy(), $y.numpy())\nprint($x['t'].gradient($y, $w).numpy())",
        outcome="placeholder",
        why="what it recorded is in the runtime",
    ),
    _keras(
        "a model, its layers and its optimizer",
        "import keras, numpy as np\nkeras.utils.set_random_seed(1)\n$x = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, 'relu'), keras.layers.Dense(1)])\n$x.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), 'mse')\n_ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0)",
        "print(np.round($x.predict(np.ones((2, 3)), verbose=0), 5), $x.count_params(), int($x.optimizer.iterations))",
        "_ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0)",
    ),
    _keras(
        "layers, initializers and optimizers alone",
        "import keras, numpy as np\n$x = [keras.layers.Dense(2, kernel_initializer='ones'), keras.initializers.RandomNormal(0.0, 1.0, seed=3), keras.initializers.RandomUniform(seed=4), keras.optimizers.Adam(0.01), keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)]",
        "print($x[0].units, keras.ops.convert_to_numpy($x[0](np.ones((1, 3)))), $x[1].get_config(), $x[2].get_config(), float($x[3].learning_rate.value), float($x[4](10)))",
        "print(keras.ops.convert_to_numpy($x[1]((2,))), $x[0].trainable_weights[0].assign([[2.0, 2.0]] * 3) is None)",
    ),
    _keras(
        "tensorflow.keras: a model of functions whose layer has a name of its own",
        _TF
        + "from tensorflow.keras.models import Model\nfrom tensorflow.keras.optimizers import RMSprop\ntf.keras.utils.set_random_seed(1)\n$i = tf.keras.Input((3,))\n$l = tf.keras.layers.Dense(2)\n$x = Model($i, tf.keras.layers.Add()([$l($i), $l($i)]))\n$x.compile(RMSprop(0.1), 'mse', metrics=['mae'])\n$h = $x.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)",
        "print(np.round($x.predict(np.ones((2, 3)), verbose=0), 5), $l in $x.layers, np.round($l.kernel.numpy(), 5), sorted($h.history), $h.model is $x, len(tf.keras.models.clone_model($x).layers), $x.get_config()['output_layers'] is not None)",
        "_ = $x.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0); print(np.round($l.kernel.numpy(), 5))",
    ),
    _keras(
        "a model and a layer of cells",
        _TF
        + "tf.keras.utils.set_random_seed(1)\nclass $L(tf.keras.layers.Layer):\n    def build(self, shape):\n        self.w = self.add_weight(shape=(shape[-1],), initializer='ones')\n    def call(self, a):\n        return a * self.w * $n\n$n = 2.0\nclass $M(tf.keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.one, self.two = $L(), tf.keras.layers.Dense(1)\n        self.many = [tf.keras.layers.Dense(3), tf.keras.layers.Dropout(0.5, seed=3)]\n    def call(self, a, training=False):\n        for layer in self.many:\n            a = layer(a, training=training) if layer is self.many[1] else layer(a)\n        return self.two(self.one(a))\n$x = $M()\n$x.compile('adam', 'mse')\n_ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0)",
        "print(np.round($x(np.ones((2, 3))).numpy(), 5), type($x.one) is $L, len($x.trainable_variables), $x.built, len($x.layers), $x.many[0] in $x.layers)",
        "_ = $x.one.w.assign([3.0, 3.0, 3.0]); _ = $x.fit(np.ones((8, 3)), np.ones(8), verbose=0); $x.three = $x.many[0]; print($x(np.ones((1, 3)), training=True).numpy())",
    ),
    _keras(
        "an optimizer by hand, tied to its variables",
        _TF
        + "$v = tf.Variable([1.0, 2.0])\n$x = tf.keras.optimizers.SGD(0.1, momentum=0.9)\n$x.apply_gradients([(tf.ones(2), $v)])",
        "print($v.numpy(), int($x.iterations), float($x.learning_rate))",
        "_ = $x.apply_gradients([(tf.ones(2), $v)])",
    ),
    _keras(
        "metrics, losses and callbacks",
        _TF
        + "$x = [tf.keras.metrics.Mean(), tf.keras.losses.Huber(2.0), tf.keras.callbacks.EarlyStopping(patience=3), tf.keras.regularizers.L2(0.1), tf.keras.random.SeedGenerator(3)]\n$x[0].update_state([1.0, 3.0])",
        "print($x[0].result().numpy(), $x[1]([0.0], [1.0]).numpy(), $x[2].patience, $x[3].get_config(), tf.keras.random.uniform((2,), seed=$x[4]).numpy())",
        "_ = $x[0].update_state([5.0])",
    ),
    _jax(
        "arrays, keys and trees of them",
        _JAX
        + "$x = [jnp.arange(4.0), jax.random.key(3), jax.random.PRNGKey(4), jnp.ones((2, 2), jnp.bfloat16), jnp.array(True)]\n$t = {'a': $x[0], 'b': [$x[0], 2]}",
        "print($x, $t['b'][0] is $x[0], jax.random.normal($x[1], (2,)), jax.tree.leaves($t), jax.tree.structure($t))",
        "$x[0] = $x[0].at[1].set(9); print($t['a'] + $x[0])",
    ),
    _jax(
        "compiled, differentiated and mapped functions of a cell",
        _JAX
        + "$n = 2.0\n@jax.jit\ndef $x(v):\n    return $n * (v**2).sum()\n$g, $m, $p = jax.grad($x), jax.vmap(lambda v: v * $n), jax.jit(jax.value_and_grad($x))\n_ = $x(jnp.ones(2))",
        "print($x(jnp.ones(3)), $g(jnp.ones(2)), $m(jnp.arange(3.0)), $p(jnp.ones(2)))",
    ),
    _jax(
        "a node of a tree of a cell, and shapes",
        _JAX
        + "@jax.tree_util.register_pytree_node_class\nclass $P:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n    def tree_flatten(self):\n        return (self.a, self.b), None\n    @classmethod\n    def tree_unflatten(cls, aux, children):\n        return cls(*children)\n$x = $P(jnp.ones(2), 3)\n$s = jax.ShapeDtypeStruct((2, 3), jnp.float32)\n$d = jax.tree.structure($x)\nimport dataclasses\n@jax.tree_util.register_dataclass\n@dataclasses.dataclass\nclass $D:\n    w: object\n    n: int = dataclasses.field(metadata={'static': True}, default=2)\n@jax.tree_util.register_pytree_with_keys_class\nclass $K($P):\n    def tree_flatten_with_keys(self):\n        return ((jax.tree_util.GetAttrKey('a'), self.a), (jax.tree_util.GetAttrKey('b'), self.b)), None\n$y = [$D(jnp.ones(1)), $K(1, 2)]",
        "print(jax.tree.leaves($x), jax.tree.map(lambda v: v + 1, $x).b, $s, $d == jax.tree.structure($x), jax.tree_util.tree_flatten_with_path($y), jax.jit(lambda t: t)($y[0]))",
    ),
    _jax(
        "wide numbers, devices, and functions with derivatives of their own",
        _JAX
        + "jax.config.update('jax_enable_x64', True)\n$x = [jnp.arange(3) / 3, jnp.array(2**40), 1j * jnp.ones(1)]\n$d = [jax.devices()[0], $x[0].sharding, jax.sharding.PartitionSpec('a'), jax.sharding.Mesh(np.array(jax.devices()), ('a',))]\n@jax.custom_vjp\ndef $f(v):\n    return v * 2\n$f.defvjp(lambda v: ($f(v), None), lambda r, g: (g * 10,))\n$j = [jax.checkpoint(lambda v: v + 1), jax.tree_util.Partial(jnp.add, 1), jax.make_jaxpr(lambda v: v + 1)(1.0)]",
        "print($x, (jnp.ones(2) / 3).dtype, $d, $d[0] is jax.devices()[0], jax.grad($f)(1.0), $f(2.0), $j[0](1.0), $j[1](2), $j[2])",
        "$x[0] = $x[0] / 7",
    ),
    _jax(
        "compiled code",
        _JAX + "$x = {'c': jax.jit(lambda v: v + 1).lower(1.0).compile(), 'n': 1}",
        "print($x['n'])\nprint($x['c'](1.0))",
        outcome="placeholder",
        why="it is code for the machine in the process that ended",
    ),
    Case(
        "jax",
        "a data class of flax, its state, and a training state",
        _JAX
        + "import flax, optax\nfrom flax.training.train_state import TrainState\n@flax.struct.dataclass\nclass $S:\n    a: object\n    b: int = flax.struct.field(pytree_node=False, default=1)\n$y = $S(jnp.ones(2))\ndef $f(p, v):\n    return v * p['w']\n$x = TrainState.create(apply_fn=$f, params={'w': jnp.ones(1)}, tx=optax.chain(optax.clip(1.0), optax.adamw(0.1)))",
        "print($x.step, $x.params, jax.tree.leaves($y), $y.replace(b=3), flax.serialization.to_state_dict($y), flax.serialization.from_state_dict($y, {'a': 5}), jax.jit(lambda s: s)($y), $x.apply_fn is $f)",
        "$x = $x.apply_gradients(grads={'w': jnp.ones(1)})",
        needs=("jax", "flax", "optax"),
    ),
    Case(
        "jax",
        "a network of flax, and an optimizer of optax with its state",
        _JAX
        + "import flax.linen as nn, optax\nclass $N(nn.Module):\n    width: int\n    @nn.compact\n    def __call__(self, v):\n        return nn.Dense(1)(nn.relu(nn.Dense(self.width)(v)))\n$x = $N(4)\n$p = $x.init(jax.random.key(0), jnp.ones((1, 3)))\n$o = optax.adam(0.1)\n$s = $o.init($p)\ndef $step(p, s):\n    g = jax.grad(lambda q: ($x.apply(q, jnp.ones((2, 3))) ** 2).sum())(p)\n    u, s = $o.update(g, s)\n    return optax.apply_updates(p, u), s\n$p, $s = $step($p, $s)",
        "print($x, $x.apply($p, jnp.ones((1, 3))), $s[0].count)",
        "$p, $s = $step($p, $s)",
        needs=("jax", "flax", "optax"),
    ),
    Case(
        "jax",
        "a network of flax.nnx of a cell, compiled",
        _JAX
        + "from flax import nnx\nclass $N(nnx.Module):\n    def __init__(self, rngs):\n        self.one = nnx.Linear(3, 2, rngs=rngs)\n        self.seen = nnx.Variable(jnp.zeros(()))\n    def __call__(self, v):\n        self.seen[...] += 1\n        return self.one(v)\n$x = $N(nnx.Rngs(0))\n@nnx.jit\ndef $f(m, v):\n    return m(v)\n_ = $f($x, jnp.ones((1, 3)))",
        "print($f($x, jnp.ones((1, 3))), $x.seen[...], len(jax.tree.leaves($x)), [jax.tree_util.keystr(k) for k, _ in jax.tree_util.tree_leaves_with_path($x)])",
        "$x.seen[...] = 7.0",
        needs=("jax", "flax"),
    ),
    Case(
        "jax",
        "a network of flax.nnx with state and its optimizer",
        _JAX
        + "from flax import nnx\nimport optax\n$r = nnx.Rngs(0)\n$x = nnx.Linear(3, 2, rngs=$r)\n$o = nnx.Optimizer($x, optax.sgd(0.1), wrt=nnx.Param)\n$k = $x.kernel",
        "print($x(jnp.ones((1, 3))), $k is $x.kernel, $o.step[...])",
        "$o.update($x, nnx.grad(lambda m: m(jnp.ones((1, 3))).sum())($x))",
        needs=("jax", "flax", "optax"),
    ),
    _torchvision(
        "transforms, and a composition with a function of a cell",
        "import torch\nfrom torchvision import transforms\nfrom torchvision.transforms import v2\n$n = 2\n$x = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5]), transforms.Lambda(lambda t: t * $n), v2.Resize((4, 4))])",
        "import numpy as np\nprint($x(np.ones((8, 8, 1), 'f4')).sum(), $x)",
        "$n = 5",
    ),
    _torchvision(
        "data sets: of images in a folder and of noise",
        "import os as _os\nfrom PIL import Image\nfrom torchvision import datasets, transforms\nfor _k in ('a', 'b'):\n    _os.makedirs(f'$d/{_k}', exist_ok=True); Image.new('RGB', (4, 4), 'red').save(f'$d/{_k}/1.png')\n$x = datasets.ImageFolder(_os.path.abspath('$d'), transforms.ToTensor())\n$y = datasets.FakeData(3, (1, 4, 4), 2, transforms.ToTensor())",
        "print($x.transform, $x[1][0].sum(), $x[1][1], $x.class_to_idx, len($y), $y[0][0].shape, $y[1][1])",
        "$x.transform = transforms.Compose([transforms.Pad(1), transforms.ToTensor()])",
    ),
    _torchvision(
        "a network with random weights, boxes and tensors with a meaning",
        "import torch, torchvision\nfrom torchvision import tv_tensors\n_ = torch.manual_seed(0)\n$x = torchvision.models.squeezenet1_0(num_classes=2).eval()\n$b = tv_tensors.BoundingBoxes([[0, 0, 2, 2]], format='XYXY', canvas_size=(4, 4))",
        "with torch.no_grad():\n    print($x(torch.ones(1, 3, 32, 32)), $b, $b.canvas_size, type($x).__name__)",
        "_ = $b.mul_(1); $b[0, 0] = 1",
    ),
    Case(
        "lightning",
        "a module of a cell, and a trainer after a fit",
        "import torch, lightning as L, logging as _l, warnings as _w\n_l.getLogger('lightning.pytorch').setLevel(_l.ERROR)\nclass $M(L.LightningModule):\n    def __init__(self):\n        super().__init__()\n        self.one = torch.nn.Linear(2, 1)\n    def training_step(self, batch, i):\n        return self.one(batch[0]).sum()\n    def configure_optimizers(self):\n        return torch.optim.Adam(self.parameters(), 0.1)\n$s = L.seed_everything(1, verbose=False)\n$x = $M()\n$d = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 2)), batch_size=2)\n$t = L.Trainer(max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, accelerator='cpu')\nwith _w.catch_warnings():\n    _w.simplefilter('ignore'); $t.fit($x, $d)",
        "print($x.one(torch.ones(1, 2)), $t.current_epoch, $t.global_step, $x.trainer is $t, $x.hparams)",
        "$t.fit_loop.max_epochs = 2; $t.fit($x, $d)",
        needs=("lightning",),
    ),
    _pyspark(
        "a session of Spark",
        "from pyspark.sql import SparkSession\n$x = {'s': SparkSession.builder.master('local[1]').appName('n').config('spark.ui.enabled', 'false').getOrCreate(), 'n': 1}",
        "print($x['n'])\nprint($x['s'].range(3).count())",
        outcome="placeholder",
        why="it lives in a Java process",
    ),
    _pyspark(
        "a frame of Spark, and a query",
        "from pyspark.sql import SparkSession\n$s = SparkSession.builder.master('local[1]').config('spark.ui.enabled', 'false').getOrCreate()\nfrom pyspark.sql import functions as F\n$x = {'f': $s.createDataFrame([(1, 'a'), (2, 'b')], ['i', 't']), 'c': F.col('i') + 1, 'b': $s.sparkContext.broadcast([1]), 'n': 1}",
        "print($x['n'])\nprint($x['f'].count())",
        outcome="placeholder",
        why="it is a plan in a Java process",
    ),
    _pyspark(
        "schemas, rows, and a function for columns",
        "from pyspark.sql import Row, types as T\nfrom pyspark.sql.functions import udf\n$n = 2\n$x = [T.StructType([T.StructField('a', T.LongType()), T.StructField('b', T.ArrayType(T.StringType()))]), Row(a=1, b='x'), T.DecimalType(5, 2)]\n$u = udf(lambda v: v * $n, T.LongType())",
        "print($x, $x[1].a, $x[0]['b'].dataType, $u.func(4), $u.returnType)",
        "$x[0].add('c', T.DateType()); $n = 5",
    ),
    _ray(
        "a remote function of a cell, and an actor's class",
        "import ray\n$n = 2\n@ray.remote\ndef $x(v):\n    return v * $n\n@ray.remote\nclass $A:\n    def __init__(self):\n        self.n = $n",
        "print($x._function(3), type($x).__name__, type($A).__name__)",
        "$n = 5",
    ),
    _ray(
        "a reference to an object, and an actor",
        "import ray\nray.init(num_cpus=1, include_dashboard=False, ignore_reinit_error=True, log_to_driver=False)\n$x = {'r': ray.put([1, 2]), 'n': 1}\n@ray.remote\nclass $A:\n    def get(self):\n        return 1\n$a = {'a': $A.remote(), 'n': 2}",
        "print($x['n'], $a['n'])\nprint(ray.get($x['r']))\nprint(ray.get($a['a'].get.remote()))",
        outcome="placeholder",
        why="it lives in processes that ended with the kernel",
    ),
]
