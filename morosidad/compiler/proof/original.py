"""The original estimator, asked about records in frames laid out as the user's own frame is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.proof.probe_rows import changed, unseen
from morosidad.errors import InvalidFrame, UnsupportedModel
from morosidad.frames.layout import ColumnLayout, FrameBuilder, FrameLayout
from morosidad.schema.field import Field, Row
from morosidad.schema.schema import Schema


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
        self.layout = layout or plain_layout(schema, self.names)
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
        self._frames = FrameBuilder(self.layout, schema.names)

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
        fresh.stored = self.stored
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
        answer = np.asarray(self.estimator.predict_proba(self._frames.frame(rows)), dtype=np.float64)
        if answer.shape != (len(rows), 2):
            name = type(self.estimator).__name__
            raise UnsupportedModel(
                f"predict_proba of {name} gives an array of shape {answer.shape}, not ({len(rows)}, 2)", name
            )
        return answer[:, self.default]

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
            Its own, if it refuses all of several records, as where it is at fault itself.
        """
        try:
            return self.predict(rows)
        except Exception:
            found = self._halves(rows) if len(rows) > 1 else np.full(len(rows), np.nan)
            if len(rows) > 1 and np.isnan(found).all():
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
        labels = np.asarray(self.estimator.predict(self._frames.frame(rows))).reshape(len(rows))
        found: NDArray[np.bool_] = labels == self.estimator.classes_[self.default]
        return found

    def demanded(self, rows: Sequence[Row]) -> Schema:
        """Give the schema with what the estimator can't do without declared, found by asking it.

        Parameters
        ----------
        rows : sequence of tuple
            Rows to ask about, each with one value left out or replaced by an unseen category.

        Returns
        -------
        Schema
        """
        base = next((row for row in rows if self._answers(row)), None)
        if base is None:
            return self.schema
        return self.schema.replace(self._demanded(i, f, base) for i, f in enumerate(self.schema.fields))

    def _demanded(self, place: int, field: Field, base: Row) -> Field:
        changes: dict[str, Any] = {}
        if not field.required and not self._answers(changed(base, place, None)):
            changes["required"] = True
        open_ended = field.kind == "category" and field.categories is None and field.usual_levels is not None
        if open_ended and not self._answers(changed(base, place, unseen(field))):
            changes["categories"] = field.usual_levels
        return msgspec.structs.replace(field, **changes)

    def _answers(self, row: Row) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the rows are odd on purpose
                return bool(np.isfinite(self.predict([row])).all())
        except Exception:
            return False


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
