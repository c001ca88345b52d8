"""What each field contributes to the decisions on many rows, to the last bit as on each row alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.frames.reading import Column
from morosidad.schema.field import Row
from morosidad.scoring.model import ScoringModel


def explain_rows(
    model: ScoringModel,
    columns: Sequence[Column],
    rows: Callable[[], Sequence[Row]],
    asked: NDArray[np.bool_],
) -> tuple[Floats | None, Floats]:
    """Explain many rows: in columns where that gives the bits of `ScoringModel.estimate`, else one by one.

    Parameters
    ----------
    model : ScoringModel
        What explains.
    columns : sequence of (ndarray of float64, shape (n_rows,), or Coded)
        The validated values, one column for each field.
    rows : callable
        Gives the same values, row by row.
    asked : ndarray of bool, shape (n_rows,)
        Which rows are to be explained.

    Returns
    -------
    probabilities : ndarray of float64, shape (n_rows,), or None
        Those of each row alone; None where there is no telling, for a model that is not compiled.
    shares : ndarray of float64, shape (n_rows, n_fields)
        Each field's contribution; NaN where there is none.

    Raises
    ------
    PredictionError
        If the model fails.
    """
    nothing = (np.nan,) * len(columns)
    if not asked.any():
        return None, np.array([nothing] * len(asked))
    if model.compiled.explains_alike:
        try:
            probabilities, shares = model.compiled.explain_alike(columns)
        except Exception as error:  # its text may hold values of a row
            raise model.failed(error) from None
        return probabilities, np.where(asked[:, None], shares, np.nan)
    unknown: tuple[float, Sequence[float], None] = (np.nan, nothing, None)
    each = zip(rows(), asked.tolist(), strict=True)
    found = [model.estimate(row) if wanted else unknown for row, wanted in each]
    shares = np.array([share or nothing for _, share, _ in found], dtype=np.float64)
    if not model.compiled.compiled:
        return None, shares
    return np.array([probability for probability, _, _ in found]), shares
