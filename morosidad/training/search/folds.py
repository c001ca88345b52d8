"""Folds: which rows are predicted by a model fitted on which others."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame, SettingsError

FOLDS = 5
TEST_SHARE = 0.2
Rows = NDArray[np.intp]


class Folds(msgspec.Struct, frozen=True, eq=False):
    """How rows are divided.

    Attributes
    ----------
    pairs : list of (ndarray of intp, ndarray of intp)
        The rows that each fold is fitted on, and those that it predicts.
    development : ndarray of intp
        Every row that a model may be fitted on.
    test : ndarray of intp
        The out-of-time test: the latest rows, which no model is fitted on; mostly none.
    how : str
        ``stratified``, ``groups`` or ``time``.
    """

    pairs: list[tuple[Rows, Rows]]
    development: Rows
    test: Rows
    how: str


def make_folds(
    truth: NDArray[np.bool_], *, groups: Any = None, dates: Any = None, folds: int = FOLDS, seed: int = 0
) -> Folds:
    """Divide rows for a cross-validation.

    Parameters
    ----------
    truth : ndarray of bool, shape (n_rows,)
        Who defaulted.
    groups : array-like of shape (n_rows,), optional
        Rows of one group are never on both sides.
    dates : array-like of shape (n_rows,), optional
        The latest fifth of the rows is the out-of-time test, and each fold is later than what it is
        predicted from. Rows of one date stay together.
    folds : int, default=5
        How many.
    seed : int, default=0
        Of the shuffle, where there are no dates.

    Returns
    -------
    Folds

    Raises
    ------
    InvalidFrame
        If there are too few rows of a class, too few groups or dates, or missing ones.
    SettingsError
        If there are both groups and dates.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if groups is not None and dates is not None:
        raise SettingsError(["split: dates and groups can't both divide the rows"])
    if dates is not None:
        return _by_time(truth, _keys(dates, len(truth), "split"), folds)
    everyone, nobody = np.arange(len(truth)), np.empty(0, dtype=np.intp)
    if min(truth.sum(), (~truth).sum()) < folds:
        raise InvalidFrame(f"each class needs at least {folds} rows to be cross-validated")
    if groups is None:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        return Folds(list(splitter.split(everyone, truth)), everyone, nobody, "stratified")
    keys = _keys(groups, len(truth), "groups")
    if len(np.unique(keys)) < folds:
        raise InvalidFrame(f"groups: at least {folds} are needed")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    pairs = list(splitter.split(everyone, truth, keys))
    _check_classes(truth, pairs, "groups")
    return Folds(pairs, everyone, nobody, "groups")


def _by_time(truth: NDArray[np.bool_], keys: Rows, folds: int) -> Folds:
    """Put the latest fifth aside; cut the rest into parts, each predicted by those before it."""
    last = int(np.sort(keys)[int(len(keys) * (1.0 - TEST_SHARE))])
    test, development = np.flatnonzero(keys >= last), np.flatnonzero(keys < last)
    if not len(development):
        raise InvalidFrame("split: too few different dates to divide the rows by")
    order = np.sort(keys[development])
    places = [int(len(order) * part / (folds + 1)) for part in range(1, folds + 1)]
    starts = np.unique(order[places])
    ends = [*starts[1:].tolist(), last]
    pairs = [
        (np.flatnonzero(keys < start), np.flatnonzero((keys >= start) & (keys < end)))
        for start, end in zip(starts.tolist(), ends, strict=True)
    ]
    pairs = [(kept, held) for kept, held in pairs if len(kept)]
    if len(pairs) < 2:
        raise InvalidFrame("split: too few different dates to divide the rows by")
    _check_classes(truth, [*pairs, (development, test)], "split")
    return Folds(pairs, development, test, "time")


def _check_classes(truth: NDArray[np.bool_], pairs: list[tuple[Rows, Rows]], what: str) -> None:
    for rows in (rows for pair in pairs for rows in pair):
        if truth[rows].all() or not truth[rows].any():
            raise InvalidFrame(f"{what}: a part holds rows of one class only")


def _keys(values: Any, n: int, what: str) -> Rows:
    """Give values as numbers in their order."""
    import pandas as pd

    column = pd.Series(np.asarray(values))
    if len(column) != n:
        raise InvalidFrame(f"{what}: {n} rows, and {len(column)} values")
    if column.isna().any():
        raise InvalidFrame(f"{what}: values are missing")
    try:
        return np.asarray(column.rank(method="dense"), dtype=np.intp)
    except TypeError:
        raise InvalidFrame(f"{what}: the values have no order") from None
