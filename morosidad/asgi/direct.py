"""The straight way of ``POST /predecir``: answered where its last byte arrives, without a task of its own.

Only what ends well goes this way. Whatever is to be refused, delayed, recovered or traced gets no answer
here, and takes the application's ordinary way from the beginning: nothing was counted yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.types import Message

from morosidad.asgi.bodies import decode, record_of
from morosidad.asgi.endpoint import JSON, Call
from morosidad.asgi.predictions import decided

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

PATH = "/predecir"


class Direct:
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

    def answer(self, scope: Any, body: bytes) -> tuple[bytes, bytes] | None:
        """Give the request's id and the body of the answer, or None where the ordinary way must be taken."""
        service = self._service
        if self._barred or not service.at_once or len(body) > service.settings.server_body_size:
            return None
        call = Call(service, PATH, scope, _no_body)
        if call.headers.get(b"content-type", JSON) != JSON:
            return None
        try:
            service.access.check(call.headers, service.access.client(scope), "score")
            call.check_id()
            record = record_of(decode(body))
            decision = service.scorer.score_nowait(record, call.request_id.decode())
        except Exception:
            return None
        return call.request_id, decided(decision, call)


async def _no_body() -> Message:
    raise NotImplementedError
