"""One record through a Preprocessor, beside its frame.

Both are measured in one run, in turns, so that the ratio holds on a noisy machine. With pytest-benchmark
(``pytest benchmarks/preprocessor/bench_preprocessor.py``) the single record is timed for regressions.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import full
from morosidad import AHORRO_VALLE, Preprocessor, make_applicants

VARIANTS: dict[str, dict[str, Any]] = {
    "one-hot": {},
    "one-hot, indicators": {"add_indicator": True},
    "ordinal, unscaled": {"encoding": "ordinal", "scale": False},
}


def case(options: dict[str, Any]) -> tuple[Preprocessor, dict[str, Any]]:
    """Fit on synthetic applicants; give one whose record is whole."""
    X = make_applicants(full(5000, 500), seed=0).drop(columns="moroso_12m")
    record = X.dropna().iloc[0].to_dict()
    return Preprocessor(AHORRO_VALLE, **options).fit(X), record


def seconds(call: Callable[[], Any], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


@pytest.mark.parametrize("name", VARIANTS)
def test_one_record(benchmark: Any, name: str) -> None:
    fitted, record = case(VARIANTS[name])
    fitted.transform_one(record)
    benchmark(fitted.transform_one, record)


def main() -> None:
    print(f"{'':<22}{'transform_one':>15}{'transform':>15}{'ratio':>9}")
    for name, options in VARIANTS.items():
        fitted, record = case(options)
        fitted.transform_one(record)
        turns = [
            (
                seconds(lambda: fitted.transform_one(record), full(3000, 10)),  # noqa: B023
                seconds(lambda: fitted.transform(pd.DataFrame([record])), full(15, 1)),  # noqa: B023
            )
            for _ in range(full(7, 1))
        ]
        one, frame = (statistics.median(column) for column in zip(*turns, strict=True))
        print(f"{name:<22}{one * 1e6:>12.2f} µs{frame * 1e6:>12.0f} µs{frame / one:>8.0f}×")


if __name__ == "__main__":
    main()
