"""What can't be recorded ends the trace with the line that says why, and the original answers."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from compiler.readers.tracing import features, unrecordable
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from morosidad.compiler import compile_pipeline
from morosidad.compiler.proof.probe_rows import as_rows
from morosidad.frames.layout import FrameLayout
from morosidad.schema.schema import Schema

FRAME = features.frame_of(60)
TARGET = np.arange(len(FRAME)) % 2


def line_of(feature):
    lines, start = inspect.getsourcelines(feature)
    marked = [place for place, line in enumerate(lines) if "# here" in line]
    return start + marked[0]


def notes_of(model, frame):
    schema = Schema.infer(frame)
    layout = FrameLayout.of(frame, {name: name for name in schema.names})
    rows = as_rows(schema, frame.to_dict("records"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compile_pipeline(model, schema, rows, layout=layout)
    assert not compiled.compiled
    return "; ".join(compiled.notes)


@pytest.mark.parametrize("feature", unrecordable.FEATURES, ids=lambda feature: feature.__name__)
def test_a_feature_falls_back_with_its_line(feature):
    step = feature() if inspect.isclass(feature) else FunctionTransformer(feature)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(step, SimpleImputer(), LogisticRegression()).fit(FRAME, TARGET)
    assert f"unrecordable.py:{line_of(feature)}: " in notes_of(model, FRAME)
