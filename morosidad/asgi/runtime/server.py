"""The uvicorn server: one process, or several that share a port and their figures."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from morosidad.asgi.guards.access import is_local_name
from morosidad.errors import MissingExtra, SettingsError
from morosidad.processes.paths import absolute, no_regular_file
from morosidad.settings import Settings

_GRACE_FOR_REQUESTS = 30
_PING = 10.0


def serve(settings: Settings, environment: Mapping[str, str], port: int) -> None:
    """Serve until a signal comes.

    Parameters
    ----------
    settings : Settings
        As `morosidad.asgi.app` will read them too.
    environment : mapping
        What to add to this process's environment, from which each server process reads its settings.
    port : int
        Where to listen, as `reserved_port` gives it.

    Raises
    ------
    SettingsError
        When a server without keys is to answer other machines and nothing says that this is meant.
    MissingExtra
        uvicorn is not installed.
    """
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise MissingExtra("the server", "server") from None
    refuse_unprotected(settings)
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="morosidad-") as folder:
        shared = {}
        if settings.server_processes > 1 and settings.kpi_file is None:
            shared = {"MOROSIDAD_KPI_FILE": str(Path(folder) / "kpi")}
        os.environ.update({**environment, **shared})
        _pass_hangup_on()
        uvicorn.run("morosidad.asgi:app", factory=True, **{**options(settings), "port": port})


def _leave(*_: object) -> None:
    """End well: uvicorn sends the signal once more when all is done."""
    sys.exit(0)


def _pass_hangup_on() -> None:
    """Have uvicorn's parent process hand SIGHUP to those that answer; it would replace each of them."""
    from uvicorn.supervisors import Multiprocess

    def hand_on(supervisor: Any) -> None:
        for process in supervisor.processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGHUP)

    setattr(Multiprocess, "handle_hup", hand_on)  # noqa: B010 - mypy lets nothing be assigned to a method


def options(settings: Settings) -> dict[str, Any]:
    """Give what uvicorn is run with: nothing forwarded is trusted, nothing about the server is told."""
    from morosidad.asgi.runtime.logs import log_config

    return {
        "host": settings.server_host,
        "port": settings.server_port,
        "workers": settings.server_processes,
        "loop": "morosidad.asgi.runtime.listening:new_event_loop",
        "http": "morosidad.asgi.endpoints.http_protocol:GuardedHTTPProtocol",
        "ws": "morosidad.asgi.endpoints.websocket_protocol:GuardedWebSocketProtocol",
        "ws_max_size": 4096,
        "ws_ping_interval": _PING,
        "ws_ping_timeout": _PING,
        "ws_per_message_deflate": False,
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_config": log_config(settings.log_level, settings.log_format),
        "timeout_graceful_shutdown": _GRACE_FOR_REQUESTS,
    }


def refuse_unprotected(settings: Settings) -> None:
    """Refuse to listen to other machines without keys, unless that is said in as many words."""
    if settings.server_api_keys or settings.server_anonymous or is_local_name(settings.server_host):
        return
    raise SettingsError(
        [
            f"server_host: without keys the server listens on loopback only, not on {settings.server_host}; "
            "set server_api_keys (see `morosidad key`), or server_anonymous to answer everybody"
        ]
    )


def refuse_unwritable_files(settings: Settings) -> None:
    """Refuse to start where the files that the server is to write have no place.

    Raises
    ------
    SettingsError
        With every setting that names such a file.
    """
    files = {"audit_file": settings.audit_file, "kpi_file": settings.kpi_file}
    lost = [name for name, file in files.items() if file is not None and not _has_place(Path(file))]
    if lost:
        raise SettingsError(
            [
                f"{name}: expected a file in a folder that is there and can be written to, and no link"
                for name in lost
            ]
        )


def _has_place(file: Path) -> bool:
    return (
        not no_regular_file(absolute(file))
        and not file.is_symlink()
        and file.parent.is_dir()
        and os.access(file.parent, os.W_OK | os.X_OK)
    )


@contextmanager
def reserved_port(settings: Settings) -> Iterator[int]:
    """Keep the port that the settings name for this process; 0 stands for any that is free.

    Linux lets a server listen on a port that another socket holds without listening; elsewhere
    the port is merely found to be free.

    Yields
    ------
    int
        The port, never 0.

    Raises
    ------
    SettingsError
        With what the system says, where another program listens already.
    """
    family = socket.AF_INET6 if ":" in settings.server_host else socket.AF_INET
    with socket.socket(family) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((settings.server_host, settings.server_port))
        except OSError as error:
            place = f"{settings.server_host}, port {settings.server_port}"
            raise SettingsError([f"server_port: can't listen on {place}: {error.strerror}"]) from None
        port: int = held.getsockname()[1]
        if sys.platform != "linux":
            held.close()
        yield port
