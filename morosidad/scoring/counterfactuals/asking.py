"""What is asked of the search for counterfactuals, checked and put in its terms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from morosidad.errors import DeadlineExceeded, SettingsError
from morosidad.policy.decision import OUTCOMES
from morosidad.schema.schema import Record, Schema
from morosidad.scoring.counterfactuals.choices import allowed_limit, choices_of, spreads_of
from morosidad.scoring.counterfactuals.result import Counterfactual
from morosidad.scoring.counterfactuals.search import search, severity
from morosidad.scoring.model import ScoringModel

MOST_CHANGES = 3


def counterfactuals_of(
    model: ScoringModel,
    record: Record,
    mutable: Sequence[str] | None,
    limits: Mapping[str, Any],
    costs: Mapping[str, float],
    target: str,
    *,
    n: int,
    max_changes: int,
    time_limit: float | None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Counterfactual, ...]:
    """Do what `Scorer.counterfactuals` does, for a model.

    Parameters
    ----------
    model : ScoringModel
        What decides.
    record, mutable, limits, costs, target, n, max_changes, time_limit
        As there.
    clock : callable
        Seconds.

    Returns
    -------
    tuple of Counterfactual
    """
    began = clock()
    _check(model.schema, mutable, limits, costs, target, n, max_changes)
    if time_limit is not None and not (_is_number(time_limit) and time_limit > 0.0):
        raise SettingsError(["time_limit: a number of seconds above 0 was expected"])
    values = model.schema.read(record)[0]
    wanted = OUTCOMES.index(target)
    if severity(model, values) <= wanted:
        return ()
    spreads = spreads_of(model.schema.fields, model.typical, model.drift_reference)
    choices = [
        choice
        for place, (field, value) in enumerate(zip(model.schema.fields, values, strict=True))
        if field.is_mutable and (mutable is None or field.name in mutable)
        for choice in choices_of(
            field,
            place,
            value,
            spreads[place],
            cost=costs.get(field.name, 1.0),
            limit=limits.get(field.name),
        )
    ]

    def late(share: float) -> bool:
        return time_limit is not None and clock() - began >= share * time_limit

    found = search(model, values, choices, target=wanted, n=n, max_changes=max_changes, late=late)
    if not found and time_limit is not None and late(0.5):
        raise DeadlineExceeded("the time was up before a change was found", seconds=time_limit)
    return tuple(found)


def _check(
    schema: Schema,
    mutable: Sequence[str] | None,
    limits: Mapping[str, Any],
    costs: Mapping[str, float],
    target: str,
    n: int,
    max_changes: int,
) -> None:
    problems = [
        f"{what}: {name!r} is no field"
        for what, given in (("mutable", mutable or ()), ("limits", limits), ("costs", costs))
        for name in given
        if name not in schema.names
    ]
    fields = {field.name: field for field in schema.fields}
    problems += [
        f"mutable: {name!r} {'is protected' if fields[name].protected else 'does not change'}"
        for name in mutable or ()
        if name in fields and not fields[name].is_mutable
    ]
    for name, limit in limits.items():
        if name in fields and (wrong := allowed_limit(fields[name], limit)):
            problems.append(f"limits: {name!r}: {wrong}")
    problems += [
        f"costs: a number above 0 was expected for {name!r}"
        for name, cost in costs.items()
        if not _is_number(cost) or not 0.0 < cost < float("inf")
    ]
    if target not in OUTCOMES[:-1]:
        problems.append(f"target: one of {', '.join(OUTCOMES[:-1])} was expected")
    if not _is_number(n) or n != int(n) or n < 1:
        problems.append("n: a whole number from 1 was expected")
    if max_changes not in range(1, MOST_CHANGES + 1):
        problems.append(f"max_changes: a whole number from 1 to {MOST_CHANGES} was expected")
    if problems:
        raise SettingsError(problems)


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)
