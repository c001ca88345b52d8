"""Recovery: a policy that repairs what fails, level by level, and gives up in good order.

A call that succeeds pays for one ``try``. Data flows one way: `levels` and `events` are plain data,
`circuit_breaker` is the state that all calls share, `bulkhead` the threads, `escalation` the order of
attempts, and `policy` the public class.
"""

from morosidad.recovery.events import Hook, RecoveryEvent, RecoveryOutcome, RecoveryStats, Role, log_event
from morosidad.recovery.levels import Failure, RecoveryLevel, Remedy, default_levels, model_at_fault
from morosidad.recovery.policy import RecoveryPolicy

__all__ = [
    "Failure",
    "Hook",
    "RecoveryEvent",
    "RecoveryLevel",
    "RecoveryOutcome",
    "RecoveryPolicy",
    "RecoveryStats",
    "Remedy",
    "Role",
    "default_levels",
    "log_event",
    "model_at_fault",
]
