"""The rules of a policy over the rows of a frame, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.frames.reading import Column
from morosidad.policy.rules.fired import FiredColumns, combinations
from morosidad.scoring.stored_model import StoredModel


class FrameRules:
    """What rules decide about each row; chunks may be asked side by side.

    Parameters
    ----------
    model : StoredModel
        With rules.
    number : int
        The rows.

    Attributes
    ----------
    outcomes : ndarray of int8, shape (n_rows,)
        The place in `OUTCOMES` of what cut-offs and rules decide; -1 where there is no decision.
    fired : ndarray of object, shape (n_rows,)
        The rules that fired on each row.
    """

    def __init__(self, model: StoredModel, number: int) -> None:
        assert model.rules is not None
        self._rules = model.rules
        self._policy = model.policy
        self._today = model.rules.today
        self._first: dict[int, FiredColumns] = {}
        self.outcomes: NDArray[np.int8] = np.full(number, -1, dtype=np.int8)
        self.fired: NDArray[np.object_] = np.empty(number, dtype=object)
        self.fired.fill(())

    def ask_first(
        self, rows: slice, columns: Sequence[Column], known: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Ask the rules that know no score about a chunk.

        Parameters
        ----------
        rows : slice
            The chunk.
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The values of its rows that the schema accepts.
        known : ndarray of bool, shape (n_chunk,)
            Which those are.

        Returns
        -------
        ndarray of bool, shape (n_chunk,)
            The rows that the model is asked about.
        """
        first = self._first[rows.start] = self._rules.first_columns(columns, self._today)
        if self._policy.score_always:
            return known
        asked = known.copy()
        asked[known] = first.outcomes < 2
        return asked

    def decide(
        self, rows: slice, columns: Sequence[Column], known: NDArray[np.bool_], probability: Floats
    ) -> None:
        """Ask the rules that know the score about a chunk, and decide.

        Parameters
        ----------
        rows : slice
            The chunk.
        columns : sequence of (ndarray of float64, shape (n,), or Coded)
            The values of its rows that the schema accepts.
        known : ndarray of bool, shape (n_chunk,)
            Which those are.
        probability : ndarray of float64, shape (n,)
            Of each of them; NaN where the model was not asked, or gave none.
        """
        first, scored = self._first.pop(rows.start), ~np.isnan(probability)
        with np.errstate(invalid="ignore"):
            cutoffs = np.where(scored, self._policy.outcome_codes(probability), np.int8(-1))
        after = self._rules.decided_columns(columns, probability, cutoffs, self._today, first)
        skipped = (first.outcomes == 2) & (not self._policy.score_always)
        decided = scored | skipped
        outcomes = np.where(after.final, after.outcomes, np.maximum(first.over(cutoffs), after.outcomes))
        self.outcomes[rows][known] = np.where(decided, outcomes, np.int8(-1))
        fired = combinations([first, after], len(decided))
        if not decided.all():
            fired[~decided] = ()
        self.fired[rows][known] = fired

    def codes(self, model: StoredModel) -> NDArray[np.object_]:
        """Give the codes of the rules that fired on each row.

        Parameters
        ----------
        model : StoredModel
            With these rules.

        Returns
        -------
        ndarray of object, shape (n_rows,)
            Tuples of str.
        """
        assert model.rules is not None
        words = {fired: model.rules.codes(fired) for fired in set(self.fired.tolist())}
        every = self.fired.tolist()
        return np.fromiter((words[fired] for fired in every), dtype=object, count=len(every))
