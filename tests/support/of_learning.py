"""Models: scikit-learn, xgboost, lightgbm, catboost, statsmodels and their like."""

from __future__ import annotations

from . import Case

_XY = "import numpy as np\n$X = np.random.default_rng(0).normal(size=(40, 3))\n$t = ($X[:, 0] > 0).astype(int)\n$r = $X @ [1.0, 2.0, 3.0]\n"


def _sklearn(name: str, make: str, check: str, mutate: str = "") -> Case:
    return Case("scikit-learn", name, _XY + make, check, mutate, needs=("sklearn",))


def _statsmodels(name: str, make: str, check: str, mutate: str = "") -> Case:
    head = _XY + "import pandas as pd, statsmodels.api as sm, statsmodels.formula.api as smf\n"
    return Case("statsmodels", name, head + make, check, mutate, needs=("statsmodels",))


def _fitted(name: str, imported: str, call: str, how: str = "predict($X)", target: str = "$t") -> Case:
    source = f"from {imported} import {call.partition('(')[0]}\n$x = {call}.fit($X, {target})"
    return _sklearn(name, source, f"print($x, np.round($x.{how}, 6)[:5])", f"_ = $x.fit($X[:30], {target}[:30])")


CASES = [
    _fitted("a linear model", "sklearn.linear_model", "LogisticRegression()", "predict_proba($X)"),
    _fitted("regressions", "sklearn.linear_model", "ElasticNetCV(cv=3)", target="$r"),
    _fitted("a random forest", "sklearn.ensemble", "RandomForestClassifier(5, random_state=0)", "predict_proba($X)"),
    _fitted("gradient boosting", "sklearn.ensemble", "HistGradientBoostingRegressor(max_iter=5)", target="$r"),
    _fitted("a tree", "sklearn.tree", "DecisionTreeClassifier(random_state=0)"),
    _fitted("a support vector machine", "sklearn.svm", "SVC(probability=False)", "decision_function($X)"),
    _fitted("nearest neighbours", "sklearn.neighbors", "KNeighborsClassifier(3)"),
    _fitted(
        "a neural network",
        "sklearn.neural_network",
        "MLPClassifier(4, max_iter=5, random_state=0)",
        "predict_proba($X)",
    ),
    _fitted("a Gaussian process", "sklearn.gaussian_process", "GaussianProcessRegressor()", target="$r"),
    _fitted("naive Bayes", "sklearn.naive_bayes", "GaussianNB()", "predict_proba($X)"),
    _fitted("kernel ridge", "sklearn.kernel_ridge", "KernelRidge(kernel='rbf')", target="$r"),
    _fitted("discriminant analysis", "sklearn.discriminant_analysis", "LinearDiscriminantAnalysis()"),
    _fitted("a dummy", "sklearn.dummy", "DummyClassifier()"),
    _fitted(
        "one against the rest",
        "sklearn.multiclass",
        "OneVsRestClassifier(LR())".replace("LR()", "__import__('sklearn.svm').svm.LinearSVC()"),
    ),
    _fitted("clusters", "sklearn.cluster", "KMeans(2, n_init=1, random_state=0)"),
    _fitted("a mixture", "sklearn.mixture", "GaussianMixture(2, random_state=0)"),
    _fitted("principal components", "sklearn.decomposition", "PCA(2)", "transform($X)"),
    _fitted(
        "a random projection",
        "sklearn.random_projection",
        "GaussianRandomProjection(2, random_state=0)",
        "transform($X)",
    ),
    _fitted("a manifold", "sklearn.manifold", "Isomap(n_components=2, n_neighbors=10)", "transform($X)"),
    _fitted("a feature selection", "sklearn.feature_selection", "SelectKBest(k=2)", "transform($X)"),
    _fitted("an imputer", "sklearn.impute", "SimpleImputer()", "transform($X)"),
    _fitted("a scaler", "sklearn.preprocessing", "StandardScaler()", "transform($X)"),
    _fitted("a spline basis", "sklearn.preprocessing", "SplineTransformer()", "transform($X)"),
    _sklearn(
        "hierarchical and density clusters",
        "from sklearn.cluster import AgglomerativeClustering, DBSCAN\n$x = [AgglomerativeClustering(2).fit($X), DBSCAN().fit($X)]",
        "print([m.labels_[:5] for m in $x])",
    ),
    _sklearn(
        "iterative and neighbour imputers",
        "from sklearn.experimental import enable_iterative_imputer\nfrom sklearn.impute import IterativeImputer, KNNImputer\n$x = [IterativeImputer(max_iter=2, random_state=0).fit($X), KNNImputer().fit($X)]",
        "print([np.round(m.transform([[1, np.nan, 2]]), 6) for m in $x])",
    ),
    _sklearn(
        "a vectorizer of text with a tokenizer of a cell",
        "from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer\ndef $f(s):\n    return s.lower().split()\n$x = TfidfVectorizer(tokenizer=$f, token_pattern=None)\n$m = $x.fit_transform(['a b', 'b c'])",
        "print($m.toarray(), sorted($x.vocabulary_.items()), $x.transform(['c a']).toarray())",
    ),
    _sklearn(
        "a pipeline with a column transformer and a function of a cell",
        """
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
$p = pd.DataFrame($X, columns=list("abc")).assign(k=np.where($t, "u", "v"))
$n = 2.0
def $f(v):
    return v * $n
$x = Pipeline([("c", ColumnTransformer([("s", StandardScaler(), ["a"]), ("o", OneHotEncoder(), ["k"]), ("f", FunctionTransformer($f), ["b"])])), ("m", Ridge())]).fit($p, $r)
$s = $x.named_steps["m"]
""".strip(),
        "print($x.score($p, $r), $x.predict($p)[:3], $s is $x['m'], $x.get_params()['m__alpha'])",
        "$n = 5.0",
    ),
    _sklearn(
        "a search with its results and a scorer",
        "from sklearn.model_selection import GridSearchCV, KFold\nfrom sklearn.metrics import make_scorer\nfrom sklearn.tree import DecisionTreeRegressor\ndef $f(a, b):\n    return -abs(a - b).sum()\n$x = GridSearchCV(DecisionTreeRegressor(random_state=0), {'max_depth': [1, 2]}, scoring=make_scorer($f), cv=KFold(3, shuffle=True, random_state=1)).fit($X, $r)",
        "print($x.best_params_, $x.cv_results_['mean_test_score'], $x.predict($X)[:3], $x.score($X, $r))",
        "_ = $x.fit($X, $r)",
    ),
    _sklearn(
        "a randomised search that draws from a generator",
        "from sklearn.model_selection import RandomizedSearchCV\nfrom scipy.stats import uniform\nfrom sklearn.linear_model import Ridge\n$g = np.random.RandomState(0)\n$x = RandomizedSearchCV(Ridge(), {'alpha': uniform(0, 1)}, n_iter=2, random_state=$g, cv=3).fit($X, $r)",
        "print($x.best_params_, $x.random_state is $g)",
        "_ = $x.fit($X, $r)",
    ),
    _sklearn(
        "an estimator and a transformer of cells",
        """
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
class $Most(ClassifierMixin, BaseEstimator):
    def __init__(self, bias=0):
        self.bias = bias

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.best_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.best_ + self.bias)

class $Twice(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * 2

from sklearn.pipeline import make_pipeline
$x = make_pipeline($Twice(), $Most(bias=0)).fit($X, $t)
""".strip(),
        "print($x.predict($X)[:3], $x.score($X, $t), type($x[1]) is $Most, clone($x[1]).get_params())",
        "_ = $x.set_params(**{list($x.named_steps)[1] + '__bias': 1})",
    ),
    _sklearn(
        "a voting and a stacking ensemble",
        "from sklearn.ensemble import StackingClassifier, VotingClassifier\nfrom sklearn.linear_model import LogisticRegression\nfrom sklearn.naive_bayes import GaussianNB\n$e = [('a', LogisticRegression()), ('b', GaussianNB())]\n$x = [VotingClassifier($e, voting='soft').fit($X, $t), StackingClassifier($e, cv=2).fit($X, $t)]",
        "print([np.round(m.predict_proba($X)[:2], 6) for m in $x])",
    ),
    _sklearn(
        "data sets and splits",
        "from sklearn.datasets import load_iris, make_blobs\nfrom sklearn.model_selection import train_test_split\n$x = load_iris(as_frame=True)\n$a, $b = train_test_split($x.frame, random_state=0)",
        "print($x.data.shape, $x.target_names, $a.head(), $b.target.sum(), sorted($x))",
        "$x.data.iloc[0, 0] = 0; $x.extra = 1",
    ),
    _sklearn(
        "cross-validation splitters under way",
        "from sklearn.model_selection import StratifiedKFold\n$x = StratifiedKFold(4, shuffle=True, random_state=np.random.RandomState(0))",
        "print([b.tolist() for _, b in $x.split($X, $t)])",
    ),
    _sklearn(
        "metrics: a confusion matrix drawn, and curves",
        "from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay\n$x = ConfusionMatrixDisplay.from_predictions($t, 1 - $t)",
        "print($x.confusion_matrix, $x.ax_.get_xlabel(), $x.figure_ is $x.ax_.figure)",
        "_ = $x.plot()",
    ),
    _sklearn(
        "a tree of neighbours and pairwise distances",
        "from sklearn.neighbors import BallTree, KDTree\nfrom sklearn.metrics.pairwise import rbf_kernel\n$x = [KDTree($X), BallTree($X)]\n$k = rbf_kernel($X)",
        "print([m.query($X[:2], 3)[1] for m in $x], $k[:2, :2])",
    ),
    _sklearn(
        "sklearn.utils: a bunch, tags, weights, samples and batches",
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.utils import Bunch, check_random_state, class_weight, gen_batches, get_tags, resample\n$n = [1]\n$g = check_random_state(3)\n$x = Bunch(a=$n, g=$g)\n$y = [get_tags(LogisticRegression()), class_weight.compute_class_weight('balanced', classes=np.array([0, 1]), y=$t), resample($X, n_samples=3, random_state=$g), gen_batches(10, 4)]",
        "print($x.a, $x.a is $n, $x.g is $g, sorted($x), $y[:3], list($y[3]), resample($X, n_samples=2, random_state=$g))",
        "$x.b = 2; $x['a'].append(3); print($n, $x.b)",
    ),
    Case(
        "xgboost",
        "an XGBClassifier",
        _XY + "import xgboost as xgb\n$x = xgb.XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1).fit($X, $t)",
        "print($x.predict_proba($X)[:3], $x.feature_importances_, $x.get_params()['max_depth'])",
        "_ = $x.fit($X[:30], $t[:30])",
        needs=("xgboost", "sklearn"),
    ),
    Case(
        "xgboost",
        "a regressor with an objective of a cell",
        _XY
        + "import xgboost as xgb\ndef $f(a, b):\n    return b - a, np.ones_like(a)\n$x = xgb.XGBRegressor(n_estimators=4, objective=$f, n_jobs=1).fit($X, $r)",
        "print($x.predict($X)[:3], $x.objective is $f)",
        needs=("xgboost", "sklearn"),
    ),
    Case(
        "xgboost",
        "a Booster, trained further",
        _XY
        + "import xgboost as xgb\n$x = xgb.train({'max_depth': 2, 'nthread': 1}, xgb.DMatrix($X, $r), 3)\n$x.set_attr(note='n')",
        "print($x.predict(xgb.DMatrix($X))[:3], $x.attributes(), $x.num_boosted_rounds())",
        "$x.update(xgb.DMatrix($X, $r), 3)",
        needs=("xgboost",),
    ),
    Case(
        "xgboost",
        "a DMatrix",
        _XY + "import xgboost as xgb\n$x = xgb.DMatrix($X, $t, weight=np.arange(40.0), feature_names=list('abc'))",
        "print($x.num_row(), $x.get_label()[:4], $x.get_weight()[:3], $x.feature_names, $x.get_data()[:2].toarray())",
        needs=("xgboost",),
    ),
    Case(
        "lightgbm",
        "an LGBMClassifier",
        _XY + "import lightgbm as lgb\n$x = lgb.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit($X, $t)",
        "print($x.predict_proba($X)[:3], $x.feature_importances_)",
        "_ = $x.fit($X[:30], $t[:30])",
        needs=("lightgbm", "sklearn"),
    ),
    Case(
        "lightgbm",
        "a Booster and its Dataset",
        _XY
        + "import lightgbm as lgb\n$d = lgb.Dataset($X, $r, free_raw_data=False)\n$x = lgb.train({'verbose': -1, 'num_threads': 1}, $d, 3)",
        "print($x.predict($X)[:3], $x.num_trees(), $d.num_data(), $d.get_label()[:3])",
        needs=("lightgbm",),
    ),
    Case(
        "lightgbm",
        "a Dataset not yet constructed",
        _XY + "import lightgbm as lgb\n$x = lgb.Dataset($X, $r, params={'verbose': -1})",
        "print(lgb.train({'verbose': -1, 'num_threads': 1}, $x, 2).predict($X)[:3])",
        needs=("lightgbm",),
    ),
    Case(
        "catboost",
        "a classifier and a pool",
        _XY
        + "import catboost\n$x = catboost.CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False, thread_count=1).fit($X, $t)\n$p = catboost.Pool($X, $t)",
        "print(np.round($x.predict_proba($X)[:3], 6), $p.shape, $p.get_label()[:3])",
        needs=("catboost",),
    ),
    _statsmodels(
        "ordinary least squares",
        "$x = sm.OLS($r + $t, sm.add_constant($X)).fit()",
        "print($x.params, $x.rsquared, $x.conf_int(), $x.predict(sm.add_constant($X))[:3], '\\n'.join(l for l in str($x.summary()).splitlines() if 'Date' not in l and 'Time' not in l))",
    ),
    _statsmodels(
        "a formula with a function of a cell",
        "$d = pd.DataFrame($X, columns=list('abc')).assign(r=$r)\n$k = 2\ndef $f(v):\n    return v * $k\n$m = smf.ols('r ~ $f(a) + b', $d)\n$x = $m.fit()",
        "print($x.params, $x.predict($d.head(3)), $x.model is $m)",
    ),
    _statsmodels(
        "a generalised linear model and a logit",
        "$x = [sm.GLM($t, $X, sm.families.Binomial()).fit(), sm.Logit($t, $X + np.random.default_rng(1).normal(size=$X.shape)).fit(disp=0)]",
        "print([m.params for m in $x], [m.aic for m in $x])",
    ),
    _statsmodels(
        "an ARIMA",
        "from statsmodels.tsa.arima.model import ARIMA\n$x = ARIMA(np.cumsum($r), order=(1, 1, 0)).fit()",
        "print(np.round($x.forecast(3), 3), np.round($x.params, 3))",
        "$x = $x.append([1.0, 2.0])",
    ),
    _statsmodels(
        "a mixed model and a kernel density",
        "$d = pd.DataFrame({'r': $r, 'a': $X[:, 0], 'g': np.arange(40) % 4})\n$x = smf.mixedlm('r ~ a', $d, groups='g').fit()\n$k = sm.nonparametric.KDEUnivariate($r); $k.fit()",
        "print(np.round($x.params, 3), $k.evaluate(0.0))",
    ),
    Case(
        "prophet",
        "a forecast",
        "import pandas as pd, prophet\n$x = prophet.Prophet(weekly_seasonality=False)\n$y = pd.DataFrame({'ds': pd.date_range('2024', periods=20), 'y': range(20)})",
        "print($x.growth, $x.history, $x.seasonalities)",
        "_ = $x.add_seasonality('m', 30, 2)",
        needs=("prophet",),
    ),
    Case(
        "prophet",
        "a fitted forecast",
        "import logging, pandas as pd, prophet\nlogging.getLogger('cmdstanpy').setLevel(logging.ERROR)\n$y = pd.DataFrame({'ds': pd.date_range('2024', periods=20), 'y': range(20)})\n$x = prophet.Prophet(weekly_seasonality=False, daily_seasonality=False, yearly_seasonality=False, uncertainty_samples=0)\n$y = $x.fit($y, seed=1).history",
        "$p = $x.predict($x.make_future_dataframe(3)); print($p['yhat'].round(3).tolist(), $x.history is $y, sorted($x.params))",
        "$x.changepoint_prior_scale = 0.1",
        needs=("prophet",),
    ),
    Case(
        "optuna",
        "a study with trials and a sampler",
        "import optuna\noptuna.logging.set_verbosity(optuna.logging.ERROR)\ndef $f(t):\n    return (t.suggest_float('a', 0, 1) - $n) ** 2\n$n = 0.5\n$x = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1), study_name='s')\n$x.optimize($f, 4)",
        "print($x.best_params, len($x.trials), $x.study_name)",
        "$x.optimize($f, 4)",
        needs=("optuna",),
    ),
    Case(
        "lmfit",
        "parameters, a model and its fit",
        "import lmfit, numpy as np\ndef $f(x, a, b):\n    return a * x + b\n$m = lmfit.Model($f)\n$p = lmfit.Parameters(); $p.add('a', 1, min=0); $p.add('b', expr='2 * a')\n$x = $m.fit(np.arange(5.0) * 2 + 1, x=np.arange(5.0), a=1, b=0)",
        "print($p, $p['b'].value, round($x.best_values['a'], 6), np.round($x.eval(x=np.array([10.0])), 6))",
        "$p['a'].value = 3",
        needs=("lmfit",),
    ),
]
