"""The points of a fitted scorecard as a function of one record, proven equal to its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import morosidad.compiler.readers  # noqa: F401 - they fill the registry
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.proof.reference import read_reference
from morosidad.compiler.readers.tables.optbinning import input_columns, scorecard_points
from morosidad.compiler.registry import Compiler, NotCompilable, class_name
from morosidad.errors import UnsupportedModel
from morosidad.frames.reading import Column
from morosidad.frames.records import records_of
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

TOLERANCE = 1e-9
"""The largest difference allowed, of points that are hundreds: sums of floats differ in their last digits."""


class CompiledPoints:
    """A scorecard's points, for one record and for many.

    Attributes
    ----------
    schema : Schema
        What a record is.
    variables : tuple of str
        The scorecard's variables, in its order.
    intercept : float
        What is added to their points.
    score_one : callable
        A record's values → its points.
    points_one : callable
        A record's values → a tuple of the points of each variable.
    """

    def __init__(
        self, schema: Schema, variables: Sequence[str], columns: Sequence[Expr], intercept: float
    ) -> None:
        self.schema = schema
        self.variables: tuple[str, ...] = tuple(variables)
        self.intercept = intercept
        self._columns = tuple(columns)
        code = self._code()
        total = code.total([code.constant(0.0), *map(code.value, columns)])
        self.score_one: Callable[[Row], float] = code.function(
            "score_one", f"{total} + {code.constant(intercept)}"
        )
        code = self._code()
        self.points_one: Callable[[Row], tuple[float, ...]] = code.function(
            "points_one", [*map(code.value, columns)]
        )

    def _code(self) -> FunctionSource:
        always = frozenset(i for i, field in enumerate(self.schema.fields) if field.required)
        return FunctionSource(len(self.schema), always)

    def score(self, columns: Sequence[Column]) -> Floats:
        """Give the points of many rows.

        Parameters
        ----------
        columns : sequence of (ndarray, or Coded)
            Validated columns in schema order, as `frames.reading.read_frame` gives them.

        Returns
        -------
        ndarray of shape (n_rows,), float64
        """
        batch = ColumnBatch(list(columns))
        total = np.zeros(len(batch))
        for column in self._columns:
            total += batch.value(column)
        return total + self.intercept


def compile_points(scorecard: Any, X: Any, *, schema: Schema | None = None) -> CompiledPoints:
    """Compile the points of a fitted scorecard, and prove that they are its own.

    Parameters
    ----------
    scorecard : optbinning.Scorecard
        Fitted.
    X : DataFrame of shape (n_rows, n_columns)
        Rows of the kind that it was fitted on: each is asked about.
    schema : Schema, optional
        What a record is; inferred from `X` when not given.

    Returns
    -------
    CompiledPoints

    Raises
    ------
    UnsupportedModel
        If it has no points, none that can be compiled, or if the points of a row differ.
    """
    name = type(scorecard).__name__
    if class_name(type(scorecard)) != "optbinning.Scorecard":
        raise UnsupportedModel(f"{name} gives no points; a fitted optbinning.Scorecard was expected", name)
    read = read_reference(scorecard, X)
    schema = schema or Schema(Schema.infer(read.frame).fields, ignored=read.dropped)
    compiler = Compiler(schema, layout=read.layout)
    try:
        columns = scorecard_points(scorecard, input_columns(schema, read.layout), compiler)
    except NotCompilable as reason:
        raise UnsupportedModel(f"the points of {name} are not compiled: {reason}", name) from None
    variables = scorecard.binning_process_.get_support(names=True)
    points = CompiledPoints(compiler.demanded(), variables, columns, float(np.ravel(scorecard.intercept_)[0]))
    _prove(points, scorecard, read)
    return points


def _prove(points: CompiledPoints, scorecard: Any, read: Any) -> None:
    """Ask the scorecard about its rows; each record must have the same points."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(scorecard.score(read.own), dtype=np.float64)
    rows = [points.schema.read(record)[0] for record in records_of(points.schema, read.frame)]
    found = np.array([points.score_one(row) for row in rows])
    together = points.score(ColumnBatch.of_records(rows, len(points.schema)).columns)
    differs = ~(np.maximum(np.abs(found - expected), np.abs(together - expected)) <= TOLERANCE)
    if differs.any():
        name = type(scorecard).__name__
        raise UnsupportedModel(f"the points of {int(differs.sum())} of {len(rows)} rows differ", name)
