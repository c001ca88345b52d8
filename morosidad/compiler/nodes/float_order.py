"""Bisection over the ordered 64-bit floats: where a monotone condition changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Bools, Floats

_INFINITY = 0x7FF0_0000_0000_0000  # its place among the 64-bit numbers in their order, 0 being at 0


def last_true(holds: Callable[[Floats], Bools], n: int) -> Floats:
    """Find the largest number for which each of n conditions holds.

    Parameters
    ----------
    holds : callable
        n numbers, infinities among them → whether each condition holds for its number. Each holds
        up to some number, and from the next one on it does not.
    n : int
        How many conditions there are.

    Returns
    -------
    ndarray of float64 of shape (n,)
        -inf where a condition holds for no other number.
    """
    return _float_at(np.maximum(_last_place(holds, n), -_INFINITY))


def first_true(holds: Callable[[Floats], Bools], n: int) -> Floats:
    """Find the smallest number for which each of n conditions holds.

    Parameters
    ----------
    holds : callable
        As in `last_true`, but each condition holds from some number on.
    n : int
        How many conditions there are.

    Returns
    -------
    ndarray of float64 of shape (n,)
        inf where a condition holds for no other number.
    """
    return _float_at(np.minimum(_last_place(lambda values: ~holds(values), n) + 1, _INFINITY))


def between(low: Floats, high: Floats) -> Floats:
    """Give the number in the middle of two others, counted in floats: 64 such steps find any number.

    Parameters
    ----------
    low, high : ndarray of float64 of shape (n,)
        Each low one below its high one.

    Returns
    -------
    ndarray of float64 of shape (n,)
        The low one where the two are neighbours.
    """
    return _float_at(_middle(_place_of(low), _place_of(high)))


def _last_place(holds: Callable[[Floats], Bools], n: int) -> NDArray[np.int64]:
    low, high = np.full(n, -_INFINITY - 1, dtype=np.int64), np.full(n, _INFINITY, dtype=np.int64)
    high[holds(_float_at(high))] += 1
    while (low < high - 1).any():  # 64 times at most
        middle = _middle(low, high)
        true = holds(_float_at(middle))
        low, high = np.where(true, middle, low), np.where(true, high, middle)
    return low


def _float_at(places: NDArray[np.int64]) -> Floats:
    return np.where(places < 0, np.int64(-(2**63)) - places, places).view(np.float64)


def _place_of(numbers: Floats) -> NDArray[np.int64]:
    places = numbers.view(np.int64)
    return np.where(places < 0, np.int64(-(2**63)) - places, places)


def _middle(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = (low >> 1) + (high >> 1) + (low & high & 1)
    return found
