"""How estimators are put together: pipelines, unions, searches, own steps, and effects of other rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compiler.versions import (
    FixedThresholdClassifier,
    FrozenEstimator,
    TunedThresholdClassifierCV,
    calibration_of,
    k_bins,
)
from conformance import steps
from conformance.applicants import gaps, mixed, numbers, prepared, texts
from conformance.case import Built, Group
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it lets the next line be
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

GROUP = Group("compositions")
Data = Callable[[], tuple[Any, Any]]


def _add(subject: str, settings: str, make: Callable[[], Any], data: Data = numbers, **more: Any) -> None:
    def build() -> Built:
        X, y = data()
        return Built(make().fit(X, y), X)

    GROUP.add(subject, build, settings, **more)


def _logistic(*before: Any) -> Any:
    return make_pipeline(*before, LogisticRegression())


def _whole() -> tuple[Any, Any]:
    return mixed(missing=False)


NUMERIC = ["ingresos", "deuda", "uso", "edad", "moras"]
TEXT = ["empleo", "region", "vivienda"]
KBINS = k_bins(3)


def _pipelines() -> None:
    _add(
        "Pipeline", "passthrough first", lambda: Pipeline([("a", "passthrough"), ("b", LogisticRegression())])
    )
    _add(
        "Pipeline",
        "None within",
        lambda: Pipeline([("a", StandardScaler()), ("b", None), ("c", LogisticRegression())]),
    )
    _add(
        "Pipeline",
        "nested",
        lambda: _logistic(make_pipeline(make_pipeline(StandardScaler()), MinMaxScaler())),
    )
    _add("Pipeline", "pandas output", lambda: _logistic(StandardScaler().set_output(transform="pandas")))
    _add(
        "Pipeline",
        "memory",
        lambda: Pipeline([("a", StandardScaler()), ("b", LogisticRegression())], memory=None),
    )
    _add(
        "Pipeline",
        "transform_input",
        lambda: Pipeline([("s", StandardScaler()), ("c", LogisticRegression())], transform_input=None),
    )
    _add("Pipeline", "one step", lambda: make_pipeline(DecisionTreeClassifier(max_depth=3)))
    _add(
        "FunctionTransformer",
        "own, on frames",
        lambda: _logistic(FunctionTransformer(steps.with_ratio), StandardScaler()),
    )
    _add("FunctionTransformer", "own, forgets names", lambda: _logistic(FunctionTransformer(steps.as_array)))
    _add(
        "FunctionTransformer",
        "lower case",
        lambda: _logistic(FunctionTransformer(steps.lowered), OneHotEncoder(handle_unknown="ignore")),
        texts,
    )
    _add("FunctionTransformer", "lambda", lambda: _logistic(FunctionTransformer(lambda X: X * 1e-3)))
    GROUP.add("FunctionTransformer", _some_refused, "refuses some rows", expected="answer")
    _add(
        "Own transformer",
        "keeps no names",
        lambda: _logistic(steps.Clipper(), StandardScaler()),
        expected="answer",
    )
    _add("Own classifier", "one dimension", lambda: steps.OneDimensional(), expected="refused")
    _add("Own classifier", "wrapper", lambda: steps.Wrapper(LogisticRegression()), expected="answer")
    _add(
        "Own classifier",
        "wrapper in a pipeline",
        lambda: make_pipeline(prepared(), steps.Wrapper(LogisticRegression())),
        mixed,
    )


def _some_refused() -> Built:
    X, y = numbers()
    kept = X["deuda"] >= 200.0
    steps_ = (FunctionTransformer(steps.refuses_small), StandardScaler())
    return Built(_logistic(*steps_).fit(X[kept], y[kept]), X)


def _column_transformers() -> None:
    scaled = ("n", StandardScaler(), ["ingresos", "deuda"])
    encoded = ("t", OneHotEncoder(handle_unknown="ignore"), TEXT)

    def add(settings: str, parts: list[Any], data: Data = _whole, last: Any = None, **more: Any) -> None:
        def make() -> Any:
            return make_pipeline(ColumnTransformer(parts, **more), last or LogisticRegression())

        _add("ColumnTransformer", settings, make, data)

    add("remainder passthrough", [encoded], remainder="passthrough")
    add("remainder drop", [scaled, encoded])
    add("remainder an estimator", [encoded], remainder=StandardScaler())
    add("drop and passthrough", [("a", "drop", ["edad"]), ("b", "passthrough", ["moras"]), scaled])
    add("places", [("a", StandardScaler(), [0, 1]), ("b", "passthrough", slice(2, 4))])
    add("negative places", [("a", StandardScaler(), [-8, -7])])
    add("mask", [("a", StandardScaler(), [True, True] + [False] * 6), encoded])
    add("slice of names", [("a", StandardScaler(), slice("ingresos", "uso"))])
    add("function of the frame", [("a", StandardScaler(), steps.numeric_names)], mixed_numbers)
    add("one column twice", [scaled, ("b", KBINS, ["ingresos"]), encoded])
    add("weights", [scaled, encoded], transformer_weights={"n": 2.0, "t": 0.5})
    add("dense threshold", [scaled, encoded], sparse_threshold=0.0)
    add(
        "nested",
        [("c", ColumnTransformer([scaled, encoded]), ["ingresos", "deuda", *TEXT])],
        remainder="drop",
    )
    add(
        "pipeline of texts",
        [
            (
                "t",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(handle_unknown="ignore")
                ),
                TEXT,
            )
        ],
        mixed,
    )
    add(
        "most frequent text",
        [
            (
                "t",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"),
                    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ),
                TEXT,
            )
        ],
        mixed,
    )
    add("target encoder", [("t", TargetEncoder(), TEXT), scaled])
    add(
        "trees behind ordinals",
        [("t", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXT)],
        mixed,
        HistGradientBoostingClassifier(max_iter=15),
        remainder="passthrough",
    )
    add("text counts", [("t", CountVectorizer(), "region")])
    add("text weights", [("t", TfidfVectorizer(), "region")])
    add("text hashes", [("t", HashingVectorizer(n_features=16), "region")])


def mixed_numbers() -> tuple[Any, Any]:
    """Give numbers and texts without gaps."""
    return _whole()


def _unions() -> None:
    _add("FeatureUnion", "two", lambda: _logistic(make_union(StandardScaler(), KBINS)))
    _add(
        "FeatureUnion",
        "weights",
        lambda: _logistic(
            FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())], transformer_weights={"a": 2.0})
        ),
    )
    _add(
        "FeatureUnion",
        "drop and passthrough",
        lambda: _logistic(FeatureUnion([("a", "drop"), ("b", "passthrough"), ("c", MinMaxScaler())])),
    )
    _add(
        "FeatureUnion",
        "within columns",
        lambda: _logistic(
            make_column_transformer((make_union(StandardScaler(), PolynomialFeatures(2)), NUMERIC))
        ),
    )


def _around_models() -> None:
    model = lambda: make_pipeline(prepared(), LogisticRegression())  # noqa: E731 - short
    tree = lambda: make_pipeline(prepared(), DecisionTreeClassifier(max_depth=4, random_state=0))  # noqa: E731
    for method in ("sigmoid", "isotonic", "temperature"):
        _add(
            "CalibratedClassifierCV",
            f"around a pipeline, {method}",
            lambda m=method: CalibratedClassifierCV(model(), method=m, cv=3),
            mixed,
        )
        _add(
            "CalibratedClassifierCV",
            f"around trees, {method}",
            lambda m=method: CalibratedClassifierCV(tree(), method=m, cv=3),
            mixed,
        )
    _add(
        "CalibratedClassifierCV",
        "frozen",
        lambda: calibration_of(model().fit(*mixed())),
        mixed,
    )
    _add(
        "CalibratedClassifierCV",
        "one model",
        lambda: CalibratedClassifierCV(model(), ensemble=False, cv=3),
        mixed,
    )
    _add("FrozenEstimator", "pipeline", lambda: FrozenEstimator(model().fit(*mixed())), mixed)
    _add(
        "FrozenEstimator",
        "within a pipeline",
        lambda: _logistic(FrozenEstimator(StandardScaler().fit(numbers()[0]))),
    )
    members = [("a", model()), ("b", tree())]
    _add("VotingClassifier", "of pipelines", lambda: VotingClassifier(members, voting="soft"), mixed)
    _add(
        "VotingClassifier",
        "one dropped",
        lambda: VotingClassifier([*members, ("c", "drop")], voting="soft"),
        mixed,
    )
    _add("StackingClassifier", "of pipelines", lambda: StackingClassifier(members, cv=3), mixed)
    _add(
        "StackingClassifier",
        "trees on top",
        lambda: StackingClassifier(members, DecisionTreeClassifier(max_depth=3), cv=3),
        mixed,
    )
    grid = {"logisticregression__C": [0.1, 1.0]}
    _add("GridSearchCV", "pipeline", lambda: GridSearchCV(model(), grid, cv=2), mixed)
    _add(
        "GridSearchCV",
        "behind a preparation",
        lambda: make_pipeline(prepared(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)),
        mixed,
    )
    _add("RandomizedSearchCV", "pipeline", lambda: RandomizedSearchCV(model(), grid, n_iter=2, cv=2), mixed)
    _add(
        "HalvingGridSearchCV",
        "pipeline",
        lambda: HalvingGridSearchCV(model(), grid, cv=2, random_state=0),
        mixed,
    )
    _add(
        "HalvingRandomSearchCV",
        "pipeline",
        lambda: HalvingRandomSearchCV(model(), grid, cv=2, random_state=0, n_candidates=2),
        mixed,
    )
    for metric in ("balanced_accuracy", "f1", "neg_brier_score"):
        if metric != "neg_brier_score":
            _add(
                "TunedThresholdClassifierCV",
                metric,
                lambda m=metric: TunedThresholdClassifierCV(model(), scoring=m, cv=3),
                mixed,
            )
    _add(
        "TunedThresholdClassifierCV",
        "within a pipeline",
        lambda: make_pipeline(prepared(), TunedThresholdClassifierCV(LogisticRegression(), cv=3)),
        mixed,
    )
    _add("FixedThresholdClassifier", "0.25", lambda: FixedThresholdClassifier(model(), threshold=0.25), mixed)
    _add(
        "FixedThresholdClassifier",
        "within a search",
        lambda: GridSearchCV(FixedThresholdClassifier(model()), {"threshold": [0.2, 0.4]}, cv=2),
        mixed,
    )
    _add(
        "RandomForestClassifier",
        "missing values of its own",
        lambda: RandomForestClassifier(10, random_state=0),
        gaps,
    )


def _effects_of_other_rows() -> None:
    encode = [FunctionTransformer(steps.dummies)]
    _add("One-row effect", "get_dummies", lambda: _logistic(*encode), texts, expected="refused")
    _add(
        "One-row effect",
        "cat.codes",
        lambda: _logistic(FunctionTransformer(steps.codes)),
        texts,
        expected="refused",
    )
    _add("One-row effect", "ranks", lambda: _logistic(FunctionTransformer(steps.ranks)), expected="refused")
    _add(
        "One-row effect",
        "mean of the batch",
        lambda: _logistic(FunctionTransformer(steps.around_mean), StandardScaler()),
        expected="refused",
    )
    _add(
        "One-row effect",
        "median of the batch",
        lambda: _logistic(FunctionTransformer(steps.filled_by_median), StandardScaler()),
        gaps,
        expected="refused",
    )


_pipelines()
_column_transformers()
_unions()
_around_models()
_effects_of_other_rows()
