"""Compilation of fitted pipelines and transformers, with the parity gate behind it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import morosidad.compiler.readers  # noqa: F401 - they fill the registry
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.original import Original
from morosidad.compiler.proof.parity import compare, rows_near
from morosidad.compiler.proof.probe_rows import probe_rows, valid_rows
from morosidad.compiler.readers.calibration import decision_threshold
from morosidad.compiler.registry import Compiler, NotCompilable, compiles
from morosidad.compiler.report import ParityReport
from morosidad.errors import NotCompiledWarning, UnsupportedModel
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

__all__ = [
    "CompiledPipeline",
    "CompiledTransformer",
    "Compiler",
    "Expr",
    "Form",
    "NotCompilable",
    "ParityReport",
    "compile_pipeline",
    "compile_transformer",
    "compiles",
]


def compile_pipeline(
    estimator: Any,
    schema: Schema,
    reference: Sequence[Row] = (),
    *,
    dtypes: dict[str, Any] | None = None,
    cutoffs: Sequence[float] = (),
) -> CompiledPipeline:
    """Compile a fitted classifier, and prove that it answers the same.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn pipeline or classifier with two classes and ``predict_proba``.
    schema : Schema
        The record's fields.
    reference : sequence of tuple
        Validated rows, best those it was fitted on: the gate tries them, and reasons are measured
        against them. Without any, rows drawn from the schema's limits are used instead.
    dtypes : mapping of str to dtype, optional
        Data types that the estimator was fitted on where they matter: pandas categories, and
        objects that hold True, False and NaN. None for objects that hold None and not NaN.
    cutoffs : sequence of float
        Probabilities from which on another decision is made, besides the label's: the gate tries
        the rows nearest to them, and wants each on the original's side.

    Returns
    -------
    CompiledPipeline
        Its ``form`` is None, and its ``notes`` say why, where the original has to answer.

    Raises
    ------
    UnsupportedModel
        If the estimator is not fitted, gives no probabilities, has not exactly two classes, or sets
        its threshold on another scale than probability.
    InvalidFrame
        If it needs columns that the schema has no field for.
    """
    check_classifier(estimator)
    original = Original(estimator, schema, dtypes)
    compiler = Compiler(schema, threshold=decision_threshold(estimator))
    try:
        form = compiler.form(estimator, [Raw(place) for place in original.places])
        demanding = original.under(compiler.demanded())
        compiled, report = _compared(form, demanding, reference, compiler.threshold, cutoffs)
    except NotCompilable as reason:
        return _uncompiled(original, reference, compiler.threshold, str(reason))
    if not report.passed:
        note = f"the parity gate refused the compiled form: {report}"
        return _uncompiled(original, reference, compiler.threshold, note, report)
    return compiled


def _compared(
    form: Form, original: Original, reference: Sequence[Row], threshold: float, cutoffs: Sequence[float]
) -> tuple[CompiledPipeline, ParityReport]:
    """Make a form's functions, and ask them and the original about the same rows.

    Raises
    ------
    NotCompilable
        If the form fails on some row: text is found where it computes with numbers.
    """
    schema = original.schema
    fitting = valid_rows(schema, reference)
    rows = probe_rows(schema, fitting, form.probes)
    rows += rows_near(original.predict, fitting, [threshold, *cutoffs])
    try:
        typical = form.reference(ColumnBatch.of_records(fitting or rows, len(schema)))
        compiled = CompiledPipeline(schema, form, original, reference=typical, threshold=threshold)
        compiled.parity = compare(
            compiled.predict_one,
            original.predict,
            rows,
            tolerance=form.tolerance,
            threshold=threshold,
            cutoffs=cutoffs,
            predict_many=lambda rows: form.batch(ColumnBatch.of_records(rows, len(schema))),
        )
    except Exception as error:  # its text may hold values of a row
        raise NotCompilable(f"the compiled form fails with {type(error).__name__}") from error
    return compiled, compiled.parity


def _uncompiled(
    original: Original,
    reference: Sequence[Row],
    threshold: float,
    note: str,
    parity: ParityReport | None = None,
) -> CompiledPipeline:
    warnings.warn(f"not compiled, so slower: {note}", NotCompiledWarning, stacklevel=5)
    schema = original.demanded(reference[:5] or probe_rows(original.schema, ())[:20])
    return CompiledPipeline(
        schema, None, original.under(schema), threshold=threshold, parity=parity, notes=[note]
    )


def check_classifier(estimator: Any) -> None:
    """Raise `UnsupportedModel` unless this is a fitted classifier of two classes with probabilities."""
    steps = getattr(estimator, "steps", None)
    name = type(steps[-1][1] if steps else estimator).__name__
    if isinstance(estimator, type):
        name = estimator.__name__
        raise UnsupportedModel(f"{name} is a class; a fitted {name} was expected", name)
    if isinstance(estimator, str | PathLike):
        raise UnsupportedModel("a fitted pipeline was expected, not a path: see Scorer.load", name)
    if not hasattr(estimator, "predict_proba"):
        advice = "; wrap it in CalibratedClassifierCV" if hasattr(estimator, "decision_function") else ""
        raise UnsupportedModel(f"{name} gives no probabilities{advice}", name)
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise UnsupportedModel(f"{name} is not fitted", name)
    if len(classes) != 2:
        raise UnsupportedModel(f"{name} has {len(classes)} classes; exactly two were expected", name)


class CompiledTransformer:
    """A fitted transformer as a function of one record.

    Attributes
    ----------
    row : callable
        A record's values → list of float, the columns in the transformer's order.
    """

    def __init__(self, columns: Sequence[Expr], schema: Schema) -> None:
        self.schema = schema
        code = FunctionSource(
            len(schema), frozenset(i for i, field in enumerate(schema.fields) if field.required)
        )
        names = [code.value(column) for column in columns]
        self.row: Callable[[tuple[Any, ...]], list[float]] = code.function(
            "row", "[" + ", ".join(f"float({name})" for name in names) + "]"
        )


def compile_transformer(estimator: Any, schema: Schema) -> CompiledTransformer:
    """Compile a fitted transformer.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn transformer.
    schema : Schema
        The record's fields.

    Returns
    -------
    CompiledTransformer

    Raises
    ------
    NotCompilable
        If it, or a part of it, has no compiled form.
    """
    compiler = Compiler(schema)
    names = getattr(estimator, "feature_names_in_", None)
    places = range(len(schema)) if names is None else [schema.names.index(str(name)) for name in names]
    columns = compiler.transform(estimator, [Raw(place) for place in places])
    return CompiledTransformer(columns, compiler.demanded())
