"""Decision tables of GoRules: zen-engine, which runs them, is the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.errors import RuleError
from morosidad.policy.rules.compiled import CompiledRules
from morosidad.policy.rules.jdm import LARGEST, Rules
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

zen: Any = pytest.importorskip("zen")

SCHEMA = Schema([Field("edad", "integer"), Field("estado", "category"), Field("mora", "boolean")])
_NUMBERS = ["", "-5", "18", "> 18", ">= 21", "< 65", "<= 18", "18, 21", "== 21", "!= 21", "> 18 and < 65"]
_INTERVALS = ["[18..65]", "(18..65)", "[18..65)", "(21..65]", "in [18, 21]", "not in [18, 65]"]
NUMBERS = st.sampled_from(_NUMBERS + _INTERVALS)
TEXTS = st.sampled_from(["", "'a'", '"b"', "'a', 'b'", "in ['a']", "not in ['a', 'c']", "!= 'b'"])
TRUTHS = st.sampled_from(["", "true", "false"])
OUTCOMES = st.sampled_from(["aprobar", "revisar", "rechazar"])


def table(rows: list[tuple[str, str, str, str]], policy: str) -> dict[str, Any]:
    cells = [
        {"_id": str(i), "e": a, "s": b, "m": c, "o": f'"{o}"', "c": f'"C{i}"'}
        for i, (a, b, c, o) in enumerate(rows)
    ]
    inputs = [{"id": key, "name": name, "field": name} for key, name in zip("esm", SCHEMA.names, strict=True)]
    outputs = [{"id": "o", "name": "o", "field": "outcome"}, {"id": "c", "name": "c", "field": "code"}]
    content = {"hitPolicy": policy, "inputs": inputs, "outputs": outputs, "rules": cells}
    nodes: list[dict[str, Any]] = [
        {"id": "i", "name": "in", "type": "inputNode"},
        {"id": "t", "name": "table", "type": "decisionTableNode", "content": content},
        {"id": "z", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "i", "targetId": "t"},
        {"id": "2", "type": "edge", "sourceId": "t", "targetId": "z"},
    ]
    return {"nodes": nodes, "edges": edges}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, TEXTS, TRUTHS, OUTCOMES), min_size=1, max_size=5),
    st.sampled_from(["first", "collect"]),
    st.lists(
        st.tuples(st.sampled_from([-5, 18, 20, 21, 65, 70]), st.sampled_from("abc"), st.booleans()),
        min_size=1,
    ),
)
def test_rows_that_hold_are_those_of_zen(
    rows: list[tuple[str, str, str, str]], policy: str, records: list[tuple[int, str, bool]]
) -> None:
    document = table(rows, policy)
    rules = CompiledRules(Rules.from_jdm(document), SCHEMA)
    decision = zen.ZenEngine().create_decision(json.dumps(document))
    for record in records:
        result = decision.evaluate(dict(zip(SCHEMA.names, record, strict=True)))["result"]
        listed = result if isinstance(result, list) else [result] if result else []
        fired = rules.decided((float(record[0]), *record[1:]), 0.0, "aprobar").fired
        assert rules.codes(fired) == tuple(one["code"] for one in listed)
        assert [rules.rules[kind // 2].outcome for kind in fired] == [one["outcome"] for one in listed]


def test_missing_values_match_no_cell_but_null_and_an_empty_one() -> None:
    rows = [("> 18", "", "", "rechazar"), ("null", "", "", "revisar"), ("", "'a'", "", "aprobar")]
    rules = CompiledRules(Rules.from_jdm(table(rows, "collect"), stage="before"), SCHEMA)
    assert rules.codes(rules.first((None, "a", None)).fired) == ("C1", "C2")
    first = CompiledRules(Rules.from_jdm(table(rows[::2], "first")), SCHEMA)
    assert first.codes(first.decided((None, "a", None), 0.0, "aprobar").fired) == ("C1",)


def test_what_no_rule_expresses_is_told_at_once(tmp_path: Path) -> None:
    document = table([("$ > 1", "len($) > 2", "", "revisar")], "first")
    document["nodes"][1]["content"]["inputs"][1]["field"] = None
    document["nodes"][1]["content"]["outputs"][0]["field"] = "other"
    with pytest.raises(RuleError) as caught:
        Rules.from_jdm(document)
    assert len(caught.value.problems) == 3
    document = table([("", "", "", "revisar")], "first")
    (tmp_path / "t.json").write_text(json.dumps(document))
    (rule,) = Rules.from_jdm(tmp_path / "t.json", code="none")
    assert (rule.when, rule.code) == ("True", "T1")
    (tmp_path / "large.json").write_text(" " * (LARGEST + 1))
    for wrong in (tmp_path / "large.json", tmp_path / "none.json", {}, {"nodes": [3]}, table([], "unique")):
        with pytest.raises(RuleError):
            Rules.from_jdm(wrong)
