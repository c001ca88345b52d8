"""The panel: all that the dashboard shows beside the live figures, as one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

import msgspec

from morosidad.alerts import Alert
from morosidad.kpis.counting.columns import SCORE_BINS
from morosidad.kpis.counts import ages
from morosidad.kpis.diagnosis import StageTimes
from morosidad.languages import say
from morosidad.policy.decision import DecisionOutcome

if TYPE_CHECKING:
    from morosidad.alerts import AlertBook
    from morosidad.cache.stats import CacheStats
    from morosidad.kpis import KPITracker
    from morosidad.kpis.counts import Counts
    from morosidad.kpis.server_sharing import ServerSharing
    from morosidad.monitoring.drift import DriftReport, FieldDrift
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.plan import Plan
    from morosidad.scoring.scorer import Scorer

_POINTS = 60
_SHOWN_ALERTS = 10


class Scores(msgspec.Struct, frozen=True):
    """The distribution of the probability of default.

    Attributes
    ----------
    edges : tuple of float
        Of the bins, one more than there are bins.
    counts : tuple of int
        Predictions in each bin.
    mean : float or None
        Mean probability.
    review_at, decline_at : float or None
        The policy's cut-offs.
    """

    edges: tuple[float, ...] = msgspec.field(name="bordes")
    counts: tuple[int, ...] = msgspec.field(name="cuentas")
    mean: float | None = msgspec.field(name="promedio")
    review_at: float | None = msgspec.field(name="revisar_desde", default=None)
    decline_at: float | None = msgspec.field(name="rechazar_desde", default=None)


class Tier(msgspec.Struct, frozen=True):
    """What a tier of the cache has answered, and how much it holds."""

    name: str = msgspec.field(name="nivel")
    hits: int = msgspec.field(name="aciertos")
    size: int = msgspec.field(name="tamano")


class CachePanel(msgspec.Struct, frozen=True):
    """What the cache does.

    Attributes
    ----------
    hit_rate : float or None
        Share of the window's lookups that were answered, in all processes.
    tiers : tuple of Tier
        Since the start, as the caches given report.
    stale, misses, evictions, expiries : int
        Answers past their time, lookups that found nothing, entries pushed out, entries whose time was over.
    """

    hit_rate: float | None = msgspec.field(name="tasa_aciertos")
    tiers: tuple[Tier, ...] = msgspec.field(name="niveles")
    stale: int = msgspec.field(name="vencidos")
    misses: int = msgspec.field(name="fallos")
    evictions: int = msgspec.field(name="desalojos")
    expiries: int = msgspec.field(name="caducados")


class FieldPanel(msgspec.Struct, frozen=True):
    """How far a field has moved; see `morosidad.monitoring.drift.FieldDrift`."""

    field: str = msgspec.field(name="campo")
    label: str = msgspec.field(name="etiqueta")
    psi: float
    noise: float = msgspec.field(name="ruido")
    state: str = msgspec.field(name="estado")


class DriftPanel(msgspec.Struct, frozen=True):
    """How far the score and each field have moved.

    Attributes
    ----------
    records : int
        Records that were looked at.
    score : FieldPanel
        The probability of default.
    fields : tuple of FieldPanel
        What moved most first.
    """

    records: int = msgspec.field(name="registros")
    score: FieldPanel = msgspec.field(name="puntaje")
    fields: tuple[FieldPanel, ...] = msgspec.field(name="campos")


class Stage(msgspec.Struct, frozen=True):
    """How long a stage takes, in seconds."""

    name: str = msgspec.field(name="etapa")
    times: StageTimes = msgspec.field(name="tiempos")


class Moment(msgspec.Struct, frozen=True):
    """A part of the window.

    Attributes
    ----------
    ago : float
        Seconds from its end to the end of the latest.
    seconds : float
        How long it lasted.
    rate, failures : float
        Predictions and failures per second.
    p50, p95 : float or None
        Percentiles of the seconds to an answer; None when nothing was answered.
    """

    ago: float = msgspec.field(name="hace")
    seconds: float = msgspec.field(name="duracion")
    rate: float = msgspec.field(name="predicciones_por_segundo")
    failures: float = msgspec.field(name="errores_por_segundo")
    p50: float | None
    p95: float | None


class ModelPanel(msgspec.Struct, frozen=True):
    """Who answers, and what was proven about it."""

    name: str = msgspec.field(name="modelo")
    compiled: bool = msgspec.field(name="compilado")
    form: str = msgspec.field(name="forma")
    fields: int = msgspec.field(name="campos")
    latency: float = msgspec.field(name="latencia")
    parity_rows: int | None = msgspec.field(name="paridad_filas")
    parity_difference: float | None = msgspec.field(name="paridad_diferencia")


class ServerPanel(msgspec.Struct, frozen=True):
    """What one of several servers does.

    Attributes
    ----------
    name : str
        Its name.
    own : bool
        Whether it is the one that answers.
    silent : float
        Seconds since it was heard of.
    predictions : int
        Its predictions in the window.
    rate : float
        The same, a second.
    p95 : float or None
        Percentile of the seconds to an answer; None when nothing was answered.
    model : str
        Digest of the model that answers there; empty where that is not known any more.
    """

    name: str = msgspec.field(name="servidor")
    own: bool = msgspec.field(name="propio")
    silent: float = msgspec.field(name="sin_noticias")
    predictions: int = msgspec.field(name="predicciones")
    rate: float = msgspec.field(name="predicciones_por_segundo")
    p95: float | None
    model: str = msgspec.field(name="modelo")


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """All that the dashboard shows beside the live figures.

    Attributes
    ----------
    timestamp : float
        Seconds since 1970.
    window : float
        Seconds that it covers.
    predictions : int
        Predictions in the window.
    state, recommendations
        As in the KPI document.
    scores, decisions, rules, cache, drift, stages, timeline, model
        Each part; None, or empty, where there is nothing.
    open_alerts, closed_alerts : tuple of Alert
        Those that persist, and the latest that ended, newest first.
    processes : int
        Server processes.
    servers : tuple of ServerPanel
        Each server, where several share their figures.
    """

    timestamp: float
    window: float = msgspec.field(name="ventana_segundos")
    predictions: int = msgspec.field(name="predicciones")
    state: str = msgspec.field(name="estado")
    recommendations: tuple[str, ...] = msgspec.field(name="recomendaciones")
    scores: Scores = msgspec.field(name="puntajes")
    decisions: dict[DecisionOutcome, int] = msgspec.field(name="decisiones")
    rules: dict[str, int] = msgspec.field(name="reglas")
    cache: CachePanel | None
    drift: DriftPanel | None = msgspec.field(name="deriva")
    stages: tuple[Stage, ...] = msgspec.field(name="etapas")
    timeline: tuple[Moment, ...] = msgspec.field(name="linea_de_tiempo")
    model: ModelPanel | None = msgspec.field(name="modelo")
    open_alerts: tuple[Alert, ...] = msgspec.field(name="alertas_abiertas")
    closed_alerts: tuple[Alert, ...] = msgspec.field(name="alertas_cerradas")
    processes: int = msgspec.field(name="procesos")
    servers: tuple[ServerPanel, ...] = msgspec.field(name="servidores", default=())


def make_panel(
    kpis: KPITracker,
    alerts: AlertBook,
    *,
    scorer: Scorer | None = None,
    plan: Plan | None = None,
    cache: CacheStats | None = None,
    drift: DriftReport | None = None,
    processes: int = 1,
    servers: tuple[ServerPanel, ...] = (),
) -> Panel:
    """Make the panel's document.

    Parameters
    ----------
    kpis : KPITracker
        What was counted, in all processes that share its file.
    alerts : AlertBook
        Open and closed alerts.
    scorer : Scorer, optional
        Whose cut-offs and labels to show.
    plan : Plan, optional
        What was proven of the model; asking a scorer for it measures, so it is given.
    cache : CacheStats, optional
        What the cache reports.
    drift : DriftReport, optional
        What the drift monitor reports.
    processes : int
        Server processes.
    servers : tuple of ServerPanel
        As `server_panels` makes them.

    Returns
    -------
    Panel
    """
    report, counts = kpis.report(alerts.language), kpis.counts()
    ended = [alert for alert in reversed(alerts.history) if alert.closed is not None]
    return Panel(
        timestamp=report.timestamp,
        window=kpis.window,
        predictions=report.predictions,
        state=report.state,
        recommendations=report.recommendations,
        scores=_scores(counts, None if scorer is None else scorer.policy),
        decisions=counts.decisions,
        rules=kpis.rules(),
        cache=None if cache is None else _cache(cache, counts.hit_rate),
        drift=None if drift is None else _drift(drift, _labels(scorer)),
        stages=tuple(
            Stage(say(alerts.language, f"service.{name}"), times) for name, times in kpis.stages().items()
        ),
        timeline=_timeline(kpis.timeline(_POINTS)),
        model=None if plan is None else _model(plan),
        open_alerts=alerts.active,
        closed_alerts=tuple(ended[:_SHOWN_ALERTS]),
        processes=processes,
        servers=servers,
    )


def server_panels(
    kpis: KPITracker, sharing: ServerSharing | None, own_model: str, models: Mapping[str, str]
) -> tuple[ServerPanel, ...]:
    """Describe each of several servers, this one first.

    Parameters
    ----------
    kpis : KPITracker
        The tracker of this one.
    sharing : ServerSharing or None
        What hears the others.
    own_model : str
        Digest of the model that answers here.
    models : mapping of str to str
        Those of the others, by the names of their servers.

    Returns
    -------
    tuple of ServerPanel
        Nothing where this one is alone.
    """
    if sharing is None or not sharing.others:
        return ()
    panels = [_server(sharing.server, kpis.here(), own_model, own=True)]
    for name in sorted({other.server for other in sharing.others}):
        processes = [other for other in sharing.others if other.server == name]
        tracker = kpis.only(other.counts.counts for other in processes)
        silent = min(other.age for other in processes)
        panels.append(_server(name, tracker, models.get(name, ""), silent=silent))
    return tuple(panels)


def _server(
    name: str, kpis: KPITracker, model: str, *, own: bool = False, silent: float = 0.0
) -> ServerPanel:
    counts = kpis.counts()
    (p95,) = counts.latency.quantiles((0.95,))
    return ServerPanel(name, own, silent, counts.total, counts.rate, None if isnan(p95) else p95, model)


def _scores(counts: Counts, policy: Policy | None) -> Scores:
    return Scores(
        edges=tuple(edge / SCORE_BINS for edge in range(SCORE_BINS + 1)),
        counts=counts.scores,
        mean=counts.mean_probability,
        review_at=None if policy is None else policy.review_at,
        decline_at=None if policy is None else policy.decline_at,
    )


def _labels(scorer: Scorer | None) -> dict[str, str]:
    """Give the label of each field; none without a scorer."""
    if scorer is None:
        return {}
    return {field.name: field.words_in(scorer.language).label for field in scorer.schema.fields}


def _cache(stats: CacheStats, hit_rate: float | None) -> CachePanel:
    tiers = (Tier("L1", stats.l1_hits, stats.l1_size), Tier("L2", stats.l2_hits, stats.l2_size))
    return CachePanel(hit_rate, tiers, stats.stale_hits, stats.misses, stats.evictions, stats.expiries)


def _drift(report: DriftReport, labels: dict[str, str]) -> DriftPanel:
    def shown(drift: FieldDrift) -> FieldPanel:
        return FieldPanel(
            drift.field, labels.get(drift.field, drift.field), drift.psi, drift.noise, drift.state
        )

    moved = sorted(report.fields, key=lambda drift: drift.psi, reverse=True)
    return DriftPanel(report.records, shown(report.score), tuple(map(shown, moved)))


def _timeline(parts: Sequence[Counts]) -> tuple[Moment, ...]:
    return tuple(_moment(part, ago) for part, ago in zip(parts, ages(parts), strict=True))


def _moment(part: Counts, ago: float) -> Moment:
    p50, p95 = (None if isnan(q) else q for q in part.latency.quantiles((0.5, 0.95)))
    return Moment(ago, part.seconds, part.rate, part.failures / part.seconds, p50, p95)


def _model(plan: Plan) -> ModelPanel:
    parity = plan.parity
    return ModelPanel(
        plan.model,
        plan.compiled,
        plan.form,
        plan.fields,
        plan.latency,
        None if parity is None else parity.rows,
        None if parity is None else parity.max_difference,
    )
