"""Readers of pipelines, column transformers, imputers, indicators and feature selection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Arith, Constant, Fill, Missing
from morosidad.compiler.nodes.lookups import fold_constants
from morosidad.compiler.readers.encoders import is_nan, item
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, compiles
from morosidad.frames.absent import way_of
from morosidad.frames.compatibility import allows_missing, columns_listed


@compiles("sklearn.Pipeline", "feature_engine.Pipeline", "imblearn.Pipeline", of_default=True)
def pipeline(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile the steps one after the other; the last may be a classifier. Samplers only fit."""
    steps = [step for _, step in estimator.steps]
    *transformers, last = [step for step in steps if not hasattr(step, "fit_resample")]
    before = compiler.inputs
    try:
        for step in transformers:
            columns = compiler.transform(step, columns)
            if compiler.inputs is not None and hasattr(step, "transform"):
                compiler.inputs = compiler.inputs.then(step.transform)
        if last is None or last == "passthrough":
            return list(columns)
        return compiler.compile(last, columns)
    finally:
        compiler.inputs = before


@compiles("sklearn.ColumnTransformer")
def column_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each part over the columns that it was given, in the order of the parts."""
    names = list(getattr(estimator, "feature_names_in_", []))
    out: list[Expr] = []
    sparse, before = compiler.sparse, compiler.inputs
    for name, part, chosen in estimator.transformers_:
        inputs = [columns[i] for i in chosen_places(chosen, names, len(columns))]
        compiler.sparse = sparse
        if before is not None:
            compiler.inputs = before.then(partial(chosen_columns, names=names, chosen=chosen))
        if inputs:
            out += _part(estimator, name, part, inputs, compiler)
    compiler.sparse, compiler.inputs = bool(estimator.sparse_output_), before
    return out


def chosen_columns(data: Any, names: Sequence[str], chosen: Any) -> Any:
    """Give a part of a column transformer its columns, as that does.

    Parameters
    ----------
    data : DataFrame or ndarray
        What the column transformer is given.
    names, chosen
        As in `chosen_places`.

    Returns
    -------
    DataFrame, Series or ndarray
        A single name or number gives a column of one dimension.
    """
    places: Any = chosen_places(chosen, names, data.shape[1])
    if isinstance(chosen, (str, int, np.integer)):
        places = places[0]
    return data.iloc[:, places] if hasattr(data, "iloc") else data[:, places]


def _part(owner: Any, name: str, part: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile one part of a column transformer or a union, times its weight."""
    if isinstance(part, str) and part == "drop":
        return []
    made = compiler.transform(part, columns)
    weight = float((owner.transformer_weights or {}).get(name, 1.0))
    return made if weight == 1.0 else [fold_constants(Arith(column, "*", weight)) for column in made]


def chosen_places(chosen: Any, names: Sequence[str], n: int) -> list[int]:
    """Give the places of columns that were chosen by name, number, slice or mask.

    Parameters
    ----------
    chosen : object
        As a column transformer takes it.
    names : sequence of str
        The names of the columns; empty where they have none.
    n : int
        How many columns there are.

    Returns
    -------
    list of int
    """
    if isinstance(chosen, slice):
        ends = [names.index(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop)]
        if isinstance(chosen.stop, str):
            ends[1] += 1  # scikit-learn includes the last name of a slice of names
        return list(range(n))[slice(ends[0], ends[1], chosen.step)]
    if isinstance(chosen, (str, int, np.integer)):
        chosen = [chosen]
    items = columns_listed(chosen)
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        return [i for i, kept in enumerate(items) if kept]
    return [names.index(item) if isinstance(item, str) else int(item) for item in items]


@compiles("sklearn.FeatureUnion")
def feature_union(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each part over all columns, side by side."""
    out: list[Expr] = []
    sparse, any_sparse = compiler.sparse, False
    for name, part in estimator.transformer_list:
        compiler.sparse = sparse
        out += _part(estimator, name, part, columns, compiler)
        any_sparse |= compiler.sparse
    compiler.sparse = any_sparse
    return out


@compiles("morosidad.Preprocessor", "morosidad.CandidatePreprocessor", "morosidad.SplinePreprocessor")
def preprocessor(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the ColumnTransformer that a Preprocessor is made of, which reads the user's frame anew."""
    layouts, compiler.layouts = compiler.layouts, {}
    try:
        return compiler.transform(estimator.transformer_, columns)
    finally:
        compiler.layouts = layouts


@compiles("sklearn.SimpleImputer")
def simple_imputer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile an imputer, with its indicator columns where it adds them."""
    kept = [(column, item(value)) for column, value in zip(columns, estimator.statistics_, strict=True)]
    as_floats = estimator.strategy in ("mean", "median")
    filled = [
        fold_constants(Fill(column, value)) if seen(estimator, column, compiler, as_floats) else column
        for column, value in kept
        if not is_nan(value)
    ]
    if estimator.indicator_ is not None:
        filled += indicated(columns, estimator.indicator_, compiler, as_floats)
    return filled


@compiles("sklearn.MissingIndicator")
def missing_indicator(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns that say where a value is missing."""
    found = indicated(columns, estimator, compiler)
    if estimator.features == "missing-only" and estimator.error_on_new:
        compiler.require(*(columns[i] for i in set(range(len(columns))) - set(estimator.features_.tolist())))
    return found


def indicated(
    columns: Sequence[Expr], indicator: Any, compiler: Compiler, as_floats: bool = False
) -> list[Expr]:
    """Make the columns that say where a value is missing.

    Parameters
    ----------
    columns : sequence of Expr
        What the indicator is given.
    indicator : MissingIndicator
    compiler : Compiler
        Takes the demands.
    as_floats : bool, default=False
        As in `seen`.

    Returns
    -------
    list of Expr
    """
    return [
        fold_constants(Missing(columns[i]))
        if seen(indicator, columns[i], compiler, as_floats)
        else Constant(0.0)
        for i in indicator.features_.tolist()
    ]


def seen(estimator: Any, column: Expr, compiler: Compiler, as_floats: bool) -> bool:
    """Tell whether an estimator takes what is missing in a column for it: NaN is not None.

    Parameters
    ----------
    estimator : object
        Has ``missing_values``.
    column : Expr
        What it is given.
    compiler : Compiler
        Takes the demands.
    as_floats : bool
        Whether it turns what it is given into numbers first, so that None is NaN.

    Returns
    -------
    bool
    """
    wanted = estimator.missing_values
    if wanted is not None and not is_nan(wanted):
        raise NotCompilable(f"{type(estimator).__name__}(missing_values={wanted!r}) has no compiled form")
    given = "nan" if as_floats else compiler.absent(column)
    if wanted is None and given == "nan":
        compiler.require(column)  # whoever looks for None refuses NaN
    return way_of(wanted) == given


@compiles(
    "sklearn.GenericUnivariateSelect",
    "sklearn.RFE",
    "sklearn.RFECV",
    "sklearn.SelectFdr",
    "sklearn.SelectFpr",
    "sklearn.SelectFromModel",
    "sklearn.SelectFwe",
    "sklearn.SelectKBest",
    "sklearn.SelectPercentile",
    "sklearn.SequentialFeatureSelector",
    "sklearn.VarianceThreshold",
)
def feature_selection(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the choice of some columns; most selectors refuse missing values in all of them."""
    if not allows_missing(estimator):
        compiler.require(*columns)
    return [columns[i] for i in estimator.get_support(indices=True).tolist()]
