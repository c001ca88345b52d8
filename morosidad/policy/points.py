"""The scale of points: log-odds of default as the points that lenders read.

Siddiqi 2017, *Intelligent credit scoring*, 2nd ed., DOI 10.1002/9781119282396: a number of points stands for
some odds of good to bad, and so many more of them double the odds.
"""

from __future__ import annotations

import math
from functools import cached_property
from numbers import Real
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from morosidad.errors import SettingsError
from morosidad.policy.decision import Score

NEAREST = 2.0**-52
"""A probability of 0 or 1 has the points of one that lies so far from it."""


class Points(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """The scale of points: ``offset + slope * log(p / (1 - p))`` for a probability of default p.

    Parameters
    ----------
    base : float, default=600
        The points at which the odds of good to bad are `odds`.
    odds : float, default=50
        Those odds, as so many to one.
    pdo : float, default=20
        So many points more double the odds.
    higher_is_better : bool, default=True
        Whether more points mean less risk; otherwise the odds are doubled by so many points less.
    round : bool, default=True
        Whether points are whole. The points of a scorecard are then the sum of its rounded rows.

    Raises
    ------
    SettingsError
        Naming everything that is wrong.

    Notes
    -----
    ``slope = -pdo / log(2)`` and ``offset = base + slope * log(odds)``, both with the other sign of the
    slope where fewer points are better (Siddiqi 2017, *Intelligent credit scoring*,
    DOI 10.1002/9781119282396).
    """

    base: float = 600.0
    odds: float = 50.0
    pdo: float = 20.0
    higher_is_better: bool = True
    round: bool = True

    def __post_init__(self) -> None:
        problems: list[str] = []
        for name in ("base", "odds", "pdo"):
            value: Any = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not abs(float(value)) <= 1e12:
                problems.append(f"points: {name}: a number up to 1e12 was expected")
            elif name != "base" and not float(value) >= 1e-12:
                problems.append(f"points: {name}: a number above 0 was expected")
            else:
                force_setattr(self, name, float(value))
        truths = ("higher_is_better", "round")
        wrong = [name for name in truths if not isinstance(getattr(self, name), bool)]
        problems += [f"points: {name}: True or False was expected" for name in wrong]
        if problems:
            raise SettingsError(problems)

    @cached_property
    def slope(self) -> float:
        """Points for one more in the log-odds of default."""
        return self.pdo / math.log(2.0) * (-1.0 if self.higher_is_better else 1.0)

    @cached_property
    def offset(self) -> float:
        """Points where the log-odds are 0."""
        return self.base + self.slope * math.log(self.odds)

    def of(self, probability: float) -> Score:
        """Give the points for a probability of default.

        Parameters
        ----------
        probability : float
            From 0 to 1.

        Returns
        -------
        int or float
            Whole where the scale rounds, halves to the even number.
        """
        p = min(max(probability, NEAREST), 1.0 - NEAREST)
        points = self.offset + self.slope * math.log(p / (1.0 - p))
        return round(points) if self.round else points

    def of_many(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the points for many probabilities of default, each to the last bit as `of` does.

        Parameters
        ----------
        probabilities : ndarray of float64, shape (n,)
            From 0 to 1, or NaN.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where there is no probability.
        """
        p = np.clip(probabilities, NEAREST, 1.0 - NEAREST)
        odds = p / (1.0 - p)
        # numpy's own logarithm rounds in another way than that of `math`
        z = np.fromiter(map(math.log, odds.tolist()), np.float64, len(odds))
        return self.rounded(self.offset + self.slope * z)

    def rounded(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round points where the scale does.

        Parameters
        ----------
        points : ndarray of float64
            As computed.

        Returns
        -------
        ndarray of float64
        """
        return np.rint(points) if self.round else points


def as_points(given: object) -> Points:
    """Give a scale of points.

    Parameters
    ----------
    given : Points or mapping
        A mapping holds what `Points` is made of.

    Returns
    -------
    Points

    Raises
    ------
    SettingsError
        If it is something else.
    """
    if isinstance(given, Points):
        return given
    try:
        return msgspec.convert(given, Points)
    except msgspec.ValidationError as error:
        raise SettingsError([f"points: {error}".replace("points: points: ", "points: ")]) from None
