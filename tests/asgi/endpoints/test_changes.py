"""``POST /que-cambiaria``: the answers of the library, weighed, in time, and without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from morosidad import AuditLog, Field, KPITracker, Policy, Rule, Schema, Scorer, TieredCache
from morosidad.asgi.guards.questions import COSTS
from morosidad.scoring.counterfactuals.result import Counterfactual
from support import small_frame, small_pipeline

DECLINED = {
    "edad": 29,
    "ingresos_mensuales": 900_000,
    "monto_credito": 14_000_000,
    "plazo_meses": 36,
    "credito_score": 400,
}
PATH = "/que-cambiaria"


def found_by(answer: Any) -> tuple[Counterfactual, ...]:
    return msgspec.convert(answer.json()["opciones"], tuple[Counterfactual, ...])


def test_the_answer_is_that_of_the_library(client: Any) -> None:
    answer = client.post(PATH, json={"datos": DECLINED}, headers={"x-request-id": "r-1"})
    assert answer.status_code == 200
    assert list(answer.json()) == ["decision", "opciones", "modelo", "tiempo_procesamiento", "request_id"]
    scorer = Scorer.default()
    assert (answer.json()["decision"], answer.json()["request_id"]) == ("rechazar", "r-1")
    assert answer.json()["modelo"] == scorer.model
    assert found_by(answer) == scorer.counterfactuals(DECLINED)
    asked = {"modificables": ["monto_credito", "ingresos_mensuales"], "cuantas": 1, "cambios_maximos": 2}
    limits = {"ingresos_mensuales": [None, 2_000_000], "tipo_garantia": ["hipoteca"]}
    answer = client.post(PATH, json={"datos": DECLINED, "limites": limits, **asked})
    expected = scorer.counterfactuals(
        DECLINED, mutable=asked["modificables"], limits=limits, n=1, max_changes=2
    )
    assert found_by(answer) == expected


def test_what_is_approved_or_may_not_change_has_no_options(client: Any, applicant: dict[str, Any]) -> None:
    answer = client.post(PATH, json={"datos": applicant}).json()
    assert (answer["decision"], answer["opciones"]) == ("aprobar", [])
    answer = client.post(PATH, json={"datos": DECLINED, "modificables": []}).json()
    assert (answer["decision"], answer["opciones"]) == ("rechazar", [])


def test_rules_and_protected_fields_are_reckoned_with(serve: Any) -> None:
    rules = (Rule("monto_credito > 10 * ingresos_mensuales", "rechazar", "P1", stage="before"),)
    scorer = Scorer.default(policy=Policy(review_at=0.9, decline_at=0.95, rules=rules))
    answer = serve(scorer).post(PATH, json={"datos": DECLINED})
    for one in found_by(answer):
        after = {**DECLINED, **{change.field: change.after for change in one.changes}}
        assert after["monto_credito"] <= 10 * after["ingresos_mensuales"]
    assert found_by(answer)


@pytest.mark.parametrize(
    ("asked", "code", "fields"),
    [
        ({}, "E001", ["datos"]),
        ({"datos": {"edad": 3}}, "E002", ["edad", "ingresos_mensuales", "monto_credito", "plazo_meses"]),
        ({"datos": [], "cuantas": 0}, "E002", [""]),
        ({"datos": DECLINED, "cuantas": 11, "otro": 1}, "E001", ["otro"]),
        (
            {"datos": DECLINED, "cuantas": 11, "modificables": ["edd"]},
            "E001",
            ["modificables.edd", "cuantas"],
        ),
    ],
)
def test_a_wrong_question_is_refused_with_what_is_wrong(
    client: Any, asked: dict[str, Any], code: str, fields: list[str]
) -> None:
    answer = client.post(PATH, json=asked)
    assert (answer.status_code, answer.json()["codigo"]) == (400, code)
    assert [error["campo"] for error in answer.json()["errores"]] == fields


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"change": "none"}, "es un campo que no cambia: no se propone cambiarlo"),
        ({"protected": True}, "es un campo protegido: no se propone cambiarlo"),
    ],
)
def test_no_change_is_asked_of_what_does_not_change(serve: Any, option: Any, message: str) -> None:
    X, y = small_frame()
    moras = Field("moras", "integer", ge=0, **option)
    schema = Schema([*(field for field in Schema.infer(X).fields if field.name != "moras"), moras])
    scorer = Scorer(small_pipeline(X, y), schema=schema, reference=X)
    record = {"ingresos": 100.0, "empleo": "libre", "moras": 3}
    answer = serve(scorer).post(PATH, json={"datos": record, "modificables": ["moras"]})
    assert [error["mensaje"] for error in answer.json()["errores"]] == [message]


def test_errors_are_told_in_the_language_of_the_setting(serve: Any) -> None:
    client = serve(language="en")
    answer = client.post(PATH, json={"datos": DECLINED, "cuantas": 11, "modificables": ["edd"]}).json()
    assert [error["mensaje"] for error in answer["errores"]] == [
        "no field has this name",
        "a whole number from 1 to 10 was expected",
    ]


def test_nothing_of_a_question_is_counted_cached_or_logged(
    serve: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kpis, cache = KPITracker(), TieredCache[Any, Any]()
    scorer = Scorer.default(kpis=kpis, cache=cache, audit=AuditLog(tmp_path / "log.jsonl"))
    client = serve(scorer, server_access_log=True)
    with caplog.at_level("DEBUG", logger="morosidad"):
        assert client.post(PATH, json={"datos": DECLINED}).status_code == 200
        assert client.post(PATH, json={"datos": {**DECLINED, "edad": 999}}).status_code == 400
    assert client.get("/api/kpis").json()["total_predicciones_analizadas"] == 0
    assert len(cache) == 0
    assert "14000000" not in caplog.text

    client.app.state.service.audit.flush()
    assert not (tmp_path / "log.jsonl").exists()


def test_a_question_needs_the_scope_of_decisions(
    serve: Any, keys: dict[str, str], key_lines: tuple[str, ...]
) -> None:
    client = serve(server_api_keys=key_lines)
    assert client.post(PATH, json={"datos": DECLINED}).json()["codigo"] == "E401"
    for scope, status in (("metrics", 403), ("admin", 403), ("score", 200)):
        answer = client.post(PATH, json={"datos": DECLINED}, headers={"x-api-key": keys[scope]})
        assert answer.status_code == status, scope


def test_a_question_counts_as_the_decisions_that_it_weighs(serve: Any, applicant: dict[str, Any]) -> None:
    client = serve(rate_limit_enabled=True, rate_limit_per_minute=COSTS[2] + COSTS[1] + 2)
    asked = {"datos": applicant}
    assert client.post(PATH, json=asked).status_code == 200
    assert client.post(PATH, json={**asked, "cambios_maximos": 1}).status_code == 200
    assert client.post("/predecir", json=asked).status_code == 200
    answer = client.post(PATH, json=asked)
    assert (answer.status_code, answer.json()["codigo"]) == (429, "E429")
    assert answer.json()["error"].startswith("La pregunta pesa más")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("limit", [1, 4])
def test_where_the_limit_is_lower_than_its_weight_one_question_fits(serve: Any, limit: int) -> None:
    client = serve(rate_limit_enabled=True, rate_limit_per_minute=limit)
    assert client.post(PATH, json={"datos": DECLINED}).status_code == 200
    assert client.post(PATH, json={"datos": DECLINED}).status_code == 429


def test_a_model_that_takes_too_long_or_fails_has_an_error(serve: Any, moody: Any) -> None:
    model, scorer = moody(policy=Policy(review_at=0.1, decline_at=0.2))
    client = serve(scorer, timeout_prediction=0.2)
    model.go_on.clear()
    answer = client.post(PATH, json={"datos": {"moras": 1}})
    assert (answer.status_code, answer.json()["codigo"]) == (504, "E504")
    assert client.get("/api/kpis").json()["total_predicciones_analizadas"] == 0
    model.failing = True
    model.go_on.set()
    answer = client.post(PATH, json={"datos": {"moras": 1}})
    assert (answer.status_code, answer.json()["codigo"]) == (500, "E500")
    assert "singular" not in answer.text
