from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.errors import FieldError, SettingsError
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision, Reason, RecordError
from morosidad.policy.reasons import ReasonWriter
from morosidad.schema.schema import Field, Schema

SCHEMA = Schema(
    [Field("deuda", "number", label="Deuda"), Field("zona", "category"), Field("mora", "integer")]
)
WRITER = ReasonWriter(SCHEMA, [100.0, None, 0.0])


def test_outcome_bands_include_their_cut_off() -> None:
    policy = Policy(review_at=0.2, decline_at=0.5)
    assert [policy.outcome(p) for p in (0.0, 0.19999, 0.2, 0.49999, 0.5, 1.0)] == [
        "aprobar",
        "aprobar",
        "revisar",
        "revisar",
        "rechazar",
        "rechazar",
    ]


def test_equal_cut_offs_leave_nothing_to_review() -> None:
    policy = Policy(review_at=0.3, decline_at=0.3)
    assert {policy.outcome(p / 100) for p in range(101)} == {"aprobar", "rechazar"}


def test_a_policy_names_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(SettingsError) as caught:
        Policy(review_at=0.6, decline_at=0.5, max_reasons=-1)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "wrong", [{"review_at": "0.2"}, {"decline_at": None}, {"max_reasons": 1.5}, {"max_reasons": "4"}]
)
def test_a_policy_says_what_it_expected(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Policy(**wrong)
    assert next(iter(wrong)) in caught.value.problems[0]


def test_numbers_of_numpy_make_a_policy() -> None:
    policy = Policy(np.float32(0.25), np.float64(0.5), np.int64(3))
    assert msgspec.json.encode(policy) == msgspec.json.encode(Policy(0.25, 0.5, 3))


@pytest.mark.parametrize("cut_offs", [(-0.1, 0.5), (0.2, 1.1), (float("nan"), 0.5)])
def test_cut_offs_are_probabilities(cut_offs: tuple[float, float]) -> None:
    with pytest.raises(SettingsError):
        Policy(*cut_offs)


def test_reasons_are_the_strongest_that_raise_the_risk() -> None:
    reasons = WRITER.reasons((200.0, "rural", 3), (0.5, -1.0, 0.7), 4)
    assert [(r.code, r.field, r.contribution) for r in reasons] == [
        ("R03", "mora", 0.7),
        ("R01", "deuda", 0.5),
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


DECISION = Decision(
    label=1,
    probabilities=(0.25, 0.75),
    confidence=0.75,
    outcome="rechazar",
    reasons=(Reason("R01", "deuda", "Deuda: <alta> & más", 0.5),),
    model="m@1",
    warnings=("deuda: fuera de <rango>",),
    request_id="abc",
)


def test_a_decision_is_json_with_the_keys_of_the_wire() -> None:
    assert msgspec.json.decode(msgspec.json.encode(DECISION)) == {
        "prediccion": 1,
        "probabilidades": [0.25, 0.75],
        "confianza": 0.75,
        "decision": "rechazar",
        "motivos": [{"codigo": "R01", "campo": "deuda", "texto": "Deuda: <alta> & más", "aporte": 0.5}],
        "modelo": "m@1",
        "advertencias": ["deuda: fuera de <rango>"],
        "cache": None,
        "degradado": False,
        "request_id": "abc",
    }


def test_a_decision_comes_back_from_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(DECISION), type=Decision) == DECISION


def test_a_decision_never_changes() -> None:
    with pytest.raises(AttributeError):
        DECISION.label = 0  # type: ignore[misc]
    assert DECISION.probability == 0.75


def test_the_card_shows_the_decision_and_escapes_what_it_shows() -> None:
    card = DECISION._repr_html_()
    assert "Rechazar" in card
    assert "75.0%" in card
    assert "&lt;alta&gt; &amp; más" in card
    assert "<alta>" not in card
    assert "<rango>" not in card


def test_a_record_error_is_json_with_the_keys_of_the_wire() -> None:
    error = RecordError(3, (FieldError("edad", "obligatorio: falta el valor", "falta"),))
    assert msgspec.json.decode(msgspec.json.encode(error)) == {
        "indice": 3,
        "errores": [{"campo": "edad", "mensaje": "obligatorio: falta el valor", "tipo": "falta"}],
    }
