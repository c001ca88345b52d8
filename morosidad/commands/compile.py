"""``morosidad compile``: conversion of a fitted pipeline in a joblib file to a model file."""

from __future__ import annotations

import argparse
import sys
import warnings

from morosidad.commands.options import add_csv, add_model, check_output


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
        help="CSV file with rows of the kind that it was fitted on, best those themselves: for the schema, "
        "the comparison with scikit-learn, reasons and drift",
    )
    add_model(parser)
    add_csv(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile, compare, save; 1 when scikit-learn itself has to answer."""
    from morosidad.errors import NotCompiledWarning
    from morosidad.frames.csv_files import read_csv
    from morosidad.model_file.joblib_import import load_pipeline
    from morosidad.policy.cutoffs import Policy
    from morosidad.scoring.scorer import Scorer

    check_output(arguments.output, arguments.pipeline, arguments.reference)
    policy = Policy(review_at=arguments.review_at, decline_at=arguments.decline_at)
    pipeline = load_pipeline(arguments.pipeline, trust=arguments.trust)
    reference = None
    if arguments.reference:
        options = {"sep": arguments.sep, "encoding": arguments.encoding}
        reference = read_csv(arguments.reference, **options, progress=sys.stderr.isatty())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)  # the plan says it
        scorer = Scorer(
            pipeline,
            reference=reference,
            policy=policy,
            name=arguments.name,
            version=arguments.model_version,
        )
    scorer.save(arguments.output)
    plan = scorer.plan
    print(f"{plan}\nwritten: {arguments.output}")
    return 0 if plan.compiled else 1
