"""Rules and policies with rules: what they are made of, their order, their data."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from morosidad.errors import RuleError, SettingsError
from morosidad.frames.reading import Coded
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import NOTHING
from morosidad.policy.rules import fired as fired_module
from morosidad.policy.rules.compiled import CompiledRules
from morosidad.policy.rules.fired import FiredColumns, combinations
from morosidad.policy.rules.rule import MOST, Rule
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

SCHEMA = Schema(
    [Field("edad", "integer"), Field("nacido", "category"), Field("plan", "category", categories=(1, 2))]
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"when": 3}, "when: a text"),
        ({"when": "edad >"}, "X1: it is no expression"),
        ({"outcome": "negar"}, "outcome: one of aprobar"),
        ({"code": " "}, "code: 1 to 40"),
        ({"code": "x" * 41}, "code: 1 to 40"),
        ({"code": "ñ"}, "code: 1 to 40"),
        ({"code": 7}, "7: code"),
        ({"stage": "during"}, "stage: 'before' or 'after'"),
        ({"on_missing": "rechazar"}, "on_missing"),
        ({"final": 1}, "final: True or False"),
        ({"text": {"fr": "non"}}, "text: words for people"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"when": "edad > 1", "outcome": "revisar", "code": "X1"}
    with pytest.raises(RuleError, match=words):
        Rule(**(given | change))


def test_a_rule_has_a_text_in_each_language() -> None:
    rule = Rule("edad > 1", "revisar", "X1", {"es": "Edad", "en": "Age"})
    assert [rule.text_in("es"), rule.text_in("en"), rule.text_in("pt")] == ["Edad", "Age", "Edad"]
    assert Rule("edad > 1", "revisar", "X1").text_in("en") == "X1"


def test_a_policy_takes_rules_in_any_sequence_and_as_data() -> None:
    rule = Rule("edad > 1", "revisar", "X1", "Edad", stage="before", on_missing="revisar")
    given: Any = [rule]
    policy = Policy(rules=given)
    assert policy.rules == (rule,)
    data = msgspec.json.encode(policy.to_dict())
    assert msgspec.convert(msgspec.json.decode(data), Policy) == policy
    assert "rules" not in Policy().to_dict()
    assert Policy().digest != policy.digest != Policy(rules=(rule,), score_always=True).digest
    assert policy.identity == f"1@{policy.digest}"
    with pytest.raises(SettingsError, match="score_always"):
        Policy(score_always=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("edad > 1", "a sequence of Rule"),
        (None, "a sequence of Rule"),
        ([{"when": "edad > 1"}], "rule 0: .*outcome"),
        ([3], "rule 0"),
        ([Rule("edad > 1", "revisar", "X1")] * 2, "X1: two rules"),
        ([{"when": "edad.x", "outcome": "revisar", "code": "X"}], "Attribute"),
        ([Rule("edad > 1", "revisar", "X1")] * (MOST + 1), f"at most {MOST}"),
    ],
)
def test_wrong_rules_are_refused(given: Any, words: str) -> None:
    with pytest.raises(RuleError, match=words):
        Policy(rules=given)


def test_the_first_final_rule_ends_the_asking() -> None:
    rules = (
        Rule("edad > 60", "rechazar", "A", stage="before"),
        Rule("plan == 1", "aprobar", "B", stage="before", final=True),
        Rule("edad > 70", "rechazar", "C", stage="before"),
        Rule("edad > 50", "revisar", "D", on_missing="revisar"),
        Rule("probability < 0.1", "aprobar", "E", final=True),
        Rule("edad > 50", "rechazar", "F"),
    )
    compiled = CompiledRules(rules, SCHEMA)
    first = compiled.first((80.0, None, 1))
    assert (first.outcome, compiled.codes(first.fired), first.final) == ("aprobar", ("A", "B"), True)
    assert compiled.decided((80.0, None, 1), 0.9, "rechazar", first) == first
    second = compiled.first((80.0, None, 2))
    assert (second.outcome, compiled.codes(second.fired)) == ("rechazar", ("A", "C"))
    third = compiled.decided((80.0, None, 2), 0.05, "revisar", second)
    assert (third.outcome, compiled.codes(third.fired), third.final) == (
        "aprobar",
        ("A", "C", "D", "E"),
        True,
    )
    fourth = compiled.decided((None, None, 2), 0.5, "aprobar")
    assert (fourth.outcome, compiled.codes(fourth.fired)) == ("revisar", ("D",))
    columns: list[Any] = [
        np.array([80.0, 80.0, np.nan]),
        np.full(3, np.nan),
        Coded(np.array([0, 1, 1]), [1, 2]),
    ]
    before = compiled.first_columns(columns, "")
    after = compiled.decided_columns(
        columns, np.array([0.9, 0.05, 0.5]), np.array([2, 1, 0], np.int8), "", before
    )
    sets, which = combinations([before, after], 3)
    assert [compiled.codes(sets[place]) for place in which.tolist()] == [
        ("A", "B"),
        ("A", "C", "D", "E"),
        ("D",),
    ]
    assert compiled.reasons((), "es") == ()


def test_rules_of_one_stage_leave_the_other_alone() -> None:
    before = CompiledRules([Rule("edad > 60", "revisar", "A", stage="before")], SCHEMA)
    assert before.decided((80.0, None, 1), 0.9, "aprobar", before.first((80.0, None, 1))).outcome == "revisar"
    after = CompiledRules(
        [Rule("years_between(nacido, today()) > 60", "revisar", "A")], SCHEMA, today=lambda: date(2026, 1, 1)
    )
    assert after.first((80.0, None, 1)) is NOTHING
    assert after.decided((1.0, "1950-01-01", 1), 0.9, "aprobar").outcome == "revisar"
    assert after.decided((1.0, "1950-13-01", 1), 0.9, "aprobar").fired == ()
    assert after.today == "2026-01-01"
    assert before.today == ""


@pytest.mark.parametrize("sorted_from", [1, 2**20])
def test_combinations_of_many_rules_are_told_apart(sorted_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fired_module, "_SORTED_FROM", sorted_from)
    rng = np.random.default_rng(0)
    masks = rng.random((30, 200)) < 0.1
    nothing = np.full(200, -1, np.int8)
    fired = FiredColumns(nothing, np.zeros(200, bool), [(2 * i, mask) for i, mask in enumerate(masks)])
    sets, which = combinations([fired], 200)
    assert [sets[place] for place in which.tolist()] == [
        tuple((2 * np.flatnonzero(column)).tolist()) for column in masks.T
    ]


NAMES = ("class", "x-y", "1a", "#h", "v0", "t1", "nan", "fired", "r", "today", "points", "\ufb01", "fi", "sí")


@pytest.mark.parametrize("name", NAMES)
def test_a_field_may_have_any_name(name: str) -> None:
    schema = Schema([Field(each, "number") for each in NAMES])
    compiled = CompiledRules([Rule(f"`{name}` == {NAMES.index(name)}", "revisar", "A")], schema)
    row = tuple(map(float, range(len(NAMES))))
    assert compiled.decided(row, 0.5, "aprobar").fired == (0,)
    assert compiled.decided(row[::-1], 0.5, "aprobar").fired == ()
    nothing = FiredColumns(np.full(2, -1, np.int8), np.zeros(2, bool), [])
    columns: list[Any] = [np.array(pair) for pair in zip(row, row[::-1], strict=True)]
    found = compiled.decided_columns(columns, np.full(2, 0.5), np.zeros(2, np.int8), "", nothing)
    assert [where.tolist() for _, where in found.fired] == [[True, False]]


def test_a_field_that_is_called_as_what_the_score_gives_is_refused_where_both_are_known() -> None:
    schema = Schema([Field("points", "number"), Field("probability", "number")])
    CompiledRules(
        [Rule("points > 1 and probability > 1", "revisar", "A", stage="before")], schema, points=True
    )
    for when in ("points > 1", "probability > 1"):
        with pytest.raises(RuleError, match="rename the field"):
            CompiledRules([Rule(when, "revisar", "A")], schema, points=True)
