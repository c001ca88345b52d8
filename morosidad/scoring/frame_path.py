"""The path of a data frame: many applicants scored at once, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._dataframes import as_pandas, like
from morosidad._typing import Floats
from morosidad.compiler.pipeline import each_chunk
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.frames.reading import Column, FrameReader
from morosidad.frames.records import records_of
from morosidad.frames.unusual import unusual_values
from morosidad.languages import say
from morosidad.policy.decision import OUTCOMES
from morosidad.progress import tqdm_for
from morosidad.scoring.frames.frame_rules import FrameRules
from morosidad.scoring.frames.ids import row_ids
from morosidad.scoring.frames.publishing import FrameAnswers, publish
from morosidad.scoring.frames.unusual_rows import UnusualRows
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    import pandas as pd


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
        Whether the rules of the policy are asked too.

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
    compiled, table = model.compiled, by_field(model, frame)
    needed = compiled.used if missing_columns == "raise" else ()
    reader = FrameReader(model.schema, table, needed, keep=again)
    found, labels = np.full(len(table), np.nan), np.zeros(len(table), dtype=bool)
    told: list[tuple[str, ...]] = [()] * len(table) if warnings else []
    unusual = UnusualRows(model, table, given=frame)
    rules = FrameRules(model, len(table)) if decide and model.rules is not None else None

    def answer(rows: slice) -> int:
        columns, bad = reader.read(rows)
        bad |= unusual.rows[rows]
        columns = [column[~bad] for column in columns] if bad.any() else columns
        if warnings:
            for place, words in unusual_values(model.schema, columns).items():
                told[rows.start + int(np.flatnonzero(~bad)[place])] = words
        asked, known = columns, ~bad
        if rules is not None:
            known = rules.ask_first(rows, columns, known)
            asked = [column[known[~bad]] for column in columns]
        try:
            if known.any():
                probability = compiled.predict(asked)
                found[rows][known] = probability
                labels[rows][known] = _labels(model, asked, probability)
        except Exception as error:  # its text may hold values of a row
            raise model.failed(error) from None
        if rules is not None:
            rules.decide(rows, columns, ~bad, found[rows][~bad])
        return len(bad)

    unit = f" {say(model.language, 'figures.rows')}"
    with tqdm_for(progress)(total=len(table), unit=unit, unit_scale=True, disable=not progress) as bar:
        for done in each_chunk(answer, len(table), parallel=compiled.compiled):
            bar.update(done)
    if not as_records:
        unusual.ask_original(found, labels)
    return FrameAnswers(table, found, labels, told if warnings else None, reader, rules)


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
    path: RecordPath,
    frame: Any,
    *,
    ids: str | Iterable[Any] | None,
    reasons: bool,
    errors: str,
    missing_columns: str,
    progress: bool,
) -> Any:
    """Decide on a frame's rows; see `Scorer.score_frame`.

    Parameters
    ----------
    path : RecordPath
        The model and the parts around it.
    frame, ids, reasons, errors, missing_columns, progress
        As in `Scorer.score_frame`.

    Returns
    -------
    DataFrame
        As `Scorer.score_frame` gives it.
    """
    import pandas as pd

    if errors not in ("raise", "coerce"):
        raise ValueError("errors: 'raise' or 'coerce' was expected")
    active, start = path.active, path.clock()
    model, whole = active.model, reasons or path.audit is not None
    decide = model.rules is not None
    answers = answer_frame(
        model,
        frame,
        warnings=True,
        missing_columns=missing_columns,
        as_records=whole or decide,
        progress=progress,
        again=whole or active.drift is not None,
        decide=decide,
    )
    table, found = answers.table, answers.probabilities
    rows = None if ids is None else row_ids(table, ids, model.schema)
    texts_of_ids = None if rows is None else rows.texts
    if rows is not None:
        found[rows.bad] = np.nan
        if answers.rules is not None:
            answers.rules.outcomes[rows.bad] = -1
    if rows is not None and errors == "raise":
        rows.refuse()
    if errors == "raise":
        refuse_gaps(model, table, np.where(answers.decided, 0.0, np.nan))
    known = answers.decided
    texts = publish(path, active, answers, path.clock() - start, texts_of_ids, reasons=reasons)
    out = pd.DataFrame(_results(model, answers), index=table.index)
    if rows is not None:
        out.insert(0, "request_id", pd.Series(rows.texts, index=out.index, dtype=object))
    if answers.rules is not None:
        out["rules"] = pd.Series(answers.rules.codes(), index=out.index, dtype=object)
    out["warnings"] = pd.Series(answers.warnings, index=out.index, dtype=object)
    if reasons:
        cells = np.full(len(known), None, dtype=object)
        cells[known] = pd.Series(texts, dtype=object)
        out["reasons"] = pd.Series(cells, index=out.index, dtype=object)
    return like(frame, out)


def _results(model: StoredModel, answers: FrameAnswers) -> dict[str, Any]:
    import pandas as pd

    probability, label = answers.probabilities, answers.labels.astype(np.int8)
    known = ~np.isnan(probability)
    outcome = pd.Categorical.from_codes(answers.outcome_codes(model), categories=pd.Index(OUTCOMES))
    return {
        "probability": probability,
        "label": label if known.all() else pd.arrays.IntegerArray(label, ~known),
        "confidence": np.maximum(probability, 1.0 - probability),
        "outcome": outcome,
    }
