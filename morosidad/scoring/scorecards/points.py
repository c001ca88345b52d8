"""The points of a model for one record and for many: those of its scorecard, or of its probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource, Sum
from morosidad.compiler.nodes.base import Floats, Position
from morosidad.compiler.nodes.lookups import (
    Bins,
    CategoryPosition,
    Cells,
    Grid,
    IntervalPosition,
    Lookup,
    Table,
)
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.frames.reading import Column
from morosidad.policy.decision import Score
from morosidad.policy.points import NEAREST, Points
from morosidad.schema.field import Row
from morosidad.scoring.scorecards.steps import NoStepsError, StepModel, StepTable, steps_of

Answering = Callable[[Row], tuple[float, Sequence[float], Score | None]]


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
        self._compiled = compiled
        self.scorecard: StepModel | None = None
        self.obstacle: str = ""
        try:
            found = steps_of(compiled.form, compiled.schema).times(scale.slope, scale.offset)
        except NoStepsError as error:
            self.obstacle = str(error)
            return
        tables = tuple(table._replace(numbers=scale.rounded(table.numbers)) for table in found.tables)
        self.scorecard = StepModel(float(scale.rounded(np.array(found.intercept))), tables)

    @cached_property
    def _sum(self) -> Sum | None:
        card = self.scorecard
        return None if card is None else Sum(card.intercept, tuple(map(_expr, card.tables)))

    @cached_property
    def of(self) -> Callable[[Row, float], Score]:
        """A record's values, and its probability of default → its points."""
        if self._sum is None:
            of_probability = self.scale.of
            return lambda _, probability: of_probability(probability)
        code = self._compiled.code(self._sum)
        sum_of = code.function("points", self._whole(code, code.added_beside()))
        return lambda values, _: sum_of(values)

    def answering(self, *, explain: bool) -> Answering | None:
        """Make the model's answer to a record give its points too: they cost less in it than beside it.

        Parameters
        ----------
        explain : bool
            Whether each field's contribution is wanted.

        Returns
        -------
        callable or None
            A record's values → its probability of default, each field's contribution, its points: all to
            the last bit as each alone. None for a model that is not compiled, or gives no contributions.
        """
        form, reference = self._compiled.form, self._compiled.reference
        if form is None or (explain and reference is None):
            return None
        code = self._compiled.code(self._sum)
        shares: Sequence[str] = ()
        if explain and reference is not None:
            probability, shares = form.emit_reasons(code, reference)
        else:
            probability = form.emit(code)
        probability = code.assign(probability)
        points = self._of_probability(code, probability) if self._sum is None else code.added_beside()
        every = "(" + "".join(f"{share}, " for share in shares) + ")"
        return code.function("answer", [probability, every, self._whole(code, points)])

    def _of_probability(self, code: FunctionSource, probability: str) -> str:
        """Write what `Points.of` computes before it rounds; NaN where there is no probability."""
        scale, low, high = self.scale, code.constant(NEAREST), code.constant(1.0 - NEAREST)
        p = code.assign(
            f"{probability} if {low} <= {probability} <= {high} else {low} if {probability} < {low} "
            f"else {high} if {probability} > {high} else nan"
        )
        slope, log = code.constant(scale.slope), code.constant(math.log)
        return code.assign(f"{code.constant(scale.offset)} + {slope} * {log}({p} / (1.0 - {p}))")

    def _whole(self, code: FunctionSource, points: str) -> str:
        if not self.scale.round:
            return points
        return f"{code.constant(round)}({points}) if {points} == {points} else None"

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
        if self._sum is None:
            return self.scale.of_many(probabilities)
        batch = ColumnBatch(columns)
        total = np.full(len(batch), self._sum.start)
        for term in self._sum.terms:
            total += batch.value(term)
        return np.where(np.isnan(probabilities), np.nan, total)


def _expr(table: StepTable) -> Lookup | Grid:
    """Look the numbers up where the model looks, as far as it does, so that both look once."""
    at: tuple[Position, ...] = table.at
    numbers = table.numbers
    if table.own:
        at = tuple(position for position, _ in table.own)
        numbers = np.zeros([position.size for position in at])
        numbers[np.ix_(*(places for _, places in table.own))] = table.numbers
    if len(at) == 2:
        return Grid(at[0], at[1], Cells(numbers))
    (only,), rows = at, numbers[:, None]
    if isinstance(only, CategoryPosition):
        return Lookup(only.of, Table(only.keys, rows))
    assert isinstance(only, IntervalPosition)
    return Lookup(only.of, Bins(only.edges, rows))
