from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

pytest.importorskip("starlette")

from morosidad import KPITracker, Policy, Scorer, TieredCache
from morosidad.alerts import AlertBook
from morosidad.asgi.pages.panel import make_panel, server_panels
from morosidad.kpis.counting.mirrored_counts import MirroredCounts, standing_of
from morosidad.kpis.server_sharing import OtherProcess
from morosidad.monitoring.drift import DriftMonitor
from support import FakeClock

KEYS = [
    "timestamp",
    "ventana_segundos",
    "predicciones",
    "estado",
    "recomendaciones",
    "puntajes",
    "decisiones",
    "reglas",
    "cache",
    "deriva",
    "etapas",
    "linea_de_tiempo",
    "modelo",
    "alertas_abiertas",
    "alertas_cerradas",
    "procesos",
    "servidores",
]


@pytest.fixture
def kpis(clock: FakeClock) -> KPITracker:
    return KPITracker(clock=clock, wall=lambda: 1.7e9 + clock())


@pytest.fixture
def alerts(clock: FakeClock) -> AlertBook:
    return AlertBook(wall=lambda: 1.7e9 + clock())


def document(*parts: Any, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(make_panel(*parts, **options)))
    return found


def test_when_nothing_was_scored_yet_the_panel_says_so(kpis: KPITracker, alerts: AlertBook) -> None:
    panel = document(kpis, alerts)
    assert list(panel) == KEYS
    assert panel["estado"] == "SIN DATOS"
    assert panel["puntajes"]["cuentas"] == [0] * 20
    assert panel["puntajes"]["promedio"] is None
    assert panel["decisiones"] == {"aprobar": 0, "revisar": 0, "rechazar": 0}
    assert (panel["cache"], panel["deriva"], panel["modelo"]) == (None, None, None)
    assert (panel["etapas"], panel["linea_de_tiempo"]) == ([], [])


def test_scores_and_decisions_are_those_of_the_window(
    kpis: KPITracker, alerts: AlertBook, clock: FakeClock
) -> None:
    kpis.record(0.01, probability=0.07, decision="aprobar")
    kpis.record(0.01, probability=1.0, decision="rechazar")
    panel = document(kpis, alerts)
    assert panel["puntajes"]["bordes"] == pytest.approx([edge / 20 for edge in range(21)])
    assert [place for place, count in enumerate(panel["puntajes"]["cuentas"]) if count] == [1, 19]
    assert panel["puntajes"]["promedio"] == pytest.approx(0.535)
    assert panel["decisiones"] == {"aprobar": 1, "revisar": 0, "rechazar": 1}
    clock.advance(301)
    assert document(kpis, alerts)["decisiones"]["aprobar"] == 0


def test_the_timeline_tells_when_and_how_much(kpis: KPITracker, alerts: AlertBook, clock: FakeClock) -> None:
    for second in range(4):
        for _ in range(second):
            kpis.record(0.01)
        kpis.record(0.5, outcome="error")
        clock.advance(1)
    moments = document(kpis, alerts)["linea_de_tiempo"]
    assert [moment["hace"] for moment in moments] == [3, 2, 1, 0]
    assert [moment["duracion"] for moment in moments] == [1, 1, 1, 1]
    assert [moment["predicciones_por_segundo"] for moment in moments] == [1, 2, 3, 4]
    assert [moment["errores_por_segundo"] for moment in moments] == [1, 1, 1, 1]
    assert moments[0]["p50"] is moments[0]["p95"] is None
    assert moments[3]["p95"] == pytest.approx(0.01, rel=0.01)


def test_a_full_window_has_sixty_moments_that_fill_it(
    kpis: KPITracker, alerts: AlertBook, clock: FakeClock
) -> None:
    clock.advance(1000)
    kpis.record(0.01)
    moments = document(kpis, alerts)["linea_de_tiempo"]
    assert len(moments) == 60
    assert moments[0]["hace"] + moments[0]["duracion"] == 299
    assert all(
        earlier["hace"] == pytest.approx(later["hace"] + later["duracion"])
        for earlier, later in pairwise(moments)
    )


def test_stages_have_spanish_names_and_percentiles(kpis: KPITracker, alerts: AlertBook) -> None:
    kpis.record_stages(validate=1e-5, predict=2e-5)
    stages = document(kpis, alerts)["etapas"]
    assert [stage["etapa"] for stage in stages] == ["validar", "predecir"]
    assert stages[1]["tiempos"]["p99"] == pytest.approx(2e-5, rel=0.01)
    assert list(stages[0]["tiempos"]) == ["muestras", "promedio", "p50", "p95", "p99"]


def test_alerts_are_those_that_persist_and_the_latest_that_ended(
    kpis: KPITracker, alerts: AlertBook, clock: FakeClock
) -> None:
    for place in range(12):
        alerts.set(f"vieja {place}", True, "info", "…")
        alerts.set(f"vieja {place}", False, "info", "…")
        clock.advance(1)
    alerts.set("memoria", True, "critical", "Memoria")
    panel = document(kpis, alerts)
    assert [alert["codigo"] for alert in panel["alertas_abiertas"]] == ["memoria"]
    assert [alert["codigo"] for alert in panel["alertas_cerradas"]] == [
        f"vieja {n}" for n in range(11, 1, -1)
    ]


def test_the_cache_shows_its_tiers_and_the_hit_rate_of_the_window(
    kpis: KPITracker, alerts: AlertBook
) -> None:
    cache: TieredCache[str, int] = TieredCache(1, 10)
    cache["a"], cache["b"] = 1, 2
    assert (cache["b"], cache.get("a"), cache.get("c")) == (2, 1, None)
    kpis.record(0.01, cached=True)
    kpis.record(0.01, cached=False)
    panel = document(kpis, alerts, cache=cache.stats())["cache"]
    assert panel["tasa_aciertos"] == 0.5
    assert [tier["nivel"] for tier in panel["niveles"]] == ["L1", "L2"]
    assert sum(tier["aciertos"] for tier in panel["niveles"]) == 2
    assert sum(tier["tamano"] for tier in panel["niveles"]) == 2
    assert panel["fallos"] == 1


def test_the_field_that_moved_most_comes_first_under_its_label(kpis: KPITracker, alerts: AlertBook) -> None:
    scorer = Scorer.default(policy=Policy(review_at=0.1, decline_at=0.9))
    assert scorer.drift_reference is not None
    drift = DriftMonitor(scorer.drift_reference, every=1)
    values = [None] * len(scorer.schema)
    values[0] = 85.0
    for _ in range(300):
        drift.observe(values, 0.5)
    panel = document(kpis, alerts, scorer=scorer, drift=drift.report())
    moved = panel["deriva"]["campos"]
    assert panel["deriva"]["registros"] == 300
    assert [field["psi"] for field in moved] == sorted((field["psi"] for field in moved), reverse=True)
    labels = {field.name: field.label for field in scorer.schema.fields}
    assert all(field["etiqueta"] == labels[field["campo"]] for field in moved)
    assert {field["estado"] for field in moved} == {"fuerte"}
    assert panel["deriva"]["puntaje"]["campo"] == "probabilidad"
    assert (panel["puntajes"]["revisar_desde"], panel["puntajes"]["rechazar_desde"]) == (0.1, 0.9)


def test_the_model_tells_who_it_is_and_what_was_proven(kpis: KPITracker, alerts: AlertBook) -> None:
    plan = Scorer.default().plan
    model = document(kpis, alerts, plan=plan, processes=3)
    assert model["procesos"] == 3
    assert model["modelo"] == {
        "modelo": "ahorro-valle-sintetico@1",
        "compilado": True,
        "forma": plan.form,
        "campos": 20,
        "latencia": plan.latency,
        "paridad_filas": plan.parity.rows,
        "paridad_diferencia": plan.parity.max_difference,
    }


def test_a_model_whose_parity_was_not_checked_says_nothing_of_it(kpis: KPITracker, alerts: AlertBook) -> None:
    plan = msgspec.structs.replace(Scorer.default().plan, parity=None)
    assert document(kpis, alerts, plan=plan)["modelo"]["paridad_filas"] is None


def heard(kpis: KPITracker, server: str, process: int, age: float) -> OtherProcess:
    """What a server that counts as `kpis` does tells of one of its processes."""
    told = standing_of(kpis.own, kpis.shape, kpis.clock(), kpis.wall())
    mirrored = MirroredCounts(told, kpis.clock(), kpis.wall())
    mirrored.hear(told, {})
    return OtherProcess(server, process, mirrored, age, b"")


def test_each_of_several_servers_is_shown(kpis: KPITracker) -> None:
    kpis.record(0.25)
    others = (heard(kpis, "b:1", 1, 40.0), heard(kpis, "b:1", 2, 12.0), heard(kpis, "a:1", 3, 0.5))
    sharing: Any = SimpleNamespace(server="c:1", others=others)
    own, *rest = server_panels(kpis, sharing, "abc", {"a:1": "def"})
    assert (own.name, own.own, own.predictions, own.model, own.silent) == ("c:1", True, 1, "abc", 0.0)
    assert own.p95 == pytest.approx(0.25, rel=0.01)
    assert [(found.name, found.own, found.silent, found.model, found.p95) for found in rest] == [
        ("a:1", False, 0.5, "def", None),
        ("b:1", False, 12.0, "", None),
    ]


def test_a_server_that_is_alone_shows_none(kpis: KPITracker) -> None:
    alone: Any = SimpleNamespace(server="c:1", others=())
    assert server_panels(kpis, None, "abc", {}) == server_panels(kpis, alone, "abc", {}) == ()
