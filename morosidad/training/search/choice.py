"""The choice among candidates that were cross-validated: one, or the mean of two; calibrated or not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.training.search.figures import line, row_losses
from morosidad.training.search.folds import Folds
from morosidad.training.search.racing import Data, Run

Prefer = Literal["best", "simple"]


class Choosable(msgspec.Struct, frozen=True, eq=False):
    """A model that was chosen.

    Attributes
    ----------
    runs : tuple of Run
        The candidate, or the two whose mean is taken.
    log_odds : ndarray of float64, shape (n_rows,)
        What it predicts of rows that it was not fitted on; NaN where there is no prediction.
    slope, intercept : float
        Of its calibration: 1 and 0 where there is none.
    """

    runs: tuple[Run, ...]
    log_odds: Floats
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def name(self) -> str:
        """The names of its parts."""
        return " + ".join(run.candidate.name for run in self.runs)

    @property
    def calibrated(self) -> bool:
        """Whether it has a calibration."""
        return (self.slope, self.intercept) != (1.0, 0.0)


def options(runs: Sequence[Run]) -> list[Choosable]:
    """Give what may be chosen: every candidate that came through all folds, and the mean of every two.

    Parameters
    ----------
    runs : sequence of Run
        Simplest first.

    Returns
    -------
    list of Choosable
        Simplest first.
    """
    through = [run for run in runs if not run.left]
    single = [Choosable((run,), run.log_odds) for run in through]
    return single + [
        Choosable(two, (two[0].log_odds + two[1].log_odds) / 2.0) for two in combinations(through, 2)
    ]


def choose(found: Sequence[Choosable], data: Data, prefer: Prefer = "best") -> Choosable:
    """Choose by cross-validated log loss.

    Parameters
    ----------
    found : sequence of Choosable
        Simplest first.
    data : Data
        The answers.
    prefer : {'best', 'simple'}
        The least loss; or the first whose loss lies within one standard error of the least (Breiman et
        al., *Classification and Regression Trees*, 1984, doi:10.1201/9781315139470).

    Returns
    -------
    Choosable
    """
    rows = ~np.isnan(found[0].log_odds)
    truth, share = data.truth[rows], None if data.weights is None else data.weights[rows]
    losses = [row_losses(truth, choice.log_odds[rows]) for choice in found]
    means = [float(np.average(values, weights=share)) for values in losses]
    best = int(np.argmin(means))
    if prefer == "best":
        return found[best]
    limit = means[best] + float(losses[best].std(ddof=1)) / np.sqrt(len(truth))
    return next(choice for choice, mean in zip(found, means, strict=True) if mean <= limit)


def calibrated(choice: Choosable, data: Data, folds: Folds) -> Choosable:
    """Calibrate a choice if that lowers its loss, on folds that the calibration was not fitted on.

    Parameters
    ----------
    choice : Choosable
        Not calibrated.
    data : Data
        The answers.
    folds : Folds
        How rows were divided.

    Returns
    -------
    Choosable
        With Platt's calibration where the loss falls by more than one standard error of the fall.
    """
    rows = np.flatnonzero(~np.isnan(choice.log_odds))
    fold_of = np.full(len(data.truth), -1)
    for number, (_, held) in enumerate(folds.pairs):
        fold_of[held] = number
    changed = choice.log_odds.copy()
    for number in np.unique(fold_of[rows]).tolist():
        others, held = rows[fold_of[rows] != number], rows[fold_of[rows] == number]
        slope, intercept = _line(choice, data, others)
        changed[held] = slope * choice.log_odds[held] + intercept
    truth = data.truth[rows]
    share = np.ones(len(rows)) if data.weights is None else data.weights[rows]
    falls = row_losses(truth, choice.log_odds[rows]) - row_losses(truth, changed[rows])
    mean = float(np.average(falls, weights=share))
    if mean <= float(falls.std(ddof=1)) / np.sqrt(len(rows)):
        return choice
    slope, intercept = _line(choice, data, rows)
    return Choosable(choice.runs, changed, slope, intercept)


def _line(choice: Choosable, data: Data, rows: NDArray[np.intp]) -> tuple[float, float]:
    weights = None if data.weights is None else data.weights[rows]
    slope, intercept = line(data.truth[rows], choice.log_odds[rows], weights)
    return (slope, intercept) if slope > 0 else (1.0, 0.0)
