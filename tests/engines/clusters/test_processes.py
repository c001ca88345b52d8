"""Real processes of joblib and of Dask: the answers of one process, also when a worker is killed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest

import engine_parts
from engine_parts import assert_reasons_of_one, assert_same_answers
from morosidad import Scorer
from morosidad.engines import batch_report, score_dask, score_joblib
from morosidad.engines import joblib as joblib_module
from support import PYTHONPATH, needed

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    needed(find_spec("distributed") is not None, "dask.distributed")
    import dask
    from distributed import Client, LocalCluster

    with (
        pytest.MonkeyPatch.context() as patched,
        dask.config.set({"distributed.comm.timeouts.connect": "120s"}),
    ):
        patched.setenv("PYTHONPATH", PYTHONPATH)
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def test_dask_answers_as_one_process(
    client: Any, scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    import dask.dataframe as dd

    given = dd.from_pandas(frame, npartitions=7)
    found = score_dask(given, scorer, ids="solicitud", reasons=True, report=True).compute()
    assert_same_answers(found, expected)
    assert_reasons_of_one(found, frame, scorer)
    assert found.index.equals(frame.index)
    assert batch_report(found, scorer).rows == len(frame)
    assert set(client.run(engine_parts.loaded_scorers).values()) == {1}


def test_a_killed_worker_of_dask_loses_and_doubles_nothing(
    client: Any, scorer: Scorer, expected: pd.DataFrame, tmp_path: Any
) -> None:
    import dask.dataframe as dd

    marker = str(tmp_path / "died")
    deaths = [marker if place == 3 else "" for place in range(6)]
    meta = engine_parts.part_of(0, 6).iloc[:0]
    parts = dd.from_map(engine_parts.part_of, range(6), [6] * 6, deaths, meta=meta)
    scored = score_dask(parts, scorer, ids="solicitud", reasons=True, report=True)
    found = scored.compute()
    assert (tmp_path / "died").exists()
    assert_same_answers(found, expected)
    report = batch_report(found, scorer)
    assert (report.rows, report.refused) == (len(expected), int(expected["probability"].isna().sum()))


def test_a_killed_process_of_joblib_loses_and_doubles_nothing(
    scorer: Scorer,
    frame: pd.DataFrame,
    expected: pd.DataFrame,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    marker = str(tmp_path / "died")
    monkeypatch.setattr(joblib_module, "score_partition", engine_parts.FragileScoring(marker))
    found = score_joblib(frame, scorer, n_jobs=2, rows=200, ids="solicitud", reasons=True, report=True)
    assert (tmp_path / "died").exists()
    assert_same_answers(found, expected)
    assert batch_report(found, scorer).rows == len(frame)
