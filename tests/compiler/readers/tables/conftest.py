"""Applicants whose categories are few, rare, missing or numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def lenders():
    rng = np.random.default_rng(3)
    n = 160
    frame = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n),
            "ingresos": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(7, 0.6, n)),
            "empleo": rng.choice(["fijo", "libre", "agrícola", "otro"], n, p=[0.5, 0.3, 0.17, 0.03]),
            "vivienda": rng.choice(["propia", "alquilada", None], n, p=[0.5, 0.4, 0.1]),
            "garante": rng.random(n) < 0.3,
        }
    )
    z = 0.02 * (50 - frame["edad"]) + 0.7 * (frame["empleo"] == "libre") - 0.5
    return frame, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int).to_numpy()
