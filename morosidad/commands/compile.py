"""``morosidad compile``: conversion of a fitted pipeline in a joblib file to a model file."""

from __future__ import annotations

import argparse
import sys
import warnings

from morosidad.commands.options import add_csv, add_model, add_pickle, add_positive, check_output, read_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("pipeline", help="joblib file with the fitted pipeline")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="read the file although that runs whatever code it holds: only if you know who wrote it",
    )
    parser.add_argument(
        "--reference",
        help="CSV, Parquet, Arrow or JSON lines file with rows of the kind that it was fitted on, best "
        "those themselves: for the schema, "
        "the comparison with scikit-learn, reasons and drift",
    )
    parser.add_argument("--key-file", help="file with a key to sign the model file with")
    add_pickle(parser, "write what skops can't store as a pickle; needs --key-file, for writing and reading")
    add_positive(parser)
    add_model(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, compare, save; 1 when scikit-learn itself has to answer."""
    from morosidad.compiler.proof.asking import PLAIN_LABELS
    from morosidad.errors import NotCompiledWarning
    from morosidad.frames.tables import read_table
    from morosidad.model_file.joblib_import import load_pipeline
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.saving import check_pickle_key
    from morosidad.scoring.scorer import Scorer
    from morosidad.training.labels import label_named

    check_output(arguments.output, arguments.pipeline, arguments.reference, arguments.key_file)
    key = read_key(arguments.key_file)
    check_pickle_key(arguments.output, key, arguments.allow_pickle)
    policy = Policy(review_at=arguments.review_at, decline_at=arguments.decline_at)
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
    print(f"{plan}\nwritten: {arguments.output}")
    return 0 if plan.compiled else 1
