"""Every code of the wire, provoked; request ids; what is told and what is not."""

from __future__ import annotations

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from morosidad.asgi.problems import CODES
from morosidad.asgi.service import BATCHED
from morosidad.errors import DeadlineExceeded
from serving import wait_until

JSON = {"content-type": "application/json"}
MADE_ID = re.compile(r"[0-9a-f]{12}-[0-9a-f]+")


def assert_refused(answer, code):
    """Check an error document, its status and its headers."""
    document = answer.json()
    assert (answer.status_code, document["codigo"]) == (CODES[code].status, code)
    assert document.keys() - {"errores"} == {"error", "codigo", "tiempo_procesamiento", "request_id"}
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["tiempo_procesamiento"] >= 0
    assert_safe(answer)
    return document


def assert_safe(answer):
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


# -- each code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/predecir", "/predecir/lote", "/validar"])
@pytest.mark.parametrize("body", [b"", b"hola", b'{"datos": NaN}', b'"x"', b"[" * 9000, b'{"a": 1, "a": 1}'])
def test_e001_no_body_no_json_no_record(client, path, body):
    assert_refused(client.post(path, content=body, headers=JSON), "E001")


def test_e001_without_datos_names_it(client):
    document = assert_refused(client.post("/predecir", json={"edad": 41}), "E001")
    assert [e["campo"] for e in document["errores"]] == ["datos", "edad"]


def test_e002_lists_every_wrong_field(client):
    record = {"edad": 17, "monto_credito": "mucho", "plazo_meses": 36, "tipo_empleo": "rey", "extra": 1}
    document = assert_refused(client.post("/predecir", json={"datos": record}), "E002")
    assert [(e["campo"], e["tipo"]) for e in document["errores"]] == [
        ("edad", "rango"),
        ("ingresos_mensuales", "falta"),
        ("monto_credito", "tipo"),
        ("tipo_empleo", "categoria"),
        ("extra", "desconocido"),
    ]


def test_e401_and_e403_without_a_key_and_with_a_wrong_one(serve, key_lines, keys, applicant):
    client = serve(server_api_keys=key_lines)
    body = {"datos": applicant}
    answer = client.post("/predecir", json=body)
    assert_refused(answer, "E401")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_refused(client.post("/predecir", json=body, headers={"x-api-key": "x"}), "E403")
    assert_refused(client.post("/predecir", json=body, headers={"x-api-key": keys["metrics"]}), "E403")
    assert client.post("/predecir", json=body, headers={"x-api-key": keys["score"]}).status_code == 200
    bearer = {"authorization": f"Bearer {keys['score']}"}
    assert client.post("/predecir", json=body, headers=bearer).status_code == 200


NEEDS = {
    "score": [("POST", "/predecir"), ("POST", "/predecir/lote"), ("POST", "/validar")],
    "metrics": [("GET", "/api/metricas-tiempo-real"), ("GET", "/api/kpis"), ("GET", "/metrics")],
    "admin": [("POST", "/admin/recargar")],
}


@pytest.mark.parametrize("need", NEEDS)
def test_each_path_needs_its_scope_and_no_other(serve, key_lines, keys, need):
    client = serve(server_api_keys=key_lines)
    for method, path in NEEDS[need]:
        assert_refused(client.request(method, path), "E401")
        for scope, key in keys.items():
            status = client.request(method, path, headers={"x-api-key": key}).status_code
            assert (status == 403) == (scope != need), (path, scope)


def test_e403_for_pages_of_other_origins(client, applicant):
    evil = {"origin": "https://evil.example"}
    assert_refused(client.post("/predecir", json={"datos": applicant}, headers=evil), "E403")
    own = {"origin": "http://testserver"}
    assert client.post("/predecir", json={"datos": applicant}, headers=own).status_code == 200


def test_e403_for_other_machines_where_there_are_no_keys(serve, applicant):
    client = serve(transport={"client": ("198.51.100.7", 4711)})
    assert_refused(client.post("/predecir", json={"datos": applicant}), "E403")
    for path in ("/salud/viva", "/salud/lista", "/openapi.json", "/metrics"):
        assert_refused(client.get(path), "E403")


def test_e403_for_a_rebound_name_where_there_are_no_keys(serve, applicant):
    client = serve(transport={"client": ("127.0.0.1", 4711), "base_url": "http://evil.example"})
    same = {"origin": "http://evil.example"}
    assert_refused(client.post("/predecir", json={"datos": applicant}, headers=same), "E403")
    assert_refused(client.get("/openapi.json"), "E403")


def test_an_anonymous_server_answers_other_machines(serve, applicant):
    client = serve(server_anonymous=True, transport={"client": ("198.51.100.7", 4711)})
    assert client.post("/predecir", json={"datos": applicant}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/nada", "/predecir/", "/predecir//lote", "/salud", "/ws/metricas", "/%2e%2e/"]
)
def test_e404_no_such_path(client, path):
    if path != "/":  # a page, where there are pages
        assert_refused(client.get(path, follow_redirects=False), "E404")
        assert_refused(client.post(path, follow_redirects=False), "E404")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predecir", "POST"), ("DELETE", "/validar", "POST"), ("POST", "/api/kpis", "GET, HEAD"),
     ("OPTIONS", "/predecir", "POST"), ("BREW", "/salud/viva", "GET, HEAD")],
)  # fmt: skip
def test_e405_no_such_method(client, method, path, allowed):
    answer = client.request(method, path)
    assert_refused(answer, "E405")
    assert sorted(answer.headers["allow"].split(", ")) == allowed.split(", ")


def test_e413_a_body_over_the_limit(serve, applicant):
    client = serve(server_body_size=1000)
    body = json.dumps({"datos": applicant})
    exact = body + " " * (1000 - len(body))
    assert client.post("/predecir", content=exact, headers=JSON).status_code == 200
    answer = client.post("/predecir", content=exact + " ", headers=JSON)
    assert_refused(answer, "E413")
    assert answer.headers["connection"] == "close"


def test_e413_a_body_that_is_declared_over_the_limit_is_not_read(serve):
    client = serve(server_body_size=1000)
    for length in ("1001", "9" * 40):
        answer = client.post("/predecir", content=iter([b"{}"]), headers={**JSON, "content-length": length})
        assert_refused(answer, "E413")


def test_e413_a_body_that_is_not_declared_is_counted(serve):
    client = serve(server_body_size=1000)
    answer = client.post("/predecir", content=iter([b"[" * 600, b"[" * 600]), headers=JSON)
    assert_refused(answer, "E413")


def test_e429_a_client_that_asks_too_often_is_told_when_to_ask_again(serve, applicant):
    client = serve(rate_limit_enabled=True, rate_limit_per_minute=3)
    body = {"datos": applicant}
    assert [client.post("/predecir", json=body).status_code for _ in range(3)] == [200] * 3
    answer = client.post("/predecir", json=body)
    assert_refused(answer, "E429")
    assert 1 <= int(answer.headers["retry-after"]) <= 120
    assert client.post("/validar", json=body).status_code == 200
    assert [client.get("/salud/viva").status_code for _ in range(9)] == [200] * 9


def test_e429_counts_keys_and_addresses_apart(serve, key_lines, keys, applicant):
    client = serve(rate_limit_enabled=True, rate_limit_per_minute=1, server_api_keys=key_lines)
    for key, status in ((keys["score"], 200), (keys["score"], 429), ("wrong", 403)):
        answer = client.post("/predecir", json={"datos": applicant}, headers={"x-api-key": key})
        assert answer.status_code == status


def test_e429_behind_a_proxy_counts_who_asks_the_proxy(serve, applicant):
    client = serve(
        rate_limit_enabled=True,
        rate_limit_per_minute=1,
        server_anonymous=True,
        server_proxies=["10.0.0.0/8"],
        transport={"client": ("10.0.0.1", 4711)},
    )
    for forwarded, status in (
        ("198.51.100.7", 200),
        ("198.51.100.7", 429),
        ("203.0.113.5, 198.51.100.7", 429),
        ("198.51.100.8", 200),
    ):
        headers = {"x-forwarded-for": forwarded}
        answer = client.post("/predecir", json={"datos": applicant}, headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["/predecir", "/predecir/lote"])
def test_e503_while_draining_or_overloaded(serve, applicant, path):
    client = serve()
    service = client.app.state.service
    service.loop_load.overloaded = True
    body = [applicant] if path.endswith("lote") else {"datos": applicant}
    answer = client.post(path, json=body)
    assert_refused(answer, "E503")
    assert (answer.headers["retry-after"], "connection" in answer.headers) == ("1", False)
    service.loop_load.overloaded = False
    assert client.post(path, json=body).status_code == 200
    service.drain()
    answer = client.post(path, json=body)
    assert_refused(answer, "E503")
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


def test_what_is_no_work_is_answered_while_draining(serve, applicant):
    client = serve()
    client.app.state.service.drain()
    assert client.post("/validar", json={"datos": applicant}).json()["valido"]
    assert client.get("/salud/viva").status_code == 200
    assert client.get("/salud/lista").status_code == 503
    assert client.get("/metrics").status_code == 200


def test_e503_when_the_queue_is_full_and_e504_when_the_deadline_passes(serve, moody):
    model, scorer = moody()
    client = serve(scorer, queue_size=1, timeout_prediction=0.3)
    batcher = client.app.state.service._batcher
    record = {"datos": {"moras": 1}}
    model.entered.clear()
    model.go_on.clear()
    try:
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(client.post, "/predecir", json=record)
            assert model.entered.wait(60)
            second = threads.submit(client.post, "/predecir", json={"datos": {"moras": 2}})
            wait_until(lambda: batcher.stats().queued or second.done())
            answers = [
                client.post("/predecir", json={"datos": {"moras": 3}}),
                first.result(60),
                second.result(60),
            ]
    finally:
        model.go_on.set()
    codes = [assert_refused(answer, answer.json()["codigo"])["codigo"] for answer in answers]
    assert codes[1:] == ["E504", "E504"]
    assert codes[0] in ("E503", "E504")
    service, late = client.app.state.service, codes.count("E504")
    assert service.kpis.counts().timeouts == late
    service.alert_monitor.check()
    (alert,) = [alert for alert in service.alerts.active if alert.code == "plazos"]
    assert alert.message == f"El modelo no respondió a tiempo a {late} solicitudes"
    service.alert_monitor.check()
    assert "plazos" not in {alert.code for alert in service.alerts.active}


def test_a_wrong_record_does_not_wait_for_a_model_that_hangs(serve, moody):
    model, scorer = moody()
    client = serve(scorer, timeout_prediction=300.0)
    model.entered.clear()
    model.go_on.clear()
    try:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(client.post, "/predecir", json={"datos": {"moras": 1}})
            assert model.entered.wait(60)
            assert_refused(client.post("/predecir", json={"datos": {"moras": -1}}), "E002")
            assert not first.done()
            model.go_on.set()
            assert first.result(60).status_code == 200
    finally:
        model.go_on.set()


def test_a_batch_that_is_not_decided_in_time_is_counted_as_late(serve, moody):
    model, scorer = moody()
    client = serve(scorer, timeout_prediction=0.2)
    model.go_on.clear()
    try:
        assert_refused(client.post("/predecir/lote", json=[{"moras": 1}]), "E504")
    finally:
        model.go_on.set()
    service = client.app.state.service
    assert (service.kpis.counts().timeouts, service.refused) == (1, {("/predecir/lote", "E504"): 1})


def test_a_deadline_that_the_scorer_itself_kept_is_counted_once(serve, applicant, monkeypatch):
    def too_late(*_, **__):
        service.kpis.record(0.1, outcome="timeout")  # as the scorer does
        raise DeadlineExceeded("late", seconds=0.1)

    client = serve()
    service = client.app.state.service
    monkeypatch.setattr(service, "mode", BATCHED)
    monkeypatch.setattr(service.scorer, "score_many", too_late)
    assert_refused(client.post("/predecir", json={"datos": applicant}), "E504")
    assert (service.kpis.counts().timeouts, service.refused) == (1, {("/predecir", "E504"): 1})


def test_an_alert_tells_of_decisions_that_were_refused(serve, applicant):
    client = serve()
    service = client.app.state.service

    def alerts():
        service.alert_monitor.check()
        return {alert.code: alert.message for alert in service.alerts.active}

    assert "rechazos" not in alerts()
    service.loop_load.overloaded = True
    for path, body in (("/predecir", {"datos": applicant}), ("/predecir/lote", [applicant])):
        assert_refused(client.post(path, json=body), "E503")
    assert alerts()["rechazos"] == "Solicitudes que no se pudieron atender: 2"
    service.loop_load.overloaded = False
    client.post("/predecir", json={"datos": applicant})
    assert "rechazos" not in alerts()
    assert_refused(client.post("/predecir", json={"datos": {}}), "E002")
    service.drain()
    assert client.get("/salud/lista").status_code == 503
    assert "rechazos" not in alerts()  # no decision was refused


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
    async def decide(*_):
        raise KeyError("deuda de Juan Pérez: 1234567")

    client = serve()
    monkeypatch.setattr(client.app.state.service, "decide", decide)
    document = assert_refused(client.post("/predecir", json={"datos": applicant}), "E500")
    assert document["error"] == "Error interno del servidor"
    [line] = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert re.fullmatch(r"KeyError \(.*test_endpoint:\d+\) en /predecir", line)
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


# -- request ids -------------------------------------------------------------------------------------


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


# -- the body's kind ---------------------------------------------------------------------------------


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


# -- answers -----------------------------------------------------------------------------------------


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
    assert lines[0].keys() == {"metodo", "ruta", "estado", "segundos", "cliente", "request_id"}
    assert lines[0]["request_id"] == "r-1"
    assert not {"0912345678", keys["score"], "2400000"} & set(re.split(r"\W", caplog.text))


def test_nothing_is_logged_by_default(client, applicant, caplog):
    caplog.set_level(logging.INFO, "morosidad")
    client.post("/predecir", json={"datos": applicant})
    assert not [r for r in caplog.records if r.name.startswith("morosidad.asgi")]
