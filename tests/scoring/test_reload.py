"""A scorer whose model is replaced while it is in use."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morosidad.cache import TieredCache
from morosidad.errors import ArtifactCorrupted, ArtifactError
from morosidad.kpis import KPITracker
from morosidad.policy.cutoffs import Policy
from morosidad.recovery import RecoveryPolicy
from morosidad.scoring.request import ScoringRequest
from morosidad.scoring.scorer import Scorer
from scoring_parts import RECORD, scorer_with
from support import small_frame, small_pipeline


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
    rebuilt = type(other).rebuilt
    comes_in = threading.Thread(target=lambda: scorer._path.activate(other))

    def slowly(self: Any) -> Any:
        comes_in.start()
        comes_in.join(0.1)  # it has to wait for us, or is done by now
        return rebuilt(self)

    monkeypatch.setattr(type(other), "rebuilt", slowly)
    scorer._path.rebuild()
    comes_in.join()
    assert scorer.model == "otro@1"


def test_a_model_that_reads_other_records_is_not_given_old_values(trained: tuple[Any, pd.DataFrame]) -> None:
    scorer = scorer_with(trained, recovery=RecoveryPolicy())
    path = scorer._path
    request = ScoringRequest(path._active, scorer.schema.read(RECORD)[0])
    path.activate(Scorer.default()._model)
    assert path._compute_with_active_model(request).model == "modelo@1"
