"""``morosidad inspect``: the content of a model file."""

from __future__ import annotations

import argparse
from typing import Any

from morosidad.commands.options import add_opening, load_scorer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", help="model file")
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the model's plan, policy, training and fields."""
    import msgspec

    scorer = load_scorer(arguments)
    if arguments.json:
        facts = {
            "plan": scorer.plan,
            "digest": scorer.digest,
            "policy": scorer.policy,
            "training": scorer.training,
            "schema": scorer.schema.to_dict(),
        }
        print(msgspec.json.format(msgspec.json.encode(facts)).decode())
        return 0
    print(scorer.plan)
    print(f"{'digest':<8} {scorer.digest}")
    print(f"{'policy':<8} review at {scorer.policy.review_at:.0%}, decline at {scorer.policy.decline_at:.0%}")
    for name, value in _flat(scorer.training):
        print(f"{'trained':<8} {name}: {value}")
    for field in scorer.schema.fields:
        seen = field.observed
        usual = f"; seen {seen.low:.6g} to {seen.high:.6g}" if seen and seen.low is not None else ""
        print(f"{'field':<8} {field.name}{'*' if field.required else ''}: {field.expected}{usual}")
    return 0


def _flat(training: Any) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in training.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in inner:
            text = f"{number:.4f}" if isinstance(number, float) else str(number)
            rows.append((f"{name} {part}".strip(), text))
    return rows
