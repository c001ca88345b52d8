"""Values outside what the training data held, found column by column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morosidad.frames.reading import Coded, Column
from morosidad.schema.field import Field, Value
from morosidad.schema.schema import Schema


def unusual_values(schema: Schema, columns: Sequence[Column]) -> dict[int, tuple[str, ...]]:
    """Say what is unusual about the rows of validated columns, as `Schema.read` does about a record.

    Parameters
    ----------
    schema : Schema
        What a record is.
    columns : sequence of (ndarray of float64, shape (n_rows,), or Coded)
        One for each field.

    Returns
    -------
    dict of int to tuple of str
        The places of the rows that have something unusual, and what, in the order of the fields.
    """
    found: dict[int, list[str]] = {}
    for field, column in zip(schema.fields, columns, strict=True):
        for rows, sample in _unusual(field, column):
            words = field.unusual(sample, schema.language)
            if words is not None:
                for place in np.flatnonzero(rows).tolist():
                    found.setdefault(place, []).append(f"{field.name}: {words}")
    return {place: tuple(words) for place, words in found.items()}


def _unusual(field: Field, column: Column) -> list[tuple[NDArray[np.bool_], Value]]:
    """Give the rows that are unusual in one way, and one value that stands for them."""
    seen = field.observed
    if seen is None:
        return []
    missing = column.codes < 0 if isinstance(column, Coded) else np.isnan(column)
    found: list[tuple[NDArray[np.bool_], Value]] = [] if seen.missing else [(missing, None)]
    if isinstance(column, Coded):
        strange = [place for place, level in enumerate(column.levels) if field.unusual(level) is not None]
        if strange:
            found.append((np.isin(column.codes, strange), column.levels[strange[0]]))
    elif seen.categories is not None:
        found.append((~missing & ~np.isin(column, seen.categories), -1.5))
    elif seen.low is not None and seen.high is not None:
        low, high = seen.low, seen.high
        found.append((~missing & ((column < low) | (column > high)), high + abs(high) + 1.0))
    return [(rows, sample) for rows, sample in found if rows.any()]
