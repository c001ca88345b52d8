"""``morosidad demo``: a few decisions, then latency and agreement with scikit-learn."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from morosidad.commands.terminal.parsing import Parser, teller
from morosidad.languages import say, write_number

RECORDS = 10_000


def add_arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("--records", type=int, default=RECORDS, help=parser.told("help_records"))
    parser.add_argument("--seed", type=int, default=7, help=parser.told("help_seed"))


def run(arguments: argparse.Namespace) -> int:
    """Decide, measure, compare; 2 when compiled and original differ."""
    from morosidad.schema.ahorro_valle import AHORRO_VALLE
    from morosidad.scoring.scorer import Scorer
    from morosidad.training.datasets import make_applicants

    told = teller(arguments)
    scorer = Scorer.default(language=arguments.language)
    applicants = make_applicants(max(arguments.records, 5), seed=arguments.seed)[list(AHORRO_VALLE.names)]
    records = [_given(record) for record in applicants.to_dict("records")]
    print(told("demo_model", model=scorer.model), end="\n\n")
    for number, record in enumerate(records[:5], 1):
        _show(number, record, scorer.score_one(record), arguments)
    times = _measure(scorer.score_one, records)
    print(told("demo_records", number=len(records)))
    print(f"  p50 {times[0]:.1f} µs   p95 {times[1]:.1f} µs   p99 {times[2]:.1f} µs\n")
    return _compare(scorer, applicants, records, times[0], told)


def _given(record: dict[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value == value and value is not None}


def _show(number: int, record: dict[str, Any], decision: Any, arguments: argparse.Namespace) -> None:
    told, outcome = teller(arguments), say(arguments.language, f"records.{decision.outcome}")
    wish = {"amount": record["monto_credito"], "months": record["plazo_meses"], "age": record["edad"]}
    risk = told("demo_probability", probability=decision.probability)
    print(f"{number}. {outcome.upper():<9} {risk}   ({told('demo_asked', **wish)})")
    for reason in decision.reasons:
        share = write_number(arguments.language, reason.contribution, "+.2f")
        print(f"     {reason.code} {reason.text} ({share})")
    print()


def _measure(decide: Callable[[Any], Any], records: Sequence[Any]) -> tuple[float, float, float]:
    """Time each call and give the 50th, 95th and 99th percentile in microseconds."""
    import numpy as np

    clock, took = time.perf_counter_ns, []
    for record in records:
        start = clock()
        decide(record)
        took.append(clock() - start)
    p50, p95, p99 = (np.percentile(took, [50, 95, 99]) / 1000).tolist()
    return p50, p95, p99


def _compare(
    scorer: Any, applicants: Any, records: Sequence[Any], ours: float, told: Callable[..., str]
) -> int:
    import numpy as np

    from morosidad.training.shipped import train_pipeline

    print(told("demo_original"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = train_pipeline()
        frames = [applicants.iloc[[i]] for i in range(min(200, len(records)))]
        theirs = _measure(pipeline.predict_proba, frames)
        expected = pipeline.predict_proba(applicants)[:, 1]
    found = np.array([scorer.score_one(record).probability for record in records])
    gap = float(np.abs(found - expected).max())
    figures = f"p50 {theirs[0]:.0f} µs   p95 {theirs[1]:.0f} µs   p99 {theirs[2]:.0f} µs"
    print(f"  {figures}, {told('demo_only')}\n")
    print(told("demo_faster", times=theirs[0] / ours, gap=gap))
    if gap > 1e-9:
        print(told("demo_differs"), file=sys.stderr)
        return 2
    return 0
