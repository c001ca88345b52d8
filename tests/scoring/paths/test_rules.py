"""A policy's rules on every path: one record, many, frames, cache, log, models that are not compiled."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from morosidad import AuditLog, Decision, KPITracker, Policy, Rule, Scorer, TieredCache
from morosidad.audit.replay import replay
from morosidad.errors import InvalidFrame, NotCompiledWarning, RuleError
from morosidad.monitoring.drift import DriftMonitor
from scoring_parts import RECORD, neighbours, scorer_with
from support import small_frame

RULES = (
    Rule("moras > 2", "rechazar", "A1", "Demasiadas moras", stage="before"),
    Rule("ingresos < 500", "revisar", "A2", "Pocos ingresos", stage="before", on_missing="revisar"),
    Rule(
        "empleo == 'fijo' and moras == 0 and ingresos > 1500",
        "aprobar",
        "F1",
        {"es": "Cliente fijo"},
        final=True,
    ),
    Rule("probability > 0.6 and not empleo == 'otro'", "rechazar", "D1"),
    Rule("outcome == 'aprobar' and empleo is None", "revisar", "D2", "Sin empleo"),
)
POLICY = Policy(rules=RULES, version="7")


@pytest.fixture(scope="module")
def ruled(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return scorer_with(trained, policy=POLICY)


@pytest.fixture(scope="module")
def slow_ruled() -> Scorer:
    X, y = small_frame()
    with pytest.warns(NotCompiledWarning):
        return Scorer(neighbours(X, y), reference=X, policy=POLICY, reasons="sampled", background=20)


def expected(scorer: Scorer, record: dict[str, Any], p: float) -> tuple[str, tuple[str, ...], bool]:
    """Decide by hand: the outcome, the rules, and whether the model is asked."""
    income, job, late = record["ingresos"], record["empleo"], record["moras"]
    codes = ["A1"] * int(late > 2) + ["A2"] * int(income is None or income < 500)
    if late > 2:
        return "rechazar", tuple(codes), False
    outcome = max(scorer.policy.outcome(p), "revisar" if codes else "aprobar", key=_strictness)
    if job == "fijo" and late == 0 and income is not None and income > 1500:
        return "aprobar", (*codes, "F1"), True
    after = ["D1"] * int(p > 0.6 and job is not None and job != "otro")
    after += ["D2"] * int(outcome == "aprobar" and job is None)
    said = {"D1": "rechazar", "D2": "revisar"}
    return max([outcome, *map(said.__getitem__, after)], key=_strictness), (*codes, *after), True


def _strictness(outcome: str) -> int:
    return ("aprobar", "revisar", "rechazar").index(outcome)


def records_of(X: pd.DataFrame) -> list[dict[str, Any]]:
    return [{k: None if pd.isna(v) else v for k, v in row.items()} for row in X.to_dict("records")]


def same(decision: Any, other: Any) -> bool:
    return bool(msgspec.to_builtins(decision) == msgspec.to_builtins(other))


@pytest.mark.parametrize("kind", ["ruled", "slow_ruled"])
def test_every_way_gives_the_same_rules_and_outcomes(kind: str, request: pytest.FixtureRequest) -> None:
    scorer: Scorer = request.getfixturevalue(kind)
    X, _ = small_frame(120, seed=3)
    records = records_of(X)
    probability = scorer.predict_proba(X)[:, 1]
    one = [scorer.score_one(record) for record in records]
    many = scorer.score_many(records)
    frame = scorer.score_frame(X, reasons=True)
    seen = set()
    for record, p, decision, other, row in zip(
        records, probability, one, many, frame.itertuples(), strict=True
    ):
        outcome, codes, scored = expected(scorer, record, p)
        assert (decision.outcome, decision.rules) == (outcome, codes)
        assert (decision.probability is not None) == scored
        assert isinstance(other, Decision)
        assert (other.outcome, other.rules, other.probability is None) == (outcome, codes, not scored)
        assert (row.outcome, row.rules, math.isnan(row.probability)) == (outcome, codes, not scored)
        assert row.reasons == [reason.text for reason in decision.reasons]
        assert pd.isna(row.label) if not scored else row.label == decision.label
        assert [reason.code for reason in decision.reasons if reason.kind == "regla"] == [*codes]
        assert [reason.kind for reason in decision.reasons[: len(codes)]] == ["regla"] * len(codes)
        assert decision.policy == POLICY.identity
        seen.update(codes or ["-"])
    assert seen >= {"A1", "A2", "F1", "D1", "-"}
    assert math.isnan(frame["probability"][X["moras"] > 2].iloc[0])
    assert not pd.Series(probability).isna().any()  # the estimator knows no rules


def test_the_model_is_not_asked_where_a_rule_declines(
    ruled: Scorer, trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    honest = type(ruled._model).estimate
    monkeypatch.setattr(
        type(ruled._model), "estimate", lambda self, values: calls.append(1) or honest(self, values)
    )
    knocked = ruled.score_one(RECORD, "x")
    assert (knocked.label, knocked.probabilities, knocked.confidence, calls) == (None, None, None, [])
    assert knocked.request_id == "x"
    assert [reason.text for reason in knocked.reasons] == ["Demasiadas moras", "Pocos ingresos"]
    assert same(ruled.score_one(RECORD, "x", reasons="all"), knocked)
    every = ruled.score_one({**RECORD, "moras": 1}, reasons="all").reasons
    assert [reason.code for reason in every if reason.kind == "regla"] == ["A2", "D1"]
    assert every[2].kind == "modelo"
    always = scorer_with(trained, policy=msgspec.structs.replace(POLICY, score_always=True))
    scored = always.score_one(RECORD)
    assert scored.rules[:2] == ("A1", "A2")
    assert scored.outcome == "rechazar"
    assert scored.probability is not None
    frame = always.score_frame(pd.DataFrame([RECORD]))
    assert frame["probability"][0] == pytest.approx(scored.probability, abs=1e-12)
    assert frame["rules"][0] == scored.rules
    only = always.score_many([RECORD])[0]
    assert isinstance(only, Decision)
    assert same(only, scored)


def test_a_frame_of_none_but_declined_rows_has_no_probability(ruled: Scorer, slow_ruled: Scorer) -> None:
    frame = pd.DataFrame([RECORD, RECORD])
    for scorer in (ruled, slow_ruled):
        found = scorer.score_frame(frame)
        assert found["probability"].isna().all()
        assert found["outcome"].tolist() == ["rechazar"] * 2
        assert found["label"].isna().all()
    with pytest.raises(InvalidFrame):
        ruled.score_frame(pd.DataFrame([RECORD, {**RECORD, "moras": 1.5}]))
    coerced = ruled.score_frame(pd.DataFrame([RECORD, {**RECORD, "moras": 1.5}]), errors="coerce")
    assert coerced["rules"].tolist() == [("A1", "A2"), ()]
    assert coerced["outcome"].isna().tolist() == [False, True]
    ids = ruled.score_frame(frame, ids=["a", None], errors="coerce")
    assert ids["outcome"].isna().tolist() == [False, True]


def test_a_cached_answer_has_the_same_rules(trained: tuple[Any, pd.DataFrame]) -> None:
    cache = TieredCache[Any, Any]()
    scorer = scorer_with(trained, policy=POLICY, cache=cache)
    for record in (RECORD, {**RECORD, "moras": 1}):
        first, second = scorer.score_one(record), scorer.score_one(record)
        assert second.cached == "acierto"
        assert same(msgspec.structs.replace(second, cached=None), first)
    for key in list(cache):
        held = cache[key]
        cache[key] = msgspec.structs.replace(held, rules=("A2",))
    again = scorer.score_one(RECORD)
    assert again.rules == ("A1", "A2")
    assert again.cached is None
    name = next(iter(cache))[0]
    cache[name, scorer.schema.read({**RECORD, "moras": 0})[0]] = scorer.score_one(RECORD)
    assert scorer.score_one({**RECORD, "moras": 0}).rules == ("A2",)


def test_a_cached_answer_of_yesterday_is_asked_again(trained: tuple[Any, pd.DataFrame]) -> None:
    days = [date(2026, 11, 30), date(2026, 12, 1)]
    rules = (Rule("today() < '2026-12-01'", "revisar", "T1"),)
    scorer = scorer_with(trained, policy=Policy(rules=rules), cache=TieredCache())
    assert scorer._model.rules is not None
    scorer._model.rules._clock = lambda: days[0]
    assert scorer.score_one(RECORD).rules == ("T1",)
    days.pop(0)
    assert scorer.score_one(RECORD).rules == ()
    assert scorer.score_frame(pd.DataFrame([RECORD]))["rules"][0] == ()


@pytest.mark.parametrize("values", ["full", "hash"])
def test_lines_of_records_and_of_frames_are_the_same(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path, values: Any
) -> None:
    X, _ = small_frame(60, seed=3)
    lines: list[list[dict[str, Any]]] = []
    counted: list[dict[str, int]] = []
    for way in ("one", "frame"):
        log = AuditLog(tmp_path / f"{way}.jsonl", values=values, key=b"k" * 32)
        scorer = scorer_with(trained, policy=POLICY, audit=log, kpis=KPITracker())
        if way == "one":
            for record in records_of(X):
                scorer.score_one(record)
        else:
            scorer.score_frame(X)
        log.close()
        text = (tmp_path / f"{way}.jsonl").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines() if '"decision"' in line]
        lines.append(
            [
                {k: v for k, v in line.items() if k in _LOGGED}
                for line in found
                if line.get("tipo") == "decision"
            ]
        )
        assert scorer._path.kpis is not None
        assert sum(scorer._path.kpis.counts().decisions.values()) == len(X)
        counted.append(scorer._path.kpis.rules())
    assert len(lines[0]) == len(X)
    assert counted[0] == counted[1] == Counter(code for line in lines[0] for code in line.get("reglas", ()))
    for line, other in zip(*lines, strict=True):
        assert _rounded(line) == _rounded(other)
    assert {line["politica_digest"] for line in lines[0]} == {POLICY.digest}
    assert {"reglas" in line for line in lines[0]} == {True, False}
    assert {line["probabilidades"] is None for line in lines[0]} == {True, False}
    if values == "full":
        report = replay(tmp_path / "one.jsonl", scorer.with_parts(audit=None).score_one)
        assert report.replayed == len(X)
        assert not report.differences


_LOGGED = (
    "politica_digest",
    "reglas",
    "decision",
    "prediccion",
    "probabilidades",
    "probabilidad",
    "motivos",
    "valores",
)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 12) if isinstance(value, float) else value


def test_drift_looks_at_scored_records_alone(trained: tuple[Any, pd.DataFrame]) -> None:
    plain = scorer_with(trained)
    assert plain.drift_reference is not None
    drift = DriftMonitor(plain.drift_reference, every=1)
    scorer = scorer_with(trained, policy=POLICY, drift=drift)
    scorer.score_one(RECORD)
    scorer.score_frame(pd.DataFrame([RECORD, {**RECORD, "moras": 1}]))
    assert drift.report().records == 1


def test_rules_stay_in_a_model_file_and_in_other_languages(ruled: Scorer, tmp_path: Path) -> None:
    ruled.save(tmp_path / "m.morosidad")
    loaded = Scorer.load(tmp_path / "m.morosidad")
    assert loaded.policy == POLICY
    assert loaded.digest == ruled.digest
    assert same(loaded.score_one(RECORD), ruled.score_one(RECORD))
    english = Scorer.load(tmp_path / "m.morosidad", language="en").score_one({**RECORD, "moras": 1})
    assert english.reasons[0].text == "Pocos ingresos"
    assert english.language == "en"


def test_rules_that_do_not_fit_the_schema_are_refused_all_at_once(trained: tuple[Any, pd.DataFrame]) -> None:
    wrong = Policy(rules=(Rule("mora > 3", "revisar", "X1"), Rule("ingresos == 'a'", "revisar", "X2")))
    with pytest.raises(RuleError, match="did you mean 'moras'") as caught:
        scorer_with(trained, policy=wrong)
    assert caught.value.codes == ("X1", "X2")
    assert len(caught.value.problems) == 2
