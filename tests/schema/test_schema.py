"""Schema: every error at once, aliases, one meaning whichever way a record comes in."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from morosidad.errors import InvalidRecord, SchemaError
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.schema.schema import Field, Observed, Schema

LOAN = Schema(
    [
        Field("edad", "integer", ge=18, le=85, required=True),
        Field("ingresos", "number", gt=0, required=True, aliases=["salario"]),
        Field("antiguedad_meses", "integer", ge=0, le=600, aliases={"antiguedad": 12}),
        Field("zona", "category", categories=("urbana", "rural")),
        Field("casado", "boolean"),
    ],
    target="moroso",
    name="prestamo",
)
GOOD = {"edad": 40, "ingresos": 1.5, "antiguedad_meses": 24, "zona": "rural", "casado": True}


def errors_of(schema: Schema, record: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRecord) as caught:
        schema.validate(record)
    return [(error.field, error.code) for error in caught.value.errors]


# -- the schema itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ([], None),
        ([Field("a", "number"), Field("a", "integer")], None),
        ([Field("a", "number"), Field("b", "number", aliases=["a"])], None),
        ([Field("a", "number", aliases=["a"])], None),
        ([Field("a", "number")], "a"),
        ([Field("a", "number", aliases=["y"])], "y"),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(fields: list[Field], target: str | None) -> None:
    with pytest.raises(SchemaError):
        Schema(fields, target)


def test_fields_must_be_fields() -> None:
    with pytest.raises(SchemaError, match="each must be a Field, not str"):
        Schema({"edad": "integer"})  # type: ignore[arg-type]


def test_fields_are_found_by_name() -> None:
    assert LOAN["edad"].le == 85
    assert len(LOAN) == 5
    with pytest.raises(KeyError, match="salario"):
        LOAN["salario"]


def test_a_schema_shows_its_fields() -> None:
    assert "'prestamo', 5 fields: edad: un número entero entre 18 y 85" in repr(LOAN)


@pytest.mark.parametrize("schema", [LOAN, AHORRO_VALLE], ids=lambda schema: schema.name)
def test_a_schema_comes_back_the_same_from_data_pickle_and_copies(schema: Schema) -> None:
    copies = [
        Schema.from_dict(schema.to_dict()),
        Schema.from_dict(json.loads(json.dumps(schema.to_dict()))),
        pickle.loads(pickle.dumps(schema)),
        copy.deepcopy(schema),
    ]
    for again in copies:
        assert again == schema
        assert (again.digest, hash(again)) == (schema.digest, hash(schema))
        assert again.to_dict() == schema.to_dict()


def test_schemas_differ_when_one_limit_differs() -> None:
    other = LOAN.replace([Field("edad", "integer", ge=18, le=84, required=True), *LOAN.fields[1:]])
    assert other != LOAN
    assert other.digest != LOAN.digest
    assert (other.name, other.target) == (LOAN.name, LOAN.target)
    assert LOAN != "prestamo"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"fields": 3, "target": None, "name": "x", "version": "1"},
        {"fields": [{"name": "a", "kind": "date"}], "target": None, "name": "x", "version": "1"},
        {
            "fields": [{"name": "a", "kind": "number", "ge": 2, "le": 1}],
            "target": None,
            "name": "",
            "version": "",
        },
    ],
)
def test_data_that_is_no_schema_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="no schema"):
        Schema.from_dict(data)


def test_the_json_schema_names_what_is_required_and_nothing_else() -> None:
    described = LOAN.json_schema()
    assert described["required"] == ["edad", "ingresos"]
    assert list(described["properties"]) == list(LOAN.names)
    assert described["additionalProperties"] is False
    json.dumps(described, allow_nan=False)


# -- the ways a record comes in ------------------------------------------------------------------


@dataclass
class Applicant:
    edad: int
    ingresos: float
    antiguedad_meses: int
    zona: str
    casado: bool


class Row:
    """Like a database's row: keys and items, and no mapping."""

    def keys(self) -> list[str]:
        return list(GOOD)

    def __getitem__(self, name: str) -> object:
        return GOOD[name]


@pytest.mark.parametrize(
    "record",
    [
        GOOD,
        OrderedDict(GOOD),
        MappingProxyType(GOOD),
        Row(),
        json.dumps(GOOD),
        json.dumps(GOOD).encode(),
        bytearray(json.dumps(GOOD).encode()),
        memoryview(json.dumps(GOOD).encode()),
        Applicant(**GOOD),  # type: ignore[arg-type]
        SimpleNamespace(**GOOD, apellido="no matter"),
        namedtuple("Tuple", GOOD)(**GOOD),
        pd.Series(GOOD),
        {name: np.asarray(value)[()] for name, value in GOOD.items()},
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_means_the_same_in_every_form(record: Any) -> None:
    read = LOAN.validate(record)
    assert read == GOOD
    assert [type(value) for value in read.values()] == [int, float, int, str, bool]


def test_missing_values_come_back_as_none_in_field_order() -> None:
    assert LOAN.read({"ingresos": 2, "edad": 30, "zona": None, "casado": math.nan}) == (
        (30, 2.0, None, None, None),
        (),
    )


def test_aliases_are_resolved_with_their_unit() -> None:
    read = LOAN.validate({"edad": 30, "salario": 5, "antiguedad": 2.5})
    assert (read["ingresos"], read["antiguedad_meses"]) == (5.0, 30)


def test_a_field_and_its_alias_together_are_an_error() -> None:
    assert errors_of(LOAN, {**GOOD, "salario": 3}) == [("ingresos", "duplicado")]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (None, "se esperaba un objeto con los campos"),
        (5, "se esperaba un objeto con los campos"),
        ([GOOD], "se esperaba un objeto con los campos"),
        (pd.DataFrame([GOOD]), "se esperaba un solo registro, no una tabla"),
        ("", "no es JSON válido"),
        (b"\xff", "no es JSON válido"),
        ('{"edad": NaN}', "no es JSON válido"),
        (json.dumps(GOOD) + "}", "no es JSON válido"),
        ("[1]", "se esperaba un objeto JSON"),
        ("[" * 100_000, "no se puede leer"),
        ({1: 2, **GOOD}, "deben ser texto"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_record_is_one_error_of_the_whole(record: Any, message: str) -> None:
    with pytest.raises(InvalidRecord, match=message) as caught:
        LOAN.validate(record)
    assert [(error.field, error.code) for error in caught.value.errors] == [("", "registro")]


class Broken:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError("Pérez")


class BrokenMapping(dict[str, object]):
    def items(self) -> Any:
        raise RuntimeError("Pérez")


@pytest.mark.parametrize("kind", [Broken, BrokenMapping])
def test_an_object_that_fails_while_it_is_read_is_an_invalid_record(kind: Any) -> None:
    with pytest.raises(InvalidRecord, match="no se puede leer") as caught:
        LOAN.validate(kind())
    assert caught.value.__cause__ is None
    assert "Pérez" not in str(caught.value)


# -- what is wrong with it -----------------------------------------------------------------------


def test_every_wrong_field_is_reported_at_once_in_order_and_unknown_ones_last() -> None:
    record = {"apodo": 1, "casado": "si", "zona": "costa", "antiguedad_meses": 601, "ingresos": "5"}
    assert errors_of(LOAN, record) == [
        ("edad", "falta"),
        ("ingresos", "tipo"),
        ("antiguedad_meses", "rango"),
        ("zona", "categoria"),
        ("casado", "tipo"),
        ("apodo", "desconocido"),
    ]


@pytest.mark.parametrize("absent", [None, math.nan, pd.NA])
def test_a_required_value_that_is_missing_is_an_error(absent: object) -> None:
    assert errors_of(LOAN, {**GOOD, "edad": absent}) == [("edad", "falta")]


def test_an_unknown_field_comes_with_the_name_that_was_probably_meant() -> None:
    with pytest.raises(InvalidRecord, match="¿quiso decir «ingresos»"):
        LOAN.validate({**GOOD, "ingreso": 3})


def test_of_a_flood_of_unknown_fields_some_are_named_and_the_rest_are_counted() -> None:
    flood = {f"edad{i}": i for i in range(3000)}
    with pytest.raises(InvalidRecord) as caught:
        LOAN.validate(GOOD | flood)
    assert len(caught.value.errors) == 101
    assert caught.value.errors[-1].message == "y 2900 campos desconocidos más"
    assert sum("quiso decir" in error.message for error in caught.value.errors) == 10


def test_an_unknown_name_is_cut_and_can_be_written_as_utf8() -> None:
    with pytest.raises(InvalidRecord) as caught:
        LOAN.validate(GOOD | {"x" * 1000: 1, "\ud800": 2})
    assert [len(error.field) for error in caught.value.errors] == [64, 1]
    msgspec.json.encode(caught.value.errors)


SECRETS: dict[str, Any] = {
    "edad": 4711,
    "ingresos": -4711.5,
    "antiguedad_meses": "s4711",
    "zona": "z4711",
    "casado": 4711,
}


def test_no_message_holds_a_value() -> None:
    for record in (SECRETS, json.dumps(SECRETS), MappingProxyType(SECRETS)):
        with pytest.raises(InvalidRecord) as caught:
            LOAN.validate(record)
        assert len(caught.value.errors) == 5
        assert "4711" not in str(caught.value)
        assert "4711" not in repr(caught.value.errors)
        assert caught.value.__cause__ is None


# -- observed limits -----------------------------------------------------------------------------

SEEN = Schema(
    [
        Field("n", "number", ge=0, observed=Observed(1, 5, missing=False)),
        Field("c", "category", categories=("a", "b"), observed=Observed(categories=("a",))),
        Field("t", "category", observed=Observed(categories=("x", "y"))),
    ]
)


def test_a_value_outside_what_was_observed_is_read_with_a_warning() -> None:
    assert SEEN.read({"n": 1, "c": "a", "t": "x"}) == ((1.0, "a", "x"), ())
    assert SEEN.read({"n": 9, "c": "b", "t": "new"}) == (
        (9.0, "b", "new"),
        (
            "n: fuera del rango del entrenamiento (1 a 5)",
            "c: categoría no vista en el entrenamiento",
            "t: categoría no vista en el entrenamiento",
        ),
    )
    assert SEEN.read({"t": "x"})[1] == ("n: sin dato, y en el entrenamiento siempre lo había",)


@pytest.mark.parametrize("record", [{}, b"{}", {"n": None, "c": math.nan}])
def test_a_record_without_any_value_is_refused_where_a_usual_one_has_some(record: Any) -> None:
    assert errors_of(SEEN, record) == [("", "registro")]
    every_field_may_be_missing = SEEN.replace(
        msgspec.structs.replace(field, observed=None) for field in SEEN.fields
    )
    assert every_field_may_be_missing.read(record) == ((None, None, None), ())


def test_a_value_outside_what_is_declared_is_refused_even_so() -> None:
    assert errors_of(SEEN, {"n": -1, "c": "z"}) == [("n", "rango"), ("c", "categoria")]


# -- the default schema --------------------------------------------------------------------------


def test_the_default_schema_is_the_one_that_was_agreed() -> None:
    assert len(AHORRO_VALLE) == 20
    required = [field.name for field in AHORRO_VALLE.fields if field.required]
    assert required == ["edad", "ingresos_mensuales", "monto_credito", "plazo_meses"]
    least = {"edad": 40, "ingresos": 2_000_000, "monto_credito": 5_000_000, "plazo_meses": 24}
    read = AHORRO_VALLE.validate(least | {"score": 700, "antiguedad": 3, "pagos_previos": 2})
    assert read["ingresos_mensuales"] == 2_000_000.0
    assert read["credito_score"] == 700
    assert read["antiguedad_laboral_meses"] == 36
    assert read["num_creditos_previos"] == 2
    assert AHORRO_VALLE.validate(least | {"score_crediticio": 700})["credito_score"] == 700
    assert all(field.label and field.label[0].isupper() for field in AHORRO_VALLE.fields)
