"""Imputers, scalers, encoders and what strings them together, as expressions over the fields."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.expressions import Arith, Clip, Expr, Fill, Floats, Key, Lookup, Missing, Raw, Table
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, compiles


@compiles("sklearn.Pipeline", "imblearn.Pipeline")
def pipeline(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile the steps one after the other; the last may be a classifier."""
    *transformers, last = [step for _, step in estimator.steps]
    for step in transformers:
        columns = compiler.transform(step, columns)
    if last is None or last == "passthrough":
        return list(columns)
    return compiler.compile(last, columns)


@compiles("sklearn.ColumnTransformer")
def column_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each part over the columns that it was given, in the order of the parts."""
    names = list(getattr(estimator, "feature_names_in_", []))
    out: list[Expr] = []
    for _, part, chosen in estimator.transformers_:
        if not (isinstance(part, str) and part == "drop"):
            inputs = [columns[i] for i in _places(chosen, names, len(columns))]
            out += compiler.transform(part, inputs) if inputs else []
    return out


def _places(chosen: Any, names: Sequence[str], n: int) -> list[int]:
    """Give the places of columns that were chosen by name, number, slice or mask."""
    if isinstance(chosen, slice):
        ends = [names.index(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop)]
        if isinstance(chosen.stop, str):
            ends[1] += 1  # scikit-learn includes the last name of a slice of names
        return list(range(n))[slice(ends[0], ends[1], chosen.step)]
    if isinstance(chosen, (str, int, np.integer)):
        chosen = [chosen]
    items = list(chosen)
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        return [i for i, kept in enumerate(items) if kept]
    return [names.index(item) if isinstance(item, str) else int(item) for item in items]


@compiles("sklearn.FeatureUnion")
def feature_union(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each part over all columns, side by side."""
    if estimator.transformer_weights:
        raise NotCompilable("FeatureUnion(transformer_weights=...) has no compiled form")
    parts = [part for _, part in estimator.transformer_list if not (isinstance(part, str) and part == "drop")]
    return [column for part in parts for column in compiler.transform(part, columns)]


@compiles("morosidad.Preprocessor")
def preprocessor(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the ColumnTransformer that a Preprocessor is made of."""
    return compiler.transform(estimator.transformer_, columns)


@compiles("sklearn.SimpleImputer")
def simple_imputer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile an imputer of NaN, with its indicator columns where it adds them."""
    if not _is_nan(estimator.missing_values):
        raise NotCompilable(
            f"SimpleImputer(missing_values={estimator.missing_values!r}) has no compiled form"
        )
    kept = [(column, _item(value)) for column, value in zip(columns, estimator.statistics_, strict=True)]
    filled: list[Expr] = [Fill(column, value) for column, value in kept if not _is_nan(value)]
    if estimator.indicator_ is not None:
        filled += [Missing(columns[i]) for i in estimator.indicator_.features_.tolist()]
    return filled


@compiles("sklearn.MissingIndicator")
def missing_indicator(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns that say where a value is missing."""
    if not _is_nan(estimator.missing_values):
        raise NotCompilable(
            f"MissingIndicator(missing_values={estimator.missing_values!r}) has no compiled form"
        )
    if estimator.features == "missing-only" and estimator.error_on_new:
        for i in set(range(len(columns))) - set(estimator.features_.tolist()):
            compiler.require(columns[i])
    return [Missing(columns[i]) for i in estimator.features_.tolist()]


@compiles("sklearn.StandardScaler")
def standard_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - mean) / scale``."""
    shifted = _each(columns, "-", estimator.mean_ if estimator.with_mean else None)
    return _each(shifted, "/", estimator.scale_)


@compiles("sklearn.RobustScaler")
def robust_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``(x - median) / interquartile range``."""
    shifted = _each(columns, "-", estimator.center_ if estimator.with_centering else None)
    return _each(shifted, "/", estimator.scale_ if estimator.with_scaling else None)


@compiles("sklearn.MaxAbsScaler")
def max_abs_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x / largest absolute value``."""
    scaled = _each(columns, "/", estimator.scale_)
    return [Clip(column, -1.0, 1.0) for column in scaled] if getattr(estimator, "clip", False) else scaled


@compiles("sklearn.MinMaxScaler")
def min_max_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile ``x * scale + min``, clipped where asked."""
    scaled = _each(_each(columns, "*", estimator.scale_), "+", estimator.min_)
    if not estimator.clip:
        return scaled
    low, high = map(float, estimator.feature_range)
    return [Clip(column, low, high) for column in scaled]


def _each(columns: Sequence[Expr], operator: Any, values: Any) -> list[Expr]:
    if values is None:
        return list(columns)
    return [Arith(column, operator, float(value)) for column, value in zip(columns, values, strict=True)]


@compiles("sklearn.OneHotEncoder")
def one_hot_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns of zeros and ones, one table for each field."""
    out: list[Expr] = []
    rare_by_column = getattr(estimator, "infrequent_categories_", [None] * len(columns))
    for i, (column, levels) in enumerate(zip(columns, estimator.categories_, strict=True)):
        categories = [_item(level) for level in levels]
        rare = {_same(level) for level in (rare_by_column[i] if rare_by_column[i] is not None else ())}
        frequent = [level for level in categories if _same(level) not in rare]
        width = len(frequent) + bool(rare)
        place = {_same(level): j for j, level in enumerate(frequent)} | dict.fromkeys(rare, width - 1)
        rows: dict[Hashable, Floats] = {level: np.eye(1, width, j)[0] for level, j in place.items()}
        other = (
            np.eye(1, width, width - 1)[0]
            if rare and estimator.handle_unknown != "ignore"
            else np.zeros(width)
        )
        drop = None if estimator.drop_idx_ is None else estimator.drop_idx_[i]
        dropped = None if drop is None else place[_same(categories[drop])]
        refuses = estimator.handle_unknown == "error"
        kept = [j for j in range(width) if j != dropped]
        out += _lookups(column, rows, other, refuses, kept, compiler)
    return out


@compiles("sklearn.OrdinalEncoder")
def ordinal_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each category's number; a missing value and an unknown one have numbers of their own."""
    out: list[Expr] = []
    rare_by_column = getattr(estimator, "infrequent_categories_", [None] * len(columns))
    for column, levels, rare_levels in zip(columns, estimator.categories_, rare_by_column, strict=True):
        rare = {_same(level) for level in (rare_levels if rare_levels is not None else ())}
        names = [_same(_item(level)) for level in levels]
        frequent = [name for name in names if name not in rare and name is not None]
        numbers: dict[Hashable, float] = {name: float(j) for j, name in enumerate(frequent)}
        numbers |= dict.fromkeys(rare, float(len(frequent)))
        if None in names:
            numbers[None] = float(estimator.encoded_missing_value)
        refuses = estimator.handle_unknown == "error"
        unknown = np.nan if refuses else float(estimator.unknown_value)
        rows = {name: np.array([number]) for name, number in numbers.items()}
        out += _lookups(column, rows, np.array([unknown]), refuses, [0], compiler)
    return out


def _lookups(
    column: Expr,
    rows: Mapping[Hashable, Floats],
    other: Floats,
    refuses: bool,
    kept: Sequence[int],
    compiler: Compiler,
) -> list[Expr]:
    """Make one `Lookup` for each kept column of one encoded field."""
    keys: tuple[Any, ...] = tuple(key for key in rows if key is not None)
    missing = rows.get(None, other)
    if refuses:
        if None not in rows:
            compiler.require(column)
        compiler.allow(column, keys)
    if isinstance(column, Fill) and isinstance(column.of, Raw):
        missing = rows.get(column.value, other)
        column = column.of
    table = Table(keys, np.vstack([*(rows[key] for key in keys), other, missing])[:, list(kept)])
    return [Lookup(column, table, j) for j in range(len(kept))]


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _same(level: Any) -> Key | None:
    """Give a category as a key that equals itself: every missing value becomes None."""
    level = _item(level)
    if level is None or _is_nan(level) or type(level).__name__ == "NAType":
        return None
    if not isinstance(level, (str, int, float, bool)):
        raise NotCompilable("an encoder knows categories that are neither text nor numbers")
    return level
