"""``morosidad serve``: a model on the wire, with a form and a live dashboard."""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import TYPE_CHECKING

from morosidad.commands.options import add_pickle, add_policy, read_key
from morosidad.commands.terminal.parsing import Parser
from morosidad.errors import SettingsError
from morosidad.languages import Language, say

if TYPE_CHECKING:
    from morosidad.settings import Settings


def add_arguments(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_argument("--model", help=parser.told("help_served_model"))
    add_policy(parser)
    parser.add_argument("--key-file", help=parser.told("help_key_file"))
    add_pickle(parser, parser.told("help_serve_pickle"))
    parser.add_argument("--host", help=parser.told("help_host"))
    parser.add_argument("--port", help=parser.told("help_port"))
    parser.add_argument("--workers", help=parser.told("help_workers"))
    parser.add_argument("--settings", help=parser.told("help_settings"))
    parser.add_argument(
        "--without-keys",
        action="store_true",
        help=parser.told("help_without_keys"),
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from morosidad.settings import Settings

    given = {
        "server_model": arguments.model,
        "server_policy": arguments.policy,
        "server_model_key": _key(arguments.key_file),
        "server_model_allow_pickle": "true" if arguments.allow_pickle else None,
        "server_host": arguments.host,
        "server_port": arguments.port,
        "server_processes": arguments.workers,
        "server_anonymous": "true" if arguments.without_keys else None,
        "language": arguments.language if arguments.chosen else None,
    }
    given = {name: value for name, value in given.items() if value is not None}
    settings = Settings.load(arguments.settings, os.environ, **given)
    environment = {f"MOROSIDAD_{name.upper()}": value for name, value in given.items()}
    if arguments.settings is not None:
        environment["MOROSIDAD_SETTINGS_FILE"] = arguments.settings
    from morosidad.asgi import load_scorer
    from morosidad.asgi.guards.connections import connection_limits
    from morosidad.asgi.runtime.server import (
        refuse_unprotected,
        refuse_unwritable_files,
        reserved_port,
        serve,
    )

    refuse_unprotected(settings)
    refuse_unwritable_files(settings)
    connection_limits(settings)
    with reserved_port(settings) as port:
        print(welcome(settings, load_scorer(settings).model, port), flush=True)
        serve(settings, environment, port)
    return 0


def _key(path: str | None) -> str | None:
    """Read a key as text, as settings hold it."""
    key = read_key(path)
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: a key of text in UTF-8 was expected"]) from None


def welcome(settings: Settings, model: str, port: int) -> str:
    """Say what is served, where, and what is kept."""
    host = f"[{settings.server_host}]" if ":" in settings.server_host else settings.server_host
    address = f"http://{host}:{port}"
    told = partial(_told, settings.language)
    shipped = "" if settings.server_model else told("sample")
    lines = {
        "model": f"{model}{shipped}",
        "form": f"{address}/",
        "dashboard": f"{address}/dashboard",
        "interface": f"{address}/openapi.json",
        "decisions": settings.audit_file or told("not_kept"),
        "keys": str(len(settings.server_api_keys) or told("none")),
    }
    return "\n".join(f"{told(name):<12}{value}" for name, value in lines.items())


def _told(language: Language, name: str) -> str:
    return say(language, f"commands.{name}")
