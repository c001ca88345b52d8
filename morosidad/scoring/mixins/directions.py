"""The proof, for a scorer, that its probability moves with fields in the directions that are declared."""

from __future__ import annotations

from collections.abc import Mapping

from morosidad.scoring.mixins.estimator import FrozenClassifier
from morosidad.scoring.monotonicity.checking import WORK, Monotonicity, monotonicities


def check_monotone(
    scorer: FrozenClassifier, directions: Mapping[str, int] | None = None, *, max_work: int = WORK
) -> tuple[Monotonicity, ...]:
    """Prove that a scorer's probability moves with some fields in one direction, or refute it.

    Of trees, every cell between their thresholds is decided by branch and bound; of tables, every pair of
    neighbouring cells, with each interacting field where it is worst; of splines and linear terms, the sign
    of the slope on each piece. Steps within rounding (1e-10 of the log-odds, more where the original
    reckons in 32 bits) do not count. What is missing has no place in the order, and is left out.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    directions : mapping of str to {-1, 1}, optional
        By field; those that the schema declares when not given.
    max_work : int, default=300000
        So many steps for each field; beyond that it is undecided.

    Returns
    -------
    tuple of Monotonicity
        One for each field.

    Raises
    ------
    SettingsError
        If there is no such field, or a direction is another number.

    Examples
    --------
    >>> from morosidad import Scorer, check_monotone
    >>> [found.verdict for found in check_monotone(Scorer.default(), {"ingresos_mensuales": -1})]
    ['held']
    """
    return monotonicities(scorer._model, directions, max_work)
