"""``morosidad audit``: verification and replay of a decision log."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morosidad.commands.options import add_opening, add_policy, check_output, load_scorer, read_key
from morosidad.commands.terminal.parsing import Parser, teller
from morosidad.errors import InvalidFrame, SettingsError

if TYPE_CHECKING:
    from morosidad.audit import ChainReport, ReplayReport


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar=parser.told("action"))
    check = _action(actions, parser, "verify")
    again = _action(actions, parser, "replay")
    again.add_argument("--model", required=True, help=parser.told("help_model"))
    add_policy(again)
    add_opening(again)
    out, one = _action(actions, parser, "export"), _action(actions, parser, "find")
    gone = _action(actions, parser, "forget")
    for action in (one, gone):
        action.add_argument("request_id", help=parser.told("help_request_id"))
    prune, archive = _action(actions, parser, "prune"), _action(actions, parser, "archive")
    prune.add_argument("--keep-files", type=int, help=parser.told("help_keep_files"))
    prune.add_argument("--keep-days", type=float, help=parser.told("help_keep_days"))
    for action in (check, again, out, one, gone, prune, archive):
        action.add_argument("log", help=parser.told("help_log"))
    out.add_argument("output", help=parser.told("help_export"))
    archive.add_argument("folder", help=parser.told("help_archive"))
    for action in (check, again, out, one):
        action.add_argument("--keys", help=parser.told("help_erasure_keys"))
    for action in (check, prune, archive):
        action.add_argument("--audit-key-file", help=parser.told("help_audit_key_file"))
    check.add_argument("--anchor", action="append", default=[], help=parser.told("help_anchor"))
    check.add_argument("--anchor-file", help=parser.told("help_anchor_file"))


def _action(actions: Any, parser: Parser, name: str) -> Parser:
    summary = parser.told(name)
    found: Parser = actions.add_parser(name, help=summary, description=summary, language=parser.language)
    return found


def run(arguments: argparse.Namespace) -> int:
    """Check each process's log; 1 when something is not as it should be."""
    from morosidad.audit import find_logs

    try:
        logs = find_logs(arguments.log)
        if not logs:
            raise InvalidFrame(f"{arguments.log}: there is no such log")
        others = {
            "export": _export,
            "find": _find,
            "forget": _forget,
            "prune": _take_away,
            "archive": _take_away,
        }
        if arguments.action in others:
            return others[arguments.action](logs, arguments)
        reports = _verify(logs, arguments) if arguments.action == "verify" else [_replay(logs, arguments)]
    except OSError as error:
        raise InvalidFrame(f"{error.filename}: the log can't be read: {error.strerror}") from None
    for report in reports:
        print(report.told(arguments.language))
    return 0 if all(report.ok for report in reports) else 1


def _verify(logs: list[Path], arguments: argparse.Namespace) -> Sequence[ChainReport | ReplayReport]:
    from morosidad.audit import verify
    from morosidad.audit.verification import digests_in

    key, anchors = read_key(arguments.audit_key_file), _anchors(arguments)
    held = [digests_in(path, anchors) for path in logs]
    held[0] |= anchors.difference(*held)  # those that no log holds are to be missed
    return [
        verify(path, key=key, anchor=some, keys=arguments.keys, language=arguments.language)
        for path, some in zip(logs, held, strict=True)
    ]


def _anchors(arguments: argparse.Namespace) -> set[str]:
    """Read the digests that were noted down: the last word of each line that begins no comment."""
    lines: list[str] = arguments.anchor
    if arguments.anchor_file is not None:
        try:
            lines = lines + Path(arguments.anchor_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidFrame(f"{arguments.anchor_file}: the anchors can't be read: {error}") from None
    digests = {line.split()[-1].lower() for line in lines if line.strip() and not line.startswith("#")}
    if wrong := [digest for digest in digests if not re.fullmatch("[0-9a-f]{64}", digest)]:
        raise InvalidFrame(f"an anchor is a digest of 64 hexadecimal digits, not {wrong[0]!r}")
    return digests


def _replay(logs: list[Path], arguments: argparse.Namespace) -> ReplayReport:
    from morosidad.audit import replay

    return replay(logs, load_scorer(arguments).score_one, keys=arguments.keys)


def _export(logs: list[Path], arguments: argparse.Namespace) -> int:
    """Write the decisions to a file of another kind."""
    from morosidad.audit import export
    from morosidad.audit.chain.paths import log_files

    files = [*(file for log in logs for file in log_files(log)), *filter(None, [arguments.keys])]
    check_output(arguments.output, *map(str, files))
    number = export(logs, arguments.output, keys=arguments.keys)
    print(teller(arguments)("exported", number=number, path=arguments.output))
    return 0


def _find(logs: list[Path], arguments: argparse.Namespace) -> int:
    """Print the decisions on one request as lines of JSON; 1 when there are none."""
    from msgspec.json import encode

    from morosidad.audit import find

    lines = find(logs, arguments.request_id, keys=arguments.keys)
    found = [encode(line).decode() for line in lines]
    print("\n".join(found) or teller(arguments)("not_found", request_id=arguments.request_id))
    return 0 if found else 1


def _forget(logs: list[Path], arguments: argparse.Namespace) -> int:
    """Destroy the keys of the decisions on one request; 1 when there are none."""
    from morosidad.audit import forget

    number = forget(logs[0], arguments.request_id)
    told = teller(arguments)
    if not number:
        print(told("nothing_forgotten", request_id=arguments.request_id))
        return 1
    print(told("forgotten", number=number, request_id=arguments.request_id))
    return 0


def _take_away(logs: list[Path], arguments: argparse.Namespace) -> int:
    """Delete old full files, or move all of them elsewhere; a signed stub stays."""
    from morosidad.audit.erasure.retention import archive, due_files, prune, remove_leftovers

    key, now, number = read_key(arguments.audit_key_file), time.time(), 0
    pruning = arguments.action == "prune"
    kept = (arguments.keep_files, arguments.keep_days) if pruning else (0, None)
    if kept == (None, None):
        raise SettingsError(["prune: --keep-files or --keep-days was expected"])
    if any(limit is not None and limit < 0 for limit in kept):
        raise SettingsError(["prune: --keep-files and --keep-days: 0 or more was expected"])
    for log in logs:
        remove_leftovers(log, key)
        due = due_files(log, keep_files=kept[0], keep_days=kept[1], now=now)
        if pruning:
            number += prune(log, due, key, now)
        else:
            number += archive(log, due, Path(arguments.folder), key, now)
        remove_leftovers(log, key)
    print(teller(arguments)("taken_away", number=number))
    return 0
