"""Decisions: their JSON, their copies for caches and requests, their card."""

from __future__ import annotations

import msgspec
import pytest

from morosidad.errors import FieldError
from morosidad.policy.decision import Decision, Reason, RecordError

DECISION = Decision(
    label=1,
    probabilities=(0.25, 0.75),
    confidence=0.75,
    outcome="rechazar",
    reasons=(Reason("R01", "deuda", "Deuda: <alta> & más", 0.5),),
    model="m@1",
    warnings=("deuda: fuera de <rango>",),
    request_id="abc",
    rules=("P01",),
    policy="1@0f",
    points=480,
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
        "reglas": ["P01"],
        "politica": "1@0f",
        "puntos": 480,
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
    assert "75,0\u00a0%" in card
    assert "&lt;alta&gt; &amp; más" in card
    assert "<alta>" not in card
    assert "<rango>" not in card


def test_a_record_error_is_json_with_the_keys_of_the_wire() -> None:
    error = RecordError(3, (FieldError("edad", "obligatorio: falta el valor", "falta"),))
    assert msgspec.json.decode(msgspec.json.encode(error)) == {
        "indice": 3,
        "errores": [{"campo": "edad", "mensaje": "obligatorio: falta el valor", "tipo": "falta"}],
    }


EVERY_FIELD = Decision(
    label=1,
    probabilities=(0.25, 0.75),
    confidence=0.75,
    outcome="rechazar",
    reasons=(Reason("R01", "deuda", "Deuda: aumenta el riesgo", 0.5),),
    model="m@1",
    warnings=("deuda: sin dato",),
    cached="otra",
    degraded=True,
    request_id="abc",
    rules=("P01",),
    policy="1@0f",
    points=480,
)


def test_the_example_leaves_no_field_at_its_default() -> None:
    bare = Decision(0, (1.0, 0.0), 1.0, "aprobar")
    for name in Decision.__struct_fields__:
        assert getattr(EVERY_FIELD, name) != getattr(bare, name), name


def test_a_cached_decision_keeps_every_field_but_where_it_came_from_and_for_whom() -> None:
    answer = EVERY_FIELD.as_cached("xyz")
    assert (answer.cached, answer.request_id) == ("acierto", "xyz")
    for name in set(Decision.__struct_fields__) - {"cached", "request_id"}:
        assert getattr(answer, name) == getattr(EVERY_FIELD, name), name
    assert (EVERY_FIELD.cached, EVERY_FIELD.request_id) == ("otra", "abc")


def test_a_decision_for_another_request_keeps_every_other_field() -> None:
    answer = EVERY_FIELD.for_request(None)
    assert msgspec.structs.replace(answer, request_id="abc") == EVERY_FIELD
    answer = EVERY_FIELD.for_request("xyz", ())
    assert msgspec.structs.replace(answer, request_id="abc", warnings=EVERY_FIELD.warnings) == EVERY_FIELD
    assert (answer.request_id, answer.warnings) == ("xyz", ())
    assert EVERY_FIELD.warnings == ("deuda: sin dato",)
