"""Any schema and any record: the fast conversion and the careful one agree."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from morosidad.errors import InvalidRecord
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.schema.schema import Field, Observed, Schema

SEEN = Schema(
    [
        Field("n", "number", ge=0, observed=Observed(1, 5, missing=False)),
        Field("c", "category", categories=("a", "b"), observed=Observed(categories=("a",))),
        Field("t", "category", observed=Observed(categories=("x", "y"))),
    ]
)

numbers = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.integers(-(2**70), 2**70),
    st.floats(-20, 20).map(lambda x: round(x, 1)),
    st.floats(),
)
texts = st.sampled_from(["a", "b", "c", "d", ""])
values = st.one_of(numbers, texts)


@st.composite
def observations(draw: Any, kind: str, categories: Any) -> Observed:
    missing = draw(st.booleans())
    if kind in ("number", "integer") and categories is None:
        low, high = sorted(draw(st.tuples(st.integers(-15, 15), st.integers(-15, 15))))
        return Observed(low, high, None, missing)
    levels = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True))
    return Observed(None, None, tuple(levels) if kind == "category" else None, missing)


@st.composite
def fields(draw: Any, name: str) -> Field:
    kind = draw(st.sampled_from(["number", "integer", "category", "boolean"]))
    options: dict[str, Any] = {}
    if kind in ("number", "integer"):
        low = draw(st.none() | st.tuples(st.sampled_from(["ge", "gt"]), st.integers(-10, 0)))
        high = draw(st.none() | st.tuples(st.sampled_from(["le", "lt"]), st.integers(3, 10)))
        options = dict(end for end in (low, high) if end)
    if kind == "category":
        options["categories"] = draw(st.none() | st.just(("a", "b")))
    if kind == "integer" and not options:
        options["categories"] = draw(st.none() | st.just((1, 2, 3)))
    if draw(st.booleans()):
        options["observed"] = draw(observations(kind, options.get("categories")))
    return Field(name, kind, required=draw(st.booleans()), **options)


@st.composite
def schemas(draw: Any) -> Schema:
    return Schema([draw(fields(f"f{i}")) for i in range(draw(st.integers(1, 4)))])


def outcome(schema: Schema, record: Any) -> Any:
    """What comes of a record, with the values' types."""
    try:
        read, warnings = schema.read(record)
    except InvalidRecord as error:
        return [(e.field, e.code, e.message) for e in error.errors]
    return [(type(value), value) for value in read], warnings


def validated(schema: Schema, record: Any) -> Any:
    try:
        return [(name, type(value), value) for name, value in schema.validate(record).items()]
    except InvalidRecord as error:
        return [(e.field, e.code) for e in error.errors]


@given(st.data())
def test_the_fast_way_and_the_careful_way_agree(data: Any) -> None:
    schema = data.draw(schemas())
    record = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(schema.names, values)))
    careful = outcome(schema, MappingProxyType(record))
    assert outcome(schema, record) == careful
    assert validated(schema, record) == validated(schema, MappingProxyType(record))
    if all(not isinstance(value, float) or math.isfinite(value) for value in record.values()):
        assert outcome(schema, json.dumps(record)) == careful
        assert validated(schema, json.dumps(record)) == validated(schema, record)


@given(st.data())
def test_a_record_is_refused_exactly_when_a_field_refuses_its_value(data: Any) -> None:
    schema = data.draw(schemas())
    record = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(schema.names, values)))
    wrong = {field.name for field in schema.fields if not allowed(field, record.get(field.name))}
    if not wrong and schema.wants_a_value and all(missing(value) for value in record.values()):
        wrong = {""}
    assert {name for name, _ in refusals(schema, record)} == wrong


def missing(value: Any) -> bool:
    return value is None or value != value


def refusals(schema: Schema, record: Any) -> list[tuple[str, str]]:
    try:
        schema.validate(record)
    except InvalidRecord as error:
        return [(e.field, e.code) for e in error.errors]
    return []


def allowed(field: Field, value: Any) -> bool:
    """What the documentation says that a field takes, in the plainest words."""
    if missing(value):
        return not field.required
    if field.kind == "boolean":
        return isinstance(value, bool)
    if field.kind == "category":
        return isinstance(value, str) and (field.categories is None or value in field.categories)
    if isinstance(value, (bool, str)) or math.isinf(value):
        return False
    whole = field.kind == "integer"
    if whole and not (value == math.floor(value) and -(2**63) <= value < 2**63):
        return False
    return (
        (field.categories is None or value in field.categories)
        and (field.ge is None or value >= field.ge)
        and (field.gt is None or value > field.gt)
        and (field.le is None or value <= field.le)
        and (field.lt is None or value < field.lt)
    )


garbage = st.recursive(
    st.one_of(values, st.text(), st.binary(max_size=9), st.decimals(), st.fractions(), st.complex_numbers()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner),
    max_leaves=8,
)


@given(st.one_of(garbage, st.dictionaries(st.sampled_from(AHORRO_VALLE.names), garbage)))
def test_garbage_raises_nothing_but_invalid_record(record: Any) -> None:
    outcome(AHORRO_VALLE, record)
    outcome(SEEN, record)


@given(schemas())
def test_any_schema_survives_its_journey_through_json(schema: Schema) -> None:
    again = Schema.from_dict(msgspec.json.decode(msgspec.json.encode(schema.to_dict())))
    assert again == schema
    assert again.digest == schema.digest
