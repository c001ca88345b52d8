"""The answers of a scorer: decisions on records and frames, contributions, and the facts of its model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec
import numpy as np

from morosidad._dataframes import as_pandas
from morosidad.errors import InvalidFrame, InvalidRecord, PredictionError
from morosidad.languages import Language
from morosidad.model_file import artifact
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision, RecordError
from morosidad.progress import watched
from morosidad.schema.schema import Record, Schema
from morosidad.scoring.mixins.explanations import Explaining
from morosidad.scoring.plan import Plan, plan_of
from morosidad.scoring.request import FEW, score_each, score_few, text_of_id
from morosidad.training.evidence import Training

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.monitoring.drift_reference import DriftReference


class BaseScorer(Explaining):
    """Answers with the active model; `Scorer` adds where the model and the parts around it come from."""

    _without_parts: bool

    # -- one record ----------------------------------------------------------------------------

    def score_one(
        self, record: Record, request_id: str | None = None, *, reasons: Literal["policy", "all"] = "policy"
    ) -> Decision:
        """Decide on one applicant.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As the schema takes it.
        request_id : str, optional
            Comes back on the decision.
        reasons : {'policy', 'all'}, default='policy'
            What raises the risk, as many as the policy says; or every field that raises or lowers it, with
            its sign, strongest first. Protected fields are among neither. A log holds the policy's.

        Returns
        -------
        Decision

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        UnsupportedModel
            If all reasons are asked for, and the model gives no contributions.
        PredictionError
            If the model fails on it.
        TransientError
            If recovery gave up, or another caller's computation of the same record took too long.
        """
        if reasons != "policy":
            return self._with_all_reasons(self.score_one(record, request_id), record, reasons)
        if not self._without_parts:
            return self._path.score(record, request_id)
        model = self._path.active.model
        schema = model.schema
        if request_id is not None:
            request_id = text_of_id(request_id, model.language)
        values, warnings = schema.read(record)
        decision = model.answer(values, warnings, request_id)
        return model.reason_writer.with_names(decision, record) if schema.names_codes else decision

    def _with_all_reasons(self, decision: Decision, record: Record, reasons: str) -> Decision:
        from morosidad.scoring.mixins.explained import contributions_of

        if reasons != "all":
            raise ValueError("reasons: 'policy' or 'all' was expected")
        if decision.probabilities is None:
            return decision
        model = self._model
        rules = tuple(reason for reason in decision.reasons if reason.kind == "regla")
        values = model.schema.read(record)[0]
        found = contributions_of(model, values)
        shares = list(found.contributions.values())
        if found.errors is not None:
            from morosidad.compiler.proof.sampled_shapley import told_apart

            shares = told_apart(np.array(shares), np.array([*found.errors.values()])).tolist()
        every = (*rules, *model.reason_writer.both_directions(values, shares))
        answer = msgspec.structs.replace(decision, reasons=every).from_same(decision)
        return model.reason_writer.with_names(answer, record)

    def score_nowait(self, record: Record, request_id: str | None = None) -> Decision:
        """Decide on one applicant without ever waiting: for event loops.

        As `score_one`, but without recovery, and without joining what other threads compute. When it
        raises anything but `InvalidRecord`, nothing was counted: ask `score_one` on a thread, which
        recovers.

        Parameters
        ----------
        record
            As in `score_one`.
        request_id : str, optional
            As in `score_one`.

        Returns
        -------
        Decision

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        PredictionError
            If the model fails on it.
        """
        return self._path.score(record, request_id, wait=False)

    def score_many(
        self,
        records: Iterable[Record],
        request_ids: Iterable[str | None] | None = None,
        *,
        progress: bool = False,
    ) -> list[Decision | RecordError]:
        """Decide on many applicants.

        Parameters
        ----------
        records : iterable of records
            Each as in `score_one`.
        request_ids : iterable of str, optional
            One for each record; they come back on the decisions.
        progress : bool, default=False
            Show a progress bar.

        Returns
        -------
        list of Decision or RecordError
            In the order of the records, none missing.

        Raises
        ------
        InvalidFrame
            If this is one record, or a data frame.
        ValueError
            If there are more or fewer request ids than records.
        PredictionError, TransientError
            As in `score_one`: what is wrong with the model, or with what surrounds it, is no record's.
        """
        path = self._path
        model = path.model
        compiled = model.compiled.form is not None
        some: Any = records if type(records) is list or type(records) is tuple else None
        if some is not None and compiled and len(some) <= FEW and not progress:
            if request_ids is None:
                return score_few(path.score, model if self._without_parts else None, some)
            if type(request_ids) is list and len(request_ids) == len(some):
                return score_each(path.score, model if self._without_parts else None, some, request_ids)
        if isinstance(records, Mapping | str | bytes | bytearray):
            raise InvalidFrame(f"records were expected, not one {type(records).__name__}: see score_one")
        if hasattr(records, "columns"):
            raise InvalidFrame("records were expected, not a data frame: see score_frame")
        each = watched(records, progress) if progress else records
        if compiled and request_ids is None:
            each = iter(each)
            first = list(islice(each, FEW + 1))
            if len(first) <= FEW:
                return score_few(path.score, model if self._without_parts else None, first)
            each = chain(first, each)
        if not compiled:
            ids = repeat(None) if request_ids is None else request_ids
            return path.score_batch(zip(each, ids, strict=request_ids is not None))
        from morosidad.scoring.frames.record_columns import score_records

        return score_records(path, each, request_ids, without_parts=self._without_parts)

    # -- tables --------------------------------------------------------------------------------

    @overload
    def score_frame(
        self,
        frame: pd.DataFrame,
        *,
        ids: str | Iterable[Any] | None = None,
        reasons: bool = False,
        errors: str = "raise",
        missing_columns: str = "raise",
        progress: bool = False,
        policy: Policy | None = None,
    ) -> pd.DataFrame: ...

    @overload
    def score_frame(
        self,
        frame: Any,
        *,
        ids: str | Iterable[Any] | None = None,
        reasons: bool = False,
        errors: str = "raise",
        missing_columns: str = "raise",
        progress: bool = False,
        policy: Policy | None = None,
    ) -> Any: ...

    def score_frame(
        self,
        frame: Any,
        *,
        ids: str | Iterable[Any] | None = None,
        reasons: bool = False,
        errors: str = "raise",
        missing_columns: str = "raise",
        progress: bool = False,
        policy: Policy | None = None,
    ) -> Any:
        """Decide on the rows of a data frame.

        Parameters
        ----------
        frame : DataFrame or ndarray
            One applicant a row; pandas, polars (lazy too), pyarrow or any frame that narwhals knows, an
            array with named fields, or one without where the model was fitted on one.
        ids : str or iterable, optional
            The column that holds the ids of the requests, which is no field of the model; or the ids
            themselves, one for each row. Texts or integers, none missing, none twice: other rows are refused.
            They come back in the column ``request_id``, and stand in the log.
        reasons : bool, default=False
            Add the column ``reasons`` (a list of texts): two to three times the work for linear and table
            models, four to seven times for trees with the extra ``jit``, more for others, whose rows are
            explained one by one.
        errors : {'raise', 'coerce'}, default='raise'
            What to do about rows that have no probability: raise, or leave their results empty.
        missing_columns : {'raise', 'ignore'}, default='raise'
            What to do where the frame lacks a column that the model uses: raise, or take every value of
            it as missing.
        progress : bool, default=False
            Show a progress bar.
        policy : Policy, optional
            In place of the scorer's own, for this frame.

        Returns
        -------
        DataFrame
            Of polars or pyarrow, or an array with named fields, where `frame` is; else of pandas. With
            the index of `frame`, and the columns ``request_id`` (object: a str, or None; where there are
            ids), ``probability`` (float64), ``label`` (int8; Int8 where results are empty), ``confidence``
            (float64), ``outcome`` (categorical: aprobar, revisar, rechazar), ``warnings``
            (object: a tuple of str, what is unusual) and, with ``reasons=True``, ``reasons`` (object: a
            list of str, or None). Where the policy has rules, ``rules`` (object: a tuple of str, the codes
            of those that fired); a row that they decline without a score has an outcome only.

        Raises
        ------
        InvalidFrame
            If columns are missing, if `ids` is no column of ids or too short or too long or, with
            ``errors="raise"``, if rows are refused.
        PredictionError
            If the model does not answer with a probability and, as above, ``errors="raise"``.
        ValueError
            If `errors` is neither of the two.
        """
        from morosidad.scoring.frame_path import score_frame

        return score_frame(
            self._path,
            frame,
            ids=ids,
            reasons=reasons,
            errors=errors,
            missing_columns=missing_columns,
            progress=progress,
            policy=policy,
        )

    def frame_errors(self, frame: Any) -> list[InvalidRecord | PredictionError]:
        """Find why rows of a frame have no probability, as ``score_frame(errors="coerce")`` leaves them.

        Parameters
        ----------
        frame : DataFrame
            The rows without a probability, and no others.

        Returns
        -------
        list of InvalidRecord or PredictionError
            For each row: the schema refuses it, or the model gave no probability.
        """
        from morosidad.scoring.frames.refusals import row_errors

        return row_errors(self._model, as_pandas(frame))

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
    def language(self) -> Language:
        """The language of reasons, warnings and errors of fields."""
        return self._model.language

    @property
    def model(self) -> str:
        """The model's ``name@version``."""
        return self._model.identity

    @property
    def classes(self) -> tuple[Any, Any]:
        """The two labels of the original; the second means default."""
        return self._model.labels

    @property
    def digest(self) -> str:
        """The identity of the model: a digest of what its file holds, under its first policy."""
        return self._model.digest

    @property
    def training(self) -> Training:
        """What is known of the training, as a mapping that prints as a report."""
        return self._model.training.in_language(self.language)

    @property
    def drift_reference(self) -> DriftReference | None:
        """How the reference was distributed, for a `DriftMonitor`; kept in the model file."""
        return self._model.drift_reference

    @property
    def plan(self) -> Plan:
        """What was compiled, what fell back and why, how parity went, and how long a decision takes."""
        return plan_of(self._model, "" if self._path.bypass is None else str(self._path.bypass))

    def warm_up(self) -> Plan:
        """Decide on made-up applicants until all is loaded.

        Returns
        -------
        Plan
            With the latency measured now.
        """
        from morosidad.compiler.proof.probe_rows import probe_rows

        self._model.latency()
        self._path.measure_cache(probe_rows(self.schema, ())[:50])
        return self.plan

    def __repr__(self) -> str:
        how = "compiled" if self._model.compiled.compiled else "through scikit-learn"
        return f"Scorer({self.model!r}, {len(self.schema)} fields, {how})"

    def save(
        self, path: str | os.PathLike[str], key: bytes | None = None, *, allow_pickle: bool = False
    ) -> None:
        """Write the model to a file that `load` reads.

        One that is not compiled is read back first, and asked again, in another process.

        Parameters
        ----------
        path : path-like
            Replaced in one step.
        key : bytes, optional
            Signs the file with HMAC-SHA256.
        allow_pickle : bool, default=False
            Write a model that is not compiled as a pickle where skops can't store it. `key` is needed
            then, and `load` has to be told the same.

        Raises
        ------
        ArtifactError
            If the file can't be written, or if the model is not compiled and can't be read back by
            another process: it says why, and names the types that it holds.
        ArtifactKeyError
            If a pickle is allowed and there is no key, or if the key is empty or no bytes.
        """
        from morosidad.scoring.saving import check_pickle_key, storable

        check_pickle_key(path, key, allow_pickle)
        artifact.save(path, storable(self._model, path, allow_pickle=allow_pickle), key)
