"""The search for cut-offs: the one that serves a goal best on labelled rows, with a bootstrap interval.

Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 13 (percentile intervals),
doi:10.1201/9780429246593.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from morosidad._typing import Floats
from morosidad.errors import SettingsError
from morosidad.policy.choosing.groups import Places, ScoreGroups
from morosidad.policy.choosing.labelled import LabelledRows

Goal = Literal["bad_rate", "approval", "profit"]
Interval = tuple[float, float]

NEAR = 1e-9
"""Sums of weights may differ by so much of their size."""


class Sums(NamedTuple):
    """What each place of the cut-off does, shape (n_places,) each.

    Attributes
    ----------
    approval : ndarray of float64
        The share of applicants approved.
    bad_rate : ndarray of float64
        Of defaults among them; NaN where nobody is approved.
    profit : ndarray of float64
        Of those approved.
    """

    approval: Floats
    bad_rate: Floats
    profit: Floats


class CutoffSearch:
    """Chooses cut-offs that serve a goal.

    Parameters
    ----------
    rows : LabelledRows
        The rows.
    goal : {'bad_rate', 'approval', 'profit'}
        What is asked for.
    target : float or None
        The rate, for the first two.
    review : float
        The share of applicants to be reviewed.
    value : ndarray of float64, shape (n_rows,), optional
        What approving each row gains, or loses.
    tolerance : float
        How far below an approval the chosen one may lie.
    """

    def __init__(
        self,
        rows: LabelledRows,
        goal: Goal,
        target: float | None,
        review: float,
        value: Floats | None = None,
        tolerance: float = 1.0,
    ) -> None:
        self._goal: Goal = goal
        self._rows, self._target, self._review = rows, target, review
        self._value, self._tolerance = value, tolerance
        self._groups = ScoreGroups(rows)

    def chosen(self, resamples: int, seed: int) -> dict[str, Any]:
        """Choose, and tell how sure that is.

        Parameters
        ----------
        resamples : int
            Samples of the bootstrap.
        seed : int
            Of its random numbers.

        Returns
        -------
        dict
            The attributes of `ChosenCutoffs`.

        Raises
        ------
        SettingsError
            If what is asked for can't be reached.
        """
        rows, groups = self._rows, self._groups
        declined = groups.second(rows.weights, self._review)
        sums = self._sums(rows.weights, declined)
        place = self._best(sums)
        if place is None:
            raise SettingsError([self._unreached(sums)])
        self._check_ties(sums, place)
        found = {
            "goal": self._goal,
            "review_at": groups.cutoff(place),
            "decline_at": groups.cutoff(int(declined[place])),
            "approval": float(sums.approval[place]),
            "bad_rate": _number(sums.bad_rate[place]),
            "rows": len(rows.default),
            "defaults": int(rows.default.sum()),
            "target": self._target,
            "profit": None if self._value is None else float(sums.profit[place]),
        }
        return found | self._intervals((place, int(declined[place])), resamples, seed)

    def _sums(self, weights: Floats, declined: Places) -> Sums:
        rows, add = self._rows, self._groups.approved
        approved = np.maximum(add(weights, declined), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            bad_rate = np.where(approved > 0.0, add(weights * rows.default, declined) / approved, np.nan)
        profit = np.zeros(len(approved)) if self._value is None else add(weights * self._value, declined)
        return Sums(approved / weights.sum(), bad_rate, profit)

    def _best(self, sums: Sums) -> int | None:
        """Give the first place that is best; None where none serves."""
        if self._goal == "profit":
            place = int(np.argmax(sums.profit))
            return place if sums.profit[place] > 0.0 else None
        assert self._target is not None
        held = sums.bad_rate if self._goal == "bad_rate" else sums.approval
        with np.errstate(invalid="ignore"):
            good = (held <= self._target * (1.0 + NEAR) + 1e-15) & (sums.approval > 0.0)
        return int(np.argmax(np.where(good, sums.approval, -1.0))) if good.any() else None

    def _unreached(self, sums: Sums) -> str:
        if self._goal == "profit":
            return "no cut-off has a profit: every approval costs more than it gains"
        some = sums.approval > 0.0
        if not some.any():
            return "nobody can be approved: the rules decline or review every row"
        if self._goal == "approval":
            least = float(sums.approval[some].min())
            return f"an approval of {self._target:.4g} can't be reached: the least is {least:.4g}"
        lowest = int(np.nanargmin(sums.bad_rate))
        return (
            f"a bad rate of {self._target:.4g} can't be reached: the lowest is {sums.bad_rate[lowest]:.4g}, "
            f"with {sums.approval[lowest]:.4g} of the applicants approved"
        )

    def _check_ties(self, sums: Sums, place: int) -> None:
        """Refuse an approval that is far from the one asked for."""
        reached, target = float(sums.approval[place]), self._target
        if self._goal != "approval" or target is None or target - reached <= self._tolerance:
            return
        above = sums.approval[sums.approval > target]
        nearest = f"{reached:.4g} and {above.min():.4g}" if len(above) else f"{reached:.4g}, the most"
        raise SettingsError(
            [f"an approval of {target:.4g} can't be reached: the nearest is {nearest}; see tolerance"]
        )

    def _intervals(self, places: tuple[int, int], resamples: int, seed: int) -> dict[str, Any]:
        """Tell how much the choice, and what it does, differ between samples of the rows."""
        rows, random = self._rows, np.random.default_rng(seed)
        number, cutoffs = len(rows.default), list[float]()
        drawn: list[tuple[float, float, float]] = []
        fixed = np.full(self._groups.last + 1, places[1])
        for _ in range(resamples):
            times = np.bincount(random.integers(0, number, number), minlength=number)
            weights = rows.weights * times
            if not weights.any():
                continue
            declined = self._groups.second(weights, self._review)
            sums = self._sums(weights, declined)
            again = sums if declined[places[0]] == places[1] else self._sums(weights, fixed)
            drawn.append((again.approval[places[0]], again.bad_rate[places[0]], again.profit[places[0]]))
            best = self._best(sums)
            if best is not None:
                cutoffs.append(self._groups.cutoff(best))
        columns = [np.array(column, dtype=np.float64) for column in zip(*drawn, strict=True)]
        approval, bad_rate, profit = map(_interval, columns or [np.empty(0)] * 3)
        return {
            "review_at_interval": _interval(np.array(cutoffs, dtype=np.float64)),
            "approval_interval": approval,
            "bad_rate_interval": bad_rate,
            "profit_interval": None if self._value is None else profit,
            "resamples": resamples,
            "unreached": resamples - len(cutoffs),
            "seed": seed,
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _interval(values: Floats) -> Interval | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return low, high
