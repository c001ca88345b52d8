"""A scorer with a recovery policy: retries, reloads, fallbacks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad.cache import TieredCache
from morosidad.errors import InvalidRecord, TransientError
from morosidad.kpis import KPITracker
from morosidad.policy.decision import Decision
from morosidad.recovery import RecoveryLevel, RecoveryPolicy
from morosidad.scoring.scorer import Scorer
from scoring_parts import RECORD, failing, scorer_with
from support import LONG, wait_until


def test_a_model_that_fails_once_is_asked_again(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_with(trained, recovery=RecoveryPolicy(), cache=TieredCache())
    expected = scorer.score_one({**RECORD, "moras": 3})
    calls = failing(monkeypatch, scorer, 1)
    found = scorer.score_one(RECORD)
    assert len(calls) == 2
    assert not found.degraded
    assert expected.probability < found.probability


def test_a_model_at_fault_is_loaded_anew_from_its_file(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer_with(trained).save(tmp_path / "m")
    scorer = Scorer.load(tmp_path / "m", recovery=RecoveryPolicy())
    broken = scorer._model

    def fail(values: Any) -> Any:
        raise ValueError("torn")

    monkeypatch.setattr(broken, "_explain", fail)
    assert scorer.score_one(RECORD) == Scorer.load(tmp_path / "m").score_one(RECORD)
    assert scorer._model is not broken


def test_a_model_without_file_is_made_anew(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_with(trained, recovery=RecoveryPolicy())
    expected = scorer.score_one(RECORD)

    def fail(values: Any) -> Any:
        raise ValueError("torn")

    monkeypatch.setattr(scorer._model, "_explain", fail)
    assert scorer.score_one(RECORD) == expected


def test_bad_records_are_never_tried_again(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_with(trained, recovery=RecoveryPolicy())
    calls = failing(monkeypatch, scorer, 0)
    with pytest.raises(InvalidRecord):
        scorer.score_one({"moras": "x"})
    assert calls == []


def test_a_fallback_answers_as_degraded_and_is_not_kept(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyst = Decision(0, (0.5, 0.5), 0.5, "revisar", model="analista")
    cache: TieredCache[Any, Any] = TieredCache()
    recovery = RecoveryPolicy(fallback=lambda *asked: analyst)
    scorer = scorer_with(trained, recovery=recovery, cache=cache)
    failing(monkeypatch, scorer, 10**6)
    found = scorer.score_one(RECORD, request_id="r")
    assert found.degraded
    assert (found.model, found.outcome, found.request_id) == ("analista", "revisar", "r")
    assert len(cache) == 0


def test_who_waits_for_a_degraded_answer_gets_it_under_an_id_of_its_own(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyst = Decision(0, (0.5, 0.5), 0.5, "revisar", model="analista")
    computing = threading.Event()
    cache: TieredCache[Any, Any] = TieredCache()

    def careful(*_: object) -> Decision:
        computing.set()
        wait_until(lambda: cache.stats().waits)
        return analyst

    recovery = RecoveryPolicy([RecoveryLevel("otra vez")], fallback=careful, hooks=())
    scorer = scorer_with(trained, recovery=recovery, cache=cache)
    failing(monkeypatch, scorer, 10**6)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(scorer.score_one, RECORD, "first")
        assert computing.wait(LONG)
        second = pool.submit(scorer.score_one, RECORD, "second")
        answers = first.result(), second.result()
    assert cache.stats().waits == 1
    assert [(a.degraded, a.request_id) for a in answers] == [(True, "first"), (True, "second")]


# -- several scorers -----------------------------------------------------------------------------


def fail(values: Any) -> Any:
    raise ValueError("torn")


@pytest.mark.parametrize(
    "derive",
    [
        lambda scorer: scorer.with_parts(kpis=KPITracker()),
        lambda scorer: scorer.with_parts(recovery=scorer.parts["recovery"]),
        lambda scorer: Scorer.default(recovery=scorer.parts["recovery"]),
    ],
    ids=["with_parts", "the same policy again", "the policy of another model"],
)
def test_each_scorer_is_repaired_by_its_own_policy(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, derive: Any
) -> None:
    first = scorer_with(trained, recovery=RecoveryPolicy(hooks=()), cache=TieredCache())
    expected = first.score_one(RECORD)
    second = derive(first)
    broken, other = first._model, second._model
    first._path.clear_cache()
    monkeypatch.setattr(broken, "_explain", fail)
    assert first.score_one(RECORD) == expected
    assert first._model is not broken
    assert second._model is other
    broken = second._model
    monkeypatch.setattr(broken, "_explain", fail)
    record = {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24}
    second.score_one(record if second.model != first.model else {**RECORD, "moras": 3})
    assert second._model is not broken


def test_a_copied_policy_is_of_the_same_make_with_counts_of_its_own(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    policy = RecoveryPolicy(component="riesgo", hooks=iter([told.append]), retry_budget=1, max_threads=3)
    first = scorer_with(trained, recovery=policy)
    second = first.with_parts()
    assert first.parts["recovery"] is policy
    copied = second.parts["recovery"]
    assert isinstance(copied, RecoveryPolicy)
    assert copied is not policy
    assert copied.component == "riesgo"
    failing(monkeypatch, second, 10**6)
    with pytest.raises(TransientError):
        second.score_one(RECORD)
    assert told, "the hooks are those of the first"
    assert (policy.healthy, copied.healthy) == (True, False)


def test_a_policy_with_levels_of_its_own_is_shared(trained: tuple[Any, pd.DataFrame]) -> None:
    policy = RecoveryPolicy([RecoveryLevel("otra vez")])
    first = scorer_with(trained, recovery=policy)
    assert first.with_parts(kpis=KPITracker()).parts["recovery"] is policy


def test_the_record_that_failed_is_dropped_from_the_cache(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache: TieredCache[Any, Any] = TieredCache()
    scorer = scorer_with(trained, recovery=RecoveryPolicy(hooks=()), cache=cache)
    scorer.score_one({**RECORD, "moras": 3})
    dropped: list[Any] = []
    honest = cache.invalidate
    monkeypatch.setattr(cache, "invalidate", lambda *key: (dropped.extend(key), honest(*key)))
    failing(monkeypatch, scorer, 1)
    scorer.score_one(RECORD)
    assert dropped == [(f"{scorer.digest}-{scorer.policy.digest}", scorer.schema.read(RECORD)[0])]
    assert scorer.score_one({**RECORD, "moras": 3}).cached, "what is known of others stays"
