"""Every transformer of scikit-learn that has `transform`, in front of a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from conformance.applicants import gaps, numbers, texts
from conformance.case import Built, Group, written

GROUP = Group("sklearn transformers")
Settings = Mapping[str, Any]

LEFT_OUT = {
    "CCA": "gives pairs, which no pipeline takes",
    "PLSCanonical": "gives pairs, which no pipeline takes",
    "PLSRegression": "gives pairs, which no pipeline takes",
    "PLSSVD": "gives pairs, which no pipeline takes",
    "ColumnTransformer": "among the compositions",
    "FeatureUnion": "among the compositions",
    "DictVectorizer": "takes dictionaries and no columns",
    "FeatureHasher": "takes dictionaries and no columns",
    "HashingVectorizer": "takes one column of text; among the compositions",
    "IsotonicRegression": "takes one array and no columns",
    "KernelCenterer": "takes a matrix of kernels and no columns",
    "LabelBinarizer": "takes labels and no columns",
    "LabelEncoder": "takes labels and no columns",
    "MultiLabelBinarizer": "takes labels and no columns",
    "PatchExtractor": "takes pictures",
    "TSNE": "has no transform",
    "VotingClassifier": "among the classifiers",
    "StackingClassifier": "among the classifiers",
}

GAPS = {
    "IterativeImputer": [{"max_iter": 3, "random_state": 0}],
    "KNNImputer": [{}, {"weights": "distance", "add_indicator": True}],
    "MaxAbsScaler": [{}, {"clip": True}],
    "MinMaxScaler": [{}, {"feature_range": (-1, 1), "clip": True}],
    "MissingIndicator": [{}, {"features": "all"}],
    "PowerTransformer": [{}, {"method": "box-cox"}, {"standardize": False}],
    "QuantileTransformer": [
        {"n_quantiles": 50},
        {"n_quantiles": 50, "output_distribution": "normal"},
        {"n_quantiles": 300, "subsample": None},
    ],
    "RobustScaler": [{}, {"quantile_range": (10.0, 90.0), "unit_variance": True}, {"with_centering": False}],
    "SimpleImputer": [
        {},
        {"strategy": "median", "add_indicator": True},
        {"strategy": "most_frequent"},
        {"strategy": "constant", "fill_value": -1.0},
    ],
    "SplineTransformer": [],
    "StandardScaler": [{}, {"with_mean": False}, {"with_std": False}],
    "VarianceThreshold": [{}],
}
"""Those that let missing values pass, or fill them."""

TEXTS = {
    "OneHotEncoder": [
        {"handle_unknown": "ignore"},
        {"drop": "first"},
        {"drop": "if_binary", "handle_unknown": "ignore"},
        {"min_frequency": 20, "handle_unknown": "infrequent_if_exist"},
        {"handle_unknown": "ignore", "sparse_output": False, "max_categories": 3},
    ],
    "OrdinalEncoder": [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -2},
        {"min_frequency": 20, "encoded_missing_value": -2},
    ],
    "TargetEncoder": [{}, {"smooth": 10.0}],
}


def _numbers() -> dict[str, list[Settings]]:
    """Give the settings of those that take numbers without gaps."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    logistic, tree = LogisticRegression(), DecisionTreeClassifier(max_depth=3)
    members = [("tree", DecisionTreeRegressor(max_depth=3))]
    return {
        "Binarizer": [{"threshold": 500.0}],
        "Birch": [{"n_clusters": 3}],
        "BisectingKMeans": [{"n_clusters": 3}],
        "FunctionTransformer": [{}, {"func": np.log1p}, {"func": np.sqrt}, {"func": np.cbrt}],
        "GenericUnivariateSelect": [{"mode": "k_best", "param": 3}],
        "KBinsDiscretizer": [
            {"n_bins": 4, "quantile_method": "averaged_inverted_cdf"},
            {"n_bins": 4, "strategy": "uniform", "encode": "ordinal"},
            {"n_bins": 3, "strategy": "kmeans", "encode": "onehot-dense"},
        ],
        "KMeans": [{"n_clusters": 3}],
        "KernelPCA": [{"n_components": 2, "kernel": "rbf"}],
        "LatentDirichletAllocation": [{"n_components": 2, "max_iter": 3}],
        "MiniBatchDictionaryLearning": [{"n_components": 3, "max_iter": 5}],
        "DictionaryLearning": [{"n_components": 3, "max_iter": 5}],
        "Nystroem": [{"n_components": 10}],
        "Normalizer": [{}, {"norm": "l1"}, {"norm": "max"}],
        "PCA": [{"n_components": 3}, {"n_components": 2, "whiten": True}],
        "PolynomialFeatures": [{}, {"degree": 3, "interaction_only": True}, {"include_bias": False}],
        "RadiusNeighborsTransformer": [{"radius": 2.0}],
        "RandomTreesEmbedding": [{"n_estimators": 5, "max_depth": 3}],
        "GaussianRandomProjection": [{"n_components": 3}],
        "SparseRandomProjection": [{"n_components": 3}],
        "RFE": [{"estimator": logistic, "n_features_to_select": 3}],
        "RFECV": [{"estimator": logistic, "cv": 3}],
        "SelectFromModel": [{"estimator": tree}],
        "SelectKBest": [{"k": 3}],
        "SequentialFeatureSelector": [{"estimator": logistic, "n_features_to_select": 2, "cv": 2}],
        "SparseCoder": [{"dictionary": np.eye(5)}],
        "SplineTransformer": [
            {},
            {"degree": 2, "n_knots": 4, "extrapolation": "linear"},
            {"extrapolation": "continue", "include_bias": False},
            {"extrapolation": "periodic"},
        ],
        "StackingRegressor": [{"estimators": members}],
        "VotingRegressor": [{"estimators": members}],
        "TruncatedSVD": [{"n_components": 2}],
    }


BETWEEN_0_AND_1 = {
    "AdditiveChi2Sampler",
    "BernoulliRBM",
    "LatentDirichletAllocation",
    "MiniBatchNMF",
    "NMF",
    "SkewedChi2Sampler",
    "TfidfTransformer",
}
NOT_SCALED = {"Binarizer", "FunctionTransformer", "KBinsDiscretizer", "Normalizer", "PolynomialFeatures"}


def _made(kind: Any, settings: Settings) -> Any:
    try:
        return kind(**{"random_state": 0, **settings})
    except TypeError:
        return kind(**settings)


def _behind_gaps(kind: Any, settings: Settings) -> Built:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    X, y = gaps()
    if settings.get("method") == "box-cox":
        X = X[["ingresos", "deuda", "edad"]]
    return Built(make_pipeline(_made(kind, settings), SimpleImputer(), LogisticRegression()).fit(X, y), X)


def _behind_texts(kind: Any, settings: Settings) -> Built:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    X, y = texts(missing=bool(settings) and "drop" not in settings)
    return Built(make_pipeline(_made(kind, settings), LogisticRegression()).fit(X, y), X)


def _behind_numbers(name: str, kind: Any, settings: Settings) -> Built:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    X, y = numbers()
    scaler: Any = MinMaxScaler(clip=True) if name in BETWEEN_0_AND_1 else StandardScaler()
    first = [] if name in NOT_SCALED else [scaler]
    return Built(make_pipeline(*first, _made(kind, settings), LogisticRegression()).fit(X, y), X)


def transformers() -> Iterator[tuple[str, Any, str, Sequence[Settings]]]:
    """Give every transformer, what it takes, and the settings to try."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - else it is not among them
    from sklearn.utils import all_estimators

    known = _numbers()
    for name, kind in all_estimators("transformer"):
        if name in LEFT_OUT:
            continue
        if name in GAPS and name not in known:
            yield name, kind, "gaps", GAPS[name]
        elif name in TEXTS:
            yield name, kind, "texts", TEXTS[name]
        else:
            yield name, kind, "numbers", known.get(name, [{}])


def _add_all() -> None:
    for name, kind, takes, chosen in transformers():
        for settings in chosen:

            def build(
                name: str = name, kind: Any = kind, takes: str = takes, settings: Settings = settings
            ) -> Built:
                if takes == "gaps":
                    return _behind_gaps(kind, settings)
                return (
                    _behind_texts(kind, settings)
                    if takes == "texts"
                    else _behind_numbers(name, kind, settings)
                )

            GROUP.add(name, build, written(settings))


_add_all()
