"""What ``POST /que-cambiaria`` asks: read against the schema, with everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from sys import float_info
from typing import Any, NamedTuple

from morosidad.asgi.guards.bodies import record_of
from morosidad.asgi.problems import bad_request, told, wrong
from morosidad.errors import FieldError
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

MOST_ANSWERS, MOST_CHANGES, MOST_LEVELS = 10, 3, 1000
PARAMETERS = frozenset({"modificables", "limites", "cuantas", "cambios_maximos"})
COSTS = {1: 5, 2: 10, 3: 30}
"""As how many decisions the rate limit counts a question, by the fields that one answer may change."""

_NUMBERS = ("integer", "number")
_SHOWN = 64


class ChangesAsked(NamedTuple):
    """What is asked.

    Attributes
    ----------
    record : dict of str to object
        The applicant, not validated.
    mutable : list of str, optional
        The fields that may change; None for all but protected ones.
    limits : dict of str to list
        Between which numbers they may end, or the categories that they may take.
    n : int
        How many answers are wanted.
    max_changes : int
        The fields that one of them may change.
    """

    record: dict[str, Any]
    mutable: list[str] | None
    limits: dict[str, Any]
    n: int
    max_changes: int

    @property
    def cost(self) -> int:
        """As how many decisions it counts."""
        return COSTS[self.max_changes]


def is_numeric(field: Field) -> bool:
    """Tell whether a field's limits are two numbers, and no categories.

    Parameters
    ----------
    field : Field
        The field.

    Returns
    -------
    bool
    """
    return field.kind in _NUMBERS and field.categories is None


def question_of(found: Any, schema: Schema) -> ChangesAsked:
    """Read a decoded request.

    Parameters
    ----------
    found : object
        What the body holds.
    schema : Schema
        Of the model in use.

    Returns
    -------
    ChangesAsked

    Raises
    ------
    Problem
        E001 when the request lacks ``datos`` or a parameter of it is wrong, E002 when they are no object.
    """
    record = record_of(found, PARAMETERS)
    given = {name: found[name] for name in PARAMETERS if found.get(name) is not None}
    fields = {field.name: field for field in schema.fields}
    errors = [
        *_wrong_names(given.get("modificables", []), fields),
        *_wrong_limits(given.get("limites", {}), fields),
        *_wrong_number("cuantas", given.get("cuantas", 1), MOST_ANSWERS),
        *_wrong_number("cambios_maximos", given.get("cambios_maximos", 1), MOST_CHANGES),
    ]
    if errors:
        raise bad_request(told("wrong_envelope"), errors)
    return ChangesAsked(
        record,
        given.get("modificables"),
        given.get("limites", {}),
        int(given.get("cuantas", 3)),
        int(given.get("cambios_maximos", 2)),
    )


def _wrong_names(names: Any, fields: Mapping[str, Field]) -> Iterator[FieldError]:
    if type(names) is not list or len(names) > len(fields):
        yield wrong("modificables", "server.some_fields", "tipo", most=len(fields))
        return
    for name in names:
        if type(name) is not str:
            yield wrong("modificables", "server.some_fields", "tipo", most=len(fields))
        else:
            yield from _wrong_name("modificables", name, fields)


def _wrong_name(part: str, name: str, fields: Mapping[str, Field]) -> Iterator[FieldError]:
    shown = name[:_SHOWN].encode("utf-8", "replace").decode()
    if name not in fields:
        yield wrong(f"{part}.{shown}", "server.no_field", "desconocido")
    elif not fields[name].is_mutable:
        why = "server.protected_field" if fields[name].protected else "server.fixed_field"
        yield wrong(f"{part}.{shown}", why, "rango")


def _wrong_limits(limits: Any, fields: Mapping[str, Field]) -> Iterator[FieldError]:
    if type(limits) is not dict or len(limits) > len(fields):
        yield wrong("limites", "server.limits_by_field", "tipo", most=len(fields))
        return
    for name, limit in limits.items():
        strange = list(_wrong_name("limites", name, fields))
        yield from strange
        if not strange and (text := _wrong_limit(fields[name], limit)):
            yield wrong(f"limites.{name}", text, "tipo", most=MOST_LEVELS)


def _wrong_limit(field: Field, limit: Any) -> str:
    if is_numeric(field):
        pair = type(limit) is list and len(limit) == 2
        good = pair and all(end is None or _is_number(end) for end in limit)
        return "" if good else "server.two_ends"
    few = type(limit) is list and len(limit) <= MOST_LEVELS
    if field.kind == "boolean":
        return "" if few and all(type(level) is bool for level in limit) else "server.some_answers"
    good = few and all(type(level) is str or _is_number(level) for level in limit)
    return "" if good else "server.some_categories"


def _is_number(given: Any) -> bool:
    return type(given) in (int, float) and -float_info.max <= given <= float_info.max


def _wrong_number(name: str, given: Any, most: int) -> Iterator[FieldError]:
    if not _is_number(given) or given != int(given) or not 1 <= given <= most:
        yield wrong(name, "server.a_count", "rango", most=most)
