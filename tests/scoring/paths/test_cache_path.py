"""A scorer with a cache: hits, keys, automatic bypass."""

from __future__ import annotations

from typing import Any

import msgspec
import pandas as pd
import pytest

from morosidad.cache import TieredCache
from morosidad.cache.bypass import CacheBypass
from morosidad.scoring.scorer import Scorer
from scoring_parts import RECORD, scorer_with
from support import FakeClock, small_frame, small_pipeline


def test_a_repeated_record_is_answered_by_the_cache(trained: tuple[Any, pd.DataFrame]) -> None:
    cache: TieredCache[Any, Any] = TieredCache()
    scorer = scorer_with(trained, cache=cache)
    first = scorer.score_one(RECORD, request_id="a")
    again = scorer.score_one({"moras": 4.0, "empleo": "libre", "ingresos": 300}, request_id="b")
    assert (first.cached, again.cached) == (None, "acierto")
    assert (first.request_id, again.request_id) == ("a", "b")
    assert msgspec.structs.replace(again, cached=None, request_id="a") == first
    assert (cache.stats().l1_hits, cache.stats().misses) == (1, 1)
    assert scorer.score_one(RECORD).request_id is None


@pytest.fixture(scope="module")
def plain(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return scorer_with(trained)


class Shared:
    """A tier that others can write to."""

    def __init__(self) -> None:
        self.held: dict[Any, Any] = {}

    def get(self, key: Any, /) -> tuple[Any, float] | None:
        return (self.held[key], 60.0) if key in self.held else None

    def set(self, key: Any, value: Any, ttl: float, /) -> None:
        self.held[key] = value

    def delete(self, key: Any, /) -> None:
        self.held.pop(key, None)


@pytest.mark.parametrize("nowait", [False, True])
@pytest.mark.parametrize(
    "forged",
    [
        {"probabilities": (0.99, 0.01)},
        {"probabilities": (0.99, 0.01), "confidence": 0.99, "label": 0},
        {"outcome": "aprobar"},
        {"label": 0},
        {"confidence": 0.5},
        {"probabilities": (float("nan"), float("nan"))},
        {"probabilities": (-1.0, 2.0), "confidence": 2.0},
        {"model": "otro@1"},
        {"degraded": True},
        None,
    ],
)
def test_a_decision_that_the_model_could_not_have_made_is_not_taken_from_a_cache(
    plain: Scorer, forged: dict[str, Any] | None, nowait: bool
) -> None:
    shared = Shared()
    scorer = plain.with_parts(cache=TieredCache(l1=1, l2=shared))
    ask = scorer.score_nowait if nowait else scorer.score_one
    honest = ask(RECORD)
    assert (honest.label, honest.outcome) == (1, "rechazar")
    (key,) = shared.held
    kept = shared.held[key]
    changed = {"decision": "aprobar"} if forged is None else msgspec.structs.replace(kept, **forged)
    for value in (changed, kept):
        scorer = plain.with_parts(cache=TieredCache(l1=1, l2=shared))
        ask = scorer.score_nowait if nowait else scorer.score_one
        shared.held[key] = value
        found = ask(RECORD)
        assert found.cached == ("acierto" if value is kept else None)
        assert msgspec.structs.replace(found, cached=None) == honest


def test_other_values_never_share_a_decision(trained: tuple[Any, pd.DataFrame]) -> None:
    plain, cached = scorer_with(trained), scorer_with(trained, cache=TieredCache())
    X, _ = small_frame(200, seed=9)
    records = X.to_dict("records")
    for _ in range(2):
        found = [d.probabilities for d in cached.score_many(records)]  # type: ignore[union-attr]
        assert found == [d.probabilities for d in plain.score_many(records)]  # type: ignore[union-attr]


def test_two_models_share_a_cache_and_no_decision(trained: tuple[Any, pd.DataFrame]) -> None:
    cache: TieredCache[Any, Any] = TieredCache()
    X, y = small_frame(seed=1)
    one, other = scorer_with(trained, cache=cache), Scorer(small_pipeline(X, y), reference=X, cache=cache)
    assert one.score_one(RECORD).probability != other.score_one(RECORD).probability
    assert other.score_one(RECORD).cached
    assert other.score_one(RECORD).probability != one.score_one(RECORD).probability


def test_an_automatic_cache_steps_aside_where_it_does_not_pay() -> None:
    bypass = CacheBypass()
    assert "not measured" in str(bypass)
    bypass.add_measurement(lookup=1e-6, scoring=5e-3)
    assert bypass.cache_used
    for _ in range(100):
        bypass.add_measurement(lookup=2e-6, scoring=1e-6)
    assert not bypass.cache_used
    assert "bypassed" in str(bypass)
    for _ in range(100):
        bypass.add_measurement(lookup=2e-6, scoring=2.2e-6)
    assert not bypass.cache_used, "hysteresis holds it back near the edge"
    for _ in range(100):
        bypass.add_measurement(lookup=2e-6, scoring=9e-6)
    assert bypass.cache_used
    assert "in use" in str(bypass)


def test_an_automatic_cache_steps_aside_where_nothing_comes_twice() -> None:
    bypass = CacheBypass()
    for _ in range(20):
        bypass.add_measurement(lookup=1e-6, scoring=5e-6, storing=6e-6, hit=False)
    assert "bypassed" in str(bypass)
    asked = [bypass.cache_used for _ in range(8 * 1024) if bypass.should_measure() is not None]
    assert 1000 < sum(asked) < 1050, "it is tried again for one stretch in eight"
    for _ in range(40):
        bypass.add_measurement(lookup=1e-6, scoring=5e-6, hit=True)
    assert bypass.cache_used
    assert "in use" in str(bypass)


def test_the_first_samples_decide_nothing() -> None:
    bypass = CacheBypass()
    for _ in range(7):
        bypass.add_measurement(lookup=1e-6, scoring=5e-6, storing=1e-3, hit=False)
        assert bypass.cache_used
    bypass.add_measurement(lookup=1e-6, scoring=5e-6, storing=1e-3, hit=False)
    assert not bypass.cache_used


def test_a_slow_model_keeps_its_cache_at_few_hits() -> None:
    bypass = CacheBypass()
    for number in range(300):
        bypass.add_measurement(lookup=1e-6, scoring=5e-3, storing=6e-6, hit=number % 20 == 0)
        assert bypass.cache_used


def test_an_automatic_cache_is_measured_on_one_call_in_64(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, cache="auto")
    bypass = scorer._path.bypass
    assert bypass is not None
    clock = FakeClock()
    bypass.clock = clock
    honest = scorer._model.compiled.predict_one

    def slow(values: Any) -> float:
        clock.advance(0.01)
        return honest(values)

    expected = scorer_with(trained).score_one(RECORD).probability
    object.__setattr__(scorer._model, "_explain", None)
    scorer._model.compiled.predict_one = slow
    answers = [scorer.score_one(RECORD) for _ in range(129)]
    assert {a.probability for a in answers} == {expected}
    assert bypass.cache_used
    assert sum(a.cached is None for a in answers) == 3, "calls 1, 65 and 129 are measured"
    assert "in use" in scorer.plan.cache
    for _ in range(100):
        bypass.add_measurement(lookup=1.0, scoring=1e-6)
    assert scorer.score_one(RECORD).cached is None


def test_warming_up_measures_before_there_is_traffic(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, cache="auto")
    assert "not measured" in scorer.plan.cache
    plan = scorer.warm_up()
    assert "a lookup takes" in plan.cache
    assert scorer._path.cache is not None
    assert len(scorer._path.cache) == 0, "made-up applicants are not kept"
