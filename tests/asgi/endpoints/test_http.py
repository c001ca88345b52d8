"""Requests and answers: errors that nobody foresaw, request ids, media types, headers, the access log."""

from __future__ import annotations

import json
import logging
import re

import pytest

from refusals import assert_refused, assert_safe

JSON = {"content-type": "application/json"}


MADE_ID = re.compile(r"[0-9a-f]{12}-[0-9a-f]+")


def test_e500_and_e503_tell_nothing_of_the_record_and_neither_do_the_logs(serve, moody, caplog):
    caplog.set_level(logging.DEBUG)
    model, scorer = moody()
    client = serve(scorer, server_access_log=True)
    model.failing = True
    secret = {"moras": 4242, "ingresos": 7654321.5}
    answers = [
        client.post("/predecir", json={"datos": secret}),
        client.post("/predecir/lote", json=[secret]),
        client.post("/predecir", json={"datos": {**secret, "moras": 4242.25}}),
    ]
    assert_refused(answers[0], "E503")
    assert_refused(answers[1], "E503")
    assert_refused(answers[2], "E002")
    said = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for text in (*(answer.text for answer in answers), said):
        for word in ("4242", "7654321", "singular"):
            assert word not in text


def test_e500_says_where_it_happened_to_the_log_alone(serve, applicant, monkeypatch, caplog):
    async def score(*_):
        raise KeyError("deuda de Juan Pérez: 1234567")

    client = serve()
    monkeypatch.setattr(client.app.state.service, "score", score)
    document = assert_refused(client.post("/predecir", json={"datos": applicant}), "E500")
    assert document["error"] == "Error interno del servidor"
    [line] = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert re.fullmatch(r"KeyError \(.*test_http:\d+\) at /predecir", line)
    assert "Juan" not in caplog.text


def test_a_client_that_leaves_gets_no_answer(client):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predecir", "client": ("127.0.0.1", 1),
             "headers": [(b"host", b"localhost")]}  # fmt: skip
    client.portal.call(client.app, scope, receive, send)
    assert sent == []


@pytest.mark.parametrize("given", ["a", "A-1.b_c:d", "x" * 128])
def test_a_request_id_is_echoed(client, applicant, given):
    answer = client.post("/predecir", json={"datos": applicant}, headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", 'a"', "ñ", "a\x7f"])
def test_a_request_id_that_can_not_be_echoed_is_refused(client, applicant, given):
    headers = {"x-request-id": given.encode("latin-1")}
    document = assert_refused(client.post("/predecir", json={"datos": applicant}, headers=headers), "E001")
    assert "X-Request-ID" in document["error"]
    assert MADE_ID.fullmatch(document["request_id"])


def test_without_one_each_request_gets_its_own(client, applicant):
    ids = [client.post("/predecir", json={"datos": applicant}).json()["request_id"] for _ in range(5)]
    assert len(set(ids)) == 5
    assert all(MADE_ID.fullmatch(given) for given in ids)


def test_probes_do_not_mind_a_strange_request_id(client):
    answer = client.get("/salud/viva", headers={"x-request-id": "a b"})
    assert answer.status_code == 200
    assert MADE_ID.fullmatch(answer.headers["x-request-id"])


def test_what_reaches_no_endpoint_has_an_id_too(client):
    assert client.get("/nada", headers={"x-request-id": "mine"}).json()["request_id"] == "mine"


@pytest.mark.parametrize("kind", [None, "application/json", "application/json; charset=utf-8"])
def test_json_is_taken_and_so_is_what_says_nothing(client, applicant, kind):
    headers = {} if kind is None else {"content-type": kind}
    body = json.dumps({"datos": applicant}).encode()
    assert client.post("/predecir", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_what_a_page_of_another_origin_may_send_unasked_is_refused(client, applicant, kind):
    body = json.dumps({"datos": applicant}).encode()
    document = assert_refused(client.post("/predecir", content=body, headers={"content-type": kind}), "E001")
    assert "Content-Type" in document["error"]


def test_the_head_of_an_answer_has_no_body(client):
    head, whole = client.head("/salud/viva"), client.get("/salud/viva")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(
    "path", ["/salud/viva", "/salud/lista", "/api/kpis", "/metrics", "/openapi.json", "/nada"]
)
def test_every_answer_has_the_headers_that_browsers_need(client, path):
    assert_safe(client.get(path))


def test_each_request_is_logged_without_its_values_when_that_is_wanted(
    serve, key_lines, keys, applicant, caplog
):
    caplog.set_level(logging.INFO, "morosidad.asgi.access")
    client = serve(server_access_log=True, server_api_keys=key_lines)
    headers = {"x-request-id": "r-1", "x-api-key": keys["score"]}
    client.post("/predecir?cedula=0912345678", json={"datos": applicant}, headers=headers)
    client.get("/nada/0912345678")
    client.get("/predecir")
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "morosidad.asgi.access"]
    assert [(x["metodo"], x["ruta"], x["estado"], x["cliente"]) for x in lines] == [
        ("POST", "/predecir", 200, "clave:score"),
        ("GET", "?", 404, "testclient"),
        ("GET", "?", 405, "testclient"),
    ]
    assert lines[0].keys() == {
        "hora",
        "direccion",
        "metodo",
        "ruta",
        "estado",
        "segundos",
        "cliente",
        "request_id",
    }
    assert lines[0]["request_id"] == "r-1"
    assert not {"0912345678", keys["score"], "2400000"} & set(re.split(r"\W", caplog.text))


def test_nothing_is_logged_by_default(client, applicant, caplog):
    caplog.set_level(logging.INFO, "morosidad")
    client.post("/predecir", json={"datos": applicant})
    assert not [r for r in caplog.records if r.name.startswith("morosidad.asgi")]
