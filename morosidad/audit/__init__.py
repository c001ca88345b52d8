"""The audit log of decisions: a tamper-evident hash chain of JSON lines, its verification and its replay."""

from __future__ import annotations

from morosidad.audit.chain.paths import find_logs
from morosidad.audit.erasure.forgetting import forget
from morosidad.audit.export.files import export
from morosidad.audit.export.frames import LogTable, find, frame
from morosidad.audit.lines import AuditContext, DecisionLine
from morosidad.audit.log import AuditLog, AuditStats
from morosidad.audit.personal_data import hash_values
from morosidad.audit.reading import read
from morosidad.audit.replay import Difference, ReplayReport, replay
from morosidad.audit.table import DecisionTable
from morosidad.audit.verification import ChainProblem, ChainReport, verify

__all__ = [
    "AuditContext",
    "AuditLog",
    "AuditStats",
    "ChainProblem",
    "ChainReport",
    "DecisionLine",
    "DecisionTable",
    "Difference",
    "LogTable",
    "ReplayReport",
    "export",
    "find",
    "find_logs",
    "forget",
    "frame",
    "hash_values",
    "read",
    "replay",
    "verify",
]
