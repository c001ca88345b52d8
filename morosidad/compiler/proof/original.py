"""The original estimator, asked about records in frames laid out as the user's own frame is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.nodes.functions import prior_corrected
from morosidad.compiler.proof.asking import ask_default, ask_probability
from morosidad.compiler.proof.probe_rows import unseen
from morosidad.errors import InvalidFrame
from morosidad.frames.layout import ColumnLayout, FrameBuilder, FrameLayout
from morosidad.schema.field import Field, Row, Value
from morosidad.schema.schema import Schema

DEMAND_BASES = 3
"""So many rows are tried with a value left out, or with a category that was never seen."""
MAX_DEMAND_QUESTIONS = 600
"""So many questions are asked at most about left out values, and as many about unseen categories."""

NAMED_FIELDS = 5


class Demanded(NamedTuple):
    """What an estimator can't do without.

    Attributes
    ----------
    schema : Schema
        Where that is declared.
    unasked : tuple of str
        The fields that it was not asked about, for they are too many: they stay open.
    """

    schema: Schema
    unasked: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What was not asked, in words; empty where all was."""
        if not self.unasked:
            return []
        named, rest = self.unasked[:NAMED_FIELDS], len(self.unasked) - NAMED_FIELDS
        more = f" and {rest} more" if rest > 0 else ""
        return [f"not tried with a missing or a new value, for fields are many: {', '.join(named)}{more}"]


class Original:
    """A fitted classifier as it came, asked in the terms of a schema.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn classifier or pipeline with two classes.
    schema : Schema
        The record's fields; the estimator's input columns are among them.
    layout : FrameLayout, optional
        The columns that the estimator takes, and their data types; by default plain ones, under the
        names that the estimator keeps or else those of the schema.
    default : {0, 1}
        The place of the class that means default among the estimator's two.
    """

    def __init__(
        self, estimator: Any, schema: Schema, layout: FrameLayout | None = None, *, default: int = 1
    ) -> None:
        self.estimator = estimator
        self.schema = schema
        self.default = default
        self.stored: Any = None  # as a model file holds it: written anew, it would differ
        names = getattr(estimator, "feature_names_in_", None)
        self.names: list[str] | None = None if names is None else [str(name) for name in names]
        self.layout: FrameLayout = layout or plain_layout(schema, self.names)
        fields = [column.field for column in self.layout.columns]
        absent = [name for name in fields if name not in schema.names]
        if absent:
            raise InvalidFrame(
                f"the model needs columns that the schema has no field for: {', '.join(absent)}", absent
            )
        width = getattr(estimator, "n_features_in_", len(fields))
        if self.names is None and width != len(fields):
            raise InvalidFrame(
                f"the model was fitted on {width} unnamed columns; the schema has {len(schema)} fields"
            )
        self.frames: FrameBuilder = FrameBuilder(self.layout, schema.names)
        self.row_by_row = False  # one whose answers for many rows differ in their last digits
        self.shift: float = 0.0  # of the log-odds, for another default rate
        self._answered: Row | None = None  # the first row that it answered tells whether it still does

    def under(self, schema: Schema) -> Original:
        """Give the same estimator, asked in the terms of another schema.

        Parameters
        ----------
        schema : Schema
            The record's fields, by the same names.

        Returns
        -------
        Original
        """
        fresh = Original(self.estimator, schema, self.layout, default=self.default)
        fresh.stored, fresh._answered = self.stored, self._answered
        fresh.row_by_row, fresh.shift = self.row_by_row, self.shift
        return fresh

    def moved(self, shift: float) -> Original:
        """Give the same estimator for another default rate.

        Parameters
        ----------
        shift : float
            What is added to its log-odds.

        Returns
        -------
        Original
        """
        fresh = self.under(self.schema)
        fresh.shift += shift
        return fresh

    def asked_together(self) -> Original:
        """Give the same estimator, always asked about many rows in one frame.

        Returns
        -------
        Original
            For where its last digits are no matter.
        """
        fresh = self.under(self.schema)
        fresh.row_by_row = False
        return fresh

    @property
    def inputs(self) -> list[tuple[int, ColumnLayout] | None]:
        """The field and layout of each of the estimator's input columns; None for one that is left out."""
        columns = {str(column.name): column for column in self.layout.columns}
        named = list(columns) if self.names is None or self.layout.container == "array" else self.names
        places = {name: place for place, name in enumerate(self.schema.names)}
        return [(places[columns[name].field], columns[name]) if name in columns else None for name in named]

    def predict(self, rows: Sequence[Row]) -> Floats:
        """Give the probability of default of validated records.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values of each record.

        Returns
        -------
        ndarray of shape (n_rows,), float64
        """
        if self.row_by_row and len(rows) > 1:
            return np.concatenate([self.predict([row]) for row in rows])
        found = ask_probability(self.estimator, self.frames.frame(rows), self.default)
        if self.shift:
            found = prior_corrected(found, math.exp(self.shift))
        if self._answered is None and np.isfinite(found).all():
            self._answered = rows[0]
        return found

    def answers(self, rows: Sequence[Row]) -> Floats:
        """Give the probability of default of each record that the estimator answers.

        One that it refuses takes no other with it: halves are asked until it is found.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values of each record.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            NaN where it refuses a record.

        Raises
        ------
        Exception
            Its own, if it refuses all of them and one that it has answered before.
        """
        try:
            return self.predict(rows)
        except Exception:
            found = self._halves(rows) if len(rows) > 1 else np.full(len(rows), np.nan)
            known = self._answered
            at_fault = not self._answers(known) if known is not None else len(rows) > 1
            if np.isnan(found).all() and at_fault:
                raise
            return found

    def _halves(self, rows: Sequence[Row]) -> Floats:
        half = len(rows) // 2
        return np.concatenate([self._each(rows[:half]), self._each(rows[half:])])

    def _each(self, rows: Sequence[Row]) -> Floats:
        try:
            return self.predict(rows)
        except Exception:
            return self._halves(rows) if len(rows) > 1 else np.full(1, np.nan)

    def defaults(self, rows: Sequence[Row]) -> NDArray[np.bool_]:
        """Give what the estimator's own `predict` says of validated records.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values of each record.

        Returns
        -------
        ndarray of shape (n_rows,), bool
            Whether the label is that of default.
        """
        return ask_default(self.estimator, self.frames.frame(rows), self.default)

    def demanded(self, rows: Sequence[Row]) -> Demanded:
        """Give the schema with what the estimator can't do without declared, found by asking it.

        Parameters
        ----------
        rows : sequence of tuple
            Rows to ask about, with values left out or replaced by unseen categories.

        Returns
        -------
        Demanded
        """
        bases = list(islice(filter(self._answers, rows), DEMAND_BASES))
        if not bases:
            return Demanded(self.schema)
        fields = self.schema.fields
        gaps = {place: [None] for place, field in enumerate(fields) if not field.required}
        unseen = {place: unseen_levels(field) for place, field in enumerate(fields) if _open_ended(field)}
        missing, closed = (_Demands(self._answers, bases, values) for values in (gaps, unseen))
        found = (_demanding(f, i in missing.refused, i in closed.refused) for i, f in enumerate(fields))
        unasked = sorted(missing.unasked | closed.unasked)
        return Demanded(self.schema.replace(found), tuple(fields[place].name for place in unasked))

    def _answers(self, row: Row) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the rows are odd on purpose
                return bool(np.isfinite(self.predict([row])).all())
        except Exception:
            return False


class _Demands:
    """The fields for which no base row takes any of some values.

    Many fields are changed at once, and halves of them where that is refused, so that a model that does
    without most of them is asked few questions.

    Parameters
    ----------
    answers : callable
        Whether the estimator answers a row.
    bases : sequence of tuple
        Rows that it answers.
    values : dict of int to sequence of value
        What is tried for each field, by its place.

    Attributes
    ----------
    refused : set of int
        The fields whose values were refused, each asked about alone.
    unasked : set of int
        Those that were not asked about alone before the questions were used up.
    """

    def __init__(
        self,
        answers: Callable[[Row], bool],
        bases: Sequence[Row],
        values: Mapping[int, Sequence[Value]],
    ) -> None:
        self._answers = answers
        self._left = MAX_DEMAND_QUESTIONS
        alone: set[int] = set()
        pending = set(values)
        for turn in range(max(map(len, values.values()), default=0)):
            for base in bases:
                tried = {place: values[place][turn] for place in sorted(pending) if turn < len(values[place])}
                pending -= self._taken(base, tried, alone)
        self.refused, self.unasked = pending & alone, pending - alone

    def _taken(self, base: Row, values: Mapping[int, Value], alone: set[int]) -> set[int]:
        """Find the fields whose values are answered, and note which ones are refused alone."""
        if not values or not self._left:
            return set()
        self._left -= 1
        if self._answers(tuple(values.get(place, value) for place, value in enumerate(base))):
            return set(values)
        if len(values) == 1:
            alone.update(values)
            return set()
        pairs, half = list(values.items()), len(values) // 2
        return self._taken(base, dict(pairs[:half]), alone) | self._taken(base, dict(pairs[half:]), alone)


def _open_ended(field: Field) -> bool:
    return field.kind == "category" and field.categories is None and field.usual_levels is not None


def _demanding(field: Field, required: bool, closed: bool) -> Field:
    changes: dict[str, Any] = {"required": True} if required else {}
    if closed:
        changes["categories"] = field.usual_levels
    return msgspec.structs.replace(field, **changes)


def unseen_levels(field: Field) -> list[str | int]:
    """Give categories that a field has never held, in the forms of those that it has.

    An estimator that reads a text (``"12 meses"``) refuses a text without a number, and takes others.

    Parameters
    ----------
    field : Field
        With usual levels.

    Returns
    -------
    list of (str or int)
    """
    known = field.usual_levels or ()
    texts = [level for level in known if isinstance(level, str)][:2]
    turned = [level.translate(_NEXT_DIGIT) for level in texts]
    made = [unseen(field), *turned, *(f"{level} " for level in texts), *(f"{level}x" for level in texts)]
    numbers = [level for level in known if isinstance(level, int)]
    made += [min(numbers) - 1] if numbers else []
    return [level for level in dict.fromkeys(made) if level not in known]


_NEXT_DIGIT = str.maketrans("0123456789", "1234567890")


def plain_layout(schema: Schema, names: Sequence[str] | None = None) -> FrameLayout:
    """Give the layout of a frame of plain types, where no reference says which they are.

    Parameters
    ----------
    schema : Schema
        The record's fields.
    names : sequence of str, optional
        The columns, in order; by default the fields.

    Returns
    -------
    FrameLayout
        Numbers as float64, integers as int64, booleans as bool, categories as objects or int64.
    """
    fields = {field.name: field for field in schema.fields}
    chosen = schema.names if names is None else names
    return FrameLayout(tuple(ColumnLayout(name, name, _plain_type(fields.get(name))) for name in chosen))


def _plain_type(field: Field | None) -> str:
    if field is None:  # the caller says which field is absent
        return "float64"
    if field.kind == "category" and not field.holds_integers:
        return "object"
    return {"number": "float64", "boolean": "bool"}.get(field.kind, "int64")
