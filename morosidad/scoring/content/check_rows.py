"""Check rows: made-up records with the model's answers, kept in its file and asked again at loading."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.schema.field import Row

EXACT = 1e-12
NARROW = 1e-6
"""Allowed where the model itself reckons in float32."""

_COUNT = 24
_MOST_TRIED = 400


class _Check(msgspec.Struct, frozen=True, omit_defaults=True):
    rows: list[list[int | float | str | bool | None]]
    answers: list[float]
    labels: list[bool] = []
    tolerance: float = EXACT


def check_rows(compiled: CompiledPipeline) -> dict[str, Any]:
    """Make rows, and ask a model about them.

    Parameters
    ----------
    compiled : CompiledPipeline
        The model.

    Returns
    -------
    dict
        For the manifest. No row is a real applicant's, and each is one that the model answers.
    """
    from morosidad.compiler.proof.probe_rows import probe_rows

    made = probe_rows(compiled.schema, ())[:_MOST_TRIED]
    found = list(islice(_answered(compiled, made), _COUNT))
    labels: list[bool] = []
    if compiled.own_labels and compiled.original is not None:
        labels = [bool(compiled.original.defaults([row])[0]) for row, _ in found]
    check = _Check([list(row) for row, _ in found], [answer for _, answer in found], labels)
    if compiled.form is None:
        check = msgspec.structs.replace(check, tolerance=_tolerance(compiled, check.answers))
    data: dict[str, Any] = msgspec.to_builtins(check)
    return data


def _answered(compiled: CompiledPipeline, rows: Iterable[Row]) -> Iterator[tuple[Row, float]]:
    for row in rows:
        try:
            answer = float(compiled.predict_one(row))
        except Exception:  # noqa: S112 - it refuses such a row, as it may
            continue
        if math.isfinite(answer):
            yield row, answer


def _tolerance(compiled: CompiledPipeline, answers: list[float]) -> float:
    from morosidad.model_file.held_objects import holds_float32

    columns = () if compiled.layout is None else compiled.layout.columns
    narrow = any(column.narrow for column in columns)
    narrow = narrow or all(float(np.float32(answer)) == answer for answer in answers)
    moved = compiled.original is not None and compiled.original.shift != 0.0  # no longer of 32 bits
    return NARROW if narrow or moved or holds_float32(compiled.original) else EXACT


def answers_as_saved(compiled: CompiledPipeline, manifest: dict[str, Any]) -> bool:
    """Tell whether a model answers the check rows in its file as it did when the file was written.

    Parameters
    ----------
    compiled : CompiledPipeline
        Made of the file.
    manifest : dict
        Of the file.

    Returns
    -------
    bool
    """
    saved = msgspec.convert(manifest.get("check", {"rows": [], "answers": []}), _Check)
    rows = [tuple(row) for row in saved.rows]
    answers = [compiled.predict_one(row) for row in rows]
    same = len(answers) == len(saved.answers) and np.allclose(
        answers, saved.answers, rtol=0, atol=min(saved.tolerance, NARROW)
    )
    if same and saved.labels and compiled.original is not None:
        return [bool(compiled.original.defaults([row])[0]) for row in rows] == saved.labels
    return bool(same)
