"""Which fitted estimators are understood; importing this package fills the registry."""

from morosidad.compiler.forms import calibration
from morosidad.compiler.readers import (
    boosters,
    composition,
    encoders,
    interpret_ebm,
    linear,
    scalers,
    sklearn_trees,
    splines,
)

__all__ = [
    "boosters",
    "calibration",
    "composition",
    "encoders",
    "interpret_ebm",
    "linear",
    "scalers",
    "sklearn_trees",
    "splines",
]
