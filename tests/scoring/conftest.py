"""Scorers that several tests of this folder ask."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from morosidad.errors import (
    NotCompiledWarning,
)
from morosidad.scoring.scorer import Scorer
from scoring_parts import neighbours
from support import small_frame


@pytest.fixture(scope="session")
def scorer(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    pipeline, X = trained
    return Scorer(pipeline, reference=X, name="chico", version="7")


@pytest.fixture(scope="session")
def slow() -> Scorer:
    X, y = small_frame()
    with pytest.warns(NotCompiledWarning, match="KNeighborsClassifier"):
        return Scorer(neighbours(X, y), reference=X)
