"""Missing values that a record can't express: None beside NaN, where a model answers otherwise about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.proof.asking import quiet
from morosidad.compiler.proof.original import Original
from morosidad.compiler.proof.probe_rows import changed
from morosidad.frames.absent import WORDS, Absent
from morosidad.frames.layout import ColumnLayout, FrameLayout
from morosidad.frames.unusual_missing import unusual_cells
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

BASES = 3
ASKED_ROWS = 60
SAME = 1e-12


def ambiguity_note(original: Original) -> str:
    """Say which way of being missing a record's missing value stands for.

    Parameters
    ----------
    original : Original
        A model that tells the ways apart.

    Returns
    -------
    str
    """
    told = [column for column in original.layout.columns if column.distinguishes]
    words = ", ".join(f"{column.name} ({WORDS[column.absent]})" for column in told)
    return f"the model tells None from NaN, which a record can't; a missing value stands for: {words}"


def ambiguous_rows(frame: pd.DataFrame, layout: FrameLayout) -> NDArray[np.bool_]:
    """Find the rows that hold a missing value in a way that is not the usual one of its column.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_fields)
        Rows under the names of the fields.
    layout : FrameLayout
        Which columns hold values that are missing in several ways, and which of them is usual.

    Returns
    -------
    ndarray of shape (n_rows,), bool
    """
    found = np.zeros(len(frame), dtype=bool)
    for cells in unusual_cells(frame, layout, {}).values():
        found |= cells
    return found


def told_apart(original: Original, schema: Schema, rows: Sequence[Row]) -> FrameLayout:
    """Ask a model whether it answers otherwise about None than about NaN, column by column.

    Parameters
    ----------
    original : Original
        The estimator.
    schema : Schema
        What a record is, with what the model demands.
    rows : sequence of tuple
        Records that it answers.

    Returns
    -------
    FrameLayout
        Its own, where `ColumnLayout.distinguishes` says so of each column.
    """
    open_fields = {field.name: place for place, field in enumerate(schema.fields) if not field.required}
    columns = [c for c in original.layout.columns if c.dtype == "object" and c.field in open_fields]
    places = [open_fields[column.field] for column in columns]
    asked = _rows_with_gaps(rows, places)
    found: set[int] = set()
    if asked:
        ways: dict[Absent, None] = dict.fromkeys((*(column.absent for column in columns), "nan", "none"))
        answers = [_asked(original, columns, way, asked) for way in ways]
        differing = [_differ([answer[at] for answer in answers]) for at in range(len(asked))]
        gaps = [[place for place in places if row[place] is None] for row in asked]
        for missing, differs in sorted(zip(gaps, differing, strict=True), key=lambda pair: len(pair[0])):
            if differs and not found & set(missing):
                found.update(missing)
    marked = {column.field for column, place in zip(columns, places, strict=True) if place in found}
    told = (msgspec.structs.replace(c, distinguishes=c.field in marked) for c in original.layout.columns)
    return FrameLayout(tuple(told), original.layout.container)


def _rows_with_gaps(rows: Sequence[Row], places: Sequence[int]) -> list[Row]:
    """Give rows in which one of these values is missing: as they are, and made of the fullest ones."""
    own = [row for row in rows if any(row[place] is None for place in places)]
    full = sorted(rows, key=lambda row: sum(row[place] is None for place in places))[:BASES]
    made = [changed(row, place, None) for row in full for place in places]
    return list(dict.fromkeys([*made[:ASKED_ROWS], *own[:ASKED_ROWS]]))


def _asked(original: Original, columns: Sequence[ColumnLayout], way: Absent, rows: Sequence[Row]) -> Floats:
    """Ask about rows whose missing values are all missing in one way; NaN where that is refused."""
    fields = {column.field for column in columns}
    layout = FrameLayout(
        tuple(
            msgspec.structs.replace(column, absent=way) if column.field in fields else column
            for column in original.layout.columns
        ),
        original.layout.container,
    )
    try:
        with quiet():
            return Original(original.estimator, original.schema, layout, default=original.default).answers(
                rows
            )
    except Exception:  # it refuses them all
        return np.full(len(rows), np.nan)


def _differ(answers: Sequence[float]) -> bool:
    first, *others = answers
    same = (abs(first - other) <= SAME or (first != first and other != other) for other in others)
    return not all(same)
