from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from morosidad import Policy, Scorer, __version__
from morosidad.asgi.exposition import _log, exposition
from morosidad.asgi.runtime.worker_processes import ProcessReport, SharedTier
from morosidad.audit import AuditStats
from morosidad.errors import ArtifactCorrupted
from support import needed

JSON = {"content-type": "application/json"}


def test_the_figures_follow_the_decisions(serve, applicant):
    client = serve()
    for _ in range(3):
        client.post("/predecir", json={"datos": applicant})
    client.post("/predecir", json={"datos": {}})
    client.app.state.service.live.tick()
    metrics, kpis = client.get("/api/metricas-tiempo-real").json(), client.get("/api/kpis").json()
    assert metrics.keys() == {
        "metricas_actuales",
        "historial_ultimo_minuto",
        "alertas_activas",
        "estado_sistema",
    }
    assert metrics["metricas_actuales"].keys() == {
        "timestamp", "predicciones_por_segundo", "tiempo_respuesta_promedio", "uso_memoria", "uso_cpu",
        "cache_hit_rate", "errores_por_minuto", "conexiones_activas",
    }  # fmt: skip
    assert kpis.keys() == {
        "timestamp", "periodo_analisis_minutos", "total_predicciones_analizadas", "metricas",
        "estado_performance", "recomendaciones",
    }  # fmt: skip
    assert kpis["metricas"].keys() == {
        "tiempo_respuesta_p50", "tiempo_respuesta_p95", "tiempo_respuesta_p99",
        "throughput_predicciones_por_segundo", "tasa_exito", "tasa_error", "tasa_timeout", "cache_hit_rate",
        "uso_cpu_promedio", "uso_memoria_promedio", "conexiones_concurrentes", "queue_size_promedio",
        "predicciones_totales_dia", "ratio_morosos_no_morosos", "confianza_promedio_predicciones",
    }  # fmt: skip
    assert kpis["total_predicciones_analizadas"] >= 3


def samples(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_prometheus_can_read_the_metrics(serve, applicant, tmp_path):
    promtool = shutil.which("promtool")
    needed(promtool is not None, "promtool")
    client = serve(audit_file=str(tmp_path / "d.jsonl"))
    client.post("/predecir", json={"datos": applicant})
    client.app.state.service.alerts.set("plazos", True, "warning", "")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    command = [str(promtool), "check", "metrics"]
    done = subprocess.run(command, input=answer.content, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_prometheus_is_told_of_open_alerts_each_once(serve):
    client = serve()
    book = client.app.state.service.alerts
    book.set("plazos", True, "warning", "El modelo no respondió a tiempo")
    book.set("registro:disco_lleno@41", True, "warning", "")
    book.set("registro:disco_lleno@42", True, "critical", "")
    book.set("memoria", True, "critical", "")
    book.set("memoria", False, "critical", "")
    text = client.get("/metrics").text
    assert [line for line in text.splitlines() if line.startswith("morosidad_alerta{")] == [
        'morosidad_alerta{codigo="plazos",nivel="warning"} 1.0',
        'morosidad_alerta{codigo="registro:disco_lleno",nivel="critical"} 1.0',
    ]
    assert "a tiempo" not in text


def stats(path, written, waiting, lost):
    return AuditStats(str(path), written, waiting, lost, last="", digest="")


def test_prometheus_is_told_of_every_process_what_its_log_wrote_and_lost(serve, applicant, tmp_path):
    client = serve(audit_file=str(tmp_path / "d.jsonl"), kpi_file=str(tmp_path / "kpi"))
    service = client.app.state.service
    client.post("/predecir", json={"datos": applicant})
    service.audit.flush()
    client.post("/predecir", json={"datos": {**applicant, "edad": 42}})
    told = ProcessReport(1, "m", None, None, (), stats(tmp_path / "d-2.jsonl", 5, 6, 7))
    (tmp_path / "kpi.proceso-1").write_bytes(msgspec.json.encode(told))
    service.alert_monitor.check()
    found = samples(client.get("/metrics").text)
    log = {name: value for name, value in found.items() if name.startswith("morosidad_registro")}
    assert log == {
        'morosidad_registro_escritas_total{archivo="d.jsonl"}': 1,
        'morosidad_registro_escritas_total{archivo="d-2.jsonl"}': 5,
        'morosidad_registro_en_espera{archivo="d.jsonl"}': 1,
        'morosidad_registro_en_espera{archivo="d-2.jsonl"}': 6,
        'morosidad_registro_perdidas_total{archivo="d.jsonl"}': 0,
        'morosidad_registro_perdidas_total{archivo="d-2.jsonl"}': 7,
    }
    own = msgspec.json.decode((tmp_path / f"kpi.proceso-{os.getpid()}").read_bytes(), type=ProcessReport)
    assert own.log == service.audit.stats()


def test_prometheus_is_told_what_every_process_refused(serve, tmp_path):
    client = serve(kpi_file=str(tmp_path / "kpi"))
    for _ in range(2):
        client.post("/predecir", json={"datos": {}})
    client.get("/no-existe/4242")
    elsewhere = (("/predecir", "E002", 3), ("/predecir/lote", "E503", 4))
    told = ProcessReport(1, "m", None, None, (), refused=elsewhere)
    (tmp_path / "kpi.proceso-1").write_bytes(msgspec.json.encode(told))
    client.app.state.service.alert_monitor.check()
    found = samples(client.get("/metrics").text)
    assert {name: value for name, value in found.items() if name.startswith("morosidad_rechazos")} == {
        'morosidad_rechazos_total{codigo="E404",ruta="?"}': 1,
        'morosidad_rechazos_total{codigo="E002",ruta="/predecir"}': 5,
        'morosidad_rechazos_total{codigo="E503",ruta="/predecir/lote"}': 4,
    }
    own = msgspec.json.decode((tmp_path / f"kpi.proceso-{os.getpid()}").read_bytes(), type=ProcessReport)
    assert sorted(own.refused) == [("/predecir", "E002", 2), ("?", "E404", 1)]


def test_logs_that_have_no_file_of_their_own_yet_are_one_series():
    logs = [stats("d.jsonl", 5, 1, 0), stats("d.jsonl", 0, 2, 3)]
    found = {s.name: s.value for family in _log(logs, str) for s in family.samples}
    assert found == {
        "morosidad_registro_escritas_total": 5,
        "morosidad_registro_en_espera": 3,
        "morosidad_registro_perdidas_total": 3,
    }


def test_prometheus_is_told_which_model_answers_and_of_no_log_where_there_is_none(serve):
    text = serve().get("/metrics").text
    scorer = Scorer.default()
    name, version = scorer.model.split("@")
    labels = f'huella="{scorer.digest}",nombre="{name}",version="{version}"'
    assert samples(text)[f"morosidad_modelo_info{{{labels}}}"] == 1
    assert "morosidad_registro" not in text


def test_the_version_is_told_and_shown(serve):
    client = serve()
    assert client.get("/version").json() == {"version": __version__}
    found = [name for name in samples(client.get("/metrics").text) if name.startswith("morosidad_version")]
    (name,) = found
    assert f'version="{__version__}"' in name
    assert f'python="{platform.python_version()}"' in name


def test_prometheus_is_told_of_the_limits_and_how_near_they_are(serve, key_lines, tmp_path):
    client = serve(
        rate_limit_enabled=True,
        rate_limit_per_minute=7,
        server_api_keys=key_lines,
        server_connections=64,
        server_connections_per_client=20,
        kpi_file=str(tmp_path / "kpi"),
    )
    service = client.app.state.service
    service.connections.opened("192.0.2.1")
    service.failed_keys.throttled = 2
    told = ProcessReport(1, "m", None, None, (), connections=3, throttled=4)
    (tmp_path / "kpi.proceso-1").write_bytes(msgspec.json.encode(told))
    service.alert_monitor.check()
    found = samples(exposition(service).decode())
    assert {name: found[f"morosidad_{name}"] for name in LIMITS} == LIMITS
    service.limiter.failing = True
    assert samples(exposition(service).decode())["morosidad_limite_almacen_disponible"] == 0
    own = msgspec.json.decode((tmp_path / f"kpi.proceso-{os.getpid()}").read_bytes(), type=ProcessReport)
    assert (own.connections, own.throttled, own.shared_tier) == (1, 2, None)
    assert not any("compartida" in name for name in found)


LIMITS = {
    "conexiones_abiertas": 4,
    'conexiones_limite{ambito="proceso"}': 64,
    'conexiones_limite{ambito="direccion"}': 20,
    'limite_por_minuto{clase="score"}': 7,
    'limite_por_minuto{clase="form"}': 70,
    'limite_por_minuto{clase="metrics"}': 14,
    'limite_por_minuto{clase="admin"}': 7,
    "limite_almacen_disponible": 1,
    "claves_frenadas_total": 6,
}


def test_prometheus_is_told_how_the_shared_cache_stands(serve, applicant, tmp_path):
    pytest.importorskip("redis")
    client = serve(cache_storage="redis://127.0.0.1:1/0", kpi_file=str(tmp_path / "kpi"))  # nobody listens
    shared = "morosidad_cache_compartida"
    assert client.post("/predecir", json={"datos": applicant}).status_code == 200
    told = ProcessReport(1, "m", None, None, (), shared_tier=SharedTier(True, 10, 20))
    (tmp_path / "kpi.proceso-1").write_bytes(msgspec.json.encode(told))
    service = client.app.state.service
    service.alert_monitor.check()
    found = samples(client.get("/metrics").text)
    assert found[f"{shared}_disponible"] == 0
    assert found[f"{shared}_fallos_total"] == 10 + service.cache.store.failures > 10
    assert found[f"{shared}_rechazadas_total"] == 20


def test_the_probes_tell_alive_from_ready(serve):
    client = serve()
    assert client.get("/salud/viva").json() == {"estado": "viva"}
    ready = client.get("/salud/lista")
    assert ready.status_code == 200
    document = ready.json()
    assert document.pop("latencia") > 0
    scorer = Scorer.default()
    assert document == {
        "estado": "lista",
        "modelo": scorer.model,
        "huella": scorer.digest,
        "modo": "directo",
        "compilado": True,
        "version": __version__,
    }
    client.app.state.service.drain()
    assert client.get("/salud/lista").status_code == 503
    assert client.get("/salud/lista").json()["estado"] == "deteniéndose"
    assert client.get("/salud/viva").status_code == 200


def test_a_probe_without_a_key_learns_the_state_and_nothing_else(serve, key_lines, keys):
    client = serve(
        server_api_keys=key_lines, transport={"client": ("198.51.100.7", 1), "base_url": "http://pod"}
    )
    assert client.get("/salud/viva").status_code == 200
    assert client.get("/salud/lista").json() == {"estado": "lista"}
    wrong = {"x-api-key": "wrong"}
    assert client.get("/salud/lista", headers=wrong).json() == {"estado": "lista"}
    right = {"x-api-key": keys["metrics"]}
    assert client.get("/salud/lista", headers=right).json()["version"] == __version__


@pytest.fixture
def model(tmp_path: Path) -> Path:
    Scorer.default().save(tmp_path / "m.morosidad")
    return tmp_path / "m.morosidad"


def test_a_reload_brings_the_file_as_it_is_now(serve, model, applicant, trained):
    client = serve(Scorer.load(model))
    before = client.get("/salud/lista").json()
    same = client.post("/admin/recargar").json()
    name = before["modelo"]
    assert same == {"modelo": name, "anterior": name, "huella": before["huella"], "cambio": False}
    pipeline, X = trained
    Scorer(pipeline, reference=X, name="otro", version="2").save(model)
    done = client.post("/admin/recargar", json={}).json()
    assert (done["modelo"], done["anterior"], done["cambio"]) == ("otro@2", before["modelo"], True)
    assert client.get("/salud/lista").json()["huella"] == done["huella"] != before["huella"]
    assert client.post("/predecir", json={"datos": applicant}).json()["codigo"] == "E002"
    assert client.post("/predecir", json={"datos": {"moras": 1}}).json()["modelo"] == "otro@2"


def test_a_reload_that_fails_leaves_the_model_and_says_so(serve, model, applicant, caplog):
    client = serve(Scorer.load(model))
    model.write_bytes(b"broken")
    answer = client.post("/admin/recargar")
    assert (answer.status_code, answer.json()["codigo"]) == (500, "E500")
    assert "sigue el anterior" in answer.json()["error"]
    assert str(model) not in answer.text
    with pytest.raises(ArtifactCorrupted) as reason:
        Scorer.load(model)
    assert f"ArtifactCorrupted: {reason.value}" in caplog.text
    assert client.post("/predecir", json={"datos": applicant}).status_code == 200
    service = client.app.state.service
    service.alert_monitor.check()
    assert "recarga" in {alert.code for alert in service.alerts.active}


def test_a_reload_that_fails_in_a_way_not_foreseen_tells_no_more_than_where(
    serve, model, monkeypatch, caplog
):
    client = serve(Scorer.load(model))
    service = client.app.state.service
    monkeypatch.setattr(service.scorer, "reload", lambda: {}["deuda de Juan Pérez"])
    answer = client.post("/admin/recargar")
    assert answer.json()["error"] == "No se pudo recargar el modelo (KeyError): sigue el anterior"
    assert "test_operations:" in caplog.text
    assert "Juan" not in caplog.text
    service.alert_monitor.check()
    assert "recarga" in {alert.code for alert in service.alerts.active}


def test_a_process_that_started_while_another_reloaded_follows(serve, model, tmp_path, trained):
    pipeline, X = trained
    loaded = Scorer.load(model)
    Scorer(pipeline, reference=X, name="otro").save(model)
    digest = Scorer.load(model).digest
    (tmp_path / "kpi.recarga").write_text(digest)
    client = serve(loaded, kpi_file=str(tmp_path / "kpi"))
    service = client.app.state.service
    client.portal.call(service.tick)
    assert service.scorer.digest == digest


def test_a_process_that_can_not_follow_keeps_its_model_and_tries_once(serve, model, tmp_path, caplog):
    client = serve(Scorer.load(model), kpi_file=str(tmp_path / "kpi"))
    service = client.app.state.service
    digest = service.scorer.digest
    model.write_bytes(b"broken")
    (tmp_path / "kpi.recarga").write_text("another")
    client.portal.call(service.tick)
    client.portal.call(service.tick)
    assert caplog.text.count("the reload of another process could not be followed") == 1
    assert (service.scorer.digest, service.reloader.failed) == (digest, True)


def test_nobody_follows_a_reload_that_brought_the_model_in_place(serve, model, tmp_path, monkeypatch):
    client = serve(Scorer.load(model), kpi_file=str(tmp_path / "kpi"))
    service = client.app.state.service
    client.portal.call(service.tick)
    assert client.post("/admin/recargar").status_code == 200
    monkeypatch.setattr(service.scorer, "reload", lambda: pytest.fail("it was read again"))
    client.portal.call(service.tick)
    assert not service.reloader.failed


@pytest.mark.parametrize("body", [b'{"archivo": "/etc/passwd"}', b"[]", b"null", b"hola"])
def test_a_reload_takes_no_file_from_the_client(serve, model, body):
    answer = serve(Scorer.load(model)).post("/admin/recargar", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["codigo"]) == (400, "E001")


def test_a_file_with_another_policy_is_another_though_the_model_is_the_same(serve, model, tmp_path):
    loaded = Scorer.load(model)
    client = serve(loaded, kpi_file=str(tmp_path / "kpi"))
    service = client.app.state.service
    assert "0.123" not in client.get("/").text
    loaded.with_policy(Policy(review_at=0.123)).save(model)
    (tmp_path / "kpi.recarga").write_text(Scorer.load(model)._model.decision_digest)
    client.portal.call(service.tick)
    assert service.scorer.policy.review_at == 0.123
    assert "0.123" in client.get("/").text
    loaded.with_policy(Policy(review_at=0.124)).save(model)
    answer = client.post("/admin/recargar").json()
    assert (answer["cambio"], answer["huella"]) == (True, service.scorer.digest)
    assert (tmp_path / "kpi.recarga").read_text() == service.scorer._model.decision_digest
