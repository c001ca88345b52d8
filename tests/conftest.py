"""What every test may ask for."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from support import FakeClock, small_frame, small_pipeline


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def trained() -> tuple[Any, pd.DataFrame]:
    X, y = small_frame()
    return small_pipeline(X, y), X
