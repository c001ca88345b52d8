"""The path of a data frame: many applicants scored at once, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import as_pandas, like
from morosidad._typing import Floats
from morosidad.compiler.pipeline import each_chunk
from morosidad.errors import InvalidFrame
from morosidad.frames.reading import Column, FrameReader
from morosidad.frames.unusual import unusual_values
from morosidad.languages import say
from morosidad.progress import tqdm_for
from morosidad.scoring.frames.frame_rules import FrameRules
from morosidad.scoring.frames.ids import SeenIds, row_ids
from morosidad.scoring.frames.publishing import FrameAnswers, publish
from morosidad.scoring.frames.refusals import refuse_gaps
from morosidad.scoring.frames.results import FrameDecisions, results_frame
from morosidad.scoring.frames.unusual_rows import UnusualRows
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.policy.cutoffs import Policy


def answer_frame(
    model: StoredModel,
    frame: Any,
    *,
    warnings: bool = False,
    missing_columns: str = "raise",
    as_records: bool = False,
    progress: bool = False,
    again: bool = False,
    decide: bool = False,
    bands: bool = False,
    threads: bool = True,
) -> FrameAnswers:
    """Ask the model about every row.

    The frame is read in chunks, on all cores where that pays, so that what is needed besides it
    stays bounded. An original that is not compiled is asked chunk by chunk, and uses what cores it will.

    Parameters
    ----------
    model : StoredModel
        What answers.
    frame : DataFrame or ndarray
        One applicant a row.
    warnings : bool, default=False
        Say what is unusual about each row.
    missing_columns : {'raise', 'ignore'}
        What to do where a column is missing that the model uses.
    as_records : bool, default=False
        Refuse rows that no record can express, even where the original can be asked about them.
    progress : bool, default=False
        Show a progress bar.
    again : bool, default=False
        Whether the rows will be read again.
    decide : bool, default=False
        Whether the rules of the policy are asked too, and points given where it gives any.
    bands : bool, default=False
        Whether they are asked what they would decide in each band of the cut-offs.
    threads : bool, default=True
        Whether all cores may be used.

    Returns
    -------
    FrameAnswers

    Raises
    ------
    InvalidFrame
        If columns are missing.
    """
    if missing_columns not in ("raise", "ignore"):
        raise ValueError("missing_columns: 'raise' or 'ignore' was expected")
    table = by_field(model, frame)
    needed = model.compiled.used if missing_columns == "raise" else ()
    reader = FrameReader(model.schema, table, needed, keep=again)
    asked = _Asked(model, reader, UnusualRows(model, table, given=frame), len(table), warnings, decide, bands)
    unit = f" {say(model.language, 'figures.rows')}"
    with tqdm_for(progress)(total=len(table), unit=unit, unit_scale=True, disable=not progress) as bar:
        for done in each_chunk(asked.ask, len(table), parallel=threads and model.compiled.compiled):
            bar.update(done)
    if not as_records:
        asked.unusual.ask_original(asked.found, asked.labels)
    return FrameAnswers(
        table,
        asked.found,
        asked.labels,
        asked.told if warnings else None,
        asked.reader,
        asked.rules,
        asked.points,
    )


class _Asked:
    """The rows of one frame, and what the model answered about those that it was asked about so far."""

    def __init__(
        self,
        model: StoredModel,
        reader: FrameReader,
        unusual: UnusualRows,
        n: int,
        warn: bool,
        decide: bool,
        bands: bool,
    ) -> None:
        self.model, self.reader, self.unusual, self.warn = model, reader, unusual, warn
        self.rules = FrameRules(model, n, bands=bands) if decide and model.rules is not None else None
        self.found, self.labels = np.full(n, np.nan), np.zeros(n, dtype=bool)
        self.told: list[tuple[str, ...]] = [()] * n if warn else []
        self.points = np.full(n, np.nan) if decide and model.model_points is not None else None

    def ask(self, rows: slice) -> int:
        """Ask about a chunk of rows, on any thread; give how many they are."""
        columns, bad = self.reader.read(rows)
        bad |= self.unusual.rows[rows]
        columns = [column[~bad] for column in columns] if bad.any() else columns
        if self.warn:
            for place, words in unusual_values(self.model.schema, columns).items():
                self.told[rows.start + int(np.flatnonzero(~bad)[place])] = words
        if self.rules is None:
            self._score(rows, columns, ~bad)
        else:
            known = self.rules.ask_first(rows, columns, ~bad)
            kept = known[~bad]
            self._score(rows, columns if kept.all() else [column[kept] for column in columns], known)
            points = 0.0 if self.points is None else self.points[rows][~bad]
            self.rules.decide(rows, columns, ~bad, self.found[rows][~bad], points)
        return len(bad)

    def _score(self, rows: slice, columns: list[Column], known: NDArray[np.bool_]) -> None:
        """Ask about those rows of a chunk that are known; the columns hold no others."""
        try:
            if known.any():
                probability = self.model.compiled.predict(columns)
                self.found[rows][known] = probability
                self.labels[rows][known] = _labels(self.model, columns, probability)
                if self.points is not None and self.model.model_points is not None:
                    self.points[rows][known] = self.model.model_points.of_many(columns, probability)
        except Exception as error:  # its text may hold values of a row
            raise self.model.failed(error) from None


def labels_of(model: StoredModel, frame: Any) -> NDArray[np.bool_]:
    """Tell which rows of a frame have the label of default.

    Parameters
    ----------
    model : StoredModel
        What answers.
    frame : DataFrame or ndarray
        One applicant a row.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Raises
    ------
    InvalidFrame, PredictionError
        As `refuse_gaps`.
    """
    answers = answer_frame(model, frame)
    refuse_gaps(model, answers.table, answers.probabilities)
    return answers.labels


def by_field(model: StoredModel, frame: Any) -> pd.DataFrame:
    """Put a frame's columns under the names of the fields, where the model was fitted without names.

    Parameters
    ----------
    model : StoredModel
        What answers.
    frame : DataFrame or ndarray
        One applicant a row.

    Returns
    -------
    DataFrame

    Raises
    ------
    InvalidFrame
        If an array has another number of columns than the model.
    """
    import pandas as pd

    layout = model.compiled.layout
    columns = () if layout is None else layout.columns
    if isinstance(frame, np.ndarray) and frame.dtype.names:
        return pd.DataFrame({name: frame[name] for name in frame.dtype.names})
    if isinstance(frame, np.ndarray):
        if frame.ndim != 2 or frame.shape[1] != len(columns):
            expected = f"(n_rows, {len(columns)})" if columns else "a data frame"
            raise InvalidFrame(f"{expected} was expected, not an array of shape {frame.shape}")
        return pd.DataFrame(frame, columns=pd.Index([column.field for column in columns]))
    table = as_pandas(frame)
    unnamed = {column.name: column.field for column in columns if not isinstance(column.name, str)}
    if unnamed and not set(unnamed.values()) & set(table.columns):
        return table.rename(columns=unnamed)
    return table


def _labels(model: StoredModel, columns: Sequence[Column], probability: Floats) -> NDArray[np.bool_]:
    known = ~np.isnan(probability)
    if not model.compiled.own_labels or known.all():
        return model.compiled.labels(columns, probability)
    labels = np.zeros(len(probability), dtype=bool)
    labels[known] = model.compiled.labels([column[known] for column in columns], probability[known])
    return labels


def decide_frame(
    path: RecordPath,
    frame: Any,
    *,
    ids: str | Iterable[Any] | None = None,
    reasons: bool = False,
    errors: str = "coerce",
    missing_columns: str = "raise",
    progress: bool = False,
    policy: Policy | None = None,
    threads: bool = True,
    seen: SeenIds | None = None,
) -> FrameDecisions:
    """Decide on a frame's rows, and count, watch and log that.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    frame, ids, reasons, errors, missing_columns, progress, policy
        As in `Scorer.score_frame`.
    threads : bool, default=True
        Whether a large frame is read on all cores.
    seen : SeenIds, optional
        The ids of earlier rows, which may not come again.

    Returns
    -------
    FrameDecisions
    """
    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    active, start = path.under(policy), path.clock()
    model, whole = active.model, reasons or path.audit is not None
    decide = model.rules is not None or model.model_points is not None
    answers = answer_frame(
        model,
        frame,
        warnings=True,
        missing_columns=missing_columns,
        as_records=whole or decide,
        progress=progress,
        again=whole or active.drift is not None,
        decide=decide,
        threads=threads,
    )
    rows = None if ids is None else row_ids(answers.table, ids, model.schema, seen)
    if rows is not None:
        _leave_empty(answers, rows.bad)
    if errors == "raise":
        if rows is not None:
            rows.refuse()
        refuse_gaps(model, answers.table, np.where(answers.decided, 0.0, np.nan))
    texts = None if rows is None else rows.texts
    tables = publish(path, active, answers, path.clock() - start, texts, reasons=reasons)
    return FrameDecisions(model, answers, rows, tables if reasons else None)


def _leave_empty(answers: FrameAnswers, rows: NDArray[np.bool_]) -> None:
    """Take back what was answered about some rows."""
    answers.probabilities[rows] = np.nan
    if answers.rules is not None:
        answers.rules.outcomes[rows] = -1
    if answers.points is not None:
        answers.points[rows] = np.nan


def score_frame(path: RecordPath, frame: Any, **options: Any) -> Any:
    """Decide on a frame's rows; see `Scorer.score_frame`.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    frame : DataFrame or ndarray
        One applicant a row.
    **options
        As in `Scorer.score_frame`.

    Returns
    -------
    DataFrame
        As `Scorer.score_frame` gives it.
    """
    model, answers, ids, tables = decide_frame(path, frame, **options)
    reasons = None if tables is None else [texts for table in tables for texts in table.texts()]
    return like(frame, results_frame(model, answers, None if ids is None else ids.texts, reasons))
