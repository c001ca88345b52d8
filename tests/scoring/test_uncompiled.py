"""Models that are not compiled: labels of their own, rows that they refuse, what they demand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from morosidad.compiler.proof.original import MAX_DEMAND_QUESTIONS, Original
from morosidad.errors import NotCompiledWarning, PredictionError, UnsupportedModel
from morosidad.policy.decision import RecordError
from morosidad.schema.schema import Schema
from morosidad.scoring.scorer import Scorer

pytestmark = pytest.mark.usefixtures("judged_wholly")
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=120), "b": RNG.normal(size=120)})
Y = (X["a"] + RNG.normal(size=120) > 0.8).astype(int)


class Picky(ClassifierMixin, BaseEstimator):
    """Refuses what is over a limit, and has no number for what is below another."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: Any) -> Any:
        cells = np.asarray(X, dtype=float)
        if (cells[:, 0] > 10).any():
            raise ValueError(f"{cells[:, 0].max()} is private")
        p = 1 / (1 + np.exp(-cells[:, 0]))
        p[cells[:, 0] < -10] = np.nan
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> Any:
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


def uncompiled(model: Any, frame: Any = X, **options: Any) -> Scorer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)
        return Scorer(model, reference=frame, **options)


def test_labels_are_those_of_predict_where_they_differ_from_the_threshold() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(StandardScaler(), SVC(kernel=rbf_kernel, probability=True, random_state=0))
        model.fit(X, Y)
        scorer = uncompiled(model)
    labels = model.predict(X)
    assert "predict gives other labels than the threshold" in str(scorer.plan)
    line = pd.DataFrame({"a": np.linspace(0.8, 1.0, 2000), "b": 0.1})
    expected = model.predict(line)
    assert (expected != (model.predict_proba(line)[:, 1] > 0.5)).any()
    assert scorer.predict(line).tolist() == expected.tolist()
    assert scorer.score_frame(line)["label"].tolist() == expected.tolist()
    records = X.to_dict("records")
    assert [scorer.score_one(record).label for record in records] == labels.tolist()
    assert [d.label for d in scorer.score_many(records)] == labels.tolist()
    assert scorer.score_frame(X)["label"].tolist() == labels.tolist()
    assert scorer.predict(X).tolist() == labels.tolist()


class Ahead(Picky):
    """Has labels of its own, by a function that lies a little ahead of the probability."""

    def decision_function(self, X: Any) -> Any:
        return np.asarray(X, dtype=float)[:, 0] + 0.001

    def predict(self, X: Any) -> Any:
        return (self.decision_function(X) > 0).astype(int)


class Level(Ahead):
    """The same, in line with the probability."""

    def decision_function(self, X: Any) -> Any:
        return np.asarray(X, dtype=float)[:, 0]


@pytest.mark.skipif(
    not hasattr(NearestCentroid, "predict_proba"), reason="of scikit-learn since it gives probabilities"
)
@pytest.mark.parametrize(
    "steps",
    [[StandardScaler()], ["passthrough"], ["passthrough", None, MinMaxScaler(), "passthrough"]],
    ids=["scaled", "passthrough", "several"],
)
@pytest.mark.parametrize("positive", ["malo", "bueno"])
def test_labels_of_centroids_are_those_of_the_pipeline_whatever_stands_before(
    steps: list[Any], positive: str
) -> None:
    y = np.where(Y == 1, "malo", "bueno")
    named = [(str(place), step) for place, step in enumerate([*steps, NearestCentroid()])]
    model = Pipeline(named).fit(X, y)
    scorer = uncompiled(model, positive=positive)
    assert "predict gives other labels than the threshold" in str(scorer.plan)
    expected = model.predict(X)
    probabilities = model.predict_proba(X)[:, list(model.classes_).index(positive)]
    decisions = scorer.score_many(X.to_dict("records"))
    assert [d.label for d in decisions if not isinstance(d, RecordError)] == [
        int(label == positive) for label in expected
    ]
    frame = scorer.score_frame(X)
    assert (frame["label"] == (expected == positive)).all()
    np.testing.assert_allclose(frame["probability"], probabilities, rtol=0, atol=1e-12)
    assert (scorer.predict(X) == expected).all()


def test_predict_is_asked_only_where_it_differs_or_may() -> None:
    ahead, level = uncompiled(Ahead()), uncompiled(Level())
    assert "on 120 own rows" not in str(ahead.plan)
    assert "predict gives other labels than the threshold" in str(ahead.plan)
    assert ahead.score_one({"a": -0.0005, "b": 0.0}).label == 1
    assert "predict" not in " ".join(level.plan.notes)
    whole = X.round().astype(int)
    assert "labels are those of predict" in str(uncompiled(Level(), whole).plan)


def test_a_row_that_the_original_refuses_is_its_own_error_alone() -> None:
    scorer = uncompiled(Picky())
    assert "120 own rows one at a time, 120 in one batch" in str(scorer.plan)
    records = [{"a": 0.0, "b": 1.0}, {"a": 11.0, "b": 1.0}, {"a": -11.0, "b": 1.0}, {"a": 1.0, "b": 1.0}]
    out: list[Any] = scorer.score_many(records)
    assert [type(answer).__name__ for answer in out] == ["Decision", "RecordError", "RecordError", "Decision"]
    (error,) = out[1].errors
    assert (out[1].index, error.field, error.code) == (1, "", "modelo")
    assert "registro" in error.message
    assert "11" not in error.message
    table = scorer.score_frame(pd.DataFrame(records), errors="coerce")
    assert table["probability"].isna().tolist() == [False, True, True, False]
    with pytest.raises(PredictionError):
        scorer.score_frame(pd.DataFrame(records))


def test_a_batch_of_nothing_but_such_rows_is_no_failure_of_the_model() -> None:
    scorer = uncompiled(Picky())
    bad = [{"a": 11.0, "b": 1.0}, {"a": 12.0, "b": 1.0}]
    assert all(isinstance(answer, RecordError) for answer in scorer.score_many(bad))
    assert scorer.score_frame(pd.DataFrame(bad), errors="coerce")["probability"].isna().all()


def test_a_model_that_fails_on_everything_is_the_models_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = uncompiled(Picky())

    def fail(self: Any, X: Any) -> Any:
        raise MemoryError("secret")

    monkeypatch.setattr(Picky, "predict_proba", fail)
    for ask in (
        lambda: scorer.score_many(X.head(3).to_dict("records")),
        lambda: scorer.score_frame(X.head(3), errors="coerce"),
    ):
        with pytest.raises(PredictionError) as caught:
            ask()
        assert "secret" not in str(caught.value)


def _months(x: pd.DataFrame) -> Any:
    return np.array([[float(text.split()[0])] for text in x["plazo"]])


def test_a_text_that_it_cant_read_does_not_close_the_field_to_others() -> None:
    frame = pd.DataFrame({"plazo": [f"{3 + i % 9} meses" for i in range(60)]})
    model = make_pipeline(FunctionTransformer(_months), LogisticRegression()).fit(frame, np.arange(60) % 2)
    scorer = uncompiled(model, frame)
    assert scorer.schema["plazo"].categories is None
    expected = model.predict_proba(pd.DataFrame({"plazo": ["48 meses"]}))[0, 1]
    assert scorer.score_one({"plazo": "48 meses"}).probability == pytest.approx(expected, abs=1e-12)
    with pytest.raises(PredictionError):
        scorer.score_one({"plazo": "pronto"})


def test_every_obstacle_is_named_and_the_part_that_is_meant() -> None:
    model = make_pipeline(
        StandardScaler(),
        Isomap(n_components=2),
        SVC(kernel=rbf_kernel, probability=True, random_state=0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scorer = Scorer(model, reference=X)
    told = " ".join([str(w.message) for w in caught]) + str(scorer.plan)
    assert "Isomap has no compiled form" in told or "predict gives other labels" in told
    with pytest.raises(UnsupportedModel, match="IsolationForest gives no probabilities"):
        Scorer(make_pipeline(StandardScaler(), IsolationForest(n_estimators=3)).fit(X), reference=X)


def test_obstacles_of_several_steps_stand_side_by_side() -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.neighbors import KNeighborsClassifier

    parts = make_column_transformer(
        (LocallyLinearEmbedding(n_components=1), ["a"]), (Isomap(n_components=1), ["b"])
    )
    scorer = uncompiled(make_pipeline(parts, KNeighborsClassifier(3)).fit(X, Y))
    why = " ".join(scorer.plan.notes)
    for name in ("LocallyLinearEmbedding", "Isomap", "KNeighborsClassifier"):
        assert f"{name} has no compiled form" in why


class Wrapper:
    """Keeps no classes, and answers."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(X)

    def predict(self, X: Any) -> Any:
        return self.model.predict(X)


def test_a_wrapper_without_classes_is_asked() -> None:
    model = LogisticRegression().fit(X, Y)
    scorer = uncompiled(Wrapper(model))
    assert scorer.predict(X).tolist() == model.predict(X).tolist()
    with pytest.raises(UnsupportedModel, match="one of the labels 0 and 1"):
        Scorer(Wrapper(LogisticRegression().fit(X, np.where(Y, "malo", "bueno"))), reference=X)


# -- what it can't do without, of many fields ---------------------------------------------------------


class Asked(Picky):
    """Counts what it is asked, and refuses a missing value in some columns."""

    def __init__(self, demanding: tuple[str, ...] = (), known: tuple[str, ...] = ("a", "b")) -> None:
        self.demanding = demanding
        self.known = known
        self.asked = 0

    def predict_proba(self, X: Any) -> Any:
        self.asked += 1
        if X[list(self.demanding)].isna().to_numpy().any():
            raise ValueError("a value is missing")
        texts = X.select_dtypes(exclude="number")
        if not texts.isin((*self.known, None, np.nan)).to_numpy().all():
            raise ValueError("a text is new")
        p = 1 / (1 + np.exp(-np.nan_to_num(X["x0"].to_numpy(dtype=float))))
        return np.column_stack([1 - p, p])


def _wide(numbers: int, texts: int) -> tuple[pd.DataFrame, list[tuple[Any, ...]]]:
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=8) for i in range(numbers)}
    columns |= {f"t{i}": np.array(["a", "b"] * 4, dtype=object) for i in range(texts)}
    frame = pd.DataFrame(columns)
    return frame, list(frame.itertuples(index=False, name=None))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10), st.data())
def test_what_it_demands_is_found_whatever_fields_it_is(
    numbers: int, texts: int, data: st.DataObject
) -> None:
    frame, rows = _wide(numbers, texts)
    demanding = data.draw(st.sets(st.sampled_from(list(frame.columns))))
    closed = data.draw(st.booleans())
    model = Asked(tuple(demanding), ("a", "b") if closed else ("a", "b", "categoría nunca vista"))
    found = Original(model, Schema.infer(frame)).demanded(rows)
    assert {field.name for field in found.schema.fields if field.required} == demanding
    open_ended = [field.name for field in found.schema.fields if field.categories is None]
    assert [name for name in open_ended if name.startswith("t")] == (
        [] if closed else [f"t{i}" for i in range(texts)]
    )
    assert found.unasked == ()


def test_a_model_that_does_without_all_is_asked_few_questions() -> None:
    frame, rows = _wide(400, 100)
    model = Asked(known=("a", "b", "categoría nunca vista"))
    Original(model, Schema.infer(frame)).demanded(rows)
    assert model.asked < 10


def test_the_questions_are_bounded_and_what_was_not_asked_is_said() -> None:
    frame, rows = _wide(MAX_DEMAND_QUESTIONS, 0)
    model = Asked(tuple(frame.columns))
    found = Original(model, Schema.infer(frame)).demanded(rows)
    assert model.asked <= MAX_DEMAND_QUESTIONS + len(rows)
    required = {field.name for field in found.schema.fields if field.required}
    assert required.isdisjoint(found.unasked)
    assert len(required) + len(found.unasked) == len(frame.columns)
    assert found.notes == [
        "not tried with a missing or a new value, for fields are many: "
        f"{', '.join(found.unasked[:5])} and {len(found.unasked) - 5} more"
    ]


# -- one whose answers for many rows differ in their last digits --------------------------------------


class Wavering(Picky):
    """Answers otherwise in the last digits where it is asked about many rows; counts the questions."""

    asked = 0

    def predict_proba(self, X: Any) -> Any:
        type(self).asked += 1
        found = super().predict_proba(np.asarray(X, dtype=float))
        return found if len(X) == 1 else found + np.array([-1e-9, 1e-9])


def test_the_number_of_questions_does_not_grow_with_the_reference() -> None:
    asked = []
    for rows in (400, 1600):
        frame = pd.DataFrame(np.random.default_rng(2).normal(size=(rows, 2)), columns=["a", "b"])
        Wavering.asked = 0
        scorer = uncompiled(Wavering(), frame)
        asked.append(Wavering.asked)
        alone = Wavering().predict_proba(frame.iloc[[7]])[0, 1]
        assert scorer.score_frame(frame.iloc[5:9])["probability"].iloc[2] == alone
    assert "asked row by row" in str(scorer.plan)
    assert asked[1] < asked[0] + 100
