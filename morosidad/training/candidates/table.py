"""The table of candidates: what is tried, simplest first."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import msgspec

from morosidad.errors import MissingExtra, SettingsError
from morosidad.schema.schema import Schema

AUTO = "auto"


class FitTask(msgspec.Struct, frozen=True):
    """What a candidate is made for.

    Attributes
    ----------
    schema : Schema
        What a record is.
    rows : int
        Applicants to learn from.
    seed : int
        Of what is drawn at random.
    directions : dict of str to {1, -1}
        The fields with which the probability of the second class must rise, or fall.
    """

    schema: Schema
    rows: int = 0
    seed: int = 0
    directions: dict[str, int] = {}


class Candidate(msgspec.Struct, frozen=True):
    """One pipeline that may be tried.

    Attributes
    ----------
    name : str
        Its own, on reports.
    kind : str
        The kind of model that it is one of: what ``model=`` asks for.
    make : callable
        Makes the pipeline, not yet fitted, for a `FitTask`.
    automatic : bool
        Whether it is tried where no kind of model is asked for.
    module, extra : str
        The module that it needs, and the extra that brings it.
    seconds : float
        About how long a million values take to fit, of those that may take too long; 0 for others.
    """

    name: str
    kind: str
    make: Callable[[FitTask], Any]
    automatic: bool = True
    module: str = ""
    extra: str = ""
    seconds: float = 0.0

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return not self.module or find_spec(self.module) is not None


def candidates(model: str = AUTO) -> tuple[Candidate, ...]:
    """Give the candidates of a kind of model.

    Parameters
    ----------
    model : str
        A kind, or ``'auto'``.

    Returns
    -------
    tuple of Candidate
        Simplest first; with ``'auto'`` those that are installed.

    Raises
    ------
    SettingsError
        If there is no such kind of model.
    MissingExtra
        If its library is not installed.
    """
    if model == AUTO:
        return tuple(one for one in TABLE if one.automatic and one.installed)
    found = tuple(one for one in TABLE if one.kind == model)
    if not found:
        raise SettingsError([f"model: one of {', '.join(MODELS)} was expected"])
    for one in found:
        if not one.installed:
            raise MissingExtra(f"the kind of model {model}", one.extra)
    return found


def _logistic(task: FitTask) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from morosidad.preprocessor import Preprocessor

    if task.directions:
        return make_pipeline(_named(Preprocessor(task.schema)), _directed(task))
    return make_pipeline(Preprocessor(task.schema), LogisticRegression(max_iter=1000))


def _splines(task: FitTask) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from morosidad.training.candidates.encoding import SplinePreprocessor

    preprocessor = SplinePreprocessor(task.schema, min_frequency=max(5, task.rows // 200))
    if task.directions:
        return make_pipeline(_named(preprocessor), _directed(task, ramps=True, C=0.1))
    return make_pipeline(preprocessor, LogisticRegression(C=0.1, max_iter=1000))


def _named(preprocessor: Any) -> Any:
    """Let a preprocessor name its columns: whoever keeps directions finds them by name."""
    return preprocessor.set_output(transform="pandas")


def _directed(task: FitTask, **options: Any) -> Any:
    from morosidad.training.candidates.directed import DirectedRegression

    return DirectedRegression(task.directions, **options)


def _glassbox(task: FitTask) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    if not task.directions:
        return ExplainableBoostingClassifier(outer_bags=4, random_state=task.seed, n_jobs=1)
    names = task.schema.names
    return ExplainableBoostingClassifier(
        outer_bags=4,
        random_state=task.seed,
        n_jobs=1,
        monotone_constraints=[task.directions.get(name, 0) for name in names],
        exclude=[(name, other) for name in task.directions for other in names if other != name],
    )


def _boosting(**options: Any) -> Callable[[FitTask], Any]:
    """Give what makes boosted trees of a size, on ordinal codes of the categories."""

    def make(task: FitTask) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.pipeline import make_pipeline

        from morosidad.training.candidates.encoding import CandidatePreprocessor

        few = max(5, task.rows // 1000)
        preprocessor = CandidatePreprocessor(
            task.schema, missing="keep", scale=False, encoding="ordinal", min_frequency=few
        )
        trees_of: Any = HistGradientBoostingClassifier
        trees = trees_of(
            l2_regularization=5.0,
            max_features=0.5,
            early_stopping=False,
            random_state=task.seed,
            monotonic_cst=task.directions or None,
            **options,
        )
        return make_pipeline(_named(preprocessor) if task.directions else preprocessor, trees)

    return make


def _scorecard(task: FitTask) -> Any:
    from morosidad.training.scorecards import scorecard_pipeline

    return scorecard_pipeline(task.schema, task.directions)


TABLE = (
    Candidate("logistic", "logistic", _logistic, automatic=False),
    Candidate("scorecard", "scorecard", _scorecard, automatic=False, module="optbinning", extra="scorecard"),
    Candidate("splines", "splines", _splines),
    Candidate("glassbox", "glassbox", _glassbox, module="interpret", extra="glassbox", seconds=600.0),
    Candidate(
        "boosting-4",
        "boosting",
        _boosting(learning_rate=0.05, max_iter=300, max_leaf_nodes=4, min_samples_leaf=20),
    ),
    Candidate(
        "boosting-8",
        "boosting",
        _boosting(learning_rate=0.05, max_iter=300, max_leaf_nodes=8, min_samples_leaf=20),
    ),
    Candidate(
        "boosting-31",
        "boosting",
        _boosting(learning_rate=0.03, max_iter=300, max_leaf_nodes=31, min_samples_leaf=50),
    ),
)
"""Every candidate, simplest first. A further one needs its line here, and a reader that compiles it."""

MODELS = (*dict.fromkeys(one.kind for one in TABLE), AUTO)
"""What ``model=`` may be."""
