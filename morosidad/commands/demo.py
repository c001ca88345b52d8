"""``morosidad demo``: a few decisions, then latency and agreement with scikit-learn."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

RECORDS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--records", type=int, default=RECORDS, help="records to measure (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the synthetic applicants (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Decide, measure, compare; 2 when compiled and original differ."""
    from morosidad.schema.ahorro_valle import AHORRO_VALLE
    from morosidad.scoring.scorer import Scorer
    from morosidad.training.datasets import make_applicants

    scorer = Scorer.default()
    applicants = make_applicants(max(arguments.records, 5), seed=arguments.seed)[list(AHORRO_VALLE.names)]
    records = [_given(record) for record in applicants.to_dict("records")]
    print(f"Model {scorer.model}, trained on synthetic applicants. Five more of them:\n")
    for number, record in enumerate(records[:5], 1):
        _show(number, record, scorer.score_one(record))
    times = _measure(scorer.score_one, records)
    print(f"{len(records):,} records, one by one (validate, transform, predict, decide, four reasons):")
    print(f"  p50 {times[0]:.1f} µs   p95 {times[1]:.1f} µs   p99 {times[2]:.1f} µs\n")
    return _compare(scorer, applicants, records, times[0])


def _given(record: dict[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value == value and value is not None}


def _show(number: int, record: dict[str, Any], decision: Any) -> None:
    asked = f"{record['monto_credito']:,.0f} pesos over {record['plazo_meses']} months, age {record['edad']}"
    risk = f"probability of default {decision.probability:6.1%}"
    print(f"{number}. {decision.outcome.upper():<9} {risk}   ({asked})")
    for reason in decision.reasons:
        print(f"     {reason.code} {reason.text} (+{reason.contribution:.2f})")
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


def _compare(scorer: Any, applicants: Any, records: Sequence[Any], ours: float) -> int:
    import numpy as np

    from morosidad.training.shipped import train_pipeline

    print("The scikit-learn pipeline it came from, on one-row frames:")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = train_pipeline()
        frames = [applicants.iloc[[i]] for i in range(min(200, len(records)))]
        theirs = _measure(pipeline.predict_proba, frames)
        expected = pipeline.predict_proba(applicants)[:, 1]
    found = np.array([scorer.score_one(record).probability for record in records])
    gap = float(np.abs(found - expected).max())
    print(f"  p50 {theirs[0]:.0f} µs   p95 {theirs[1]:.0f} µs   p99 {theirs[2]:.0f} µs, predicting only\n")
    print(f"{theirs[0] / ours:.0f} times faster; largest difference in probability {gap:.1e}")
    if gap > 1e-9:
        print("The shipped model does not answer as its pipeline does.", file=sys.stderr)
        return 2
    return 0
