"""Labelled rows: the probability of each, what the policy makes of it in each band, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.errors import InvalidFrame

MOST_SHOWN = 5
"""Labels that an error names."""


class LabelledRows(NamedTuple):
    """Rows with their probabilities and labels.

    Attributes
    ----------
    probability : ndarray of float64, shape (n_rows,)
        Of default; NaN where rules decline without one.
    default : ndarray of bool, shape (n_rows,)
        Whether each defaulted.
    weights : ndarray of float64, shape (n_rows,)
        How much each counts.
    outcomes : ndarray of int8, shape (n_rows, 3)
        The place in `OUTCOMES` of what cut-offs and rules decide, if the probability lies in the band of
        approval, of review, of decline.
    """

    probability: Floats
    default: NDArray[np.bool_]
    weights: Floats
    outcomes: NDArray[np.int8]

    def approved(self, review_at: float, decline_at: float) -> NDArray[np.bool_]:
        """Tell which rows are approved.

        Parameters
        ----------
        review_at, decline_at : float
            As in a `Policy`.

        Returns
        -------
        ndarray of bool, shape (n_rows,)
        """
        unscored = np.isnan(self.probability)
        band = np.where(unscored, 2, (self.probability >= review_at) * 1 + (self.probability >= decline_at))
        found: NDArray[np.bool_] = self.outcomes[np.arange(len(band)), band] == 0
        return found


def defaults_of(y: Any, labels: Sequence[Any] = (0, 1), number: int | None = None) -> NDArray[np.bool_]:
    """Tell which rows defaulted.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        A label for each row.
    labels : sequence of (object, object)
        The label of no default, and that of default.
    number : int, optional
        So many rows there must be.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Raises
    ------
    InvalidFrame
        If labels are missing, or are neither of the two, with their numbers; or if there are too few.
    """
    found = y.tolist() if hasattr(y, "tolist") else list(y)
    if getattr(y, "ndim", 1) != 1 or (number is not None and len(found) != number):
        expected = "one label for each row" if number is None else f"{number} labels, one for each row,"
        raise InvalidFrame(f"y: {expected} was expected")
    missing = sum(map(_is_missing, found))
    if missing:
        raise InvalidFrame(f"y: {missing} of {len(found)} labels are missing; leave those rows out")
    try:
        counts = Counter(found)
    except TypeError:
        raise InvalidFrame("y: one label for each row was expected") from None
    unknown = [value for value in counts if value not in labels]
    if unknown:
        shown = ", ".join(f"{value!r} ({counts[value]} rows)" for value in unknown[:MOST_SHOWN])
        rest = f" and {len(unknown) - MOST_SHOWN} more" if len(unknown) > MOST_SHOWN else ""
        expected = " and ".join(map(repr, labels))
        raise InvalidFrame(f"y: the labels are {expected}, the second means default; not {shown}{rest}")
    default = labels[1]
    return np.fromiter((value == default for value in found), dtype=np.bool_, count=len(found))


def _is_missing(value: Any) -> bool:
    try:
        return value is None or not bool(value == value)
    except TypeError:  # pandas.NA
        return True
    except ValueError:  # an array, which is no label
        return False


def weights_of(sample_weight: Any, number: int) -> Floats:
    """Give how much each row counts.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,), or None
        None for all alike.
    number : int
        The rows.

    Returns
    -------
    ndarray of float64, shape (n_rows,)

    Raises
    ------
    InvalidFrame
        If they are no finite numbers from 0 on, or none is above.
    """
    return amounts_of("sample_weight", 1.0 if sample_weight is None else sample_weight, number, some=True)


def amounts_of(name: str, given: Any, number: int, *, some: bool = False) -> Floats:
    """Give an amount for each row.

    Parameters
    ----------
    name : str
        What it is, for errors.
    given : float, or array-like of shape (n_rows,)
        One for all, or one for each.
    number : int
        The rows.
    some : bool, default=False
        Whether one has to be above 0.

    Returns
    -------
    ndarray of float64, shape (n_rows,)

    Raises
    ------
    InvalidFrame
        If they are no finite numbers from 0 on.
    """
    try:
        amounts = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidFrame(f"{name}: numbers were expected") from None
    if amounts.ndim == 0:
        amounts = np.full(number, float(amounts))
    if amounts.shape != (number,):
        raise InvalidFrame(f"{name}: one number, or one for each of {number} rows, was expected")
    wrong = int((~(np.isfinite(amounts) & (amounts >= 0.0))).sum())
    if wrong or (some and not amounts.any()):
        raise InvalidFrame(f"{name}: finite numbers from 0 on were expected; {wrong} are something else")
    return amounts


def labelled_probabilities(p: Any, y: Any, sample_weight: Any = None) -> LabelledRows:
    """Give labelled rows of probabilities alone: no rules are asked.

    Parameters
    ----------
    p : array-like of shape (n_rows,)
        Probabilities of default.
    y : array-like of shape (n_rows,)
        0 and 1, or False and True.
    sample_weight : array-like of shape (n_rows,), optional
        How much each counts.

    Returns
    -------
    LabelledRows

    Raises
    ------
    InvalidFrame
        If they are no probabilities, or labels are missing or unknown.
    """
    try:
        probability = np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidFrame("p: numbers were expected") from None
    if probability.ndim != 1 or not len(probability):
        raise InvalidFrame("p: one probability for each row was expected")
    wrong = int((~((probability >= 0.0) & (probability <= 1.0))).sum())
    if wrong:
        raise InvalidFrame(f"p: {wrong} of {len(probability)} are no probabilities of default")
    number = len(probability)
    outcomes = np.tile(np.arange(3, dtype=np.int8), (number, 1))
    return LabelledRows(
        probability, defaults_of(y, number=number), weights_of(sample_weight, number), outcomes
    )


def value_of(rows: LabelledRows, gain: Any, loss: Any) -> Floats:
    """Give what approving each row brings.

    Parameters
    ----------
    rows : LabelledRows
        The rows.
    gain, loss : float, or array-like of shape (n_rows,)
        What one that pays brings, and what one that defaults costs.

    Returns
    -------
    ndarray of float64, shape (n_rows,)

    Raises
    ------
    InvalidFrame
        If they are no finite numbers from 0 on.
    """
    number = len(rows.default)
    gains, losses = amounts_of("gain", gain, number), amounts_of("loss", loss, number)
    return np.where(rows.default, -losses, gains)
