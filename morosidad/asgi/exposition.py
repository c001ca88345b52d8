"""The Prometheus exposition: the tracker's figures, alerts, refusals, the decision log, the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from morosidad.alerts import Alert, AlertLevel
from morosidad.asgi.runtime.worker_processes import base_code, is_on_another_server
from morosidad.asgi.server_metrics import Teller, server_metrics, shared_tier_metrics
from morosidad.audit import AuditStats
from morosidad.kpis.prometheus import KPICollector
from morosidad.languages import Language, say

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from morosidad.asgi.service import Service

_LEVELS: tuple[AlertLevel, ...] = get_args(AlertLevel)


def exposition(service: Service) -> bytes:
    """Give all that a served scorer shows to Prometheus, as text."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(KPICollector(service.kpis.here(), service.language))
    registry.register(_ServiceCollector(service))
    registry.register(_ServerCollector(service))
    return generate_latest(registry)


class _ServiceCollector:
    """Collects what the service knows besides its figures."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        service = self._service
        told = partial(_told, service.language)
        yield _alerts(service.alerts.active, told)
        yield _refused(service, told)
        if service.audit is not None:
            shares = (share.log for share in service.processes.latest)
            yield from _log([service.audit.stats(), *(log for log in shares if log is not None)], told)
        yield from shared_tier_metrics(service, told)
        yield _model(service.scorer.model, service.scorer.digest, told)


class _ServerCollector:
    """Collects what belongs to the server, whatever it serves."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        yield from server_metrics(self._service, partial(_told, self._service.language))


def _told(language: Language, name: str) -> str:
    return say(language, f"service.{name}")


def _alerts(alerts: Iterable[Alert], told: Teller) -> Metric:
    """Show each code once, at its gravest level: which process opened it would make labels without end."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    gravest: dict[str, AlertLevel] = {}
    for alert in alerts:
        if is_on_another_server(alert.code):
            continue
        code = base_code(alert.code)
        known = gravest.get(code)
        if known is None or _LEVELS.index(alert.level) > _LEVELS.index(known):
            gravest[code] = alert.level
    family = GaugeMetricFamily(
        "morosidad_alerta",
        told("help_alerta"),
        labels=["codigo", "nivel"],
    )
    for code, level in gravest.items():
        family.add_metric([code, level], 1.0)
    return family


def _refused(service: Service, told: Teller) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily

    total = Counter(service.refused)
    for share in service.processes.latest:
        for route, code, number in share.refused:
            total[route, code] += number
    family = CounterMetricFamily(
        "morosidad_rechazos",
        told("help_rechazos"),
        labels=["ruta", "codigo"],
    )
    for labels, number in sorted(total.items()):
        family.add_metric(labels, float(number))
    return family


def _log(counts: Sequence[AuditStats], told: Teller) -> Iterator[Metric]:
    """Show the log of each process by its file, the name of which outlives the process."""
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    for kind, name, text, attribute in (
        (CounterMetricFamily, "escritas", told("help_registro_escritas"), "written"),
        (GaugeMetricFamily, "en_espera", told("help_registro_en_espera"), "waiting"),
        (CounterMetricFamily, "perdidas", told("help_registro_perdidas"), "lost"),
    ):
        family = kind(f"morosidad_registro_{name}", text, labels=["archivo"])
        for path in sorted({log.path for log in counts}):
            total = sum(getattr(log, attribute) for log in counts if log.path == path)
            family.add_metric([Path(path).name], float(total))
        yield family


def _model(identity: str, digest: str, told: Teller) -> Metric:
    from prometheus_client.metrics_core import InfoMetricFamily

    name, _, version = identity.rpartition("@")
    return InfoMetricFamily(
        "morosidad_modelo",
        told("help_modelo"),
        value={"nombre": name, "version": version, "huella": digest},
    )
