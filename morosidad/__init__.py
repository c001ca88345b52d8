"""Decide credit applications in microseconds with the model you already fitted.

The public names live here and load on first use: ``import morosidad`` brings in neither
pandas nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from morosidad._version import __version__

if TYPE_CHECKING:
    from morosidad.audit import AuditLog as AuditLog
    from morosidad.cache import TieredCache as TieredCache
    from morosidad.compiler import check_compiled as check_compiled
    from morosidad.compiler import compile_pipeline as compile_pipeline
    from morosidad.errors import MorosidadError as MorosidadError
    from morosidad.kpis import KPITracker as KPITracker
    from morosidad.monitoring.drift import DriftMonitor as DriftMonitor
    from morosidad.policy.codes import ReasonCode as ReasonCode
    from morosidad.policy.cutoffs import Policy as Policy
    from morosidad.policy.decision import Decision as Decision
    from morosidad.policy.decision import Reason as Reason
    from morosidad.policy.decision import RecordError as RecordError
    from morosidad.policy.points import Points as Points
    from morosidad.policy.rules.jdm import Rules as Rules
    from morosidad.policy.rules.rule import Rule as Rule
    from morosidad.preprocessor import Preprocessor as Preprocessor
    from morosidad.recovery import RecoveryPolicy as RecoveryPolicy
    from morosidad.schema.ahorro_valle import AHORRO_VALLE as AHORRO_VALLE
    from morosidad.schema.field import Field as Field
    from morosidad.schema.schema import Schema as Schema
    from morosidad.scoring.cutoffs.table import cutoff_table as cutoff_table
    from morosidad.scoring.mixins.directions import check_monotone as check_monotone
    from morosidad.scoring.scorer import Scorer as Scorer
    from morosidad.settings import Settings as Settings
    from morosidad.training.datasets import make_applicants as make_applicants

_HOME = {
    "AHORRO_VALLE": "schema.ahorro_valle",
    "AuditLog": "audit",
    "Decision": "policy.decision",
    "DriftMonitor": "monitoring.drift",
    "Field": "schema.field",
    "KPITracker": "kpis",
    "MorosidadError": "errors",
    "Points": "policy.points",
    "Policy": "policy.cutoffs",
    "Preprocessor": "preprocessor",
    "Reason": "policy.decision",
    "ReasonCode": "policy.codes",
    "RecordError": "policy.decision",
    "RecoveryPolicy": "recovery",
    "Rule": "policy.rules.rule",
    "Rules": "policy.rules.jdm",
    "Schema": "schema.schema",
    "Scorer": "scoring.scorer",
    "Settings": "settings",
    "TieredCache": "cache",
    "check_compiled": "compiler",
    "check_monotone": "scoring.mixins.directions",
    "compile_pipeline": "compiler",
    "cutoff_table": "scoring.cutoffs.table",
    "make_applicants": "training.datasets",
}

__all__ = [
    "AHORRO_VALLE",
    "AuditLog",
    "Decision",
    "DriftMonitor",
    "Field",
    "KPITracker",
    "MorosidadError",
    "Points",
    "Policy",
    "Preprocessor",
    "Reason",
    "ReasonCode",
    "RecordError",
    "RecoveryPolicy",
    "Rule",
    "Rules",
    "Schema",
    "Scorer",
    "Settings",
    "TieredCache",
    "__version__",
    "check_compiled",
    "check_monotone",
    "compile_pipeline",
    "cutoff_table",
    "make_applicants",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
