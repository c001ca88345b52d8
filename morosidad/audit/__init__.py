"""The decision log: what was decided, by which model, why; and the proof that nobody changed it since."""

from __future__ import annotations

from morosidad.audit.chain import find_logs
from morosidad.audit.lines import AuditContext, DecisionLine, hash_values
from morosidad.audit.log import AuditLog, AuditStats
from morosidad.audit.reading import Difference, ReplayReport, read, replay
from morosidad.audit.verification import ChainProblem, ChainReport, verify

__all__ = [
    "AuditContext",
    "AuditLog",
    "AuditStats",
    "ChainProblem",
    "ChainReport",
    "DecisionLine",
    "Difference",
    "ReplayReport",
    "find_logs",
    "hash_values",
    "read",
    "replay",
    "verify",
]
