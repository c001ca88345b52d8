"""Data frames of Spark: each partition scored by a Python worker of its executor, in batches of Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from morosidad.engines.carried import CarriedModel
from morosidad.engines.partitions import Wanted, score_partition
from morosidad.errors import MissingExtra
from morosidad.scoring.frames.arrow_results import arrow
from morosidad.scoring.frames.ids import SeenIds
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pyarrow as pa


def score_spark(
    df: Any,
    scorer: Scorer,
    *,
    ids: str | None = None,
    reasons: bool = False,
    missing_columns: str = "raise",
    report: bool = False,
) -> Any:
    """Decide on the rows of a data frame of Spark, when an action wants them.

    The model is broadcast: each executor is sent it once, and each of its Python workers makes it a scorer
    once. A task that fails, or whose executor dies, is done again by Spark. The workers need this library.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        One applicant a row.
    scorer : Scorer
        Who decides; its parts stay behind.
    ids : str, optional
        The column that holds the ids of the requests. That none comes twice is seen within a partition only.
    reasons : bool, default=False
        Add the column ``reasons``.
    missing_columns : {'raise', 'ignore'}, default='raise'
        As in `Scorer.score_frame`.
    report : bool, default=False
        Add the column ``counts``, which `batch_report` reads.

    Returns
    -------
    pyspark.sql.DataFrame
        With the partitions of `df` and the order of their rows, and the columns of `Scorer.score_frame` with
        ``errors="coerce"``: ``label`` is a byte, ``outcome`` a string, ``warnings`` and ``rules`` are arrays,
        ``reasons`` is one of structs, and ``error`` says why a row has no decision.

    Raises
    ------
    InvalidFrame
        If columns are missing.
    MissingExtra
        If PySpark or pyarrow are not installed.
    """
    try:
        from pyspark.sql.pandas.types import (  # pyright: ignore[reportMissingImports]
            from_arrow_schema,
        )
    except ImportError:
        raise MissingExtra("score_spark", "spark") from None
    import pandas as pd

    carried, wanted = CarriedModel(scorer), Wanted(ids, reasons, missing_columns, report)
    wanted.check(scorer, pd.DataFrame(columns=df.columns))
    schema = from_arrow_schema(wanted.schema(scorer))
    return df.mapInArrow(_ScoreBatches(_broadcast(df, carried), wanted), schema)


class _ScoreBatches:
    """Scores the batches of a partition; PySpark pickles it for its workers."""

    def __init__(self, model: Any, wanted: Wanted) -> None:
        self._model, self._wanted = model, wanted

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model: CarriedModel = getattr(self._model, "value", self._model)
        seen = None if self._wanted.ids is None else SeenIds()
        for batch in batches:
            table = score_partition(arrow().Table.from_batches([batch]), model, self._wanted, seen=seen)
            yield from table.combine_chunks().to_batches()


def _broadcast(df: Any, carried: CarriedModel) -> Any:
    """Broadcast the model; a client of Spark Connect can't, and sends it with the task."""
    if type(df).__module__.startswith("pyspark.sql.connect"):
        return carried
    return df.sparkSession.sparkContext.broadcast(carried)


def counts_of(scored: Any) -> tuple[int, list[bytes]]:
    """Give how many rows a scored frame has, and what its column of counts holds.

    Parameters
    ----------
    scored : pyspark.sql.DataFrame
        As `score_spark` gives it with ``report=True``.

    Returns
    -------
    tuple of (int, list of bytes)
    """
    from pyspark.sql import functions  # pyright: ignore[reportMissingImports]

    row = scored.agg(functions.count("*"), functions.collect_list("counts")).first()
    return row[0], [bytes(cell) for cell in row[1]]
