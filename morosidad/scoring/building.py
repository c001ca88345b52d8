"""Construction of a scoring model from a fitted pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler import check_classifier, compile_pipeline
from morosidad.compiler.gate import matched, own_rows
from morosidad.compiler.pipeline import CompiledPipeline, rows_of, values_of
from morosidad.compiler.proof.asking import PLAIN_LABELS, one_thread
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.proof.reference import Reference, read_reference
from morosidad.compiler.readers.calibration import decision_threshold
from morosidad.errors import InvalidFrame, InvalidRecord, SchemaError
from morosidad.frames.codes import without_codes
from morosidad.frames.reading import Coded, Column, read_frame
from morosidad.frames.records import records_of
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.cutoffs import Policy
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.scoring.content.backgrounds import background_rows, protected_shares, with_protected
from morosidad.scoring.content.calibration import ReferenceScores
from morosidad.scoring.stored_model import StoredModel
from morosidad.training.labels import default_place

if TYPE_CHECKING:
    import pandas as pd

Kept = list[Column] | None

EXPLAINED_ROWS = 200
"""About so many rows tell where contributions turn."""
EXPLAINED_ENDS = 800
"""So many more hold the least or the greatest number of a field; with more fields, of some."""


def build_model(
    pipeline: Any,
    *,
    schema: Schema | None,
    reference: Any,
    policy: Policy,
    name: str,
    version: str,
    training: Mapping[str, Any],
    positive: Any = None,
    names: Sequence[str] | None = None,
    sampled: bool = False,
    progress: bool = False,
    background: Any = None,
    protected: Sequence[str] = (),
) -> StoredModel:
    """Compile a fitted pipeline and put what a scorer needs around it.

    Parameters
    ----------
    pipeline, schema, reference, policy, name, version, training, positive, names
        As in `Scorer`.
    sampled : bool
        Whether a model that is not compiled gives contributions by sampling.
    progress : bool
        Show a progress bar while the pipeline is asked.
    background, protected
        As in `Scorer`.

    Returns
    -------
    StoredModel

    Raises
    ------
    UnsupportedModel, InvalidFrame, SchemaError, SettingsError
        As in `Scorer`.
    """
    read = None if reference is None else read_reference(pipeline, reference, names)
    check_classifier(pipeline, None if read is None else read.own[:1])
    classes = list(getattr(pipeline, "classes_", PLAIN_LABELS))
    default = default_place(classes, positive)
    schema = with_protected(schema or _schema_of(pipeline, read), protected)
    if read is not None and any(field.missing for field in schema.fields):
        read = read_reference(pipeline, without_codes(schema, reference, read.layout), names)
    compiled = _compiled(pipeline, schema, read, policy, default, progress)
    columns = _kept(compiled.schema, None if read is None else read.frame)
    applicants = background_rows(compiled, columns, background, sampled=sampled)
    if applicants is not None:
        compiled.measure_against(applicants)
    scores = np.empty(0) if columns is None or not len(columns[0]) else _scores(compiled, columns)
    model = StoredModel(
        compiled,
        policy,
        name=name,
        version=version,
        classes=classes,
        default=default,
        typical=_typical(compiled, columns),
        training=training,
        drift_reference=_drift_reference(compiled.schema, columns or [], scores),
        background=applicants,
        protected_shares=protected_shares(compiled, columns),
    )
    model.reference_scores = ReferenceScores.measure(scores)
    return model


def _compiled(
    pipeline: Any, schema: Schema, read: Reference | None, policy: Policy, default: int, progress: bool
) -> CompiledPipeline:
    """Ask the pipeline about the reference, and compile it so that it answers alike."""
    cutoffs = (policy.review_at, policy.decline_at)
    turns = (decision_threshold(pipeline, default), *cutoffs)
    with one_thread():
        own = None if read is None else own_rows(pipeline, read, schema, default, turns, progress)
    rows = [] if read is None else as_rows(schema, records_of(schema, read.frame))
    if read is not None and not rows:
        raise InvalidFrame(f"no reference row fits the schema{_first_error(schema, read.frame)}")
    return compile_pipeline(
        pipeline,
        schema,
        rows,
        layout=None if read is None else matched(read.layout, schema),
        own=own,
        default=default,
        cutoffs=cutoffs,
    )


def _schema_of(pipeline: Any, read: Reference | None) -> Schema:
    for step in (step for _, step in getattr(pipeline, "steps", ())):
        if isinstance(getattr(step, "schema_", None), Schema):
            found: Schema = step.schema_
            return found
    if read is None:
        raise SchemaError("a schema is needed, or reference rows to infer one from")
    return Schema(Schema.infer(read.frame).fields, ignored=read.dropped)


def _first_error(schema: Schema, frame: pd.DataFrame) -> str:
    for record in records_of(schema, frame.head(1)):
        try:
            schema.read(record)
        except InvalidRecord as error:
            return f"; the first: {error}"
    return ""


def _typical(compiled: CompiledPipeline, columns: Kept) -> list[float | None]:
    """Give what is usual for each numeric field, so that no reason speaks against its contribution."""
    fields, explain = compiled.schema.fields, compiled.explain_one
    if columns is None:
        return [None] * len(fields)
    medians = [_median(field, column) for field, column in zip(fields, columns, strict=True)]
    measured = {place: np.asarray(columns[place]) for place, usual in enumerate(medians) if usual is not None}
    if explain is None or not measured:
        return medians
    ends = [turn(column) for column in measured.values() for turn in (np.nanargmin, np.nanargmax)]
    step = 1 + len(columns[0]) // EXPLAINED_ROWS
    some = np.union1d(np.arange(0, len(columns[0]), step), np.array(ends[:EXPLAINED_ENDS]))
    rows = rows_of(compiled.schema, [column[some] for column in columns])
    shares = np.array([explain(row)[1] for row in rows])
    return [
        usual if usual is None else _usual(usual, measured[place], some, shares[:, place])
        for place, usual in enumerate(medians)
    ]


def _usual(median: float, column: Floats, some: NDArray[np.intp], shares: Floats) -> float:
    """Give the median, or where the contribution turns from one sign to the other if values lie between.

    A linear model's contribution turns at the mean. Whoever lies between median and mean would be told
    of a value that is usual on one side, and a contribution that belongs to the other.
    """
    known = (shares != 0) & ~np.isnan(column[some])
    order = np.argsort(column[some][known], kind="stable")
    numbers, shares = column[some][known][order], shares[known][order]
    turns = np.flatnonzero(np.diff(np.sign(shares)))
    if len(turns) != 1:
        return median
    (low, high), (first, second) = numbers[turns[0] :][:2], shares[turns[0] :][:2]
    turn = float(low - first * (high - low) / (second - first))
    between = (column > min(median, turn)) & (column < max(median, turn))
    return turn if between.any() else median


def _median(field: Field, column: Column) -> float | None:
    if isinstance(column, Coded) or field.kind == "boolean" or np.isnan(column).all():
        return None
    return float(np.nanmedian(column))


def _drift_reference(schema: Schema, columns: list[Column], scores: Floats) -> DriftReference | None:
    """Measure how the reference rows and their scores are distributed."""
    answered = np.isfinite(scores)
    if not answered.any():
        return None
    scores, columns = scores[answered], [column[answered] for column in columns]
    values: dict[str, Any] = {
        field.name: column if field.kind == "number" else values_of(field, column)
        for field, column in zip(schema.fields, columns, strict=True)
    }
    coded = [field.name for field in schema.fields if field.kind in ("category", "boolean")]
    return DriftReference.measure(values, scores, categorical=coded)


def _scores(compiled: CompiledPipeline, columns: list[Column]) -> Floats:
    """Give the probabilities of all reference rows; their last digits are no matter to a distribution."""
    if compiled.form is None and compiled.original is not None:
        return compiled.original.asked_together().answers(rows_of(compiled.schema, columns))
    return compiled.predict(columns)


def _kept(schema: Schema, frame: pd.DataFrame | None) -> Kept:
    """Give the columns of the rows that the schema accepts."""
    if frame is None:
        return None
    columns, bad = read_frame(schema, frame)
    return [column[~bad] for column in columns]
