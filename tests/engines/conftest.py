"""A scorer, applicants, and what one process answers about them."""

from __future__ import annotations

import pandas as pd
import pytest

from engine_parts import applicants
from morosidad import Scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer.default()


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return applicants(1200)


@pytest.fixture(scope="session")
def expected(scorer: Scorer, frame: pd.DataFrame) -> pd.DataFrame:
    return scorer.score_frame(frame, ids="solicitud", reasons=True, errors="coerce")
