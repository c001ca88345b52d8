"""The direct path of ``POST /predecir``: answered where its last byte arrives, without a task of its own.

It answers what takes microseconds: decisions, and what is refused. Whatever has to wait, be recovered or be
read by pieces gets no answer here and goes on in the ordinary endpoint, as the same `Call`: what was spent
on its admission is not spent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morosidad.asgi.endpoints.admission import admit
from morosidad.asgi.endpoints.call import JSON, Call, Reply
from morosidad.asgi.endpoints.predictions import decided
from morosidad.asgi.endpoints.responses import refusal
from morosidad.asgi.guards.bodies import decode, record_of
from morosidad.asgi.problems import Problem, told, unavailable
from morosidad.errors import InvalidRecord

if TYPE_CHECKING:
    from morosidad.asgi.endpoints.route import Route
    from morosidad.asgi.service import Service

DIRECT_CALL = "morosidad.direct_call"
"""ASGI extension: under ``call``, the `Call` of a request that the direct path could not answer."""


class DirectPath:
    """Answers decisions that take microseconds.

    Parameters
    ----------
    service : Service
        What answers.
    route : Route
        That of ``POST /predecir``.

    Attributes
    ----------
    url : bytes
        What is asked for, without a query.
    """

    def __init__(self, service: Service, route: Route) -> None:
        self.url: bytes = route.path.encode()
        self._service = service
        self._route = route

    @property
    def usable(self) -> bool:
        """Whether nothing looks at each request: no rate limit, no access log, no tracing."""
        service = self._service
        return service.limiter is None and not service.settings.server_access_log and not service.spans.active

    def call(self, client: Any, headers: list[tuple[bytes, bytes]]) -> Call:
        """Begin a request.

        Returns
        -------
        Call
            To be answered here, or to go on in the ordinary endpoint.
        """
        scope = {"type": "http", "method": "POST", "client": client, "headers": headers}
        return Call(self._service, self._route.path, scope)

    def answer(self, call: Call, body: bytes) -> Reply | None:
        """Answer a request, unless it has to go on in the ordinary endpoint.

        Returns
        -------
        Reply or None
            None for what is not answered here.
        """
        service = self._service
        inline = service.decides_inline
        if not self.usable:  # it was when the request began
            return None
        if not (inline or service.full) or len(body) > service.settings.server_body_size:
            return None
        if call.headers.get(b"content-type", JSON) != JSON:
            return None
        try:
            counted = admit(call, self._route)
            assert counted is None, "rates are counted in the ordinary endpoint"
            if not inline:
                raise unavailable(told("saturated"))
            record = record_of(decode(body))
            decision = service.scorer.score_nowait(record, call.request_id.decode())
        except (Problem, InvalidRecord) as error:
            return refusal(error, call)
        except Exception:
            return None
        return Reply(decided(decision, call))
