"""Logging: the server's log to stderr, the access log and admin actions to stdout."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

_admin_logger = logging.getLogger("morosidad.asgi.admin")
_DONE, _REFUSED, _FAILED = "hecho", "rechazado", "fallo"


class JsonFormatter(logging.Formatter):
    """Writes a record of the log as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record: when, how grave, who, and what; of an exception its text too."""
        line = {
            "hora": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "nivel": record.levelname,
            "origen": record.name,
            "mensaje": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_config(level: str, style: str = "text") -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`.

    A line of the access log is one JSON object and nothing else, so that programs can read it.

    Parameters
    ----------
    level : str
        Of the log; the access log has a setting of its own.
    style : {"text", "json"}
        How a line of the log is written; those of the access log and of admin actions are JSON always.

    Returns
    -------
    dict
    """
    own = {"handlers": ["log"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "log": {"()": JsonFormatter}
            if style == "json"
            else {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "access": {"format": "%(message)s"},
        },
        "handlers": {
            "log": {"class": "logging.StreamHandler", "formatter": "log", "stream": "ext://sys.stderr"},
            "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"},
        },
        "loggers": {
            "morosidad": own,
            "uvicorn": own,
            "morosidad.asgi.admin": {"handlers": ["access"], "level": "INFO", "propagate": False},
            "morosidad.asgi.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        },
    }


def write_action(
    action: str, *, who: str, before: str, after: str, status: int, address: str = "", request_id: str = ""
) -> None:
    """Write who did what, from where, and what came of it, as one line of JSON.

    Parameters
    ----------
    action : str
        What was asked for.
    who, address, request_id : str
        The name of a key or of a signal; where it came from, and under which id.
    before, after : str
        Digests of what may change by it, before and now.
    status : int
        The status of the answer, as of HTTP.
    """
    line = {
        "hora": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "accion": action,
        "quien": who,
        "direccion": address,
        "de": before,
        "a": after,
        "resultado": _outcome(status),
        "estado": status,
        "request_id": request_id,
    }
    _admin_logger.info("%s", msgspec.json.encode(line).decode())


def _outcome(status: int) -> str:
    if status >= 500:
        return _FAILED
    return _REFUSED if status >= 400 else _DONE
