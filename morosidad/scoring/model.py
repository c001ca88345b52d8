"""The model of a scorer: a compiled pipeline with its policy, its name and its reason codes.

A model never changes. Reloading puts another in its place, so that every decision comes from one
model as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import force_setattr

from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.errors import PredictionError
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.cutoffs import Policy
from morosidad.policy.deciding import Deciding
from morosidad.policy.decision import Decision, Reason, Ruling, Score
from morosidad.policy.reasons import ROUNDING, ReasonWriter
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema
from morosidad.training.evidence import Training, plain_label

if TYPE_CHECKING:
    from morosidad.compiler.proof.sampled_shapley import SampledContributions
    from morosidad.scoring.scorecards.points import Answering, ModelPoints


class ScoringModel(Deciding):
    """A compiled pipeline with its name, its policy and its reason codes.

    Parameters
    ----------
    compiled : CompiledPipeline
        What answers.
    policy : Policy
        The cut-offs and the rules.
    name, version : str
        Who answers: ``name@version`` stands on every decision.
    classes : sequence
        The two labels of the original, in its order.
    default : {0, 1}
        The place of the label that means default.
    typical : sequence of float or None
        What is usual for each numeric field.
    training : mapping
        What is known of the training: candidates, their figures, warnings.
    drift_reference : DriftReference, optional
        How the reference rows and their scores were distributed.
    background : sequence of tuple, optional
        Rows over which contributions are averaged; those of a model that is not compiled are sampled.
    protected_shares : dict of str to float, optional
        How much of the contributions to the reference's scores each protected field carries.
    """

    def __init__(
        self,
        compiled: CompiledPipeline,
        policy: Policy,
        *,
        name: str,
        version: str,
        classes: Sequence[Any],
        typical: Sequence[float | None],
        training: Mapping[str, Any],
        drift_reference: DriftReference | None = None,
        default: int = 1,
        background: Sequence[Row] | None = None,
        protected_shares: dict[str, float] | None = None,
    ) -> None:
        if len(typical) != len(compiled.schema) or len(classes) != 2:
            raise ValueError("one typical value per field and two classes were expected")
        self.compiled = compiled
        self.model_points: ModelPoints | None = None
        if policy.points is not None:
            from morosidad.scoring.scorecards.points import ModelPoints

            self.model_points = ModelPoints(policy.points, compiled)
        points_of = None if self.model_points is None else self.model_points.of
        super().__init__(policy, compiled.schema, f"{name}@{version}", points_of, compiled.used)
        self.name = name
        self.version = version
        self.classes: tuple[Any, ...] = tuple(classes)
        self.typical: tuple[float | None, ...] = tuple(typical)
        self.training: Training = training if isinstance(training, Training) else Training(training)
        self.drift_reference = drift_reference
        self.default = default
        self.protected_shares: dict[str, float] = dict(protected_shares or {})
        self.background: tuple[Row, ...] | None = (
            None if background is None else tuple(map(tuple, background))
        )
        if self.background and compiled.reference is None:
            compiled.measure_against(self.background)
        self.sampled: SampledContributions | None = None
        if self.background is not None and compiled.form is None and compiled.original is not None:
            from morosidad.compiler.proof.sampled_shapley import SampledContributions

            self.sampled = SampledContributions(compiled.original.answers, self.background)
        self.reason_writer: ReasonWriter = self._writer(self.schema)
        self._plain = self.schema.language == Decision.language
        self._explain = self._explanation() if policy.max_reasons else None
        self._answering = self._answering_with_points()

    def _writer(self, schema: Schema) -> ReasonWriter:
        """Make what puts contributions into words of a schema's language."""
        policy, form = self.policy, self.compiled.form
        return ReasonWriter(
            schema,
            self.typical,
            show_values=policy.show_values,
            codes=policy.codes,
            allowed=policy.allowed,
            noise=0.0 if form is None else ROUNDING * form.tolerance,
        )

    def _explanation(self) -> Callable[[Row], tuple[float, Sequence[float]]] | None:
        return self.compiled.explain_one if self.sampled is None else self.sampled.beyond_noise

    def _answering_with_points(self) -> Answering | None:
        if self.model_points is None or self.sampled is not None:
            return None
        return self.model_points.answering(explain=self._explain is not None)

    @property
    def explains(self) -> bool:
        """Whether its decisions have reasons."""
        return self._explain is not None

    @property
    def labels(self) -> tuple[Any, Any]:
        """The two labels of the original: that of no default, and that of default."""
        return plain_label(self.classes[1 - self.default]), plain_label(self.classes[self.default])

    def answer(self, values: Row, warnings: tuple[str, ...] = (), request_id: str | None = None) -> Decision:
        """Estimate the probability of default, and decide.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.
        warnings : tuple of str
            What is unusual about them.
        request_id : str, optional
            Comes back on the decision.

        Returns
        -------
        Decision

        Raises
        ------
        PredictionError
            If the model fails, or answers with something that is no probability.
        """
        first = None if self.rules is None else self.asked_first(values)
        if first is not None and self.skips(first):
            return self.declined(first, warnings, request_id)
        probability, shares, points = self.estimate(values)
        return self.decide(values, probability, shares, warnings, request_id, None, first, points)

    def answer_many(self, rows: Sequence[Row]) -> list[Decision | None]:
        """Answer for many records, asking an original that is not compiled once for all of them.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values in schema order.

        Returns
        -------
        list of (Decision or None)
            In the order of the rows; None where an original that is not compiled refuses one.

        Raises
        ------
        PredictionError
            If the model fails on all of them, or answers with something that is no probability.
        """
        original = self.compiled.original
        if self.compiled.compiled or original is None or not rows:
            return [self.answer(row) for row in rows]
        first = [self.asked_first(row) for row in rows]
        asked = [place for place, ruling in enumerate(first) if not self.skips(ruling)]
        found = np.full(len(rows), np.nan)
        try:
            found[asked] = original.answers([rows[place] for place in asked]) if asked else []
            known = np.flatnonzero(~np.isnan(found)).tolist()
            labels = dict(zip(known, self._labels_of([rows[i] for i in known], found[known]), strict=True))
        except Exception as error:
            raise self.failed(error) from None
        decided = [self.declined(ruling) if self.skips(ruling) else None for ruling in first]
        for place, label in labels.items():
            row, probability = rows[place], float(found[place])
            shares = () if self._explain is None else self.estimate(row)[1]
            decided[place] = self.decide(row, probability, shares, label=label, first=first[place])
        return decided

    def _labels_of(self, rows: Sequence[Row], probabilities: Any) -> list[int]:
        original = self.compiled.original
        if not self.compiled.own_labels or original is None or not rows:
            return [int(p) for p in self.over_threshold(probabilities)]
        return [int(label) for label in original.defaults(rows)]

    def estimate(self, values: Row) -> tuple[float, Sequence[float], Score | None]:
        """Give the probability of default, each field's contribution where reasons are wanted, the points.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.

        Returns
        -------
        probability : float
        shares : sequence of float
            Empty where no reasons are wanted.
        points : int, float or None
            None where the policy gives none, or they are worked out from the probability.

        Raises
        ------
        PredictionError
            If the model fails.
        """
        try:
            if self._answering is not None:
                return self._answering(values)
            if self._explain is None:
                return self.compiled.predict_one(values), (), None
            probability, shares = self._explain(values)
            return probability, shares, None
        except Exception as error:  # its text may hold values of the record
            raise self.failed(error) from None

    def decide(
        self,
        values: Row,
        probability: float,
        shares: Sequence[float] = (),
        warnings: tuple[str, ...] = (),
        request_id: str | None = None,
        label: int | None = None,
        first: Ruling | None = None,
        points: Score | None = None,
    ) -> Decision:
        """Turn a probability of default into a decision: label, outcome, reasons.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.
        probability : float
            What the model estimated.
        shares : sequence of float
            Each field's contribution; without them there are no reasons.
        warnings : tuple of str
            What is unusual about the values.
        request_id : str, optional
            Comes back on the decision.
        label : {0, 1}, optional
            Where it is known already.
        first : Ruling, optional
            What the rules that know no score decide, where they have been asked.
        points : int or float, optional
            Where they are known already.

        Returns
        -------
        Decision

        Raises
        ------
        PredictionError
            If it is no probability.
        """
        reasons: tuple[Reason, ...] = ()
        if shares:
            reasons = self.reason_writer.reasons(values, shares, self.policy.max_reasons)
        if not 0.0 <= probability <= 1.0:
            raise self.no_probability()
        known = self._label(values, probability) if label is None else label
        if points is None and self.points_of is not None:
            points = self.points_of(values, probability)
        if self.rules is None:
            return self.decision(known, probability, reasons, warnings, request_id, points)
        ruling = self.settle(values, probability, first, points)
        every = (*self.rules.reasons(ruling.fired, self.schema.language), *reasons)
        decision = self.decision(known, probability, every, warnings, request_id, points)
        force_setattr(decision, "outcome", ruling.outcome or decision.outcome)
        force_setattr(decision, "rules", self.rules.codes(ruling.fired))
        return decision

    def decision(
        self,
        label: int,
        probability: float,
        reasons: tuple[Reason, ...],
        warnings: tuple[str, ...],
        request_id: str | None,
        points: Score | None = None,
    ) -> Decision:
        """Put together what the cut-offs decide.

        Parameters
        ----------
        label : {0, 1}
            The predicted class.
        probability : float
            Of default, from 0 to 1.
        reasons, warnings, request_id, points
            As in the decision.

        Returns
        -------
        Decision
        """
        other = 1.0 - probability
        decision = Decision(
            label,
            (other, probability),
            probability if probability > other else other,
            self.policy.outcome(probability),
            reasons,
            self.identity,
            warnings,
            None,
            False,
            request_id,
            (),
            self.policy_identity,
            points,
        )
        decision.__dict__["source"] = self  # as `made_by` does  # pyright: ignore[reportIndexIssue]
        return decision if self._plain else decision.in_language(self.schema.language)

    def _label(self, values: Row, probability: float) -> int:
        if not self.compiled.own_labels:
            return 1 if probability > self.compiled.threshold else 0
        original = self.compiled.original
        assert original is not None
        try:
            return int(original.defaults([values])[0])
        except Exception as error:  # its text may hold values of the record
            raise self.failed(error) from None

    def over_threshold(self, probability: Any) -> Any:
        """Tell whether a probability of default, or each of an array, means the label 1.

        Parameters
        ----------
        probability : float, or ndarray of float64, shape (n,)
            From 0 to 1, or NaN.

        Returns
        -------
        bool, or ndarray of bool, shape (n,)
        """
        return probability > self.compiled.threshold

    def latency(self, calls: int = 200, clock: Callable[[], int] = time.perf_counter_ns) -> float:
        """Measure the median time of one decision, without validation.

        Parameters
        ----------
        calls : int, default=200
            Decisions to time; at most 20 where the model is not compiled.
        clock : callable
            Gives the time in nanoseconds.

        Returns
        -------
        float
            Seconds; NaN where the model answers none of the made-up rows.
        """
        from morosidad.compiler.proof.probe_rows import probe_rows

        rows = probe_rows(self.schema, ())
        rows = rows[: calls if self.compiled.compiled else min(calls, 20)]
        took = []
        for row in rows:
            start = clock()
            try:
                self.answer(row)
            except PredictionError:  # a made-up row may be one that the original refuses
                continue
            took.append(clock() - start)
        return float(np.median(took)) / 1e9 if took else float("nan")
