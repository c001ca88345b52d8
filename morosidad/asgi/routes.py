"""The route table: every path that is served, with its handler, its admission and its description.

The application and its OpenAPI document are both made from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from morosidad.asgi import openapi as shown
from morosidad.asgi.adjusting.adjuster import Adjusted, ShownSettings
from morosidad.asgi.endpoints import operations, predictions
from morosidad.asgi.endpoints.operations import Alive, Readiness, Version
from morosidad.asgi.endpoints.predictions import Validation, WouldChange
from morosidad.asgi.endpoints.route import Operation, Route, settings_digest
from morosidad.asgi.guards.keys import KeyScope
from morosidad.asgi.pages.panel import Panel
from morosidad.asgi.pages.site import Site
from morosidad.asgi.runtime.broadcast import Channel
from morosidad.asgi.runtime.reloading import Reloaded
from morosidad.kpis import KPIReport
from morosidad.kpis.live import LiveDocument

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_BUSY = ("E503", "E504")


class StreamRoute(NamedTuple):
    """One path that WebSockets are opened at.

    Attributes
    ----------
    path : str
        Its exact path.
    channel : Channel
        Whose messages are sent.
    scope : str
        The scope that a key must have.
    """

    path: str
    channel: Channel
    scope: KeyScope = "metrics"


def make_routes(service: Service) -> tuple[Route, ...]:
    """Make the table of the HTTP interface.

    Parameters
    ----------
    service : Service
        What answers.

    Returns
    -------
    tuple of Route
        Each path and method once.
    """
    routes = [*_decisions(), *_figures(), *_pages(service), *_health(), *_administration()]
    operation = Operation("descripcion", shown.any_object)
    routes.append(Route("GET", "/openapi.json", shown.Description(service, routes), operation))
    return tuple(routes)


def stream_routes(service: Service) -> tuple[StreamRoute, ...]:
    """Make the table of the WebSockets; it is empty where they are switched off.

    Parameters
    ----------
    service : Service
        Whose figures are sent.

    Returns
    -------
    tuple of StreamRoute
        Each path once.
    """
    if not (service.settings.websocket_enabled and service.settings.metrics_enabled):
        return ()
    return (
        StreamRoute("/ws/metricas", service.metrics_channel),
        StreamRoute("/ws/kpis", service.kpis_channel),
    )


def predict_route() -> Route:
    """Give the route of ``POST /predecir``, which the direct path serves too.

    Returns
    -------
    Route
        As in the table.
    """
    operation = Operation("predecir", shown.decision, shown.applicant, ("E002", *_BUSY))
    return Route("POST", "/predecir", predictions.predict, operation, "score", "score", work=True)


def _decisions() -> tuple[Route, ...]:
    batch = Operation("predecirLote", shown.decisions, shown.batch, _BUSY)
    validation = Operation(
        "validar",
        shown.struct(Validation, {"valido": True, "errores": [], "advertencias": []}),
        shown.any_applicant,
        ("E002",),
    )
    changes = Operation("queCambiaria", shown.struct(WouldChange), shown.question, ("E002", *_BUSY))
    ask = predictions.what_would_change
    return (
        predict_route(),
        Route("POST", "/que-cambiaria", ask, changes, "score", "score", work=True),
        Route("POST", "/predecir/lote", predictions.predict_batch, batch, "score", "score", work=True),
        Route("POST", "/validar", predictions.check, validation, "score", "form"),
    )


def _figures() -> tuple[Route, ...]:
    live = Operation("metricas", shown.struct(LiveDocument))
    report = Operation("kpis", shown.struct(KPIReport))
    exposition = Operation("prometheus", shown.text("text/plain"))
    return (
        Route("GET", "/api/metricas-tiempo-real", operations.metrics, live, "metrics", "metrics"),
        Route("GET", "/api/kpis", operations.kpis, report, "metrics", "metrics"),
        Route("GET", "/metrics", operations.prometheus, exposition, "metrics", "metrics"),
    )


def _pages(service: Service) -> tuple[Route, ...]:
    site = Site(service)
    form = Operation("formulario", shown.text("text/html"))
    dashboard = Operation("tablero", shown.text("text/html"))
    panel = Operation("panel", shown.struct(Panel))
    return (
        Route("GET", "/", site.form, form),
        Route("GET", "/dashboard", site.dashboard, dashboard),
        Route("GET", "/api/panel", site.panel, panel, "metrics", "metrics"),
    )


def _health() -> tuple[Route, ...]:
    readiness = shown.struct(Readiness)
    return (
        Route(
            "GET", "/salud/viva", operations.alive,
            Operation("viva", shown.struct(Alive)),
        ),
        Route(
            "GET", "/salud/lista", operations.ready,
            Operation("lista", readiness, unready=readiness),
        ),
        Route("GET", "/version", operations.version, Operation("version", shown.struct(Version))),
    )  # fmt: skip


def _administration() -> tuple[Route, ...]:
    reload = Operation("recargar", shown.struct(Reloaded), shown.nothing)
    adjust = Operation("ajustar", shown.struct(Adjusted), shown.nothing)
    settings = Operation("ajustes", shown.struct(ShownSettings))
    at = "/admin/ajustes"
    return (
        Route("POST", "/admin/recargar", operations.reload, reload, "admin", "admin"),
        Route("POST", at, operations.adjust, adjust, "admin", "admin", digest=settings_digest),
        Route("GET", at, operations.settings, settings, "admin", "admin", digest=settings_digest),
    )
