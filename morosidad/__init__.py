"""Decide credit applications in microseconds with the model you already fitted.

The public names live here and load on first use: ``import morosidad`` brings in neither
pandas nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from morosidad.ahorro_valle import AHORRO_VALLE as AHORRO_VALLE
    from morosidad.audit import AuditLog as AuditLog
    from morosidad.cache import TieredCache as TieredCache
    from morosidad.compiler import compile_pipeline as compile_pipeline
    from morosidad.datasets import make_applicants as make_applicants
    from morosidad.decision import Decision as Decision
    from morosidad.decision import Policy as Policy
    from morosidad.decision import Reason as Reason
    from morosidad.decision import RecordError as RecordError
    from morosidad.drift import DriftMonitor as DriftMonitor
    from morosidad.errors import MorosidadError as MorosidadError
    from morosidad.field import Field as Field
    from morosidad.kpis import KPITracker as KPITracker
    from morosidad.preprocessor import Preprocessor as Preprocessor
    from morosidad.recovery import RecoveryPolicy as RecoveryPolicy
    from morosidad.schema import Schema as Schema
    from morosidad.scorer import Scorer as Scorer
    from morosidad.settings import Settings as Settings

__version__ = "0.1.0"

_HOME = {
    "AHORRO_VALLE": "ahorro_valle",
    "AuditLog": "audit",
    "Decision": "decision",
    "DriftMonitor": "drift",
    "Field": "field",
    "KPITracker": "kpis",
    "MorosidadError": "errors",
    "Policy": "decision",
    "Preprocessor": "preprocessor",
    "Reason": "decision",
    "RecordError": "decision",
    "RecoveryPolicy": "recovery",
    "Schema": "schema",
    "Scorer": "scorer",
    "Settings": "settings",
    "TieredCache": "cache",
    "compile_pipeline": "compiler",
    "make_applicants": "datasets",
}

__all__ = [
    "AHORRO_VALLE",
    "AuditLog",
    "Decision",
    "DriftMonitor",
    "Field",
    "KPITracker",
    "MorosidadError",
    "Policy",
    "Preprocessor",
    "Reason",
    "RecordError",
    "RecoveryPolicy",
    "Schema",
    "Scorer",
    "Settings",
    "TieredCache",
    "__version__",
    "compile_pipeline",
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
