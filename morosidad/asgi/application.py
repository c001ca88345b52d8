"""The ASGI application: a scorer and its settings put behind the route table, with a lifespan."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from starlette import routing
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from morosidad.asgi.adjusting.hangup import OnHangup
from morosidad.asgi.endpoints.call import Call
from morosidad.asgi.endpoints.direct import DirectPath
from morosidad.asgi.endpoints.http import Endpoint
from morosidad.asgi.endpoints.responses import refusal, respond
from morosidad.asgi.endpoints.route import Route
from morosidad.asgi.endpoints.websockets import StreamEndpoint
from morosidad.asgi.pages.site import files
from morosidad.asgi.problems import not_routed
from morosidad.asgi.routes import make_routes, predict_route, stream_routes
from morosidad.asgi.service import Service
from morosidad.scoring.scorer import Scorer
from morosidad.settings import Settings


def create_app(
    scorer: Scorer, settings: Settings | None = None, *, reread: Callable[[], Settings] | None = None
) -> Starlette:
    """Make an ASGI application that serves a scorer.

    Parameters
    ----------
    scorer : Scorer
        Who decides. The parts that it lacks (cache, figures, recovery, decision log, drift) are made
        from the settings; it itself stays as it is.
    settings : Settings, optional
        Sizes, limits and keys; the defaults when not given. Nothing is read from the environment.
    reread : callable, optional
        Reads the settings from their sources again, on SIGHUP and for ``POST /admin/ajustes``.

    Returns
    -------
    Starlette
        Its lifespan starts and stops everything. ``app.state.service`` holds the scorer in use.

    Examples
    --------
    >>> from morosidad import Scorer, Settings
    >>> from starlette.testclient import TestClient
    >>> with TestClient(create_app(Scorer.default(), Settings(audit_file=None))) as client:
    ...     client.get("/salud/lista").json()["estado"]
    'lista'
    """
    settings = settings or Settings()
    service = Service(scorer, settings, reread)
    middleware = []
    if settings.server_origins:
        middleware = [
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.server_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "X-API-Key", "X-Request-ID", "Authorization"],
                expose_headers=["X-Request-ID", "Retry-After"],
            )
        ]
    app = _Application(
        routes=_mounted(service, make_routes(service)),
        middleware=middleware,
        lifespan=_lifespan,
        exception_handlers={HTTPException: _not_routed, Exception: _not_foreseen},
    )
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.streams = frozenset(route.path for route in stream_routes(service))
    app.state.direct = None if middleware else DirectPath(service, predict_route())
    return app


class _Application(Starlette):
    """Starlette, with a table in front of the router: every path here is an exact one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what the table knows straight to its endpoint, which answers whatever happens."""
        if scope["type"] == "http" and not self.user_middleware:
            endpoint = self.table.get((scope["method"], scope["path"]))
            if endpoint is not None:
                return await endpoint(scope, receive, send)
        return await super().__call__(scope, receive, send)

    @cached_property
    def table(self) -> dict[tuple[str, str], ASGIApp]:
        """The endpoints by method and path."""
        routes = [route for route in self.routes if isinstance(route, routing.Route)]
        return {(method, route.path): route.app for route in routes for method in route.methods or ()}


def _mounted(service: Service, routes: Sequence[Route]) -> list[routing.BaseRoute]:
    """Give Starlette's routes: the table's, the pages' files, and the WebSockets."""
    return [
        *_by_path(service, routes),
        *(routing.Route(path, file, methods=["GET"]) for path, file in files(service.language).items()),
        *(
            routing.WebSocketRoute(path, StreamEndpoint(service, channel, scope).serve)
            for path, channel, scope in stream_routes(service)
        ),
    ]


def _by_path(service: Service, routes: Sequence[Route]) -> list[routing.BaseRoute]:
    """Give one of Starlette's routes for each path, so that a wrong method is told all the right ones."""
    paths: dict[str, dict[str, ASGIApp]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = Endpoint(service, route)
    return [routing.Route(path, _Methods(found), methods=list(found)) for path, found in paths.items()]


class _Methods:
    """The endpoints of one path, by their methods."""

    def __init__(self, endpoints: dict[str, ASGIApp]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the method's endpoint answer; that of GET answers HEAD."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._endpoints[method](scope, receive, send)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.start()
    try:
        with _Signal(service), OnHangup(service.adjuster, lambda: service.settings):
            yield
    finally:
        await service.stop()
        if service.limiter is not None:
            await service.limiter.close()


class _Signal:
    """On SIGTERM new work is refused by name for a while, before the server's own handler stops listening."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGTERM)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGTERM, self._receive)

    def __exit__(self, *_: object) -> None:
        if self._before is not None and signal.getsignal(signal.SIGTERM) == self._receive:
            signal.signal(signal.SIGTERM, self._before)

    def _receive(self, number: int, frame: Any) -> None:
        if self._service.stopping:
            self._before(number, frame)
        else:
            self._loop.call_soon_threadsafe(self._drain, number)

    def _drain(self, number: int) -> None:
        self._service.drain()
        self._loop.call_later(self._service.settings.server_shutdown_grace, self._before, number, None)


class _Refused(Response):
    """The answer to what reached no endpoint."""

    def __init__(self, request: Request, error: Exception) -> None:
        super().__init__()
        service: Service = request.app.state.service
        self._call = Call(service, "?", request.scope, request.receive)
        self._call.client = service.access.client(request.scope)
        self._reply = refusal(error, self._call)

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Answer as an endpoint does."""
        await respond(self._call, self._reply, send)


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _Refused(request, not_routed(error.status_code, error.headers))


async def _not_foreseen(request: Request, error: Exception) -> Response:
    return _Refused(request, error)
