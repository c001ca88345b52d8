"""Classifiers of LightGBM, XGBoost, CatBoost, interpret, imbalanced-learn, optbinning and skrub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from conformance.applicants import gaps, mixed, numbers, prepared, texts
from conformance.case import EXACT, SINGLE, Built, Group
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

Data = Callable[[], tuple[Any, Any]]

LIGHT = {"n_estimators": 15, "num_leaves": 7, "verbose": -1, "n_jobs": 1}
EXTREME = {"n_estimators": 15, "max_depth": 3, "n_jobs": 1}
CAT = {"iterations": 15, "depth": 3, "verbose": 0, "thread_count": 1, "allow_writing_files": False}


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _with_categories() -> tuple[Any, Any]:
    X, y = texts(missing=True)
    return X.astype("category").assign(uso=gaps()[0]["uso"], moras=numbers()[0]["moras"]), y


def _with_texts() -> tuple[Any, Any]:
    X, y = texts()
    return X.astype(object).assign(uso=gaps()[0]["uso"]), y


def _with_truths() -> tuple[Any, Any]:
    X, y = gaps()
    return X.assign(propia=X["edad"] > 40), y


def _marked() -> tuple[Any, Any]:
    X, y = gaps()
    return X.fillna(-999.0), y


def _single() -> tuple[Any, Any]:
    X, y = gaps()
    return X.astype("float32"), y


def _array() -> tuple[Any, Any]:
    X, y = gaps()
    return X.to_numpy(), y


def _words() -> tuple[Any, Any]:
    X, y = gaps()
    return X, np.where(y == 1, "malo", "bueno")


DATA: dict[str, Data] = {
    "array": _array,
    "categories": _with_categories,
    "float32": _single,
    "labels of text": _words,
    "truths": _with_truths,
}


def _add(
    group: Group, path: str, words: str, settings: Mapping[str, Any], data: Data = gaps, **more: Any
) -> None:
    """Add a classifier that is fitted on the data as it is."""

    def build() -> Built:
        X, y = data()
        return Built(_class(path)(**settings).fit(X, y), X)

    group.add(path.rpartition(".")[2], build, words, **more)


def _behind(
    group: Group, path: str, words: str, make: Callable[[Any], Any], data: Data = mixed, **more: Any
) -> None:
    """Add a classifier with something around it."""

    def build() -> Built:
        X, y = data()
        return Built(make(_class(path)).fit(X, y), X)

    group.add(path.rpartition(".")[2], build, words, **more)


def _one_hot(**settings: Any) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore", **settings)
    return make_column_transformer(
        (encoder, ["empleo", "region"]), remainder="passthrough", sparse_threshold=1.0
    )


def _sparse_data() -> tuple[Any, Any]:
    X, y = mixed()
    return X.drop(columns="vivienda"), y


def _boosters(group: Group, path: str, common: Mapping[str, Any], tolerance: float) -> None:
    """Add what is tried with each of the three boosters."""
    for words, data in DATA.items():
        if words != "categories":
            _add(
                group,
                path,
                words,
                common,
                data,
                tolerance=tolerance,
                positive="malo" if "text" in words else None,
            )
    _add(group, path, "gaps", common, tolerance=tolerance)
    _behind(
        group, path, "prepared", lambda kind: make_pipeline(prepared(), kind(**common)), tolerance=tolerance
    )
    _behind(
        group,
        path,
        "sparse encoder",
        lambda kind: make_pipeline(_one_hot(), kind(**common)),
        _sparse_data,
        tolerance=tolerance,
    )
    _behind(
        group,
        path,
        "isotonic behind it",
        lambda kind: CalibratedClassifierCV(kind(**common), method="isotonic", cv=3),
        gaps,
        tolerance=tolerance,
    )


def _lightgbm(group: Group) -> None:
    path = "lightgbm.LGBMClassifier"
    _boosters(group, path, LIGHT, EXACT)
    _add(group, path, "categories", LIGHT, _with_categories)
    settings: dict[str, Mapping[str, Any]] = {
        "dart": {"boosting_type": "dart"},
        "rf": {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
        "goss": {"data_sample_strategy": "goss"},
        "cross_entropy": {"objective": "cross_entropy"},
        "linear_tree": {"linear_tree": True},
        "zero_as_missing": {"zero_as_missing": True},
        "no missing": {"use_missing": False},
        "extra_trees": {"extra_trees": True, "reg_alpha": 0.1},
        "balanced": {"class_weight": "balanced", "min_child_samples": 5},
        "custom sigmoid": {"sigmoid": 2.0},
    }
    for words, some in settings.items():
        _add(group, path, words, {**LIGHT, **some})
    group.add("LGBMClassifier", _stopped_lightgbm, "stopped early")


def _stopped_lightgbm() -> Built:
    import lightgbm

    X, y = gaps()
    model = lightgbm.LGBMClassifier(**{**LIGHT, "n_estimators": 200})
    model.fit(
        X[:200], y[:200], eval_set=[(X[200:], y[200:])], callbacks=[lightgbm.early_stopping(3, verbose=False)]
    )
    return Built(model, X)


def _xgboost(group: Group) -> None:
    path = "xgboost.XGBClassifier"
    _boosters_but_text(group, path)
    settings: dict[str, Mapping[str, Any]] = {
        "dart": {"booster": "dart", "rate_drop": 0.2},
        "gblinear": {"booster": "gblinear"},
        "logitraw": {"objective": "binary:logitraw"},
        "hinge": {"objective": "binary:hinge"},
        "base_score": {"base_score": 0.2},
        "exact": {"tree_method": "exact"},
        "monotone": {"monotone_constraints": {"uso": 1}},
        "parallel trees": {"num_parallel_tree": 3, "subsample": 0.7},
        "float32 limits": {"max_bin": 8, "reg_lambda": 0.0},
    }
    for words, some in settings.items():
        _add(group, path, words, {**EXTREME, **some}, tolerance=SINGLE)
    softprob = {**EXTREME, "objective": "multi:softprob", "num_class": 2}  # its own predict gives no labels
    _behind(
        group,
        path,
        "softprob, calibrated",
        lambda kind: CalibratedClassifierCV(kind(**softprob), cv=2),
        gaps,
        tolerance=SINGLE,
    )
    categories = {**EXTREME, "enable_categorical": True}
    _add(group, path, "categories", categories, _with_categories, tolerance=SINGLE)
    _add(group, path, "missing=-999", {**EXTREME, "missing": -999.0}, _marked, tolerance=SINGLE)
    _add(group, path, "missing=0", {**EXTREME, "missing": 0.0}, numbers, tolerance=SINGLE)
    _add(group, "xgboost.XGBRFClassifier", "", EXTREME, tolerance=SINGLE)
    for words, after in (("stopped early", False), ("stopped early, refitted best_iteration", True)):
        group.add("XGBClassifier", lambda a=after: _stopped_xgboost(a), words, tolerance=SINGLE)


def _boosters_but_text(group: Group, path: str) -> None:
    """Add what is tried with each booster; XGBoost takes no labels of text."""
    kept = DATA.pop("labels of text")
    _boosters(group, path, EXTREME, SINGLE)
    DATA["labels of text"] = kept


def _stopped_xgboost(set_by_hand: bool) -> Built:
    import xgboost

    X, y = gaps()
    model = xgboost.XGBClassifier(
        **{**EXTREME, "n_estimators": 100}, early_stopping_rounds=None if set_by_hand else 3
    )
    model.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
    if set_by_hand:
        model.get_booster().set_attr(best_iteration="7")
    return Built(model, X)


def _catboost(group: Group) -> None:
    path = "catboost.CatBoostClassifier"
    _boosters(group, path, CAT, SINGLE)
    settings: dict[str, Mapping[str, Any]] = {
        "lossguide": {"grow_policy": "Lossguide", "max_leaves": 6},
        "depthwise": {"grow_policy": "Depthwise"},
        "cross entropy": {"loss_function": "CrossEntropy"},
        "nan_mode Max": {"nan_mode": "Max"},
        "class weights": {"auto_class_weights": "Balanced"},
        "plain": {"boosting_type": "Plain", "bootstrap_type": "No"},
    }
    for words, some in settings.items():
        _add(group, path, words, {**CAT, **some}, tolerance=SINGLE)
    names = ["empleo", "region", "vivienda"]
    _add(group, path, "texts as categories", {**CAT, "cat_features": names}, _with_texts, tolerance=SINGLE)
    few = {**CAT, "cat_features": names, "one_hot_max_size": 10}
    _add(group, path, "texts, one-hot", few, _with_texts, tolerance=SINGLE)
    _add(group, path, "integer categories", {**CAT, "cat_features": ["moras"]}, numbers, tolerance=SINGLE)
    group.add("CatBoostClassifier", _reordered_catboost, "reference in another order", tolerance=SINGLE)


def _reordered_catboost() -> Built:
    X, y = numbers()
    return Built(_class("catboost.CatBoostClassifier")(**CAT).fit(X, y), X[X.columns[::-1]])


def _interpret(group: Group) -> None:
    path = "interpret.glassbox.ExplainableBoostingClassifier"
    common = {"outer_bags": 2, "max_rounds": 20, "n_jobs": 1, "random_state": 0}
    _add(group, path, "gaps", common)
    _add(group, path, "no pairs", {**common, "interactions": 0})
    _add(group, path, "mixed", {**common, "interactions": 3}, mixed)
    _add(group, path, "array", common, _array)
    _add(group, path, "truths", common, _with_truths)
    _add(group, path, "float32", common, _single, tolerance=SINGLE)
    _add(group, path, "categories", common, _with_categories)
    _add(group, path, "labels of text", common, _words, positive="malo")
    _behind(
        group,
        path,
        "isotonic behind it",
        lambda kind: CalibratedClassifierCV(kind(**common), method="isotonic", cv=2),
        gaps,
    )
    _behind(group, path, "prepared", lambda kind: make_pipeline(prepared(), kind(**common)))
    _add(group, "interpret.glassbox.APLRClassifier", "", {}, numbers)
    _add(group, "interpret.glassbox.ClassificationTree", "", {}, numbers)
    _add(group, "interpret.glassbox.LogisticRegression", "", {}, numbers)


def _imblearn(group: Group) -> None:
    for name in (
        "BalancedRandomForestClassifier",
        "BalancedBaggingClassifier",
        "EasyEnsembleClassifier",
        "RUSBoostClassifier",
    ):
        _add(group, f"imblearn.ensemble.{name}", "", {"n_estimators": 5, "random_state": 0}, numbers)
    samplers = {
        "over_sampling": ("SMOTE", "RandomOverSampler", "ADASYN", "BorderlineSMOTE"),
        "under_sampling": ("RandomUnderSampler", "NearMiss", "TomekLinks"),
        "combine": ("SMOTEENN", "SMOTETomek"),
    }
    for module, names in samplers.items():
        for name in names:

            def build(module: str = module, name: str = name) -> Built:
                X, y = mixed()
                sampler = _class(f"imblearn.{module}.{name}")()
                steps = import_module("imblearn.pipeline").make_pipeline(
                    prepared(), sampler, LogisticRegression()
                )
                return Built(steps.fit(X, y), X)

            group.add(name, build, "imblearn pipeline", long=name != "SMOTE")


def _optbinning(group: Group) -> None:
    group.add("Scorecard", _scorecard, "optbinning")
    group.add("BinningProcess", lambda: _binned("woe"), "woe")
    group.add("BinningProcess", lambda: _binned("event_rate"), "event_rate")
    group.add("BinningProcess", lambda: _binned("woe", missing=True), "woe, gaps")


def _binned(metric: str, *, missing: bool = False) -> Built:
    from optbinning import BinningProcess

    X, y = mixed(missing=missing)
    X = X.astype({name: object for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])})
    kind = ["empleo", "region", "vivienda"]
    process = BinningProcess(list(X.columns), categorical_variables=kind)
    process.set_params()
    steps = make_pipeline(_with_metric(process, metric), LogisticRegression())
    return Built(steps.fit(X, y), X)


def _with_metric(process: Any, metric: str) -> Any:
    process.binning_transform_params = {name: {"metric": metric} for name in process.variable_names}
    return process


def _scorecard() -> Built:
    from optbinning import BinningProcess, Scorecard

    X, y = numbers()
    card = Scorecard(BinningProcess(list(X.columns)), LogisticRegression())
    return Built(card.fit(X, y), X)


def _skrub(group: Group) -> None:
    def tabular(model: Any) -> Callable[[], Built]:
        def build() -> Built:
            from skrub import tabular_pipeline

            X, y = mixed()
            return Built(tabular_pipeline(model).fit(X, y), X)

        return build

    slow = {"tolerance": SINGLE, "long": True}  # a row takes such a pipeline a tenth of a second
    group.add("tabular_pipeline", tabular("classification"), "skrub, boosting", **slow)
    group.add("tabular_pipeline", tabular(LogisticRegression()), "skrub, logistic", **slow)


def add_to(group: Group) -> None:
    """Add the cases of every library."""
    for library in (_lightgbm, _xgboost, _catboost, _interpret, _imblearn, _optbinning, _skrub):
        library(group)
