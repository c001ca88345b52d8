"""A real cluster of Ray on this machine: two workers, the answers of one process, one of them killed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest

import engine_parts
from engine_parts import assert_reasons_of_one, assert_same_answers
from morosidad import Scorer
from morosidad.engines import batch_report, score_ray
from morosidad.errors import InvalidFrame
from support import PYTHONPATH, needed

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]  # those of Ray are its own


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    needed(find_spec("ray") is not None, "ray")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        import ray.data

        ray.init(
            num_cpus=2,
            object_store_memory=100 * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": PYTHONPATH}},
        )
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        yield ray
        ray.shutdown()


def test_ray_answers_as_one_process(
    ray: Any, scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    given = ray.data.from_pandas([frame.iloc[place : place + 200] for place in range(0, len(frame), 200)])
    scored = score_ray(given, scorer, ids="solicitud", reasons=True, report=True).materialize()
    found = scored.to_pandas()
    assert_same_answers(found, expected)
    assert_reasons_of_one(found, frame, scorer)
    report = batch_report(scored, scorer)
    assert (report.rows, report.refused) == (len(frame), int(expected["probability"].isna().sum()))
    with pytest.raises(InvalidFrame, match="edad"):
        score_ray(given.drop_columns(["edad"]), scorer)


def test_a_killed_worker_of_ray_loses_and_doubles_nothing(
    ray: Any, scorer: Scorer, expected: pd.DataFrame, tmp_path: Any
) -> None:
    marker = str(tmp_path / "died")

    def part(batch: pd.DataFrame) -> pd.DataFrame:
        place = int(batch["id"].iloc[0])
        return engine_parts.part_of(place, 6, marker if place == 3 else "")

    parts = ray.data.range(6, override_num_blocks=6)
    parts = parts.map_batches(part, batch_size=None, batch_format="pandas")
    scored = score_ray(parts, scorer, ids="solicitud", report=True).materialize()
    assert (tmp_path / "died").exists()
    assert_same_answers(scored.to_pandas(), expected.drop(columns="reasons"))
    assert batch_report(scored, scorer).rows == len(expected)
