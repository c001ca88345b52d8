"""Readers of feature_engine: tables are asked for, arithmetic of one number is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Binary, Operator
from morosidad.compiler.nodes.expressions import Arith, Clip
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.dense.regressors import leaf_values
from morosidad.compiler.readers.tables.asking import asked
from morosidad.compiler.readers.tables.holdings import held_by_column
from morosidad.compiler.registry import Compiler, NotCompilable, compiles

TABLES = (
    "AddMissingIndicator",
    "ArbitraryDiscretiser",
    "ArbitraryNumberImputer",
    "CategoricalImputer",
    "CountFrequencyEncoder",
    "DecisionTreeDiscretiser",
    "DecisionTreeEncoder",
    "DropConstantFeatures",
    "DropCorrelatedFeatures",
    "DropDuplicateFeatures",
    "DropFeatures",
    "DropHighPSIFeatures",
    "EndTailImputer",
    "EqualFrequencyDiscretiser",
    "EqualWidthDiscretiser",
    "GeometricWidthDiscretiser",
    "MatchCategories",
    "MatchVariables",
    "MeanEncoder",
    "MeanMedianImputer",
    "MRMR",
    "OneHotEncoder",
    "OrdinalEncoder",
    "ProbeFeatureSelection",
    "RareLabelEncoder",
    "RecursiveFeatureAddition",
    "RecursiveFeatureElimination",
    "SelectByInformationValue",
    "SelectByShuffling",
    "SelectBySingleFeaturePerformance",
    "SelectByTargetMeanPerformance",
    "SmartCorrelatedSelection",
    "WoEEncoder",
)


@compiles(*(f"feature_engine.{name}" for name in TABLES))
def table(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile what each value becomes, asked of the fitted transformer."""
    names = list(estimator.feature_names_in_)
    return asked(estimator.transform, columns, compiler, held_by_column(estimator, names), names)


# -- one number ------------------------------------------------------------------------------------

Change = Callable[[Expr, Any], Expr]


def _changed(
    estimator: Any,
    columns: Sequence[Expr],
    compiler: Compiler,
    change: Change,
    *,
    takes_missing: bool = False,
) -> list[Expr]:
    """Give the columns with the chosen ones changed, each by a function of itself and its name."""
    chosen = set(estimator.variables_)
    out: list[Expr] = []
    for column, name in zip(columns, estimator.feature_names_in_, strict=True):
        if name in chosen and not takes_missing:
            compiler.require(column)
        out.append(change(column, name) if name in chosen else column)
    return out


@compiles("feature_engine.ArbitraryOutlierCapper", "feature_engine.Winsorizer")
def capper(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile numbers that are held between caps."""
    if getattr(estimator, "add_indicators", False):
        raise NotCompilable("Winsorizer(add_indicators=True) has no compiled form")
    low, high = estimator.left_tail_caps_, estimator.right_tail_caps_

    def change(column: Expr, name: Any) -> Expr:
        held = Clip(column, float(low.get(name, -np.inf)), float(high.get(name, np.inf)))
        return fold_constants(held)

    ignores = estimator.missing_values == "ignore"
    return _changed(estimator, columns, compiler, change, takes_missing=ignores)


@compiles("feature_engine.MathFeatures")
def aggregates(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile sums, means, least and largest of some numbers, behind all columns."""
    names = list(estimator.feature_names_in_)
    chosen = [columns[names.index(name)] for name in estimator.variables]
    compiler.require(*chosen)
    functions = [estimator.func] if isinstance(estimator.func, str) else list(estimator.func)
    found = [] if estimator.drop_original else list(columns)
    if estimator.drop_original:
        kept = zip(columns, names, strict=True)
        found = [column for column, name in kept if name not in estimator.variables]
    return [*found, *(_aggregate(function, chosen) for function in functions)]


def _aggregate(function: Any, columns: Sequence[Expr]) -> Expr:
    if function not in _AGGREGATES:
        raise NotCompilable(f"MathFeatures(func={function!r}) has no compiled form")
    whole = reduce(partial(Binary, _AGGREGATES[function]), columns)
    return Arith(whole, "/", float(len(columns))) if function == "mean" else whole


_AGGREGATES: dict[Any, Operator] = {
    "sum": "+",
    "mean": "+",
    "prod": "*",
    "min": "minimum",
    "max": "maximum",
}


@compiles("feature_engine.DecisionTreeFeatures")
def tree_features(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile what trees of some columns predict, behind all columns."""
    if not estimator.regression and estimator._is_binary != "binary":
        raise NotCompilable("DecisionTreeFeatures of more than two classes has no compiled form")
    names = list(estimator.feature_names_in_)
    made: list[Expr] = []
    for features, search in zip(estimator.input_features_, estimator.estimators_, strict=True):
        taken = [features] if isinstance(features, str) else list(features)
        tree = getattr(search, "best_estimator_", search).tree_
        values = tree.value[:, 0, 0 if estimator.regression else 1]
        if estimator.precision is not None:
            values = np.round(values, estimator.precision)
        made.append(leaf_values(tree, values, [columns[names.index(name)] for name in taken], compiler))
    compiler.require(*(columns[names.index(name)] for name in estimator.variables_))
    dropped = set(estimator.variables_) if estimator.drop_original else set()
    return [*(column for column, name in zip(columns, names, strict=True) if name not in dropped), *made]


@compiles("feature_engine.LogTransformer")
def log(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the logarithm of each chosen number."""

    def change(column: Expr, name: Any) -> Expr:
        return _log(column, estimator.base, compiler)

    return _changed(estimator, columns, compiler, change)


@compiles("feature_engine.LogCpTransformer")
def log_of_sum(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the logarithm of each chosen number and a constant."""
    constants = estimator.C_

    def change(column: Expr, name: Any) -> Expr:
        constant = float(constants[name] if hasattr(constants, "__getitem__") else constants)
        compiler.above(column, -constant, strictly=True)
        return fold_constants(Function(fold_constants(Arith(column, "+", constant)), _LOGS[estimator.base]))

    return _changed(estimator, columns, compiler, change)


_LOGS = {"e": "log", "10": "log10"}


def _log(column: Expr, base: str, compiler: Compiler) -> Expr:
    compiler.above(column, 0.0, strictly=True)
    return fold_constants(Function(column, _LOGS[base]))


@compiles("feature_engine.BoxCoxTransformer", "feature_engine.YeoJohnsonTransformer")
def power_of_column(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the Box-Cox or Yeo-Johnson power of each chosen number."""
    box_cox = type(estimator).__name__ == "BoxCoxTransformer"

    def change(column: Expr, name: Any) -> Expr:
        if box_cox:
            compiler.above(column, 0.0, strictly=True)
        power = float(estimator.lambda_dict_[name])
        return fold_constants(Function(column, "box_cox" if box_cox else "yeo_johnson", (power,)))

    return _changed(estimator, columns, compiler, change)


@compiles("feature_engine.PowerTransformer")
def square_root(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile square roots and squares."""
    name_of = {0.5: "sqrt", 2: "square"}.get(estimator.exp)
    if name_of is None:
        raise NotCompilable(f"PowerTransformer(exp={estimator.exp!r}) has no compiled form")

    def change(column: Expr, name: Any) -> Expr:
        if name_of == "sqrt":
            compiler.above(column, 0.0, strictly=False)
        return fold_constants(Function(column, name_of))

    return _changed(estimator, columns, compiler, change)


@compiles("feature_engine.ArcSinhTransformer")
def arc_sinh(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the inverse hyperbolic sine of each chosen number, moved and scaled."""

    def change(column: Expr, name: Any) -> Expr:
        moved = fold_constants(Arith(column, "-", float(estimator.loc)))
        return fold_constants(Function(fold_constants(Arith(moved, "/", float(estimator.scale))), "arcsinh"))

    return _changed(estimator, columns, compiler, change)


@compiles("feature_engine.MeanNormalizationScaler")
def mean_normalization(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - mean) / range``."""

    def change(column: Expr, name: Any) -> Expr:
        moved = fold_constants(Arith(column, "-", float(estimator.mean_[name])))
        return fold_constants(Arith(moved, "/", float(estimator.range_[name])))

    return _changed(estimator, columns, compiler, change)


@compiles("feature_engine.SklearnTransformerWrapper")
def wrapper(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile scikit-learn's transformer over the chosen columns."""
    names, chosen = list(estimator.feature_names_in_), list(estimator.variables_)
    named = dict(zip(names, columns, strict=True))
    inner = type(estimator.transformer_).__name__
    if hasattr(estimator, "features_to_drop_") and hasattr(estimator.transformer_, "get_support"):
        return [named[name] for name in names if name not in estimator.features_to_drop_]
    made = compiler.transform(estimator.transformer_, [named[name] for name in chosen])
    if inner in ("OneHotEncoder", "PolynomialFeatures"):
        return [*(named[name] for name in names if name not in chosen), *made]
    if len(made) != len(chosen):
        raise NotCompilable(f"SklearnTransformerWrapper({inner}) has no compiled form")
    named |= dict(zip(chosen, made, strict=True))
    return list(named.values())
