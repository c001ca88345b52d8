"""Helpers of the tests of the KPIs: a time that a test sets."""

from __future__ import annotations

NOON = 1_700_000_000.0 - 1_700_000_000.0 % 86_400 + 43_200  # some day at 12:00 UTC


class Time:
    """A steady clock and a wall clock that go together until the wall clock is set."""

    def __init__(self) -> None:
        self.steady = 1000.0
        self.wall = NOON

    def advance(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds
