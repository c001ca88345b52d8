"""Whether a scorer's probability moves with a field in the direction that is declared, proven or refuted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from morosidad.errors import SettingsError
from morosidad.schema.field import Value
from morosidad.scoring.model import ScoringModel
from morosidad.scoring.monotonicity.finding import Verdict

WORK = 300_000


class Monotonicity(msgspec.Struct, frozen=True):
    """What was found about one field.

    Attributes
    ----------
    field : str
        Its name.
    direction : {1, -1}
        Whether the probability of default should rise or fall as the value grows.
    verdict : {'held', 'broken', 'undecided'}
        Proven for every applicant that the schema accepts, whatever the other fields hold, where the value
        is given; refuted by the pair below; or neither, within the work that was allowed.
    lower, higher : dict of str to (int, float, str, bool or None), or None
        Two records that differ in this field alone and break the direction, made up.
    probabilities : tuple of (float, float), or None
        Of default, of both.
    """

    field: str
    direction: Literal[-1, 1]
    verdict: Verdict
    lower: dict[str, Value] | None = None
    higher: dict[str, Value] | None = None
    probabilities: tuple[float, float] | None = None


def monotonicities(
    model: ScoringModel, directions: Mapping[str, int] | None = None, work: int = WORK
) -> tuple[Monotonicity, ...]:
    """Do what `check_monotone` does, for a model.

    Parameters
    ----------
    model : ScoringModel
        What answers.
    directions, work
        As there.

    Returns
    -------
    tuple of Monotonicity
    """
    from morosidad.compiler.proof.probe_rows import probe_rows
    from morosidad.scoring.monotonicity.decision import direction_of

    schema = model.schema
    if directions is None:
        directions = {field.name: field.monotonic_cst for field in schema.fields if field.monotonic_cst}
    problems = [f"directions: {name!r} is no field" for name in directions if name not in schema.names]
    problems += [
        f"directions: 1 or -1 was expected for {name!r}" for name, d in directions.items() if d not in (-1, 1)
    ]
    if problems:
        raise SettingsError(problems)
    rows = probe_rows(schema, ()) if directions else []
    found: list[Monotonicity] = []
    for name, direction in directions.items():
        sign: Literal[-1, 1] = 1 if direction > 0 else -1
        finding, _ = direction_of(model.compiled, rows, schema.names.index(name), sign, work)
        if finding.pair is None:
            found.append(Monotonicity(name, sign, finding.verdict))
            continue
        lower, higher = finding.pair
        both = model.compiled.predict_one(lower), model.compiled.predict_one(higher)
        found.append(Monotonicity(name, sign, "broken", schema.named(lower), schema.named(higher), both))
    return tuple(found)
