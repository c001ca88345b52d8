"""Fitted transformers compared with their compiled forms, column by column."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from morosidad.compiler import compile_transformer
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.schema.schema import Schema


def logistic():
    return LogisticRegression(C=0.1, max_iter=5000)


def same_columns(transformer, frame, *, exact=1e-13):
    """Compare a fitted transformer's columns with its compiled form's, row by row."""
    schema = Schema.infer(frame)
    compiled = compile_transformer(transformer, schema)
    expected = transformer.transform(frame)
    expected = np.asarray(expected.todense() if hasattr(expected, "todense") else expected, dtype=float)
    found = [compiled.row(row) for row in as_rows(schema, frame.to_dict("records"))]
    np.testing.assert_allclose(found, expected, rtol=exact, atol=exact)
