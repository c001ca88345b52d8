"""The endpoints of the pages: addresses, security headers, and what is cached between requests."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from morosidad.asgi.endpoints.call import HTML, Call, Reply
from morosidad.asgi.pages.assets import REVALIDATE, Asset, assets
from morosidad.asgi.pages.panel import make_panel, server_panels
from morosidad.asgi.pages.rendering import dashboard_page, form_page
from morosidad.asgi.runtime.worker_processes import all_cache_stats, all_drift
from morosidad.languages import Language

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PANEL_AGE = 1.0


class Site:
    """Answers for the pages of one service.

    Parameters
    ----------
    service : Service
        Whose pages they are.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._form = ("", Asset("form.html", b""))
        self._panel = (float("-inf"), b"")

    async def form(self, call: Call) -> Reply:
        """``GET /``: the form."""
        scorer = self._service.scorer
        digest = scorer._model.decision_digest  # of now: another may come in while the page is made
        if self._form[0] != digest:
            text = await self._service.background.run(form_page, scorer)
            self._form = (digest, Asset("form.html", text.encode(), REVALIDATE))
        return _page(call, self._form[1])

    async def dashboard(self, call: Call) -> Reply:
        """``GET /dashboard``: the dashboard."""
        return _page(call, await self._service.background.run(_dashboard, self._service.language))

    async def panel(self, _: Call) -> Reply:
        """``GET /api/panel``: what the dashboard shows beside the live figures, at most a second old."""
        made, body = self._panel
        if time.monotonic() - made >= _PANEL_AGE:
            body = await self._service.background.run(self._make_panel)
            self._panel = (time.monotonic(), body)
        return Reply(body)

    def _make_panel(self) -> bytes:
        service = self._service
        scorer, kept, others = service.scorer, service.cache, service.processes.everywhere
        models = {told.server: told.model for told in service.processes.elsewhere}
        panel = make_panel(
            service.kpis,
            service.alerts,
            scorer=scorer,
            plan=service.plan,
            cache=all_cache_stats(None if kept is None else kept.stats(), others),
            drift=all_drift(scorer.parts.get("drift"), scorer.digest, others),
            processes=service.settings.server_processes,
            servers=server_panels(service.kpis, service.processes.servers, scorer.digest, models),
        )
        return msgspec.json.encode(panel)


class File:
    """An ASGI application that answers with one file.

    Parameters
    ----------
    asset : Asset
        The file.
    """

    def __init__(self, asset: Asset) -> None:
        self._asset = asset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; in a thread, since the first one compresses."""
        headers = Headers(scope=scope)
        accepted, known = headers.get("accept-encoding", ""), headers.get("if-none-match", "")
        status, given, body = await asyncio.to_thread(self._asset.answer, accepted, known)
        await Response(body, status, headers={**given, **SECURITY})(scope, receive, send)


def files(language: Language = "es") -> dict[str, File]:
    """Give what answers for each file, by its address.

    Parameters
    ----------
    language : {'es', 'en', 'pt'}
        Of the texts that the scripts write.

    Returns
    -------
    dict of str to File

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    found = assets(language)
    return {found.path(name): File(asset) for name, asset in found.items()}


@cache
def _dashboard(language: Language) -> Asset:
    return Asset("dashboard.html", dashboard_page(language).encode(), REVALIDATE)


def _page(call: Call, asset: Asset) -> Reply:
    """Answer with a page: always whole, since it is small and names the version of its files."""
    _, given, body = asset.answer(call.headers.get(b"accept-encoding", b"").decode("latin-1"))
    headers = {**given, **SECURITY}
    del headers["Content-Type"]  # the reply names it
    return Reply(
        body, media_type=HTML, headers=[(n.lower().encode(), v.encode()) for n, v in headers.items()]
    )
