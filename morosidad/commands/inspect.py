"""``morosidad inspect``: the content of a model file."""

from __future__ import annotations

import argparse

from morosidad.commands.options import add_opening, load_scorer
from morosidad.commands.terminal.output import print_json
from morosidad.commands.terminal.parsing import Parser, teller


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", help=parser.told("help_model"))
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help=parser.told("help_json"))


def run(arguments: argparse.Namespace) -> int:
    """Print the model's plan, policy, training and fields."""
    import msgspec

    from morosidad.scoring.plan import in_columns

    scorer = load_scorer(arguments)
    if arguments.json:
        facts = {
            "plan": scorer.plan,
            "digest": scorer.digest,
            "policy": scorer.policy,
            "training": scorer.training.facts,
            "schema": scorer.schema.to_dict(),
        }
        print_json(msgspec.json.format(msgspec.json.encode(facts)).decode())
        return 0
    told, language = teller(arguments), arguments.language
    cutoffs = {"review": scorer.policy.review_at, "decline": scorer.policy.decline_at}
    rows = scorer.plan.rows(language)
    rows += [(told("digest"), scorer.digest), (told("policy_row"), told("policy_of", **cutoffs))]
    rows += [(told("trained"), f"{name}: {value}") for name, value in scorer.training.rows(language)]
    for field in scorer.schema.fields:
        seen = field.observed
        usual = told("seen", low=seen.low, high=seen.high) if seen and seen.low is not None else ""
        name = f"{field.name}{'*' if field.required else ''}"
        rows.append((told("field"), f"{name}: {field.expected_in(language)}{usual}"))
    print(in_columns(rows))
    print(scorer.training.told_table(language))
    return 0
