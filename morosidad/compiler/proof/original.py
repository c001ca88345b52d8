"""The original estimator, asked about records: the judge of parity, and the fallback."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.nodes.base import Floats
from morosidad.compiler.proof.probe_rows import changed, unseen
from morosidad.errors import InvalidFrame
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
    dtypes : mapping of str to dtype, optional
        Data types that the estimator was fitted on where they matter (pandas categories, objects);
        None for objects among which a missing value is None and not NaN.
    """

    def __init__(self, estimator: Any, schema: Schema, dtypes: dict[str, Any] | None = None) -> None:
        self.estimator = estimator
        self.schema = schema
        self.dtypes: dict[str, Any] = dtypes or {}
        self.stored: bytes | None = None  # as a model file holds it: written anew, it would differ
        names = getattr(estimator, "feature_names_in_", None)
        self.names: list[str] | None = None if names is None else [str(name) for name in names]
        absent = [name for name in self.names or () if name not in schema.names]
        if absent:
            raise InvalidFrame(
                f"the model needs columns that the schema has no field for: {', '.join(absent)}", absent
            )
        width = getattr(estimator, "n_features_in_", len(schema))
        if self.names is None and width != len(schema):
            raise InvalidFrame(
                f"the model was fitted on {width} unnamed columns; the schema has {len(schema)} fields"
            )

    def under(self, schema: Schema) -> Original:
        """Give the same estimator, asked in the terms of another schema."""
        return Original(self.estimator, schema, self.dtypes)

    @property
    def places(self) -> list[int]:
        """The field of each of the estimator's input columns."""
        if self.names is None:
            return list(range(len(self.schema)))
        return [self.schema.names.index(name) for name in self.names]

    def predict(self, rows: Sequence[Row]) -> Floats:
        """Give the probability of default of validated records."""
        from morosidad.frames.records import to_frame

        frame = to_frame(self.schema, rows)
        for name, dtype in self.dtypes.items():
            frame[name] = _as_fitted(frame[name], dtype)
        return self.predict_frame(frame)

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

    def predict_frame(self, frame: Any) -> Floats:
        """Give the probability of default of a frame's rows."""
        table = frame[list(self.schema.names)].to_numpy() if self.names is None else frame[self.names]
        return np.asarray(self.estimator.predict_proba(table), dtype=np.float64)[:, 1]


def _as_fitted(column: Any, dtype: Any) -> Any:
    import pandas as pd

    if dtype is None:
        return pd.Series([None if value != value else value for value in column], column.index, dtype=object)
    known = getattr(dtype, "categories", column)
    return column.where(column.isin(known)).astype(dtype)
