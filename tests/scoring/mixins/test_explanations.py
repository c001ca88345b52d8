"""Explanations of a scorer: whole frames, importance, backgrounds, protected fields, both directions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiler.versions import calibration_of
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from morosidad import AuditLog, Field, Policy, Schema, Scorer
from morosidad.errors import InvalidFrame, NotCompiledWarning, SettingsError, UnsupportedModel
from morosidad.scoring.content.backgrounds import MOST_ROWS
from scoring_parts import neighbours
from support import small_frame, small_pipeline

NUMBERS = ["ingresos", "moras"]


def log_odds(p: Any) -> Any:
    return np.log(p / (1.0 - p))


@cache
def fitted(name: str) -> tuple[Any, pd.DataFrame, Any]:
    X, y = small_frame()
    if name == "linear":
        return small_pipeline(X, y), X, y
    X = X[NUMBERS]
    linear = make_pipeline(SimpleImputer(), LogisticRegression())
    boosting = make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=15, random_state=0))
    forest = make_pipeline(SimpleImputer(), RandomForestClassifier(15, max_depth=4, random_state=0))
    made = {
        "boosting": boosting,
        "forest": forest,
        "vote": VotingClassifier([("a", linear), ("b", boosting)], voting="soft"),
        "isotonic": calibration_of(boosting.fit(X, y), method="isotonic"),
    }
    return made[name].fit(X, y), X, y


MODELS = ["linear", "boosting", "forest", "vote", "isotonic"]


@pytest.fixture(scope="module", params=[(name, many) for name in MODELS for many in (None, 20)], ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Scorer, pd.DataFrame]:
    name, many = request.param
    pipeline, X, _ = fitted(name)
    return Scorer(pipeline, reference=X, background=many), X


def test_a_frame_is_explained_as_its_rows_are(case: tuple[Scorer, pd.DataFrame]) -> None:
    scorer, X = case
    found = scorer.explain_frame(X)
    assert found.index.equals(X.index)
    assert found.columns.tolist() == [*scorer.schema.names, "base"]
    for place, record in enumerate(X.head(10).to_dict("records")):
        alone = scorer.contributions(record).contributions
        np.testing.assert_allclose(found.iloc[place, :-1], list(alone.values()), atol=1e-10)


def test_a_row_adds_up_to_its_score_on_either_scale(case: tuple[Scorer, pd.DataFrame]) -> None:
    scorer, X = case
    p = scorer.predict_proba(X)[:, 1]
    inside = (p > 1e-9) & (p < 1 - 1e-9)
    for scale, score in (("probability", p), ("log-odds", log_odds(p[inside]))):
        found = scorer.explain_frame(X[inside] if scale == "log-odds" else X, scale=scale)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.sum(axis=1), score, atol=1e-9)
        assert np.ptp(found["base"]) < 1e-9
    with pytest.raises(ValueError, match="scale: one of log-odds, probability"):
        scorer.explain_frame(X, scale="odds")  # type: ignore[arg-type]


def test_importance_is_the_mean_absolute_contribution(case: tuple[Scorer, pd.DataFrame]) -> None:
    scorer, X = case
    found, explained = scorer.importance(X), scorer.explain_frame(X).drop(columns="base")
    expected = explained.abs().mean().sort_values(ascending=False)
    np.testing.assert_allclose(found["importance"], expected)
    assert found["share"].sum() == pytest.approx(1.0)
    assert not found["protected"].any()
    assert scorer.importance(X.head(0))["importance"].eq(0.0).all()


def test_a_background_is_seen_kept_and_measured_against(tmp_path: Path) -> None:
    for name in MODELS:
        pipeline, X, _ = fitted(name)
        scorer = Scorer(pipeline, reference=X, background=30, name=name)
        rows = scorer.reference
        assert rows is not None
        assert len(rows) == 30
        assert len(rows.merge(X.drop_duplicates(), how="inner")) >= 25  # they are applicants of the reference
        scorer.save(tmp_path / "m")
        loaded = Scorer.load(tmp_path / "m")
        pd.testing.assert_frame_equal(loaded.reference, rows)
        assert loaded.digest == scorer.digest
        record = X.iloc[0].to_dict()
        assert loaded.contributions(record) == scorer.contributions(record)
        assert loaded.score_one(record).reasons == scorer.score_one(record).reasons
        assert "mean against 30 applicants" in str(loaded.plan)
        given = Scorer(pipeline, reference=X, background=rows)
        assert given.contributions(record) == scorer.contributions(record)
        chosen = scorer.explain_frame(rows)
        if scorer.plan.reasons.count("log-odds") and name != "isotonic":
            base = log_odds(scorer.predict_proba(rows)[:, 1]).mean()
            assert chosen["base"].iloc[0] == pytest.approx(base)


def test_without_a_background_the_typical_applicant_of_trees_is_seen() -> None:
    pipeline, X, _ = fitted("boosting")
    scorer = Scorer(pipeline, reference=X)
    typical = scorer.reference
    assert typical is not None
    assert len(typical) == 1
    shares = scorer.contributions(typical.iloc[0].to_dict()).contributions
    assert all(share == 0.0 for share in shares.values())
    assert Scorer(fitted("linear")[0], reference=fitted("linear")[1]).reference is None


def test_what_is_no_background_is_refused() -> None:
    pipeline, X, _ = fitted("linear")
    for wrong in (0, -1, MOST_ROWS + 1, True, X.head(0)):
        with pytest.raises((SettingsError, InvalidFrame, TypeError), match=r"background|frame"):
            Scorer(pipeline, reference=X, background=wrong)
    with pytest.raises(SettingsError, match="needs reference rows"):
        Scorer(pipeline, schema=Schema.infer(X), background=5)
    bad = X.head(3).assign(moras="x")
    with pytest.raises(InvalidFrame, match="background: row 0 does not fit the schema"):
        Scorer(pipeline, reference=X, background=bad)


def test_sampled_contributions_take_the_background_too() -> None:
    X, y = small_frame()
    with pytest.warns(NotCompiledWarning):
        scorer = Scorer(neighbours(X, y), reference=X, reasons="sampled", background=5)
    assert scorer.reference is not None
    assert len(scorer.reference) == 5
    explained = scorer.explain_frame(X.head(3))
    np.testing.assert_allclose(explained.sum(axis=1), scorer.predict_proba(X.head(3))[:, 1], atol=1e-9)
    with pytest.raises(UnsupportedModel, match="on the scale of the probability"):
        scorer.explain_frame(X, scale="log-odds")


def test_a_model_without_contributions_explains_no_frame(slow: Scorer) -> None:
    X, _ = small_frame()
    with pytest.raises(UnsupportedModel, match="gives no contributions"):
        slow.explain_frame(X)
    with pytest.raises(UnsupportedModel, match="gives no contributions"):
        slow.score_one(X.iloc[0].to_dict(), reasons="all")


def test_a_protected_field_is_no_reason_and_what_it_carries_is_said(tmp_path: Path) -> None:
    pipeline, X, _ = fitted("linear")
    open_ = Scorer(pipeline, reference=X)
    scorer = Scorer(pipeline, reference=X, protected=["moras"])
    assert scorer.schema["moras"].protected
    records = X.to_dict("records")
    assert any(r.field == "moras" for record in records for r in open_.score_one(record).reasons)
    for record in records[:80]:
        ours, theirs = scorer.score_one(record).reasons, open_.score_one(record).reasons
        assert ours == tuple(reason for reason in theirs if reason.field != "moras")
        assert "moras" not in {r.field for r in scorer.score_one(record, reasons="all").reasons}
    importance = scorer.importance(X)
    assert importance["protected"].to_dict() == {"empleo": False, "ingresos": False, "moras": True}
    carried = importance.loc["moras", "share"]
    assert scorer.plan.protected == f"moras {carried:.1%}"
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").plan.protected == scorer.plan.protected
    assert open_.plan.protected == ""
    declared = Schema.infer(X)
    declared = declared.replace([Field("moras", "integer", protected=True), *declared.fields[:2]])
    assert Scorer(pipeline, schema=declared, reference=X).schema["moras"].protected
    with pytest.raises(SettingsError, match="'sexo' is no field"):
        Scorer(pipeline, reference=X, protected=["sexo"])
    bare = Scorer(pipeline, schema=scorer.schema)
    assert bare.plan.protected == "moras"


def test_all_reasons_speak_in_both_directions(case: tuple[Scorer, pd.DataFrame]) -> None:
    scorer, X = case
    for record in X.head(20).to_dict("records"):
        shares = scorer.contributions(record).contributions
        usual, every = scorer.score_one(record), scorer.score_one(record, "id-1", reasons="all")
        assert every.probability == usual.probability
        assert every.request_id == "id-1"
        beyond_noise = {f: s for f, s in shares.items() if abs(s) > 1e-9}
        assert {r.field: r.contribution for r in every.reasons} == beyond_noise
        sizes = [abs(reason.contribution) for reason in every.reasons]
        assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(ValueError, match="'policy' or 'all'"):
        scorer.score_one(record, reasons="both")  # type: ignore[arg-type]


def test_values_are_shown_where_the_policy_says_so_and_kept_out_of_logs(tmp_path: Path) -> None:
    pipeline, X, _ = fitted("linear")
    record = {"ingresos": 150.5, "empleo": "libre", "moras": 4}
    hidden = Scorer(pipeline, reference=X).score_one(record)
    assert all(r.value is None and "150" not in r.text and "libre" not in r.text for r in hidden.reasons)
    policy = Policy(show_values=True)
    for values in ("full", "hash", "none"):
        log = AuditLog(
            tmp_path / f"{values}.jsonl", values=values, key=b"k" * 32 if values == "hash" else None
        )  # type: ignore[arg-type]
        scorer = Scorer(pipeline, reference=X, policy=policy, audit=log)
        shown = {reason.field: reason for reason in scorer.score_one(record).reasons}
        log.close()
        assert shown["ingresos"].text == "Ingresos: por debajo de lo habitual (150.5)"
        assert shown["empleo"].text == "Empleo: aumenta el riesgo (libre)"
        assert shown["moras"].value == "4"
        written = (tmp_path / f"{values}.jsonl").read_text(encoding="utf-8")
        assert ("(150.5)" in written) == (values == "full")
    scorer = Scorer(pipeline, reference=X, policy=policy)
    scorer.save(tmp_path / "m")
    assert Scorer.load(tmp_path / "m").policy.show_values
    assert scorer.digest != Scorer(pipeline, reference=X).digest
    assert scorer.score_one(dict(record, ingresos=None)).reasons != ()
