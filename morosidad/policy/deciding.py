"""A policy with its rules compiled for a schema: who decides on probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from morosidad.errors import PredictionError
from morosidad.languages import Language
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import NOTHING, Decision, Notice, Ruling, Score
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

if TYPE_CHECKING:
    from morosidad.policy.rules.compiled import CompiledRules


class Deciding:
    """A policy with its rules compiled for a schema.

    Parameters
    ----------
    policy : Policy
        The cut-offs and the rules.
    schema : Schema
        What a record is.
    identity : str
        Who decides.
    points_of : callable, optional
        A record's values, and its probability of default → its points, where the policy gives any.
    used : sequence of str, optional
        The fields that are looked at; by default all.

    Raises
    ------
    RuleError
        If a rule does not fit the schema.
    """

    def __init__(
        self,
        policy: Policy,
        schema: Schema,
        identity: str,
        points_of: Callable[[Row, float], Score] | None = None,
        used: Sequence[str] | None = None,
    ) -> None:
        self.schema: Schema = schema
        self.policy = policy
        self.used: tuple[str, ...] = schema.names if used is None else tuple(used)
        self.identity: str = identity
        self.policy_identity: str = policy.identity
        self.points_of: Callable[[Row, float], Score] | None = points_of
        self.rules: CompiledRules | None = _compiled_rules(policy, schema)

    def asked_first(self, values: Row) -> Ruling:
        """Ask the rules that know no score.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.

        Returns
        -------
        Ruling
        """
        return NOTHING if self.rules is None else self.rules.first(values)

    def skips(self, first: Ruling) -> bool:
        """Tell whether the model is not asked, since rules that know no score decline.

        Parameters
        ----------
        first : Ruling
            What those rules decide.

        Returns
        -------
        bool
        """
        return first.outcome == "rechazar" and not self.policy.score_always

    def declined(
        self, first: Ruling, warnings: tuple[str, ...] = (), request_id: str | None = None
    ) -> Decision:
        """Make the decision of rules that decline without a score.

        Parameters
        ----------
        first : Ruling
            What those rules decide.
        warnings, request_id
            As in `answer`.

        Returns
        -------
        Decision
        """
        assert self.rules is not None
        decision = Decision(
            None,
            None,
            None,
            "rechazar",
            self.rules.reasons(first.fired, self.schema.language),
            self.identity,
            warnings,
            request_id=request_id,
            rules=self.rules.codes(first.fired),
            policy=self.policy_identity,
        )
        return decision.made_by(self).in_language(self.schema.language)

    def notice(self, decision: Decision, language: Language | None = None, lender: str = "") -> Notice:
        """Write the notice about a decision; see `Scorer.notice`.

        Parameters
        ----------
        decision, language, lender
            As in `Scorer.notice`.

        Returns
        -------
        Notice
        """
        from morosidad.policy.notices import NoticeWriter

        return NoticeWriter(self.schema, self.policy, self.used).notice(decision, language, lender)

    def settle(
        self, values: Row, probability: float, first: Ruling | None = None, points: Score | None = None
    ) -> Ruling:
        """Give the outcome of the cut-offs and the rules.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.
        probability : float
            What the model estimated.
        first : Ruling, optional
            What the rules that know no score decide, where they have been asked.
        points : int or float, optional
            The points, where they are known already.

        Returns
        -------
        Ruling
        """
        outcome = self.policy.outcome(probability)
        if self.rules is None:
            return Ruling(outcome, (), final=False)
        first = self.rules.first(values) if first is None else first
        if points is None:
            points = self.points(values, probability)
        return self.rules.decided(values, probability, outcome, first, points or 0.0)

    def points(self, values: Row, probability: float) -> Score | None:
        """Give the points of a record.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.
        probability : float
            What the model estimated.

        Returns
        -------
        int, float or None
            None where the policy gives none.
        """
        return None if self.points_of is None else self.points_of(values, probability)

    def failed(self, error: Exception) -> PredictionError:
        """Make the error that says that the model failed, without the text of its own error.

        Parameters
        ----------
        error : Exception
            What it raised: its text may hold values of a record.

        Returns
        -------
        PredictionError
        """
        message = f"{self.identity} failed on a valid record with {type(error).__name__}"
        return PredictionError(message, self.identity)

    def no_probability(self) -> PredictionError:
        """Make the error that says that the model answered with something else.

        Returns
        -------
        PredictionError
        """
        return PredictionError(f"{self.identity} did not answer with a probability", self.identity)


def _compiled_rules(policy: Policy, schema: Schema) -> CompiledRules | None:
    if not policy.rules:
        return None
    from morosidad.policy.rules.compiled import CompiledRules

    return CompiledRules(policy.rules, schema, points=policy.points is not None)
