"""A scorer travels as its model file, by pickle, copy, cloudpickle and joblib."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import cloudpickle
import joblib
import pytest

from morosidad import Scorer
from morosidad.cache import TieredCache
from morosidad.errors import ArtifactError, PartsLeftBehindWarning
from morosidad.kpis import KPITracker
from morosidad.model_file import artifact
from morosidad.policy.cutoffs import Policy
from morosidad.recovery import RecoveryPolicy
from scoring_parts import RECORD, scorer_with


def by_joblib(scorer: Scorer) -> Any:
    buffer = io.BytesIO()
    joblib.dump(scorer, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


WAYS: dict[str, Callable[[Scorer], Any]] = {
    "pickle": lambda scorer: pickle.loads(pickle.dumps(scorer)),
    "oldest pickle": lambda scorer: pickle.loads(pickle.dumps(scorer, 2)),
    "cloudpickle": lambda scorer: cloudpickle.loads(cloudpickle.dumps(scorer)),
    "joblib": by_joblib,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
ways = pytest.mark.parametrize("way", WAYS)


def make_parts() -> dict[str, Any]:
    return {"cache": TieredCache(5, 5, 60), "kpis": KPITracker(), "recovery": RecoveryPolicy()}


def given(scorer: Scorer) -> set[str]:
    return {name for name, part in scorer.parts.items() if part is not None and name != "cache_auto"}


@ways
def test_what_arrives_is_equal_and_answers_the_same(scorer, way):
    arrived = WAYS[way](scorer)
    assert arrived is not scorer
    assert (arrived == scorer, hash(arrived) == hash(scorer), arrived.digest) == (True, True, scorer.digest)
    assert arrived.score_one(RECORD) == scorer.score_one(RECORD)
    assert arrived.plan.compiled == scorer.plan.compiled


@ways
def test_language_and_policy_travel_too(trained, way):
    scorer = scorer_with(trained, language="en", policy=Policy(review_at=0.1, decline_at=0.2))
    arrived = WAYS[way](scorer)
    assert arrived.language == "en"
    assert arrived.score_one(RECORD) == scorer.score_one(RECORD)


@ways
def test_parts_stay_behind_and_it_is_said(trained, way):
    scorer = scorer_with(trained, **make_parts())
    with pytest.warns(PartsLeftBehindWarning, match="cache, kpis, recovery") as caught:
        arrived = WAYS[way](scorer)
    assert caught[0].message.parts == ("cache", "kpis", "recovery")
    assert not given(arrived)
    assert given(scorer) == {"cache", "kpis", "recovery"}


@ways
def test_a_function_makes_the_parts_anew(trained, way):
    scorer = scorer_with(trained, parts=make_parts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arrived = WAYS[way](scorer)
        again = WAYS[way](arrived)
    for one in (scorer, arrived, again):
        assert given(one) == {"cache", "kpis", "recovery"}
    assert arrived.parts["cache"] is not scorer.parts["cache"]
    assert arrived.score_one(RECORD).probability == scorer.score_one(RECORD).probability


def test_tasks_of_one_process_share_the_parts_that_arrive(trained):
    data = pickle.dumps(scorer_with(trained, parts=make_parts))
    first, second = pickle.loads(data), pickle.loads(data)
    assert first.parts["cache"] is second.parts["cache"]


class _WithoutHash:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> dict[str, Any]:
        return make_parts()


def test_a_function_without_a_hash_makes_parts_each_time(trained):
    data = pickle.dumps(scorer_with(trained, parts=_WithoutHash()))
    assert given(pickle.loads(data)) == {"cache", "kpis", "recovery"}


def test_few_sets_of_parts_are_kept(trained, monkeypatch):
    import morosidad.scoring.mixins.travelling as module

    monkeypatch.setattr(module, "_KEPT", 1)
    for _ in range(3):
        module._parts_of_process(lambda: {"kpis": KPITracker()})
    assert len(module._made) == 1
    module._made.clear()


@pytest.mark.parametrize("wrong", [3, lambda: 3, lambda: {"kpi": 1}, lambda: {"language": "en"}])
def test_what_makes_no_parts_is_refused(trained, wrong):
    with pytest.raises(TypeError):
        scorer_with(trained, parts=wrong)


def test_parts_and_a_function_for_them_are_not_given_together(trained):
    with pytest.raises(TypeError, match="kpis can't be given beside it"):
        scorer_with(trained, parts=make_parts, kpis=KPITracker())


def test_other_parts_replace_the_function(trained):
    changed = scorer_with(trained, parts=make_parts).with_parts(cache=None)
    assert given(changed) == {"kpis", "recovery"}
    with pytest.warns(PartsLeftBehindWarning):
        copy.copy(changed)


def test_the_pickle_is_the_model_file_and_little_more(scorer, tmp_path):
    scorer.save(tmp_path / "m.morosidad")
    file = (tmp_path / "m.morosidad").read_bytes()
    data = pickle.dumps(scorer)
    assert file in data
    assert len(data) <= 1.1 * len(file)
    assert artifact.from_bytes(file).manifest["name"] == "chico"


def test_a_key_does_not_travel(scorer, tmp_path):
    scorer.save(tmp_path / "m.morosidad", b"a key of sixteen")
    loaded = Scorer.load(tmp_path / "m.morosidad", b"a key of sixteen")
    data = pickle.dumps(loaded)
    assert b"a key of sixteen" not in data
    assert str(tmp_path).encode() not in data
    with pytest.raises(ArtifactError, match="not loaded from a file"):
        pickle.loads(data).reload()
    copy.copy(loaded).reload()


def test_a_compiled_scorer_arrives_without_scikit_learn_and_pandas(scorer, tmp_path):
    (tmp_path / "s.pkl").write_bytes(pickle.dumps(scorer))
    script = f"""
import pickle, sys
scorer = pickle.load(open(sys.argv[1], "rb"))
print(scorer.score_one({RECORD!r}).probability)
print(sorted({{"sklearn", "pandas", "scipy"}} & sys.modules.keys()))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "s.pkl")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    assert said[:2] == [str(scorer.score_one(RECORD).probability), "[]"]


def test_an_uncompiled_scorer_travels_in_the_format_of_skops(slow):
    arrived = pickle.loads(pickle.dumps(slow))
    assert arrived == slow
    assert arrived.score_one(RECORD).probability == slow.score_one(RECORD).probability


def test_what_cannot_be_stored_is_refused_in_words(slow, monkeypatch):
    import morosidad.scoring.saving as module
    from morosidad.scoring.content.original import stored_original

    monkeypatch.setattr(module, "_unreadable", lambda *_: "it could not be read back (so)")
    monkeypatch.setattr(stored_original(slow._model.compiled.original), "tried", None)
    with pytest.raises(ArtifactError, match="a scorer that travels: the model can't be saved"):
        pickle.dumps(slow)


def test_an_altered_pickle_is_refused(scorer):
    data = bytearray(pickle.dumps(scorer))
    place = data.index(b"manifest.json") + 200
    data[place] ^= 1
    with pytest.raises((ArtifactError, pickle.UnpicklingError)):
        pickle.loads(bytes(data))


def test_scorers_differ_where_their_answers_may(trained, scorer):
    other = scorer_with(trained, name="otro")
    assert scorer != other
    assert scorer != 3
    assert scorer.__eq__(3) is NotImplemented
    assert len({scorer, copy.copy(scorer), other}) == 2


def test_dask_knows_a_scorer_by_its_digest(trained, scorer):
    tokenize = pytest.importorskip("dask.base", reason="dask is not installed").tokenize
    assert tokenize(scorer) == tokenize(pickle.loads(pickle.dumps(scorer)))
    assert tokenize(scorer) != tokenize(scorer_with(trained, language="en"))
