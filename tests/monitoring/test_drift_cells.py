"""Columns are counted cell by cell as the rows that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.frames.reading import Coded
from morosidad.monitoring.drift import DriftMonitor
from morosidad.monitoring.drift_reference import DriftReference

NAN = float("nan")
REFERENCE = DriftReference.measure(
    {
        "ingreso": [NAN, *np.random.default_rng(1).lognormal(6, 0.5, 200).tolist()],
        "vivienda": [None, *["propia"] * 120, *["renta"] * 80],
        "dependientes": [NAN, *[0, 1, 2, 2] * 50],
    },
    np.random.default_rng(2).beta(2, 8, 201).tolist(),
)
CUT = REFERENCE.fields[0].cuts[3]


@settings(max_examples=30)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([NAN, 0.0, 180.0, CUT, 1e9]),
            st.sampled_from([None, "propia", "renta", "ajena"]),
            st.sampled_from([NAN, 0.0, 2.0, 7.5]),
            st.sampled_from([NAN, 0.0, 0.19, 1.0]),
        ),
        max_size=60,
    ),
    every=st.integers(1, 3),
    window=st.integers(10, 100),
    cut=st.integers(0, 60),
)
def test_columns_are_counted_as_their_rows_are(rows, every, window, cut):
    one, other = (DriftMonitor(REFERENCE, every=every, window=window) for _ in range(2))
    for *values, score in rows:
        if score == score:
            one.observe(values, score)
    levels = ["renta", "ajena", "propia"]
    for part in (rows[:cut], rows[cut:]):
        income, home, dependents, score = zip(*part, strict=True) if part else ((), (), (), ())
        codes = np.array([-1 if h is None else levels.index(h) for h in home], dtype=np.intp)
        columns = [np.array(income, float), Coded(codes, levels), np.array(dependents, float)]
        other.observe_columns(columns, np.array(score, float))
    assert other.totals() == one.totals()
    assert other.report() == one.report()


def test_columns_of_another_number_are_refused():
    with pytest.raises(ValueError, match="zip"):
        DriftMonitor(REFERENCE).observe_columns([np.zeros(2)], np.zeros(2))
