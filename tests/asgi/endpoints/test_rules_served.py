"""A model with a policy file behind the server: records, frames and the wire agree to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from asgi.conftest import in_process
from hypothesis import given, settings
from hypothesis import strategies as st
from policy.rules.random_conditions import GAPS, ROWS, conditions
from policy.rules.random_conditions import SCHEMA as EVERY_KIND
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from morosidad import KPITracker, Points, Policy, Rule, Schema, Scorer, make_applicants
from morosidad.asgi.pages.examples import examples
from morosidad.policy.decision import OUTCOMES, Decision

POLICY = Policy(
    review_at=0.2,
    decline_at=0.5,
    version="2026-11",
    rules=(
        Rule("edad > 70", "rechazar", "K1", "Edad fuera de la política", stage="before"),
        Rule("deuda_actual / ingresos_mensuales > 0.6", "revisar", "P1", "Deuda alta", on_missing="revisar"),
        Rule("probability > 0.3 and monto_credito > 2e7", "rechazar", "P2", {"es": "Monto «alto»"}),
        Rule("points < 545", "revisar", "P4", "Puntaje bajo"),
        Rule("outcome == 'revisar' and antiguedad_laboral_meses > 60", "aprobar", 'P"3\\', final=True),
    ),
    points=Points(),
    codes={"ingresos_mensuales": "D1", "deuda_actual": "D1", "monto_credito": "07"},
)


def applicants(schema: Schema) -> list[dict[str, Any]]:
    """Give records as clients send them: what is missing is left out."""
    frame = make_applicants(120, seed=5)[list(schema.names)]
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("policy")
    Scorer.default().save(folder / "model.morosidad")
    POLICY.save(folder / "politica.json")
    return Scorer.load(folder / "model.morosidad", policy=Policy.load(folder / "politica.json"))


def decided(document: dict[str, Any]) -> Decision:
    """Give the decision of an answer, be it from the cache or not."""
    plain = {name: value for name, value in document.items() if name != "tiempo_procesamiento"}
    return msgspec.convert({**plain, "request_id": None, "cache": None}, Decision)


@pytest.mark.parametrize("mode", ["directo", "lotes"])
def test_records_frames_and_the_wire_decide_alike(serve: Any, loaded: Scorer, mode: str) -> None:
    records = applicants(loaded.schema)
    expected = [loaded.score_one(record) for record in records]
    fired = {code for decision in expected for code in decision.rules}
    assert fired == {rule.code for rule in POLICY.rules}
    assert {"D1", "07"} <= {reason.code for decision in expected for reason in decision.reasons}
    client = serve(loaded.with_parts(kpis=KPITracker()))
    client.app.state.service.mode = mode
    one_by_one = [client.post("/predecir", json={"datos": record}).json() for record in records]
    assert [decided(document) for document in one_by_one] == expected
    batch = client.post("/predecir/lote", json=records).json()
    assert [decided(document) for document in batch] == expected
    assert {document["politica"] for document in one_by_one} == {POLICY.identity}
    assert [document["puntos"] for document in one_by_one] == [decision.points for decision in expected]
    table = loaded.score_frame(pd.DataFrame(records, columns=list(loaded.schema.names)), reasons=True)
    assert table["outcome"].tolist() == [decision.outcome for decision in expected]
    points = table["points"].astype(object)
    assert points.where(points.notna(), None).tolist() == [decision.points for decision in expected]
    assert [tuple(codes) for codes in table["rules"]] == [decision.rules for decision in expected]
    assert [tuple(reasons) for reasons in table["reasons"]] == [
        tuple(reason.text for reason in decision.reasons) for decision in expected
    ]


def test_each_rule_is_counted_once_for_each_decision_that_it_fired_on(serve: Any, loaded: Scorer) -> None:
    records = applicants(loaded.schema)
    client = serve(loaded.with_parts(kpis=KPITracker()))
    for record in records[:60]:
        client.post("/predecir", json={"datos": record})
    client.post("/predecir/lote", json=records[60:])
    client.post("/que-cambiaria", json={"datos": records[0]})  # no decision
    every = [code for record in records for code in loaded.score_one(record).rules]
    expected = {rule.code: every.count(rule.code) for rule in POLICY.rules}
    assert client.get("/api/panel").json()["reglas"] == expected
    shown = re.findall(
        r'^morosidad_reglas_total\{regla="(.*)"\} ([0-9.]+)$', client.get("/metrics").text, re.MULTILINE
    )
    assert {code.replace('\\"', '"').replace("\\\\", "\\"): float(count) for code, count in shown} == expected


def test_the_policy_of_a_file_is_described_and_reloaded(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.morosidad"
    Scorer.default(policy=POLICY).save(path)
    client = serve(Scorer.load(path))
    record = examples(client.app.state.service.scorer.schema)[0] | {"edad": 75}
    answer = client.post("/predecir", json={"datos": record}).json()
    assert (answer["decision"], answer["reglas"], answer["probabilidades"]) == ("rechazar", ["K1"], None)
    assert answer["motivos"][0] == {
        "codigo": "K1",
        "campo": "",
        "texto": "Edad fuera de la política",
        "aporte": 0.0,
        "tipo": "regla",
    }
    Scorer.default(policy=Policy(version="otra")).save(path)
    assert client.post("/admin/recargar").json()["cambio"]
    after = client.post("/predecir", json={"datos": record}).json()
    assert after["reglas"] == []
    assert after["politica"].startswith("otra@")


SCORES = st.sampled_from(
    ["probability > 0.5", "outcome == 'revisar'", "points < 487", "outcome < 'r' and points >= 480"]
)
AFTER = st.builds("({} {} ({}))".format, conditions(judged=False), st.sampled_from(["and", "or"]), SCORES)


@st.composite
def policies(draw: Any) -> Policy:
    rules = []
    for place in range(draw(st.integers(1, 4))):
        stage = draw(st.sampled_from(["before", "after"]))
        when = draw(conditions(judged=False) if stage == "before" else AFTER | SCORES)
        missing, final = draw(st.sampled_from([None, "revisar"])), draw(st.booleans())
        outcome = draw(st.sampled_from(OUTCOMES))
        rules.append(Rule(when, outcome, f"R{place}", stage=stage, on_missing=missing, final=final))
    low, high = sorted(draw(st.lists(st.floats(0.3, 0.7), min_size=2, max_size=2)))
    return Policy(low, high, rules=tuple(rules), points=Points(), score_always=draw(st.booleans()))


@pytest.fixture(scope="module")
def of_every_kind() -> Iterator[tuple[Scorer, Any]]:
    """A model on some of the fields, of which rules look at others too, and a server for it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"hijos": rng.integers(0, 4, 300), "titular": rng.random(300) < 0.5})
    frame["estado"] = rng.choice(["a", "B", "casa"], 300)
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["hijos", "estado"]))
    pipeline = make_pipeline(columns, LogisticRegression())
    pipeline.fit(frame, rng.random(300) < 0.3 + 0.1 * frame["hijos"])
    whole = frame.reindex(columns=list(EVERY_KIND.names))
    scorer = Scorer(pipeline, schema=EVERY_KIND, reference=whole[:40])
    with ExitStack() as stack:
        yield scorer, in_process(stack, scorer, {})


@settings(max_examples=25, deadline=None)
@given(policies(), st.lists(st.tuples(ROWS, GAPS), min_size=1, max_size=10))
def test_random_policies_decide_alike_everywhere(
    of_every_kind: tuple[Scorer, Any], policy: Policy, rows: list[tuple[dict[str, Any], set[str]]]
) -> None:
    plain, client = of_every_kind
    records = [{name: row[name] for name in row if name not in gaps} for row, gaps in rows]
    scorer = plain.with_policy(policy)
    expected = [scorer.score_one(record) for record in records]
    assert scorer.score_many(records) == expected
    table = scorer.score_frame(
        pd.DataFrame(records, columns=list(EVERY_KIND.names), dtype=object), reasons=True
    )
    assert table["outcome"].tolist() == [decision.outcome for decision in expected]
    assert [tuple(codes) for codes in table["rules"]] == [decision.rules for decision in expected]
    points = table["points"].astype(object)
    assert points.where(points.notna(), None).tolist() == [decision.points for decision in expected]
    client.app.state.service.scorer._path.activate(scorer._model)
    batch = client.post("/predecir/lote", content=msgspec.json.encode(records)).json()
    assert [decided(document) for document in batch] == expected
