from __future__ import annotations

import msgspec

from morosidad.kpis import KPITracker, LiveMetrics
from morosidad.monitoring.drift import DriftMonitor
from morosidad.scoring.scorer import Scorer
from support import FakeClock


def test_every_document_is_json_also_after_several_seconds(clock: FakeClock) -> None:
    kpis = KPITracker(clock=clock)
    live = LiveMetrics(kpis)
    for second in range(5):
        kpis.record(0.01, probability=0.3, cached=bool(second % 2))
        kpis.record(0.01, outcome="error")
        kpis.observe_resources(cpu=10.0, memory=20.0, connections=1, queue=0)
        clock.advance(1.3)
        assert msgspec.json.decode(msgspec.json.encode(live.tick()))
    for document in (kpis.report(), live.document(), kpis.stages()):
        assert msgspec.json.decode(msgspec.json.encode(document)) is not None


def test_a_drift_report_is_json() -> None:
    reference = Scorer.default().drift_reference
    assert reference is not None
    monitor = DriftMonitor(reference, every=1)
    scorer = Scorer.default(drift=monitor)
    scorer.score_one({"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24})
    assert msgspec.json.decode(msgspec.json.encode(monitor.report()))
