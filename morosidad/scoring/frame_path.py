"""The path of a data frame: many applicants scored at once, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import as_pandas, like
from morosidad._typing import Floats
from morosidad.compiler.pipeline import each_chunk, rows_of
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.frames.reading import Column, FrameReader, read_frame
from morosidad.frames.records import records_of
from morosidad.frames.unusual import unusual_values
from morosidad.languages import say
from morosidad.policy.decision import OUTCOMES
from morosidad.progress import tqdm_for
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import StoredModel
from morosidad.scoring.unusual_rows import UnusualRows

if TYPE_CHECKING:
    import pandas as pd


class FrameAnswers(NamedTuple):
    """What the model answered about the rows of a frame.

    Attributes
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The rows, each column under the name that the schema knows.
    probabilities : ndarray of float64, shape (n_rows,)
        Of default; NaN where the schema or the model refuses the row.
    labels : ndarray of bool, shape (n_rows,)
        Whether the label is that of default; False where there is no probability.
    warnings : list of tuple of str, or None
        What is unusual about each row, where that was asked.
    """

    table: pd.DataFrame
    probabilities: Floats
    labels: NDArray[np.bool_]
    warnings: list[tuple[str, ...]] | None


def answer_frame(
    model: StoredModel,
    frame: Any,
    *,
    warnings: bool = False,
    missing_columns: str = "raise",
    as_records: bool = False,
    progress: bool = False,
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
    compiled, table = model.compiled, _by_field(model, frame)
    reader = FrameReader(model.schema, table, compiled.used if missing_columns == "raise" else ())
    found, labels = np.full(len(table), np.nan), np.zeros(len(table), dtype=bool)
    told: list[tuple[str, ...]] = [()] * len(table) if warnings else []
    unusual = UnusualRows(model, table, given=frame)

    def answer(rows: slice) -> int:
        columns, bad = reader.read(rows)
        bad |= unusual.rows[rows]
        columns = [column[~bad] for column in columns] if bad.any() else columns
        if warnings:
            for place, words in unusual_values(model.schema, columns).items():
                told[rows.start + int(np.flatnonzero(~bad)[place])] = words
        try:
            probability = compiled.predict(columns)
            found[rows][~bad] = probability
            labels[rows][~bad] = _labels(model, columns, probability)
        except Exception as error:  # its text may hold values of a row
            raise model.failed(error) from None
        return len(bad)

    unit = f" {say(model.language, 'figures.rows')}"
    with tqdm_for(progress)(total=len(table), unit=unit, unit_scale=True, disable=not progress) as bar:
        for done in each_chunk(answer, len(table), parallel=compiled.compiled):
            bar.update(done)
    if not as_records:
        unusual.ask_original(found, labels)
    return FrameAnswers(table, found, labels, told if warnings else None)


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


def _by_field(model: StoredModel, frame: Any) -> pd.DataFrame:
    """Put a frame's columns under the names of the fields, where the model was fitted without names."""
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


def refuse_gaps(model: StoredModel, frame: Any, found: Floats) -> None:
    """Raise what is wrong with the rows that have no probability, if there are any.

    Parameters
    ----------
    model : StoredModel
        What answered.
    frame : DataFrame
        One applicant a row.
    found : ndarray of float64, shape (n_rows,)
        The probability of each, NaN where there is none.

    Raises
    ------
    InvalidFrame
        If there are any: how many, and what is wrong with the first.
    PredictionError
        If nothing is wrong with it, and the model did not answer with a probability.
    """
    gaps = np.isnan(found)
    if gaps.any():
        first = int(gaps.argmax())
        why = row_errors(model, as_pandas(frame).iloc[[first]])[0]
        if isinstance(why, PredictionError):
            raise why
        message = (
            f"{int(gaps.sum())} of {len(gaps)} rows do not fit the schema; the first is row {first}: {why}"
        )
        raise InvalidFrame(message, [error.field for error in why.errors])


def row_errors(model: StoredModel, rows: pd.DataFrame) -> list[InvalidRecord | PredictionError]:
    """Find why each row of a frame has no probability.

    Parameters
    ----------
    model : StoredModel
        What answered.
    rows : DataFrame
        The rows without a probability.

    Returns
    -------
    list of InvalidRecord or PredictionError
        For each row: the schema refuses it, or the model gave none.
    """
    out: list[InvalidRecord | PredictionError] = []
    unusual = UnusualRows(model, rows, given=rows)
    for place, record in enumerate(records_of(model.schema, rows)):
        try:
            model.schema.read(record)
        except InvalidRecord as error:
            out.append(error)
        else:
            out.append(unusual.error(place) or model.no_probability())
    return out


def score_frame(
    path: RecordPath, frame: Any, *, reasons: bool, errors: str, missing_columns: str, progress: bool
) -> Any:
    """Decide on a frame's rows; see `Scorer.score_frame`.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    frame, reasons, errors, missing_columns, progress
        As in `Scorer.score_frame`.

    Returns
    -------
    DataFrame
        As `Scorer.score_frame` gives it.
    """
    import pandas as pd

    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    model, start = path.model, path.clock()
    answers = answer_frame(
        model,
        frame,
        warnings=True,
        missing_columns=missing_columns,
        as_records=reasons or path.audit is not None,
        progress=progress,
    )
    table, found = answers.table, answers.probabilities
    if errors == "raise":
        refuse_gaps(model, table, found)
    known = ~np.isnan(found)
    texts = iter(_publish(path, answers, known, path.clock() - start, reasons))
    out = pd.DataFrame(_results(model, answers), index=table.index)
    out["warnings"] = pd.Series(answers.warnings, index=out.index, dtype=object)
    if reasons:
        cells = [next(texts) if good else None for good in known]
        out["reasons"] = pd.Series(cells, index=out.index, dtype=object)
    return like(frame, out)


def _publish(
    path: RecordPath,
    answers: FrameAnswers,
    known: NDArray[np.bool_],
    seconds: float,
    reasons: bool,
) -> list[list[str]]:
    """Count, watch and log the decisions, a log wants each whole; give the texts of their reasons."""
    model, table, found = path.model, answers.table, answers.probabilities
    if not reasons and all(part is None for part in (path.kpis, path.audit, path.drift)):
        return []
    rows, found = (table, found) if known.all() else (table[known], found[known])
    if path.audit is not None:  # a log wants each decision whole
        logged = [path.score(record) for record in records_of(model.schema, rows)]
        return [[reason.text for reason in decision.reasons] for decision in logged]
    if path.kpis is not None and len(found):
        labels = answers.labels[known].astype(np.int8)
        numbers = np.bincount(model.policy.outcome_codes(found), minlength=len(OUTCOMES)).tolist()
        decisions = dict(zip(OUTCOMES, numbers, strict=True))
        path.kpis.record_many(seconds, found, labels=labels, decisions=decisions)
    if path.drift is None and not reasons:
        return []
    values = rows_of(model.schema, read_frame(model.schema, rows)[0])
    if path.drift is not None:
        for row, probability in zip(values, found.tolist(), strict=True):
            path.drift.observe(row, probability)
    if not reasons:
        return []
    records = records_of(model.schema, rows) if model.schema.names_codes else [{}] * len(values)
    pairs = zip(values, records, strict=True)
    decided = [model.reason_writer.with_names(model.answer(row), record) for row, record in pairs]
    return [[reason.text for reason in decision.reasons] for decision in decided]


def _results(model: StoredModel, answers: FrameAnswers) -> dict[str, Any]:
    import pandas as pd

    probability, label = answers.probabilities, answers.labels.astype(np.int8)
    known = ~np.isnan(probability)
    with np.errstate(invalid="ignore"):
        codes = np.where(known, model.policy.outcome_codes(probability), np.int8(-1))
    outcome = pd.Categorical.from_codes(codes, categories=pd.Index(OUTCOMES))
    return {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }
