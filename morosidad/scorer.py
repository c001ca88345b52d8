"""Scorer: a record in, a decision out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, Unpack

import numpy as np

from morosidad import artifact
from morosidad.cache_choice import CacheChoice
from morosidad.compiler.parity import probe_rows
from morosidad.decision import Decision, Policy, RecordError
from morosidad.errors import ArtifactError, InvalidRecord
from morosidad.model import Model
from morosidad.plan import Plan, plan_of
from morosidad.schema import Record, Schema
from morosidad.way import Way

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from morosidad.audit import AuditLog
    from morosidad.cache import TieredCache
    from morosidad.drift import DriftMonitor
    from morosidad.drift_reference import DriftReference
    from morosidad.kpis import KPITracker
    from morosidad.recovery import RecoveryPolicy


class Parts(TypedDict, total=False):
    """The parts that a scorer may be given; see `Scorer`."""

    cache: TieredCache[Any, Any] | Literal["auto"] | None
    cache_auto: bool
    kpis: KPITracker | None
    recovery: RecoveryPolicy | None
    audit: AuditLog | None
    drift: DriftMonitor | None


class _Source(NamedTuple):
    """The file that a model came from, and how it was opened."""

    path: str | os.PathLike[str] | None
    key: bytes | None
    policy: Policy | None
    trusted: tuple[str, ...]

    def read(self) -> Model:
        assert self.path is not None
        content = artifact.load(self.path, self.key)
        return Model.from_content(content, self.path, trusted=self.trusted, policy=self.policy)


class Scorer:
    """Decides on applicants with a fitted scikit-learn pipeline, compiled where that is proven exact.

    Safe for many threads: a scorer holds one immutable model at a time, and `reload` swaps it whole.

    Parameters
    ----------
    pipeline : estimator
        A fitted scikit-learn pipeline or classifier with two classes and ``predict_proba``; the
        second class means default.
    schema : Schema, optional
        What a record is. Without one, it is inferred from `reference`, or is that of the
        pipeline's `Preprocessor`.
    reference : DataFrame, optional
        Rows of the kind that the pipeline was fitted on, best the training data itself: the parity
        gate tries them, and reasons are measured against them.
    policy : Policy, optional
        The cut-offs.
    name, version : str
        ``name@version`` stands on every decision.
    training : dict, optional
        What is known of the training; kept in the model file.
    cache : TieredCache or 'auto', optional
        Answers repeated records. ``'auto'`` makes one with `cache_auto`.
    cache_auto : bool
        Lets the cache stand aside where lookups and stores cost more than its hits save; the plan says
        what was measured.
    kpis : KPITracker, optional
        Counts every decision.
    recovery : RecoveryPolicy, optional
        Around the model: what to do when it fails. Its default remedies forget the record, load the
        model anew, empty the cache, rebuild.
    audit : AuditLog, optional
        Logs every decision.
    drift : DriftMonitor, optional
        Compares what comes in with the reference; `drift_reference` is what it needs.

    Raises
    ------
    UnsupportedModel
        If the pipeline can't answer with a probability of default.
    InvalidFrame
        If the reference, or the schema, lacks columns that the pipeline needs.
    SchemaError
        If there is neither a schema nor anything to infer one from.

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
        reference: pd.DataFrame | None = None,
        policy: Policy | None = None,
        name: str = "modelo",
        version: str = "1",
        training: Mapping[str, Any] | None = None,
        **parts: Unpack[Parts],
    ) -> None:
        from morosidad.building import build_model

        model = build_model(
            pipeline,
            schema=schema,
            reference=reference,
            policy=policy or Policy(),
            name=name,
            version=version,
            training=dict(training or {}),
        )
        self._start(model, parts)

    def _start(self, model: Model, parts: Parts, source: _Source | None = None) -> None:
        self._source = source
        self._reloading = threading.Lock()
        cache = parts.get("cache")
        auto = cache == "auto" or parts.get("cache_auto", False)
        if cache == "auto":
            from morosidad.cache import TieredCache

            cache = TieredCache()
        self._way = Way(
            model,
            cache=cache,
            kpis=parts.get("kpis"),
            recovery=parts.get("recovery"),
            audit=parts.get("audit"),
            drift=parts.get("drift"),
            choice=CacheChoice() if auto and cache is not None else None,
            renew=self._renew,
        )
        self._plain = all(part is None for name, part in parts.items() if name != "cache_auto")

    @property
    def _model(self) -> Model:
        return self._way.model

    # -- where scorers come from ---------------------------------------------------------------

    @classmethod
    def train(
        cls,
        X: pd.DataFrame,
        y: Any,
        *,
        model: str = "logistic",
        schema: Schema | None = None,
        policy: Policy | None = None,
        name: str = "modelo",
        version: str = "1",
        **parts: Unpack[Parts],
    ) -> Scorer:
        """Fit the default pipeline and make a scorer of it: the shortest way.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Applicants.
        y : array-like of shape (n_rows,)
            Whether each fell into arrears: two classes, of which the larger or later means yes.
        model : {'logistic', 'glassbox', 'boosting', 'auto'}
            The kind of model; ``'auto'`` cross-validates those that are installed and takes the simplest
            within one standard error of the best log loss. The comparison goes into `training`.
        schema : Schema, optional
            Inferred from `X` when not given.
        policy, name, version
            As in `Scorer`.

        Raises
        ------
        InvalidFrame
            If the rows do not fit the schema, or `y` does not hold two classes.
        MissingExtra
            If the library of the kind of model is not installed.
        """
        from morosidad.training import AUTO, choose, fit, summary

        schema = schema or Schema.infer(X)
        chosen, comparison = choose(X, y, schema) if model == AUTO else (model, None)
        pipeline = fit(X, y, schema, model=chosen)
        return cls(
            pipeline,
            schema=schema,
            reference=X,
            policy=policy,
            name=name,
            version=version,
            training=summary(y, chosen, comparison),
            **parts,
        )

    @classmethod
    def default(cls, policy: Policy | None = None, **parts: Unpack[Parts]) -> Scorer:
        """Load the model shipped in the package.

        It was trained on **synthetic** applicants of the schema `AHORRO_VALLE` and says so in its
        name. It is there to try things out, and decides on nobody real.
        """
        from morosidad.shipped import PATH

        return cls.load(PATH, policy=policy, **parts)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        key: bytes | None = None,
        *,
        policy: Policy | None = None,
        trusted: Sequence[str] = (),
        **parts: Unpack[Parts],
    ) -> Scorer:
        """Load a model file. A compiled model needs neither scikit-learn nor pandas.

        Parameters
        ----------
        path : path-like
            What `save` wrote.
        key : bytes, optional
            The key that the file was signed with.
        policy : Policy, optional
            Stands in for the one in the file.
        trusted : sequence of str
            Types to allow in a model that could not be compiled, as `ArtifactUntrusted` lists them.
        cache, kpis, recovery, audit, drift : optional
            As in `Scorer`.

        Raises
        ------
        ArtifactError
            One of its kinds, saying what is wrong with the file.
        """
        source = _Source(path, key, policy, tuple(trusted))
        scorer = cls.__new__(cls)
        scorer._start(source.read(), parts, source)
        return scorer

    def reload(
        self,
        path: str | os.PathLike[str] | None = None,
        key: bytes | None = None,
        *,
        trusted: Sequence[str] = (),
    ) -> None:
        """Put the model of a file in place of this one, as one step, while others go on scoring.

        The file is verified, its answers are checked, and its functions are warmed before the swap.
        On any failure the old model stays.

        Parameters
        ----------
        path : path-like, optional
            A model file; the one that this scorer was loaded from, when not given.
        key : bytes, optional
            The key that it was signed with; the one of the first loading, when not given.
        trusted : sequence of str
            As in `load`.

        Raises
        ------
        ArtifactError
            One of its kinds, saying what is wrong with the file.
        """
        old = self._source
        if path is None and old is None:
            raise ArtifactError("this scorer was not loaded from a file; name one")
        source = _Source(
            path if path is not None or old is None else old.path,
            key if key is not None or old is None else old.key,
            None if old is None else old.policy,
            tuple(trusted) or (() if old is None else old.trusted),
        )
        with self._reloading:
            model = source.read()
            model.latency()
            self._way.swap(model)
            self._source = source
            self._way.clear()

    @property
    def parts(self) -> Parts:
        """The parts in use, by name; None for those that it was given none of."""
        way = self._way
        return {
            "cache": way.cache,
            "cache_auto": way.choice is not None,
            "kpis": way.kpis,
            "recovery": way.recovery,
            "audit": way.audit,
            "drift": way.drift,
        }

    def with_parts(self, **parts: Unpack[Parts]) -> Scorer:
        """Give another scorer of the same model, with these parts and those that this one has.

        Parameters
        ----------
        cache, kpis, recovery, audit, drift : optional
            As in `Scorer`; they stand in for this scorer's own.
        """
        scorer = type(self).__new__(type(self))
        scorer._start(self._model, {**self.parts, **parts}, self._source)
        return scorer

    def _renew(self) -> None:
        """Load the model anew where it came from a file, else make its functions anew."""
        if self._source is None:
            self._way.rebuild()
        else:
            self.reload()

    def save(self, path: str | os.PathLike[str], key: bytes | None = None) -> None:
        """Write the model to a file that `load` reads.

        Parameters
        ----------
        path : path-like
            Replaced in one step.
        key : bytes, optional
            Signs the file with HMAC-SHA256.

        Raises
        ------
        ArtifactError
            If the file can't be written.
        """
        artifact.save(path, self._model.content, key)

    # -- one record ----------------------------------------------------------------------------

    def score_one(self, record: Record, request_id: str | None = None) -> Decision:
        """Decide on one applicant.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As the schema takes it.
        request_id : str, optional
            Comes back on the decision.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        PredictionError
            If the model fails on it.
        """
        if not self._plain:
            return self._way.decide(record, request_id)
        model = self._way.model
        values, warnings = model.schema.read(record)
        return model.decide(values, warnings, request_id)

    def score_nowait(self, record: Record, request_id: str | None = None) -> Decision:
        """Decide on one applicant without ever waiting: for event loops.

        As `score_one`, but without recovery, and without joining what other threads compute. When it
        raises anything but `InvalidRecord`, nothing was counted: ask `score_one` on a thread, which
        recovers.

        Parameters
        ----------
        record, request_id
            As in `score_one`.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        PredictionError
            If the model fails on it.
        """
        return self._way.decide(record, request_id, wait=False)

    def score_many(
        self, records: Iterable[Record], request_ids: Iterable[str | None] | None = None
    ) -> list[Decision | RecordError]:
        """Decide on many applicants.

        Parameters
        ----------
        records : iterable of records
            Each as in `score_one`.
        request_ids : iterable of str, optional
            One for each record; they come back on the decisions.

        Returns
        -------
        list of Decision or RecordError
            In the order of the records, none missing.
        """
        ids = repeat(None) if request_ids is None else request_ids
        if not self._model.compiled.compiled:
            return self._way.decide_many(records, ids)
        pairs = zip(records, ids, strict=request_ids is not None)
        return [self._score_or_error(index, *pair) for index, pair in enumerate(pairs)]

    def _score_or_error(self, index: int, record: Record, request_id: str | None) -> Decision | RecordError:
        try:
            return self.score_one(record, request_id)
        except InvalidRecord as error:
            return RecordError(index, error.errors)

    # -- tables --------------------------------------------------------------------------------

    def score_frame(
        self, frame: Any, *, reasons: bool = False, errors: str = "raise", progress: bool = False
    ) -> pd.DataFrame:
        """Decide on the rows of a data frame.

        Parameters
        ----------
        frame : DataFrame
            One applicant a row; pandas, or any eager frame that narwhals knows.
        reasons : bool, default=False
            Add the column ``reasons`` (a list of texts); row by row, so slower.
        errors : {'raise', 'coerce'}
            What to do about rows that the schema refuses: raise, or leave their results empty.
        progress : bool, default=False
            Show a progress bar.

        Returns
        -------
        DataFrame
            With the index of `frame`, and the columns ``probability``, ``label``, ``confidence``
            and ``outcome``.

        Raises
        ------
        InvalidFrame
            If columns are missing or, with ``errors="raise"``, rows are refused.
        """
        from morosidad.frames import score_frame

        return score_frame(self._way, frame, reasons=reasons, errors=errors, progress=progress)

    def predict_proba(self, frame: Any) -> NDArray[np.float64]:
        """Give the probabilities of both classes, as the original pipeline does.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of shape (n_rows, 2)

        Raises
        ------
        InvalidFrame
            If columns are missing or the schema refuses rows.
        """
        probability = self._probabilities(self._model, frame)
        both: NDArray[np.float64] = np.column_stack([1.0 - probability, probability])
        return both

    def predict(self, frame: Any) -> NDArray[Any]:
        """Give the class of each row, in the original's own labels.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        model = self._model
        label = self._probabilities(model, frame) > model.compiled.threshold
        other, default = model.classes
        answer: NDArray[Any] = np.where(label, default, other)
        return answer

    @staticmethod
    def _probabilities(model: Model, frame: Any) -> NDArray[np.float64]:
        from morosidad.frames import probabilities, refuse_gaps

        found = probabilities(model, frame)
        refuse_gaps(model, frame, found)
        return found

    # -- what it is ----------------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """What a record is, with whatever the model demands beyond the schema given."""
        return self._model.schema

    @property
    def policy(self) -> Policy:
        """The cut-offs."""
        return self._model.policy

    @property
    def model(self) -> str:
        """The model's ``name@version``."""
        return self._model.identity

    @property
    def digest(self) -> str:
        """The model's identity: a digest of all that its file holds."""
        return self._model.digest

    @property
    def training(self) -> Mapping[str, Any]:
        """What is known of the training."""
        return self._model.training

    @property
    def drift_reference(self) -> DriftReference | None:
        """How the reference was distributed, for a `DriftMonitor`; kept in the model file."""
        return self._model.drift_reference

    @property
    def plan(self) -> Plan:
        """What was compiled, what fell back and why, how parity went, and how long a decision takes."""
        return plan_of(self._model, "" if self._way.choice is None else str(self._way.choice))

    def warm_up(self) -> Plan:
        """Decide on made-up applicants until all is loaded, and give the plan with its latency."""
        self._model.latency()
        self._way.warm(probe_rows(self.schema, ())[:50])
        return self.plan

    def __repr__(self) -> str:
        how = "compiled" if self._model.compiled.compiled else "through scikit-learn"
        return f"Scorer({self.model!r}, {len(self.schema)} fields, {how})"
