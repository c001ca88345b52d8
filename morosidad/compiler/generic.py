"""The fallback: scikit-learn itself, on a one-row frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.expressions import Floats
from morosidad.errors import InvalidFrame
from morosidad.schema import Schema


class Original:
    """A fitted classifier as it came, asked in the terms of a schema.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn classifier or pipeline with two classes.
    schema : Schema
        The record's fields; the estimator's input columns are among them.
    dtypes : mapping of str to dtype, optional
        Data types that the estimator was fitted on where they matter (pandas categories).
    """

    def __init__(self, estimator: Any, schema: Schema, dtypes: dict[str, Any] | None = None) -> None:
        self.estimator = estimator
        self.schema = schema
        self.dtypes = dtypes or {}
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

    @property
    def places(self) -> list[int]:
        """The field of each of the estimator's input columns."""
        if self.names is None:
            return list(range(len(self.schema)))
        return [self.schema.names.index(name) for name in self.names]

    def predict(self, rows: Sequence[tuple[Any, ...]]) -> Floats:
        """Give the probability of default of validated records."""
        from morosidad.tables import to_frame

        frame = to_frame(self.schema, rows)
        return self.predict_frame(frame.astype(self.dtypes) if self.dtypes else frame)

    def predict_frame(self, frame: Any) -> Floats:
        """Give the probability of default of a frame's rows."""
        table = frame[list(self.schema.names)].to_numpy() if self.names is None else frame[self.names]
        return np.asarray(self.estimator.predict_proba(table), dtype=np.float64)[:, 1]
