"""The processes of one machine: a frame in slices, scored by workers of joblib."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from morosidad._dataframes import as_pandas
from morosidad.engines.carried import CarriedModel
from morosidad.engines.partitions import Wanted, as_frame, score_partition
from morosidad.errors import InvalidFrame
from morosidad.scoring.frames.arrow_results import arrow
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ATTEMPTS = 4  # at a slice, as Spark has it


def score_joblib(
    frame: Any,
    scorer: Scorer,
    *,
    n_jobs: int | None = -1,
    rows: int = 50_000,
    ids: str | None = None,
    reasons: bool = False,
    missing_columns: str = "raise",
    report: bool = False,
) -> pd.DataFrame:
    """Decide on the rows of a data frame in several processes of this machine.

    `Scorer.score_frame` uses several threads by itself; processes pay where Python code is the larger part:
    a model that is not compiled, or reasons of one that is explained row by row.

    Parameters
    ----------
    frame : DataFrame
        One applicant a row; as `Scorer.score_frame` takes it.
    scorer : Scorer
        Who decides; its parts stay behind.
    n_jobs : int, optional
        Processes, as in `joblib.Parallel`; by default as many as processors. `joblib.parallel_config`
        chooses another backend.
    rows : int, default=50000
        Rows that a process is given at a time.
    ids : str, optional
        The column that holds the ids of the requests.
    reasons : bool, default=False
        Add the column ``reasons``.
    missing_columns : {'raise', 'ignore'}, default='raise'
        As in `Scorer.score_frame`.
    report : bool, default=False
        Add the column ``counts``, which `batch_report` reads.

    Returns
    -------
    DataFrame
        With the index of `frame`, and the columns of `Scorer.score_frame` with ``errors="coerce"``;
        ``reasons`` holds structs, and ``error`` says why a row has no decision.

    Raises
    ------
    InvalidFrame
        If columns are missing, or ids come twice in different slices.
    MissingExtra
        If pyarrow is not installed.
    """
    table = as_pandas(frame)
    carried, wanted = CarriedModel(scorer), Wanted(ids, reasons, missing_columns, report)
    wanted.check(scorer, table.iloc[:0])
    parts = [table.iloc[start : start + rows] for start in range(0, len(table), rows)]
    done = [wanted.schema(scorer).empty_table(), *_all_scored(parts, carried, wanted, n_jobs)]
    found = arrow().concat_tables(done)
    if ids is not None:
        _refuse_repeated(found["request_id"])
    return as_frame(found, table.index)


def _all_scored(
    parts: Sequence[pd.DataFrame], carried: CarriedModel, wanted: Wanted, n_jobs: int | None
) -> list[pa.Table]:
    """Score every slice; those that a killed process had in hand are done again by new ones."""
    from joblib import Parallel, delayed

    done: list[pa.Table] = []
    for attempt in range(1, _ATTEMPTS + 1):
        processes: Any = Parallel(n_jobs=n_jobs, return_as="generator")
        calls = (delayed(score_partition)(part, carried, wanted) for part in parts[len(done) :])
        try:
            for table in processes(calls):
                done.append(table)  # noqa: PERF402 - what was done before a process died is kept
            break
        except BrokenProcessPool:
            if attempt == _ATTEMPTS:
                raise
    return done


def _refuse_repeated(ids: pa.ChunkedArray) -> None:
    """Refuse ids that come again in another slice, as `Scorer.score_frame` refuses them in one frame."""
    known = ids.drop_null()
    repeated = len(known) - len(known.unique())
    if repeated:
        raise InvalidFrame(f"{repeated} ids stand in an earlier slice of the frame too", ["request_id"])
