from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from morosidad.errors import (
    ArtifactCorrupted,
    ArtifactError,
    ArtifactUntrusted,
    InvalidFrame,
    InvalidRecord,
    NotCompiledWarning,
    PredictionError,
    SchemaError,
    UnsupportedModel,
)
from morosidad.model_file import artifact
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision, RecordError
from morosidad.schema.schema import Field, Schema
from morosidad.scoring.scorer import Scorer
from support import small_frame, small_pipeline


@pytest.fixture(scope="module")
def scorer(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    pipeline, X = trained
    return Scorer(pipeline, reference=X, name="chico", version="7")


def neighbours(X: pd.DataFrame, y: Any, *, imputed: bool = True) -> Any:
    """Fit a model that has no compiled form."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = SimpleImputer() if imputed else "passthrough"
    unknown = "ignore" if imputed else "error"
    parts = make_column_transformer(
        (numbers, ["ingresos", "moras"]), (OneHotEncoder(handle_unknown=unknown), ["empleo"])
    )
    return make_pipeline(parts, KNeighborsClassifier()).fit(X, y)


@pytest.fixture(scope="module")
def slow() -> Scorer:
    X, y = small_frame()
    with pytest.warns(NotCompiledWarning, match="KNeighborsClassifier"):
        return Scorer(neighbours(X, y), reference=X)


def test_every_record_gets_the_probability_of_the_pipeline(
    scorer: Scorer, trained: tuple[Any, pd.DataFrame]
) -> None:
    pipeline, X = trained
    expected = pipeline.predict_proba(X)
    decisions = scorer.score_many(X.to_dict("records"))
    found = np.array([d.probabilities for d in decisions if isinstance(d, Decision)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scorer.predict_proba(X), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(scorer.predict(X), pipeline.predict(X))
    assert [d.label for d in decisions if isinstance(d, Decision)] == pipeline.predict(X).tolist()


def test_no_reason_speaks_against_its_contribution() -> None:
    """Between the median and the mean of a number, a linear model's contribution has the mean's sign."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"ingresos": rng.lognormal(7, 1.0, 600), "hijos": rng.binomial(1, 0.3, 600)})
    X.loc[::50, "hijos"] = 4
    y = (rng.random(600) < 1 / (1 + np.exp(X["ingresos"] / 2000 + X["hijos"] / 2 - 1))).astype(int)
    scorer = Scorer(LogisticRegression(max_iter=5000).fit(X, y), reference=X)
    median, mean = X["ingresos"].median(), X["ingresos"].mean()
    for income in (0.99 * median, 1.01 * median, 0.99 * mean):
        reasons = scorer.score_one({"ingresos": income, "hijos": 4}).reasons
        assert [reason.text for reason in reasons] == ["Ingresos: por debajo de lo habitual"]
    assert not scorer.score_one({"ingresos": 1.01 * mean, "hijos": 4}).reasons
    reasons = scorer.score_one(
        {"ingresos": 2 * mean, "hijos": 0}
    ).reasons  # the median itself: nobody lies between
    assert [reason.text for reason in reasons] == ["Hijos: aumenta el riesgo"]


def test_the_reasons_add_up_to_the_log_odds(trained: tuple[Any, pd.DataFrame]) -> None:
    pipeline, X = trained
    scorer = Scorer(pipeline, reference=X)
    explain = scorer._model.compiled.explain_one
    assert explain is not None
    rows = [scorer.schema.read(record)[0] for record in X.to_dict("records")]
    z = pipeline.decision_function(X)
    shares = np.array([explain(row)[1] for row in rows])
    np.testing.assert_allclose(shares.sum(axis=1), z - z.mean(), atol=1e-9)


def test_a_decision_carries_what_the_caller_needs(scorer: Scorer) -> None:
    decision = scorer.score_one({"ingresos": 300.0, "empleo": "libre", "moras": 4}, request_id="r-1")
    assert decision.request_id == "r-1"
    assert decision.model == "chico@7"
    assert decision.label == 1
    assert decision.outcome == "rechazar"
    assert decision.confidence == max(decision.probabilities)
    assert sum(decision.probabilities) == pytest.approx(1)
    assert [r.field for r in decision.reasons][:1] == ["moras"]
    assert decision.warnings == ()
    assert decision.cached is None
    assert not decision.degraded


def test_json_bytes_and_mappings_and_objects_decide_alike(scorer: Scorer) -> None:
    record = {"ingresos": 300.0, "empleo": "libre", "moras": 4}

    class Applicant:
        ingresos, empleo, moras = 300.0, "libre", 4

    given = [record, msgspec.json.encode(record), pd.Series(record), Applicant()]
    assert len({scorer.score_one(one) for one in given}) == 1


def test_what_training_never_held_is_scored_with_a_warning(scorer: Scorer) -> None:
    decision = scorer.score_one({"ingresos": 300.0, "empleo": "astronauta", "moras": 99})
    assert len(decision.warnings) == 2
    assert decision.warnings[0].startswith("empleo:")
    assert "astronauta" not in " ".join(decision.warnings)


def test_a_bad_record_names_its_fields(scorer: Scorer) -> None:
    with pytest.raises(InvalidRecord) as caught:
        scorer.score_one({"ingresos": "300", "edad": 4})
    assert [e.field for e in caught.value.errors] == ["ingresos", "edad"]


def test_bad_records_keep_their_place_among_the_good(scorer: Scorer) -> None:
    good = {"ingresos": 900.0, "empleo": "fijo", "moras": 0}
    out = scorer.score_many([good, {"moras": "x"}, good, b"{"])
    assert [type(x) for x in out] == [Decision, RecordError, Decision, RecordError]
    assert isinstance(out[1], RecordError)
    assert (out[1].index, out[1].errors[0].field) == (1, "moras")


def test_one_record_and_a_table_are_told_from_many_records(scorer: Scorer, slow: Scorer) -> None:
    for one in ({"moras": 1}, b'{"moras": 1}', "{}"):
        with pytest.raises(InvalidFrame, match="see score_one"):
            scorer.score_many(one)  # type: ignore[arg-type]
    for some in (scorer, slow):
        with pytest.raises(InvalidFrame, match="see score_frame"):
            some.score_many(small_frame(3)[0])


def test_no_reasons_are_worked_out_when_none_are_asked_for(trained: tuple[Any, pd.DataFrame]) -> None:
    pipeline, X = trained
    scorer = Scorer(pipeline, reference=X, policy=Policy(max_reasons=0))
    assert scorer.score_one({"moras": 5}).reasons == ()


def test_many_threads_get_their_own_answers(scorer: Scorer) -> None:
    records = [{"ingresos": 100.0 + i, "empleo": "fijo", "moras": i % 5} for i in range(200)]
    expected = scorer.score_many(records)
    found: list[Any] = [None] * 8
    barrier = threading.Barrier(8)

    def work(place: int) -> None:
        barrier.wait()
        found[place] = scorer.score_many(records)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers == expected for answers in found)


# -- where a schema comes from -----------------------------------------------------------------


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
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(neighbours(X, y), reference=X)
    assert scorer.plan.form == "scikit-learn"
    found = [
        d.probability for d in scorer.score_many(X.head(20).to_dict("records")) if isinstance(d, Decision)
    ]
    np.testing.assert_allclose(found, scorer._model.compiled.original.predict_frame(X.head(20)))  # type: ignore[union-attr]


# -- models that can't be used, or not compiled ------------------------------------------------


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


# -- the plan ----------------------------------------------------------------------------------


def test_the_plan_says_how_the_scorer_answers(scorer: Scorer) -> None:
    plan = scorer.warm_up()
    assert plan.compiled
    assert plan.parity is not None
    assert plan.parity.passed
    assert plan.parity.rows > 300
    assert plan.latency > 0
    for word in ("chico@7", "compiled", "parity", "log-odds", "µs"):
        assert word in str(plan)
    assert plan._repr_html_().count("<tr>") == len(plan.rows())
    assert "52.5 ms from values" in str(msgspec.structs.replace(plan, latency=0.0525))
    assert "compiled" in repr(scorer)


def test_the_plan_names_the_label_that_means_default(tmp_path: Path) -> None:
    X, y = small_frame()
    scorer = Scorer.train(X, np.where(y == 1, "moroso", "al día"))
    assert "default  moroso" in str(scorer.plan)
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").plan.default == "moroso"
    assert "default" not in dict(Scorer.train(X, y == 1).plan.rows())


# -- as a file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_saving_and_loading_keeps_the_digest_whatever_kinds_of_numbers_there_are(
    model: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "entero": rng.integers(0, 1000, 400),
            "pocos": rng.integers(0, 4, 400),
            "numero": rng.normal(size=400),
            "redondo": rng.integers(0, 500, 400).astype(float),
            "si": rng.random(400) < 0.5,
            "zona": rng.choice(["a", "b", "c"], 400),
        }
    )
    scorer = Scorer.train(X, X["entero"] + rng.integers(0, 900, 400) > 900, model=model, policy=Policy(0, 1))
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").digest == scorer.digest


def test_a_loaded_model_decides_as_the_saved_one(scorer: Scorer, tmp_path: Path) -> None:
    X, _ = small_frame(50, seed=3)
    scorer.save(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m")
    assert loaded.score_many(X.to_dict("records")) == scorer.score_many(X.to_dict("records"))
    assert loaded.digest == scorer.digest
    assert loaded.schema == scorer.schema
    assert loaded.plan.parity == scorer.plan.parity
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_a_policy_given_at_loading_stands_in_for_the_one_in_the_file(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m")
    strict = Scorer.load(tmp_path / "m", policy=Policy(review_at=0.0, decline_at=0.0))
    assert strict.score_one({"moras": 0}).outcome == "rechazar"
    assert Scorer.load(tmp_path / "m").policy == Policy()


def test_a_signed_model_opens_with_its_key(scorer: Scorer, tmp_path: Path) -> None:
    scorer.save(tmp_path / "m", key=b"k")
    assert Scorer.load(tmp_path / "m", key=b"k").digest == scorer.digest


def test_a_model_of_python_objects_keeps_its_digest(slow: Scorer, tmp_path: Path) -> None:
    slow.save(tmp_path / "a")
    loaded = [Scorer.load(tmp_path / "a") for _ in range(2)]
    assert {scorer.digest for scorer in loaded} == {slow.digest}
    loaded[0].save(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_model_that_could_not_be_read_back_is_not_saved(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    X, y = small_frame()
    pipeline = neighbours(X, y)
    pipeline.steps.insert(1, ("twice", FunctionTransformer(lambda values: 2 * values)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        scorer = Scorer(pipeline, reference=X)
    with pytest.raises(ArtifactError, match=r"could not be read back.*<lambda>") as caught:
        scorer.save(tmp_path / "m")
    assert caught.value.path == str(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_python_objects_opens_only_for_types_named_by_the_caller(
    slow: Scorer, tmp_path: Path
) -> None:
    from sklearn.preprocessing import FunctionTransformer

    X, y = small_frame()
    pipeline = neighbours(X, y)
    pipeline.steps.insert(1, ("twice", FunctionTransformer(np.nan_to_num).fit(pipeline[0].transform(X))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        Scorer(pipeline, reference=X).save(tmp_path / "m")
    with pytest.raises(ArtifactUntrusted, match="allow those that you trust by name") as caught:
        Scorer.load(tmp_path / "m")
    loaded = Scorer.load(tmp_path / "m", trusted=caught.value.types)
    np.testing.assert_allclose(loaded.predict_proba(X), pipeline.predict_proba(X), rtol=0, atol=1e-15)


def test_a_model_that_answers_otherwise_than_when_saved_is_corrupted(scorer: Scorer, tmp_path: Path) -> None:
    content = scorer._model.content
    arrays = [array.copy() for array in content.arrays]
    arrays[0] += 0.001
    artifact.save(tmp_path / "m", artifact.Content(content.manifest, arrays, content.members))
    with pytest.raises(ArtifactCorrupted, match="does not answer as it did"):
        Scorer.load(tmp_path / "m")


@pytest.mark.parametrize("gone", ["schema", "policy", "form", "classes", "typical", "threshold", "name"])
def test_a_file_that_lacks_a_part_is_corrupted(scorer: Scorer, tmp_path: Path, gone: str) -> None:
    content = scorer._model.content
    manifest = {name: value for name, value in content.manifest.items() if name != gone}
    artifact.save(tmp_path / "m", artifact.Content(manifest, content.arrays, content.members))
    with pytest.raises(ArtifactCorrupted, match="describes no model"):
        Scorer.load(tmp_path / "m")


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"type": "Additive"}])
@pytest.mark.parametrize("part", ["schema", "policy", "form", "typical", "check", "training", "reference"])
def test_a_part_of_the_wrong_shape_is_corrupted_or_harmless(
    scorer: Scorer, tmp_path: Path, part: str, value: Any
) -> None:
    content = scorer._model.content
    artifact.save(
        tmp_path / "m", artifact.Content(content.manifest | {part: value}, content.arrays, content.members)
    )
    try:
        loaded = Scorer.load(tmp_path / "m")
    except ArtifactCorrupted:
        return
    assert loaded.score_one({"moras": 1}).probability == scorer.score_one({"moras": 1}).probability


# -- the shortest way --------------------------------------------------------------------------


def test_training_makes_a_scorer_from_a_frame() -> None:
    X, y = small_frame()
    scorer = Scorer.train(X, y)
    assert scorer.plan.compiled
    assert scorer.training["rows"] == len(X)
    assert scorer.score_one({"ingresos": 300.0, "empleo": "libre", "moras": 5}).probability > 0.5


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(300), "two classes"),
        (np.arange(300) % 3, "two classes"),
        (np.where(np.arange(300) < 5, np.nan, np.arange(300) % 2), "missing"),
        (np.arange(299) % 2, "300 rows, and 299 answers"),
        (None, "one answer for each row"),
        (np.zeros((300, 2)), "one answer for each row"),
    ],
)
def test_answers_that_cannot_be_learnt_are_refused(y: Any, message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        Scorer.train(small_frame()[0], y)


def test_an_array_without_names_is_no_frame_to_learn_from() -> None:
    X, y = small_frame()
    with pytest.raises(InvalidFrame, match="a data frame was expected, not ndarray"):
        Scorer.train(X[["moras"]].to_numpy(), y)  # type: ignore[arg-type]


def test_labels_may_be_words() -> None:
    X, y = small_frame()
    words = np.where(y == 1, "moroso", "cumplido")
    scorer = Scorer.train(X, words)
    assert set(scorer.predict(X)) == {"moroso", "cumplido"}
    late = scorer.score_one({"ingresos": 300.0, "empleo": "libre", "moras": 6})
    assert late.probability > 0.5


def test_the_small_pipeline_is_what_people_write() -> None:
    X, y = small_frame()
    assert small_pipeline(X, y).predict_proba(X).shape == (len(X), 2)


def test_pandas_categories_reach_a_model_that_cannot_do_without_them() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier

    X, y = small_frame()
    X["empleo"] = X["empleo"].astype("category")
    model = StackingClassifier([("trees", HistGradientBoostingClassifier(max_iter=5))], cv=2).fit(X, y)
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
