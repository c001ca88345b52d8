"""Values that mean missing: to the model, by every way, in a saved file, with names in reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from morosidad import Field, Policy, Preprocessor, Schema, Scorer, TieredCache
from morosidad.errors import SuspectedCodesWarning
from morosidad.training.selection import fit

SCHEMA = Schema(
    [
        Field("consultas", "number", label="Consultas", missing={-7: "sin consulta", -8: ""}),
        Field("moras", "integer", ge=0, le=99, missing=(96, 98)),
        Field("empleo", "category", categories=("fijo", "temporal"), missing=("NA", 9)),
    ]
)
CODED = {"consultas": -7, "moras": 96, "empleo": "NA"}


def rows(n: int = 200) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "consultas": rng.choice([-7, -8, 0, 1, 2, 3, 8], n),
            "moras": rng.choice([0, 1, 2, 96, 98], n),
            "empleo": rng.choice(["fijo", "temporal", "NA", "9"], n),
        }
    )
    return frame, (rng.random(n) < 0.2 + 0.5 * (frame["consultas"] < 0)).astype(int)


def scorer(**parts: Any) -> Scorer:
    X, y = rows()
    pipeline = make_pipeline(Preprocessor(SCHEMA, add_indicator=True), LogisticRegression()).fit(X, y)
    return Scorer(pipeline, schema=SCHEMA, reference=X, policy=Policy(max_reasons=3), **parts)


def test_a_code_is_a_missing_value_by_every_way(tmp_path: Path) -> None:
    one = scorer()
    assert one.plan.compiled
    gaps = {"consultas": None, "moras": None, "empleo": None}
    one.save(tmp_path / "m")
    for asked in (one, Scorer.load(tmp_path / "m")):
        record = {"consultas": 1, "moras": 1, "empleo": "fijo"}
        for name, code in CODED.items():
            wanted = asked.score_one({**record, name: None}).probability
            assert asked.score_one({**record, name: code}).probability == wanted
            assert asked.score_one(json.dumps({**record, name: code})).probability == wanted
            found = asked.score_frame(pd.DataFrame([{**record, name: code}] * 2))
            assert found["probability"].tolist() == [wanted] * 2
        assert asked.schema.validate(CODED) == gaps


def test_the_codes_of_a_reference_are_missing_to_a_pipeline_that_knows_none() -> None:
    X, y = rows()
    numbers = X[["consultas", "moras"]]
    schema = Schema([SCHEMA["consultas"], SCHEMA["moras"]])
    cleaned = numbers.mask(numbers.isin([-7, -8, 96, 98]))
    pipeline = make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()).fit(cleaned, y)
    one = Scorer(pipeline, schema=schema, reference=numbers)
    np.testing.assert_allclose(
        one.predict_proba(numbers), pipeline.predict_proba(cleaned), rtol=0, atol=1e-12
    )


def test_a_code_keeps_its_own_name_in_reasons_and_a_cached_decision_serves_every_code() -> None:
    for parts in ({}, {"cache": TieredCache()}):
        one = scorer(**parts)
        texts = [
            [r.text for r in one.score_one({**CODED, "consultas": code}).reasons if r.field == "consultas"]
            for code in (-7, -8, None)
        ]
        assert texts == [["Consultas: sin consulta"], *[["Consultas: no se informó"]] * 2]
        frame = pd.DataFrame([CODED, {**CODED, "consultas": -8}])
        reasons = one.score_frame(frame, reasons=True)["reasons"]
        assert ["Consultas: sin consulta" in texts for texts in reasons] == [True, False]


def test_a_decision_that_names_a_code_keeps_its_language() -> None:
    decision = scorer(language="en").score_one(CODED)
    assert "Consultas: sin consulta" in [reason.text for reason in decision.reasons]
    assert decision.language == "en"


def test_inference_points_at_values_that_look_like_codes_and_takes_those_given() -> None:
    X, _ = rows()
    with pytest.warns(SuspectedCodesWarning) as caught:
        Schema.infer(X)
    assert caught[0].message.codes == {  # type: ignore[union-attr]
        "consultas": [-8, -7],
        "moras": [96, 98],
        "empleo": ["NA"],
    }
    schema = Schema.infer(X, missing=(-7, -8, 96, 98, "NA", 9))
    assert [(f.observed.low, f.observed.high) for f in schema.fields[:2] if f.observed] == [(0, 8), (0, 2)]
    assert schema["empleo"].usual_levels == ("fijo", "temporal")
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


def test_training_takes_codes_of_the_schema() -> None:
    X, y = rows()
    schema = Schema.infer(X, missing=(-7, -8, 96, 98, "NA", 9))
    one = Scorer(fit(X, np.asarray(y), schema), schema=schema, reference=X)
    record = {"consultas": 1, "moras": 1, "empleo": "fijo"}
    expected = one.score_one({**record, "moras": None}).probability
    assert one.score_one({**record, "moras": 96}).probability == expected


@pytest.mark.parametrize("codes", ["NA", 5, [None], [True], [float("nan")], [[1]], {1: 2}])
def test_codes_are_texts_or_finite_numbers(codes: Any) -> None:
    from morosidad.errors import SchemaError

    with pytest.raises(SchemaError):
        Field("x", "number", missing=codes)
    with pytest.raises(SchemaError):
        Schema([Field("x", "number")], missing=codes)
