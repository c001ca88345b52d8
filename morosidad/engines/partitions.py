"""One partition scored in a worker: a frame in, a table out, with what was counted in one of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from morosidad.engines.carried import CarriedModel
from morosidad.engines.counted import COUNTS, PartitionCounts, counting
from morosidad.errors import InvalidFrame
from morosidad.policy.decision import OUTCOMES
from morosidad.scoring.frame_path import decide_frame
from morosidad.scoring.frames.arrow_results import arrow, result_schema, result_table
from morosidad.scoring.frames.ids import SeenIds
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes
    ----------
    ids : str, optional
        The column that holds the ids of the requests.
    reasons : bool
        Whether the reasons are told.
    missing_columns : {'raise', 'ignore'}
        As in `Scorer.score_frame`.
    report : bool
        Whether what is counted comes along.
    """

    ids: str | None = None
    reasons: bool = False
    missing_columns: str = "raise"
    report: bool = False

    def schema(self, scorer: Scorer) -> pa.Schema:
        """Say what the columns of the results are.

        Parameters
        ----------
        scorer : Scorer
            Who decides.

        Returns
        -------
        Schema
        """
        schema = result_schema(scorer._model, ids=self.ids is not None, reasons=self.reasons)
        return schema.append(arrow().field(COUNTS, arrow().binary())) if self.report else schema

    def check(self, scorer: Scorer, empty: Any) -> None:
        """Refuse, before anything is sent, a frame that lacks columns.

        Parameters
        ----------
        scorer : Scorer
            Who decides.
        empty : DataFrame
            No rows, with the columns of the frame.

        Raises
        ------
        InvalidFrame
            As `Scorer.score_frame`.
        """
        if self.ids is not None and not isinstance(self.ids, str):
            raise InvalidFrame("the name of a column of ids was expected")
        decide_frame(scorer._path, empty, ids=self.ids, missing_columns=self.missing_columns)


def score_partition(
    frame: Any, carried: CarriedModel, wanted: Wanted, *, seen: SeenIds | None = None
) -> pa.Table:
    """Decide on the rows of a partition.

    Parameters
    ----------
    frame : DataFrame or Table
        One applicant a row.
    carried : CarriedModel
        Who decides.
    wanted : Wanted
        What is asked for.
    seen : SeenIds, optional
        The ids of earlier rows of the partition.

    Returns
    -------
    Table
        One row for each, in the same order, with the columns of `Wanted.schema`.
    """
    pa, scorer = arrow(), carried.scorer()
    if isinstance(frame, pa.Table):
        frame = _frame(frame)
    asked = counting(scorer) if wanted.report else scorer
    decided = decide_frame(
        asked._path,
        frame,
        ids=wanted.ids,
        reasons=wanted.reasons,
        missing_columns=wanted.missing_columns,
        threads=False,
        seen=seen,
    )
    table = result_table(decided)
    if not wanted.report:
        return table
    rows, refused = table.num_rows, int((~decided.answers.decided).sum())
    cells = [PartitionCounts.of(asked, rows, refused).encoded(), *[None] * (rows - 1)] if rows else []
    return table.append_column(pa.field(COUNTS, pa.binary()), pa.array(cells, pa.binary()))


def _frame(table: pa.Table) -> pd.DataFrame:
    """Give a table as a frame of pandas; integers stay what they are where some are missing."""
    import pandas as pd

    integers = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    kinds = {arrow().type_for_alias(name.lower()): pd.api.types.pandas_dtype(name) for name in integers}
    found: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return found


def as_frame(table: pa.Table, index: Any = None) -> pd.DataFrame:
    """Give a table of decisions as a frame of pandas, with the same data types for every partition.

    Parameters
    ----------
    table : Table
        As `score_partition` gives it.
    index : Index, optional
        That of the rows.

    Returns
    -------
    DataFrame
        ``probability`` and ``confidence`` are float64, ``label`` is Int8, ``outcome`` categorical, ``points``
        Int64 or float64; the others are arrays of Arrow.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name]
        if column.type == arrow().float64():
            columns[name] = column.to_numpy()
        elif column.type == arrow().int64():
            columns[name] = pd.array(column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get))
        elif name == "label":
            columns[name] = pd.array(column.to_pandas(types_mapper={arrow().int8(): pd.Int8Dtype()}.get))
        elif name == "outcome":
            columns[name] = pd.Categorical(column.to_pandas(), categories=list(OUTCOMES))
        else:
            columns[name] = pd.arrays.ArrowExtensionArray(column)
    found = pd.DataFrame(columns)
    return found if index is None else found.set_axis(index)
