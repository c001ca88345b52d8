"""``morosidad key``: a new API key for the server."""

from __future__ import annotations

import argparse
import re


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", help="who it is for; it stands in logs and counts for limits")
    parser.add_argument(
        "--scopes", default="score", help="score, metrics, admin, separated by commas (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the key, which is shown once, and the line for the settings."""
    from morosidad.asgi.guards.keys import SCOPES, make_key
    from morosidad.errors import SettingsError

    scopes = arguments.scopes.split(",")
    problems = []
    if not re.fullmatch(r"[\w.-]+", arguments.name):
        problems.append("name: letters, digits or . _ - were expected")
    if not set(scopes) <= set(SCOPES):
        problems.append(f"--scopes: some of {', '.join(SCOPES)} were expected, with commas between")
    if problems:
        raise SettingsError(problems)
    key, line = make_key(arguments.name, scopes)
    print(f"key                 {key}\nserver_api_keys     {line}")
    return 0
