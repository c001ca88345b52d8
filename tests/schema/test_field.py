"""Field: what it accepts, how it reads one value, and the words it uses."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.errors import SchemaError
from morosidad.schema.field import Field, Observed


def refused(field: Field, value: object, factor: float = 1.0) -> tuple[str, str]:
    with pytest.raises(ValueError) as caught:
        field.read(value, factor)
    message, code = caught.value.args
    return message, code


# -- what contradicts itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "", "kind": "number"}, "need names"),
        ({"name": 'a"b', "kind": "number"}, "quotation marks"),
        ({"name": "a\\b", "kind": "number"}, "backslashes"),
        ({"name": "a\nb", "kind": "number"}, "control characters"),
        ({"kind": "date"}, "no such kind"),
        ({"kind": "category", "ge": 1}, "only numbers have limits"),
        ({"kind": "boolean", "lt": 1}, "only numbers have limits"),
        ({"kind": "number", "ge": math.nan}, "finite"),
        ({"kind": "number", "le": math.inf}, "finite"),
        ({"kind": "number", "le": True}, "finite"),
        ({"kind": "number", "le": "9"}, "finite"),
        ({"kind": "number", "ge": 2, "le": 1}, "no value lies"),
        ({"kind": "number", "gt": 1, "le": 1}, "no value lies"),
        ({"kind": "number", "ge": 1, "lt": 1}, "no value lies"),
        ({"kind": "number", "categories": (1.5,)}, "only categories and integers"),
        ({"kind": "boolean", "categories": (1,)}, "only categories and integers"),
        ({"kind": "integer", "categories": ("a",)}, "texts or integers"),
        ({"kind": "category", "categories": (True,)}, "texts or integers"),
        ({"kind": "category", "categories": (1.5,)}, "texts or integers"),
        ({"kind": "category", "categories": ("a", 1)}, "all texts or all integers"),
        ({"kind": "category", "categories": ()}, "one or more"),
        ({"kind": "category", "categories": ("a", "a")}, "each once"),
        ({"kind": "category", "categories": "abc"}, "sequences"),
        ({"kind": "integer", "categories": (1, 2), "le": 1}, "either limits or categories"),
        ({"kind": "number", "aliases": "z"}, "sequences"),
        ({"kind": "number", "aliases": [""]}, "need names"),
        ({"kind": "number", "aliases": {"z": 0}}, "other than 0"),
        ({"kind": "number", "aliases": {"z": math.nan}}, "other than 0"),
        ({"kind": "category", "aliases": {"z": 12}}, "only numbers have unit factors"),
        ({"kind": "number", "monotonic_cst": 2}, "direction"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SchemaError, match=problem) as caught:
        Field(**{"name": "x", **options})
    assert caught.value.field == options.get("name", "x")


def test_sequences_become_tuples_aliases_get_factors_and_the_label_comes_from_the_name() -> None:
    field = Field("tipo_empleo", "category", categories=["b", "a"], aliases=["empleo"])  # type: ignore[arg-type]
    assert field.categories == ("b", "a")
    assert field.aliases == {"empleo": 1.0}
    assert field.label == "Tipo empleo"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("LIMIT_BAL", "Limit bal"),
        ("ingreso_(COP)", "Ingreso (COP)"),
        ("¿Tiene teléfono?", "¿Tiene teléfono?"),
        ("", ""),
    ],
)
def test_a_label_keeps_the_capitals_that_the_name_has_inside(name: str, label: str) -> None:
    assert Field(f"_{name}", "number").label == label


def test_a_field_says_the_same_whether_its_limits_were_given_as_int_or_float() -> None:
    whole = Field("x", "integer", ge=1, lt=9, aliases={"y": 12}, observed=Observed(2, 3))
    exact = Field("x", "integer", ge=1.0, lt=9.0, aliases={"y": 12.0}, observed=Observed(2.0, 3.0))
    assert msgspec.json.encode(whole) == msgspec.json.encode(exact)


# -- reading one value ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing",
    [
        None,
        math.nan,
        np.float32("nan"),
        np.array(np.nan),
        Decimal("NaN"),
        Decimal("sNaN"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        np.ma.masked,
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["number", "integer", "category", "boolean"])
def test_every_way_to_say_missing_is_read_as_none(kind: Any, missing: object) -> None:
    assert Field("x", kind).read(missing) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3.0),
        (np.array(7), 7.0),
        (Decimal("1.25"), 1.25),
        (Fraction(1, 4), 0.25),
        (2**63 - 1, float(2**63)),
        (1e300, 1e300),
    ],
)
def test_a_number_is_read_from_every_numeric_type(value: object, number: float) -> None:
    read = Field("x", "number").read(value)
    assert read == number
    assert type(read) is float


@pytest.mark.parametrize("value", [5, 5.0, np.int64(5), np.float64(5), Decimal(5), Fraction(5)])
def test_an_integer_is_read_from_every_whole_number(value: object) -> None:
    read = Field("x", "integer").read(value)
    assert read == 5
    assert type(read) is int


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize(
    "value",
    [True, np.True_, "5", b"5", 1j, [1], {}, object(), np.array([1.0, 2.0]), pd.Timestamp(0)],
    ids=lambda value: repr(value).partition(" at 0x")[0],  # the same in every process
)
def test_what_is_no_number_is_a_wrong_type(kind: Any, value: object) -> None:
    assert refused(Field("x", kind), value)[1] == "tipo"


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize(
    "value",
    [math.inf, -math.inf, 10**400, Decimal("1e999"), Fraction(10**400)],
    ids=lambda value: str(value)[:9],
)
def test_infinity_and_what_floats_do_not_reach_is_out_of_range(kind: Any, value: object) -> None:
    assert refused(Field("x", kind), value) == ("fuera del alcance de los números de 64 bits", "rango")


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1e30, Decimal("1e30")])
def test_integers_beyond_64_bits_are_out_of_range_and_as_numbers_are_floats(value: Any) -> None:
    for field in (Field("x", "integer"), Field("x", "category", categories=(1,))):
        assert refused(field, value)[1] in ("rango", "categoria", "tipo")
    assert Field("x", "number").read(value) == float(value)


def test_a_category_that_was_not_declared_has_a_longest_text_and_a_largest_integer() -> None:
    assert Field("z", "category").read("x" * 1000) == "x" * 1000
    assert refused(Field("z", "category"), "x" * 1001)[1] == "rango"
    seen = Field("z", "category", observed=Observed(None, None, ("x" * 1001,)))
    assert seen.read("x" * 1001) == "x" * 1001
    assert refused(seen, "y" * 1001)[1] == "rango"
    codes = Field("z", "category", observed=Observed(None, None, (1, 2)))
    assert codes.read(2**63 - 1) == 2**63 - 1
    assert refused(codes, 2**63)[1] == "rango"
    assert codes.json_schema()["type"] == ["integer", "null"]


def test_a_fraction_is_no_integer() -> None:
    assert refused(Field("x", "integer"), 2.5) == ("se esperaba un número entero", "tipo")


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        ({"ge": 18, "le": 85}, (18, 85), (17, 86), "debe estar entre 18 y 85"),
        ({"gt": 0}, (1,), (0, -1), "debe ser mayor que 0"),
        ({"ge": 0, "lt": 5}, (0, 4), (-1, 5), "debe ser mayor o igual que 0 y menor que 5"),
        ({"le": 5}, (5,), (6,), "debe ser menor o igual que 5"),
    ],
)
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_declared_limits_are_open_or_closed_as_said(
    kind: Any, limits: dict[str, float], inside: tuple[int, ...], outside: tuple[int, ...], words: str
) -> None:
    field = Field("x", kind, **limits)  # type: ignore[arg-type]
    assert [field.read(value) for value in inside] == list(inside)
    assert {refused(field, value) for value in outside} == {(words, "rango")}


def test_an_integer_may_have_a_list_of_allowed_values() -> None:
    field = Field("plazo", "integer", categories=(12, 24))
    assert field.read(24.0) == 24
    assert refused(field, 13) == ("debe ser uno de: 12, 24", "categoria")


def test_an_alias_brings_its_unit_and_a_whole_number_is_rounded_only_then() -> None:
    months = Field("meses", "integer", le=600)
    assert months.read(2.5, 12) == 30
    assert months.read(0.1, 12) == 1
    assert refused(months, 51, 12)[1] == "rango"
    assert refused(Field("x", "number"), 1e308, 12)[1] == "rango"


@pytest.mark.parametrize(("value", "read"), [(True, True), (np.False_, False), (np.array(True), True)])
def test_a_boolean_is_read(value: object, read: bool) -> None:
    assert Field("x", "boolean").read(value) is read


@pytest.mark.parametrize("value", [1, 0.0, "true", np.int64(1)])
def test_a_boolean_is_no_number_and_no_text(value: object) -> None:
    assert refused(Field("x", "boolean"), value) == ("se esperaba verdadero o falso", "tipo")


def test_text_categories_are_read_as_plain_text() -> None:
    field = Field("zona", "category", categories=("urbana", "rural"))
    assert type(field.read(np.str_("rural"))) is str
    assert refused(field, "costa") == ("debe ser uno de: urbana, rural", "categoria")
    assert refused(field, 3)[1] == "categoria"
    assert refused(field, True)[1] == "tipo"
    assert refused(field, b"rural")[1] == "tipo"


def test_integer_categories_are_read_from_whole_numbers() -> None:
    field = Field("nivel", "category", categories=(1, 2))
    assert [type(field.read(value)) for value in (1, 2.0, np.int8(2))] == [int, int, int]
    assert refused(field, "1")[1] == "categoria"
    assert refused(field, 1.5)[1] == "tipo"


def test_undeclared_categories_are_of_the_type_that_was_observed_and_text_otherwise() -> None:
    texts = Field("x", "category", observed=Observed(categories=("a",)))
    numbers = Field("x", "category", observed=Observed(categories=(1,)))
    assert (texts.read("b"), numbers.read(2)) == ("b", 2)
    assert refused(texts, 2) == ("se esperaba una categoría, como texto", "tipo")
    assert refused(numbers, "b") == ("se esperaba una categoría, como número entero", "tipo")
    assert refused(Field("x", "category"), 1)[1] == "tipo"


class Hostile:
    """Looks like a numpy scalar, and fails with personal data in its error."""

    dtype = "float64"
    ndim = 0

    def __init__(self, error: Exception) -> None:
        self.error = error

    def item(self) -> float:
        raise self.error


@pytest.mark.parametrize(
    "error", [ValueError("4711"), KeyError("4711"), RuntimeError(4711), RecursionError()]
)
@pytest.mark.parametrize("kind", ["number", "integer", "category", "boolean"])
def test_a_foreign_objects_own_error_does_not_come_through(kind: Any, error: Exception) -> None:
    message, code = refused(Field("x", kind), Hostile(error))
    assert "4711" not in message
    assert code == "tipo"


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-2e6, 2e6))
def test_a_number_is_accepted_exactly_when_it_lies_between_its_limits(a: float, b: float, x: float) -> None:
    low, high = sorted((a, b))
    field = Field("x", "number", ge=low, le=high)
    if low <= x <= high:
        assert field.read(x) == x
    else:
        assert refused(field, x)[1] == "rango"


# -- what training data held ---------------------------------------------------------------------


def test_values_outside_what_was_observed_are_named_without_the_value() -> None:
    number = Field("x", "number", observed=Observed(1, 5, missing=False))
    category = Field("x", "category", observed=Observed(categories=("a",)))
    assert number.unusual(3.0) is None
    assert number.unusual(77.0) == "fuera del rango del entrenamiento (1 a 5)"
    assert number.unusual(None) == "sin dato, y en el entrenamiento siempre lo había"
    assert category.unusual("a") is None
    assert category.unusual("b") == "categoría no vista en el entrenamiento"
    assert category.unusual(None) is None
    assert Field("x", "number").unusual(77.0) is None
    assert Field("x", "boolean", observed=Observed()).unusual(True) is None


# -- words and JSON Schema -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Field("x", "number"), "un número"),
        (Field("x", "integer", ge=18, le=85), "un número entero entre 18 y 85"),
        (Field("x", "category"), "una categoría"),
        (Field("x", "category", categories=("a", "b")), "uno de: a, b"),
        (Field("x", "boolean"), "verdadero o falso"),
    ],
)
def test_a_field_says_in_spanish_what_it_expects(field: Field, words: str) -> None:
    assert field.expected == words


def test_json_schema_holds_declared_limits_and_words() -> None:
    years = Field(
        "edad", "integer", ge=18, lt=86, required=True, unit="años", aliases=["a"], help="Cumplidos."
    )
    assert years.json_schema() == {
        "type": "integer",
        "minimum": 18,
        "exclusiveMaximum": 86,
        "title": "Edad",
        "description": "Cumplidos.",
        "x-unidad": "años",
        "x-alias": {"a": 1.0},
    }
    amount = Field("monto", "number", gt=0.5, le=9, observed=Observed(1, 2))
    assert amount.json_schema() == {
        "type": ["number", "null"],
        "exclusiveMinimum": 0.5,
        "maximum": 9,
        "title": "Monto",
    }


def test_json_schema_of_integers_stays_within_64_bits_and_categories_are_listed() -> None:
    for limits in ({}, {"ge": -1e30, "le": 1e30}):
        free = Field("n", "integer", **limits).json_schema()
        assert (free["minimum"], free["maximum"]) == (-(2**63), 2**63 - 1)
    assert "minimum" not in Field("n", "integer", gt=0).json_schema()
    assert Field("z", "category", categories=("a",)).json_schema()["enum"] == ["a", None]
    assert Field("z", "integer", categories=(1,), required=True).json_schema() == {"enum": [1], "title": "Z"}
    assert Field("z", "category").json_schema()["type"] == ["string", "null"]
    assert Field("z", "boolean", required=True).json_schema()["type"] == "boolean"


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("integer", "up", "how it may change is one of any, increase, decrease, none"),
        ("boolean", "increase", "only numbers change in one direction"),
        ("category", "decrease", "only numbers change in one direction"),
    ],
)
def test_how_a_field_changes_is_checked(kind: Any, change: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Field("x", kind, change=change)
    assert not Field("x", kind, change="none").is_mutable
    assert Field("x", kind).is_mutable
