"""The 20-cell notebook on which automatic saving is compared: (label, code) per cell, and a closing check.

A 200 MB array, a frame of a million rows, notebook functions and classes, aliases, a view, a fitted model and
containers of many small objects. `BIG_N` in the environment scales the array (float64 elements, default 25 million).
"""

import os

BIG_N = int(os.environ.get("BIG_N", "25000000"))

CELLS = [
    ("imports", "import numpy as np, pandas as pd, math"),
    ("big array", f"arr = np.random.default_rng(0).random({BIG_N})"),
    ("scalar", "x = 1"),
    ("nested dict", "cfg = {'a': 1, 'b': [1, 2, 3]}"),
    (
        "frame 1M x 6",
        (
            "df = pd.DataFrame(np.random.default_rng(1).random((1_000_000, 5)), columns=list('abcde'))\n"
            "df['s'] = np.random.default_rng(2).integers(0, 50, 1_000_000).astype(str)"
        ),
    ),
    ("function with a global", "def f(k):\n    return cfg['a'] + k"),
    (
        "class",
        (
            "class Point:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n"
            "    def norm(self):\n        return math.hypot(self.x, self.y)"
        ),
    ),
    ("aliases", "p = Point(3, 4); lst = [p, p]; d = {'p': p}"),
    ("read frame", "g = df.groupby('s')['a'].mean()"),
    ("add column", "df['z'] = df['a'] * 2"),
    ("read array", "m = arr.mean()"),
    ("touch nothing", "1 + 1"),
    ("print", "print('hello')"),
    ("one element in place", "arr[0] = 42.0"),
    ("view", "view = arr[:10]"),
    (
        "fit",
        (
            "from sklearn.linear_model import LinearRegression\n"
            "model = LinearRegression().fit(df[['a', 'b']].values[:10000], df['c'].values[:10000])"
        ),
    ),
    ("list of ints", "nums = list(range(100_000))"),
    ("list of tuples", "tup = [(i, str(i)) for i in range(300_000)]"),
    ("rebind scalar", "x = x + 1"),
    ("change dict in place", "cfg['a'] = 100"),
]

CHECK = (
    "print(float(arr[0]), arr.shape, x, cfg, df.shape, 'z' in df.columns, f(1), p.norm(), lst[0] is lst[1], "
    "lst[0] is p, d['p'] is p, round(float(model.coef_[0]), 6), len(nums), len(tup), np.shares_memory(view, arr))"
)
