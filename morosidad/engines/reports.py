"""One report on what all workers decided."""

from __future__ import annotations

from importlib import import_module
from inspect import ismethod
from typing import Any

import msgspec
import numpy as np

from morosidad.engines.counted import COUNTS, counting, summed
from morosidad.errors import InvalidFrame
from morosidad.kpis.counts import Counts
from morosidad.monitoring.drift import DriftReport
from morosidad.scoring.scorer import Scorer

_ENGINES = {
    "dask": "morosidad.engines.dask",
    "pyspark": "morosidad.engines.spark",
    "ray": "morosidad.engines.ray",
}


class BatchReport(msgspec.Struct, frozen=True, eq=False):
    """What was decided about the rows of one frame, wherever that was done.

    Attributes
    ----------
    rows : int
        The rows.
    refused : int
        Those without a decision, which have a text under ``error``.
    kpis : Counts
        Decisions by outcome, probabilities by bin, confidence, and the seconds of an answer; its own
        `seconds` are those of all workers together.
    rules : dict of str to int
        How often each rule of the policy fired, by its code.
    drift : DriftReport or None
        How far each field has moved from the reference, on all rows; None where the model has none.
    """

    rows: int
    refused: int
    kpis: Counts
    rules: dict[str, int]
    drift: DriftReport | None


def batch_report(scored: Any, scorer: Scorer) -> BatchReport:
    """Merge what the workers counted into one report.

    A frame of Dask, Spark or Ray that was not computed yet is computed for it: write it, or persist it,
    before.

    Parameters
    ----------
    scored : DataFrame, Dataset or Table
        All that a function of `morosidad.engines` gave with ``report=True``, or what was written of it and
        read again: of pandas, Dask, Spark, Ray, polars or pyarrow.
    scorer : Scorer
        Who decided.

    Returns
    -------
    BatchReport

    Raises
    ------
    InvalidFrame
        If there is no column ``counts``, if rows are missing or doubled, or if another model decided.
    """
    if COUNTS not in _names(scored):
        raise InvalidFrame(f"there is no column {COUNTS!r}: score with report=True", [COUNTS])
    rows, cells = _cells(scored)
    total = summed(scorer, cells)
    if rows != total.rows:
        raise InvalidFrame(f"{total.rows} rows were counted, and {rows} are there", [COUNTS])
    row = np.array(total.values)
    drift = counting(scorer).parts.get("drift")
    if drift is not None and total.drift_counts is not None:
        drift.add(total.drift_records, total.drift_counts)
    counts = Counts(row, 0.0)
    busy = (counts.mean_seconds or 0.0) * counts.total
    return BatchReport(
        rows,
        total.refused,
        Counts(row, busy),
        total.rules,
        None if drift is None else drift.report(scorer.language),
    )


def _names(scored: Any) -> list[Any]:
    """Name the columns of a frame of any library."""
    name = "column_names" if hasattr(scored, "column_names") else "columns"
    columns = getattr(scored, name, ())
    return list(columns() if ismethod(columns) else columns)


def _cells(scored: Any) -> tuple[int, list[bytes]]:
    """Give how many rows there are, and what the column of counts holds."""
    library = type(scored).__module__.partition(".")[0]
    if library in _ENGINES:
        found: tuple[int, list[bytes]] = import_module(_ENGINES[library]).counts_of(scored)
        return found
    import narwhals as nw

    frame = nw.from_native(scored).lazy().select(COUNTS).collect()
    return len(frame), frame[COUNTS].drop_nulls().to_list()
