"""Applicants of numbers alone."""

from __future__ import annotations

import pytest

NUMBERS = ["edad", "ingresos", "atrasos"]


@pytest.fixture(scope="session")
def numbers(applicants):
    frame, target = applicants
    return frame[NUMBERS], target
