"""``morosidad audit``: whether a decision log is whole, and whether a model still answers as it says."""

from __future__ import annotations

import argparse
from pathlib import Path

from morosidad.commands.options import add_opening, load_scorer, read_key
from morosidad.errors import InvalidFrame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("verify", help="find altered, removed or reordered lines, across rotations")
    again = actions.add_parser("replay", help="score the logged values again and name every difference")
    again.add_argument("--model", required=True, help="model file")
    add_opening(again)
    for action in (check, again):
        action.add_argument("log", help="the log, as AuditLog was given it")
    check.add_argument("--audit-key-file", help="file with the key of the chain")


def run(arguments: argparse.Namespace) -> int:
    """Check each process's log; 1 when something is not as it should be."""
    from morosidad.audit import find_logs

    logs = find_logs(Path(arguments.log))
    if not logs:
        raise InvalidFrame(f"{arguments.log}: there is no such log")
    return _verify(logs, arguments) if arguments.action == "verify" else _replay(logs, arguments)


def _verify(logs: list[Path], arguments: argparse.Namespace) -> int:
    from morosidad.audit import verify

    reports = [verify(path, key=read_key(arguments.audit_key_file)) for path in logs]
    for report in reports:
        print(report)
    return 0 if all(report.ok for report in reports) else 1


def _replay(logs: list[Path], arguments: argparse.Namespace) -> int:
    from morosidad.audit import replay

    scorer = load_scorer(arguments)
    report = replay(logs, scorer.score_one)
    print(report)
    return 0 if report.ok else 1
