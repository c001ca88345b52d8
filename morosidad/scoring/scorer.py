"""The scorer: construction, reloading and saving; `sources` makes it, `answers` asks it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from morosidad.errors import ArtifactError
from morosidad.policy.cutoffs import Policy
from morosidad.schema.schema import Schema
from morosidad.scoring.answers import BaseScorer
from morosidad.scoring.mixins.sources import ScorerSources
from morosidad.scoring.mixins.travelling import Travelling
from morosidad.scoring.parts import Parts, check_parts, with_made, without_parts
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import ModelSource, StoredModel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from morosidad.policy.choosing.labelled import LabelledRows
    from morosidad.scoring.content.calibration import PortfolioCalibration


class Scorer(ScorerSources, Travelling, BaseScorer):
    """Decides on applicants with a fitted scikit-learn pipeline, compiled where that is proven exact.

    Safe for many threads: a scorer holds one immutable model at a time, and `reload` replaces it whole.

    Parameters
    ----------
    pipeline : estimator
        A fitted scikit-learn pipeline or classifier with two classes and ``predict_proba``.
    schema : Schema, optional
        What a record is. Without one, it is inferred from `reference`, or is that of the
        pipeline's `Preprocessor`.
    reference : DataFrame or ndarray, optional
        Rows of the kind that the pipeline was fitted on, best the training data itself, with the data
        types that it was fitted on: the pipeline is asked about them one at a time, and every answer
        here must be the same. Reasons are measured against them.
    policy : Policy, optional
        The cut-offs.
    positive : object, optional
        The label that means default; needed where the labels are not 0 and 1, or False and True.
    names : sequence of str, optional
        Names of the fields where the pipeline was fitted on columns without names; else ``x0``, ``x1``, …
    reasons : {'exact', 'sampled'}, default='exact'
        With ``'sampled'``, a model that is not compiled gives reasons too: estimated Shapley values.
    background : int or DataFrame, optional
        Contributions are then the mean of those against each of so many rows of the reference, or against
        each of these rows: at most 10,000. The model file holds them, so a number puts rows of real
        applicants there. Without it they are measured against averages, and of trees against one typical
        applicant.
    protected : sequence of str, optional
        Fields that are never given as a reason, besides those that the schema declares.
    name, version : str, optional
        ``name@version`` stands on every decision.
    training : dict, optional
        What is known of the training; kept in the model file.
    progress : bool, default=False
        Show a progress bar while the pipeline is asked about the reference rows.
    cache : TieredCache or 'auto', optional
        Answers repeated records. ``'auto'`` makes one with `cache_auto`.
    cache_auto : bool, optional
        Leaves the cache out while it costs more than its hits save; the plan says what was measured.
    kpis : KPITracker, optional
        Counts every decision.
    recovery : RecoveryPolicy, optional
        Around the model: what to do when it fails. Its default remedies forget the record, load the
        model again, empty the cache, rebuild. A policy that repairs another scorer already is copied:
        `parts` holds the one in use.
    audit : AuditLog, optional
        Logs every decision.
    drift : DriftMonitor, optional
        Compares what comes in with the reference; `drift_reference` is what it needs.
    language : {'es', 'en', 'pt'}, optional
        Of reasons, warnings and errors of fields; that of the schema by default, else Spanish.
    parts : callable, optional
        Makes the parts, by name: here, and wherever a pickle of this scorer arrives.

    Raises
    ------
    UnsupportedModel
        If the pipeline can't answer with a probability of default.
    InvalidFrame
        If the reference, or the schema, lacks columns that the pipeline needs.
    SchemaError
        If there is neither a schema nor anything to infer one from.
    SettingsError
        If it is not said which label means default, or what is said of background or protected fields
        does not fit.
    TypeError
        If a part, or the policy, is something else.

    Examples
    --------
    >>> scorer = Scorer.default()
    >>> record = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
    >>> scorer.score_one(record).outcome in ("aprobar", "revisar", "rechazar")
    True
    """

    def __init__(
        self,
        pipeline: Any,
        *,
        schema: Schema | None = None,
        reference: pd.DataFrame | NDArray[Any] | None = None,
        policy: Policy | None = None,
        positive: Any = None,
        names: Sequence[str] | None = None,
        reasons: Literal["exact", "sampled"] = "exact",
        background: int | pd.DataFrame | None = None,
        protected: Sequence[str] = (),
        name: str = "modelo",
        version: str = "1",
        training: Mapping[str, Any] | None = None,
        progress: bool = False,
        **parts: Unpack[Parts],
    ) -> None:
        from morosidad.scoring.building import build_model

        check_parts(parts, policy)
        if reasons not in ("exact", "sampled"):
            raise ValueError("reasons: 'exact' or 'sampled' was expected")
        model = build_model(
            pipeline,
            schema=schema,
            reference=reference,
            policy=policy or Policy(),
            name=name,
            version=version,
            training=training or {},
            positive=positive,
            names=names,
            sampled=reasons == "sampled",
            progress=progress,
            background=background,
            protected=protected,
        )
        self._start(model, parts)

    def _start(self, model: StoredModel, parts: Parts, source: ModelSource | None = None) -> None:
        self.source, self._make_parts, parts = source, parts.get("parts"), with_made(parts)
        model, cache = model.in_language(parts.get("language", model.language)), parts.get("cache")
        auto = cache == "auto" or parts.get("cache_auto", False)
        if cache == "auto":
            from morosidad.cache import TieredCache

            cache = TieredCache()
        bypass = None
        if auto and cache is not None:
            from morosidad.cache.bypass import CacheBypass

            bypass = CacheBypass()
        self._path = RecordPath(
            model,
            cache=cache,
            kpis=parts.get("kpis"),
            recovery=parts.get("recovery"),
            audit=parts.get("audit"),
            drift=parts.get("drift"),
            bypass=bypass,
            reload=self._reload_or_rebuild,
        )
        self._without_parts = without_parts(parts)

    def reload(
        self,
        path: str | os.PathLike[str] | None = None,
        key: bytes | None = None,
        *,
        trusted: Sequence[str] = (),
        allow_pickle: bool = False,
    ) -> None:
        """Put the model of a file in place of this one, as one step, while others go on scoring.

        The file is verified, its answers are checked, and its functions are called before it takes over.
        On any failure the old model stays.

        Parameters
        ----------
        path : path-like, optional
            A model file; the one that this scorer was loaded from, when not given.
        key : bytes, optional
            The key that it was signed with; the one of the first loading, when not given.
        trusted : sequence of str, optional
            As in `load`; those of the first loading, when not given.
        allow_pickle : bool, default=False
            As in `load`; it stays allowed where it was at the first loading.

        Raises
        ------
        ArtifactError
            One of its kinds, saying what is wrong with the file.
        """
        old = self.source
        if path is None and old is None:
            raise ArtifactError("this scorer was not loaded from a file; name one")
        source = ModelSource(
            path if path is not None or old is None else old.path,
            key if key is not None or old is None else old.key,
            None if old is None else old.policy,
            tuple(trusted) or (() if old is None else old.trusted),
            allow_pickle or (old is not None and old.allow_pickle),
        )
        with self._path.reloading:
            model = source.read().in_language(self.language)
            model.latency()
            self._path.activate(model)
            self.source = source.resolved()
            self._path.clear_cache()

    @property
    def parts(self) -> Parts:
        """The parts in use, by name; None for those that it was given none of."""
        path = self._path
        return {
            "cache": path.cache,
            "cache_auto": path.bypass is not None,
            "kpis": path.kpis,
            "recovery": path.recovery,
            "audit": path.audit,
            "drift": path.drift,
        }

    def with_parts(self, **parts: Unpack[Parts]) -> Scorer:
        """Give another scorer of the same model, with these parts and those that this one has.

        Both go on working: the other shares this one's parts, but for the recovery policy, of which it
        gets one of its own of the same make, so that each repairs its own model.

        Parameters
        ----------
        cache, kpis, recovery, audit, drift, language : optional
            As in `Scorer`; they replace this scorer's own.

        Returns
        -------
        Scorer

        Raises
        ------
        TypeError
            If a part is something else.
        """
        check_parts(parts)
        scorer = type(self).__new__(type(self))
        scorer._start(self._model, {**self.parts, **parts}, self.source)
        return scorer

    def with_policy(self, policy: Policy) -> Scorer:
        """Give another scorer of the same model and with the same parts, under another policy.

        Both go on working. The model's digest stays; the policy has its own. What is loaded again from the
        model's file stays under this policy.

        Parameters
        ----------
        policy : Policy
            In place of this scorer's.

        Returns
        -------
        Scorer

        Raises
        ------
        TypeError
            If it is no policy.
        RuleError
            If a rule does not fit the schema.
        """
        source = None if self.source is None else self.source._replace(policy=policy)
        return self._made_of(self._model.with_policy(policy), source)

    def calibrated(
        self,
        to: float | None = None,
        *,
        of: float | None = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        version: str | None = None,
    ) -> Self:
        """Give a scorer whose probabilities fit another default rate.

        One number is added to the log-odds of every record: the order of applicants stays, and so do
        contributions on the log-odds. It is compiled into the model, which has a digest of its own; a
        model that is not compiled is moved too. Cut-offs stay as they are, and the label is 1 where the
        new probability is above the threshold.

        The number follows from one base rate. Without `of` and `X` that is the mean probability over the
        reference rows, of which a model file keeps at most 500 means of groups; earlier files keep none.
        With `X` it is the mean probability over those rows. With `of` it is what you say, best the share of
        defaults among the rows that the model was fitted on: the prior correction in closed form.
        King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868; Saerens et al. 2002,
        doi:10.1162/089976602753284446.

        Parameters
        ----------
        to : float, optional
            The default rate to fit, between 0 and 1; the share of defaults in `y` where that is given.
        of : float, optional
            The default rate that the model fits now.
        X : DataFrame, optional
            Applicants over whom the mean probability is to be `to`.
        y : array-like of shape (n_rows,), optional
            What became of them, in the model's own labels; in place of `to`.
        sample_weight : array-like of shape (n_rows,), optional
            How much each of them counts.
        version : str, optional
            Of the new model; by default this one's and the rate, as in ``1+0.08``.

        Returns
        -------
        Scorer
            With this one's parts; a drift monitor is renewed, since its scores have moved.

        Raises
        ------
        SettingsError
            If rates are none, can't be reached, or contradict each other.
        InvalidFrame
            If rows do not fit the schema, or labels are missing or unknown.

        Examples
        --------
        >>> scorer = Scorer.default()
        >>> moved = scorer.calibrated(to=0.08, of=0.2)
        >>> round(moved.calibration.shift, 3)
        -1.056
        """
        from morosidad.scoring.portfolio.calibrating import calibrated_model

        model = self._model
        return self._made_of(calibrated_model(model, to, of, X, y, sample_weight, version), None)

    @property
    def calibration(self) -> PortfolioCalibration | None:
        """How the model was moved to another default rate; None where it was not."""
        return self._model.calibration

    def register(self, connection: Any, name: str = "decide", *, reasons: bool = False) -> tuple[str, ...]:
        """Make this scorer a function of SQL on a connection of DuckDB.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Where the function is made.
        name : str, default='decide'
            Its name.
        reasons : bool, default=False
            Whether the answers hold the reasons.

        Returns
        -------
        tuple of str
            The fields that the function takes, in this order: categories as VARCHAR, booleans as BOOLEAN,
            numbers as DOUBLE; NULL is missing. It gives a STRUCT of ``probability``, ``label``,
            ``confidence``, ``outcome``, ``points`` and ``rules`` where the policy has any, ``warnings``,
            ``reasons`` and ``error``, which says why a row has no decision.

        Raises
        ------
        MissingExtra
            If DuckDB or pyarrow is not installed.
        SettingsError
            If it is no connection, or no name.
        """
        from morosidad.scoring.mixins.sql_function import register

        return register(self._path, connection, name, reasons=reasons)

    def _labelled_rows(self, X: Any, y: Any, sample_weight: Any, policy: Policy | None) -> LabelledRows:
        """Ask the active model, and a policy's rules, about labelled rows."""
        from morosidad.scoring.portfolio.labelling import labelled_rows

        return labelled_rows(self._model, X, y, sample_weight, policy)

    def _made_of(self, model: StoredModel, source: ModelSource | None) -> Self:
        """Give another scorer with this one's parts; its drift monitor knows the model's reference."""
        scorer, parts = type(self).__new__(type(self)), self.parts
        drift, reference = parts.get("drift"), model.drift_reference
        if drift is not None and reference is not None and drift.reference != reference:
            parts["drift"] = drift.renewed(reference)
        scorer._start(model, parts, source)
        scorer._make_parts = self._make_parts
        return scorer

    def _reload_or_rebuild(self) -> None:
        """Load the model again where it came from a file, else make its functions again."""
        if self.source is None:
            self._path.rebuild()
        else:
            self.reload()
