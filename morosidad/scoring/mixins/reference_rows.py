"""The applicants against whom contributions are measured, as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.compiler.forms.calibrated import Calibrated
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.walked import Walked
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.nodes.lookups import CategoryPosition
from morosidad.scoring.model import ScoringModel

if TYPE_CHECKING:
    import pandas as pd


def reference_rows(model: ScoringModel) -> pd.DataFrame | None:
    """Give the rows that contributions are measured against.

    Parameters
    ----------
    model : ScoringModel
        What answers.

    Returns
    -------
    DataFrame or None
        The background, or the one typical applicant of trees with the fields that can be told from the
        columns that the trees test; None where contributions are measured against averages.
    """
    import pandas as pd

    if model.background is not None:
        rows = pd.DataFrame([list(row) for row in model.background], columns=list(model.schema.names))
        return rows.where(rows.notna(), float("nan"))  # pandas 2 keeps None
    form: Any = model.compiled.form
    while isinstance(form, Calibrated | Complement):
        form = form.of
    if not isinstance(form, Walked) or model.compiled.reference is None:
        return None
    numbers = model.compiled.reference.tolist()
    told = [_value(column, number) for column, number in zip(form.columns, numbers, strict=True)]
    found = dict(sorted(pair for pair in told if pair is not None))
    return pd.DataFrame([{model.schema.names[field]: value for field, value in found.items()}])


def _value(column: Expr, number: float) -> tuple[int, Any] | None:
    """Give a column's field and its value, where the column tells it."""
    if isinstance(column, Raw):
        return column.field, None if np.isnan(number) else number
    if isinstance(column, CategoryPosition) and isinstance(column.of, Raw):
        place = int(number)
        return (column.of.field, column.keys[place]) if place < len(column.keys) else None
    return None
