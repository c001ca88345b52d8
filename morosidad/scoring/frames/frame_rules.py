"""The rules of a policy over the rows of a frame, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.frames.reading import Column
from morosidad.policy.decision import Fired
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
    bands : bool, default=False
        Whether each band of the cut-offs is decided about too.

    Attributes
    ----------
    outcomes : ndarray of int8, shape (n_rows,)
        The place in `OUTCOMES` of what cut-offs and rules decide; -1 where there is no decision.
    by_band : ndarray of int8, shape (n_rows, 3)
        What they would decide, if the probability lay in each band of the cut-offs.
    """

    def __init__(self, model: StoredModel, number: int, *, bands: bool = False) -> None:
        assert model.rules is not None
        self._rules = model.rules
        self._policy = model.policy
        self._today = model.rules.today
        self._first: dict[int, FiredColumns] = {}
        self.outcomes: NDArray[np.int8] = np.full(number, -1, dtype=np.int8)
        self.by_band: NDArray[np.int8] = np.full((number if bands else 0, 3), -1, dtype=np.int8)
        self._bands = bands
        self._lock = Lock()
        self._sets: dict[Fired, int] = {(): 0}
        self._which = np.zeros(number, dtype=np.int32)

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
        self,
        rows: slice,
        columns: Sequence[Column],
        known: NDArray[np.bool_],
        probability: Floats,
        points: Floats | float = 0.0,
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
        points : ndarray of float64, shape (n,)
            Theirs, where the policy gives any.
        """
        first, scored = self._first.pop(rows.start), ~np.isnan(probability)
        with np.errstate(invalid="ignore"):
            cutoffs = np.where(scored, self._policy.outcome_codes(probability), np.int8(-1))
        skipped = (first.outcomes == 2) & (not self._policy.score_always)
        decided = scored | skipped

        def ask(cutoffs: NDArray[np.int8]) -> tuple[FiredColumns, NDArray[np.int8]]:
            after = self._rules.decided_columns(
                columns, probability, cutoffs, self._today, first, points=points
            )
            found = np.where(after.final, after.outcomes, np.maximum(first.over(cutoffs), after.outcomes))
            return after, np.where(decided, found, np.int8(-1))

        after, self.outcomes[rows][known] = ask(cutoffs)
        for band in range(3) if self._bands else ():
            self.by_band[rows, band][known] = ask(np.where(scored, np.int8(band), np.int8(-1)))[1]
        sets, which = combinations([first, after], len(decided))
        with self._lock:
            places = [self._sets.setdefault(fired, len(self._sets)) for fired in sets]
        self._which[rows][known] = np.where(decided, np.array(places, dtype=np.int32)[which], np.int32(0))

    def fired(self, places: NDArray[np.intp]) -> list[Fired]:
        """Give the rules that fired on some rows.

        Parameters
        ----------
        places : ndarray of intp, shape (n,)
            The rows.

        Returns
        -------
        list of tuple of int
        """
        sets = [*self._sets]
        return [sets[place] for place in self._which[places].tolist()]

    def codes(self) -> NDArray[np.object_]:
        """Give the codes of the rules that fired on each row.

        Returns
        -------
        ndarray of object, shape (n_rows,)
            Tuples of str.
        """
        words = np.fromiter(map(self._rules.codes, self._sets), dtype=object, count=len(self._sets))
        found: NDArray[np.object_] = words[self._which]
        return found

    def counts(self) -> dict[str, int]:
        """Count on how many rows with a decision each rule fired.

        Returns
        -------
        dict of str to int
            By its code.
        """
        numbers = np.bincount(self._which[self.outcomes >= 0], minlength=len(self._sets)).tolist()
        total: Counter[str] = Counter()
        for fired, number in zip(self._sets, numbers, strict=True):
            total.update(dict.fromkeys(self._rules.codes(fired), number))
        return {code: number for code, number in total.items() if number}
