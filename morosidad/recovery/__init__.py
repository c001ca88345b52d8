"""Recovery: a policy that repairs what fails, level by level, and gives up in good order.

A call that succeeds pays for one ``try``. Each file holds one idea: `policy` what users call, `levels` what
is tried, `events` what is told, `climb` the order of things, `breaker` the memory that all calls share,
`guard` the threads.
"""

from morosidad.recovery.events import Hook, Outcome, RecoveryEvent, RecoveryStats, Role, log_event
from morosidad.recovery.levels import Failure, Level, Remedy, default_levels, model_at_fault
from morosidad.recovery.policy import RecoveryPolicy

__all__ = [
    "Failure",
    "Hook",
    "Level",
    "Outcome",
    "RecoveryEvent",
    "RecoveryPolicy",
    "RecoveryStats",
    "Remedy",
    "Role",
    "default_levels",
    "log_event",
    "model_at_fault",
]
