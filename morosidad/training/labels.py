"""The two labels of a target, and which of them means default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.errors import SettingsError


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
    SettingsError
        As `default_place`.
    """
    labels = np.asarray(y)
    classes, counts = np.unique(labels, return_counts=True)
    place = default_place(classes.tolist(), positive, counts.tolist())
    return labels == classes[place]
