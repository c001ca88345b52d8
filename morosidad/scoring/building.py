"""Construction of a scoring model from a fitted pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import as_pandas, select
from morosidad._typing import Floats
from morosidad.compiler import check_classifier, compile_pipeline
from morosidad.compiler.pipeline import CompiledPipeline, rows_of
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.errors import InvalidFrame, InvalidRecord, SchemaError
from morosidad.frames.reading import Coded, Column, read_frame
from morosidad.frames.records import records_of
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.cutoffs import Policy
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.scoring.model import ScoringModel

if TYPE_CHECKING:
    import pandas as pd

Kept = list[Column] | None

EXPLAINED_ROWS = 200
"""About so many rows tell where contributions turn."""


def build_model(
    pipeline: Any,
    *,
    schema: Schema | None,
    reference: pd.DataFrame | None,
    policy: Policy,
    name: str,
    version: str,
    training: dict[str, Any],
) -> ScoringModel:
    """Compile a fitted pipeline and put what a scorer needs around it.

    Parameters
    ----------
    pipeline, schema, reference, policy, name, version, training
        As in `Scorer`.

    Returns
    -------
    ScoringModel

    Raises
    ------
    UnsupportedModel, InvalidFrame, SchemaError
        As in `Scorer`.
    """
    check_classifier(pipeline)
    frame = None if reference is None else as_pandas(reference)
    schema = schema or _schema_of(pipeline, frame)
    rows = [] if frame is None else as_rows(schema, records_of(schema, frame))
    if frame is not None and not rows:
        raise InvalidFrame(f"no reference row fits the schema{_first_error(schema, frame)}")
    compiled = compile_pipeline(
        pipeline,
        schema,
        rows,
        dtypes=_dtypes(pipeline, schema, frame),
        cutoffs=(policy.review_at, policy.decline_at),
    )
    columns = _kept(compiled.schema, frame)
    return ScoringModel(
        compiled,
        policy,
        name=name,
        version=version,
        classes=list(pipeline.classes_),
        typical=_typical(compiled, columns),
        training=training,
        drift_reference=_drift_reference(compiled, columns),
    )


def _schema_of(pipeline: Any, frame: pd.DataFrame | None) -> Schema:
    for step in (step for _, step in getattr(pipeline, "steps", ())):
        if isinstance(getattr(step, "schema_", None), Schema):
            found: Schema = step.schema_
            return found
    if frame is None:
        raise SchemaError("a schema is needed, or reference rows to infer one from")
    names = getattr(pipeline, "feature_names_in_", None)
    return Schema.infer(frame if names is None else select(frame, [str(name) for name in names]))


def _dtypes(pipeline: Any, schema: Schema, frame: pd.DataFrame | None) -> dict[str, Any]:
    """Find the data types that the model can't do without: with plain values it answers otherwise.

    They are pandas' categories, objects that hold True, False and NaN, and (as None) objects among
    which a missing value is None: scikit-learn's encoders tell it from NaN.
    """
    import pandas as pd

    if frame is None:
        return {}
    fields = [field for field in schema.fields if field.name in frame.columns]
    kinds = {field.name: frame[field.name].dtype for field in fields}
    categories = {name: kind for name, kind in kinds.items() if isinstance(kind, pd.CategoricalDtype)}
    truths = [field.name for field in fields if field.kind == "boolean" and kinds[field.name].kind == "O"]
    special = {**categories, **{name: kinds[name] for name in truths}}
    texts = [f.name for f in fields if f.kind == "category" and kinds[f.name].kind == "O"]
    nones = {name: None for name in texts if any(value is None for value in frame[name])}
    if not special and not nones:
        return {}
    some = frame.head(100)
    try:
        plain = some.astype(dict.fromkeys(categories, object) | dict.fromkeys(truths, float))
        answers = pipeline.predict_proba(plain)
    except Exception:
        return special | nones
    return nones if np.array_equal(answers, pipeline.predict_proba(some)) else special | nones


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
    some = np.union1d(np.arange(0, len(columns[0]), step), np.array(ends))
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


def _drift_reference(compiled: CompiledPipeline, columns: Kept) -> DriftReference | None:
    """Measure how the reference rows and their scores are distributed."""
    if columns is None or not len(columns[0]):
        return None
    schema = compiled.schema
    values = dict(zip(schema.names, zip(*rows_of(schema, columns), strict=True), strict=True))
    coded = [field.name for field in schema.fields if field.kind in ("category", "boolean")]
    return DriftReference.measure(values, compiled.predict(columns), categorical=coded)


def _kept(schema: Schema, frame: pd.DataFrame | None) -> Kept:
    """Give the columns of the rows that the schema accepts."""
    if frame is None:
        return None
    columns, bad = read_frame(schema, frame)
    return [column[~bad] for column in columns]
