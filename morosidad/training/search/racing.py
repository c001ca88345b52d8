"""Cross-validation of candidates side by side, fold by fold; the hopeless drop out."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.training.candidates.table import Candidate, FitTask
from morosidad.training.search.figures import row_losses
from morosidad.training.search.folds import Folds

if TYPE_CHECKING:
    import pandas as pd

HOPELESS = 3.0
"""Standard errors by which a candidate's loss lies above that of the best when it drops out."""
LARGEST = 35.0
"""Log-odds are kept within this, so that one row's loss is finite."""


class Data(msgspec.Struct, frozen=True, eq=False):
    """What is learnt from.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_fields)
        Applicants.
    labels : ndarray of shape (n_rows,)
        Their labels.
    truth : ndarray of bool, shape (n_rows,)
        Which of them mean default.
    weights : ndarray of float64, shape (n_rows,), or None
        How much each row counts.
    """

    frame: pd.DataFrame
    labels: NDArray[Any]
    truth: NDArray[np.bool_]
    weights: Floats | None = None

    def fitted(self, estimator: Any, rows: NDArray[np.intp]) -> Any:
        """Fit an estimator on some rows, in one thread: sums in another order would change the model."""
        from threadpoolctl import threadpool_limits

        from morosidad.training.candidates.pooling import fit_weighted

        weights = None if self.weights is None else self.weights[rows]
        with threadpool_limits(limits=1, user_api="openmp"):
            return fit_weighted(estimator, self.frame.iloc[rows], self.labels[rows], weights)

    def subset(self, rows: NDArray[np.intp]) -> Data:
        """Give some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Data(self.frame.iloc[rows], self.labels[rows], self.truth[rows], weights)

    def log_odds(self, fitted: Any, rows: NDArray[np.intp]) -> Floats:
        """Give the log-odds of default that a fitted estimator predicts for some rows."""
        return self.ask(fitted, self.frame.iloc[rows])

    def ask(self, fitted: Any, frame: pd.DataFrame) -> Floats:
        """Give the log-odds of default that a fitted estimator predicts for a frame."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="openmp"):
            found = np.asarray(fitted.decision_function(frame), dtype=np.float64)
        default = self.labels[self.truth.argmax()]
        found = found if fitted.classes_[1] == default else -found
        return np.clip(found, -LARGEST, LARGEST)


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep fits to one thread of linear algebra each, and quiet about unknown categories and early ends."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Run(msgspec.Struct, eq=False):
    """One candidate's way through the folds.

    Attributes
    ----------
    candidate : Candidate
        Which.
    log_odds : ndarray of float64, shape (n_rows,)
        Predictions of rows by models that were not fitted on them; NaN where there is none.
    seconds : float
        What its fits took, added up.
    left : str
        Why it was left before the last fold: ``hopeless`` or ``time``; else empty.
    """

    candidate: Candidate
    log_odds: Floats
    seconds: float = 0.0
    left: str = ""


def race(
    chosen: Sequence[Candidate],
    data: Data,
    folds: Folds,
    task: FitTask,
    *,
    n_jobs: int = 1,
    time_limit: float | None = None,
    thorough: bool = False,
    advance: Callable[[int], None] = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Run]:
    """Cross-validate candidates.

    Every candidate is fitted once on each fold, all of them on the first fold before any on the
    second. After each fold one drops out if it is worse than the best beyond doubt, and the mean of
    both is no better either.

    Parameters
    ----------
    chosen : sequence of Candidate
        Simplest first.
    data : Data
        What is learnt from.
    folds : Folds
        How rows are divided.
    task : FitTask
        What the candidates are made for.
    n_jobs : int, default=1
        Threads; each fits one model at a time.
    time_limit : float, optional
        Seconds from now. The dearest candidates are left out so that the rest can be kept; one is tried
        on at least one fold in any case.
    thorough : bool, default=False
        Keep what lies within one standard error of the best loss, however surely it is worse.
    advance : callable
        Told of fits that are done or no longer needed.
    clock : callable
        Seconds.

    Returns
    -------
    list of Run
        In the order of the candidates.
    """
    begin = clock()
    runs = [Run(one, np.full(len(data.truth), np.nan)) for one in chosen]
    for done, fold in enumerate(folds.pairs):
        racing = [run for run in runs if not run.left]
        late = _overdue(racing, done, len(folds.pairs), begin, time_limit, clock)
        for run in late:
            run.left = "time"
            advance(len(folds.pairs) - done)
        _run_fold([run for run in racing if not run.left], data, fold, task, n_jobs, clock, advance)
        for run in _hopeless([run for run in runs if not run.left], data, thorough):
            run.left = "hopeless"
            advance(len(folds.pairs) - done - 1)
    return runs


def _run_fold(
    racing: Sequence[Run],
    data: Data,
    fold: tuple[NDArray[np.intp], NDArray[np.intp]],
    task: FitTask,
    n_jobs: int,
    clock: Callable[[], float],
    advance: Callable[[int], None],
) -> None:
    from joblib import Parallel, delayed

    kept, held = fold

    def fit(run: Run) -> None:
        begin = clock()
        fitted = data.fitted(run.candidate.make(task), kept)
        run.log_odds[held] = data.log_odds(fitted, held)
        run.seconds += clock() - begin
        advance(1)

    with one_thread_each():
        Parallel(n_jobs=n_jobs, backend="threading")(delayed(fit)(run) for run in reversed(racing))


def _overdue(
    racing: Sequence[Run],
    done: int,
    folds: int,
    begin: float,
    time_limit: float | None,
    clock: Callable[[], float],
) -> list[Run]:
    """Name the dearest, until the time left is enough for the other folds and a last fit."""
    if time_limit is None or done == 0:
        return []
    left = time_limit - (clock() - begin)
    kept = sorted(racing, key=lambda run: run.seconds)
    while len(kept) > 1 and sum(run.seconds for run in kept) / done * (folds - done + 1) > left:
        kept.pop()
    return [run for run in racing if run not in kept]


def _hopeless(racing: Sequence[Run], data: Data, thorough: bool) -> list[Run]:
    """Name those that are worse than the best beyond doubt, and of no use in a mean with it."""
    if len(racing) < 2:
        return []
    rows = ~np.isnan(racing[0].log_odds)
    truth, share = data.truth[rows], None if data.weights is None else data.weights[rows]
    losses = [row_losses(truth, run.log_odds[rows]) for run in racing]
    means = [float(np.average(values, weights=share)) for values in losses]
    best = int(np.argmin(means))
    error = float(losses[best].std()) / np.sqrt(len(truth)) if thorough else 0.0
    found = []
    for run, values in zip(racing, losses, strict=True):
        both = row_losses(truth, (run.log_odds[rows] + racing[best].log_odds[rows]) / 2.0)
        differences = values - losses[best]
        worse = _clearly_above(differences, share) and np.average(differences, weights=share) > error
        if worse and np.average(both, weights=share) >= means[best]:
            found.append(run)
    return found


def _clearly_above(differences: Floats, share: Floats | None) -> bool:
    mean = float(np.average(differences, weights=share))
    error = float(differences.std()) / np.sqrt(len(differences))
    return bool(mean > HOPELESS * error)
