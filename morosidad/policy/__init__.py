"""The decision policy: cut-offs, decisions and reason codes."""

from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import OUTCOMES, Decision, DecisionOutcome, Reason, RecordError
from morosidad.policy.rules.rule import Rule

__all__ = ["OUTCOMES", "Decision", "DecisionOutcome", "Policy", "Reason", "RecordError", "Rule"]
