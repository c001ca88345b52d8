"""The two labels of a target, and which of them means default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.errors import InvalidFrame, SettingsError


def default_place(classes: Sequence[Any], positive: Any = None, counts: Sequence[int] | None = None) -> int:
    """Find which of two labels means default.

    Parameters
    ----------
    classes : sequence
        The two labels, as the estimator has them.
    positive : object, optional
        The label that means default. Of 0 and 1, and of False and True, it is the second.
    counts : sequence of int, optional
        How many rows have each label, for the message.

    Returns
    -------
    {0, 1}

    Raises
    ------
    SettingsError
        If `positive` is none of the labels, or is needed and not given.
    """
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    shown = [repr(label) for label in labels]
    if counts is not None:
        shown = [f"{label} ({count:,} rows)" for label, count in zip(shown, counts, strict=True)]
    listed = " and ".join(shown)
    if positive is None:
        if labels in ([0, 1], [False, True]):
            return 1
        raise SettingsError([f"positive: say which label means default; the labels are {listed}"])
    found = [place for place, label in enumerate(labels) if label == positive]
    if len(found) != 1:
        raise SettingsError([f"positive: {positive!r} is not among the labels {listed}"])
    return found[0]


def is_default(y: Any, positive: Any = None) -> Any:
    """Tell which rows of a target mean default.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Two labels.
    positive : object, optional
        As in `default_place`.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Raises
    ------
    InvalidFrame
        If there are not exactly two labels, or values are missing.
    SettingsError
        As `default_place`.
    """
    labels, classes, counts = _counted(y)
    return labels == classes[default_place(classes, positive, counts)]


def label_named(text: str | None, classes: Sequence[Any], counts: Sequence[int] | None = None) -> Any:
    """Find the label that a text names, as on a command line: ``1`` names the integer 1, and ``"1"``.

    Parameters
    ----------
    text : str or None
        What was given.
    classes : sequence
        The labels.
    counts : sequence of int, optional
        As in `default_place`.

    Returns
    -------
    object
        One of `classes`; None for None.

    Raises
    ------
    SettingsError
        If there is no such label.
    """
    if text is None:
        return None
    plain = [label.item() if isinstance(label, np.generic) else label for label in classes]
    same = [label for label in plain if str(label) == text]
    same = same or [label for label in plain if _number(text) == label]
    if len(same) != 1:
        default_place(plain, text, counts)  # it is none of the labels, and says so
    return same[0]


def count_labels(y: Any) -> tuple[list[Any], list[int]]:
    """Count the labels of a target.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Two labels.

    Returns
    -------
    labels : list
    counts : list of int
        How many rows have each.

    Raises
    ------
    InvalidFrame
        If there are not exactly two labels, or values are missing.
    """
    _, classes, counts = _counted(y)
    return classes, counts


def _counted(y: Any) -> tuple[Any, list[Any], list[int]]:
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise InvalidFrame("the target must be one answer for each row")
    found = Counter(labels.tolist())
    if len(found) != 2 or any(value is None or value != value for value in found):
        raise InvalidFrame("the target must hold exactly two classes, and no missing value")
    try:
        classes = sorted(found)
    except TypeError:
        raise InvalidFrame("the target mixes labels of different types") from None
    return labels, classes, [found[label] for label in classes]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
