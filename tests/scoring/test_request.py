"""`score_many` gives what a loop of `score_one` gives, however many records there are and in what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Field, KPITracker, Policy, Schema, Scorer
from morosidad.cache import TieredCache
from morosidad.errors import InvalidRecord
from morosidad.policy.decision import RecordError
from morosidad.policy.rules.rule import Rule
from morosidad.scoring.request import FEW
from support import small_frame

X, Y = small_frame()
ROWS = X.to_dict("records")
BAD: list[Any] = [{"moras": "muchas"}, 7, None, b"[", {}, {"moras": float("inf")}]
KINDS = ("plain", "no reasons", "rules", "kpis", "cache", "cache and kpis")


@pytest.fixture(scope="module")
def scorers(trained: tuple[Any, Any]) -> dict[str, Scorer]:
    plain = Scorer(trained[0], reference=trained[1])
    rules = Policy(rules=(Rule("moras > 2", "revisar", "P1", "moras"),))
    return {
        "plain": plain,
        "no reasons": Scorer(trained[0], reference=trained[1], policy=Policy(max_reasons=0)),
        "rules": Scorer(trained[0], reference=trained[1], policy=rules),
        "kpis": plain.with_parts(kpis=KPITracker()),
        "cache": plain.with_parts(cache=TieredCache[Any, Any]()),
        "cache and kpis": plain.with_parts(cache=TieredCache[Any, Any](), kpis=KPITracker()),
    }


def loop(scorer: Scorer, records: list[Any], ids: list[Any] | None) -> list[Any]:
    found: list[Any] = []
    for place, record in enumerate(records):
        try:
            found.append(scorer.score_one(record, None if ids is None else ids[place]))
        except InvalidRecord as error:
            found.append(RecordError(place, error.errors))
    return found


@settings(max_examples=40)
@given(data=st.data())
def test_as_a_loop(scorers: dict[str, Scorer], data: st.DataObject) -> None:
    scorer = scorers[data.draw(st.sampled_from(KINDS))]
    number = data.draw(st.integers(0, 30) | st.sampled_from([FEW - 1, FEW, FEW + 1, 2 * FEW + 3]))
    shift = data.draw(st.integers(0, 50))
    records: list[Any] = [ROWS[(place + shift) % len(ROWS)] for place in range(number)]
    for place in data.draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else ():
        records[place] = data.draw(st.sampled_from(BAD))
    ids: list[Any] | None = None
    if data.draw(st.booleans()):
        ids = [
            data.draw(st.sampled_from(["s", None, 7, "\ud800", "x" * 1000, "x" * 1001]))
            for _ in range(min(number, 9))
        ]
        ids += [f"s{place}" for place in range(len(ids), number)]
    held: Any = data.draw(st.sampled_from([list, tuple, iter]))
    found = scorer.score_many(held(records), ids if ids is None else held(ids))
    expected = loop(scorer, records, ids)
    if scorer.parts.get("cache") is not None:  # the loop finds what `score_many` left there
        found, expected = [[_uncached(one) for one in answers] for answers in (found, expected)]
    assert found == expected


def _uncached(answer: Any) -> Any:
    return answer if isinstance(answer, RecordError) else answer.as_cached(answer.request_id)


def test_codes_of_missing_values_keep_their_names(trained: tuple[Any, Any]) -> None:
    codes: Any = {-7: "sin consulta"}
    named = Field("moras", "integer", missing=codes)
    fields = [named if field.name == "moras" else field for field in Schema.infer(trained[1]).fields]
    scorer = Scorer(trained[0], reference=trained[1], schema=Schema(fields), policy=Policy(max_reasons=9))
    records = [{**ROWS[0], "moras": code} for code in (-7, 1, None, -7)]
    assert scorer.score_many(records) == loop(scorer, records, None)
    assert scorer.score_many(records, ["a"] * 4) == loop(scorer, records, ["a"] * 4)


@pytest.mark.parametrize("number", [2, FEW + 2])
@pytest.mark.parametrize("ids", [1, 1000])
def test_ids_fit_the_records(scorers: dict[str, Scorer], number: int, ids: int) -> None:
    for kind in KINDS:
        with pytest.raises(ValueError, match="argument 2 is"):
            scorers[kind].score_many(ROWS[:1] * number, ["s"] * ids)
