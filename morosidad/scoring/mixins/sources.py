"""Where scorers come from: training, the shipped model, a model file."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

from morosidad.errors import BrokenDirectionWarning
from morosidad.policy.cutoffs import Policy
from morosidad.policy.deciding import Deciding
from morosidad.schema.schema import Schema
from morosidad.scoring.parts import Parts, check_parts
from morosidad.scoring.stored_model import ModelSource, StoredModel

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd


class ScorerSources:
    """What makes scorers; `Scorer` says how they are put together."""

    if TYPE_CHECKING:

        def __init__(self, pipeline: Any, **options: Any) -> None: ...
        def _start(self, model: StoredModel, parts: Parts, source: ModelSource | None = None) -> None: ...

    @classmethod
    def train(
        cls,
        X: pd.DataFrame,
        y: Any,
        *,
        model: str = "auto",
        prefer: Literal["best", "simple"] = "best",
        schema: Schema | None = None,
        policy: Policy | None = None,
        positive: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        split: Any = None,
        monotone: Mapping[str, int] | None = None,
        protected: Sequence[str] = (),
        background: int | pd.DataFrame | None = None,
        seed: int = 0,
        n_jobs: int | None = None,
        time_limit: float | None = None,
        progress: bool | None = None,
        name: str = "modelo",
        version: str = "1",
        **parts: Unpack[Parts],
    ) -> Self:
        """Compare kinds of model by cross-validation, fit the one that was chosen, and make a scorer of it.

        Tried are logistic regression on linear splines, boosted trees of three sizes, and the mean of
        every two on the log-odds; an explainable boosting machine only where `time_limit` has room for
        it. What is worse beyond doubt after a fold is fitted no more. All that was found stands in
        `training`, and in the model file: figures, out-of-fold predictions, warnings.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Applicants.
        y : array-like of shape (n_rows,)
            Whether each fell into arrears: two labels.
        model : {'auto', 'logistic', 'splines', 'glassbox', 'boosting', 'scorecard'}, default='auto'
            The kind of model. Of one kind, its sizes are compared.
        prefer : {'best', 'simple'}, default='best'
            The least cross-validated log loss, or the simplest within one standard error of it.
        schema : Schema, optional
            Inferred from `X` when not given.
        policy, positive, name, version : optional
            As in `Scorer`.
        sample_weight : array-like of shape (n_rows,), optional
            How much each row counts.
        groups : str or array-like of shape (n_rows,), optional
            The name of a column, which becomes no field, or values: rows of one group, such as one
            person's, are never on both sides of a fold.
        split : str or array-like of shape (n_rows,), optional
            The name of a column of dates, which becomes no field, or dates: each fold is predicted from
            earlier rows, and the latest fifth is an out-of-time test, which the model is not fitted on.
        monotone : mapping of str to {-1, 0, 1}, optional
            Fields of numbers with which the probability of default must rise (1) or fall (-1), whatever
            the other fields hold. In place of ``Field(monotonic=)`` of the schema, which is kept too.
            Every candidate keeps it; `check_monotone` proves it.
        protected : sequence of str, optional
            Fields that are never given as a reason, as in `Scorer`, and that are warned of, as are those
            whose names look protected.
        background : int or DataFrame, optional
            What reasons are measured against, as in `Scorer`.
        seed : int, default=0
            The same data and seed give the same model, unless a `time_limit` cuts the comparison short.
        n_jobs : int, optional
            Threads: by default as many as processors where the data are many, else one.
        time_limit : float, optional
            Seconds that the comparison may take: candidates are left out so that it is kept. One is
            fitted in any case, and the proof of the compiled model comes on top.
        progress : bool, optional
            Show a bar, and write the warnings to standard error when it is done; by default in a
            terminal or a notebook.
        cache, kpis, recovery, audit, drift, language : optional
            As in `Scorer`.

        Returns
        -------
        Scorer

        Raises
        ------
        InvalidFrame
            If the rows do not fit the schema, `y` does not hold two classes, or the rows can't be divided.
        SettingsError
            If it is not said which label means default, or a setting is wrong.
        RuleError
            If a rule of the policy does not fit the schema.
        MissingExtra
            If the library of the kind of model is not installed.
        """
        from morosidad.training.fitting import Search, train

        check_parts(parts, policy)
        if policy is not None and schema is not None:
            Deciding(policy, schema, "")  # rules that do not fit show before the work
        search = Search(model, prefer, tuple(protected), seed, n_jobs, time_limit, progress)
        trained = train(
            X,
            y,
            schema=schema,
            positive=positive,
            sample_weight=sample_weight,
            groups=groups,
            split=split,
            monotone=monotone,
            search=search,
        )
        scorer = cls(
            trained.pipeline,
            schema=trained.schema,
            reference=trained.frame,
            policy=policy,
            name=name,
            version=version,
            positive=positive,
            training=trained.training,
            protected=protected,
            background=background,
            **parts,
        )
        if search.shown:
            for warning in trained.training.warnings:
                print(warning.told(parts.get("language", trained.schema.language)), file=sys.stderr)
        return scorer

    @classmethod
    def default(cls, policy: Policy | None = None, **parts: Unpack[Parts]) -> Self:
        """Load the model shipped in the package.

        It was trained on **synthetic** applicants of the schema `AHORRO_VALLE` and says so in its
        name. It is there to try things out, and decides on nobody real.

        Parameters
        ----------
        policy : Policy, optional
            Replaces the one in the file.
        cache, kpis, recovery, audit, drift, language : optional
            As in `Scorer`.

        Returns
        -------
        Scorer
        """
        from morosidad.training.shipped import PATH

        return cls.load(PATH, policy=policy, **parts)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        key: bytes | None = None,
        *,
        policy: Policy | None = None,
        trusted: Sequence[str] = (),
        allow_pickle: bool = False,
        **parts: Unpack[Parts],
    ) -> Self:
        """Load a model file. A compiled model needs neither scikit-learn nor pandas.

        Parameters
        ----------
        path : path-like
            What `save` wrote.
        key : bytes, optional
            The key that the file was signed with.
        policy : Policy, optional
            Stands in for the one in the file.
        trusted : sequence of str, optional
            Types to allow in a model that could not be compiled, as `ArtifactUntrusted` lists them;
            those of scikit-learn that hold numbers and settings only need not be named.
        allow_pickle : bool, default=False
            Read a model that stands in the file as a pickle, which runs the code in it: only if the file
            is signed with `key`, and you trust whoever else holds it.
        cache, kpis, recovery, audit, drift, language : optional
            As in `Scorer`.

        Returns
        -------
        Scorer

        Raises
        ------
        ArtifactError
            One of its kinds, saying what is wrong with the file.
        TypeError
            If a part, or the policy, is something else.
        """
        check_parts(parts, policy)
        source = ModelSource(path, key, policy, tuple(trusted), allow_pickle)
        scorer = cls.__new__(cls)
        model = source.read()
        scorer._start(model, parts, source.resolved())
        if model.told_broken:
            warnings.warn(BrokenDirectionWarning(model.told_broken), stacklevel=2)
        return scorer
