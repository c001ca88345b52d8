"""Calibration to the default rate of a portfolio: one number is added to the log-odds of every record.

King & Zeng 2001, *Logistic regression in rare events data*, Political Analysis 9, section 4.1,
doi:10.1093/oxfordjournals.pan.a004868; Saerens, Latinne & Decaestecker 2002, *Adjusting the outputs of a
classifier to new a priori probabilities*, Neural Computation 14, doi:10.1162/089976602753284446.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
import numpy as np

from morosidad._typing import Floats
from morosidad.compiler.nodes.functions import prior_corrected
from morosidad.errors import SettingsError
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.choosing.checks import share_of

GROUPS = 500
"""The scores of the reference are kept as the means of at most so many groups of rows."""
FURTHEST = 60.0
"""Log-odds move by less: beyond, nothing is left of the probabilities."""

BaseRate = Literal["prior", "rows", "reference"]
"""Where the default rate before a calibration is taken from."""


class PortfolioCalibration(msgspec.Struct, frozen=True):
    """How a model was moved to another default rate.

    Attributes
    ----------
    to : float
        The default rate that it was moved to.
    of : float
        The default rate that was assumed before.
    base : {'prior', 'rows', 'reference'}
        What that one is: as it was said, or the mean probability over rows that were given, or over the
        reference.
    shift : float
        What is added to the log-odds of the original, by this calibration and those before it.
    """

    to: float
    of: float
    base: BaseRate
    shift: float


class ReferenceScores(msgspec.Struct, frozen=True):
    """The scores of the reference rows, as means of groups in their order.

    Attributes
    ----------
    rows : int
        How many there were.
    means : tuple of float
        The mean score of each group.
    """

    rows: int
    means: tuple[float, ...]

    @classmethod
    def measure(cls, scores: Floats) -> ReferenceScores | None:
        """Measure scores.

        Parameters
        ----------
        scores : ndarray of float64, shape (n_rows,)
            Probabilities; NaN where there is none.

        Returns
        -------
        ReferenceScores or None
            None where there are none.
        """
        known = np.sort(scores[np.isfinite(scores)])
        if not len(known):
            return None
        groups = np.array_split(known, min(GROUPS, len(known)))
        return cls(len(known), tuple(float(group.mean()) for group in groups))

    @property
    def weights(self) -> Floats:
        """How many rows each group has."""
        number = len(self.means)
        return np.full(number, float(self.rows // number)) + (np.arange(number) < self.rows % number)

    def moved(self, shift: float) -> ReferenceScores:
        """Give the scores of the model after its log-odds moved.

        Parameters
        ----------
        shift : float
            What is added to them.

        Returns
        -------
        ReferenceScores
        """
        means = prior_corrected(np.array(self.means), math.exp(shift))
        return ReferenceScores(self.rows, tuple(means.tolist()))


def moved_reference(reference: DriftReference | None, shift: float) -> DriftReference | None:
    """Give the reference of a drift monitor after the scores moved.

    Parameters
    ----------
    reference : DriftReference or None
        Before.
    shift : float
        What is added to the log-odds.

    Returns
    -------
    DriftReference or None
    """
    if reference is None:
        return None
    score = reference.score
    cuts, levels = (
        tuple(prior_corrected(np.array(values, dtype=np.float64), math.exp(shift)).tolist())
        for values in (score.cuts, score.categories)
    )
    moved = msgspec.structs.replace(score, cuts=cuts, categories=levels)
    return msgspec.structs.replace(reference, score=moved)


def checked_rate(name: str, rate: object) -> float:
    """Give a default rate as a float.

    Parameters
    ----------
    name : str
        What it is, for the error.
    rate : object
        A number.

    Returns
    -------
    float

    Raises
    ------
    SettingsError
        If it does not lie between 0 and 1.
    """
    found = share_of(name, rate)
    if found in (0.0, 1.0):
        raise SettingsError([f"{name}: a default rate between 0 and 1 was expected"])
    return found


def prior_shift(to: float, of: float) -> float:
    """Give the number that moves log-odds from one default rate to another.

    Parameters
    ----------
    to, of : float
        The default rates after and before.

    Returns
    -------
    float
    """
    return _checked(math.log(to) - math.log1p(-to) - (math.log(of) - math.log1p(-of)))


def mean_shift(probability: Floats, weights: Floats, to: float) -> float:
    """Find the number that moves log-odds so that the mean probability is a default rate.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_rows,)
        Before.
    weights : ndarray of float64, shape (n_rows,)
        How much each row counts.
    to : float
        The mean afterwards.

    Returns
    -------
    float

    Raises
    ------
    SettingsError
        If it can't be reached: probabilities of 0 and 1 do not move.
    """
    from scipy.optimize import brentq

    low, high = (float(np.average(held, weights=weights)) for held in (probability == 1.0, probability > 0.0))
    if not low < to < high:
        raise SettingsError(
            [f"to: a rate between {low:.4g} and {high:.4g} was expected: probabilities of 0 and 1 stay"]
        )

    def gap(shift: float) -> float:
        moved = prior_corrected(probability, math.exp(shift))
        return float(np.average(moved, weights=weights)) - to

    if gap(-FURTHEST) > 0.0 or gap(FURTHEST) < 0.0:
        return _checked(math.inf)
    root: Any = brentq(gap, -FURTHEST, FURTHEST, xtol=1e-13)
    return _checked(float(root))


def _checked(shift: float) -> float:
    if abs(shift) > FURTHEST:
        raise SettingsError([f"to: log-odds move by at most {FURTHEST:g}"])
    return shift
