"""Data frames of Dask: each partition scored by the worker that holds it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from morosidad.engines.carried import CarriedModel
from morosidad.engines.partitions import Wanted, as_frame, score_partition
from morosidad.errors import MissingExtra
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd


def score_dask(
    ddf: Any,
    scorer: Scorer,
    *,
    ids: str | None = None,
    reasons: bool = False,
    missing_columns: str = "raise",
    report: bool = False,
) -> Any:
    """Decide on the rows of a data frame of Dask, when it is computed.

    The model is one task of the graph, so that each worker is sent it once, and makes it a scorer once. A
    partition whose worker dies is done again by Dask.

    Parameters
    ----------
    ddf : dask.dataframe.DataFrame
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
    dask.dataframe.DataFrame
        With the index, the divisions and the order of `ddf`, and the columns of `Scorer.score_frame` with
        ``errors="coerce"``; ``reasons`` holds structs, and ``error`` says why a row has no decision.

    Raises
    ------
    InvalidFrame
        If columns are missing.
    MissingExtra
        If Dask's data frames or pyarrow are not installed.
    """
    try:
        import dask.dataframe  # noqa: F401 - it needs pandas and pyarrow
        from dask.delayed import delayed
    except ImportError:
        raise MissingExtra("score_dask", "dask") from None
    carried, wanted = CarriedModel(scorer), Wanted(ids, reasons, missing_columns, report)
    wanted.check(scorer, ddf._meta.iloc[:0])
    meta = as_frame(wanted.schema(scorer).empty_table(), ddf._meta.index[:0])
    model = delayed(carried, pure=True, traverse=False)
    return ddf.map_partitions(partial(_scored, wanted=wanted), model, meta=meta)


def counts_of(scored: Any) -> tuple[int, list[bytes]]:
    """Give how many rows a scored frame has, and what its column of counts holds.

    Parameters
    ----------
    scored : dask.dataframe.DataFrame
        As `score_dask` gives it with ``report=True``.

    Returns
    -------
    tuple of (int, list of bytes)
    """
    found = scored["counts"].map_partitions(_cells, meta=(None, object)).compute()
    return sum(rows for rows, _ in found), [cell for _, cells in found for cell in cells]


def _scored(frame: pd.DataFrame, carried: CarriedModel, wanted: Wanted) -> pd.DataFrame:
    return as_frame(score_partition(frame, carried, wanted), frame.index)


def _cells(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series([(len(column), column.dropna().tolist())], dtype=object)
