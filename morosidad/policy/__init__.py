"""From a probability to a decision: cut-offs, outcomes, and reasons in words."""

from morosidad.policy.decision import Decision, Policy, Reason, RecordError

__all__ = ["Decision", "Policy", "Reason", "RecordError"]
