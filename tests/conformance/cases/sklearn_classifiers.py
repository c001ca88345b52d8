"""Every classifier of scikit-learn that has `predict_proba`, with its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compiler.versions import k_bins
from conformance.applicants import mixed, numbers, prepared
from conformance.case import Built, Group, written

GROUP = Group("sklearn classifiers")
Settings = Mapping[str, Any]

MULTILABEL = {"ClassifierChain", "MultiOutputClassifier"}
"""They answer about several labels at once; they are tried with one."""

POSITIVE_ONLY = {"ComplementNB", "MultinomialNB"}
WHOLE_NUMBERS = {"CategoricalNB"}
SCALED = {"LabelPropagation", "LabelSpreading", "NuSVC", "SVC"}
"""They take long or for ever, or answer no row, where columns are of different sizes."""


def _meta() -> dict[str, list[Settings]]:
    """Give the settings of those that take other estimators."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.tree import DecisionTreeClassifier

    logistic, bayes, tree = LogisticRegression(), GaussianNB(), DecisionTreeClassifier(max_depth=3)
    members = [("logistic", logistic), ("bayes", bayes), ("tree", tree)]
    return {
        "AdaBoostClassifier": [{}, {"estimator": tree, "n_estimators": 10}],
        "BaggingClassifier": [{}, {"estimator": logistic}, {"max_features": 0.5, "bootstrap": False}],
        "CalibratedClassifierCV": [
            {"estimator": bayes, "method": "sigmoid"},
            {"estimator": bayes, "method": "isotonic"},
            {"estimator": logistic, "method": "temperature"},
            {"estimator": tree, "method": "isotonic", "ensemble": False},
            {},
        ],
        "ClassifierChain": [{"estimator": logistic}],
        "FixedThresholdClassifier": [
            {"estimator": logistic, "threshold": 0.3},
            {"estimator": logistic, "threshold": 0.0, "response_method": "decision_function"},
            {"estimator": logistic, "threshold": 0.7, "pos_label": 0},
        ],
        "MultiOutputClassifier": [{"estimator": logistic}],
        "OneVsRestClassifier": [{"estimator": logistic}],
        "SelfTrainingClassifier": [{"estimator": logistic}],
        "StackingClassifier": [{"estimators": members}, {"estimators": members, "passthrough": True}],
        "TunedThresholdClassifierCV": [{"estimator": logistic}, {"estimator": logistic, "scoring": "f1"}],
        "VotingClassifier": [
            {"estimators": members, "voting": "soft"},
            {"estimators": members, "voting": "soft", "weights": [1, 2, 3]},
            {"estimators": members, "voting": "hard"},
        ],
    }


def _plain() -> dict[str, list[Settings]]:
    """Give the settings of the others where the defaults are not enough."""
    return {
        "DecisionTreeClassifier": [{}, {"max_depth": 4}, {"criterion": "entropy", "ccp_alpha": 0.01}],
        "DummyClassifier": [
            {"strategy": "prior"},
            {"strategy": "most_frequent"},
            {"strategy": "constant", "constant": 1},
        ],
        "ExtraTreesClassifier": [{"n_estimators": 10}, {"n_estimators": 10, "max_depth": 4}],
        "GradientBoostingClassifier": [
            {"n_estimators": 20},
            {"n_estimators": 20, "loss": "exponential"},
            {"n_estimators": 20, "init": "zero", "subsample": 0.7},
        ],
        "HistGradientBoostingClassifier": [
            {"max_iter": 20},
            {"max_iter": 20, "monotonic_cst": {"uso": 1}},
            {"max_iter": 30, "early_stopping": True, "interaction_cst": "no_interactions"},
        ],
        "KNeighborsClassifier": [{}, {"weights": "distance"}, {"n_neighbors": 1, "metric": "manhattan"}],
        "LinearDiscriminantAnalysis": [
            {},
            {"solver": "lsqr", "shrinkage": "auto"},
            {"solver": "eigen", "shrinkage": 0.1},
        ],
        "LogisticRegression": [
            {},
            {"C": 0.01, "fit_intercept": False},
            {"l1_ratio": 1.0, "solver": "liblinear"},
            {"class_weight": "balanced", "solver": "newton-cholesky"},
        ],
        "LogisticRegressionCV": [{"Cs": 3, "cv": 3}],
        "MLPClassifier": [
            {"hidden_layer_sizes": (8,), "max_iter": 50},
            {"hidden_layer_sizes": (8, 4), "activation": "tanh", "max_iter": 50},
            {"hidden_layer_sizes": (4,), "activation": "logistic", "max_iter": 50},
        ],
        "NearestCentroid": [{}, {"shrink_threshold": 0.2}, {"priors": [0.4, 0.6]}],
        "NuSVC": [{"probability": True, "nu": 0.3}],
        "QuadraticDiscriminantAnalysis": [{"reg_param": 0.1}],
        "RadiusNeighborsClassifier": [{"radius": 1e6}, {"radius": 2.0}],
        "RandomForestClassifier": [
            {"n_estimators": 10},
            {"n_estimators": 10, "max_depth": 4, "class_weight": "balanced"},
        ],
        "SGDClassifier": [{"loss": "log_loss"}, {"loss": "modified_huber"}],
        "SVC": [{"probability": True}, {"probability": True, "kernel": "linear"}],
    }


def _with_seed(kind: Any, settings: Settings) -> Any:
    seeded = {"random_state": 0, **settings}
    return kind(**(seeded if "random_state" in kind().get_params() else settings))


def _made(kind: Any, settings: Settings) -> Any:
    try:
        return _with_seed(kind, settings)
    except TypeError:  # it can't be made without settings
        return kind(**settings)


def _answer(name: str, y: Any) -> Any:
    return y.reshape(-1, 1) if name in MULTILABEL else y


def _bare(name: str, kind: Any, settings: Settings) -> Built:
    """Fit it on numbers, alone."""
    X, y = numbers()
    if name in WHOLE_NUMBERS:
        X = X[["moras"]].assign(grupo=X["edad"] // 10)
    if name in SCALED:
        X = (X - X.mean()) / X.std()
    return Built(_made(kind, settings).fit(X, _answer(name, y)), X)


def _prepared(name: str, kind: Any, settings: Settings) -> Built:
    """Fit it behind the usual preparation."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    X, y = mixed()
    between: list[Any] = []
    if name in POSITIVE_ONLY:
        between = [MinMaxScaler(clip=True)]
    if name in WHOLE_NUMBERS:
        bins = k_bins(3, encode="ordinal")
        between = [bins]
    settings = {key: value for key, value in settings.items() if key != "monotonic_cst"}
    steps = [prepared(), *between, _made(kind, settings)]
    return Built(make_pipeline(*steps).fit(X, _answer(name, y)), X)


def classifiers() -> Iterator[tuple[str, Any, Sequence[Settings]]]:
    """Give every classifier with `predict_proba`, and the settings to try."""
    from sklearn.utils import all_estimators

    known = _plain() | _meta()
    for name, kind in all_estimators("classifier"):
        if hasattr(kind, "predict_proba"):
            yield name, kind, known.get(name, [{}])


def _add_all() -> None:
    for name, kind, chosen in classifiers():
        for place, settings in enumerate(chosen):
            words = written(settings)

            def bare(name: str = name, kind: Any = kind, settings: Settings = settings) -> Built:
                return _bare(name, kind, settings)

            def behind(name: str = name, kind: Any = kind, settings: Settings = settings) -> Built:
                return _prepared(name, kind, settings)

            GROUP.add(name, bare, f"{words}; alone" if words else "alone", long=place > 1)
            GROUP.add(name, behind, f"{words}; prepared" if words else "prepared", long=place > 0)


_add_all()
