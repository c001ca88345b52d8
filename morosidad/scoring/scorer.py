"""The scorer: construction, reloading and saving; `sources` makes it, `answers` asks it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

from morosidad.cache.bypass import CacheBypass
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
    reasons : {'exact', 'sampled'}
        With ``'sampled'``, a model that is not compiled gives reasons too: estimated Shapley values.
    background : int or DataFrame, optional
        Contributions are then the mean of those against each of so many rows of the reference, or against
        each of these rows: at most 10,000. The model file holds them, so a number puts rows of real
        applicants there. Without it they are measured against averages, and of trees against one typical
        applicant.
    protected : sequence of str
        Fields that are never given as a reason, besides those that the schema declares.
    name, version : str
        ``name@version`` stands on every decision.
    training : dict, optional
        What is known of the training; kept in the model file.
    progress : bool, default=False
        Show a progress bar while the pipeline is asked about the reference rows.
    cache : TieredCache or 'auto', optional
        Answers repeated records. ``'auto'`` makes one with `cache_auto`.
    cache_auto : bool
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
    language : {'es', 'en', 'pt'}
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
        self._path = RecordPath(
            model,
            cache=cache,
            kpis=parts.get("kpis"),
            recovery=parts.get("recovery"),
            audit=parts.get("audit"),
            drift=parts.get("drift"),
            bypass=CacheBypass() if auto and cache is not None else None,
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
        trusted : sequence of str
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

    def _reload_or_rebuild(self) -> None:
        """Load the model again where it came from a file, else make its functions again."""
        if self.source is None:
            self._path.rebuild()
        else:
            self.reload()
