"""The decisions on a frame as an Arrow table, whose schema is known before the first row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.errors import MissingExtra
from morosidad.policy.decision import OUTCOMES
from morosidad.policy.reason_table import ReasonTable
from morosidad.scoring.frames.refusals import row_errors
from morosidad.scoring.frames.results import FrameDecisions
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pyarrow as pa


def arrow() -> Any:
    """Import pyarrow, or name the extra that brings it."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtra("a table of decisions", "parquet") from None
    return pyarrow


def result_schema(model: StoredModel, *, ids: bool = False, reasons: bool = False) -> pa.Schema:
    """Say which columns a table of decisions has, in their order, and what they hold.

    Parameters
    ----------
    model : StoredModel
        What answers: its policy may have rules and points.
    ids, reasons : bool
        Whether there are ids, and whether reasons were asked for.

    Returns
    -------
    Schema
        ``request_id`` (string), ``probability`` (float64), ``label`` (int8), ``confidence`` (float64),
        ``outcome`` (string), ``points`` (int64, or float64 where the scale does not round), ``rules`` and
        ``warnings`` (lists of strings), ``reasons`` (a list of structs: code, field, text, contribution,
        value, kind) and ``error`` (string). Ids, points, rules and reasons are there where there are any.
    """
    pa = arrow()
    texts = pa.list_(pa.string())
    points = model.policy.points
    columns = [
        ("request_id", pa.string(), ids),
        ("probability", pa.float64(), True),
        ("label", pa.int8(), True),
        ("confidence", pa.float64(), True),
        ("outcome", pa.string(), True),
        ("points", pa.int64() if points is not None and points.round else pa.float64(), points is not None),
        ("rules", texts, model.rules is not None),
        ("warnings", texts, True),
        ("reasons", pa.list_(_reason()), reasons),
        ("error", pa.string(), True),
    ]
    return _schema([(name, kind) for name, kind, there in columns if there])


def result_table(decided: FrameDecisions) -> pa.Table:
    """Give decisions as a table.

    Parameters
    ----------
    decided : FrameDecisions
        What was decided about the rows of a frame.

    Returns
    -------
    Table
        With the columns of `result_schema`; what `Scorer.score_frame` leaves empty is null.
    """
    pa = arrow()
    model, answers, ids, reasons = decided
    unscored = np.isnan(answers.probabilities)
    confidence = np.maximum(answers.probabilities, 1.0 - answers.probabilities)
    codes = answers.outcome_codes(model)
    schema = result_schema(model, ids=ids is not None, reasons=reasons is not None)
    columns: dict[str, Any] = {
        "request_id": None if ids is None else pa.array(ids.texts, pa.string()),
        "probability": pa.array(answers.probabilities, mask=unscored),
        "label": pa.array(answers.labels.astype(np.int8), mask=unscored),
        "confidence": pa.array(confidence, mask=unscored),
        "outcome": pa.array(OUTCOMES).take(pa.array(codes, mask=codes < 0)),
        "points": None if answers.points is None else _points(answers.points, schema.field("points").type),
        "rules": None if answers.rules is None else _texts(answers.rules.codes().tolist()),
        "warnings": _texts(answers.warnings or []),
        "reasons": None if reasons is None else _reasons(reasons, answers.decided),
        "error": pa.array(_errors(decided), pa.string()),
    }
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _schema(columns: list[tuple[str, Any]]) -> pa.Schema:
    schema: pa.Schema = arrow().schema(columns)
    return schema


def _reason() -> Any:
    pa = arrow()
    texts = [(name, pa.string()) for name in ("code", "field", "text")]
    return pa.struct([*texts, ("contribution", pa.float64()), ("value", pa.string()), ("kind", pa.string())])


def _points(points: Floats, kind: Any) -> pa.Array:
    gaps = np.isnan(points)
    return arrow().array(np.where(gaps, 0.0, points), mask=gaps).cast(kind)


def _texts(cells: Sequence[Sequence[str]]) -> pa.Array:
    pa = arrow()
    return pa.array(cells, pa.list_(pa.string()))


def _errors(decided: FrameDecisions) -> list[str | None]:
    """Say why rows have no decision."""
    answers, ids = decided.answers, decided.ids
    found: list[str | None] = [None] * len(answers.probabilities)
    refused = np.flatnonzero(~answers.decided).tolist()
    if ids is not None:
        for place, error in ids.errors.items():
            found[place] = str(error)
        refused = [place for place in refused if place not in ids.errors]
    if refused:
        why = row_errors(decided.model, answers.table.iloc[refused])
        for place, row_error in zip(refused, why, strict=True):
            found[place] = str(row_error)
    return found


def _reasons(tables: Sequence[ReasonTable], decided: NDArray[np.bool_]) -> pa.Array:
    """Give the reasons of all rows; null where there is no decision."""
    pa = arrow()
    numbers = np.zeros(len(decided), dtype=np.int32)
    if tables:
        numbers[decided] = np.concatenate([(table.which >= 0).sum(axis=1) for table in tables])
    offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
    empty = pa.array([], _reason())
    same = [list(group) for _, group in groupby(tables, key=lambda table: id(table.kinds))]
    values = pa.chunked_array([empty, *map(_structs, same)]).combine_chunks()
    return pa.ListArray.from_arrays(
        pa.array(offsets), values, type=pa.list_(_reason()), mask=pa.array(~decided)
    )


def _structs(tables: Sequence[ReasonTable]) -> pa.Array:
    """Give all reasons of tables of the same kinds, those of one decision after those of the one before."""
    pa = arrow()
    which = pa.array(np.concatenate([table.which[table.which >= 0] for table in tables]))
    shares = np.concatenate([table.contributions[table.which >= 0] for table in tables])
    parts = {
        name: pa.array([getattr(reason, name) for reason in tables[0].kinds], pa.string()).take(which)
        for name in ("code", "field", "text", "value", "kind")
    }
    parts["contribution"] = pa.array(shares)
    return pa.StructArray.from_arrays([parts[field.name] for field in _reason()], fields=list(_reason()))
