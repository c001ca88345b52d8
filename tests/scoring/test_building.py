"""A scorer made of a fitted pipeline: schemas, references, models that are refused or not compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad.errors import (
    InvalidFrame,
    InvalidRecord,
    NotCompiledWarning,
    PredictionError,
    SchemaError,
    UnsupportedModel,
)
from morosidad.policy.decision import Decision
from morosidad.schema.schema import Field, Schema
from morosidad.scoring.scorer import Scorer
from scoring_parts import neighbours
from support import small_frame, small_pipeline


def test_the_schema_may_come_from_the_preprocessor_of_the_pipeline() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from morosidad.preprocessor import Preprocessor

    X, y = small_frame()
    schema = Schema(
        [Field("ingresos", "number", gt=0), Field("empleo", "category"), Field("moras", "integer")]
    )
    pipeline = make_pipeline(Preprocessor(schema), LogisticRegression()).fit(X, y)
    scorer = Scorer(pipeline)
    assert scorer.schema["ingresos"].gt == 0
    assert scorer.plan.compiled
    np.testing.assert_allclose(scorer.predict_proba(X), pipeline.predict_proba(X), rtol=0, atol=1e-12)


def test_without_schema_or_reference_there_is_no_scorer(trained: tuple[Any, pd.DataFrame]) -> None:
    with pytest.raises(SchemaError, match="schema is needed"):
        Scorer(trained[0])


def test_a_reference_that_lacks_columns_of_the_model_names_them() -> None:
    X, y = small_frame()
    with pytest.raises(InvalidFrame, match="columns are missing") as caught:
        Scorer(small_pipeline(X, y), reference=X.drop(columns="moras"))
    assert caught.value.columns == ("moras",)


def test_columns_that_the_model_does_not_use_are_no_fields(trained: tuple[Any, pd.DataFrame]) -> None:
    pipeline, X = trained
    assert "extra" not in Scorer(pipeline, reference=X.assign(extra=1)).schema.names


def test_a_schema_without_a_column_of_the_model_is_refused(trained: tuple[Any, pd.DataFrame]) -> None:
    with pytest.raises(InvalidFrame) as caught:
        Scorer(trained[0], schema=Schema([Field("ingresos", "number")]))
    assert set(caught.value.columns) == {"empleo", "moras"}


def test_a_model_on_plain_arrays_takes_the_fields_in_order() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    schema = Schema([Field("a", "number", required=True), Field("b", "number", required=True)])
    scorer = Scorer(model, schema=schema)
    assert scorer.score_one({"a": 0.5, "b": 0.1}).probability == pytest.approx(
        model.predict_proba([[0.5, 0.1]])[0, 1], abs=1e-12
    )
    with pytest.raises(InvalidFrame, match="2 unnamed columns"):
        Scorer(model, schema=Schema([Field("a", "number")]))


def test_a_model_on_plain_arrays_takes_a_frame_as_its_reference() -> None:
    from sklearn.linear_model import LogisticRegression

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 2)), columns=["a", "b"])
    scorer = Scorer(LogisticRegression().fit(X.to_numpy(), X["a"] > 0), reference=X)
    assert scorer.schema.names == ("a", "b")
    assert scorer.plan.compiled


def test_pandas_categories_are_given_to_the_model_as_it_saw_them() -> None:
    X, y = small_frame()
    X["empleo"] = X["empleo"].astype("category")
    pipeline = neighbours(X, y)
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(pipeline, reference=X)
    assert scorer.plan.form == "scikit-learn"
    found = [
        d.probability for d in scorer.score_many(X.head(20).to_dict("records")) if isinstance(d, Decision)
    ]
    alone = [pipeline.predict_proba(X.iloc[[i]])[0, 1] for i in range(20)]
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-12)


def test_models_without_probabilities_are_refused() -> None:
    from sklearn.linear_model import LogisticRegression, RidgeClassifier

    X, y = small_frame()
    numbers = X[["moras"]]
    with pytest.raises(UnsupportedModel, match="no probabilities") as caught:
        Scorer(RidgeClassifier().fit(numbers, y), reference=numbers)
    assert caught.value.estimator == "RidgeClassifier"
    with pytest.raises(UnsupportedModel, match="not fitted"):
        Scorer(LogisticRegression(), reference=numbers)
    with pytest.raises(UnsupportedModel, match="3 classes"):
        Scorer(LogisticRegression().fit(numbers, np.arange(len(y)) % 3), reference=numbers)


def test_what_is_no_fitted_model_is_told_from_one() -> None:
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(UnsupportedModel, match="LogisticRegression is a class"):
        Scorer(LogisticRegression)
    for path in ("m.morosidad", Path("m.morosidad")):
        with pytest.raises(UnsupportedModel, match=r"see Scorer\.load"):
            Scorer(path)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"cache": True}, "cache: .* not bool"),
        ({"cache": "yes"}, "cache: .* not str"),
        ({"kpis": True}, r"kpis: an object with record\(\)"),
        ({"recovery": 3}, "recovery"),
        ({"audit": "decisiones.jsonl"}, "audit"),
        ({"drift": 0.1}, "drift"),
        ({"cahce": None}, "cahce: there is no such part; cache, cache_auto, kpis"),
        ({"policy": 0.5}, "policy: a Policy was expected, not float"),
    ],
)
def test_a_part_that_is_none_is_refused_before_the_first_record(
    trained: tuple[Any, pd.DataFrame], parts: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        Scorer(trained[0], reference=trained[1], **parts)
    with pytest.raises(TypeError, match=message):
        Scorer.default(**parts)
    if "policy" not in parts:
        with pytest.raises(TypeError, match=message):
            Scorer.default().with_parts(**parts)


def test_a_model_without_compiled_form_answers_through_scikit_learn(slow: Scorer) -> None:
    X, y = small_frame()
    expected = neighbours(X, y).predict_proba(X.head(30))[:, 1]
    decisions = slow.score_many(X.head(30).to_dict("records"))
    np.testing.assert_array_equal([d.probability for d in decisions if isinstance(d, Decision)], expected)
    np.testing.assert_array_equal(slow.predict_proba(X.head(30))[:, 1], expected)
    assert "KNeighborsClassifier has no compiled form" in str(slow.plan)
    assert decisions[0].reasons == ()  # type: ignore[union-attr]


def test_what_an_uncompiled_model_refuses_is_refused_by_name() -> None:
    X, y = small_frame()
    X = X.dropna()
    y = y[X.index]
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(neighbours(X, y, imputed=False), reference=X)
    assert scorer.schema["ingresos"].required
    with pytest.raises(InvalidRecord) as caught:
        scorer.score_one({"empleo": "astronauta", "moras": 1})
    assert [e.field for e in caught.value.errors] == ["ingresos", "empleo"]


def test_a_model_that_fails_says_so_without_the_values(slow: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(values: Any) -> float:
        raise ValueError(f"secret {values}")

    monkeypatch.setattr(slow._model.compiled, "predict_one", fail)
    with pytest.raises(PredictionError, match="ValueError") as caught:
        slow.score_one({"ingresos": 123456.0, "empleo": "fijo", "moras": 1})
    assert "123456" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("answer", [float("nan"), -0.1, 1.1])
def test_an_answer_that_is_no_probability_is_never_a_decision(
    slow: Scorer, monkeypatch: pytest.MonkeyPatch, answer: float
) -> None:
    monkeypatch.setattr(slow._model.compiled, "predict_one", lambda values: answer)
    with pytest.raises(PredictionError, match="probability"):
        slow.score_one({"ingresos": 1.0, "empleo": "fijo", "moras": 1})


def test_pandas_categories_reach_a_model_that_cannot_do_without_them() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
    from sklearn.neighbors import KNeighborsClassifier

    X, y = small_frame()
    X["empleo"] = X["empleo"].astype("category")
    trees = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    model = StackingClassifier([("trees", trees)], final_estimator=KNeighborsClassifier(), cv=2).fit(X, y)
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(model, reference=X)
    found = [
        d.probability for d in scorer.score_many(X.head(20).to_dict("records")) if isinstance(d, Decision)
    ]
    np.testing.assert_allclose(found, model.predict_proba(X.head(20))[:, 1], rtol=0, atol=1e-15)
    assert scorer.score_one({"empleo": "astronauta", "moras": 1}).warnings


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_a_missing_text_is_given_to_the_model_as_it_was_fitted_on(gap: Any) -> None:
    X, y = small_frame()
    X["empleo"] = pd.Series([gap if pd.isna(v) else v for v in X["empleo"]], dtype=object)
    pipeline = small_pipeline(X, y)
    scorer = Scorer(pipeline, reference=X)
    assert scorer.plan.compiled
    expected = pipeline.predict_proba(X)[:, 1]
    found = [d.probability for d in scorer.score_many(X.to_dict("records")) if isinstance(d, Decision)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
