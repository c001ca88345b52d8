"""From a fitted pipeline to a model: the schema, the compilation, what is typical."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.compiler import compile_pipeline
from morosidad.compiler.parity import as_rows
from morosidad.decision import Policy
from morosidad.errors import SchemaError
from morosidad.model import Model
from morosidad.schema import Schema
from morosidad.tables import Coded, as_pandas, read_frame

if TYPE_CHECKING:
    import pandas as pd


def build_model(
    pipeline: Any,
    *,
    schema: Schema | None,
    reference: pd.DataFrame | None,
    policy: Policy,
    name: str,
    version: str,
    training: dict[str, Any],
) -> Model:
    """Compile a fitted pipeline and put what a scorer needs around it; see `Scorer`."""
    frame = None if reference is None else as_pandas(reference)
    schema = schema or _schema_of(pipeline, frame)
    rows = [] if frame is None else as_rows(schema, frame[_known(schema, frame)].to_dict("records"))
    compiled = compile_pipeline(pipeline, schema, rows, dtypes=_dtypes(pipeline, schema, frame))
    return Model(
        compiled,
        policy,
        name=name,
        version=version,
        classes=list(pipeline.classes_),
        typical=_typical(schema, frame),
        training=training,
    )


def _schema_of(pipeline: Any, frame: pd.DataFrame | None) -> Schema:
    for step in (step for _, step in getattr(pipeline, "steps", ())):
        if isinstance(getattr(step, "schema_", None), Schema):
            found: Schema = step.schema_
            return found
    if frame is None:
        raise SchemaError("a schema is needed, or reference rows to infer one from")
    names = getattr(pipeline, "feature_names_in_", None)
    return Schema.infer(frame if names is None else frame[[str(name) for name in names]])


def _known(schema: Schema, frame: pd.DataFrame) -> list[str]:
    known = {*schema.names, *(alias for field in schema.fields for alias in field.aliases)}
    return [column for column in frame.columns if column in known]


def _dtypes(pipeline: Any, schema: Schema, frame: pd.DataFrame | None) -> dict[str, Any]:
    """Find the pandas categories that the model can't do without: with plain values it answers otherwise."""
    import pandas as pd

    if frame is None:
        return {}
    kinds = {name: frame[name].dtype for name in schema.names if name in frame.columns}
    categories = {name: kind for name, kind in kinds.items() if isinstance(kind, pd.CategoricalDtype)}
    some = frame.head(100)
    try:
        plain = pipeline.predict_proba(some.astype(dict.fromkeys(categories, object)))
    except Exception:
        return categories
    return {} if np.array_equal(plain, pipeline.predict_proba(some)) else categories


def _typical(schema: Schema, frame: pd.DataFrame | None) -> list[float | None]:
    """Give each numeric field's median among the reference rows."""
    if frame is None:
        return [None] * len(schema)
    columns, bad = read_frame(schema, frame)
    medians: list[float | None] = []
    for field, column in zip(schema.fields, columns, strict=True):
        numbers = np.empty(0) if isinstance(column, Coded) or field.kind == "boolean" else column[~bad]
        numbers = numbers[~np.isnan(numbers)]
        medians.append(float(np.median(numbers)) if len(numbers) else None)
    return medians
