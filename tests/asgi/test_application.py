from __future__ import annotations

import asyncio
import base64
import builtins
import os
import signal
import threading
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import morosidad.asgi
from morosidad import AuditLog, KPITracker, Scorer, Settings
from morosidad.asgi import app, create_app
from morosidad.asgi.application import _Signal
from morosidad.errors import MissingExtra

QUIET = {"audit_file": None, "metrics_enabled": False}


# -- from start to stop --------------------------------------------------------------------------------


def test_the_lifespan_starts_and_stops_everything(tmp_path, applicant):
    path = tmp_path / "d.jsonl"
    threads = threading.active_count()
    application = create_app(Scorer.default(), Settings(audit_file=str(path)))
    service = application.state.service
    assert service.state == "arrancando"
    with TestClient(application) as client:
        assert service.state == "lista"
        assert service.plan.latency > 0
        assert client.post("/predecir", json={"datos": applicant}).status_code == 200
    assert service.state == "detenida"
    assert len(path.read_text(encoding="utf-8").splitlines()) >= 1
    assert threading.active_count() <= threads + 1


def test_a_scorer_keeps_the_parts_that_it_has(tmp_path, applicant):
    kpis, audit = KPITracker(), AuditLog(tmp_path / "own.jsonl")
    own = Scorer.default(kpis=kpis, audit=audit)
    with TestClient(create_app(own, Settings(audit_file=str(tmp_path / "not.jsonl")))) as client:
        client.post("/predecir", json={"datos": applicant})
        assert client.app.state.service.kpis is kpis
    assert kpis.report().predictions == 1
    assert not (tmp_path / "not.jsonl").exists()


def test_the_factory_reads_the_environment(monkeypatch, tmp_path, applicant, trained):
    pipeline, X = trained
    Scorer(pipeline, reference=X, name="otro").save(tmp_path / "m", b"k" * 16)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOROSIDAD_AUDIT_FILE", "none")
    assert app().state.service.scorer.model == Scorer.default().model
    monkeypatch.setenv("MOROSIDAD_SERVER_MODEL", "m")
    monkeypatch.setenv("MOROSIDAD_SERVER_MODEL_KEY", "k" * 16)
    assert app().state.service.scorer.model == "otro@1"


def test_what_fails_outside_of_every_endpoint_is_told_like_anything_else(serve, monkeypatch):
    async def fail(*_, **__):
        raise ValueError("Juan Pérez")

    monkeypatch.setattr(CORSMiddleware, "simple_response", fail)
    client = serve(server_origins=[ALLOWED], transport={"raise_server_exceptions": False})
    answer = client.get("/salud/viva", headers={"origin": ALLOWED})
    assert (answer.status_code, answer.json()["codigo"]) == (500, "E500")
    assert "Juan" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


# -- the signal ------------------------------------------------------------------------------------------


def test_the_signal_to_stop_drains_first_and_is_passed_on_after_the_grace():
    service = create_app(Scorer.default(), Settings(**QUIET, server_shutdown_grace=0.01)).state.service
    service.state = "lista"
    received = []
    before = signal.signal(signal.SIGTERM, lambda *_: received.append(service.state))

    async def stop():
        with _Signal(service):
            os.kill(os.getpid(), signal.SIGTERM)
            while not received:
                await asyncio.sleep(0.001)
            os.kill(os.getpid(), signal.SIGTERM)  # a second one is passed on at once
        return signal.getsignal(signal.SIGTERM)

    try:
        after = asyncio.run(asyncio.wait_for(stop(), 60))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == ["deteniéndose", "deteniéndose"]
    assert after is not before


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_signal_that_nobody_handles_is_left_alone(handler):
    service = create_app(Scorer.default(), Settings(**QUIET)).state.service
    before = signal.signal(signal.SIGTERM, handler)

    async def look():
        with _Signal(service):
            return signal.getsignal(signal.SIGTERM)

    try:
        assert asyncio.run(look()) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


# -- other origins ---------------------------------------------------------------------------------------


ALLOWED = "https://www.example.org"


def test_a_page_of_an_allowed_origin_may_ask_and_read(serve, applicant):
    client = serve(server_origins=[ALLOWED])
    asked = {
        "origin": ALLOWED,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key,x-request-id",
    }
    before = client.options("/predecir", headers=asked)
    assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, ALLOWED)
    assert "access-control-allow-credentials" not in before.headers
    answer = client.post("/predecir", json={"datos": applicant}, headers={"origin": ALLOWED})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ALLOWED)
    assert {"X-Request-ID", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    refused = client.post("/predecir", json={}, headers={"origin": ALLOWED})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, ALLOWED)


def test_a_page_of_another_origin_may_neither_ask_nor_read(serve, applicant):
    client = serve(server_origins=[ALLOWED])
    evil = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    before = client.options("/predecir", headers=evil)
    assert before.status_code == 400
    assert "access-control-allow-origin" not in before.headers
    answer = client.post("/predecir", json={"datos": applicant}, headers={"origin": "https://evil.example"})
    assert (answer.status_code, answer.json()["codigo"]) == (403, "E403")
    assert "access-control-allow-origin" not in answer.headers


def test_without_origins_in_the_settings_no_page_elsewhere_may_read(client, applicant):
    answer = client.post("/predecir", json={"datos": applicant}, headers={"origin": ALLOWED})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


# -- streams ---------------------------------------------------------------------------------------------


def offered(key: str) -> list[str]:
    return ["morosidad", "clave." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")]


@pytest.mark.parametrize("path", ["/ws/metricas", "/ws/kpis"])
def test_a_stream_takes_the_key_as_a_subprotocol_and_answers_with_the_other(serve, key_lines, keys, path):
    client = serve(server_api_keys=key_lines, metrics_enabled=True, metrics_interval=0.05)
    with client.websocket_connect(path, subprotocols=offered(keys["metrics"])) as stream:
        assert stream.accepted_subprotocol == "morosidad"
        assert "timestamp" in stream.receive_json()


@pytest.mark.parametrize("key", ["score", "wrong", None])
def test_a_stream_without_the_right_key_is_refused(serve, key_lines, keys, key):
    client = serve(server_api_keys=key_lines, metrics_enabled=True)
    protocols = None if key is None else offered(keys.get(key, key))
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect("/ws/kpis", subprotocols=protocols),
    ):
        pass
    assert caught.value.code == 1008


@pytest.mark.parametrize(
    ("transport", "headers"),
    [
        ({}, {"origin": "https://evil.example"}),
        ({"client": ("198.51.100.7", 1)}, {}),
        ({"client": ("127.0.0.1", 1), "base_url": "http://evil.example"}, {"origin": "http://evil.example"}),
    ],
)
def test_a_stream_to_where_nobody_may_look_is_refused(serve, transport, headers):
    client = serve(transport=transport, metrics_enabled=True)
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect("/ws/metricas", headers=headers),
    ):
        pass
    assert caught.value.code == 1008


def test_streams_have_a_largest_number_and_end_with_the_server(serve):
    client = serve(websocket_clients=1, metrics_enabled=True, metrics_interval=0.05)
    with client.websocket_connect("/ws/kpis") as stream:
        stream.receive_json()
        with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect("/ws/metricas"):
            pass
        assert caught.value.code == 1013
    client.app.state.service.drain()
    with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect("/ws/metricas"):
        pass
    assert caught.value.code == 1013


@pytest.mark.parametrize("without", ["websocket_enabled", "metrics_enabled"])
def test_streams_can_be_switched_off(serve, without):
    client = serve(**{"metrics_enabled": True, without: False})
    assert not [route.path for route in client.app.routes if route.path.startswith("/ws")]
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/metricas"):
        pass


def test_without_live_metrics_the_parts_and_the_other_processes_are_still_looked_after(serve, monkeypatch):
    client = serve()
    service = client.app.state.service
    followed = []

    async def follow(workers):
        followed.append(workers)

    monkeypatch.setattr(service.reloader, "follow", follow)
    service.reloader.failed = True
    client.portal.call(service.tick)
    assert "recarga" in {alert.code for alert in service.alerts.active}
    assert followed == [service.workers.io]
    assert service.live.history == ()


def test_without_live_metrics_the_server_ticks(serve):
    seen = threading.Event()
    client = serve(metrics_interval=0.01)
    client.app.state.service.alert_monitor.check = seen.set
    assert seen.wait(60)


def test_a_failing_storage_of_limits_is_an_alert(serve, applicant):
    client = serve(rate_limit_enabled=True, rate_limit_per_minute=1)
    service = client.app.state.service
    service.limiter.failing = True
    service.alert_monitor.check()
    assert "limites" in {alert.code for alert in service.alerts.active}
    service.limiter.failing = False
    service.alert_monitor.check()
    assert "limites" not in {alert.code for alert in service.alerts.active}


@pytest.mark.parametrize(("absent", "error"), [("starlette", MissingExtra), ("otra", ModuleNotFoundError)])
def test_without_starlette_the_error_says_what_to_install(monkeypatch, absent, error):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name == "morosidad.asgi.application":
            raise ModuleNotFoundError(f"No module named {absent!r}", name=f"{absent}.applications")
        return real(name, *arguments, **options)

    spec = spec_from_file_location("copy_of_asgi", morosidad.asgi.__file__)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(error) as caught:
        spec.loader.exec_module(module_from_spec(spec))
    assert ("morosidad[server]" in str(caught.value)) == (error is MissingExtra)
