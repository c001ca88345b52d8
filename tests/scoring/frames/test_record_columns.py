"""Many records decided in columns: as each alone, whatever is among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from morosidad import KPITracker, Policy, Scorer
from morosidad.audit import AuditLog, read
from morosidad.cache import TieredCache
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.monitoring.drift import DriftMonitor
from morosidad.policy.decision import RecordError
from support import small_frame


def asked(number: int) -> list[Any]:
    """Give records with some among them that are refused."""
    rows = small_frame()[0].to_dict("records")
    return [{"moras": "muchas"} if place % 50 == 7 else rows[place % len(rows)] for place in range(number)]


def alone(scorer: Scorer, records: list[Any]) -> list[Any]:
    return [scorer.score_many([record])[0] for record in records]


@pytest.fixture
def in_columns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the rows that are explained in columns."""
    calls: list[int] = []
    honest = CompiledPipeline.explain_alike

    def explain(self: Any, columns: Any) -> Any:
        calls.append(len(columns[0]))
        return honest(self, columns)

    monkeypatch.setattr(CompiledPipeline, "explain_alike", explain)
    return calls


@pytest.mark.parametrize("policy", [Policy(), Policy(max_reasons=0), Policy(show_values=True)])
def test_a_batch_is_decided_as_each_record_alone(
    trained: tuple[Any, Any], policy: Policy, in_columns: list[int]
) -> None:
    scorer = Scorer(trained[0], reference=trained[1], policy=policy)
    records = asked(2300)
    found, single = scorer.score_many(iter(records)), alone(scorer, records)
    assert sum(in_columns) == (2048 - 41 if policy.max_reasons else 0)  # the rest is so few: asked alone
    places = [place for place, answer in enumerate(found) if isinstance(answer, RecordError)]
    assert places == list(range(7, 2300, 50))
    assert [found[place].index for place in places] == places
    good = [place for place in range(2300) if place not in places]
    assert [found[place] for place in good] == [single[place] for place in good]


def test_ids_come_back_and_a_wrong_one_is_refused_alone(scorer: Scorer) -> None:
    ids: list[Any] = [f"s{place}" for place in range(400)]
    ids[3] = "\ud800"
    found = scorer.score_many(asked(400), ids)
    assert isinstance(found[3], RecordError)
    assert [answer.request_id for answer in found[8:50]] == ids[8:50]
    with pytest.raises(ValueError, match="shorter"):
        scorer.score_many(asked(400), ids[:-1])


def test_parts_see_each_decision_once(trained: tuple[Any, Any], tmp_path: Any) -> None:
    kpis = KPITracker()
    with AuditLog(tmp_path / "d.jsonl") as audit:
        scorer = Scorer(trained[0], reference=trained[1], kpis=kpis, audit=audit)
        drift = DriftMonitor(scorer.drift_reference)
        found = scorer.with_parts(kpis=kpis, audit=audit, drift=drift).score_many(
            asked(500), map(str, range(500))
        )
    good = [answer for answer in found if not isinstance(answer, RecordError)]
    lines = list(read(tmp_path / "d.jsonl"))
    assert [(line.request_id, line.probability) for line in lines] == [
        (answer.request_id, answer.probability) for answer in good
    ]
    assert kpis.report().predictions == len(good) == 490
    assert drift.report().records == 490 // 10  # it looks at every tenth


def test_with_a_cache_each_record_is_looked_up(scorer: Scorer, in_columns: list[int]) -> None:
    cached = scorer.with_parts(cache=TieredCache[Any, Any]())
    records = asked(300)
    found = cached.score_many(records)
    assert cached.score_many(records)[0].cached == "acierto"
    assert not in_columns
    assert [a.probabilities for a in found if not isinstance(a, RecordError)] == [
        a.probabilities for a in scorer.score_many(records) if not isinstance(a, RecordError)
    ]


@pytest.mark.parametrize("raised", [False, True])
def test_where_columns_have_no_answer_each_record_is_asked_alone(
    scorer: Scorer, raised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scorer.score_many(asked(300))

    def explain(self: Any, columns: Any) -> Any:
        if raised:
            raise RuntimeError("out of order")
        return np.full(len(columns[0]), np.nan), np.zeros((len(columns[0]), len(columns)))

    monkeypatch.setattr(CompiledPipeline, "explain_alike", explain)
    assert scorer.score_many(asked(300)) == expected
