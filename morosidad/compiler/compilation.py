"""Compilation of fitted pipelines and transformers, with the parity gate behind it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import morosidad.compiler.readers  # noqa: F401 - they fill the registry
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.forms.form import Form, OnProbability
from morosidad.compiler.forms.guarded import Guarded
from morosidad.compiler.gate import (
    OwnRows,
    ambiguity,
    check_original,
    describe,
    differences,
    left_out,
    with_own_rows,
)
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Constant, Narrow, Raw
from morosidad.compiler.obstacles import obstacles
from morosidad.compiler.own_labels import labels_elsewhere, labels_follow, tied
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.asking import in_words, one_thread, part_name, quiet
from morosidad.compiler.proof.inputs import Inputs
from morosidad.compiler.proof.original import Original, plain_layout
from morosidad.compiler.proof.parity import compare, rows_between, rows_near
from morosidad.compiler.proof.probe_rows import probe_rows, valid_rows
from morosidad.compiler.proof.unusual_missing import told_apart
from morosidad.compiler.readers.calibration import decision_threshold, fixed_threshold
from morosidad.compiler.registry import Compiler, NotCompilable, compiles
from morosidad.compiler.report import ParityReport
from morosidad.compiler.storage.packing import nested_too_deeply
from morosidad.compiler.type_limits import within_types
from morosidad.errors import NotCompiledWarning, UnsupportedModel
from morosidad.frames.layout import ColumnLayout, FrameBuilder, FrameLayout
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

SAME_ALONE = 1e-12
"""So much may an original's answer for a row differ when it is asked about many."""
NARROW_TOLERANCE = 1e-6
"""Allowed where columns are float32 or narrower: the original itself may reckon in float32."""
SHARED_EQUALLY = (
    "contributions of numbers that a dense step makes of several fields are divided equally among them"
)
TIED = 1e-13
"""Sums of the two classes' probabilities add up to 1 within this, so a threshold on one is on the other."""


def compile_pipeline(
    estimator: Any,
    schema: Schema,
    reference: Sequence[Row] = (),
    *,
    layout: FrameLayout | None = None,
    own: OwnRows | None = None,
    default: int = 1,
    cutoffs: Sequence[float] = (),
) -> CompiledPipeline:
    """Compile a fitted classifier, and prove that it answers the same.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn pipeline or classifier with two classes and ``predict_proba``.
    schema : Schema
        The record's fields.
    reference : sequence of tuple, optional
        Validated rows, best those it was fitted on: the gate tries them, and reasons are measured
        against them. Without any, rows drawn from the schema's limits stand in.
    layout : FrameLayout, optional
        The columns that the estimator takes and their data types; plain ones by default.
    own : OwnRows, optional
        The user's own rows and what the estimator answered about each alone: the gate wants the same.
    default : {0, 1}, default=1
        The place of the class that means default among the estimator's two.
    cutoffs : sequence of float, optional
        Probabilities from which on another decision is made, besides the label's: the gate tries
        the rows nearest to them, and wants each on the original's side.

    Returns
    -------
    CompiledPipeline
        Its ``form`` is None, and its ``notes`` say why, where the original has to answer.

    Raises
    ------
    UnsupportedModel
        If the estimator is not fitted, gives no probabilities, has not exactly two classes, sets
        its threshold on another scale than probability, or can't answer a record as it answers a row.
    InvalidFrame
        If it needs columns that the schema has no field for.
    """
    if own is None:  # else the judge has asked it already
        check_classifier(estimator)
    task = _Compilation(estimator, schema, list(reference), layout, own, default, tuple(cutoffs))
    with one_thread():
        return task.completed(task.run())


class _Compilation:
    """One compilation, from the estimator to a model that is proven or to the original itself."""

    def __init__(
        self,
        estimator: Any,
        schema: Schema,
        reference: list[Row],
        layout: FrameLayout | None,
        own: OwnRows | None,
        default: int,
        cutoffs: tuple[float, ...],
    ) -> None:
        self.threshold = decision_threshold(estimator, default)
        fixed = fixed_threshold(estimator)
        self.of_other = fixed is not None and fixed[1] != default
        self.original = Original(estimator, schema, layout, default=default)
        self.original = self.original.under(within_types(schema, self.original.layout))
        self.reference = reference
        self.own = own
        self.cutoffs = cutoffs

    def run(self) -> CompiledPipeline:
        """Compile and compare."""
        try:
            form, schema = self._form()
            if self.of_other and isinstance(form, OnProbability):
                self.threshold += TIED
            if note := self._other_labels():
                return self._uncompiled(note)
            compiled, report, note = self._compared(form, self.original.under(schema))
        except NotCompilable as reason:
            return self._uncompiled("; ".join(self._obstacles(str(reason))))
        if not report.passed:
            return self._uncompiled(f"the parity gate refused the compiled form: {note or report}", report)
        return compiled

    def completed(self, compiled: CompiledPipeline) -> CompiledPipeline:
        """Add what was learnt from the own rows."""
        if self.own is not None:
            known = [row for row in self.own.rows if row is not None]
            compiled.layout = told_apart(self.original, compiled.schema, known)
            ties = tied(self.threshold, self.own.verdict) if compiled.form is not None else []
            compiled.notes += (*ties, *left_out(self.own))
        if compiled.form is not None and compiled.form.shares_equally:
            compiled.notes += (SHARED_EQUALLY,)
        return compiled

    def _obstacles(self, first: str) -> list[str]:
        inputs = [_input(found) for found in self.original.inputs]
        return obstacles(self.original.estimator, inputs, self._compiler, first)

    def _form(self) -> tuple[Form, Schema]:
        original = self.original
        compiler = self._compiler()
        self.narrow = any(column.narrow for column in original.layout.columns)
        form = compiler.form(original.estimator, [_input(found) for found in original.inputs])
        self.narrow |= compiler.narrow
        if compiler.demands:
            form = Guarded(form, tuple(compiler.demands))
        if nested_too_deeply(form):
            raise NotCompilable("its steps are nested too deeply for a model file")
        return form, compiler.demanded()

    def _compiler(self) -> Compiler:
        schema, default = self.original.schema, self.original.default
        inputs = Inputs(schema, self.original.frames, self.reference)
        return Compiler(
            schema, threshold=self.threshold, default=default, layout=self.original.layout, inputs=inputs
        )

    def _compared(self, form: Form, original: Original) -> tuple[CompiledPipeline, ParityReport, str]:
        """Make a form's functions, and ask them and the original about the same rows.

        Raises
        ------
        NotCompilable
            If the form fails on some row: text stands where it reckons with numbers.
        """
        schema, own = original.schema, self.own
        fitting = valid_rows(schema, self.reference)
        rows = probe_rows(schema, fitting, form.probes)
        rows += rows_near(original.predict, fitting, [self.threshold, *self.cutoffs])
        tolerance = max(form.tolerance, NARROW_TOLERANCE) if self.narrow else form.tolerance
        note = ""
        try:
            typical = form.reference(ColumnBatch.of_records(fitting or rows, len(schema)))
            compiled = CompiledPipeline(schema, form, original, reference=typical, threshold=self.threshold)
            report = compare(
                compiled.predict_one,
                original.predict,
                rows,
                tolerance=tolerance,
                threshold=self.threshold,
                cutoffs=self.cutoffs,
                predict_many=lambda rows: form.batch(ColumnBatch.of_records(rows, len(schema))),
            )
            if own is not None and report.passed:
                found = differences(compiled, own, self.cutoffs)
                report = with_own_rows(report, own, found)
                note = "" if report.passed else describe(compiled, original, own, found, tolerance)
                compiled.notes = tuple(ambiguity(compiled, original, own, tolerance))
        except Exception as error:  # its text may hold values of a row
            raise NotCompilable(f"the compiled form fails with {type(error).__name__}") from error
        compiled.parity = report
        return compiled, report, note

    def _other_labels(self) -> str:
        """Say where the estimator's labels are not those of its threshold; empty where they are."""
        count = 0 if self.own is None else labels_follow(self.threshold, self.own.verdict)
        words = f"predict gives other labels than the threshold {self.threshold:.6g} on {count} own rows"
        return words if count else ""

    def _labels_elsewhere(self) -> str:
        """Say the same of rows that are made ever nearer to the threshold, where the two part first."""
        original = self.original.asked_together()  # as predict is asked, and many rows are at stake
        known = [] if self.own is None else [row for row in self.own.rows if row is not None]
        with quiet():
            near = rows_between(known, original.answers, self.threshold)
            count, crossed = labels_elsewhere(original, near, self.threshold)
        if count:
            return (
                f"predict gives other labels than the threshold {self.threshold:.6g} on {count} rows near it"
            )
        if not crossed and hasattr(original.estimator, "decision_function"):
            return "labels are those of predict, which may go by decision_function"
        return ""

    def _uncompiled(self, note: str, parity: ParityReport | None = None) -> CompiledPipeline:
        warnings.warn(f"not compiled, so slower: {note}", NotCompiledWarning, stacklevel=6)
        original, labels = self.original, self._other_labels()
        asked = bool(labels) or self.of_other
        notes = [words for words in dict.fromkeys((note, labels)) if words]
        if self.own is not None and self.own.verdict.gap > SAME_ALONE:
            original.row_by_row = True
            notes.append(f"asked row by row: its answers for many rows differ by {self.own.verdict.gap:.0e}")
        if self.own is not None:
            checked, own_notes = check_original(original, self.own, self.threshold)
            parity, notes = parity or checked, notes + own_notes
        if not asked and (words := self._labels_elsewhere()):
            asked = True
            notes.append(words)
        base = _own_rows(self.own) or self.reference[:5] or probe_rows(original.schema, ())[:20]
        demanded = original.demanded(base)
        notes += demanded.notes
        schema = demanded.schema
        return CompiledPipeline(
            schema,
            None,
            original.under(schema),
            threshold=self.threshold,
            parity=parity,
            notes=notes,
            own_labels=asked,
        )


def _own_rows(own: OwnRows | None) -> list[Row]:
    """Give a few own rows that the judge answered."""
    return [] if own is None else [row for row in own.rows if row is not None][:5]


def _input(found: tuple[int, ColumnLayout] | None) -> Expr:
    """Give one of the estimator's input columns; NaN for one that it drops."""
    if found is None:
        return Constant(float("nan"))
    place, column = found
    return Raw(place) if column.narrow is None else Narrow(Raw(place), column.narrow)


def check_classifier(estimator: Any, rows: Any = None) -> None:
    """Make sure that this is a fitted classifier of two classes with probabilities.

    Parameters
    ----------
    estimator : object
        What was given.
    rows : DataFrame or ndarray, optional
        Some rows to ask it about, where it keeps no ``classes_``.

    Raises
    ------
    UnsupportedModel
        If it is anything else.
    """
    if isinstance(estimator, type):
        name = estimator.__name__
        raise UnsupportedModel(f"{name} is a class; a fitted {name} was expected", name)
    name = part_name(estimator)
    if isinstance(estimator, str | PathLike):
        raise UnsupportedModel("a fitted pipeline was expected, not a path: see Scorer.load", name)
    if not hasattr(estimator, "predict_proba"):
        advice = "; wrap it in CalibratedClassifierCV" if hasattr(estimator, "decision_function") else ""
        raise UnsupportedModel(f"{name} gives no probabilities{advice}", name)
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        _check_fitted(estimator, name, rows)
    elif len(classes) != 2:
        raise UnsupportedModel(f"{name} has {len(classes)} classes; exactly two were expected", name)


def _check_fitted(estimator: Any, name: str, rows: Any) -> None:
    """Ask an estimator without ``classes_`` whether it is fitted: by its answer, or else scikit-learn."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        with quiet():
            check_is_fitted(estimator) if rows is None else estimator.predict_proba(rows)
    except NotFittedError as error:
        raise UnsupportedModel(f"{name} is not fitted: {' '.join(str(error).split())}", name) from None
    except Exception as error:
        if rows is None:  # scikit-learn can't tell of what is no estimator of its kind: it is asked later
            return
        raise UnsupportedModel(f"{name} answers no row: {in_words(error)}", name) from error


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


def compile_transformer(estimator: Any, schema: Schema, reference: Sequence[Row] = ()) -> CompiledTransformer:
    """Compile a fitted transformer.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn transformer.
    schema : Schema
        The record's fields.
    reference : sequence of tuple, optional
        Validated rows, on which functions of one's own are traced; without any, rows are drawn.

    Returns
    -------
    CompiledTransformer

    Raises
    ------
    NotCompilable
        If it, or a part of it, has no compiled form.
    """
    layout = plain_layout(schema, getattr(estimator, "feature_names_in_", None))
    compiler = Compiler(schema, inputs=Inputs(schema, FrameBuilder(layout, schema.names), reference))
    names = getattr(estimator, "feature_names_in_", None)
    places = range(len(schema)) if names is None else [schema.names.index(str(name)) for name in names]
    columns = compiler.transform(estimator, [Raw(place) for place in places])
    return CompiledTransformer(columns, compiler.demanded())
