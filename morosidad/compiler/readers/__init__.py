"""The readers of fitted estimators; importing this package fills the registry."""

from morosidad.compiler.readers import (
    calibration,
    composition,
    encoders,
    ensembles,
    interpret_ebm,
    linear,
    naive_bayes,
    scalers,
    splines,
)
from morosidad.compiler.readers.dense import (
    classifiers,
    codings,
    imputers,
    kernels,
    neighbours,
    polynomials,
    projections,
    regressors,
)
from morosidad.compiler.readers.tables import (
    category_encoders,
    feature_engine,
    optbinning,
    sklearn_encoders,
    skrub,
)
from morosidad.compiler.readers.trees import catboost, lightgbm, sklearn_trees, xgboost

__all__ = [
    "calibration",
    "catboost",
    "category_encoders",
    "classifiers",
    "codings",
    "composition",
    "encoders",
    "ensembles",
    "feature_engine",
    "imputers",
    "interpret_ebm",
    "kernels",
    "lightgbm",
    "linear",
    "naive_bayes",
    "neighbours",
    "optbinning",
    "polynomials",
    "projections",
    "regressors",
    "scalers",
    "sklearn_encoders",
    "sklearn_trees",
    "skrub",
    "splines",
    "xgboost",
]
