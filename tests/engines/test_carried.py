"""A model is sent as bytes, and made into a scorer once in each process."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from morosidad import KPITracker, Policy, Scorer
from morosidad.engines import carried as module
from morosidad.engines.carried import CarriedModel
from morosidad.errors import PartsLeftBehindWarning
from morosidad.model_file import artifact


def test_it_is_little_more_than_the_model_file_and_loaded_once(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(module, "_loaded", module._LoadedScorers())
    loads = []
    read = artifact.from_bytes
    monkeypatch.setattr(artifact, "from_bytes", lambda *a: loads.append(1) or read(*a))
    scorer.save(tmp_path / "m.morosidad")
    assert len(CarriedModel(scorer).data) <= 1.1 * (tmp_path / "m.morosidad").stat().st_size
    arrived = [pickle.loads(pickle.dumps(CarriedModel(scorer))) for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        scorers = list(threads.map(CarriedModel.scorer, arrived))
    assert len(loads) == 1
    assert all(one is scorers[0] for one in scorers)
    assert scorers[0] == scorer


def test_models_are_told_apart_by_digest_and_language(scorer: Scorer) -> None:
    english = Scorer.default(language="en")
    assert CarriedModel(english).scorer().language == "en"
    assert CarriedModel(scorer).scorer().language == "es"
    assert CarriedModel(scorer).__dask_tokenize__() != CarriedModel(english).__dask_tokenize__()


def test_models_are_told_apart_by_their_policy_too(scorer: Scorer) -> None:
    strict = scorer.with_policy(Policy(review_at=0.01, decline_at=0.02))
    assert strict.digest == scorer.digest
    assert CarriedModel(scorer).scorer().policy == scorer.policy
    assert CarriedModel(strict).scorer().policy == strict.policy


def test_few_models_are_kept(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_loaded", module._LoadedScorers())
    monkeypatch.setattr(module, "_KEPT", 2)
    sent = [CarriedModel(Scorer.default(language=language)) for language in ("es", "en", "pt")]
    for one in sent:
        one.scorer()
    assert [*module._loaded._scorers] == [one.identity for one in sent[1:]]


def test_parts_stay_behind_and_it_is_said(scorer: Scorer) -> None:
    with pytest.warns(PartsLeftBehindWarning, match="^kpis"):
        sent = CarriedModel(scorer.with_parts(kpis=KPITracker()))
    assert sent.scorer().parts["kpis"] is None
