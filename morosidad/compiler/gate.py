"""The parity gate on the user's own rows: each way of asking a compiled model against the judge."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.asking import in_words, part_name, quiet
from morosidad.compiler.proof.judge import SAME, Judge, Verdict
from morosidad.compiler.proof.original import Original
from morosidad.compiler.proof.probe_rows import Validity
from morosidad.compiler.proof.reference import Reference
from morosidad.compiler.proof.unusual_missing import ambiguity_note, ambiguous_rows
from morosidad.compiler.report import ParityReport
from morosidad.errors import InvalidRecord, UnsupportedModel
from morosidad.frames.layout import FrameLayout
from morosidad.frames.reading import read_frame
from morosidad.frames.records import records_of
from morosidad.languages import say
from morosidad.progress import watched
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

NAMED_ROWS = 3
NAMED_FIELDS = 5


class OwnRows(NamedTuple):
    """The user's own rows, with what the judge answered about them.

    Attributes
    ----------
    verdict : Verdict
        The judge's answers.
    rows : list of (tuple or None)
        The same rows as the schema reads them as records; None where it refuses one.
    frame : DataFrame of shape (n, n_fields)
        The same rows as a frame.
    ambiguous : ndarray of shape (n,), bool
        Rows that hold a missing value which a record can't express, as None where NaN is usual.
    """

    verdict: Verdict
    rows: list[Row | None]
    frame: pd.DataFrame
    ambiguous: NDArray[np.bool_]


class Differences(NamedTuple):
    """How a model's answers about the own rows differ from the judge's.

    Attributes
    ----------
    places : ndarray of intp
        The rows compared, by their place among the own rows.
    gap : ndarray of float64
        The largest difference of each.
    turned : ndarray of bool
        Whether label or outcome differ.
    refused : ndarray of bool
        Whether the model's schema refuses a row that the judge answers.
    """

    places: NDArray[np.intp]
    gap: Floats
    turned: NDArray[np.bool_]
    refused: NDArray[np.bool_]


def differences(compiled: CompiledPipeline, own: OwnRows, cutoffs: Sequence[float]) -> Differences:
    """Ask a compiled model about the own rows, as records and as a frame.

    Parameters
    ----------
    compiled : CompiledPipeline
        The model.
    own : OwnRows
        What the judge answered.
    cutoffs : sequence of float
        Probabilities from which on another decision is made.

    Returns
    -------
    Differences
    """
    readable = [place for place, row in enumerate(own.rows) if row is not None and not own.ambiguous[place]]
    places = np.array(readable, dtype=np.intp)
    rows = [row for place in readable if (row := own.rows[place]) is not None]
    expected = own.verdict.probabilities[places]
    valid = Validity(compiled.schema)
    refused = np.array([not valid.row(row) for row in rows], dtype=bool)
    one = np.array(
        [np.nan if no else compiled.predict_one(row) for row, no in zip(rows, refused, strict=True)],
        dtype=float,
    )
    columns, bad = read_frame(compiled.schema, own.frame.iloc[places])
    many = np.where(bad, np.nan, compiled.predict(columns))
    gap, turned = np.zeros(len(places)), np.zeros(len(places), dtype=bool)
    for found in (one, many):
        gap = np.fmax(gap, np.nan_to_num(np.abs(found - expected), nan=np.inf))
        turned |= (found > compiled.threshold) != (expected > compiled.threshold)
        for cutoff in cutoffs:
            turned |= (found >= cutoff) != (expected >= cutoff)
    gap[refused], turned[refused] = 0.0, False
    return Differences(places, gap, turned, refused)


def with_own_rows(report: ParityReport, own: OwnRows, found: Differences) -> ParityReport:
    """Add what was found on the own rows to a report.

    Parameters
    ----------
    report : ParityReport
        What was found on made-up rows.
    own : OwnRows
        What the judge answered.
    found : Differences
        How the model differs.

    Returns
    -------
    ParityReport
    """
    return msgspec.structs.replace(
        report,
        max_difference=max(report.max_difference, float(found.gap.max(initial=0.0))),
        labels_differing=report.labels_differing + int(found.turned.sum()),
        own_rows=len(found.places),
        batch_rows=own.verdict.together,
        own_refused=int(found.refused.sum()),
    )


def describe(
    compiled: CompiledPipeline, original: Original, own: OwnRows, found: Differences, tolerance: float
) -> str:
    """Say which own rows differ, and which fields make the difference.

    Parameters
    ----------
    compiled, original, own, found
        As in `differences`.
    tolerance : float
        The largest difference allowed.

    Returns
    -------
    str
        In English, without a value of a record.
    """
    wrong = np.flatnonzero((found.gap > tolerance) | found.turned)
    if not len(wrong):
        count = int(found.refused.sum())
        return f"it would refuse {count} of {len(found.places)} own rows that the original answers"
    worst = wrong[np.argsort(-found.gap[wrong], kind="stable")]
    expected = own.verdict.probabilities
    shown = []
    for at in worst[:NAMED_ROWS].tolist():
        place = int(found.places[at])
        row = own.rows[place]
        answer = compiled.predict_one(row) if row is not None else float("nan")
        shown.append(
            f"row {own.verdict.places[place]}: original {expected[place]:.6g}, compiled {answer:.6g}"
        )
    words = f"{len(wrong)} of {len(found.places)} own rows differ ({'; '.join(shown)})"
    fields = _fields_that_matter(compiled, original, own, found, int(worst[0]), wrong, tolerance)
    return f"{words}; the fields that make the difference: {', '.join(fields)}" if fields else words


def _fields_that_matter(
    compiled: CompiledPipeline,
    original: Original,
    own: OwnRows,
    found: Differences,
    worst: int,
    wrong: NDArray[np.intp],
    tolerance: float,
) -> list[str]:
    """Swap the worst row's fields one by one with those of a row that agrees; name those that close it."""
    agreeing = np.setdiff1d(np.arange(len(found.places)), wrong)
    if not len(agreeing):
        return []
    bad, good = (own.rows[int(found.places[at])] for at in (worst, int(agreeing[0])))
    if bad is None or good is None:
        return []
    mixed = [(*bad[:place], good[place], *bad[place + 1 :]) for place in range(len(bad))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = np.abs(np.array([compiled.predict_one(row) for row in mixed]) - original.predict(mixed))
    except Exception:  # it only serves the message
        return []
    closed = np.flatnonzero(left <= max(tolerance, found.gap[worst] / 10))
    return [compiled.schema.names[place] for place in closed[:NAMED_FIELDS].tolist()]


def check_original(original: Original, own: OwnRows, threshold: float) -> tuple[ParityReport, list[str]]:
    """Make sure that the original answers records as it answers the user's own rows.

    Parameters
    ----------
    original : Original
        The estimator, asked in frames that are made of records.
    own : OwnRows
        What the judge answered.
    threshold : float
        Probability above which the label is 1.

    Returns
    -------
    report : ParityReport
        How the answers about records compare with the judge's.
    notes : list of str
        What a record can't express.

    Raises
    ------
    UnsupportedModel
        If an answer differs.
    """
    notes: list[str] = []
    gap, compared = 0.0, 0
    name = part_name(original.estimator)
    places = [place for place, row in enumerate(own.rows) if row is not None]
    rows = [row for row in own.rows if row is not None]
    with quiet():
        together = original.answers(rows) if rows else np.empty(0)
    for place, row, among in zip(places, rows, together.tolist(), strict=True):
        expected = own.verdict.probabilities[place]
        answer = _asked(original, row)
        if isinstance(answer, float) and abs(answer - expected) <= 1e-12 and abs(among - expected) <= SAME:
            gap, compared = max(gap, abs(answer - expected), abs(among - expected)), compared + 1
            continue
        if own.ambiguous[place]:
            notes = [ambiguity_note(original)]
            continue
        said = f"{answer:.6g}" if isinstance(answer, float) else answer
        raise UnsupportedModel(
            f"{name} answers otherwise about a record than about the row that it was made of: row "
            f"{own.verdict.places[place]} of the reference gets {expected:.6g}, as a record {said}, as a "
            f"record among others {among:.6g}",
            name,
        )
    report = ParityReport(0, float(gap), 0, 0, SAME, threshold, compared, own.verdict.together)
    return report, notes


def _asked(original: Original, row: Row) -> float | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(original.predict([row])[0])
    except Exception as error:
        return in_words(error)


def ambiguity(compiled: CompiledPipeline, original: Original, own: OwnRows, tolerance: float) -> list[str]:
    """Say what a record can't express, if a compiled model answers otherwise than the judge for that.

    Parameters
    ----------
    compiled, original, own
        As in `describe`.
    tolerance : float
        The largest difference that makes none.

    Returns
    -------
    list of str
        One note, or none.
    """
    pairs = zip(own.rows, own.ambiguous.tolist(), own.verdict.probabilities.tolist(), strict=True)
    asked = [(row, expected) for row, unclear, expected in pairs if unclear and row is not None]
    valid = Validity(compiled.schema)
    for row, expected in asked:
        if not valid.row(row) or not abs(compiled.predict_one(row) - expected) <= tolerance:
            return [ambiguity_note(original)]
    return []


def left_out(own: OwnRows) -> list[str]:
    """Say how many own rows were not asked about for lack of time.

    Parameters
    ----------
    own : OwnRows
        What the judge answered.

    Returns
    -------
    list of str
        One note, or none.
    """
    verdict = own.verdict
    asked = len(verdict.places) + len(verdict.refused)
    words = (
        f"the model is slow: {asked} of {asked + verdict.left_out} chosen own rows were asked one at a time"
    )
    return [words] if verdict.left_out else []


def own_rows(
    estimator: Any,
    read: Reference,
    schema: Schema,
    default: int,
    cutoffs: Sequence[float],
    progress: bool = False,
) -> OwnRows:
    """Ask the judge about the user's own rows, and read the same rows as records.

    Parameters
    ----------
    estimator : object
        A fitted classifier or pipeline.
    read : Reference
        The user's own rows, matched with its columns.
    schema : Schema
        What a record is.
    default : {0, 1}
        The place of the class that means default.
    cutoffs : sequence of float
        Probabilities at which the label or the decision changes.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    OwnRows

    Raises
    ------
    UnsupportedModel
        As `Judge.verdict`.
    """
    judge = Judge(estimator, read.own, default)
    asked = say(schema.language, "figures.asked_alone")
    verdict = judge.verdict(cutoffs, lambda places: watched(places, progress, asked))
    frame = read.frame.iloc[verdict.places]
    rows: list[Row | None] = []
    for record in records_of(schema, frame):
        try:
            rows.append(schema.read(record)[0])
        except InvalidRecord:
            rows.append(None)
    return OwnRows(verdict, rows, frame, ambiguous_rows(frame, read.layout))


def matched(layout: FrameLayout, schema: Schema) -> FrameLayout:
    """Name each column's field as the schema does, which may know the column under an alias.

    Parameters
    ----------
    layout : FrameLayout
        With the fields under the names of the columns.
    schema : Schema
        What a record is.

    Returns
    -------
    FrameLayout
    """
    aliases = {alias: field.name for field in schema.fields for alias in field.aliases}
    columns = [
        msgspec.structs.replace(column, field=aliases.get(column.field, column.field))
        for column in layout.columns
    ]
    return FrameLayout(tuple(columns), layout.container)
