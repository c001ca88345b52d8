"""A scorer with its parts: cache, figures, recovery, log, drift, reload."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from morosidad.audit import AuditLog, read, replay, verify
from morosidad.cache import TieredCache
from morosidad.cache.choice import CacheChoice
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.original import Original
from morosidad.errors import ArtifactCorrupted, ArtifactError, InvalidRecord, PredictionError
from morosidad.kpis import KPITracker
from morosidad.monitoring.drift import DriftMonitor
from morosidad.policy.decision import Decision, Policy
from morosidad.recovery import RecoveryLevel, RecoveryPolicy
from morosidad.scoring.record_path import Way
from morosidad.scoring.scorer import Scorer
from support import FakeClock, small_frame, small_pipeline

RECORD = {"ingresos": 300.0, "empleo": "libre", "moras": 4}


def scorer_with(trained: tuple[Any, pd.DataFrame], **parts: Any) -> Scorer:
    return Scorer(trained[0], reference=trained[1], **parts)


def failing(monkeypatch: pytest.MonkeyPatch, scorer: Scorer, times: int) -> list[int]:
    """Make the model fail so many times; give the list that counts its calls."""
    calls: list[int] = []
    honest = type(scorer._model).estimate

    def estimate(self: Any, values: Any) -> Any:
        calls.append(1)
        if len(calls) <= times:
            raise PredictionError("out of order")
        return honest(self, values)

    monkeypatch.setattr(type(scorer._model), "estimate", estimate)
    return calls


# -- cache -------------------------------------------------------------------------------------


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
    choice = CacheChoice()
    assert "not measured" in str(choice)
    choice.note(lookup=1e-6, scoring=5e-3)
    assert choice.use
    for _ in range(100):
        choice.note(lookup=2e-6, scoring=1e-6)
    assert not choice.use
    assert "stands aside" in str(choice)
    for _ in range(100):
        choice.note(lookup=2e-6, scoring=2.2e-6)
    assert not choice.use, "hysteresis holds it back near the edge"
    for _ in range(100):
        choice.note(lookup=2e-6, scoring=9e-6)
    assert choice.use
    assert "in use" in str(choice)


def test_an_automatic_cache_steps_aside_where_nothing_comes_twice() -> None:
    choice = CacheChoice()
    for _ in range(20):
        choice.note(lookup=1e-6, scoring=5e-6, storing=6e-6, hit=False)
    assert "stands aside" in str(choice)
    asked = [choice.use for _ in range(8 * 1024) if choice.due() is not None]
    assert 1000 < sum(asked) < 1050, "it is tried again for one stretch in eight"
    for _ in range(40):
        choice.note(lookup=1e-6, scoring=5e-6, hit=True)
    assert choice.use
    assert "in use" in str(choice)


def test_the_first_samples_decide_nothing() -> None:
    choice = CacheChoice()
    for _ in range(7):
        choice.note(lookup=1e-6, scoring=5e-6, storing=1e-3, hit=False)
        assert choice.use
    choice.note(lookup=1e-6, scoring=5e-6, storing=1e-3, hit=False)
    assert not choice.use


def test_a_slow_model_keeps_its_cache_at_few_hits() -> None:
    choice = CacheChoice()
    for number in range(300):
        choice.note(lookup=1e-6, scoring=5e-3, storing=6e-6, hit=number % 20 == 0)
        assert choice.use


def test_an_automatic_cache_is_measured_on_one_call_in_64(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, cache="auto")
    choice = scorer._way.choice
    assert choice is not None
    clock = FakeClock()
    choice.clock = clock
    honest = scorer._model.compiled.predict_one

    def slow(values: Any) -> float:
        clock.advance(0.01)
        return honest(values)

    expected = scorer_with(trained).score_one(RECORD).probability
    object.__setattr__(scorer._model, "_explain", None)
    scorer._model.compiled.predict_one = slow
    answers = [scorer.score_one(RECORD) for _ in range(129)]
    assert {a.probability for a in answers} == {expected}
    assert choice.use
    assert sum(a.cached is None for a in answers) == 3, "calls 1, 65 and 129 are measured"
    assert "in use" in scorer.plan.cache
    for _ in range(100):
        choice.note(lookup=1.0, scoring=1e-6)
    assert scorer.score_one(RECORD).cached is None


# -- figures, drift and log ----------------------------------------------------------------------


def test_every_decision_is_counted_and_bad_records_are_not(trained: tuple[Any, pd.DataFrame]) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis, cache=TieredCache())
    for _ in range(3):
        scorer.score_one(RECORD)
    with pytest.raises(InvalidRecord):
        scorer.score_one({"moras": "x"})
    scorer.score_frame(small_frame(10)[0])
    report = kpis.report()
    document = msgspec.to_builtins(report)
    assert document["total_predicciones_analizadas"] == 13
    assert document["metricas"]["tasa_exito"] == 1.0
    assert document["metricas"]["cache_hit_rate"] == pytest.approx(2 / 3)


def test_what_is_decided_is_counted_alike_one_by_one_and_by_the_frame(
    trained: tuple[Any, pd.DataFrame],
) -> None:
    frame = small_frame(40)[0]
    one_by_one, whole = KPITracker(), KPITracker()
    policy = Policy(review_at=0.3, decline_at=0.6)
    decisions = [
        decision.outcome
        for decision in scorer_with(trained, kpis=one_by_one, policy=policy).score_many(
            frame.to_dict("records")
        )
    ]
    scorer_with(trained, kpis=whole, policy=policy).score_frame(frame)
    wanted = {outcome: decisions.count(outcome) for outcome in ("aprobar", "revisar", "rechazar")}
    assert all(wanted.values())
    assert one_by_one.counts().decisions == whole.counts().decisions == wanted
    assert one_by_one.counts().scores == whole.counts().scores


def test_failures_are_counted_as_errors(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis)
    failing(monkeypatch, scorer, 1)
    with pytest.raises(PredictionError):
        scorer.score_one(RECORD)
    scorer.score_one(RECORD)
    assert msgspec.to_builtins(kpis.report())["metricas"]["tasa_error"] == 0.5


def test_drift_is_watched_against_the_reference_in_the_model_file(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    scorer_with(trained).save(tmp_path / "m")
    reference = Scorer.load(tmp_path / "m").drift_reference
    assert reference is not None
    monitor = DriftMonitor(reference, every=1)
    scorer = Scorer.load(tmp_path / "m", drift=monitor)
    X, _ = small_frame(400, seed=4)
    scorer.score_many(X.head(200).to_dict("records"))
    scorer.score_frame(X.tail(200))
    calm = {field.field: field.psi for field in monitor.report().fields}
    for _ in range(400):
        scorer.score_one({"ingresos": 200.0, "empleo": "libre", "moras": 9})
    moved = {field.field: field.psi for field in monitor.report().fields}
    assert all(value < 0.25 for value in calm.values())
    assert moved["moras"] > 0.25 > calm["moras"]


def test_every_decision_is_logged_and_can_be_replayed(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    X, _ = small_frame(20, seed=2)
    with AuditLog(tmp_path / "log.jsonl") as audit:
        scorer = scorer_with(trained, audit=audit, name="chico")
        scorer.score_many(X.to_dict("records"))
        scorer.score_frame(X)
    path = tmp_path / "log.jsonl"
    assert verify(path).ok
    lines = list(read(path))
    assert len(lines) == 40
    assert replay([path], scorer_with(trained, name="chico").score_one).ok


# -- recovery ------------------------------------------------------------------------------------


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
        deadline = time.monotonic() + 5
        while cache.stats().waits < 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        return analyst

    recovery = RecoveryPolicy([RecoveryLevel("otra vez")], fallback=careful, hooks=())
    scorer = scorer_with(trained, recovery=recovery, cache=cache)
    failing(monkeypatch, scorer, 10**6)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(scorer.score_one, RECORD, "first")
        assert computing.wait(5)
        second = pool.submit(scorer.score_one, RECORD, "second")
        answers = first.result(), second.result()
    assert cache.stats().waits == 1
    assert [(a.degraded, a.request_id) for a in answers] == [(True, "first"), (True, "second")]


# -- reload --------------------------------------------------------------------------------------


def test_reloading_swaps_the_model_and_empties_the_cache(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    X, y = small_frame(seed=1)
    scorer_with(trained, name="uno").save(tmp_path / "one", key=b"k")
    Scorer(small_pipeline(X, y), reference=X, name="dos").save(tmp_path / "two", key=b"k")
    scorer = Scorer.load(tmp_path / "one", key=b"k", cache=TieredCache(), policy=Policy(review_at=0.01))
    before = scorer.score_one(RECORD)
    scorer.reload(tmp_path / "two")
    after = scorer.score_one(RECORD)
    assert (before.model, after.model) == ("uno@1", "dos@1")
    assert after.cached is None
    assert scorer.policy.review_at == 0.01, "the policy given at loading stays in force"
    scorer.reload()
    assert scorer.model == "dos@1", "without a name, the last file is read again"


def test_a_bad_file_leaves_the_old_model(trained: tuple[Any, pd.DataFrame], tmp_path: Path) -> None:
    scorer_with(trained, name="uno").save(tmp_path / "one")
    data = (tmp_path / "one").read_bytes()
    (tmp_path / "bad").write_bytes(data[: len(data) // 2])
    scorer = Scorer.load(tmp_path / "one")
    before = scorer.score_one(RECORD)
    with pytest.raises(ArtifactCorrupted):
        scorer.reload(tmp_path / "bad")
    assert scorer.score_one(RECORD) == before
    scorer.reload()
    assert scorer.score_one(RECORD) == before


def test_a_scorer_without_file_cannot_read_it_again(trained: tuple[Any, pd.DataFrame]) -> None:
    with pytest.raises(ArtifactError, match="not loaded from a file"):
        scorer_with(trained).reload()


def test_no_answer_mixes_two_models_while_reloading(
    trained: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    X, y = small_frame(seed=1)
    scorer_with(trained, name="uno").save(tmp_path / "one")
    Scorer(small_pipeline(X, y), reference=X, name="dos").save(tmp_path / "two")
    expected = {
        s.model: s.score_one(RECORD).probability
        for s in map(Scorer.load, (tmp_path / "one", tmp_path / "two"))
    }
    scorer = Scorer.load(tmp_path / "one", cache=TieredCache(), kpis=KPITracker())
    seen: set[tuple[str, float]] = set()
    stop, start = threading.Event(), threading.Barrier(5)

    def work() -> None:
        start.wait()
        while not stop.is_set():
            decision = scorer.score_one(RECORD)
            seen.add((decision.model, decision.probability))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    for i in range(10):
        scorer.reload(tmp_path / ("two" if i % 2 == 0 else "one"))
    stop.set()
    for thread in threads:
        thread.join()
    assert seen <= set(expected.items())


def test_rebuilding_does_not_put_out_a_model_that_comes_in_meanwhile(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, other = scorer_with(trained), scorer_with(trained, name="otro")._model
    remade = type(other).remade
    comes_in = threading.Thread(target=lambda: scorer._way.swap(other))

    def slowly(self: Any) -> Any:
        comes_in.start()
        comes_in.join(0.1)  # it has to wait for us, or is done by now
        return remade(self)

    monkeypatch.setattr(type(other), "remade", slowly)
    scorer._way.rebuild()
    comes_in.join()
    assert scorer.model == "otro@1"


def test_a_model_that_reads_other_records_is_not_given_old_values(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, recovery=RecoveryPolicy())
    way = scorer._way
    seat = way._seat
    values = scorer.schema.read(RECORD)[0]
    way.swap(Scorer.default()._model)
    assert way._try(seat, values, (), None, None).model == "modelo@1"
    assert isinstance(way, Way)


def test_warming_up_measures_before_there_is_traffic(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, cache="auto")
    assert "not measured" in scorer.plan.cache
    plan = scorer.warm_up()
    assert "a lookup takes" in plan.cache
    assert scorer._way.cache is not None
    assert len(scorer._way.cache) == 0, "made-up applicants are not kept"


def test_stages_are_timed_now_and_then(trained: tuple[Any, pd.DataFrame]) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis, cache=TieredCache(), recovery=RecoveryPolicy())
    plain = scorer_with(trained)
    for i in range(200):
        record = {**RECORD, "ingresos": 300.0 + i // 2}
        assert scorer.score_one(record).probability == plain.score_one(record).probability
    assert len(kpis.stages()) == 4


def test_a_model_that_is_not_compiled_is_asked_once_for_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    X, y = small_frame()
    parts = make_column_transformer((SimpleImputer(), ["ingresos", "moras"]))
    pipeline = make_pipeline(parts, KNeighborsClassifier()).fit(X, y)
    kpis = KPITracker()
    with AuditLog(tmp_path / "log.jsonl") as audit:
        with pytest.warns(UserWarning, match="KNeighbors"):
            scorer = Scorer(pipeline, reference=X, kpis=kpis, audit=audit, recovery=RecoveryPolicy())
        calls: list[int] = []
        original = scorer._model.compiled.original
        assert original is not None
        honest = original.predict

        def predict(rows: Any) -> Any:
            calls.append(len(rows))
            return honest(rows)

        monkeypatch.setattr(original, "predict", predict)
        records = [*X.head(9).to_dict("records"), {"moras": "x"}, {"ingresos": 1e9, "moras": 1}]
        out: list[Any] = scorer.score_many(records)
    assert calls == [10]
    assert [type(answer).__name__ for answer in out] == ["Decision"] * 9 + ["RecordError", "Decision"]
    assert out[9].index == 9
    assert out[10].warnings
    assert [d.probability for d in out[:9]] == pipeline.predict_proba(X.head(9))[:, 1].tolist()
    assert msgspec.to_builtins(kpis.report())["total_predicciones_analizadas"] == 10
    assert len(list(read(tmp_path / "log.jsonl"))) == 10


def not_compiled(**parts: Any) -> Scorer:
    X, y = small_frame()
    pipeline = make_pipeline(
        make_column_transformer((SimpleImputer(), ["ingresos", "moras"])), KNeighborsClassifier()
    )
    with pytest.warns(UserWarning, match="KNeighbors"):
        return Scorer(pipeline.fit(X, y), reference=X, **parts)


def test_a_batch_does_not_ask_the_cache_and_counts_no_lookups() -> None:
    kpis = KPITracker()
    scorer = not_compiled(kpis=kpis, cache=TieredCache())
    scorer.score_many([RECORD, RECORD])
    assert (kpis.counts().total, kpis.counts().lookups) == (2, 0)


def test_a_batch_wants_one_id_for_each_record() -> None:
    scorer = not_compiled()
    out: list[Any] = scorer.score_many([RECORD, RECORD], ["a", "b"])
    assert [decision.request_id for decision in out] == ["a", "b"]
    with pytest.raises(ValueError, match="shorter"):
        scorer.score_many([RECORD, RECORD], ["a"])


def test_a_batch_is_tried_again_with_the_model_that_recovery_put_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer = not_compiled(recovery=RecoveryPolicy(hooks=()), cache=TieredCache())
    expected = scorer.score_many([RECORD])
    broken = scorer._model

    def fail(_: object) -> Any:
        raise ValueError("torn")

    monkeypatch.setattr(broken, "decide_many", fail)
    assert scorer.score_many([RECORD]) == expected
    assert scorer._model is not broken


def test_a_batch_that_fails_is_counted_and_says_nothing_of_its_values(
    trained: tuple[Any, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    kpis = KPITracker()
    scorer = scorer_with(trained, kpis=kpis)
    original = Original(trained[0], scorer.schema)
    scorer._way.model.compiled = CompiledPipeline(scorer.schema, None, original)

    def fail(rows: Any) -> Any:
        raise ValueError(f"secret {rows}")

    monkeypatch.setattr(original, "predict", fail)
    with pytest.raises(PredictionError) as caught:
        scorer.score_many([RECORD, RECORD])
    assert "300" not in str(caught.value)
    assert (kpis.counts().total, kpis.counts().errors) == (2, 2)
