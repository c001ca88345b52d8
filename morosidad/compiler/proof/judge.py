"""The judge: the user's own estimator, asked about the user's own rows, one row at a time.

The rows are taken from the user's frame untouched, with its data types, its column order and its
categories. Each way of asking a compiled model has to give the judge's answer. The rows are also
asked for together: an estimator whose answer for a row depends on the rows beside it has no answer
for one applicant, and is refused.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.proof.asking import (
    ask_default,
    ask_probability,
    first_differing_step,
    in_words,
    part_name,
    quiet,
)
from morosidad.errors import UnsupportedModel

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

MIN_ROWS = 300
"""So many rows are asked one at a time, where the frame has them."""
MAX_ROWS = 500
MAX_BATCH = 20_000
NEAR_CUTOFF = 25
PATTERNS = 100
SAME = 1e-6
"""Float32 sums differ by less than this between one row and many."""
ALONE_LABELS = 20
"""So many labels are asked one at a time."""
LEAST_ROWS = 40
"""So many rows are asked one at a time, however long that takes."""
ASKING_SECONDS = 10.0
"""After this time no further row is asked alone."""


class Verdict(NamedTuple):
    """What the judge answered.

    Attributes
    ----------
    places : ndarray of shape (n,), intp
        The rows of the reference that it answered, each asked alone.
    probabilities : ndarray of shape (n,), float64
        Of default.
    defaults : ndarray of shape (n,), bool
        Whether `predict` says default; None where the estimator has no `predict`.
    refused : dict of int to Exception
        The rows that it refuses, and its own error.
    together : int
        Rows that were asked in one batch.
    gap : float
        The largest difference between a row's answer alone and among the others.
    left_out : int
        Rows that were to be asked alone, and were not for lack of time.
    """

    places: Places
    probabilities: Floats
    defaults: NDArray[np.bool_] | None
    refused: dict[int, Exception]
    together: int
    gap: float = 0.0
    left_out: int = 0


class Judge:
    """The estimator and the user's own frame.

    Parameters
    ----------
    estimator : object
        A fitted classifier or pipeline with ``predict_proba``.
    reference : DataFrame or ndarray, of shape (n_rows, n_columns)
        The user's own rows, as the estimator takes them.
    default : {0, 1}
        The place of the class that means default among the estimator's two.
    clock : callable
        Gives the time in seconds.
    """

    def __init__(
        self,
        estimator: Any,
        reference: Any,
        default: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._estimator = estimator
        self._reference = reference
        self._default = default
        self._clock = clock

    def rows(self, places: Sequence[int] | Places) -> Any:
        """Give some rows of the reference, untouched."""
        chosen = np.asarray(places, dtype=np.intp)
        return self._reference.iloc[chosen] if hasattr(self._reference, "iloc") else self._reference[chosen]

    def probability(self, places: Sequence[int] | Places) -> Floats:
        """Ask about some rows together.

        Parameters
        ----------
        places : sequence of int
            Their places in the reference.

        Returns
        -------
        ndarray of shape (n_places,), float64
            The probability of default of each.

        Raises
        ------
        UnsupportedModel
            If the answer is not one probability for each of two classes.
        """
        with quiet():
            return ask_probability(self._estimator, self.rows(places), self._default)

    def verdict(
        self,
        cutoffs: Sequence[float] = (),
        watch: Callable[[list[int]], Iterable[int]] = iter,
    ) -> Verdict:
        """Ask about rows one at a time, and about all together.

        Parameters
        ----------
        cutoffs : sequence of float
            Probabilities at which the decision changes: the rows nearest to them are asked.
        watch : callable
            Takes the places of the rows that are asked alone, and gives them one by one.

        Returns
        -------
        Verdict

        Raises
        ------
        UnsupportedModel
            If the estimator answers no row alone, or a row otherwise alone than among others.
        """
        batch, scores = self._batch()
        chosen = select_rows(_as_frame(self._reference), batch, scores, cutoffs)
        answered, refused = self._each_alone(chosen, watch)
        places = np.array(sorted(answered), dtype=np.intp)
        alone = np.array([answered[place] for place in places.tolist()])
        if not answered:
            self._answers_none(chosen, refused, scores)
        together = batch if scores is not None else places
        self._same_again(places, alone)
        if scores is None:
            scores = self._asked_together(places)
        else:
            self._refused_together(refused, together, scores)
        gap = self._same_alone(places, alone, scores, together)
        left_out = len(chosen) - len(answered) - len(refused)
        return Verdict(places, alone, self._defaults(places), refused, len(together), gap, left_out)

    def _each_alone(
        self, chosen: Places, watch: Callable[[list[int]], Iterable[int]]
    ) -> tuple[dict[int, float], dict[int, Exception]]:
        """Ask about rows one at a time, the first ones in any case, the others while there is time."""
        answered: dict[int, float] = {}
        refused: dict[int, Exception] = {}
        end = self._clock() + ASKING_SECONDS
        for count, place in enumerate(watch(chosen.tolist())):
            if count >= LEAST_ROWS and self._clock() > end:
                break
            try:
                answered[place] = self._finite(place)
            except UnsupportedModel:
                raise
            except Exception as error:
                refused[place] = error
        return answered, dict(sorted(refused.items()))

    def _finite(self, place: int) -> float:
        """Ask about one row; an answer that is no number is a refusal."""
        answer = float(self.probability([place])[0])
        if not math.isfinite(answer):
            raise ValueError(f"predict_proba gives {answer}")
        return answer

    def _batch(self) -> tuple[Places, Floats | None]:
        """Ask about the whole reference, evenly thinned where it is long; None where that is refused."""
        step = 1 + (len(self._reference) - 1) // MAX_BATCH
        places = np.arange(0, len(self._reference), step)
        try:
            return places, self.probability(places)
        except UnsupportedModel:
            raise
        except Exception:
            return places, None

    def _asked_together(self, places: Places) -> Floats:
        try:
            return self.probability(places)
        except UnsupportedModel:
            raise
        except Exception as error:
            raise self._unsupported(
                f"answers {len(places)} rows one at a time and refuses them together: {in_words(error)}"
            ) from error

    def _answers_none(self, chosen: Places, refused: dict[int, Exception], scores: Floats | None) -> None:
        place, error = next(iter(refused.items()))
        if scores is None or not np.isfinite(scores).any():
            words = f"answers none of {len(chosen)} rows of its reference: {in_words(error)}"
            raise self._unsupported(words) from error
        words = f"answers its reference as a whole, and no row of it alone: {in_words(error)}"
        raise self._unsupported(words + self._advice(place, np.arange(len(self._reference)))) from error

    def _refused_together(self, refused: dict[int, Exception], together: Places, scores: Floats) -> None:
        """Refuse an estimator that answers a row among others, and not alone."""
        for place, error in refused.items():
            among = scores[np.searchsorted(together, place)]
            if np.isfinite(among):
                raise self._unsupported(
                    f"gives an answer that depends on the rows beside it: row {place} of the reference alone "
                    f"is refused ({in_words(error)}), among the others it gets {among:.6g}"
                    f"{self._advice(place, together)}"
                ) from error

    def _same_alone(self, places: Places, alone: Floats, scores: Floats, together: Places) -> float:
        among = scores[np.searchsorted(together, places)]
        gap = np.nan_to_num(np.abs(alone - among), nan=np.inf)
        if not (gap > SAME).any():
            return float(gap.max(initial=0.0))
        at = int(np.argmax(gap))
        raise self._unsupported(
            f"gives an answer that depends on the rows beside it: asked about row {places[at]} of the "
            f"reference alone it says {alone[at]:.6g}, among the others {among[at]:.6g} "
            f"({int((gap > SAME).sum())} of {len(places)} rows differ)"
            f"{self._advice(int(places[at]), together)}"
        )

    def _advice(self, place: int, together: Places) -> str:
        at = int(np.searchsorted(together, place))
        step = first_differing_step(self._estimator, self.rows([place]), self.rows(together), at)
        words = (
            ". Fit what looks at other rows (dummies, codes, ranks, means) as a transformer of the pipeline"
        )
        return f"; its step {step} looks at other rows{words}" if step else words

    def _same_again(self, places: Places, alone: Floats) -> None:
        for place, first in list(zip(places.tolist(), alone.tolist(), strict=True))[:: 1 + len(places) // 8]:
            again = self._finite(place)
            if abs(again - first) > SAME:
                words = f"answers at random: row {place} of the reference gets {first:.6g}, then {again:.6g}"
                raise self._unsupported(words)

    def _defaults(self, places: Places) -> NDArray[np.bool_] | None:
        if not hasattr(self._estimator, "predict"):
            return None
        try:
            with quiet():
                found = ask_default(self._estimator, self.rows(places), self._default)
                some = slice(None, None, 1 + len(places) // ALONE_LABELS)
                alone = [
                    bool(ask_default(self._estimator, self.rows([place]), self._default)[0])
                    for place in places[some].tolist()
                ]
        except UnsupportedModel:
            raise
        except Exception as error:
            raise self._unsupported(f"gives probabilities and no labels: {in_words(error)}") from error
        if alone != found[some].tolist():
            raise self._unsupported("gives labels that depend on the rows beside them: see predict")
        return found

    def _unsupported(self, words: str) -> UnsupportedModel:
        return UnsupportedModel(f"{self._name()} {words}", part_name(self._estimator))

    def _name(self) -> str:
        name, part = type(self._estimator).__name__, part_name(self._estimator)
        return part if name == part else f"the pipeline of {part}"


def _as_frame(reference: Any) -> pd.DataFrame:
    import pandas as pd

    return reference if isinstance(reference, pd.DataFrame) else pd.DataFrame(reference)


# -- which rows --------------------------------------------------------------------------------


def select_rows(
    frame: pd.DataFrame, among: Places, scores: Floats | None, cutoffs: Sequence[float]
) -> Places:
    """Choose the rows to ask about one at a time.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The reference.
    among : ndarray of shape (n,), intp
        The places to choose from.
    scores : ndarray of shape (n,), float64, or None
        Their probabilities, where known.
    cutoffs : sequence of float
        Probabilities at which the decision changes.

    Returns
    -------
    ndarray of intp, the most telling first
        One row for each pattern of missing values, the rows nearest to each cut-off, those with the
        least and the greatest number and the rarest category of each column, and others evenly.
    """
    some = frame.iloc[among]
    chosen = dict.fromkeys(_patterns(some))
    if scores is not None:
        for cutoff in cutoffs:
            near = np.argsort(np.abs(scores - cutoff), kind="stable")[:NEAR_CUTOFF]
            chosen |= dict.fromkeys(near.tolist())
    for place in _extremes(some):
        if len(chosen) >= MAX_ROWS - MIN_ROWS // 2:
            break
        chosen[place] = None
    spread = np.random.default_rng(0).permutation(len(among)).tolist()
    for place in spread:
        if len(chosen) >= MIN_ROWS:
            break
        chosen[place] = None
    found: Places = among[list(chosen)]
    return found


def _patterns(frame: pd.DataFrame) -> list[int]:
    """Give the first row of each pattern of missing values, the rarest patterns first."""
    absent = [frame.isna().to_numpy(dtype=bool)]
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if column.dtype == object and absent[0][:, place].any():  # None and NaN may differ to the estimator
            absent.append(np.fromiter((value is None for value in column), bool, len(column))[:, None])
    gaps = np.packbits(np.hstack(absent), axis=1)
    if not gaps.shape[1]:
        return []
    _, first, counts = np.unique(gaps, axis=0, return_index=True, return_counts=True)
    places: list[int] = first[np.argsort(counts, kind="stable")][:PATTERNS].tolist()
    return places


def _extremes(frame: pd.DataFrame) -> Iterator[int]:
    """Give rows with a column's least and greatest number, or with its rarest category."""
    import pandas.api.types as kinds

    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        try:
            if kinds.is_complex_dtype(column):
                continue
            if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column):
                numbers = column.to_numpy(np.float64, na_value=np.nan)
                if not np.isnan(numbers).all():
                    yield int(np.nanargmin(numbers))
                    yield int(np.nanargmax(numbers))
            else:
                for level, _ in Counter(column.dropna()).most_common()[-2:]:
                    yield int(np.flatnonzero((column == level).to_numpy(dtype=bool, na_value=False))[0])
        except (TypeError, ValueError):  # such columns have neither an order nor levels
            continue
