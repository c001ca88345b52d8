"""Every way of asking a scorer, against the user's own pipeline asked about the user's own row alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from scoring.judging.drawn_frames import LABELS, ROWS, fitted, frames, target
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from morosidad.errors import SettingsError, UnsupportedModel
from morosidad.scoring.scorer import Scorer

pytestmark = pytest.mark.usefixtures("judged_wholly")


def record_of(row: pd.DataFrame) -> dict[str, Any]:
    return {
        str(name): None if pd.isna(value) else value for name, value in row.iloc[0].astype(object).items()
    }


def agrees(scorer: Scorer, pipeline: Any, frame: Any, default: int, *, tolerance: float = 1e-6) -> None:
    """Compare every way of asking with the judge."""
    rows = [frame.iloc[[i]] if hasattr(frame, "iloc") else frame[[i]] for i in range(len(frame))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = np.array([pipeline.predict_proba(row)[0, default] for row in rows])
        labels = [pipeline.predict(row)[0] for row in rows]
    if hasattr(frame, "iloc") and all(isinstance(name, str) for name in frame.columns):
        records = [record_of(row) for row in rows]
    else:
        cells = np.asarray(frame)
        names = scorer.schema.names
        records = [dict(zip(names, map(float, cells[i]), strict=True)) for i in range(len(cells))]
    one = [scorer.score_one(record) for record in records]
    many = scorer.score_many(records)
    table = scorer.score_frame(frame)
    meant = [label == pipeline.classes_[default] for label in labels]
    for found in (
        [d.probability for d in one],
        [d.probability for d in many],
        table["probability"],
        scorer.predict_proba(frame)[:, default],
    ):
        np.testing.assert_allclose(np.asarray(found, dtype=float), alone, rtol=0, atol=tolerance)
    assert [d.label for d in one] == [int(x) for x in meant]
    assert [d.label for d in many] == [int(x) for x in meant]
    assert table["label"].tolist() == [int(x) for x in meant]
    assert [str(label) for label in scorer.predict(frame)] == [str(label) for label in labels]


@settings(max_examples=10)
@given(
    frames(),
    st.sampled_from(["logistic", "tree", "boosting", "neighbours"]),
    st.sampled_from(LABELS),
    st.booleans(),
    st.booleans(),
)
def test_every_way_of_asking_gives_the_answer_of_the_row_alone(
    drawn: tuple[pd.DataFrame, list[str], list[str]],
    kind: str,
    labels: tuple[Any, Any],
    first: bool,
    plain: bool,
) -> None:
    frame, numbers, texts = drawn
    note(f"{frame.dtypes.to_dict()} {kind}")
    try:
        pipeline = fitted(frame, numbers, texts, kind, target(frame, labels), plain)
    except (TypeError, ValueError):  # scikit-learn itself refuses the data type
        return
    positive = labels[0] if first else labels[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = Scorer(pipeline, reference=frame, positive=positive)
    assert str(scorer.plan).splitlines()[1] == f"default  {positive!r}"
    both = [name for name in texts if len({type(x) for x in frame[name] if pd.isna(x)}) > 1]
    kept = frame[frame[both].notna().all(axis=1)] if "tells None from NaN" in str(scorer.plan) else frame
    agrees(scorer, pipeline, kept.reset_index(drop=True), 0 if first else 1)


@settings(max_examples=4)
@given(st.integers(0, 99), st.sampled_from(["array", "integers"]), st.booleans())
def test_a_pipeline_without_names_is_asked_by_place(seed: int, container: str, float32: bool) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(ROWS, 3)).astype(np.float32 if float32 else np.float64)
    y = (rng.random(ROWS) < 0.4).astype(int)
    y[:2] = 0, 1
    reference: Any = cells if container == "array" else pd.DataFrame(cells)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(reference, y)
    scorer = Scorer(pipeline, reference=reference)
    assert scorer.plan.compiled
    assert scorer.schema.names == ("x0", "x1", "x2")
    agrees(scorer, pipeline, reference, 1)


# -- answers that depend on other rows -----------------------------------------------------------


def _dummies(x: pd.DataFrame) -> pd.DataFrame:
    made = pd.get_dummies(x["t"])
    return made.reindex(columns=range(3), fill_value=0) if made.shape[1] == 0 else made


def _codes(x: pd.DataFrame) -> pd.DataFrame:
    return x["t"].astype("category").cat.codes.to_frame()


def _rank(x: pd.DataFrame) -> pd.DataFrame:
    return x[["n"]].rank()


def _centred(x: pd.DataFrame) -> pd.DataFrame:
    return x[["n"]] - x[["n"]].mean()


def _scaled(x: pd.DataFrame) -> pd.DataFrame:
    return x[["n"]] / max(float(x["n"].std(ddof=0)), 1.0)


def _shifted(x: pd.DataFrame) -> pd.DataFrame:
    return x[["n"]].shift(1, fill_value=0.0)


def _reversed(x: pd.DataFrame) -> Any:
    return x[["n"]].to_numpy()[::-1]


@settings(max_examples=7)
@given(st.sampled_from([_dummies, _codes, _rank, _centred, _scaled, _shifted, _reversed]), st.integers(0, 50))
def test_an_answer_that_depends_on_other_rows_is_refused(function: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"n": rng.normal(size=ROWS) * 9, "t": rng.choice(["a", "b", "c"], ROWS)})
    y = np.arange(ROWS) % 2
    y = np.where(frame["n"] > 0, 1, y * (frame["t"] == "c"))
    step = FunctionTransformer(function)
    pipeline = make_pipeline(step, LogisticRegression()).fit(frame, y)
    with pytest.raises(UnsupportedModel) as caught:
        Scorer(pipeline, reference=frame)
    words = str(caught.value)
    assert "among the others" in words or "no row of it alone" in words
    assert f"FunctionTransformer({function.__name__})" in words


def test_an_answer_at_random_is_refused() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"n": rng.normal(size=ROWS)})

    def noise(x: Any) -> Any:
        return x + rng.normal(size=x.shape)

    y = (frame["n"] > 0).astype(int)
    pipeline = make_pipeline(FunctionTransformer(noise), LogisticRegression()).fit(frame, y)
    with pytest.raises(UnsupportedModel, match=r"at random: row \d+ of the reference gets"):
        Scorer(pipeline, reference=frame)


def test_the_label_that_means_default_is_said() -> None:
    frame = pd.DataFrame({"n": np.arange(8.0)})
    model = LogisticRegression().fit(frame, ["bueno"] * 4 + ["malo"] * 4)
    with pytest.raises(SettingsError, match="the labels are 'bueno' and 'malo'"):
        Scorer(model, reference=frame)
    with pytest.raises(SettingsError, match="not among the labels"):
        Scorer(model, reference=frame, positive="pésimo")


# -- what a column's type has no place for ------------------------------------------------------------


def _compiled_over_extremes(model: Any, frame: pd.DataFrame, y: Any) -> Scorer:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a note that it is not compiled is one
        return Scorer(model.fit(frame, y), reference=frame)


@pytest.mark.parametrize("dtype", ["UInt8", "UInt64", "Int8", "Int64", "uint16[pyarrow]", "int64[pyarrow]"])
def test_numbers_that_a_nullable_type_does_not_hold_are_refused_as_values(dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
        if pd.__version__.startswith("2."):
            pytest.skip("pandas 3 is the first that gives scikit-learn missing integers of Arrow")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"n": pd.Series(rng.integers(0, 90, 80)).astype(dtype)})
    frame.loc[::9, "n"] = pd.NA
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    scorer = _compiled_over_extremes(model, frame, rng.random(80) < 0.4)
    low, high = scorer.schema["n"].interval
    exact = np.iinfo(dtype.partition("[")[0].lower())
    assert low == float(exact.min)
    assert exact.max * (1 - 1e-15) <= high <= exact.max
    assert scorer.score_one({"n": 30}).probability == pytest.approx(
        model.predict_proba(pd.DataFrame({"n": pd.array([30], dtype=dtype)}))[0, 1], abs=1e-12
    )


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        TargetEncoder(cv=2),
    ],
    ids=["one-hot", "ordinal", "target"],
)
def test_a_level_that_a_category_does_not_have_is_missing_to_an_encoder(encoder: Any, filled: bool) -> None:
    rng = np.random.default_rng(0)
    cells = pd.Series(rng.choice(["a", "b", "c", None], 120))
    frame = pd.DataFrame({"z": pd.Categorical(cells, categories=["unused", "c", "b", "a"])})
    y = (rng.random(120) < np.where(cells.isna(), 0.8, 0.3)).astype(int)
    steps = [SimpleImputer(strategy="most_frequent")] if filled else []
    model = make_pipeline(*steps, clone(encoder), HistGradientBoostingClassifier(max_iter=5))
    if isinstance(encoder, OneHotEncoder):
        model = make_pipeline(*steps, clone(encoder), LogisticRegression())
    scorer = _compiled_over_extremes(model, frame, y)
    for value in ("a", "unused", "never", None):
        own = value if value in frame["z"].cat.categories else None
        row = pd.DataFrame({"z": pd.Categorical([own], dtype=frame["z"].dtype)})
        expected = model.predict_proba(row)[0, 1]
        assert scorer.score_one({"z": value}).probability == pytest.approx(expected, abs=1e-12), value


@pytest.mark.parametrize("kind", ["objects", "texts"])
def test_texts_in_an_array_are_asked_about_as_they_came(kind: str) -> None:
    rng = np.random.default_rng(0)
    texts = rng.choice(["a", "b", "c"], (60, 2)).astype(object if kind == "objects" else str)
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model.fit(texts, (texts[:, 0] == "a").astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = Scorer(model, reference=texts)
    for row in texts[:10]:
        found = scorer.score_one({"x0": row[0], "x1": row[1]}).probability
        assert found == pytest.approx(model.predict_proba(row[None])[0, 1], abs=1e-12)
