"""Making a scorer ends, and its answers are right, whatever numbers the columns hold."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from morosidad.errors import MorosidadError
from morosidad.schema.field import Field
from morosidad.scoring.counterfactuals.choices import MOST_VALUES, choices_of, spreads_of
from morosidad.scoring.scorer import Scorer

pytestmark = pytest.mark.usefixtures("judged_wholly")
EDGES = [
    0.0, -0.0, 5e-324, -5e-324, 2.2e-308, -2.2e-308, 1e-300, 1e-35, 1e-8, 1e-7, -1e-7, 0.1, 1.0, -1.0,
    10.0, 1e7, 2.0**53, 1e16, -1e22,
]  # fmt: skip
NUMBERS = st.sampled_from(EDGES) | st.sampled_from(EDGES).map(lambda x: float(np.nextafter(x, np.inf)))
STEPS = [
    QuantileTransformer(n_quantiles=8, output_distribution="normal"),
    QuantileTransformer(n_quantiles=8),
    KBinsDiscretizer(3, encode="ordinal"),
    SplineTransformer(n_knots=3, degree=2),
    PowerTransformer(),
    Binarizer(threshold=1e-7),
    MinMaxScaler(clip=True),
    StandardScaler(),
    RobustScaler(),
]
MODELS = [
    LogisticRegression(),
    DecisionTreeClassifier(max_depth=3, random_state=0),
    RandomForestClassifier(3, max_depth=2, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2, random_state=0),
]


@settings(max_examples=8, deadline=None)
@given(
    columns=st.lists(st.lists(NUMBERS, min_size=1, max_size=6), min_size=1, max_size=2),
    step=st.sampled_from(STEPS),
    model=st.sampled_from(MODELS),
    seed=st.integers(0, 9),
)
def test_a_scorer_of_columns_with_odd_edges_is_made_and_right(
    columns: list[list[float]], step: Any, model: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"c{i}": rng.choice(values, 24) for i, values in enumerate(columns)})
    y = np.arange(24) % 2
    note(f"{frame.to_dict('list')}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pipeline = make_pipeline(clone(step), clone(model)).fit(frame, y)
            expected = [float(pipeline.predict_proba(frame.iloc[[i]])[0, 1]) for i in range(len(frame))]
        except ValueError:  # scikit-learn itself gives up
            return
        labels = pipeline.predict(frame).tolist()
        try:
            scorer = Scorer(pipeline, reference=frame)
        except MorosidadError:
            return
        found = [scorer.score_one(record) for record in frame.to_dict("records")]
        table = scorer.score_frame(frame)
    np.testing.assert_allclose([d.probability for d in found], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(table["probability"], expected, rtol=0, atol=1e-12)
    assert [d.label for d in found] == table["label"].tolist() == labels


@settings(max_examples=100, deadline=None)
@given(
    ends=st.tuples(st.sampled_from([*EDGES, 1e300, -1.7e308, 1.7e308]), st.sampled_from([*EDGES, 1.7e308])),
    held=st.sampled_from([None, *EDGES, 1.7e308, -1.7e308]),
    usual=st.sampled_from([None, *EDGES]),
    whole=st.booleans(),
)
def test_other_values_are_few_whatever_the_limits_of_a_number_are(
    ends: tuple[float, float], held: float | None, usual: float | None, whole: bool
) -> None:
    low, high = sorted(ends)
    if whole:
        low, high = float(int(low)), float(int(high))
    if not low < high:
        return
    field = Field("a", "integer" if whole else "number", required=False, ge=low, le=high)
    (spread,) = spreads_of([field], [usual], None)
    value = None if held is None or not low <= held <= high else int(held) if whole else held
    found = choices_of(field, 0, value, spread)
    assert len(found) <= MOST_VALUES + 1
    for choice in found:
        assert low <= choice.value <= high
        assert choice.cost >= 0.0
