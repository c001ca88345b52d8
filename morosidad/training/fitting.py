"""The training of a model: data checked, candidates compared, the chosen one fitted on all rows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import InvalidFrame, SettingsError
from morosidad.languages import say
from morosidad.progress import tqdm_for
from morosidad.schema.schema import Schema
from morosidad.training.candidates.table import AUTO, Candidate, FitTask, candidates
from morosidad.training.directions import directed, kept_directions
from morosidad.training.evidence import OutOfFold, Training
from morosidad.training.labels import is_default
from morosidad.training.search.choice import Choosable, Prefer, calibrated, choose, options
from morosidad.training.search.figures import Figures, measure, sigmoid
from morosidad.training.search.folds import Folds, make_folds
from morosidad.training.search.racing import Data, Run, one_thread_each, race

if TYPE_CHECKING:
    import pandas as pd

WORTH_THREADS = 200_000
"""Values of training data from which on candidates are fitted side by side."""


class Trained(msgspec.Struct, frozen=True, eq=False):
    """A model that was chosen and fitted.

    Attributes
    ----------
    pipeline : estimator
        A fitted scikit-learn classifier.
    schema : Schema
        What a record is.
    frame : DataFrame
        The rows that it was fitted on, with the columns of the schema.
    training : Training
        What is known of it.
    """

    pipeline: Any
    schema: Schema
    frame: pd.DataFrame
    training: Training


class Search(msgspec.Struct, frozen=True):
    """How a model is looked for.

    Attributes
    ----------
    model : str
        A kind of model, or ``'auto'``.
    prefer : {'best', 'simple'}
        The least log loss, or the simplest within one standard error of it.
    protected : tuple of str
        Fields that the law protects, beside those whose names say so.
    seed : int
        Of the folds and of what models draw at random.
    n_jobs : int, optional
        Threads; by default as many as processors where the data are many, else one.
    time_limit : float, optional
        Seconds that the comparison may take.
    progress : bool, optional
        Whether a bar is shown; by default in a terminal or a notebook.
    """

    model: str = AUTO
    prefer: Prefer = "best"
    protected: tuple[str, ...] = ()
    seed: int = 0
    n_jobs: int | None = None
    time_limit: float | None = None
    progress: bool | None = None

    @property
    def shown(self) -> bool:
        """Whether somebody looks on, who is shown bars and told of warnings."""
        seen = sys.stderr.isatty() or "ipykernel" in sys.modules
        return seen if self.progress is None else self.progress


def train(
    X: pd.DataFrame,
    y: Any,
    *,
    schema: Schema | None = None,
    positive: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    split: Any = None,
    monotone: Mapping[str, int] | None = None,
    search: Search = Search(),  # noqa: B008 - it never changes
    clock: Callable[[], float] = time.perf_counter,
) -> Trained:
    """Compare candidates by cross-validation, choose, and fit the chosen one on all rows.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Applicants.
    y : array-like of shape (n_rows,)
        Two labels.
    schema : Schema, optional
        Inferred from `X` when not given.
    positive : object, optional
        The label that means default, where the labels are not 0 and 1 or False and True.
    sample_weight : array-like of shape (n_rows,), optional
        How much each row counts.
    groups : str or array-like of shape (n_rows,), optional
        A column, which is then no field, or values: rows of one group are never on both sides of a fold.
    split : str or array-like of shape (n_rows,), optional
        A column of dates, which is then no field, or dates: folds in the order of time, and an
        out-of-time test set of the latest fifth, which the model is not fitted on.
    monotone : mapping of str to {-1, 0, 1}, optional
        Fields of numbers with which the risk must rise, or fall, in place of what the schema declares.
    search : Search
        How the model is looked for.
    clock : callable
        Seconds.

    Returns
    -------
    Trained

    Raises
    ------
    InvalidFrame
        If the rows do not fit the schema, `y` does not hold two classes, or they can't be divided.
    SettingsError
        If there is no such kind of model, or it is not said which label means default.
    MissingExtra
        If the library of the kind of model is not installed.
    """
    if search.prefer not in ("best", "simple"):
        raise SettingsError(["prefer: one of best, simple was expected"])
    chosen = candidates(search.model)
    frame, (groups, split) = _without_columns(X, groups=groups, split=split)
    schema = directed(schema or Schema.infer(frame), monotone or {})
    frame, labels = checked(frame, y, schema)
    truth = np.asarray(is_default(labels, positive))
    data = Data(frame, labels, truth, _weights(sample_weight, len(truth)))
    folds = make_folds(truth, groups=groups, dates=split, seed=search.seed)
    fitted_on = [folds.development, *(rows for rows, _ in folds.pairs)]
    sign = 1 if data.truth[data.labels == max(data.labels.tolist())].any() else -1
    directions = kept_directions(schema, frame, fitted_on, sign=sign)
    task = FitTask(schema, len(folds.development), search.seed, directions)
    runs = _compared(_in_time(chosen, frame, search.time_limit), data, folds, task, search, clock)
    found = options(runs)
    choice = calibrated(choose(found, data, search.prefer), data, folds)
    pipeline = _fitted(choice, data, folds, task, _jobs(search, frame))
    log_odds = choice.log_odds.copy()
    if len(folds.test):
        log_odds[folds.test] = data.log_odds(pipeline, folds.test)
    facts = _facts(choice, found, runs, data, folds, search, log_odds)
    facts["warnings"] = _warnings(pipeline, data, folds, task, search.protected)
    kept = frame if not len(folds.test) else frame.iloc[folds.development]
    return Trained(
        pipeline, schema, kept, Training(facts, _out_of_fold(log_odds, data, folds), schema.language)
    )


def checked(X: Any, y: Any, schema: Schema) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Give the columns of a schema and the labels, of as many rows each.

    Raises
    ------
    InvalidFrame
        If columns are missing, or `y` does not hold two classes without gaps.
    """
    from morosidad._dataframes import as_pandas, select

    frame, labels = as_pandas(X), np.asarray(y)
    chosen = select(frame, schema.names)
    if labels.ndim != 1:
        raise InvalidFrame("the target must be one answer for each row")
    if len(labels) != len(frame):
        raise InvalidFrame(f"{len(frame)} rows, and {len(labels)} answers")
    if any(value is None or value != value for value in labels.tolist()) or len(set(labels.tolist())) != 2:
        raise InvalidFrame("the target must hold exactly two classes, and no missing value")
    return chosen, labels


def _without_columns(X: Any, **given: Any) -> tuple[pd.DataFrame, list[Any]]:
    """Take the columns that are named out of a frame; give their values."""
    from morosidad._dataframes import as_pandas

    frame, values = as_pandas(X), []
    named = {name: column for name, column in given.items() if isinstance(column, str)}
    for name, column in named.items():
        if column not in frame.columns:
            raise InvalidFrame(f"{name}: there is no column {column!r}", [column])
    values = [frame[column].to_numpy() if name in named else column for name, column in given.items()]
    return (frame.drop(columns=list(named.values())) if named else frame), values


def _weights(given: Any, n: int) -> NDArray[np.float64] | None:
    if given is None:
        return None
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InvalidFrame("sample_weight: one number for each row was expected, none below 0 and not all 0")
    return weights


def _in_time(
    chosen: Sequence[Candidate], frame: pd.DataFrame, time_limit: float | None
) -> Sequence[Candidate]:
    """Leave out what takes long, unless nothing else was asked for or a given limit has room for it."""
    cost = {one.name: one.seconds * frame.size / 1e6 * 6.0 for one in chosen}
    kept = [one for one in chosen if cost[one.name] <= (time_limit or 0.0) / 2.0]
    return kept or chosen


def _jobs(search: Search, frame: pd.DataFrame) -> int:
    if search.n_jobs is not None and search.n_jobs > 0:
        return search.n_jobs
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors if search.n_jobs is not None or frame.size >= WORTH_THREADS else 1


def _compared(
    chosen: Sequence[Candidate],
    data: Data,
    folds: Folds,
    task: FitTask,
    search: Search,
    clock: Callable[[], float],
) -> list[Run]:
    shown = search.shown
    words = say(task.schema.language, "figures.cross_validating")
    with tqdm_for(shown)(total=len(chosen) * len(folds.pairs), desc=words, disable=not shown) as bar:
        return race(
            chosen,
            data,
            folds,
            task,
            n_jobs=_jobs(search, data.frame),
            time_limit=search.time_limit,
            thorough=search.prefer == "simple",
            advance=bar.update,
            clock=clock,
        )


def _fitted(choice: Choosable, data: Data, folds: Folds, task: FitTask, n_jobs: int) -> Any:
    """Fit the parts of a choice on all rows that may be learnt from."""
    from joblib import Parallel, delayed

    from morosidad.training.candidates.pooling import LogOddsPool

    made = [run.candidate.make(task) for run in choice.runs]
    with one_thread_each():
        fitted: Any = Parallel(n_jobs=n_jobs, backend="threading")(
            delayed(data.fitted)(one, folds.development) for one in made
        )
    if len(fitted) == 1 and not choice.calibrated:
        return fitted[0]
    sign = 1.0 if fitted[0].classes_[1] == data.labels[data.truth.argmax()] else -1.0
    weights = [choice.slope / len(fitted)] * len(fitted)
    return LogOddsPool(made, weights, sign * choice.intercept).take(fitted)


def _facts(
    choice: Choosable,
    found: Sequence[Choosable],
    runs: Sequence[Run],
    data: Data,
    folds: Folds,
    search: Search,
    log_odds: NDArray[np.float64],
) -> dict[str, Any]:
    """Put together what is known of a training, as plain data."""
    compared = [*(Choosable((run,), run.log_odds) for run in runs if run.left), *found]
    lines = [_line(one, data) for one in sorted(compared, key=lambda one: len(one.runs))]
    why = search.prefer if len(found) > 1 else "only"
    facts: dict[str, Any] = {
        "model": choice.name,
        "rows": len(folds.development),
        "default_rate": float(np.average(data.truth[folds.development])),
        "folds": f"{len(folds.pairs)} {folds.how}",
        "seed": search.seed,
        "why": why,
        "candidates": lines,
        "cross_validation": plain(_measured(choice.log_odds, data)),
    }
    if choice.calibrated:
        facts["calibration"] = {"slope": choice.slope, "intercept": choice.intercept}
    if len(folds.test):
        facts["out_of_time"] = plain(_measured(log_odds, data, folds.test))
    facts["fingerprint"] = fingerprint(data)
    return facts


def _warnings(
    pipeline: Any, data: Data, folds: Folds, task: FitTask, protected: Sequence[str]
) -> list[dict[str, Any]]:
    """Look for what is worth a warning in the rows that were learnt from."""
    from morosidad.training.cautions import find_warnings

    learnt = data.subset(folds.development)
    found = find_warnings(learnt, task.schema, lambda frame: learnt.ask(pipeline, frame), protected)
    return [msgspec.to_builtins(one) for one in found]


def _line(one: Choosable, data: Data) -> dict[str, Any]:
    left = one.runs[0].left if len(one.runs) == 1 else ""
    return {"name": one.name, **plain(_measured(one.log_odds, data)), "left": left}


def _measured(log_odds: Any, data: Data, rows: NDArray[np.intp] | None = None) -> Figures:
    rows = np.flatnonzero(~np.isnan(log_odds)) if rows is None else rows
    weights = None if data.weights is None else data.weights[rows]
    return measure(data.truth[rows], log_odds[rows], weights)


def plain(figures: Figures) -> dict[str, Any]:
    """Give figures as data for a model file: JSON has no NaN."""
    numbers: Mapping[str, Any] = msgspec.structs.asdict(figures)
    return {name: None if value != value else value for name, value in numbers.items()}


def _out_of_fold(log_odds: NDArray[np.float64], data: Data, folds: Folds) -> OutOfFold:
    fold = np.full(len(log_odds), -1.0)
    for number, (_, held) in enumerate(folds.pairs):
        fold[held] = number
    rows = np.flatnonzero(~np.isnan(log_odds))
    truth = data.truth[rows].astype(np.float64)
    return OutOfFold(rows.astype(np.float64), sigmoid(log_odds[rows]), truth, fold[rows])


def fingerprint(data: Data) -> str:
    """Give a digest of training data: the same for the same columns, values, answers and order.

    Parameters
    ----------
    data : Data
        What is learnt from.

    Returns
    -------
    str
        BLAKE2b-128 in hexadecimal.
    """
    import hashlib

    import pandas as pd

    digest = hashlib.blake2b(digest_size=16)
    for name in data.frame.columns:
        column = data.frame[name]
        cells = column.astype(str).where(column.notna(), "") if column.dtype == object else column
        digest.update(f"{name}\0".encode())
        digest.update(pd.util.hash_pandas_object(cells, index=False).to_numpy().tobytes())
    digest.update(data.truth.tobytes())
    return digest.hexdigest()
