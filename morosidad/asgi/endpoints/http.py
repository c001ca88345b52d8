"""HTTP endpoints: a request is admitted, handled and answered, whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from morosidad.asgi.endpoints.admission import admit
from morosidad.asgi.endpoints.call import Call
from morosidad.asgi.endpoints.direct import DIRECT_CALL
from morosidad.asgi.endpoints.responses import log_action, refusal, respond
from morosidad.asgi.endpoints.route import Route
from morosidad.asgi.guards.bodies import ClientGone

if TYPE_CHECKING:
    from morosidad.asgi.service import Service


class Endpoint:
    """An ASGI application around the handler of a route.

    Parameters
    ----------
    service : Service
        What answers.
    route : Route
        What is asked for.
    """

    def __init__(self, service: Service, route: Route) -> None:
        self._service = service
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = self._call(scope, receive)
        before = self._route.digest(self._service) if self._route.scope == "admin" else ""
        with self._service.spans.span(scope["method"], self._route.path, call.headers) as span:
            try:
                counted = admit(call, self._route)
                if counted is not None:
                    await counted
                answer = await self._route.handler(call)
            except ClientGone:
                return
            except Exception as error:
                answer = refusal(error, call)
            if span is not None:
                span.answered(answer.status)
        if self._route.scope == "admin":
            after = self._route.digest(self._service)
            log_action(call, self._route.operation.name, before, after, answer)
        await respond(call, answer, send)

    def _call(self, scope: Scope, receive: Receive) -> Call:
        """Go on with the request that the direct path has begun, or begin one."""
        begun: Call | None = scope.get("extensions", {}).get(DIRECT_CALL, {}).get("call")
        if begun is None:
            return Call(self._service, self._route.path, scope, receive)
        begun.resume(scope, receive)
        return begun
