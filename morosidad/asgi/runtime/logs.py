"""Logging configuration: the server's log to stderr, the access log to stdout."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec


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
