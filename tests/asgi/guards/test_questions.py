"""What a question about changes may hold: checked against the schema, and described as it is checked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Field, Schema
from morosidad.asgi.guards.questions import COSTS, MOST_CHANGES, MOST_LEVELS, ChangesAsked, question_of
from morosidad.asgi.openapi import _limits_of, question
from morosidad.asgi.problems import Problem

Draft202012Validator = pytest.importorskip("jsonschema").Draft202012Validator

SCHEMA = Schema(
    [
        Field("edad", "integer", ge=18),
        Field("ingresos", "number"),
        Field("empleo", "category", categories=("fijo", "libre")),
        Field("nivel", "integer", categories=(1, 2, 3)),
        Field("garante", "boolean"),
        Field("sexo", "category", protected=True),
    ]
)


def wrong_parts(**given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as caught:
        question_of({"datos": {}, **given}, SCHEMA)
    assert caught.value.code == "E001"
    return [(error.field, error.code) for error in caught.value.errors]


def test_what_is_not_given_has_its_default() -> None:
    assert question_of({"datos": {"edad": 3}}, SCHEMA) == ChangesAsked({"edad": 3}, None, {}, 3, 2)
    nothing = dict.fromkeys(("modificables", "limites", "cuantas", "cambios_maximos"))
    assert question_of({"datos": {}, **nothing}, SCHEMA) == ChangesAsked({}, None, {}, 3, 2)
    asked = {"datos": {}, "modificables": [], "limites": {"ingresos": [1, None]}, "cuantas": 1.0}
    found = question_of({**asked, "cambios_maximos": 3, "session_id": "s"}, SCHEMA)
    assert found == ChangesAsked({}, [], {"ingresos": [1, None]}, 1, 3)
    assert type(found.n) is int


def test_everything_that_is_wrong_is_told_at_once() -> None:
    limits = {"edad": [1], "empleo": "fijo", "garante": [1], "nivel": [[]], "sexo": ["f"], "otro": [1, 2]}
    assert wrong_parts(modificables=["x", "sexo"], limites=limits, cuantas=0, cambios_maximos=True) == [
        ("modificables.x", "desconocido"),
        ("modificables.sexo", "rango"),
        ("limites.edad", "tipo"),
        ("limites.empleo", "tipo"),
        ("limites.garante", "tipo"),
        ("limites.nivel", "tipo"),
        ("limites.sexo", "rango"),
        ("limites.otro", "desconocido"),
        ("cuantas", "rango"),
        ("cambios_maximos", "rango"),
    ]


@pytest.mark.parametrize(
    ("part", "given"),
    [
        ("modificables", "edad"),
        ("modificables", ["edad"] * 7),
        ("modificables", [3]),
        ("limites", []),
        ("limites", {f"x{place}": [1, 2] for place in range(7)}),
        ("limites.empleo", {"empleo": ["x"] * (MOST_LEVELS + 1)}),
        ("limites.edad", {"edad": [None, 10**400]}),
        ("limites.nivel", {"nivel": [10**400]}),
        ("cuantas", 10**400),
        ("cuantas", 1.5),
        ("cuantas", "3"),
    ],
)
def test_each_part_has_its_bounds(part: str, given: Any) -> None:
    assert [field for field, _ in wrong_parts(**{part.partition(".")[0]: given})] == [part]


def test_a_name_is_repeated_in_part_only() -> None:
    ((name, _),) = wrong_parts(modificables=["\ud800" + "x" * 1000])
    assert name == "modificables.?" + "x" * 63


def test_more_changes_weigh_more() -> None:
    assert list(COSTS) == list(range(1, MOST_CHANGES + 1))
    assert [ChangesAsked({}, None, {}, 3, most).cost for most in COSTS] == sorted(COSTS.values())


scalars: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.floats(-3, 12),
    st.sampled_from([*SCHEMA.names, "fijo", "x", 1e308, -1e308, 3.0]),
)
names = st.sampled_from([*SCHEMA.names, "x"])
values = st.one_of(scalars, st.lists(scalars, max_size=3))


@settings(deadline=None, max_examples=60)
@given(
    parts=st.fixed_dictionaries(
        {},
        optional={
            "modificables": st.one_of(scalars, st.lists(names, max_size=8)),
            "limites": st.one_of(scalars, st.dictionaries(names, values, max_size=3)),
            "cuantas": scalars,
            "cambios_maximos": scalars,
        },
    )
)
def test_what_is_accepted_is_what_the_description_says(parts: dict[str, Any]) -> None:
    samples: Any = SimpleNamespace(applicants=[{}], mutable=list(SCHEMA.names[:-1]), fields=len(SCHEMA))
    schema = question(samples)["application/json"]["schema"]
    components = {"schemas": {"Registro": {"type": "object"}, "Cambiables": _limits_of(SCHEMA)}}
    asked = msgspec.json.decode(msgspec.json.encode({"datos": {}, **parts}))
    try:
        question_of(asked, SCHEMA)
        accepted = True
    except Problem:
        accepted = False
    assert accepted == Draft202012Validator({**schema, "components": components}).is_valid(asked)
