"""The schema, data and options that the tests of the preprocessor share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

SCHEMA = Schema(
    [
        Field("zona", "category", categories=("urbana", "rural", "isla")),
        Field("monto", "number", ge=0, aliases={"miles": 1000}),
        Field("casado", "boolean"),
        Field("edad", "integer"),
        Field("nivel", "category", categories=(3, 1)),
    ]
)
FRAME = pd.DataFrame(
    {
        "zona": ["rural", "urbana", None, "rural", "rural"],
        "monto": [1.0, 2.0, np.nan, 6.0, 3.0],
        "casado": [True, None, False, True, True],
        "edad": [20, 30, 40, 50, 60],
        "nivel": [1, 3, 1, np.nan, 1],
    }
)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"add_indicator": True},
    {"add_indicator": ["edad", "zona"], "encoding": "ordinal"},
    {"strategy": "most_frequent", "scale": False},
    {"strategy": "mean", "min_frequency": 2},
    {"encoding": "ordinal", "min_frequency": 0.3},
]
