"""The scorecard of a model as a frame: the points of each bin, its share of some rows, the defaults there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.nodes.base import Floats, Position
from morosidad.compiler.nodes.lookups import CategoryPosition, IntervalPosition
from morosidad.errors import InvalidFrame, SettingsError, UnsupportedModel
from morosidad.frames.reading import FrameReader
from morosidad.languages import Language, say
from morosidad.policy.points import Points
from morosidad.schema.field import Field
from morosidad.scoring.frame_path import by_field
from morosidad.scoring.frames.refusals import refuse_gaps
from morosidad.scoring.mixins.reference_rows import reference_rows
from morosidad.scoring.scorecards.points import ModelPoints
from morosidad.scoring.scorecards.steps import StepTable
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 100_000
"""Rows of a scorecard."""


def scorecard_of(model: StoredModel, X: Any, y: Any, scale: Points | None, base: str) -> pd.DataFrame:
    """Write a model's scorecard; see `Scorer.scorecard`.

    Parameters
    ----------
    model : StoredModel
        What answers.
    X, y, scale
        As in `Scorer.scorecard`.
    base : str
        The name of the row that every applicant has.

    Returns
    -------
    DataFrame
    """
    import pandas as pd

    points = model.model_points if scale is None else ModelPoints(scale, model.compiled)
    if points is None:
        raise SettingsError(["points: the policy gives none; name a scale, or give the policy one"])
    if points.scorecard is None:
        raise UnsupportedModel(f"{model.identity} has no scorecard: {points.obstacle}", model.name)
    measured = _Measured(model, X, y)
    rows = [_Line(base, "", points.scorecard.intercept, *measured.all)]
    for table in points.scorecard.tables:
        rows += _lines(model, table, measured)
        if len(rows) > LONGEST:
            raise UnsupportedModel(f"{model.identity}: its scorecard has over {LONGEST} rows", model.name)
    out = pd.DataFrame(rows, columns=list(_Line._fields))
    return out.astype({"points": "int64"}) if points.scale.round else out


class _Line(NamedTuple):
    field: str
    bin: str
    points: float
    share: float
    default_rate: float


class _Measured:
    """Rows over which a scorecard's cells are counted."""

    def __init__(self, model: StoredModel, X: Any, y: Any) -> None:
        if X is None and y is not None:
            raise InvalidFrame("labels need the rows that they belong to")
        rows = X if X is not None or model.background is None else reference_rows(model)
        self._batch: ColumnBatch | None = None
        self._truth: NDArray[np.bool_] | None = None
        if rows is None:
            return
        table = by_field(model, rows)
        reader = FrameReader(model.schema, table, model.compiled.used)
        columns, bad = reader.read(slice(0, len(table)))
        if bad.any():
            refuse_gaps(model, table, np.where(bad, np.nan, 0.0))
        self._batch = ColumnBatch(columns)
        if y is not None:
            self._truth = _defaults(model, y, len(table))

    @property
    def all(self) -> tuple[float, float]:
        """Share and default rate of all rows."""
        rate = math.nan if self._truth is None or not len(self._truth) else float(self._truth.mean())
        return math.nan if self._batch is None else 1.0, rate

    def cells(self, table: StepTable) -> tuple[Floats, Floats]:
        """Count the share of each cell, and the default rate in it."""
        shape = table.numbers.shape
        nothing = np.full(shape, np.nan)
        if self._batch is None or not len(self._batch):
            return nothing, nothing
        at = np.ravel_multi_index([self._batch.position(each) for each in table.at], shape)
        number = np.bincount(at, minlength=table.numbers.size).astype(np.float64)
        share = (number / len(self._batch)).reshape(shape)
        if self._truth is None:
            return share, nothing
        found = np.bincount(at, weights=self._truth, minlength=table.numbers.size)
        with np.errstate(invalid="ignore"):
            return share, (found / number).reshape(shape)


def _defaults(model: StoredModel, y: Any, number: int) -> NDArray[np.bool_]:
    found = np.asarray(y)
    if found.shape != (number,):
        raise InvalidFrame(f"{number} labels were expected, one for each row")
    known, default = model.labels
    truth: NDArray[np.bool_] = found == default
    if not (truth | (found == known)).all():
        raise InvalidFrame(f"labels: {known!r} and {default!r} were expected, and nothing else")
    return truth


def _lines(model: StoredModel, table: StepTable, measured: _Measured) -> list[_Line]:
    fields = [model.schema.fields[place] for place in table.fields]
    share, rate = measured.cells(table)
    names = [_bins(field, at, model.language) for field, at in zip(fields, table.at, strict=True)]
    name = " × ".join(field.name for field in fields)
    return [
        _Line(
            name,
            " × ".join(bins[i] or "" for bins, i in zip(names, cell, strict=True)),
            float(table.numbers[cell]),
            float(share[cell]),
            float(rate[cell]),
        )
        for cell in product(*(range(size) for size in table.numbers.shape))
        if all(bins[i] is not None for bins, i in zip(names, cell, strict=True))
    ]


def _bins(field: Field, at: Position, language: Language) -> Sequence[str | None]:
    """Name the cells of a field; None where no record can lie."""
    missing = None if field.required else say(language, "figures.bin_missing")
    if isinstance(at, IntervalPosition):
        edges = [repr(edge).removesuffix(".0") for edge in at.edges.values.tolist()]
        if not edges:
            return [say(language, "figures.bin_any"), missing]
        between = [f"[{low}, {high})" for low, high in pairwise(edges)]
        return [f"< {edges[0]}", *between, f"≥ {edges[-1]}", missing]
    assert isinstance(at, CategoryPosition)
    if field.kind == "boolean":
        return [say(language, "figures.no"), say(language, "figures.yes"), None, missing]
    other = None if field.categories is not None else say(language, "figures.bin_other")
    return [*map(str, at.keys), other, missing]
