"""The policy of a model: the rules before the score, and the outcome after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision
from morosidad.policy.rules.fired import NOTHING, Verdict
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

    Raises
    ------
    RuleError
        If a rule does not fit the schema.
    """

    def __init__(self, policy: Policy, schema: Schema, identity: str) -> None:
        self.schema: Schema = schema
        self.policy = policy
        self.identity: str = identity
        self.policy_identity: str = policy.identity
        self.rules: CompiledRules | None = _compiled_rules(policy, schema)

    def asked_first(self, values: Row) -> Verdict:
        """Ask the rules that know no score.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.

        Returns
        -------
        Verdict
        """
        return NOTHING if self.rules is None else self.rules.first(values)

    def skips(self, first: Verdict) -> bool:
        """Tell whether the model is not asked, since rules that know no score decline.

        Parameters
        ----------
        first : Verdict
            What those rules decide.

        Returns
        -------
        bool
        """
        return first.outcome == "rechazar" and not self.policy.score_always

    def declined(
        self, first: Verdict, warnings: tuple[str, ...] = (), request_id: str | None = None
    ) -> Decision:
        """Make the decision of rules that decline without a score.

        Parameters
        ----------
        first : Verdict
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
        return decision.in_language(self.schema.language)

    def settle(self, values: Row, probability: float, first: Verdict | None = None) -> Verdict:
        """Give the outcome of the cut-offs and the rules.

        Parameters
        ----------
        values : tuple
            Validated values in schema order.
        probability : float
            What the model estimated.
        first : Verdict, optional
            What the rules that know no score decide, where they have been asked.

        Returns
        -------
        Verdict
        """
        outcome = self.policy.outcome(probability)
        if self.rules is None:
            return Verdict(outcome, (), final=False)
        first = self.rules.first(values) if first is None else first
        return self.rules.decided(values, probability, outcome, first)


def _compiled_rules(policy: Policy, schema: Schema) -> CompiledRules | None:
    if not policy.rules:
        return None
    from morosidad.policy.rules.compiled import CompiledRules

    return CompiledRules(policy.rules, schema)
