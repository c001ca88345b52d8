"""A frame of any library is answered as pandas is, in its own kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad import Scorer

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

RECORD = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
FRAME = pd.DataFrame([RECORD, {**RECORD, "edad": 30}, {**RECORD, "monto_credito": -1.0}])


def as_array(frame: pd.DataFrame) -> Any:
    found = np.empty(len(frame), dtype=[(name, frame[name].to_numpy().dtype) for name in frame.columns])
    for name in frame.columns:
        found[name] = frame[name]
    return found


@pytest.mark.parametrize(
    ("make", "kind", "collected"),
    [
        (pl.from_pandas, pl.DataFrame, lambda out: out.to_dict(as_series=False)),
        (
            lambda f: pl.from_pandas(f).lazy(),
            pl.LazyFrame,
            lambda out: out.collect().to_dict(as_series=False),
        ),
        (lambda f: pa.Table.from_pandas(f), pa.Table, lambda out: out.to_pydict()),
        (as_array, np.ndarray, lambda out: {name: out[name].tolist() for name in out.dtype.names}),
    ],
    ids=["polars", "lazy", "pyarrow", "numpy"],
)
def test_a_frame_is_answered_in_its_own_kind(make: Any, kind: Any, collected: Any) -> None:
    scorer = Scorer.default()
    options = {"errors": "coerce", "missing_columns": "ignore", "reasons": True}
    expected = scorer.score_frame(FRAME, **options)
    found = scorer.score_frame(make(FRAME), **options)
    assert isinstance(found, kind)
    columns = collected(found)
    assert list(columns) == list(expected.columns)
    assert columns["probability"][:2] == expected["probability"].tolist()[:2]
    assert columns["outcome"][:2] == expected["outcome"].tolist()[:2]
    assert columns["probability"][2] is None or columns["probability"][2] != columns["probability"][2]
    assert [list(words) for words in columns["warnings"]] == [list(words) for words in expected["warnings"]]
    assert [list(words or ()) for words in columns["reasons"]] == [
        list(words or ()) for words in expected["reasons"]
    ]
