"""Reader of explainable boosting machines (interpret-core): their tables, as a sum of terms.

Lou, Caruana, Gehrke & Hooker 2013, *Accurate intelligible models with pairwise interactions*,
DOI 10.1145/2487575.2487579.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.nodes.base import Expr, Floats, Key, Position
from morosidad.compiler.nodes.expressions import Fill, Raw, fields_of
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Edges,
    Grid,
    IntervalPosition,
    Lookup,
    Table,
)
from morosidad.compiler.registry import Compiler, NotCompilable, compiles
from morosidad.schema.field import Field


@compiles("interpret.DPExplainableBoostingClassifier", "interpret.ExplainableBoostingClassifier")
def explainable_boosting(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive:
    """Compile the tables of one and of two features."""
    if estimator.link_ != "logit":
        raise NotCompilable(f"a link other than logit ({estimator.link_}) has no compiled form")
    if any(len(fields_of(column)) > 1 for column in columns):
        raise NotCompilable("a column mixes fields, so that no field has a share of its own")
    machine = _Machine(estimator, columns, compiler)
    terms = [
        machine.term(features, np.asarray(scores, dtype=np.float64))
        for features, scores in zip(estimator.term_features_, estimator.term_scores_, strict=True)
    ]
    intercept = float(np.ravel(estimator.intercept_)[0])
    return Additive(intercept, tuple(terms), len(compiler.schema))


class _Machine:
    """A fitted machine's features, each with the positions of its values in the tables."""

    def __init__(self, estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> None:
        self._estimator = estimator
        self._columns = columns
        self._compiler = compiler
        self._axes: dict[tuple[int, int], tuple[Position, list[int]]] = {}

    def term(self, features: Sequence[int], scores: Floats) -> Expr:
        """Make one term of its table, which begins with a missing value and ends with an unknown one."""
        if len(features) > 2:
            raise NotCompilable("a term of three features has no compiled form")
        axes = [self._axis(feature, len(features)) for feature in features]
        cells = scores[np.ix_(*(order for _, order in axes))]
        if len(axes) == 2:
            return Grid(axes[0][0], axes[1][0], Cells(cells))
        at = axes[0][0]
        if isinstance(at, IntervalPosition):
            return Lookup(at.of, Bins(at.edges, cells[:, None]))
        return Lookup(at.of, Table(at.keys if isinstance(at, CategoryPosition) else (), cells[:, None]))

    def _axis(self, feature: int, n_features: int) -> tuple[Position, list[int]]:
        """Give a feature's positions, and the place of each in the machine's tables."""
        levels = self._estimator.bins_[feature]
        resolution = min(len(levels), n_features) - 1
        if (feature, resolution) not in self._axes:
            bins, column = levels[resolution], self._columns[feature]
            axis = self._levels(column, bins) if isinstance(bins, Mapping) else self._intervals(column, bins)
            self._axes[feature, resolution] = axis
        return self._axes[feature, resolution]

    def _intervals(self, column: Expr, cuts: Floats) -> tuple[Position, list[int]]:
        field = self._field(column)
        if field is not None and field.kind == "category" and not field.holds_integers:
            raise NotCompilable(f"the field {field.name!r} holds text that the model reads as numbers")
        edges = Edges(np.array(cuts, dtype=np.float64))
        return IntervalPosition(column, edges), [*range(1, len(cuts) + 2), 0]

    def _levels(self, column: Expr, bins: Mapping[str, int]) -> tuple[Position, list[int]]:
        field = self._field(column)
        places = {key: place for text, place in bins.items() if (key := _key(text, field)) is not None}
        return CategoryPosition(column, tuple(places)), [*places.values(), -1, 0]

    def _field(self, column: Expr) -> Field | None:
        source = column.of if isinstance(column, Fill) else column
        return self._compiler.schema.fields[source.field] if isinstance(source, Raw) else None


def _key(text: str, field: Field | None) -> Key | None:
    """Give the value that the machine writes as this text; None if there is no such value."""
    if field is not None and field.kind == "category" and not field.holds_integers:
        return text
    if field is not None and field.kind == "boolean":
        return {"0": False, "1": True, "False": False, "True": True}.get(text)  # before 0.7.4 as words
    try:
        number = float(text)
    except ValueError:
        return None
    written = str(np.float64(number).astype(str))
    return number if text in (written, written.removesuffix(".0")) else None  # before 0.7.4 with its zero
