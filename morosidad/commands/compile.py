"""``morosidad compile``: conversion of a fitted pipeline in a joblib file to a model file."""

from __future__ import annotations

import argparse
import sys
import warnings

from morosidad.commands.options import (
    add_csv,
    add_model,
    add_pickle,
    add_positive,
    check_output,
    policy_of,
    read_key,
)
from morosidad.commands.terminal.parsing import Parser, teller


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("pipeline", help=parser.told("help_pipeline"))
    parser.add_argument(
        "--trust",
        action="store_true",
        help=parser.told("help_trust_file"),
    )
    parser.add_argument("--reference", help=parser.told("help_reference"))
    parser.add_argument("--key-file", help=parser.told("help_sign_key_file"))
    add_pickle(parser, parser.told("help_write_pickle"))
    add_positive(parser)
    add_model(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, compare, save; 1 when scikit-learn itself has to answer."""
    from morosidad.compiler.proof.asking import PLAIN_LABELS
    from morosidad.errors import NotCompiledWarning
    from morosidad.frames.files.tables import read_table
    from morosidad.model_file.joblib_import import load_pipeline
    from morosidad.scoring.saving import check_pickle_key
    from morosidad.scoring.scorer import Scorer
    from morosidad.training.labels import label_named

    check_output(arguments.output, arguments.pipeline, arguments.reference, arguments.key_file)
    key = read_key(arguments.key_file)
    check_pickle_key(arguments.output, key, arguments.allow_pickle)
    policy = policy_of(arguments)
    pipeline = load_pipeline(arguments.pipeline, trust=arguments.trust)
    reference = None
    if arguments.reference:
        options = {"sep": arguments.sep, "encoding": arguments.encoding}
        reference = read_table(arguments.reference, **options, progress=sys.stderr.isatty())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)  # the plan says it
        scorer = Scorer(
            pipeline,
            reference=reference,
            policy=policy,
            name=arguments.name,
            version=arguments.model_version,
            positive=label_named(arguments.positive, getattr(pipeline, "classes_", PLAIN_LABELS)),
        )
    scorer.save(arguments.output, key, allow_pickle=arguments.allow_pickle)
    plan = scorer.plan
    print(plan.told(arguments.language))
    print(teller(arguments)("written", path=arguments.output))
    return 0 if plan.compiled else 1
