from __future__ import annotations

import json

import pytest

from morosidad import Scorer, TieredCache

KEYS = ["prediccion", "probabilidades", "confianza", "decision", "motivos", "modelo", "advertencias", "cache",
        "degradado", "request_id", "reglas", "politica", "puntos", "tiempo_procesamiento"]  # fmt: skip


def test_a_decision_is_that_of_the_scorer(client, applicant):
    document = client.post("/predecir", json={"datos": applicant}).json()
    expected = Scorer.default().score_one(applicant)
    assert list(document) == KEYS
    assert document["probabilidades"] == list(expected.probabilities)
    assert (document["decision"], document["modelo"]) == (expected.outcome, expected.model)
    assert [m["codigo"] for m in document["motivos"]] == [r.code for r in expected.reasons]
    assert 0 < document["tiempo_procesamiento"] < 60


def test_the_whole_envelope_and_aliases_are_understood(client, applicant):
    applicant["ingresos"] = applicant.pop("ingresos_mensuales")
    body = {"datos": applicant, "timestamp_cliente": 1234.5, "session_id": "s"}
    document = client.post("/predecir", json=body).json()
    assert document["probabilidades"] == list(Scorer.default().score_one(applicant).probabilities)


def test_the_second_answer_comes_from_the_cache(serve, applicant):
    client = serve(Scorer.default(cache=TieredCache()))
    found = [client.post("/predecir", json={"datos": applicant}).json() for _ in range(2)]
    assert [x["cache"] for x in found] == [None, "acierto"]
    assert found[0]["probabilidades"] == found[1]["probabilidades"]
    assert found[0]["request_id"] != found[1]["request_id"]


def test_a_slow_model_answers_through_workers_with_the_requests_own_id(serve, moody):
    client = serve(moody()[1])
    answer = client.post("/predecir", json={"datos": {"moras": 1}}, headers={"x-request-id": "r-1"})
    assert client.get("/salud/lista").json()["modo"] == "lotes"
    assert list(answer.json()) == KEYS
    assert answer.json()["request_id"] == "r-1"
    assert client.post("/predecir", json={"datos": {"moras": -1}}).json()["codigo"] == "E002"


def ages(count):
    return [
        {"edad": 18 + i % 60, "ingresos_mensuales": 1e6 + i, "monto_credito": 6e6, "plazo_meses": 36}
        for i in range(count)
    ]


@pytest.mark.parametrize("path", ["directo", "lotes"])
def test_a_batch_is_answered_in_order_with_an_error_in_the_place_of_a_bad_record(serve, path):
    client = serve()
    client.app.state.service.mode = path
    records = ages(120)
    records[7], records[50], records[51] = {"edad": 3}, 5, '{"edad": 3}'
    found = client.post("/predecir/lote", json=records, headers={"x-request-id": "r-9"}).json()
    assert len(found) == 120
    scorer = Scorer.default()
    for place, (record, answer) in enumerate(zip(records, found, strict=True)):
        if place in (7, 50, 51):
            assert (answer["codigo"], answer["indice"], answer["error"]) == ("E002", place, "Datos inválidos")
            assert answer["errores"]
        else:
            assert answer["probabilidades"] == list(scorer.score_one(record).probabilities), place
            assert answer["request_id"] == f"r-9.{place}"


def test_an_empty_batch_has_an_empty_answer(client):
    assert client.post("/predecir/lote", json=[]).json() == []


@pytest.mark.parametrize("body", [{}, {"datos": []}, "x", 1, None])
def test_a_batch_is_a_list(client, body):
    answer = client.post(
        "/predecir/lote", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["codigo"]) == (400, "E001")


def test_a_batch_has_a_largest_size(serve):
    client = serve(server_batch_size=3)
    assert len(client.post("/predecir/lote", json=ages(3)).json()) == 3
    answer = client.post("/predecir/lote", json=ages(4))
    assert (answer.status_code, answer.json()["codigo"]) == (400, "E001")
    assert "3 registros" in answer.json()["error"]


def test_a_million_items_are_refused_by_their_size(client):
    answer = client.post("/predecir/lote", content=b"[" + b"0," * 999_999 + b"0]")
    assert answer.json()["codigo"] == "E413"
    answer = client.post("/predecir/lote", content=b"[" + b"0," * 500_000 + b"0]")
    assert answer.json()["codigo"] == "E001"


def test_a_batch_of_records_of_nothing_but_strange_names_has_an_answer_of_its_own_size(client):
    strange = {f"x{i}": 1 for i in range(90_000)}
    answer = client.post("/predecir", json={"datos": strange})
    assert answer.json()["codigo"] == "E002"
    assert len(answer.content) < 20_000
    assert answer.json()["errores"][-1]["mensaje"] == "y 89900 campos desconocidos más"


@pytest.mark.parametrize(
    "value", ["x" * 900_000, [1] * 300_000, {"a": {"b": "x" * 900_000}}, int("9" * 4000)], ids=type
)
def test_huge_values_are_refused_and_not_repeated(client, applicant, value):
    for field in ("edad", "ingresos_mensuales", "tipo_empleo"):
        answer = client.post("/predecir", json={"datos": {**applicant, field: value}})
        assert answer.json()["codigo"] in ("E001", "E002")
        assert len(answer.content) < 2000


@pytest.mark.parametrize("record", [{"edad": 17}, {"edad": "x", "z": 1}, {}])
def test_the_live_check_says_what_predecir_says(client, record):
    checked = client.post("/validar", json={"datos": record})
    decided = client.post("/predecir", json={"datos": record})
    assert checked.status_code == 200
    assert checked.json() == {"valido": False, "errores": decided.json()["errores"], "advertencias": []}


def test_the_live_check_of_a_good_record_brings_its_warnings(client, serve, trained, applicant):
    good = {"valido": True, "errores": [], "advertencias": []}
    assert client.post("/validar", json={"datos": applicant}).json() == good
    pipeline, X = trained
    record = {"ingresos": 1e9, "empleo": "fijo", "moras": 0}
    checked = serve(Scorer(pipeline, reference=X)).post("/validar", json={"datos": record}).json()
    assert checked["valido"]
    assert ["ingresos" in warning for warning in checked["advertencias"]] == [True]


def test_a_live_check_is_no_decision(serve, applicant):
    client = serve()
    client.post("/validar", json={"datos": applicant})
    assert client.get("/api/kpis").json()["total_predicciones_analizadas"] == 0
