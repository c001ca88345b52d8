"""A scorer without parts: decisions on one record and on many, and its plan."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from morosidad.errors import (
    InvalidFrame,
    InvalidRecord,
    UnsupportedModel,
)
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision, RecordError
from morosidad.scoring.scorer import Scorer
from support import small_frame


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
    scorer = Scorer.train(X, np.where(y == 1, "moroso", "al día"), positive="moroso")
    assert str(scorer.plan).splitlines()[1] == "default  'moroso'"
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").plan.default == "'moroso'"
    assert str(Scorer.train(X, y == 1).plan).splitlines()[1] == "default  True"


@pytest.mark.parametrize("backend", ["numba", "Python"])
def test_the_plan_says_what_evaluates_the_form(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    scorer = Scorer(trained[0], reference=trained[1])
    monkeypatch.setattr(type(scorer._model.compiled), "backend", backend, raising=False)
    assert scorer.plan.backend == backend
    assert f"compiled ({scorer.plan.form}, evaluated by {backend})" in str(scorer.plan)


# -- contributions and classes -------------------------------------------------------------------


def test_contributions_are_those_of_the_reasons(scorer: Scorer) -> None:
    record = {"ingresos": 900.0, "empleo": "libre", "moras": 3}
    found, decision = scorer.contributions(record), scorer.score_one(record)
    assert found.probability == decision.probability
    assert (found.scale, found.values) == ("log-odds", record)
    assert {reason.field: reason.contribution for reason in decision.reasons}.items() <= (
        found.contributions.items()
    )
    assert tuple(found.contributions) == scorer.schema.names
    with pytest.raises(InvalidRecord):
        scorer.contributions({"moras": "x"})


def test_a_model_that_is_not_compiled_gives_no_contributions(slow: Scorer) -> None:
    with pytest.raises(UnsupportedModel, match="gives no contributions"):
        slow.contributions({"ingresos": 900.0, "empleo": "libre", "moras": 3})


def test_the_classes_are_the_labels_of_the_original(scorer: Scorer) -> None:
    assert scorer.classes == (0, 1)


def test_rows_without_a_probability_are_explained(scorer: Scorer) -> None:
    frame = pd.DataFrame({"ingresos": [1.0], "empleo": ["libre"], "moras": [0.5]})
    (why,) = scorer.frame_errors(frame)
    assert isinstance(why, InvalidRecord)
    assert why.errors[0].field == "moras"
