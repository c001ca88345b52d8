"""What counting a prediction and reporting cost, beside one prometheus-client histogram.

``python benchmarks/bench_kpis.py`` prints the ratios; ``pytest benchmarks/bench_kpis.py`` guards against
regressions.
"""

from __future__ import annotations

import random
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

import pytest

from measuring import full, installed
from morosidad.kpis import KPITracker
from morosidad.kpis.live import LiveMetrics
from morosidad.monitoring.drift import DriftMonitor
from morosidad.monitoring.drift_reference import DriftReference

ROUNDS = full(15, 1)


def full_tracker(**options: object) -> KPITracker:
    """A tracker whose window is full of all that can be recorded."""
    now = [0.0]
    tracker = KPITracker(clock=lambda: now[0], wall=lambda: 1.7e9 + now[0], **options)
    draw = random.Random(1)
    for _ in range(301):
        now[0] += 1
        for _ in range(20):
            tracker.record(
                draw.lognormvariate(-7, 1.5), probability=draw.random(), cached=draw.random() < 0.5
            )
        tracker.record_stages(validate=1e-5, cache=2e-6, predict=1e-4, decide=3e-6)
        tracker.observe_resources(cpu=40, memory=50, connections=5, queue=1)
    return tracker


def every_quantity(tracker: KPITracker) -> Callable[[], None]:
    record = tracker.record
    return lambda: record(0.0123, outcome="ok", probability=0.23, label=0, decision="revisar", cached=False)


def with_stages(tracker: KPITracker) -> Callable[[], None]:
    """What a scorer does for each prediction: all quantities, and the stages of a sample."""
    record, time_stages, record_stages = tracker.record, tracker.time_stages, tracker.record_stages

    def work() -> None:
        if time_stages():
            record_stages(validate=1e-5, cache=2e-6, predict=1e-4, decide=3e-6)
        record(0.0123, outcome="ok", probability=0.23, label=0, decision="revisar", cached=False)

    return work


def drift(every: int) -> Callable[[], None]:
    draw = random.Random(1)
    columns: dict[str, list[object]] = {f"n{n}": [draw.random() for _ in range(2000)] for n in range(12)}
    columns |= {f"c{n}": [draw.choice("abcdef") for _ in range(2000)] for n in range(5)}
    reference = DriftReference.measure(columns, [draw.random() for _ in range(2000)])
    observe = DriftMonitor(reference, every=every).observe
    values = tuple(column[0] for column in columns.values())
    return lambda: observe(values, 0.3)


def histogram() -> Callable[[], None]:
    from prometheus_client import CollectorRegistry, Histogram

    observe = Histogram("seconds", "…", registry=CollectorRegistry()).observe
    return lambda: observe(0.0123)


def test_histogram_of_prometheus_client(benchmark) -> None:
    pytest.importorskip("prometheus_client")
    benchmark(histogram())


def test_record(benchmark) -> None:
    benchmark(every_quantity(KPITracker()))


def test_record_with_stages(benchmark) -> None:
    benchmark(with_stages(KPITracker()))


def test_report(benchmark) -> None:
    benchmark(full_tracker().report)


def test_drift(benchmark) -> None:
    benchmark(drift(every=10))


def best(works: dict[str, Callable[[], object]], number: int) -> dict[str, float]:
    """Return the best seconds of each, measured in turns so that a busy moment hits all alike."""
    timers = {name: timeit.Timer(work) for name, work in works.items()}
    rounds = [{name: timer.timeit(number) / number for name, timer in timers.items()} for _ in range(ROUNDS)]
    return {name: min(times[name] for times in rounds) for name in works}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shared = KPITracker(shared=Path(folder) / "two", processes=2)
        alone = KPITracker()
        works: dict[str, Callable[[], object]] = {
            **(
                {"prometheus-client Histogram.observe": histogram()} if installed("prometheus_client") else {}
            ),
            "record: seconds alone": lambda: alone.record(0.0123),
            "record: every quantity": every_quantity(KPITracker()),
            "record: every quantity, stages of a sample": with_stages(KPITracker()),
            "record: every quantity, shared file": every_quantity(shared),
            "drift of 17 fields, one record in ten": drift(every=10),
            "drift of 17 fields, each record": drift(every=1),
        }
        times = best(works, number=full(20_000, 200))
        observe = next(iter(times.values()))
        for name, seconds in times.items():
            print(f"{name:45}{seconds * 1e9:9.0f} ns {seconds / observe:6.2f} x")

        filled, merged = full_tracker(), full_tracker()
        eight = [full_tracker(shared=Path(folder) / "eight", processes=8) for _ in range(8)]
        reports: dict[str, Callable[[], object]] = {
            "report on a full window": filled.report,
            "report on eight processes": eight[0].report,
            "live sample": LiveMetrics(filled).tick,
            "merge of a full tracker": lambda: merged.merge(filled),
        }
        for name, seconds in best(reports, number=full(20, 1)).items():
            print(f"{name:45}{seconds * 1e3:9.3f} ms")


if __name__ == "__main__":
    main()
