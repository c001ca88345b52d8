"""Counterfactuals: each turns the decision, none is cheaper, and what may not change does not."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from morosidad import Field, Policy, Preprocessor, Rule, Schema, Scorer
from morosidad.errors import DeadlineExceeded, InvalidRecord, NotCompiledWarning, SettingsError
from morosidad.scoring.counterfactuals.asking import counterfactuals_of
from morosidad.scoring.counterfactuals.choices import Spread, choices_of, round_step, spreads_of
from scoring_parts import neighbours
from support import small_frame

SCHEMA = Schema(
    [
        Field("edad", "integer", ge=18, le=90, monotonic=-1),
        Field("ingresos", "number", ge=0),
        Field("moras", "integer", ge=0, le=12),
        Field("empleo", "category", categories=("fijo", "libre", "ninguno")),
        Field("garante", "boolean"),
    ]
)
POLICY = Policy(review_at=0.3, decline_at=0.6)


def applicants(seed: int = 0, n: int = 500) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n),
            "ingresos": np.round(rng.lognormal(7, 0.6, n)),
            "moras": rng.poisson(1.5, n).clip(0, 12),
            "empleo": rng.choice(["fijo", "libre", "ninguno"], n),
            "garante": rng.random(n) < 0.4,
        }
    )
    z = 1.5 - 0.03 * X["edad"] - 0.0012 * X["ingresos"] + 0.8 * X["moras"] + (X["empleo"] == "ninguno")
    return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-z + X["garante"]))).astype(int)


@pytest.fixture(scope="module")
def linear() -> Scorer:
    X, y = applicants()
    model = make_pipeline(Preprocessor(SCHEMA), LogisticRegression()).fit(X, y)
    return Scorer(model, schema=SCHEMA, reference=X, policy=POLICY)


@pytest.fixture(scope="module")
def boosted() -> Scorer:
    X, y = applicants()
    trees = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=6, monotonic_cst=None)
    model = make_pipeline(Preprocessor(SCHEMA, missing="keep", encoding="ordinal"), trees).fit(X, y)
    return Scorer(model, schema=SCHEMA, reference=X, policy=POLICY)


RECORDS = st.fixed_dictionaries(
    {
        "edad": st.integers(18, 90) | st.none(),
        "ingresos": st.floats(0, 6000) | st.none(),
        "moras": st.integers(0, 12),
        "empleo": st.sampled_from(["fijo", "libre", "ninguno"]) | st.none(),
        "garante": st.booleans(),
    }
)


def all_choices(scorer: Scorer, record: dict[str, Any]) -> list[Any]:
    model = scorer._model
    spreads = spreads_of(SCHEMA.fields, model.typical, model.drift_reference)
    values = [record[name] for name in SCHEMA.names]
    return [
        choice
        for place, field in enumerate(SCHEMA.fields)
        for choice in choices_of(field, place, values[place], spreads[place])
    ]


def cheapest_by_trying(scorer: Scorer, record: dict[str, Any], target: tuple[str, ...]) -> float | None:
    """Score every change and pair of changes."""
    choices = all_choices(scorer, record)
    combos: list[tuple[Any, ...]] = [(one,) for one in choices]
    combos += [pair for pair in itertools.combinations(choices, 2) if pair[0].place != pair[1].place]
    names = SCHEMA.names
    rows = [{**record, **{names[c.place]: c.value for c in combo}} for combo in combos]
    outcome = scorer.score_frame(pd.DataFrame(rows, columns=list(names)))["outcome"].isin(target)
    costs = np.array([sum(c.cost for c in combo) for combo in combos])[outcome.to_numpy()]
    return float(costs.min()) if len(costs) else None


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(record=RECORDS, target=st.sampled_from(["aprobar", "revisar"]))
def test_no_change_of_an_additive_model_is_cheaper(linear: Scorer, record: Any, target: Any) -> None:
    found = linear.counterfactuals(record, target=target)
    milder = ("aprobar",) if target == "aprobar" else ("aprobar", "revisar")
    if linear.score_one(record).outcome in milder:
        assert found == ()
        return
    best = cheapest_by_trying(linear, record, milder)
    assert (found[0].cost if found else None) == pytest.approx(best)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(record=RECORDS, n=st.integers(1, 4), most=st.integers(1, 3), data=st.data())
def test_each_one_turns_the_decision_within_what_is_allowed(
    linear: Scorer, boosted: Scorer, record: Any, n: int, most: int, data: st.DataObject
) -> None:
    scorer = data.draw(st.sampled_from([linear, boosted]))
    mutable = data.draw(st.sets(st.sampled_from(SCHEMA.names), min_size=1))
    limits = {"ingresos": (None, 3000.0), "empleo": ("fijo",), "moras": (1, 9)}
    found = scorer.counterfactuals(record, mutable=sorted(mutable), limits=limits, n=n, max_changes=most)
    assert len(found) <= n
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    assert len({tuple(change.field for change in one.changes) for one in found}) == len(found)
    for one in found:
        after = {change.field: change.after for change in one.changes}
        assert set(after) <= mutable
        assert 1 <= len(after) <= most
        assert all(change.before == record[change.field] != change.after for change in one.changes)
        decision = scorer.score_one({**record, **after})
        assert decision.outcome == one.decision.outcome == "aprobar"
        assert decision.probability == one.decision.probability
        if "edad" in after and record["edad"] is not None:
            assert after["edad"] > record["edad"]  # the risk falls with the age, and nobody gets younger
        assert after.get("ingresos", 0.0) <= 3000.0
        assert after.get("empleo", "fijo") == "fijo"
        assert 1 <= after.get("moras", 5) <= 9


@pytest.fixture(scope="module")
def ruled() -> Scorer:
    X, y = applicants()
    model = make_pipeline(Preprocessor(SCHEMA), LogisticRegression()).fit(X, y)
    policy = Policy(review_at=0.3, decline_at=0.6, rules=RULES)
    return Scorer(model, schema=SCHEMA, reference=X, policy=policy)


RULES = (
    Rule("edad < 25", "rechazar", "P01", "Menor de 25 años", stage="before"),
    Rule("moras > 4 and empleo == 'ninguno'", "revisar", "P02", "Moras sin empleo"),
    Rule(
        "ingresos < 400 and not garante",
        "rechazar",
        "P03",
        "Ingresos bajos sin garante",
        on_missing="revisar",
    ),
    Rule("probability > 0.25 and moras > 6", "revisar", "P04", "Muchas moras"),
)


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(record=RECORDS)
def test_rules_are_reckoned_with(ruled: Scorer, record: Any) -> None:
    found = ruled.counterfactuals(record)
    if ruled.score_one(record).outcome == "aprobar":
        assert found == ()
        return
    best = cheapest_by_trying(ruled, record, ("aprobar",))
    assert (found[0].cost if found else None) == pytest.approx(best)
    assert all(one.decision.outcome == "aprobar" for one in found)


def test_of_trees_hardly_any_is_cheaper_than_the_first(boosted: Scorer) -> None:
    X, _ = applicants(7, 60)
    records = [{**row, "edad": int(row["edad"]), "moras": int(row["moras"])} for row in X.to_dict("records")]
    ratios = []
    for record in records:
        found = boosted.counterfactuals(record)
        if found:
            best = cheapest_by_trying(boosted, record, ("aprobar",))
            assert best is not None
            ratios.append(found[0].cost / best)
    assert len(ratios) > 5
    assert np.mean(np.array(ratios) < 1.0001) > 0.8
    assert max(ratios) < 1.6


def test_costs_and_protected_fields_and_a_model_that_is_not_compiled() -> None:
    frame, late = small_frame()
    with pytest.warns(NotCompiledWarning):
        slow = Scorer(neighbours(frame, late), reference=frame, protected=("empleo",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        declined = frame[(slow.score_frame(frame)["outcome"] != "aprobar").to_numpy()].iloc[0].to_dict()
    found = slow.counterfactuals(declined, costs={"ingresos": 100.0})
    assert found
    assert all(change.field != "empleo" for one in found for change in one.changes)
    with pytest.raises(SettingsError, match="mutable: 'empleo' is protected"):
        slow.counterfactuals(declined, mutable=("empleo",))


def test_what_is_asked_wrongly_is_said_at_once(linear: Scorer) -> None:
    with pytest.raises(SettingsError) as caught:
        linear.counterfactuals(
            {},
            mutable=("x",),
            limits={"edad": 3, "empleo": "fijo", "moras": (True, 2), "y": (1, 2)},
            costs={"edad": 0, "z": 1.0},
            target="rechazar",  # type: ignore[arg-type]
            n=0,
            max_changes=4,
        )
    assert len(caught.value.problems) == 10
    with pytest.raises(InvalidRecord):
        linear.counterfactuals({"edad": "mayor"})


@given(st.floats(1e-9, 1e12), st.booleans())
def test_steps_are_round(size: float, whole: bool) -> None:
    step = round_step(size, whole=whole)
    assert step >= size
    assert step < 2.51 * max(size, float(whole)) or step == 1.0
    assert f"{step:.0e}"[0] in "125"
    assert not whole or step == int(step)


def test_spreads_follow_the_reference_the_limits_or_what_is_usual(linear: Scorer) -> None:
    fields = SCHEMA.fields
    known = spreads_of(fields, linear._model.typical, linear._model.drift_reference)
    assert 20 < known[0].low < 30 < 65 < known[0].high < 80
    assert known[2].low == 0.0
    assert 2.0 <= known[2].high <= 4.0
    assert spreads_of(fields, [None] * 5, None)[0] == Spread(18.0, 90.0)
    assert spreads_of(fields, [None, 1000.0, None, None, None], None)[1] == Spread(500.0, 1500.0)
    assert choices_of(fields[0], 0, 40, known[0], limit=(50, 45)) == []
    levels = Field("zona", "category", categories=(1, 2, 3), monotonic=1)
    assert [choice.value for choice in choices_of(levels, 0, 2, Spread(0.0, 1.0))] == [1]


class Ticking:
    """A clock that goes on by a second each time it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def timed(scorer: Scorer, record: dict[str, Any], limit: float) -> tuple[Any, ...]:
    return counterfactuals_of(
        scorer._model, record, None, {}, {}, "aprobar", n=3, max_changes=2, time_limit=limit, clock=Ticking()
    )


def test_what_was_found_in_time_is_given_and_nothing_found_is_said(boosted: Scorer) -> None:
    X, _ = applicants(7, 60)
    outcomes = boosted.score_frame(X)["outcome"]
    record = {**X[outcomes == "rechazar"].iloc[0].to_dict()}
    record |= {"edad": int(record["edad"]), "moras": int(record["moras"])}
    everything = boosted.counterfactuals(record)
    assert timed(boosted, record, 1e9) == everything
    given = [timed(boosted, record, limit) for limit in (20.0, 200.0)]
    assert len(given[0]) <= len(given[1]) <= 3
    assert all(one.decision.outcome == "aprobar" for found in given for one in found)
    with pytest.raises(DeadlineExceeded) as caught:
        timed(boosted, record, 2.0)
    assert caught.value.seconds == 2.0
    assert timed(boosted, {**record, "moras": 0, "ingresos": 6000.0, "empleo": "fijo"}, 2.0) == ()
    with pytest.raises(SettingsError, match="time_limit"):
        boosted.counterfactuals(record, time_limit=0.0)


def test_limits_may_not_be_larger_than_any_float(linear: Scorer) -> None:
    with pytest.raises(SettingsError, match="limits: 'edad'"):
        linear.counterfactuals({}, limits={"edad": (None, 10**400)})


def test_a_probability_of_one_is_turned_too() -> None:
    X, y = applicants()
    model = make_pipeline(Preprocessor(SCHEMA), LogisticRegression()).fit(X, y)
    model[-1].coef_ *= 40.0
    sharp = Scorer(model, schema=SCHEMA, reference=X, policy=POLICY)
    record = {"edad": 20, "ingresos": 500.0, "moras": 6, "empleo": "ninguno", "garante": False}
    assert sharp.score_one(record).probability == 1.0
    found = sharp.counterfactuals(record)
    assert found
    assert found[0].cost <= 1.2 * (cheapest_by_trying(sharp, record, ("aprobar",)) or 0.0)


CHANGES = {"any": (-1, 1), "increase": (1,), "decrease": (-1,), "none": ()}


@settings(max_examples=60, deadline=None)
@given(
    change=st.sampled_from(list(CHANGES)),
    risk=st.sampled_from([-1, 0, 1]),
    levels=st.booleans(),
    here=st.integers(0, 12) | st.none(),
)
def test_no_value_is_chosen_against_a_direction(
    change: Any, risk: Any, levels: bool, here: int | None
) -> None:
    limits: dict[str, Any] = {"categories": tuple(range(13))} if levels else {"ge": 0, "le": 12}
    field = Field("moras", "integer", monotonic=risk, change=change, **limits)
    found = choices_of(field, 0, here, Spread(0.0, 12.0))
    if here is not None and change != "none":
        ways = {way for way in CHANGES[change] if way != risk}
        assert {1 if choice.value > here else -1 for choice in found} <= ways
        assert found or not ways or here in (0, 12)


def test_what_does_not_change_is_not_suggested() -> None:
    X, y = applicants()
    for change, ways in CHANGES.items():
        schema = Schema(
            [Field("edad", "integer", ge=18, le=90, change=change), *SCHEMA.fields[1:4], SCHEMA.fields[4]]
        )
        model = make_pipeline(Preprocessor(schema), LogisticRegression()).fit(X, y)
        scorer = Scorer(model, schema=schema, reference=X, policy=POLICY)
        for record in (
            X[(scorer.score_frame(X)["outcome"] == "rechazar").to_numpy()].head(5).to_dict("records")
        ):
            moved = [
                one
                for found in scorer.counterfactuals(record, n=5)
                for one in found.changes
                if one.field == "edad"
            ]
            assert {1 if one.after > one.before else -1 for one in moved} <= set(ways)
        if change == "none":
            with pytest.raises(SettingsError, match="mutable: 'edad' does not change"):
                scorer.counterfactuals(record, mutable=("edad",))


def test_nobody_is_told_to_be_younger_by_the_shipped_model() -> None:
    record = {
        "edad": 70,
        "ingresos_mensuales": 8e5,
        "monto_credito": 2e7,
        "plazo_meses": 60,
        "deuda_actual": 2e7,
    }
    found = Scorer.default().counterfactuals(record, mutable=("edad", "monto_credito", "deuda_actual"), n=5)
    assert all(one.after > one.before for each in found for one in each.changes if one.field == "edad")
