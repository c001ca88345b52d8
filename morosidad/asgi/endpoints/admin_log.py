"""The log of admin actions: one line for each attempt, whatever came of it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from morosidad.asgi.endpoints.call import Call, Reply

_logger = logging.getLogger("morosidad.asgi.admin")

_DONE, _REFUSED, _FAILED = "hecho", "rechazado", "fallo"


def log_action(call: Call, action: str, before: str, answer: Reply) -> None:
    """Write who did what, from where, from which model to which, and what came of it.

    Parameters
    ----------
    call : Call
        The request; its client is the name of the key, or the address where none was accepted.
    action : str
        What was asked for.
    before : str
        Digest of the model that was served when it was asked for.
    answer : Reply
        What is answered.
    """
    service = call.service
    line = {
        "hora": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "accion": action,
        "quien": call.client,
        "direccion": service.access.client(call.scope),
        "de": before,
        "a": service.scorer.digest,
        "resultado": _outcome(answer.status),
        "estado": answer.status,
        "request_id": call.request_id.decode(),
    }
    _logger.info("%s", msgspec.json.encode(line).decode())


def _outcome(status: int) -> str:
    if status >= 500:
        return _FAILED
    return _REFUSED if status >= 400 else _DONE
