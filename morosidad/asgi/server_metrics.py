"""Metrics of the server itself: its version, its limits and how near them it is, its shared cache."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from morosidad._version import __version__
from morosidad.asgi.guards.rates import WEIGHTS
from morosidad.asgi.runtime.worker_processes import shared_tier_of

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from morosidad.asgi.service import Service

Teller = Callable[[str], str]


def server_metrics(service: Service, told: Teller) -> Iterator[Metric]:
    """Show what all models of a server share: version, connections, limits.

    Parameters
    ----------
    service : Service
        Of the model that is asked where none is named.
    told : callable
        Gives the text of a figure by its name.

    Yields
    ------
    Metric
        As prometheus-client takes them.
    """
    from prometheus_client.metrics_core import CounterMetricFamily, InfoMetricFamily

    yield InfoMetricFamily(
        "morosidad_version",
        told("help_version"),
        value={"version": __version__, "python": platform.python_version()},
    )
    others = service.processes.latest
    connections, failed = service.connections, service.failed_keys
    opened = len(connections) + sum(share.connections for share in others)
    yield _gauge("conexiones_abiertas", told("help_conexiones_abiertas"), [((), opened)])
    limits = {"proceso": connections.most, "direccion": connections.most_of_one}
    yield _gauge("conexiones_limite", told("help_conexiones_limite"), _by_one_label(limits), "ambito")
    throttled = failed.throttled + sum(share.throttled for share in others)
    yield CounterMetricFamily("morosidad_claves_frenadas", told("help_claves_frenadas"), value=throttled)
    limiter = service.limiter
    if limiter is not None:
        rates = {kind: limiter.per_minute * weight for kind, weight in WEIGHTS.items()}
        yield _gauge("limite_por_minuto", told("help_limite_por_minuto"), _by_one_label(rates), "clase")
        yield _gauge(
            "limite_almacen_disponible", told("help_limite_almacen_disponible"), [((), not limiter.failing)]
        )


def shared_tier_metrics(service: Service, told: Teller) -> Iterator[Metric]:
    """Show how the tier of the cache stands that servers share, where there is one; in all processes.

    Yields
    ------
    Metric
        As prometheus-client takes them.
    """
    from prometheus_client.metrics_core import CounterMetricFamily

    own = shared_tier_of(service.cache)
    if own is None:
        return
    tiers = [own, *(share.shared_tier for share in service.processes.latest if share.shared_tier)]
    available = all(tier.available for tier in tiers)
    yield _gauge("cache_compartida_disponible", told("help_cache_compartida_disponible"), [((), available)])
    for name, text, value in (
        ("fallos", told("help_cache_compartida_fallos"), sum(tier.failures for tier in tiers)),
        ("rechazadas", told("help_cache_compartida_rechazadas"), sum(tier.rejected for tier in tiers)),
    ):
        yield CounterMetricFamily(f"morosidad_cache_compartida_{name}", text, value=value)


def _by_one_label(values: dict[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((label,), value) for label, value in values.items()]


def _gauge(name: str, text: str, samples: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(f"morosidad_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family
