"""Encoders of scikit-learn: categories and intervals as columns of numbers, found in tables.

`readers.tables.sklearn_encoders` asks them instead where a column is itself found in a table.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats, Key
from morosidad.compiler.nodes.expressions import Fill, Raw
from morosidad.compiler.nodes.lookups import Bins, Edges, Lookup, SparseColumn, Table
from morosidad.compiler.registry import Compiler, NotCompilable, compiles

_OTHER: Final = object()
"""Found at the position of values that an encoder does not know."""


def one_hot_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns of zeros and ones, one table for each field."""
    out: list[Expr] = []
    rare_by_column = getattr(estimator, "infrequent_categories_", [None] * len(columns))
    for i, (column, levels) in enumerate(zip(columns, estimator.categories_, strict=True)):
        categories = [_same(item(level)) for level in levels]
        rare = {_same(level) for level in (rare_by_column[i] if rare_by_column[i] is not None else ())}
        frequent = [level for level in categories if level not in rare]
        width = len(frequent) + bool(rare)
        place: dict[Hashable, int] = {level: j for j, level in enumerate(frequent)}
        place |= dict.fromkeys(rare, width - 1)
        other = width - 1 if rare and estimator.handle_unknown != "ignore" else None
        drop = None if estimator.drop_idx_ is None else estimator.drop_idx_[i]
        dropped = None if drop is None else place[categories[drop]]
        kept = [j for j in range(width) if j != dropped]
        out += _indicators(column, place, other, estimator.handle_unknown == "error", kept, compiler)
    compiler.sparse = bool(estimator.sparse_output)
    return out


def _indicators(
    column: Expr,
    place: Mapping[Hashable, int],
    other: int | None,
    refuses: bool,
    kept: Sequence[int],
    compiler: Compiler,
) -> list[Expr]:
    """Make the columns of zeros and ones of one encoded field: which is 1 for each key, and for others."""
    source, keys, sought = _source(column, place, refuses, compiler)
    rows: dict[int | None, list[int]] = {}
    for row, key in enumerate(sought):
        rows.setdefault(place.get(key, other), []).append(row)
    columns = (np.array(rows.get(j, ()), dtype=np.int32) for j in kept)
    return [Lookup(source, SparseColumn(keys, 0.0, ones, np.ones(len(ones)))) for ones in columns]


def ordinal_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each category's number; a missing value and an unknown one have numbers of their own."""
    out: list[Expr] = []
    rare_by_column = getattr(estimator, "infrequent_categories_", [None] * len(columns))
    for column, levels, rare_levels in zip(columns, estimator.categories_, rare_by_column, strict=True):
        rare = {_same(level) for level in (rare_levels if rare_levels is not None else ())}
        nan = any(is_nan(item(level)) for level in levels)
        names = [_same(level) for level in levels if not is_nan(item(level))]  # None is a level as any other
        frequent = [name for name in names if name not in rare]
        numbers: dict[Hashable, float] = {name: float(j) for j, name in enumerate(frequent)}
        numbers |= dict.fromkeys(rare, float(len(frequent)))
        if nan:
            numbers[None] = float(estimator.encoded_missing_value)
        refuses = estimator.handle_unknown == "error"
        unknown = -1.0 if refuses else float(estimator.unknown_value)
        rows = {name: np.array([number]) for name, number in numbers.items()}
        out += _lookups(column, rows, np.array([unknown]), refuses, [0], compiler)
    return out


def target_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each category's mean target; a category never seen has the mean of all."""
    if estimator.target_type_ == "multiclass":
        raise NotCompilable("TargetEncoder of more than two classes has no compiled form")
    mean = np.array([float(estimator.target_mean_)])
    out: list[Expr] = []
    for column, levels, numbers in zip(columns, estimator.categories_, estimator.encodings_, strict=True):
        rows: dict[Hashable, Floats] = {
            _same(level): np.array([number]) for level, number in zip(levels, numbers.tolist(), strict=True)
        }
        out += _lookups(column, rows, mean, False, [0], compiler)
    return out


@compiles("sklearn.KBinsDiscretizer")
def k_bins_discretizer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the interval of each number, as its number or as columns of zeros and ones."""
    compiler.require(*columns)
    out: list[Expr] = []
    for column, edges in zip(columns, estimator.bin_edges_, strict=True):
        n = len(edges) - 1
        compiler.sparse = estimator.encode == "onehot"
        codes = np.arange(n, dtype=np.float64)[:, None] if estimator.encode == "ordinal" else np.eye(n)
        out += intervals(column, edges[1:-1], codes)
    return out


def intervals(column: Expr, edges: Floats, rows: Floats, missing: Floats | None = None) -> list[Expr]:
    """Make the columns of a number's interval, with NaN or another row for a missing number."""
    missing = np.full((1, rows.shape[1]), np.nan) if missing is None else missing
    bins = Bins(Edges(np.array(edges, dtype=np.float64)), np.vstack([rows, missing]))
    return [Lookup(column, bins, j) for j in range(rows.shape[1])]


def _lookups(
    column: Expr,
    rows: Mapping[Hashable, Floats],
    other: Floats,
    refuses: bool,
    kept: Sequence[int],
    compiler: Compiler,
) -> list[Expr]:
    """Make one `Lookup` for each kept column of one encoded field."""
    source, keys, sought = _source(column, rows, refuses, compiler)
    table = Table(keys, np.vstack([rows.get(key, other) for key in sought])[:, list(kept)])
    return [Lookup(source, table, j) for j in range(len(kept))]


def _source(
    column: Expr, known: Collection[Any], refuses: bool, compiler: Compiler
) -> tuple[Expr, tuple[Key, ...], list[Hashable]]:
    """Give what an encoder looks up, its keys, and what it finds at each position.

    An imputer may fill in a missing value. A pandas category has no place for a level that is not its
    own: such a value is missing there.
    """
    keys: tuple[Key, ...] = tuple(key for key in known if key is not None)
    if refuses:
        if None not in known:
            compiler.require(column)
        compiler.allow(column, keys)
    filled = isinstance(column, Fill) and isinstance(column.of, Raw)
    source, missing = (column.of, column.value) if isinstance(column, Fill) and filled else (column, None)
    layout = compiler.layouts.get(compiler.schema.names[source.field]) if isinstance(source, Raw) else None
    if refuses or layout is None or layout.categories is None:
        return source, keys, [*keys, _OTHER, missing]
    keys += tuple(level for level in layout.categories if level not in known)
    return source, keys, [*keys, missing, missing]


def item(value: Any) -> Any:
    """Give a numpy number as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def is_nan(value: Any) -> bool:
    """Tell NaN from anything else."""
    return isinstance(value, float) and value != value


def _same(level: Any) -> Key | None:
    """Give a category as a key that equals itself: every missing value becomes None."""
    level = item(level)
    if level is None or is_nan(level) or type(level).__name__ == "NAType":
        return None
    if not isinstance(level, (str, int, float, bool)):
        raise NotCompilable("an encoder knows categories that are neither text nor numbers")
    return level
