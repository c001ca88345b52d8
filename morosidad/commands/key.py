"""``morosidad key``: a new API key for the server."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", help="who it is for; it stands in logs and counts for limits")
    parser.add_argument(
        "--scopes", default="score", help="score, metrics, admin, separated by commas (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the key, which is shown once, and the line for the settings."""
    from morosidad.asgi.keys import make_key
    from morosidad.settings import Settings

    key, line = make_key(arguments.name, arguments.scopes.split(","))
    Settings(server_api_keys=(line,))
    print(f"key                 {key}\nserver_api_keys     {line}")
    return 0
