"""The decision policy: cut-offs, decisions and reason codes."""

from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import OUTCOMES, Decision, DecisionOutcome, Reason, RecordError

__all__ = ["OUTCOMES", "Decision", "DecisionOutcome", "Policy", "Reason", "RecordError"]
