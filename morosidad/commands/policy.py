"""``morosidad policy``: the check of a policy's file."""

from __future__ import annotations

import argparse
import sys

from morosidad.commands.options import add_csv, add_opening, load_scorer
from morosidad.commands.terminal.parsing import Parser, teller

MOST_PAIRS = 50
"""Pairs of rules that are shown."""


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar=parser.told("action"))
    summary = parser.told("check")
    check = actions.add_parser("check", help=summary, description=summary, language=parser.language)
    check.add_argument("file", help=parser.told("help_policy"))
    check.add_argument("--model", required=True, help=parser.told("help_model"))
    check.add_argument("--reference", help=parser.told("help_rule_rows"))
    add_opening(check)
    add_csv(check)


def run(arguments: argparse.Namespace) -> int:
    """Check the rules by a model's schema, and on rows; 1 where one never holds, or two contradict."""
    from morosidad.frames.files.tables import read_table
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.frame_path import by_field
    from morosidad.scoring.frames.rule_report import rule_report
    from morosidad.scoring.plan import in_columns

    told, policy = teller(arguments), Policy.load(arguments.file)
    scorer = load_scorer(arguments, policy)
    print(told("policy_sound", version=policy.version, digest=policy.digest, number=len(policy.rules)))
    if not arguments.reference:
        return 0
    options = {"sep": arguments.sep, "encoding": arguments.encoding}
    table = read_table(arguments.reference, **options, progress=sys.stderr.isatty())
    report = rule_report(scorer._model, by_field(scorer._model, table))
    rows = [
        (code, told("rule_fires", number=number, rows=report.rows, open=report.open[code]))
        for code, number in report.fired.items()
    ]
    rows += [(code, told("rule_never")) for code in report.never]
    for pair in report.pairs[:MOST_PAIRS]:
        words = told("rules_contradict" if pair.contradictory else "rules_overlap", number=pair.rows)
        rows.append((" + ".join(pair.codes), words))
    print(in_columns(rows))
    return 1 if report.never or any(pair.contradictory for pair in report.pairs) else 0
