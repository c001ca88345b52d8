"""Points and scorecards: rows that add up to each decision, judged by optbinning and by R's formula."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from compiler.versions import k_bins
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from morosidad import AuditLog, Decision, Field, Points, Policy, Rule, Schema, Scorer, TieredCache
from morosidad.errors import InvalidFrame, SettingsError, UnsupportedModel
from morosidad.scoring.frames.rule_report import rule_report

SCHEMA = Schema(
    [
        Field("edad", "integer", ge=18, le=90),
        Field("ingresos", "number", ge=0),
        Field("empleo", "category", categories=("fijo", "libre", "ninguno")),
        Field("garante", "boolean"),
    ]
)
SCALES = [Points(), Points(round=False), Points(400, 15, 33.3, higher_is_better=False)]


def applicants(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n).astype(float),
            "ingresos": np.round(rng.lognormal(7, 0.6, n)),
            "empleo": rng.choice(["fijo", "libre", "ninguno"], n).astype(object),
            "garante": rng.random(n) < 0.4,
        }
    )
    z = 0.5 - 0.03 * X["edad"] - 0.0006 * X["ingresos"] + (X["empleo"] == "ninguno") - X["garante"]
    X.loc[rng.random(n) < 0.1, "ingresos"] = np.nan
    X.loc[rng.random(n) < 0.1, "empleo"] = None
    return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-z))).astype(int)


def bins() -> Any:
    """Bins behind an imputer and a scaler, one-hot."""
    return make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        k_bins(4, encode="onehot-dense"),
    )


@cache
def fitted(name: str) -> Any:
    X, y = applicants()
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="?"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    if name == "boosted":
        columns = make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["empleo"]),
            remainder="passthrough",
        )
        model = HistGradientBoostingClassifier(max_iter=15, interaction_cst="no_interactions", random_state=0)
        return make_pipeline(columns, model).fit(X, y)
    columns = make_column_transformer(
        (bins(), ["edad", "ingresos"]), (words, ["empleo"]), ("passthrough", ["garante"])
    )
    target = np.where(y == 1, "bad", "good") if name == "turned" else y
    return make_pipeline(columns, LogisticRegression()).fit(X, target)


@cache
def original(name: str) -> Scorer:
    positive = "bad" if name == "turned" else None
    return Scorer(fitted(name), schema=SCHEMA, reference=applicants()[0][:60], positive=positive)


@cache
def scorer(name: str, scale: Points, rules: tuple[Rule, ...] = ()) -> Scorer:
    """The same model with another policy, as a file of it is read."""
    with tempfile.TemporaryDirectory() as folder:
        original(name).save(Path(folder) / "m.morosidad")
        return Scorer.load(Path(folder) / "m.morosidad", policy=Policy(points=scale, rules=rules))


def holds(text: str, value: Any) -> bool:
    """Whether a bin's name says that a value lies in it."""
    if value is None or value != value or text == "sin dato":
        return text == "sin dato" and (value is None or value != value)
    if isinstance(value, bool):
        return text == ("sí" if value else "no")
    if isinstance(value, str):
        return text == value
    if text.startswith("<"):
        return bool(value < float(text[1:]))
    if text.startswith("≥"):
        return bool(value >= float(text[1:]))
    low, high = text[1:-1].split(", ")
    return float(low) <= value < float(high)


def added_up(card: pd.DataFrame, record: Mapping[str, Any]) -> Any:
    total = card["points"].iloc[0]
    for field, part in card.iloc[1:].groupby("field", sort=False):
        (found,) = part["points"][[holds(text, record.get(str(field))) for text in part["bin"]]]
        total += found
    return total


RECORDS = st.fixed_dictionaries(
    {
        "edad": st.none() | st.integers(18, 90),
        "ingresos": st.none() | st.floats(0, 1e6),
        "empleo": st.sampled_from([None, "fijo", "libre", "ninguno"]),
        "garante": st.booleans(),
    }
)


@pytest.mark.parametrize(
    ("name", "scale"), [*(("bins", s) for s in SCALES), ("boosted", SCALES[0]), ("turned", SCALES[1])]
)
@given(records=st.lists(RECORDS, min_size=1, max_size=12))
@settings(max_examples=15, deadline=None)
def test_the_rows_of_a_scorecard_add_up_to_the_points_of_every_decision(
    name: str, scale: Points, records: list[dict[str, Any]]
) -> None:
    which = scorer(name, scale)
    card = which.scorecard()
    decisions = [which.score_one(record) for record in records]
    assert [each.points for each in decisions] == [added_up(card, record) for record in records]
    slack = 0.5 * (1 + card["field"].nunique()) if scale.round else 1e-8
    for each in decisions:
        assert each.probability is not None
        assert each.points == pytest.approx(
            Points(scale.base, scale.odds, scale.pdo, scale.higher_is_better, round=False).of(
                each.probability
            ),
            abs=slack,
        )


@pytest.mark.parametrize("name", ["bins", "boosted"])
@pytest.mark.parametrize("scale", SCALES[:2], ids=["whole", "exact"])
def test_records_frames_caches_and_logs_agree(name: str, scale: Points, tmp_path: Path) -> None:
    rules = (
        Rule("edad > 70", "rechazar", "K", stage="before"),
        Rule("points < 530", "revisar", "P"),
    )
    X = applicants(300, 5)[0]
    records = [{k: None if v != v else v for k, v in row.items()} for row in X.to_dict("records")]
    which = scorer(name, scale, rules)
    one = [which.score_one(record) for record in records]
    assert {each.outcome for each in one} == {"aprobar", "revisar", "rechazar"}
    assert [each.points is None for each in one] == ["K" in each.rules for each in one]
    assert any("P" in each.rules for each in one)
    assert which.score_many(records) == one
    plain = which.score_frame(X)
    for found in (plain, which.score_frame(X, reasons=True)):
        points = [None if gap else found["points"][i] for i, gap in enumerate(found["points"].isna())]
        assert points == [each.points for each in one]
        assert found["outcome"].tolist() == [each.outcome for each in one]
        assert found["rules"].tolist() == [each.rules for each in one]
    assert str(plain["points"].dtype) == ("Int64" if scale.round else "float64")
    cached = which.with_parts(cache=TieredCache())
    assert [cached.score_one(record).points for record in records[:20] * 2] == [
        e.points for e in one[:20]
    ] * 2
    with AuditLog(tmp_path / "a.jsonl") as log:
        logged = which.with_parts(audit=log)
        logged.score_frame(X)
        for record in records:
            logged.score_one(record)
    lines = [msgspec.json.decode(line) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()]
    assert [line.get("puntos") for line in lines] == [each.points for each in one] * 2
    assert ["puntos" in line for line in lines[:300]] == [each.points is not None for each in one]


def test_many_records_without_rules_have_the_points_of_each() -> None:
    which, X = scorer("bins", SCALES[0]), applicants(250, 6)[0]
    records = [{k: None if v != v else v for k, v in row.items()} for row in X.to_dict("records")]
    many = which.score_many(records)
    assert many == [which.score_one(record) for record in records]
    assert all(isinstance(each, Decision) and type(each.points) is int for each in many)
    assert which.score_frame(X)["points"].dtype == np.int64


def test_what_a_cache_holds_must_have_the_points_of_the_policy() -> None:
    which = scorer("bins", SCALES[0])
    values = which.schema.read({"edad": 40, "garante": True})[0]
    decision, active = which._model.answer(values), which._path.active
    assert active.may_have_said(decision, values)
    assert decision.points is not None
    for other in (None, decision.points + 1):
        assert not active.may_have_said(msgspec.structs.replace(decision, points=other), values)
    without = scorer("bins", SCALES[0], (Rule("edad > 30", "rechazar", "K", stage="before"),))
    declined = without._model.answer(values)
    assert declined.points is None
    assert without._path.active.may_have_said(declined, values)
    assert not without._path.active.may_have_said(msgspec.structs.replace(declined, points=1), values)


def test_a_model_that_is_no_sum_of_steps_has_points_without_a_table() -> None:
    X, y = applicants()
    X = X.dropna()
    numbers = make_column_transformer((StandardScaler(), ["edad"]), (OneHotEncoder(), ["empleo"]))
    linear = make_pipeline(numbers, LogisticRegression()).fit(X, y[X.index])
    which = Scorer(linear, schema=SCHEMA, reference=X[:40], policy=Policy(points=Points(round=False)))
    found = which.score_frame(X)
    assert found["points"].tolist() == [Points(round=False).of(p) for p in found["probability"]]
    with pytest.raises(UnsupportedModel, match="edad: it enters the model as a number"):
        which.scorecard()
    trees = HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(
        X[["edad", "ingresos"]], y[X.index]
    )
    with pytest.raises(UnsupportedModel, match="no sum of what each field adds"):
        Scorer(trees, reference=X[["edad", "ingresos"]][:40]).scorecard(points=Points())
    with pytest.raises(SettingsError, match="points"):
        Scorer(trees, reference=X[["edad", "ingresos"]][:40]).scorecard()


def test_shares_and_default_rates_are_those_of_the_rows_given() -> None:
    X, y = applicants(200, 9)
    which = scorer("bins", SCALES[0])
    card = which.scorecard(X, y).set_index(["field", "bin"])
    assert card.loc[("base", ""), ["share", "default_rate"]].tolist() == [1.0, y.mean()]
    for level in ("fijo", "libre", "ninguno"):
        rows = (X["empleo"] == level).to_numpy()
        assert card.loc[("empleo", level), "share"] == rows.mean()
        assert card.loc[("empleo", level), "default_rate"] == pytest.approx(y[rows].mean())
    assert card.loc[("garante", "sí"), "share"] == X["garante"].mean()
    assert which.scorecard().drop(columns=["field", "bin", "points"]).isna().to_numpy().all()
    for labels in (y[:-1], np.where(y, "x", "y")):
        with pytest.raises(InvalidFrame, match="labels"):
            which.scorecard(X, labels)
    with pytest.raises(InvalidFrame, match="labels need"):
        which.scorecard(y=y)
    with pytest.raises(InvalidFrame, match="edad"):
        which.scorecard(X.assign(edad=5.0))
    among = Scorer(
        fitted("bins"), schema=SCHEMA, reference=X[:60], background=50, policy=Policy(points=Points())
    )
    assert among.scorecard().groupby("field")["share"].sum().round(9).eq(1.0).all()


def test_a_report_on_rules_knows_the_points() -> None:
    which = scorer("bins", SCALES[0], (Rule("points < 530", "revisar", "P"),))
    X = applicants(200, 9)[0]
    report = rule_report(which._model, X)
    assert report.fired["P"] == (which.score_frame(X)["points"] < 530).sum() > 0


def woe_card(X: pd.DataFrame, y: Any) -> Any:
    from optbinning import BinningProcess
    from optbinning import Scorecard as TheirCard

    process = BinningProcess(list(X.columns), categorical_variables=["empleo", "garante"])
    scaling = {"pdo": 20, "odds": 50, "scorecard_points": 600}
    card = TheirCard(process, LogisticRegression(), scaling_method="pdo_odds", scaling_method_params=scaling)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return card.fit(X, y)


def test_points_are_those_of_optbinning_and_of_the_formula_of_the_r_package() -> None:
    X, y = applicants(600, 3)
    X["garante"] = np.where(X["garante"], "si", "no").astype(object)
    theirs = woe_card(X, y)
    which = Scorer(theirs, reference=X[:60], policy=Policy(points=Points(round=False)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs.score(X)
    assert np.abs(which.score_frame(X)["points"] - expected).max() < 1e-9
    # the package `scorecard` of R: a - b * intercept, and -b * coefficient * woe for each bin, rounded
    b = 50 / math.log(2)
    a = 600 + b * math.log(1 / 19)
    card = which.scorecard(points=Points(base=600, odds=19, pdo=50))
    assert card["points"].iloc[0] == round(a - b * float(theirs.estimator_.intercept_[0]))
    table = theirs.table(style="detailed")
    for field, part in table.groupby("Variable"):
        rows = part[~part["Bin"].isin(["Special", "Missing"])]
        of_bins = sorted(round(-b * c * w) for c, w in zip(rows["Coefficient"], rows["WoE"], strict=True))
        ours = card[(card["field"] == field) & ~card["bin"].isin(["sin dato", "otro valor"])]
        assert sorted(set(ours["points"])) == sorted(set(of_bins))
