"""Endpoints for operators: figures, probes, reload, settings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from morosidad._version import __version__
from morosidad.asgi.endpoints.call import Call, Reply, reply
from morosidad.asgi.exposition import exposition
from morosidad.asgi.guards.bodies import decode
from morosidad.asgi.problems import bad_request, told
from morosidad.asgi.service import BATCHED, INLINE, READY, STARTING, STOPPED, STOPPING


def _one_of(*words: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": words})


class Alive(msgspec.Struct, frozen=True):
    """That the process answers."""

    estado: Literal["viva"] = "viva"


class Readiness(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the server takes work, and what warm-up found."""

    estado: Annotated[str, _one_of(STARTING, READY, STOPPING, STOPPED)]
    modelo: str | None = None
    huella: str | None = None
    modo: Annotated[str, _one_of(INLINE, BATCHED)] | None = None
    compilado: bool | None = None
    latencia: float | None = None
    version: str | None = None


class Version(msgspec.Struct, frozen=True):
    """Which version of the library answers."""

    version: str = __version__


async def version(_: Call) -> Reply:
    """``GET /version``: which version of the library answers."""
    return reply(Version())


async def metrics(call: Call) -> Reply:
    """``GET /api/metricas-tiempo-real``: the figures of this moment and of the last minute."""
    return reply(await call.service.background.run(call.service.live.document))


async def kpis(call: Call) -> Reply:
    """``GET /api/kpis``: the report of the window."""
    return reply(await call.service.background.run(call.service.kpis.report, call.service.language))


async def prometheus(call: Call) -> Reply:
    """``GET /metrics``: the figures for Prometheus."""
    text = await call.service.background.run(exposition, call.service)
    return Reply(text, media_type=b"text/plain; version=0.0.4; charset=utf-8")


async def alive(_: Call) -> Reply:
    """``GET /salud/viva``: the process answers."""
    return reply(Alive())


async def ready(call: Call) -> Reply:
    """``GET /salud/lista``: 200 when work is taken, else 503; what is served, for those who may know."""
    service, plan = call.service, call.service.plan
    document = Readiness(service.state)
    if service.access.knows(call.headers) and plan is not None:
        document = Readiness(
            service.state,
            modelo=service.scorer.model,
            huella=service.scorer.digest,
            modo=service.mode,
            compilado=plan.compiled,
            latencia=plan.latency,
            version=__version__,
        )
    return reply(document, 200 if service.state == READY else 503)


async def settings(call: Call) -> Reply:
    """``GET /admin/ajustes``: the settings that may change while the server runs."""
    return reply(call.service.adjuster.shown())


async def adjust(call: Call) -> Reply:
    """``POST /admin/ajustes``: the settings from their sources again, as one step."""
    body = await call.body()
    if body and decode(body) != {}:
        raise bad_request(told("adjusting_takes_nothing"))
    return reply(await call.service.adjuster.adjust())


async def reload(call: Call) -> Reply:
    """``POST /admin/recargar``: the model file anew, as one step."""
    body = await call.body()
    if body and decode(body) != {}:
        raise bad_request(told("reload_takes_nothing"))
    return reply(await call.service.reloader.reload(call.service.workers.io))
