"""Logging configuration: the server's log to stderr, the access log to stdout."""

from __future__ import annotations

from typing import Any


def log_config(level: str) -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`.

    A line of the access log is one JSON object and nothing else, so that programs can read it.

    Parameters
    ----------
    level : str
        Of the log; the access log has a setting of its own.

    Returns
    -------
    dict
    """
    own = {"handlers": ["log"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "log": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "access": {"format": "%(message)s"},
        },
        "handlers": {
            "log": {"class": "logging.StreamHandler", "formatter": "log", "stream": "ext://sys.stderr"},
            "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"},
        },
        "loggers": {
            "morosidad": own,
            "uvicorn": own,
            "morosidad.asgi.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        },
    }
