"""``morosidad audit``: verification and replay of a decision log."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morosidad.commands.options import add_opening, load_scorer, read_key
from morosidad.commands.terminal.parsing import Parser
from morosidad.errors import InvalidFrame

if TYPE_CHECKING:
    from morosidad.audit import ChainReport, ReplayReport


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar=parser.told("action"))
    check = _action(actions, parser, "verify")
    again = _action(actions, parser, "replay")
    again.add_argument("--model", required=True, help=parser.told("help_model"))
    add_opening(again)
    for action in (check, again):
        action.add_argument("log", help=parser.told("help_log"))
    check.add_argument("--audit-key-file", help=parser.told("help_audit_key_file"))


def _action(actions: Any, parser: Parser, name: str) -> Parser:
    summary = parser.told(name)
    found: Parser = actions.add_parser(name, help=summary, description=summary, language=parser.language)
    return found


def run(arguments: argparse.Namespace) -> int:
    """Check each process's log; 1 when something is not as it should be."""
    from morosidad.audit import find_logs

    logs = find_logs(Path(arguments.log))
    if not logs:
        raise InvalidFrame(f"{arguments.log}: there is no such log")
    try:
        reports = _verify(logs, arguments) if arguments.action == "verify" else [_replay(logs, arguments)]
    except OSError as error:
        raise InvalidFrame(f"{error.filename}: the log can't be read: {error.strerror}") from None
    for report in reports:
        print(report.told(arguments.language))
    return 0 if all(report.ok for report in reports) else 1


def _verify(logs: list[Path], arguments: argparse.Namespace) -> Sequence[ChainReport | ReplayReport]:
    from morosidad.audit import verify

    key = read_key(arguments.audit_key_file)
    return [verify(path, key=key, language=arguments.language) for path in logs]


def _replay(logs: list[Path], arguments: argparse.Namespace) -> ReplayReport:
    from morosidad.audit import replay

    return replay(logs, load_scorer(arguments).score_one)
