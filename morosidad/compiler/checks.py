"""The conformance check of a compiled form: every way of asking it against the estimator itself."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import msgspec

from morosidad.compiler.compilation import check_classifier, compile_pipeline
from morosidad.compiler.gate import OwnRows, describe, differences, matched, own_rows
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.asking import PLAIN_LABELS, part_name
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.compiler.proof.reference import Reference, read_reference
from morosidad.compiler.report import ParityReport
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check
from morosidad.errors import NotCompiledWarning, UnsupportedModel
from morosidad.frames.records import records_of
from morosidad.schema.schema import Schema

CUTOFFS = (0.2, 0.5)


def check_compiled(
    estimator: Any,
    X: Any,
    *,
    schema: Schema | None = None,
    positive: Any = None,
    cutoffs: Sequence[float] = CUTOFFS,
) -> ParityReport:
    """Check that an estimator has a compiled form, and that every way of asking it gives the same answer.

    The estimator is asked about the rows of `X` one at a time and together; its compiled form about the
    same rows as records and as columns, about made-up rows, and once more after it was written as a
    model file holds it and read again. For compiled forms of one's own, as scikit-learn's
    `check_estimator` is for estimators.

    Parameters
    ----------
    estimator : object
        A fitted classifier or pipeline with two classes and ``predict_proba``.
    X : DataFrame or ndarray, of shape (n_rows, n_columns)
        Rows of the kind that it was fitted on; best with missing values and rare categories.
    schema : Schema, optional
        What a record is; inferred from `X` when not given.
    positive : object, optional
        The label that means default; the second of the estimator's when not given.
    cutoffs : sequence of float, optional
        Probabilities at which the decision changes: the rows nearest to them are tried.

    Returns
    -------
    ParityReport
        How many rows were tried, and the largest difference.

    Raises
    ------
    UnsupportedModel
        If there is no compiled form, if an answer differs, or if the form can't be stored: what and where.
    InvalidFrame
        If the rows don't fit the estimator or the schema.
    """
    read = read_reference(estimator, X)
    check_classifier(estimator, read.own[:1])
    labels = list(getattr(estimator, "classes_", PLAIN_LABELS))
    if positive is not None and positive not in labels:
        raise UnsupportedModel(f"{positive!r} is not among the labels {labels}", part_name(estimator))
    default = 1 if positive is None else labels.index(positive)
    schema = schema or Schema(Schema.infer(read.frame).fields, ignored=read.dropped)
    own = own_rows(estimator, read, schema, default, tuple(cutoffs))
    compiled = _compiled(estimator, read, schema, own, default, cutoffs)
    name = part_name(estimator)
    if compiled.form is None or compiled.parity is None:
        raise UnsupportedModel(f"{name} is not compiled: {'; '.join(compiled.notes)}", name)
    _check_stored(compiled, own, cutoffs, name)
    return compiled.parity


def _compiled(
    estimator: Any, read: Reference, schema: Schema, own: OwnRows, default: int, cutoffs: Sequence[float]
) -> CompiledPipeline:
    """Compile without a warning: what is not compiled is an error here, which says the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        return compile_pipeline(
            estimator,
            schema,
            as_rows(schema, records_of(schema, read.frame)),
            layout=matched(read.layout, schema),
            own=own,
            default=default,
            cutoffs=cutoffs,
        )


def _check_stored(compiled: CompiledPipeline, own: OwnRows, cutoffs: Sequence[float], name: str) -> None:
    """Write the form as a model file holds it, read it again, and ask it about the own rows."""
    report, original = compiled.parity, compiled.original
    assert report is not None
    assert original is not None
    assert compiled.form is not None
    try:
        data, arrays = pack(compiled.form)
        form = unpack(json.loads(msgspec.json.encode(data)), arrays)
        check(form, len(compiled.schema))
    except Exception as error:
        raise UnsupportedModel(
            f"the compiled form of {name} can't be stored: {type(error).__name__}: {error}", name
        ) from error
    loaded = CompiledPipeline(
        compiled.schema,
        form,
        reference=compiled.reference,
        threshold=compiled.threshold,
        layout=compiled.layout,
    )
    found = differences(loaded, own, cutoffs)
    if (found.gap > report.tolerance).any() or found.turned.any():
        words = describe(loaded, original, own, found, report.tolerance)
        raise UnsupportedModel(f"the compiled form of {name} answers otherwise once stored: {words}", name)
    if compiled.explain_one is not None:
        _check_reasons(compiled, loaded, own, report.tolerance, name)


def _check_reasons(
    compiled: CompiledPipeline, loaded: CompiledPipeline, own: OwnRows, tolerance: float, name: str
) -> None:
    """Ask for contributions, whose probability is the same one."""
    for model in (compiled, loaded):
        explain = model.explain_one
        assert explain is not None
        for row in own.rows:
            if row is not None and abs(explain(row)[0] - model.predict_one(row)) > tolerance:
                raise UnsupportedModel(f"the reasons of {name} go with another probability", name)
