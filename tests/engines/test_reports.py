"""What the workers counted is merged once, and only where all of it is there."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import pytest

from engine_parts import assert_same_report
from morosidad import KPITracker, Policy, Scorer
from morosidad.engines import batch_report, score_ray
from morosidad.engines.carried import CarriedModel
from morosidad.engines.counted import counting
from morosidad.engines.partitions import Wanted, as_frame, score_partition
from morosidad.errors import InvalidFrame, MissingExtra

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def scored(scorer: Scorer, frame: pd.DataFrame, size: int = 400) -> Any:
    carried, wanted = CarriedModel(scorer), Wanted("solicitud", report=True)
    parts = [frame.iloc[start : start + size] for start in range(0, len(frame), size)]
    return pa.concat_tables([score_partition(part, carried, wanted) for part in parts])


def test_without_ray_the_extra_is_named(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[ray\]"):
        score_ray(None, scorer)


def test_it_counts_as_the_parts_of_one_scorer(scorer: Scorer, frame: pd.DataFrame) -> None:
    report = batch_report(scored(scorer, frame), scorer)
    alone = counting(scorer)
    out = alone.score_frame(frame, ids="solicitud", errors="coerce")
    kpis, drift = alone.parts["kpis"], alone.parts["drift"]
    assert isinstance(kpis, KPITracker)
    assert drift is not None
    assert (report.rows, report.refused) == (1200, int(out["probability"].isna().sum()))
    assert report.kpis.decisions == kpis.lifetime().decisions
    assert report.kpis.scores == kpis.lifetime().scores
    assert report.drift == drift.report()
    assert report.drift.records == report.rows - report.refused
    assert report.kpis.decisions == out["outcome"].value_counts().to_dict()


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_every_kind_of_frame_is_read(scorer: Scorer, frame: pd.DataFrame, kind: str) -> None:
    table = scored(scorer, frame)
    report = batch_report(table, scorer)
    if kind == "polars":
        given: Any = pytest.importorskip("polars", reason="polars is not installed").from_arrow(table)
    else:
        given = as_frame(table) if kind == "pandas" else table
    assert_same_report(batch_report(given, scorer), report)


def test_it_is_read_again_from_a_file(scorer: Scorer, frame: pd.DataFrame, tmp_path: Any) -> None:
    found = as_frame(scored(scorer, frame))
    found.to_parquet(tmp_path / "d.parquet")
    again = pd.read_parquet(tmp_path / "d.parquet", dtype_backend="pyarrow")
    assert_same_report(batch_report(again, scorer), batch_report(found, scorer))


def test_rows_that_are_missing_or_doubled_are_noticed(scorer: Scorer, frame: pd.DataFrame) -> None:
    table = scored(scorer, frame)
    with pytest.raises(InvalidFrame, match="800 rows were counted, and 1199 are there"):
        batch_report(table.slice(1), scorer)
    with pytest.raises(InvalidFrame, match="1200 rows were counted, and 1100 are there"):
        batch_report(table.slice(0, 1100), scorer)
    with pytest.raises(InvalidFrame, match="1600 rows were counted, and 1201 are there"):
        batch_report(pa.concat_tables([table, table.slice(0, 1)]), scorer)


def test_what_another_model_counted_is_refused(scorer: Scorer, frame: pd.DataFrame) -> None:
    other = Scorer.default(policy=Policy(review_at=0.01, decline_at=0.02))
    with pytest.raises(InvalidFrame, match="another model has scored this frame"):
        batch_report(scored(scorer, frame), other)


@pytest.mark.parametrize("cell", [b"", b"\x00", "text".encode("utf-16")])
def test_what_are_no_counts_is_refused(scorer: Scorer, cell: bytes) -> None:
    with pytest.raises(InvalidFrame, match="holds no counts"):
        batch_report(pa.table({"counts": pa.array([cell], pa.binary())}), scorer)


def test_without_the_column_it_says_how_to_get_it(scorer: Scorer, frame: pd.DataFrame) -> None:
    with pytest.raises(InvalidFrame, match="report=True"):
        batch_report(frame, scorer)


def test_a_frame_without_rows_has_an_empty_report(scorer: Scorer, frame: pd.DataFrame) -> None:
    table = score_partition(frame.iloc[:0], CarriedModel(scorer), Wanted(report=True))
    report = batch_report(table, scorer)
    assert (report.rows, report.refused, report.kpis.total, report.kpis.seconds) == (0, 0, 0, 0.0)


def test_a_model_without_a_reference_has_no_drift(trained: Any) -> None:
    bare = Scorer.default()
    bare._path._active.model.__dict__["drift_reference"] = None
    assert bare.drift_reference is None
    assert counting(bare).parts["drift"] is None
