"""What may be put around a scorer's model: its language, and the optional parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from morosidad.languages import Language, check_language
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
    language: Language
    parts: Callable[[], Mapping[str, Any]] | None


_OPTIONS = ("cache_auto", "language", "parts")  # which are no parts


# The method that the record path calls of each part.
_METHODS = {
    "cache": "get_or_compute",
    "kpis": "record",
    "recovery": "call",
    "audit": "append",
    "drift": "observe",
}


def without_parts(parts: Mapping[str, Any]) -> bool:
    """Tell whether a scorer is given no part, so that its model answers by itself.

    Parameters
    ----------
    parts : mapping
        By name.

    Returns
    -------
    bool
    """
    return all(part is None or name in _OPTIONS for name, part in parts.items())


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
    ValueError
        If there is no such language.
    """
    for name, part in parts.items():
        if name == "language":
            check_language(part)
        if name == "parts" and part is not None:
            _check_factory(part, parts)
        if name in _OPTIONS or (part is None and name in _METHODS) or (name, part) == ("cache", "auto"):
            continue
        if name not in _METHODS:
            raise TypeError(f"{name}: there is no such part; {', '.join(Parts.__annotations__)} are")
        if not hasattr(part, _METHODS[name]):
            found = type(part).__name__
            raise TypeError(f"{name}: an object with {_METHODS[name]}() was expected, not {found}")
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(f"policy: a Policy was expected, not {type(policy).__name__}")


def _check_factory(make_parts: object, parts: Mapping[str, Any]) -> None:
    if not callable(make_parts):
        raise TypeError(f"parts: a function that makes them was expected, not {type(make_parts).__name__}")
    beside = [name for name in _METHODS if parts.get(name) is not None]
    if beside:
        raise TypeError(f"parts: it makes all parts; {', '.join(beside)} can't be given beside it")


def checked_parts(made: object) -> Parts:
    """Check what a function that makes parts gave.

    Parameters
    ----------
    made : mapping
        Parts by name.

    Returns
    -------
    Parts

    Raises
    ------
    TypeError
        If it is no mapping of parts.
    """
    if not isinstance(made, Mapping) or {"parts", "language"} & made.keys():
        raise TypeError("parts: a function that returns a mapping of parts by name was expected")
    check_parts(made)
    return cast(Parts, dict(made))


def with_made(parts: Parts) -> Parts:
    """Give the parts, with those that the function under ``parts`` makes in the place of others.

    Parameters
    ----------
    parts : Parts
        As a scorer is given them.

    Returns
    -------
    Parts
    """
    make_parts = parts.get("parts")
    return parts if make_parts is None else {**parts, **checked_parts(make_parts())}
