"""Labels that an estimator's `predict` gives, beside those of a threshold on its probability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from morosidad.compiler.proof.asking import quiet
from morosidad.compiler.proof.judge import Verdict
from morosidad.compiler.proof.original import Original
from morosidad.schema.field import Row

NEAR = 1e-5
"""Rows at this distance from the threshold show where `predict` turns."""


def labels_follow(threshold: float, verdict: Verdict) -> int:
    """Count the own rows whose label, as `predict` gives it, is not that of the threshold.

    Parameters
    ----------
    threshold : float
        Probability above which the label is 1.
    verdict : Verdict
        The judge's answers.

    Returns
    -------
    int
    """
    if verdict.defaults is None:
        return 0
    return int(((verdict.probabilities > threshold) != verdict.defaults).sum())


def tied(threshold: float, verdict: Verdict) -> list[str]:
    """Say how many own rows have the label of default by a probability of exactly 0.5.

    Parameters
    ----------
    threshold : float
        Probability above which the label is 1.
    verdict : Verdict
        The judge's answers.

    Returns
    -------
    list of str
        One note, or none.
    """
    count = int((verdict.probabilities == 0.5).sum())
    if not count or threshold != math.nextafter(0.5, -math.inf):
        return []
    return [f"predict gives the label of default at a probability of exactly 0.5, as {count} own rows have"]


def labels_elsewhere(original: Original, rows: Sequence[Row], threshold: float) -> tuple[int, bool]:
    """Count made-up rows whose label, as `predict` gives it, is not that of the threshold.

    Parameters
    ----------
    original : Original
        Asked about records.
    rows : sequence of tuple
        Best some near the threshold, where the two part first.
    threshold : float
        Probability above which the label is 1.

    Returns
    -------
    differing : int
        How many; 0 where the original has no `predict`.
    crossed : bool
        Whether rows on both sides lie so near to the threshold that this tells of all.
    """
    if not rows or not hasattr(original.estimator, "predict"):
        return 0, False
    with quiet():
        found = original.answers(rows)
        known = np.flatnonzero(~np.isnan(found))
        if not len(known):
            return 0, False
        labels = original.defaults([rows[place] for place in known.tolist()])
    over = found[known] > threshold
    near = np.abs(found[known] - threshold) < NEAR
    return int((over != labels).sum()), bool((near & over).any() and (near & ~over).any())
