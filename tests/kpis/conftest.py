"""Fixtures of the tests of the KPIs: a clock with a wall time, and trackers that read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from helpers.kpis import Time
from morosidad.kpis import KPITracker


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def make(time: Time) -> Callable[..., KPITracker]:
    def make(*arguments: float, **options: object) -> KPITracker:
        options = {"zone": "UTC", **options}
        return KPITracker(*arguments, clock=lambda: time.steady, wall=lambda: time.wall, **options)

    return make
