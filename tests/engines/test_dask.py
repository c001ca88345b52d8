"""A frame of Dask in one process; with workers of their own in `test_clusters`."""

from __future__ import annotations

import sys
from typing import Any

import dask
import pandas as pd
import pytest

from engine_parts import assert_same_answers, assert_same_report
from morosidad import Scorer
from morosidad.engines import batch_report, score_dask, score_joblib
from morosidad.errors import InvalidFrame, MissingExtra

dd = pytest.importorskip("dask.dataframe", reason="Dask's data frames are not installed")


@pytest.fixture(autouse=True)
def in_this_thread() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def test_the_answers_are_those_of_one_process(
    scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    given = frame.set_index(frame.index * 3 + 1)
    scored = score_dask(
        dd.from_pandas(given, npartitions=5), scorer, ids="solicitud", reasons=True, report=True
    )
    found = scored.compute()
    assert_same_answers(found, expected)
    assert found.index.equals(given.index)
    assert scored.dtypes.astype(str).equals(found.dtypes.astype(str))
    assert scored.divisions == dd.from_pandas(given, npartitions=5).divisions
    alone = score_joblib(frame, scorer, n_jobs=1, ids="solicitud", report=True)
    for one in (scored, scored.persist(), scored.repartition(npartitions=2), found):
        assert_same_report(batch_report(one, scorer), batch_report(alone, scorer))


def test_the_same_model_and_frame_have_the_same_name(scorer: Scorer, frame: pd.DataFrame) -> None:
    given = dd.from_pandas(frame, npartitions=2)
    assert score_dask(given, scorer)._name == score_dask(given, Scorer.default())._name
    assert score_dask(given, scorer)._name != score_dask(given, Scorer.default(language="en"))._name


def test_missing_columns_are_refused_at_once(scorer: Scorer, frame: pd.DataFrame) -> None:
    with pytest.raises(InvalidFrame, match="credito_score"):
        score_dask(dd.from_pandas(frame.drop(columns="credito_score"), npartitions=2), scorer)


def test_without_dask_its_extra_is_named(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[dask\]"):
        score_dask(None, scorer)
