"""Settings tuned to the hardware."""

from __future__ import annotations

import pytest

from helpers.settings import GB, Machine, load
from morosidad.settings import Settings, tune


@pytest.mark.parametrize(
    ("cpus", "memory", "tuned"),
    [
        (1, 2 * GB, (1, 50, 200)),
        (0.5, 4 * GB - 1, (1, 50, 200)),
        (2.5, 4 * GB, (3, 100, 500)),
        (8, 8 * GB - 1, (8, 100, 500)),
        (64, 8 * GB, (8, 200, 1000)),
    ],
)
def test_workers_and_caches_follow_the_hardware(cpus, memory, tuned):
    assert tuple(tune(Machine(cpus, memory)).values()) == tuned
    settings = load(hardware=lambda: Machine(cpus, memory))
    assert (settings.max_workers_prediction, settings.cache_l1_size, settings.cache_l2_size) == tuned


def test_without_limits_given_those_of_the_container_count(monkeypatch):
    monkeypatch.setattr("morosidad.settings.settings.hardware_limits", lambda: Machine(5.5, 3 * GB))
    settings = Settings.load(env={}, dotenv=None)
    assert (settings.max_workers_prediction, settings.cache_l1_size) == (6, 50)
