"""``morosidad train``: a model file and cross-validated figures from a file of applicants."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from morosidad.commands.options import add_csv, add_model, add_positive, check_output, policy_of
from morosidad.commands.terminal.parsing import Parser, teller
from morosidad.errors import InvalidFrame, SettingsError

if TYPE_CHECKING:
    from morosidad.schema.schema import Schema
    from morosidad.training.fitting import Trained


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    from morosidad.training.candidates.table import AUTO, MODELS

    parser.add_argument("data", help=parser.told("help_data"))
    parser.add_argument("--target", required=True, help=parser.told("help_target"))
    parser.add_argument(
        "--model",
        choices=MODELS,
        default=AUTO,
        help=parser.told("help_kind"),
    )
    parser.add_argument(
        "--prefer", choices=("best", "simple"), default="best", help=parser.told("help_prefer")
    )
    parser.add_argument("--groups", metavar="COLUMN", help=parser.told("help_groups"))
    parser.add_argument("--split", metavar="COLUMN", help=parser.told("help_split"))
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help=parser.told("help_time_limit"))
    parser.add_argument("--protected", default="", metavar="FIELDS", help=parser.told("help_protected"))
    parser.add_argument("--monotone", default="", metavar="FIELDS", help=parser.told("help_monotone"))
    parser.add_argument(
        "--missing",
        default="",
        metavar="CODES",
        help=parser.told("help_missing"),
    )
    add_positive(parser)
    add_model(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, measure, save."""
    from morosidad.policy.deciding import Deciding
    from morosidad.scoring.scorer import Scorer

    check_output(arguments.output, arguments.data)
    policy = policy_of(arguments)
    X, y, schema = _applicants(arguments)
    Deciding(policy, schema, "")  # rules that do not fit show before the work
    positive = _positive(arguments, y)
    trained = _trained(arguments, X, y, schema, positive)
    scorer = Scorer(
        trained.pipeline,
        schema=trained.schema,
        reference=trained.frame,
        policy=policy,
        name=arguments.name,
        version=arguments.model_version,
        positive=positive,
        training=trained.training,
    )
    scorer.save(arguments.output)
    told = teller(arguments)
    rate = trained.training["default_rate"]
    print(told("trained_on", rows=trained.training["rows"], fields=len(schema), rate=rate))
    print(trained.training.told(arguments.language))
    if names := [name for name in X if schema[name].kind == "category" and X[name].nunique() > len(X) / 2]:
        print(told("own_categories", names=", ".join(names)), file=sys.stderr)
    print(scorer.plan.told(arguments.language))
    print(told("written", path=arguments.output))
    return 0


def _applicants(arguments: argparse.Namespace) -> tuple[Any, Any, Schema]:
    """Read the file: fields, labels, and what a record is."""
    from morosidad.frames.files.cells import number_in
    from morosidad.frames.files.tables import read_table
    from morosidad.schema.schema import Schema
    from morosidad.schema.values import is_text

    codes = [text for text in arguments.missing.split(",") if text]
    if not all(map(is_text, codes)):
        raise SettingsError(["--missing: text was expected"])
    options = {"sep": arguments.sep, "encoding": arguments.encoding, "missing": codes}
    frame = read_table(arguments.data, **options, progress=sys.stderr.isatty())
    X, y = _split(frame, arguments.target)
    schema = Schema.infer(X, missing=[number_in(text) for text in codes])
    return X, y, schema.in_language(arguments.language)


def _positive(arguments: argparse.Namespace, y: Any) -> Any:
    """Find the label that means default; where it is not said, that shows before the work."""
    from morosidad.training.labels import count_labels, default_place, label_named

    labels, counts = count_labels(y)
    positive = label_named(arguments.positive, labels, counts)
    default_place(labels, positive, counts)
    return positive


def _trained(arguments: argparse.Namespace, X: Any, y: Any, schema: Schema, positive: Any) -> Trained:
    from morosidad.training.fitting import Search, train

    search = Search(
        arguments.model,
        arguments.prefer,
        tuple(text for text in arguments.protected.split(",") if text),
        time_limit=arguments.time_limit,
        progress=sys.stderr.isatty(),
    )
    return train(
        X,
        y,
        schema=schema,
        positive=positive,
        groups=arguments.groups,
        split=arguments.split,
        monotone=_directions(arguments.monotone),
        search=search,
    )


def _directions(text: str) -> dict[str, int]:
    """Read ``ingresos=-1,moras=1``."""
    pairs = [part.rpartition("=") for part in text.split(",") if part]
    problems = [
        f"--monotone: NAME=1 or NAME=-1 was expected, got {''.join(pair)!r}"
        for pair in pairs
        if not pair[0] or pair[2] not in ("1", "+1", "-1")
    ]
    if problems:
        raise SettingsError(problems)
    return {name.strip(): int(direction) for name, _, direction in pairs}


def _split(frame: Any, target: str) -> tuple[Any, Any]:
    if target not in frame.columns:
        raise InvalidFrame(
            f"there is no column {target!r}; there are: {', '.join(map(str, frame.columns))}", [target]
        )
    return frame.drop(columns=target), frame[target].to_numpy()
