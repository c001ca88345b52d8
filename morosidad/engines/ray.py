"""Data sets of Ray: each block scored by a worker of the cluster, in batches of Arrow."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from morosidad.engines.carried import CarriedModel
from morosidad.engines.partitions import Wanted, score_partition
from morosidad.errors import MissingExtra
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pyarrow as pa


def score_ray(
    ds: Any,
    scorer: Scorer,
    *,
    ids: str | None = None,
    reasons: bool = False,
    missing_columns: str = "raise",
    report: bool = False,
) -> Any:
    """Decide on the rows of a data set of Ray, when it is consumed.

    The model is put into Ray's store of objects once; each worker makes it a scorer once. A block whose
    worker dies is done again by Ray. The workers need this library.

    Parameters
    ----------
    ds : ray.data.Dataset
        One applicant a row.
    scorer : Scorer
        Who decides; its parts stay behind.
    ids : str, optional
        The column that holds the ids of the requests. That none comes twice is seen within a block only.
    reasons : bool, default=False
        Add the column ``reasons``.
    missing_columns : {'raise', 'ignore'}, default='raise'
        As in `Scorer.score_frame`.
    report : bool, default=False
        Add the column ``counts``, which `batch_report` reads.

    Returns
    -------
    ray.data.Dataset
        One block for each of `ds`, with the order of its rows, and the columns of `Scorer.score_frame` with
        ``errors="coerce"``; ``reasons`` holds structs, and ``error`` says why a row has no decision. The
        blocks come in the order of `ds` where Ray's ``preserve_order`` is set.

    Raises
    ------
    InvalidFrame
        If columns are missing.
    MissingExtra
        If Ray's data sets or pyarrow are not installed.
    """
    try:
        ray: Any = import_module("ray")
        import_module("ray.data")
    except ImportError:
        raise MissingExtra("score_ray", "ray") from None
    import pandas as pd

    carried, wanted = CarriedModel(scorer), Wanted(ids, reasons, missing_columns, report)
    wanted.check(scorer, pd.DataFrame(columns=ds.columns()))
    scored = partial(_scored, model=ray.put(carried), wanted=wanted)
    return ds.map_batches(scored, batch_size=None, batch_format="pyarrow", zero_copy_batch=True)


def _scored(table: pa.Table, model: Any, wanted: Wanted) -> pa.Table:
    ray: Any = import_module("ray")
    return score_partition(table, ray.get(model), wanted)


def counts_of(scored: Any) -> tuple[int, list[bytes]]:
    """Give how many rows a scored data set has, and what its column of counts holds.

    Parameters
    ----------
    scored : ray.data.Dataset
        As `score_ray` gives it with ``report=True``.

    Returns
    -------
    tuple of (int, list of bytes)
    """
    rows, cells = 0, []
    for batch in scored.select_columns(["counts"]).iter_batches(batch_format="pyarrow", batch_size=None):
        rows += batch.num_rows
        cells += [cell for cell in batch["counts"].to_pylist() if cell is not None]
    return rows, cells
