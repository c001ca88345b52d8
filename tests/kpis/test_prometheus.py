from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from morosidad.errors import MissingExtra
from morosidad.kpis import KPITracker
from morosidad.kpis.prometheus import KPICollector


@pytest.fixture
def tracker(clock) -> KPITracker:
    return KPITracker(clock=clock)


def exposed(tracker: KPITracker) -> str:
    """What a scrape gets."""
    prometheus = pytest.importorskip("prometheus_client")
    registry = prometheus.CollectorRegistry()
    registry.register(KPICollector(tracker))
    return prometheus.generate_latest(registry).decode()


def samples(tracker: KPITracker) -> dict[str, float]:
    lines = [line for line in exposed(tracker).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def record_everything(tracker: KPITracker) -> None:
    for seconds in (0.5e-6, 3e-6, 0.01, 0.01, 100.0):
        tracker.record(seconds, probability=0.2, decision="revisar", cached=False)
    tracker.record(0.02, probability=0.9, decision="rechazar", cached=True)
    tracker.record(0.5, outcome="error")
    tracker.record(5.0, outcome="timeout")
    tracker.record_stages(validate=1e-5, predict=2e-5)
    tracker.observe_resources(cpu=50, memory=25, connections=4, queue=2)


def test_every_figure_is_exposed(tracker):
    record_everything(tracker)
    found = samples(tracker)
    expected = {
        'morosidad_predicciones_total{resultado="ok"}': 6,
        'morosidad_predicciones_total{resultado="error"}': 1,
        'morosidad_predicciones_total{resultado="timeout"}': 1,
        'morosidad_cache_consultas_total{resultado="acierto"}': 1,
        'morosidad_cache_consultas_total{resultado="fallo"}': 5,
        'morosidad_etiquetas_total{etiqueta="0"}': 5,
        'morosidad_etiquetas_total{etiqueta="1"}': 1,
        'morosidad_decisiones_total{decision="aprobar"}': 0,
        'morosidad_decisiones_total{decision="revisar"}': 5,
        'morosidad_decisiones_total{decision="rechazar"}': 1,
        'morosidad_probabilidad_ratio_bucket{le="0.2"}': 0,
        'morosidad_probabilidad_ratio_bucket{le="0.25"}': 5,
        'morosidad_probabilidad_ratio_bucket{le="0.95"}': 6,
        'morosidad_probabilidad_ratio_bucket{le="+Inf"}': 6,
        "morosidad_probabilidad_ratio_count": 6,
        'morosidad_atipicos_total{lado="bajo"}': 1,
        'morosidad_atipicos_total{lado="alto"}': 1,
        "morosidad_predicciones_dia": 8,
        "morosidad_cpu_ratio": 0.5,
        "morosidad_memoria_ratio": 0.25,
        "morosidad_conexiones": 4,
        "morosidad_cola": 2,
        'morosidad_respuesta_seconds_bucket{le="2e-06"}': 1,
        'morosidad_respuesta_seconds_bucket{le="4e-06"}': 2,
        'morosidad_respuesta_seconds_bucket{le="0.016384"}': 4,
        'morosidad_respuesta_seconds_bucket{le="0.032768"}': 5,
        'morosidad_respuesta_seconds_bucket{le="67.108864"}': 5,
        'morosidad_respuesta_seconds_bucket{le="+Inf"}': 6,
        "morosidad_respuesta_seconds_count": 6,
        'morosidad_etapa_seconds_count{etapa="predecir"}': 1,
        'morosidad_etapa_seconds_sum{etapa="predecir"}': 2e-5,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["morosidad_confianza_ratio"] == pytest.approx((5 * 0.8 + 0.9) / 6)
    assert found["morosidad_probabilidad_ratio_sum"] == pytest.approx(5 * 0.2 + 0.9)
    assert found["morosidad_respuesta_seconds_sum"] == pytest.approx(67.108864 + 0.04, rel=1e-3)


def test_counters_keep_what_has_left_the_window(tracker, clock):
    record_everything(tracker)
    before = samples(tracker)
    clock.advance(1000)
    after = samples(tracker)
    lasting = [name for name in before if "_total" in name or "_seconds" in name or "_probabilidad" in name]
    assert {name: after[name] for name in lasting} == {name: before[name] for name in lasting}
    assert "morosidad_cpu_ratio" not in after
    tracker.record(0.01)
    assert samples(tracker)['morosidad_predicciones_total{resultado="ok"}'] == 7


def test_a_tracker_without_predictions_is_exposed_too(tracker):
    found = samples(tracker)
    assert found['morosidad_predicciones_total{resultado="ok"}'] == 0
    assert found["morosidad_respuesta_seconds_count"] == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("used", [True, False])
def test_promtool_is_content(tracker, used):
    if used:
        record_everything(tracker)
    check = subprocess.run(
        ["promtool", "check", "metrics"], input=exposed(tracker), capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout + check.stderr) == (0, "")


def test_without_prometheus_client_the_extra_is_named(tracker, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[server\]"):
        KPICollector(tracker)
