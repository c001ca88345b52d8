"""Reasons: which contributions are named, in which order and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.policy.codes import ReasonCode
from morosidad.policy.reasons import ReasonWriter
from morosidad.schema.schema import Field, Schema

SCHEMA = Schema(
    [Field("deuda", "number", label="Deuda"), Field("zona", "category"), Field("mora", "integer")]
)
WRITER = ReasonWriter(SCHEMA, [100.0, None, 0.0])


def test_reasons_are_the_strongest_that_raise_the_risk() -> None:
    reasons = WRITER.reasons((200.0, "rural", 3), (0.5, -1.0, 0.7), 4)
    assert [(r.code, r.field, r.contribution) for r in reasons] == [
        ("mora", "mora", 0.7),
        ("deuda", "deuda", 0.5),
    ]
    assert WRITER.reasons((200.0, "rural", 3), (0.5, -1.0, 0.7), 1) == reasons[:1]


def test_ties_stand_in_the_order_of_the_schema() -> None:
    assert [r.field for r in WRITER.reasons((1.0, "a", 1), (0.5, 0.5, 0.5), 3)] == ["deuda", "zona", "mora"]


def test_a_share_of_zero_is_no_reason() -> None:
    assert WRITER.reasons((1.0, "a", 1), (0.0, -0.0, -1.0), 3) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (200.0, "Deuda: por encima de lo habitual"),
        (50.0, "Deuda: por debajo de lo habitual"),
        (100.0, "Deuda: aumenta el riesgo"),
        (None, "Deuda: no se informó"),
    ],
)
def test_the_text_says_on_which_side_of_the_usual_a_number_lies(value: float | None, text: str) -> None:
    (reason,) = WRITER.reasons((value, "a", 0), (1.0, 0.0, 0.0), 1)
    assert reason.text == text


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.integers(0, 4))
def test_reasons_agree_with_a_simple_model(shares: list[float], most: int) -> None:
    found = [r.field for r in WRITER.reasons((1.0, "a", 1), shares, most)]
    ranked = sorted(range(3), key=lambda i: (-shares[i], i))
    assert found == [SCHEMA.names[i] for i in ranked if shares[i] > 0][:most]


WIDE = Schema([Field(name, "number", protected=name == "c") for name in "abcdef"])
SHARED = ReasonWriter(WIDE, [1.0] * 6, codes=[ReasonCode("dos", ("b", "e"), {"es": "Dos"})], noise=0.25)


@given(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75, float("nan")]), min_size=6, max_size=6))
def test_ties_sums_and_what_may_be_no_reason_agree_with_a_simple_model(shares: list[float]) -> None:
    groups = [(0,), (1, 4), (3,), (5,)]  # the third field is protected
    sums = {group: sum(shares[i] for i in group) for group in groups}
    ranked = sorted((-total, group) for group, total in sums.items() if total > 0.25 * len(group))[:2]
    found = [(r.code, r.field, r.contribution) for r in SHARED.reasons([2.0] * 6, shares, 2)]
    assert found == [
        (
            "dos" if len(group) > 1 else "abcdef"[group[0]],
            "abcdef"[max(group, key=shares.__getitem__)],
            -total,
        )
        for total, group in ranked
    ]
