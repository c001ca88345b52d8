"""The straight way of ``POST /predecir``: answered where its last byte arrives, without a task of its own.

Only what ends well goes this way, and what there is no time for. Whatever else is to be refused, delayed,
recovered or traced gets no answer here, and takes the application's ordinary way from the beginning:
nothing was counted yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morosidad.asgi.endpoints.http import JSON, Call, Reply, refusal
from morosidad.asgi.endpoints.predictions import decided
from morosidad.asgi.guards.bodies import decode, record_of
from morosidad.asgi.problems import unavailable
from morosidad.asgi.service import SATURATED

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

PATH = "/predecir"


class DirectPath:
    """Answers decisions that take microseconds.

    Parameters
    ----------
    service : Service
        What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        settings = service.settings
        self._barred = service.limiter is not None or settings.server_access_log or service.spans.active

    def answer(self, scope: Any, body: bytes) -> tuple[Reply, bytes] | None:
        """Give the answer and the request's id, or None where the ordinary way must be taken."""
        service = self._service
        at_once = service.decides_inline
        if self._barred or not (at_once or service.full) or len(body) > service.settings.server_body_size:
            return None
        call = Call(service, PATH, scope)
        if not at_once or service.loop_load.overloaded:
            return refusal(unavailable(SATURATED), call), call.request_id
        if call.headers.get(b"content-type", JSON) != JSON:
            return None
        try:
            call.admit("score")
            record = record_of(decode(body))
            decision = service.scorer.score_nowait(record, call.request_id.decode())
        except Exception:
            return None
        return Reply(decided(decision, call)), call.request_id
