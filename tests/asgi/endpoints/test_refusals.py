"""Each error code that a client's request can have for an answer."""

from __future__ import annotations

import json

import pytest

from refusals import assert_refused

JSON = {"content-type": "application/json"}


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
