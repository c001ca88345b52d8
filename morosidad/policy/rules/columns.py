"""The operations of expressions over columns: numbers as float64, texts as codes into their levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.frames.reading import Coded, Column
from morosidad.policy.rules.parsing import NodeType

Texts = Coded | str
"""A column of texts, or one text for all rows."""


def as_numbers(column: Column) -> Floats:
    """Give a column as numbers.

    Parameters
    ----------
    column : ndarray of float64, shape (n,), or Coded
        As a frame is read; levels are integers.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where missing.
    """
    if not isinstance(column, Coded):
        return column
    levels: Floats = np.array([*map(_float, column.levels), np.nan])
    return levels[column.codes]


def _float(level: str | float) -> float:
    return np.nan if isinstance(level, str) else float(level)  # "" stands in the place of a missing one


def each_text(function: Callable[..., Any], absent: Any, *texts: Texts) -> Any:
    """Apply a function to texts, once for each that differs.

    Parameters
    ----------
    function : callable
        Of as many texts.
    absent : float or bool
        The result where one is missing.
    *texts : Coded or str
        One or two.

    Returns
    -------
    ndarray of shape (n,), or one result where all are one text
    """
    columns = [text for text in texts if isinstance(text, Coded)]
    if not columns:
        return function(*texts)
    if len(columns) == 1:
        levels = columns[0].levels
        given = [[text] * len(levels) if isinstance(text, str) else text.levels for text in texts]
        return np.array([*map(function, *given), absent])[columns[0].codes]
    one, other = columns
    pairs, places = np.unique(_paired(one, other), return_inverse=True)
    width = len(other.levels) + 1
    results = [
        absent
        if first == len(one.levels) or second == width - 1
        else function(one.levels[first], other.levels[second])
        for first, second in (divmod(pair, width) for pair in pairs.tolist())
    ]
    return np.array(results, dtype=type(absent))[places]


def _paired(one: Coded, other: Coded) -> NDArray[np.int64]:
    first, second = (np.where(x.codes < 0, len(x.levels), x.codes).astype(np.int64) for x in (one, other))
    paired: NDArray[np.int64] = first * (len(other.levels) + 1) + second
    return paired


def lowered(texts: Texts) -> Texts:
    """Give texts in small letters.

    Parameters
    ----------
    texts : Coded or str
        The texts.

    Returns
    -------
    Coded or str
    """
    if isinstance(texts, str):
        return texts.lower()
    return Coded(texts.codes, [str(level).lower() for level in texts.levels])


def absent(texts: Texts) -> Any:
    """Tell which texts are missing.

    Parameters
    ----------
    texts : Coded or str
        The texts.

    Returns
    -------
    ndarray of bool, shape (n,), or bool
    """
    return False if isinstance(texts, str) else texts.codes < 0


def least(first: Any, *others: Any) -> Any:
    """Give the least of each row; NaN where one is missing.

    Parameters
    ----------
    first, *others : ndarray of float64, shape (n,), or float
        The numbers.

    Returns
    -------
    ndarray of float64, shape (n,), or float
    """
    for other in others:
        kept = np.where(other < first, other, first)
        first = np.where(other != other, other, kept)
    return first


def greatest(first: Any, *others: Any) -> Any:
    """Give the greatest of each row; NaN where one is missing.

    Parameters
    ----------
    first, *others : ndarray of float64, shape (n,), or float
        The numbers.

    Returns
    -------
    ndarray of float64, shape (n,), or float
    """
    return -least(-first, *(-other for other in others))


def column_of(type: NodeType, column: Column) -> Column:
    """Give a field's column as expressions want it.

    Parameters
    ----------
    type : {'number', 'text', 'truth'}
        What its values are.
    column : ndarray of float64, shape (n,), or Coded
        As a frame is read; a column that is not there is one of NaN.

    Returns
    -------
    ndarray of float64, shape (n,), or Coded
        Conditions as 1, 0 and NaN.
    """
    if type != "text":
        return as_numbers(column)
    return column if isinstance(column, Coded) else Coded(np.full(len(column), -1), ())
