"""The optional parts around a scorer's model: cache, key figures, recovery, decision log, drift monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from morosidad.policy.cutoffs import Policy

if TYPE_CHECKING:
    from morosidad.audit import AuditLog
    from morosidad.cache import TieredCache
    from morosidad.kpis import KPITracker
    from morosidad.monitoring.drift import DriftMonitor
    from morosidad.recovery import RecoveryPolicy


class Parts(TypedDict, total=False):
    """The parts that a scorer may be given; see `Scorer`."""

    cache: TieredCache[Any, Any] | Literal["auto"] | None
    cache_auto: bool
    kpis: KPITracker | None
    recovery: RecoveryPolicy | None
    audit: AuditLog | None
    drift: DriftMonitor | None


# The method that the record path calls of each part.
_METHODS = {
    "cache": "get_or_compute",
    "kpis": "record",
    "recovery": "call",
    "audit": "append",
    "drift": "observe",
}


def check_parts(parts: Mapping[str, Any], policy: object = None) -> None:
    """Refuse what is no part or no policy, so that a mistake shows before the first record.

    Parameters
    ----------
    parts : mapping
        By name.
    policy : Policy, optional
        The cut-offs.

    Raises
    ------
    TypeError
        If a part, or the policy, is something else.
    """
    for name, part in parts.items():
        if name == "cache_auto" or (part is None and name in _METHODS) or (name, part) == ("cache", "auto"):
            continue
        if name not in _METHODS:
            raise TypeError(f"{name}: there is no such part; {', '.join(Parts.__annotations__)} are")
        if not hasattr(part, _METHODS[name]):
            found = type(part).__name__
            raise TypeError(f"{name}: an object with {_METHODS[name]}() was expected, not {found}")
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(f"policy: a Policy was expected, not {type(policy).__name__}")
