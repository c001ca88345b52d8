"""The background over whose rows contributions are averaged, and what protected fields carry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad._dataframes import as_pandas
from morosidad.compiler.pipeline import CompiledPipeline, rows_of
from morosidad.compiler.proof.asking import quiet
from morosidad.compiler.proof.sampled_shapley import background as drawn
from morosidad.errors import InvalidFrame, InvalidRecord, SettingsError
from morosidad.frames.reading import Column
from morosidad.frames.records import records_of
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MOST_ROWS = 10_000
MEASURED_ROWS = 2_000
"""So many reference rows at most tell how much protected fields carry."""


def background_rows(
    compiled: CompiledPipeline, columns: list[Column] | None, background: Any, *, sampled: bool
) -> list[Row] | None:
    """Choose the rows that contributions are measured against.

    Parameters
    ----------
    compiled : CompiledPipeline
        What answers.
    columns : list of (ndarray of float64, or Coded), optional
        The reference, as the schema reads it.
    background : int, DataFrame or None
        How many rows of the reference, or the rows themselves.
    sampled : bool
        Whether a model that is not compiled gives contributions by sampling.

    Returns
    -------
    list of tuple, or None
        None where contributions are measured against what the form makes of the whole reference.

    Raises
    ------
    SettingsError
        If there are none to choose from, or the model answers none of them.
    InvalidFrame
        If the schema refuses one that was given.
    """
    schema = compiled.schema
    if background is not None and compiled.form is not None:
        return _chosen(schema, columns, background)
    if compiled.form is not None or not sampled:
        return None
    if background is not None:
        rows = _chosen(schema, columns, background)
    elif columns is None or not len(columns[0]):
        raise SettingsError(["reasons: 'sampled' needs reference rows to measure contributions against"])
    else:
        rows = drawn(list(zip(*rows_of(schema, columns), strict=True)))
    assert compiled.original is not None
    with quiet():
        answered = np.isfinite(compiled.original.answers(rows))
    if not answered.any():
        raise SettingsError(["reasons: 'sampled' mixes reference rows, and the model answers no mixture"])
    return [row for row, good in zip(rows, answered.tolist(), strict=True) if good]


def _chosen(schema: Schema, columns: list[Column] | None, background: Any) -> list[Row]:
    if not isinstance(background, int | np.integer) or isinstance(background, bool):
        return _given(schema, background)
    if not 1 <= background <= MOST_ROWS:
        raise SettingsError([f"background: a number from 1 to {MOST_ROWS} was expected, or rows"])
    if columns is None or not len(columns[0]):
        raise SettingsError(["background: needs reference rows to choose from"])
    n = len(columns[0])
    chosen = np.random.default_rng(0).permutation(n)[: min(int(background), n)]
    return rows_of(schema, [column[np.sort(chosen)] for column in columns])


def _given(schema: Schema, rows: Any) -> list[Row]:
    frame = as_pandas(rows)
    if not 1 <= len(frame) <= MOST_ROWS:
        raise SettingsError([f"background: from 1 to {MOST_ROWS} rows were expected, not {len(frame)}"])
    found: list[Row] = []
    for place, record in enumerate(records_of(schema, frame)):
        try:
            found.append(schema.read(record)[0])
        except InvalidRecord as error:
            fields = [each.field for each in error.errors]
            raise InvalidFrame(f"background: row {place} does not fit the schema: {error}", fields) from None
    return found


def with_protected(schema: Schema, protected: Sequence[str]) -> Schema:
    """Give a schema with some fields declared as protected.

    Parameters
    ----------
    schema : Schema
        The schema.
    protected : sequence of str
        Names of fields.

    Returns
    -------
    Schema

    Raises
    ------
    SettingsError
        If there is no such field.
    """
    names = [protected] if isinstance(protected, str) else list(protected)
    if strangers := [name for name in names if name not in schema.names]:
        raise SettingsError([f"protected: {name!r} is no field of the schema" for name in strangers])
    if not names:
        return schema
    return schema.replace(
        msgspec.structs.replace(field, protected=True) if field.name in names else field
        for field in schema.fields
    )


def protected_shares(compiled: CompiledPipeline, columns: list[Column] | None) -> dict[str, float]:
    """Measure how much of the contributions to the reference's scores each protected field carries.

    Parameters
    ----------
    compiled : CompiledPipeline
        With what contributions are measured against.
    columns : list of (ndarray of float64, or Coded), optional
        The reference, as the schema reads it.

    Returns
    -------
    dict of str to float
        Of each protected field, its mean absolute contribution over the sum of all fields'. Empty without
        a protected field, a reference or contributions.
    """
    fields = compiled.schema.fields
    if columns is None or not any(field.protected for field in fields):
        return {}
    if compiled.reference is None or not len(columns[0]):
        return {}
    step = 1 + len(columns[0]) // MEASURED_ROWS
    shares = np.abs(compiled.explain([column[::step] for column in columns])[1]).mean(axis=1)
    return _parts((field.name for field in fields if field.protected), compiled.schema, shares)


def _parts(names: Iterable[str], schema: Schema, shares: Any) -> dict[str, float]:
    total = float(shares.sum()) or 1.0
    return {name: float(shares[schema.names.index(name)]) / total for name in names}
