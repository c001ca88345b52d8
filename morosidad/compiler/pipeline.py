"""A compiled pipeline: the functions that answer for one record, and for many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.backends.python_source import FunctionSource, Sum
from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.report import ParityReport
from morosidad.frames.layout import FrameLayout
from morosidad.frames.reading import Coded, Column
from morosidad.schema.field import Field, Row, Value
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    from morosidad.compiler.forms.scales import Scale
    from morosidad.compiler.proof.original import Original

Answer = TypeVar("Answer")
CHUNK_ROWS = 16_384


class CompiledPipeline:
    """What `compile_pipeline` gives: one function per question.

    Parameters
    ----------
    schema : Schema
        The record's fields, with what the model demands declared.
    form : Form, optional
        The compiled classifier. Without it, the original answers.
    original : Original, optional
        The estimator that it came from; a model file without one is enough where there is a form.
    reference : ndarray, optional
        What the reasons are measured against.
    parity : ParityReport, optional
        How the form compared with the original.
    threshold : float, default=0.5
        Probability above which the label is 1.
    notes : sequence of str, optional
        Why there is no form, and what a record can't express; in English.
    own_labels : bool, default=False
        Whether labels are those of the original's `predict`, which differ from the threshold's.
    layout : FrameLayout, optional
        How the frame that the model was fitted on is laid out; by default that of the original.

    Attributes
    ----------
    predict_one : callable
        A record's values → probability of default.
    """

    def __init__(
        self,
        schema: Schema,
        form: Form | None = None,
        original: Original | None = None,
        *,
        reference: Floats | None = None,
        parity: ParityReport | None = None,
        threshold: float = 0.5,
        notes: Sequence[str] = (),
        own_labels: bool = False,
        layout: FrameLayout | None = None,
    ) -> None:
        if form is None and original is None:
            raise ValueError("a compiled pipeline needs a form or an original")
        self.schema = schema
        self.form = form
        self.original = original
        self.reference = reference
        self.parity = parity
        self.threshold = threshold
        self.notes: tuple[str, ...] = tuple(notes)
        self.own_labels = own_labels
        known = layout if layout is not None or original is None else original.layout
        self.layout: FrameLayout | None = known
        self.predict_one: Callable[[Row], float] = self._predict_one()

    @property
    def compiled(self) -> bool:
        """Whether a compiled form answers, and not scikit-learn."""
        return self.form is not None

    @property
    def backend(self) -> str:
        """What answers for one record: ``numba``, ``Python``, both, or ``original``."""
        return "original" if self.form is None else self.form.backend

    @property
    def used(self) -> tuple[str, ...]:
        """The fields that the model takes, in the order of the schema."""
        if self.layout is None:
            return self.schema.names
        fields = {column.field for column in self.layout.columns}
        return tuple(name for name in self.schema.names if name in fields)

    def code(self, beside: Sum | None = None) -> FunctionSource:
        """Begin a function of one record's values.

        Parameters
        ----------
        beside : Sum, optional
            As in `FunctionSource`.

        Returns
        -------
        FunctionSource
        """
        always = frozenset(i for i, field in enumerate(self.schema.fields) if field.required)
        return FunctionSource(len(self.schema), always, beside)

    def _predict_one(self) -> Callable[[Row], float]:
        if self.form is None:
            ask = self._require_original().predict
            return lambda values: float(ask([values])[0])
        code = self.code()
        return code.function("predict_one", self.form.emit(code))

    @cached_property
    def explain_one(self) -> Callable[[Row], tuple[float, tuple[float, ...]]] | None:
        """A record's values → (probability, contribution of each field); None without a reference."""
        if self.form is None or self.reference is None:
            return None
        code = self.code()
        probability, shares = self.form.emit_reasons(code, self.reference)
        return code.function(
            "explain_one", [probability, "(" + "".join(f"{share}, " for share in shares) + ")"]
        )

    @cached_property
    def explains_alike(self) -> bool:
        """Whether `explain_alike` can be asked."""
        return self.form is not None and self.reference is not None and self.form.alike

    def explain_alike(self, columns: Sequence[Column]) -> tuple[Floats, Floats]:
        """Give what `explain_one` gives for each of many rows, to the last bit.

        Parameters
        ----------
        columns : sequence of (ndarray, or Coded)
            As in `predict`.

        Returns
        -------
        probabilities : ndarray of float64, shape (n_rows,)
        shares : ndarray of float64, shape (n_rows, n_fields)

        Raises
        ------
        ValueError
            If ``explains_alike`` is False.
        """
        if self.form is None or self.reference is None or not self.explains_alike:
            raise ValueError("this pipeline explains many rows otherwise than each alone")
        probabilities, shares = self.form.batch_reasons(ColumnBatch(columns), self.reference)
        return probabilities, shares.T

    def measure_against(self, rows: Sequence[Row]) -> None:
        """Measure contributions against the mean over some rows from now on, where there is a form.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values of the background.
        """
        if self.form is not None:
            self.reference = self.form.background(ColumnBatch.of_records(rows, len(self.schema)))
            self.__dict__.pop("explain_one", None)
            self.__dict__.pop("explains_alike", None)

    def moved(self, shift: float) -> CompiledPipeline:
        """Give the same pipeline for another default rate: its log-odds, and a number.

        Parameters
        ----------
        shift : float
            What is added to the log-odds of every record.

        Returns
        -------
        CompiledPipeline
            Its labels are those of the threshold.
        """
        from morosidad.compiler.prior_correction import with_log_odds_moved

        return CompiledPipeline(
            self.schema,
            None if self.form is None else with_log_odds_moved(self.form, shift),
            None if self.original is None else self.original.moved(shift),
            reference=self.reference,
            parity=self.parity,
            threshold=self.threshold,
            notes=self.notes,
            layout=self.layout,
        )

    def explain(self, columns: Sequence[Column], scale: Scale | None = None) -> tuple[Floats, Floats]:
        """Give the scores of many rows, and each field's contributions to them.

        Parameters
        ----------
        columns : sequence of (ndarray, or Coded)
            As in `predict`.
        scale : {'log-odds', 'probability'}, optional
            As in `scored_shares`.

        Returns
        -------
        scores : ndarray of float64, shape (n_rows,)
        shares : ndarray of float64, shape (n_fields, n_rows)

        Raises
        ------
        ValueError
            If there is no form, or no reference.
        """
        from morosidad.compiler.forms.scales import on_scale, scored_shares

        if self.form is None or self.reference is None:
            raise ValueError("this pipeline gives no contributions")
        try:
            return scored_shares(self.form, ColumnBatch(columns), self.reference, scale)
        except NotImplementedError:  # a form that explains one record at a time
            explain = self.explain_one
            assert explain is not None
            found = [explain(row) for row in rows_of(self.schema, columns)]
            scores = np.array([answer[0] for answer in found])
            shares = np.array([answer[1] for answer in found]).reshape(len(found), len(self.schema))
            return on_scale(self.form.scale, scores, shares.T, scale)

    def predict(self, columns: Sequence[Column]) -> Floats:
        """Give the probability of default of many rows.

        Parameters
        ----------
        columns : sequence of (ndarray, or Coded)
            Validated columns in schema order, as `frames.reading.read_frame` gives them.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            NaN where an original that is not compiled refuses a row.
        """
        if self.form is None:
            return self._require_original().answers(rows_of(self.schema, columns))
        compute = self.form.batch

        def answer(rows: slice) -> Floats:
            return compute(ColumnBatch([column[rows] for column in columns]))

        return np.concatenate([np.empty(0), *each_chunk(answer, len(columns[0]))])

    def labels(self, columns: Sequence[Column], probabilities: Floats) -> NDArray[np.bool_]:
        """Tell which of many rows are labelled as default.

        Parameters
        ----------
        columns : sequence of (ndarray, or Coded)
            As in `predict`.
        probabilities : ndarray of shape (n_rows,), float64
            What `predict` gave.

        Returns
        -------
        ndarray of shape (n_rows,), bool
        """
        if self.own_labels:
            return self._require_original().defaults(rows_of(self.schema, columns))
        return probabilities > self.threshold

    def _require_original(self) -> Original:
        if self.original is None:
            raise ValueError("this pipeline has no original")
        return self.original


def each_chunk(answer: Callable[[slice], Answer], n_rows: int, *, parallel: bool = True) -> Iterator[Answer]:
    """Answer for some rows after the other, on all cores where there are enough of them to pay for it.

    Parameters
    ----------
    answer : callable
        Answers for the rows in a slice: so many that they fit the processor's cache.
    n_rows : int
        How many there are.
    parallel : bool, default=True
        Whether several threads may ask at once.

    Yields
    ------
    object
        The answers, in the order of the rows.
    """
    parts = [slice(start, start + CHUNK_ROWS) for start in range(0, n_rows, CHUNK_ROWS)]
    if not parallel or len(parts) <= 2:
        yield from map(answer, parts)
        return
    from joblib import Parallel, delayed

    threads: Any = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
    yield from threads(delayed(answer)(part) for part in parts)


def rows_of(schema: Schema, columns: Sequence[Column]) -> list[Row]:
    """Turn validated columns back into rows, as the schema reads records."""
    return list(
        zip(*(values_of(f, column) for f, column in zip(schema.fields, columns, strict=True)), strict=True)
    )


def values_of(field: Field, column: Column) -> list[Value]:
    """Turn one validated column back into values, as the schema reads records.

    Parameters
    ----------
    field : Field
        What the column holds.
    column : ndarray of shape (n_rows,), float64, or Coded
        The column.

    Returns
    -------
    list
        None where a value is missing.
    """
    if isinstance(column, Coded):
        levels: list[Value] = [*column.levels, None]
        return [levels[code] for code in column.codes.tolist()]
    missing = np.isnan(column)
    if field.kind == "number" or (field.kind == "integer" and field.usual_levels is None):
        values: list[Value] = column.tolist()
    elif field.kind == "boolean":
        values = (np.where(missing, 0.0, column) != 0.0).tolist()
    else:
        values = _whole(np.where(missing, 0.0, column))
    for place in np.flatnonzero(missing).tolist():
        values[place] = None
    return values


def _whole(column: Floats) -> list[Value]:
    if np.abs(column).max(initial=0.0) >= 2.0**63:
        return [int(number) for number in column.tolist()]
    values: list[Value] = column.astype(np.int64).tolist()
    return values
