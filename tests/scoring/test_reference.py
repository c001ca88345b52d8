"""The reference matched with a pipeline's columns: names, dropped columns, kinds that are no numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from morosidad.errors import InvalidFrame
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.normal(size=60)})
Y = (X["a"] > 0).astype(int)

DAYS = pd.Series(pd.date_range("2020-01-01", periods=60))
SPANS = pd.Series(pd.to_timedelta(np.arange(60), "D"))
TIMES: list[Any] = [
    *(DAYS.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")),
    *(SPANS.astype(f"timedelta64[{unit}]") for unit in ("s", "ms", "us", "ns")),
    pd.Series(pd.date_range("2020-01-01", periods=60, tz="UTC")),
    DAYS.astype(object),
    pd.Series(DAYS.dt.date, dtype=object),
    DAYS.astype("category"),
    SPANS.astype(object),
    pd.Series(pd.period_range("2020-01", periods=60, freq="M")),
    pd.Series(np.arange(60) * 1j),
]


@pytest.mark.parametrize("column", TIMES)
def test_moments_and_complex_numbers_are_refused_with_advice(column: Any) -> None:
    frame = X.assign(t=column)
    with pytest.raises(InvalidFrame, match=r"column 't' holds .*: turn them into"):
        Schema.infer(frame)

    class Takes:
        classes_ = np.array([0, 1])

        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), 0.5)

    with pytest.raises(InvalidFrame, match=r"column 't' holds .*: turn them into"):
        Scorer(Takes(), reference=frame, schema=Schema([Field(name, "number") for name in "abt"]))


@pytest.mark.parametrize("column", [*TIMES, pd.Series([np.inf] * 60), pd.Series([[1]] * 60)])
def test_columns_that_the_pipeline_drops_are_no_fields(column: Any) -> None:
    frame = X.assign(t=column, id=[f"n{i}" for i in range(60)])
    model = make_pipeline(make_column_transformer(("passthrough", ["a", "b"])), LogisticRegression())
    scorer = Scorer(model.fit(frame, Y), reference=frame)
    assert scorer.schema.names == ("a", "b")
    expected = model.predict_proba(frame.iloc[[4]])[0, 1]
    record = frame.iloc[4].to_dict()
    assert scorer.score_one(record).probability == pytest.approx(expected, abs=1e-12)
    assert scorer.score_frame(frame)["probability"][4] == pytest.approx(expected, abs=1e-12)
    again = Schema.from_dict(scorer.schema.to_dict())
    assert again == scorer.schema
    assert set(again.ignored) == {"t", "id"}


def test_columns_are_matched_by_name_and_not_by_place() -> None:
    model = LogisticRegression().fit(X, Y)
    scorer = Scorer(model, reference=X[["b", "a"]])
    expected = model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(scorer.score_frame(X[["b", "a"]])["probability"], expected, rtol=0, atol=1e-12)


def test_doubles_and_absent_columns_are_refused() -> None:
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(InvalidFrame, match="columns bear the same name: a"):
        Scorer(model, reference=pd.concat([X, X[["a"]]], axis=1))
    with pytest.raises(InvalidFrame, match=r"columns are missing: b \(did you mean 'B'\?\)|missing: b"):
        Scorer(model, reference=X.rename(columns={"b": "B"}))
    unnamed = LogisticRegression().fit(X.to_numpy(), Y)
    with pytest.raises(InvalidFrame, match="fitted on 2 unnamed columns; the reference has 3"):
        Scorer(unnamed, reference=np.zeros((5, 3)))


@pytest.mark.parametrize(
    "names",
    [pd.MultiIndex.from_tuples([("m", "a"), ("m", "b")]), [0.5, 1.5], pd.to_datetime(["2020", "2021"])],
)
def test_names_that_no_record_can_hold_are_refused(names: Any) -> None:
    model = LogisticRegression().fit(X.to_numpy(), Y)
    with pytest.raises(InvalidFrame, match="names of columns are text or integers; set others"):
        Scorer(model, reference=X.set_axis(names, axis=1))


def test_sparse_columns_are_refused_with_advice() -> None:
    sparse = X.astype(pd.SparseDtype("float64", 0.0))
    model = LogisticRegression().fit(sparse, Y)
    with pytest.raises(InvalidFrame, match=r"column 'a' holds sparse values: .*to_dense\(\)"):
        Scorer(model, reference=sparse)
    frame = X.assign(b=sparse["b"])
    dropped = make_pipeline(make_column_transformer(("passthrough", ["a"])), LogisticRegression())
    assert Scorer(dropped.fit(frame, Y), reference=frame).schema.names == ("a",)
