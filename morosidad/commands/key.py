"""``morosidad key``: a new API key for the server."""

from __future__ import annotations

import argparse
import re

from morosidad.commands.terminal.parsing import Parser, teller


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", help=parser.told("help_name_of_key"))
    parser.add_argument("--scopes", default="score", help=parser.told("help_scopes"))


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
    print(f"{teller(arguments)('key_row'):<19} {key}\nserver_api_keys     {line}")
    return 0
