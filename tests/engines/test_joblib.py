"""A frame in slices over joblib: here on threads, which need no start; on processes in `test_clusters`."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from typing import Any

import joblib
import pandas as pd
import pytest

from engine_parts import assert_reasons_of_one, assert_same_answers
from morosidad import Scorer
from morosidad.engines import batch_report, score_joblib
from morosidad.engines import joblib as module
from morosidad.errors import InvalidFrame

pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture(autouse=True)
def on_threads() -> Any:
    with joblib.parallel_config(backend="threading"):
        yield


def test_the_answers_are_those_of_one_process(
    scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    given = frame.set_index(frame.index * 3 + 1)
    found = score_joblib(given, scorer, n_jobs=2, rows=500, ids="solicitud", reasons=True, report=True)
    assert_same_answers(found, expected)
    assert_reasons_of_one(found, frame, scorer)
    assert found.index.equals(given.index)
    report = batch_report(found, scorer)
    assert (report.rows, report.refused) == (1200, int(expected["probability"].isna().sum()))


def test_slices_of_a_process_that_died_are_scored_again(
    scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored, deaths = module.score_partition, iter([False, True, False, True])

    def fragile(part: Any, *rest: Any) -> Any:
        if next(deaths, False):
            raise BrokenProcessPool("killed")
        return scored(part, *rest)

    monkeypatch.setattr(module, "score_partition", fragile)
    found = score_joblib(frame, scorer, n_jobs=1, rows=300, ids="solicitud", reasons=True, report=True)
    assert_same_answers(found, expected)
    assert batch_report(found, scorer).rows == 1200


def test_what_dies_every_time_is_given_up(
    scorer: Scorer, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def dying(*_: Any) -> Any:
        tries.append(1)
        raise BrokenProcessPool("killed")

    monkeypatch.setattr(module, "score_partition", dying)
    with pytest.raises(BrokenProcessPool):
        score_joblib(frame, scorer, n_jobs=1)
    assert len(tries) == 4


def test_an_id_of_an_earlier_slice_is_refused(scorer: Scorer, frame: pd.DataFrame) -> None:
    twice = pd.concat([frame.head(3), frame.head(1)])
    assert score_joblib(twice, scorer, n_jobs=1, ids="solicitud")["request_id"].isna().sum() == 1
    with pytest.raises(InvalidFrame, match="1 ids stand in an earlier slice"):
        score_joblib(twice, scorer, n_jobs=1, rows=2, ids="solicitud")


def test_a_frame_without_rows(scorer: Scorer, frame: pd.DataFrame) -> None:
    assert len(score_joblib(frame.iloc[:0], scorer)) == 0
    with pytest.raises(InvalidFrame, match="credito_score"):
        score_joblib(frame.drop(columns="credito_score"), scorer)
