"""Settings change while a server runs: by a signal or a request, whole or not at all, without a loss."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from morosidad import Scorer, Settings
from morosidad.asgi import create_app
from morosidad.asgi.adjusting.adjuster import digest_of
from morosidad.asgi.guards.keys import make_key
from morosidad.errors import SettingsError
from morosidad.settings.settings import LIVE
from serving import FOUND, wait_until
from support import ROOT

FIRST, SECOND = make_key("caja", ["score", "admin"]), make_key("caja", ["score", "admin", "metrics"])


def ask(url: str, path: str, key: str, document: Any = None, method: str = "POST") -> tuple[int, Any]:
    body = None if document is None else json.dumps(document).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=FOUND) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def write(folder: Path, **settings: Any) -> None:
    """Write the file of settings as one step."""
    (folder / "s.new").write_text(json.dumps(settings))
    os.replace(folder / "s.new", folder / "s.json")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_keys_and_limits_change_under_load_and_no_answer_is_lost(run, tmp_path, applicant, workers) -> None:
    both = [FIRST[1], SECOND[1]]
    write(tmp_path, server_api_keys=both, rate_limit_enabled=False)
    server = run("--settings", "s.json", "--workers", workers)
    statuses: list[int] = []
    done = Event()

    def load() -> None:
        while not done.is_set():
            statuses.append(ask(server.url, "/predecir", SECOND[0], {"datos": applicant})[0])

    clients = [Thread(target=load) for _ in range(2)]
    for client in clients:
        client.start()
    for number in range(6):
        with_limit = {"rate_limit_enabled": True, "rate_limit_per_minute": 10**6 + number}
        write(tmp_path, server_api_keys=[both, both[1:]][number % 2], **(with_limit if number % 2 else {}))
        server.process.send_signal(signal.SIGHUP)
        wanted = 403 if number % 2 else 200
        for _ in range(4):  # whichever process answers
            wait_until(lambda w=wanted: ask(server.url, "/admin/ajustes", FIRST[0], method="GET")[0] == w)
    done.set()
    for client in clients:
        client.join(FOUND)
    assert set(statuses) == {200}
    code, out, err = server.stop()
    assert code == 0
    assert "Traceback" not in err
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    signals = [line for line in lines if line["quien"] == "SIGHUP"]
    assert {(line["accion"], line["resultado"]) for line in signals} == {("ajustar", "hecho")}
    assert any(line["de"] != line["a"] for line in signals)


def test_wrong_settings_are_refused_whole_and_those_before_stay(run, tmp_path, applicant) -> None:
    write(tmp_path, server_api_keys=[FIRST[1]], server_batch_size=5)
    server = run("--settings", "s.json")
    write(
        tmp_path,
        server_api_keys=["nonsense"],
        server_batch_size=-1,
        rate_limit_per_minute="often",
        log_levle="x",
    )
    status, document = ask(server.url, "/admin/ajustes", FIRST[0], {})
    assert (status, document["codigo"]) == (500, "E500")
    told = " ".join(error["mensaje"] for error in document["errores"])
    for name in ("server_api_keys", "server_batch_size", "rate_limit_per_minute", "log_levle"):
        assert name in told
    assert "nonsense" not in told
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.said()[1].count("the settings stay as they are") == 2)
    status, shown = ask(server.url, "/admin/ajustes", FIRST[0], method="GET")
    values = {one["nombre"]: (one["valor"], one["origen"]) for one in shown["ajustes"]}
    assert values["server_batch_size"] == (5, "file")
    assert values["server_api_keys"] == (["caja:score+admin"], "file")
    assert FIRST[1].rpartition(":")[2] not in json.dumps(shown)
    write(tmp_path, server_api_keys=[FIRST[1]], server_batch_size=7, server_port=1)
    status, done = ask(server.url, "/admin/ajustes", FIRST[0], {})
    assert (status, done["cambiados"], done["requieren_reinicio"]) == (200, ["server_batch_size"], [])
    assert done["anterior"] == shown["huella"] != done["huella"]
    out = server.stop()[1]
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [(line["accion"], line["quien"], line["resultado"]) for line in lines] == [
        ("ajustar", "clave:caja", "fallo"),
        ("ajustar", "SIGHUP", "fallo"),
        ("ajustes", "clave:caja", "hecho"),
        ("ajustar", "clave:caja", "hecho"),
    ]


def served(serve: Any, reread: Any, **settings: Any) -> Any:
    client = serve(**settings)
    service = client.app.state.service
    service.adjuster._reread = reread
    return client, service


def test_what_needs_a_restart_is_named_and_left(serve) -> None:
    client, service = served(serve, lambda: Settings(audit_file=None, queue_size=7, server_batch_size=3))
    done = client.post("/admin/ajustes").json()
    assert "queue_size" in done["requieren_reinicio"]
    assert "server_batch_size" in done["cambiados"]
    assert (service.settings.queue_size, service.settings.server_batch_size) == (1000, 3)
    assert (
        client.get("/openapi.json").json()["paths"]["/predecir/lote"]["post"]["requestBody"]["content"][
            "application/json"
        ]["schema"]["maxItems"]
        == 3
    )


def test_a_server_without_keys_is_not_opened_to_others(serve, key_lines, keys) -> None:
    client, service = served(serve, Settings, server_api_keys=key_lines, server_host="0.0.0.0")
    service.adjuster._reread = lambda: Settings(audit_file=None)
    answer = client.post("/admin/ajustes", headers={"x-api-key": keys["admin"]})
    assert answer.status_code == 500
    assert "server_host" in answer.json()["errores"][0]["mensaje"]
    assert service.settings.server_api_keys == key_lines
    assert [alert.code for alert in service.alerts.active] == ["ajustes"]
    service.adjuster._reread = lambda: Settings(audit_file=None, server_api_keys=key_lines)
    assert client.post("/admin/ajustes", headers={"x-api-key": keys["admin"]}).status_code == 200
    assert service.alerts.active == ()


@pytest.mark.parametrize("failure", [OSError("secret"), SettingsError(["queue_size: expected more"])])
def test_what_can_not_be_read_changes_nothing_and_tells_no_values(serve, failure, caplog) -> None:
    def fail() -> Settings:
        raise failure

    client, service = served(serve, fail)
    before = service.settings
    answer = client.post("/admin/ajustes")
    assert answer.status_code == 500
    assert "secret" not in answer.text + caplog.text
    assert service.settings is before


def test_a_program_s_settings_have_no_sources(serve) -> None:
    client, _ = served(serve, None)
    assert client.post("/admin/ajustes").json()["codigo"] == "E001"
    assert client.post("/admin/ajustes", json={"rate_limit_per_minute": 5}).status_code == 400


def test_a_stream_ends_when_its_key_is_taken_away(serve, key_lines, keys) -> None:
    client, service = served(
        serve, Settings, server_api_keys=key_lines, metrics_enabled=True, metrics_interval=0.05
    )
    with client.websocket_connect("/ws/metricas", headers={"x-api-key": keys["metrics"]}) as stream:
        stream.receive_text()
        service.adjuster._reread = lambda: Settings(audit_file=None, server_api_keys=(key_lines[2],))
        assert client.post("/admin/ajustes", headers={"x-api-key": keys["admin"]}).status_code == 200
        with pytest.raises(WebSocketDisconnect) as ended:
            deque(iter(stream.receive_text, None))
    assert ended.value.code == 1008


def test_another_process_follows(serve, tmp_path) -> None:
    client, service = served(serve, Settings, kpi_file=str(tmp_path / "kpi"))
    newer = Settings(audit_file=None, server_batch_size=9)
    service.adjuster._reread = lambda: newer
    (tmp_path / "kpi.ajustes").write_text("another digest")
    client.portal.call(service.tick)
    assert service.settings.server_batch_size == 9
    service.adjuster._reread = lambda: pytest.fail("it was read again")
    client.portal.call(service.tick)


def test_the_digest_is_that_of_what_may_change() -> None:
    assert digest_of(Settings()) == digest_of(Settings(queue_size=5))
    assert digest_of(Settings()) != digest_of(Settings(server_batch_size=5))


def test_the_page_says_which_settings_may_change() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = text.split("## While a server runs", 1)[1].split("\n## ", 1)[0]
    assert [name for name in LIVE if f"`{name}`" not in listed] == []
    assert create_app(Scorer.default(), Settings(audit_file=None)).state.service.adjuster.rereads is False
