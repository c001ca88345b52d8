"""A real cluster of Spark on this machine: two executors, the answers of one process, one of them killed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest

import engine_parts
from engine_parts import assert_reasons_of_one, assert_same_answers, scored_by_id
from morosidad import Scorer
from morosidad.engines import batch_report, score_spark
from morosidad.errors import InvalidFrame
from support import PYTHONPATH, needed

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    needed(find_spec("pyspark") is not None, "pyspark")
    needed(shutil.which("java") is not None, "java")
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .config("spark.ui.enabled", "false")
            .config("spark.executorEnv.PYTHONPATH", PYTHONPATH)
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "130")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def given(spark: Any, frame: pd.DataFrame, tmp_path_factory: Any) -> Any:
    """The applicants in four partitions, as files that Spark reads."""
    folder = tmp_path_factory.mktemp("applicants")
    for place in range(4):
        frame.iloc[place * 300 : (place + 1) * 300].to_parquet(folder / f"{place}.parquet", index=False)
    return spark.read.parquet(str(folder)).repartitionByRange(4, "solicitud")


def rows_of(scored: Any) -> list[dict[str, Any]]:
    return [row.asDict(recursive=True) for row in scored.collect()]


def test_spark_answers_as_one_process(
    given: Any, scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    scored = score_spark(given, scorer, ids="solicitud", reasons=True, report=True).persist()
    found = scored_by_id(rows_of(scored), expected)
    known = expected["request_id"].notna()
    assert_same_answers(found, expected[known].reset_index(drop=True))
    assert_reasons_of_one(found, frame[known], scorer)
    assert scored.count() == len(frame)
    report = batch_report(scored, scorer)
    assert (report.rows, report.refused) == (len(frame), int(expected["probability"].isna().sum()))
    assert report.kpis.decisions == expected["outcome"].value_counts().to_dict()
    assert report.drift is not None
    assert report.drift.records == report.rows - report.refused
    scored.unpersist()


def test_the_order_within_a_partition_is_kept(given: Any, scorer: Scorer) -> None:
    ordered = given.sortWithinPartitions("edad", "solicitud")
    asked = [row[0] for row in ordered.select("solicitud").collect()]
    answered = [row["request_id"] for row in score_spark(ordered, scorer, ids="solicitud").collect()]
    assert [name for name in answered if name] == [
        name for name, other in zip(asked, answered, strict=True) if other
    ]


def test_a_killed_executor_loses_and_doubles_nothing(
    given: Any, scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame, tmp_path: Any
) -> None:
    marker = str(tmp_path / "died")
    fragile = given.mapInArrow(engine_parts.Killing(marker), given.schema)
    scored = score_spark(fragile, scorer, ids="solicitud", reasons=True, report=True)
    scored.write.parquet(str(tmp_path / "scored"))
    assert (tmp_path / "died").exists()
    again = given.sparkSession.read.parquet(str(tmp_path / "scored"))
    found = scored_by_id(rows_of(again), expected)
    assert_same_answers(found, expected[expected["request_id"].notna()].reset_index(drop=True))
    report = batch_report(again, scorer)
    assert (report.rows, report.refused) == (len(frame), int(expected["probability"].isna().sum()))


def test_missing_columns_are_refused_at_once(given: Any, scorer: Scorer) -> None:
    with pytest.raises(InvalidFrame, match="credito_score"):
        score_spark(given.drop("credito_score"), scorer)
