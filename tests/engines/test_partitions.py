"""A frame in parts is answered as the whole frame, to the last bit, wherever it is cut."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_parts import assert_reasons_of_one, assert_same_answers, assert_same_report
from morosidad import Points, Policy, Rule, Scorer
from morosidad.engines import batch_report
from morosidad.engines.carried import CarriedModel
from morosidad.engines.partitions import Wanted, as_frame, score_partition
from morosidad.errors import InvalidFrame, MissingExtra
from morosidad.scoring.frames.ids import SeenIds
from scoring_parts import neighbours, scorer_with
from support import small_frame

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

RULES = Policy(
    rules=(
        Rule("moras > 3", outcome="rechazar", code="P1", text="muchas moras"),
        Rule("ingresos < 600", outcome="revisar", code="P2", text="pocos ingresos"),
    )
)


def small_scorers() -> dict[str, Scorer]:
    X, y = small_frame()
    from support import small_pipeline

    trained = small_pipeline(X, y), X
    with pytest.warns(UserWarning, match="not compiled"):
        slow = Scorer(neighbours(*small_frame()), reference=X)
    return {
        "compiled": scorer_with(trained),
        "rules": scorer_with(trained, policy=RULES, language="en"),
        "points": scorer_with(trained, policy=Policy(points=Points(round=False), rules=RULES.rules)),
        "whole points": scorer_with(trained, policy=Policy(points=Points())),
        "not compiled": slow,
    }


@pytest.fixture(scope="module")
def scorers() -> dict[str, Scorer]:
    return small_scorers()


cells = {
    "ingresos": st.sampled_from([None, -1.0, 300.0, 900.5, float("inf"), 1e6]),
    "empleo": st.sampled_from([None, "fijo", "libre", "otro", "nadie sabe"]),
    "moras": st.sampled_from([None, 0, 1, 4, 9, 2.5]),
}
rows = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=12)


def in_parts(scorer: Scorer, parts: list[Any], wanted: Wanted) -> Any:
    carried = CarriedModel(scorer)
    tables = [score_partition(part, carried, wanted) for part in parts]
    assert all(table.schema == wanted.schema(scorer) for table in tables)
    return pa.concat_tables(tables)


@pytest.mark.parametrize("name", ["compiled", "rules", "points", "whole points", "not compiled"])
@settings(max_examples=15)
@given(rows=rows, cuts=st.lists(st.integers(0, 12), max_size=3), reasons=st.booleans())
def test_parts_are_answered_as_the_whole(
    scorers: dict[str, Scorer], name: str, rows: Any, cuts: Any, reasons: Any
) -> None:
    scorer, frame = scorers[name], pd.DataFrame(rows)
    expected = scorer.score_frame(frame, reasons=reasons, errors="coerce")
    edges = [0, *sorted(cuts), len(frame)]
    parts = [frame.iloc[a:b] for a, b in pairwise(edges)]
    wanted = Wanted(reasons=reasons, report=True)
    table = in_parts(scorer, parts, wanted)
    assert_same_answers(as_frame(table), expected)
    whole = in_parts(scorer, [frame], wanted)
    assert_same_report(batch_report(table, scorer), batch_report(whole, scorer))


@settings(max_examples=15)
@given(rows=rows, cut=st.integers(0, 12))
def test_parts_over_arrow_are_answered_as_the_whole(scorers: dict[str, Scorer], rows: Any, cut: int) -> None:
    scorer = scorers["compiled"]
    rows = [{**row, "moras": None if row["moras"] in (None, 2.5) else int(row["moras"])} for row in rows]
    kinds = pa.schema([("ingresos", pa.float64()), ("empleo", pa.string()), ("moras", pa.int32())])
    table = pa.Table.from_pylist(rows, schema=kinds)
    parts = [table.slice(0, cut), table.slice(cut)]
    found = in_parts(scorer, parts, Wanted(reasons=True))
    assert_same_answers(
        as_frame(found), scorer.score_frame(pd.DataFrame(rows), reasons=True, errors="coerce")
    )


def test_large_integers_stay_what_they_are_beside_missing_ones() -> None:
    table = pa.table(
        {"n": pa.array([2**62 + 1, None, 3], pa.int64()), "u": pa.array([2**63 + 1, None, 3], pa.uint64())}
    )
    from morosidad.engines.partitions import _frame

    assert _frame(table)["n"][0] == 2**62 + 1
    assert _frame(table)["u"][0] == 2**63 + 1


def test_every_column_and_the_reasons_of_one(
    scorer: Scorer, frame: pd.DataFrame, expected: pd.DataFrame
) -> None:
    parts = [frame.iloc[start : start + 500] for start in range(0, len(frame), 500)]
    found = as_frame(in_parts(scorer, parts, Wanted("solicitud", reasons=True)), frame.index)
    assert_same_answers(found, expected)
    assert_reasons_of_one(found, frame, scorer)
    assert found.dtypes.astype(str).drop(["request_id", "warnings", "reasons", "error"]).to_dict() == {
        "probability": "float64",
        "label": "Int8",
        "confidence": "float64",
        "outcome": "category",
    }
    assert "edad" in found["error"][3]
    assert found["error"][5].startswith("request_id: ")


def test_an_id_that_came_before_in_the_partition_is_refused(scorer: Scorer, frame: pd.DataFrame) -> None:
    carried, seen = CarriedModel(scorer), SeenIds()
    first = frame.head(3)
    assert score_partition(first, carried, Wanted("solicitud"), seen=seen)["error"].to_pylist() == [None] * 3
    again = score_partition(first.head(1), carried, Wanted("solicitud"), seen=seen).to_pylist()[0]
    assert (again["request_id"], again["probability"]) == (None, None)
    assert again["error"].startswith("request_id: ")


def test_no_rows_have_the_same_columns(scorer: Scorer, frame: pd.DataFrame) -> None:
    wanted = Wanted("solicitud", reasons=True, report=True)
    assert in_parts(scorer, [frame.iloc[:0]], wanted).num_rows == 0


def test_missing_columns_are_refused_before_anything_is_sent(scorer: Scorer, frame: pd.DataFrame) -> None:
    with pytest.raises(InvalidFrame, match="credito_score"):
        Wanted().check(scorer, frame.iloc[:0].drop(columns="credito_score"))
    with pytest.raises(InvalidFrame, match="one column of ids"):
        Wanted("numero").check(scorer, frame.iloc[:0])
    with pytest.raises(InvalidFrame, match="name of a column"):
        Wanted(["a"]).check(scorer, frame.iloc[:0])  # type: ignore[arg-type]
    Wanted(missing_columns="ignore").check(scorer, frame.iloc[:0].drop(columns="credito_score"))


def test_without_pyarrow_its_extra_is_named(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[parquet\]"):
        Wanted().schema(scorer)


def test_reasons_that_show_values_travel_with_them(frame: pd.DataFrame) -> None:
    scorer = Scorer.default(policy=Policy(show_values=True))
    clean = frame.drop(columns="solicitud").iloc[6:20]
    found = as_frame(in_parts(scorer, [clean], Wanted(reasons=True)))
    assert_reasons_of_one(found, clean, scorer)
    assert any(reason["value"] for cell in found["reasons"] for reason in cell)


def test_without_reasons_of_its_own_a_model_gives_empty_ones(scorers: dict[str, Scorer]) -> None:
    frame = pd.DataFrame({"ingresos": [900.0], "empleo": ["fijo"], "moras": [1]})
    table = in_parts(scorers["not compiled"], [frame], Wanted(reasons=True))
    assert table["reasons"].to_pylist() == [[]]
    assert np.isfinite(table["probability"].to_pylist()[0])
