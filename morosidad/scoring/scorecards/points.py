"""The points of a model for one record and for many: those of its scorecard, or of its probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.lookups import Bins, CategoryPosition, Cells, Grid, Lookup, Table
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.frames.reading import Column
from morosidad.policy.decision import Score
from morosidad.policy.points import Points
from morosidad.schema.field import Row
from morosidad.scoring.scorecards.steps import NoStepsError, StepModel, StepTable, steps_of


class ModelPoints:
    """The points that a model gives on a scale.

    Parameters
    ----------
    scale : Points
        The scale.
    compiled : CompiledPipeline
        What answers.

    Attributes
    ----------
    scorecard : StepModel or None
        The points of each cell, rounded where the scale rounds, where the model is a sum of steps.
    obstacle : str
        Why there is no scorecard, in English.
    """

    def __init__(self, scale: Points, compiled: CompiledPipeline) -> None:
        self.scale: Points = scale
        self._schema = compiled.schema
        self.scorecard: StepModel | None = None
        self.obstacle: str = ""
        try:
            found = steps_of(compiled.form, compiled.schema).times(scale.slope, scale.offset)
        except NoStepsError as error:
            self.obstacle = str(error)
            return
        tables = tuple(StepTable(table.at, scale.rounded(table.numbers)) for table in found.tables)
        self.scorecard = StepModel(float(scale.rounded(np.array(found.intercept))), tables)

    @cached_property
    def _terms(self) -> list[Expr]:
        return [] if self.scorecard is None else list(map(_expr, self.scorecard.tables))

    @cached_property
    def of(self) -> Callable[[Row, float], Score]:
        """A record's values, and its probability of default → its points."""
        if self.scorecard is None:
            of_probability = self.scale.of
            return lambda _, probability: of_probability(probability)
        always = frozenset(i for i, field in enumerate(self._schema.fields) if field.required)
        code = FunctionSource(len(self._schema), always)
        total = code.total([code.constant(self.scorecard.intercept), *map(code.value, self._terms)])
        sum_of = code.function("points", f"{code.constant(int)}({total})" if self.scale.round else total)
        return lambda values, _: sum_of(values)

    def of_many(self, columns: Sequence[Column], probabilities: Floats) -> Floats:
        """Give the points of many rows, each to the last bit as `of` does.

        Parameters
        ----------
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The validated values, one column for each field.
        probabilities : ndarray of float64, shape (n,)
            Of default; NaN where there is none.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where there is no probability.
        """
        if self.scorecard is None:
            return self.scale.of_many(probabilities)
        batch = ColumnBatch(columns)
        total = np.full(len(batch), self.scorecard.intercept)
        for term in self._terms:
            total += batch.value(term)
        return np.where(np.isnan(probabilities), np.nan, total)


def _expr(table: StepTable) -> Expr:
    if len(table.at) == 2:
        return Grid(*table.at, Cells(table.numbers))
    (at,), rows = table.at, table.numbers[:, None]
    return Lookup(at.of, Table(at.keys, rows) if isinstance(at, CategoryPosition) else Bins(at.edges, rows))
