"""Ids of a frame's rows: in the answer and in the log, none missing, none twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad import Scorer
from morosidad.audit import AuditLog, read
from morosidad.errors import InvalidFrame
from morosidad.scoring.frames.ids import RowIds, SeenIds
from support import small_frame


def frame(ids: Any = None) -> pd.DataFrame:
    X = small_frame()[0].head(4)
    return X if ids is None else X.assign(solicitud=pd.Series(ids, index=X.index, dtype=object))


@pytest.mark.parametrize("ids", [["a", "b", "c", "007"], [1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0]])
def test_ids_come_back_and_stand_in_the_log(scorer: Scorer, tmp_path: Any, ids: list[Any]) -> None:
    with AuditLog(tmp_path / "d.jsonl") as audit:
        asked = scorer.with_parts(audit=audit)
        out = asked.score_frame(frame(ids), ids="solicitud")
        again = asked.score_frame(frame(), ids=np.array(ids) if isinstance(ids[0], int) else iter(ids))
    texts = [i if isinstance(i, str) else str(int(i)) for i in ids]
    assert out["request_id"].tolist() == again["request_id"].tolist() == texts
    assert [line.request_id for line in read(tmp_path / "d.jsonl")] == texts * 2
    assert out.drop(columns="request_id").equals(scorer.score_frame(frame()))


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (["a", None, "c", "d"], "row 1.*falta el valor"),
        (["a", "b", "c", float("nan")], "row 3"),
        (["a", "b", "", "d"], "row 2"),
        (["a", "b", "a", "d"], "row 2.*repetido"),
        (["a", "b", "c", b"d"], "row 3.*texto"),
        (["a", "b", "c", "\ud800"], "row 3.*texto"),
        (["a", "b", "c", True], "row 3.*texto"),
        (["a", "x" * 1001, "c", "d"], "row 1.*hasta 1000"),
        (["a", "é" * 1001, "c", "d"], "row 1.*hasta 1000"),
        (["a", 10**5000, "c", "d"], "row 1.*hasta 1000"),
        (["a", "b", "c", 1.5], "row 3.*texto"),
        (["a", "b", "c", np.datetime64("2020-01-01")], "row 3.*texto"),
    ],
)
def test_a_row_without_an_id_of_its_own_is_refused(
    scorer: Scorer, tmp_path: Any, ids: list[Any], why: str
) -> None:
    with pytest.raises(InvalidFrame, match=f"1 of 4 rows.*{why}"):
        scorer.score_frame(frame(ids), ids="solicitud")
    with AuditLog(tmp_path / "d.jsonl") as audit:
        out = scorer.with_parts(audit=audit).score_frame(frame(ids), ids="solicitud", errors="coerce")
    assert out["request_id"].isna().tolist() == out["probability"].isna().tolist()
    assert out["probability"].isna().sum() == 1
    logged = [line.request_id for line in read(tmp_path / "d.jsonl")]
    assert logged == out["request_id"].dropna().tolist()


@pytest.mark.parametrize("ids", ["nada", "ingresos", ["a"], list("abcde")])
def test_ids_that_are_no_ids_of_the_rows_are_refused(scorer: Scorer, ids: Any) -> None:
    with pytest.raises(InvalidFrame):
        scorer.score_frame(frame(list("abcd")), ids=ids)


def test_polars_frames_have_ids_too(scorer: Scorer) -> None:
    polars = pytest.importorskip("polars")
    given_ = polars.from_pandas(frame().reset_index(drop=True)).with_columns(
        polars.Series("solicitud", ["a", "b", None, "d"])
    )
    out = scorer.score_frame(given_, ids="solicitud", errors="coerce")
    assert out["request_id"].to_list() == ["a", "b", None, "d"]


@given(
    st.lists(st.integers(0, 9) | st.sampled_from(["", "x", "y", "1"]) | st.none(), max_size=20),
    st.integers(0, 20),
)
def test_rows_in_pieces_have_the_ids_of_the_whole(ids: list[Any], cut: int) -> None:
    whole, seen = RowIds(ids, "es"), SeenIds()
    pieces = [RowIds(ids[:cut], "es", seen), RowIds(ids[cut:], "es", seen)]
    assert [text for piece in pieces for text in piece.texts] == whole.texts
    kept = [text for text in whole.texts if text is not None]
    assert len(set(kept)) == len(kept)
    assert set(kept) == {str(i) for i in ids if i not in (None, "")}


def test_many_ids_in_pieces_are_told_apart() -> None:
    seen = SeenIds()
    for start in range(0, 20_000, 500):
        assert seen.add([str(n) for n in range(start, start + 500)]).all()
    assert len(seen._runs) < 10
    assert seen.add(["19999", "new", "0", "new"]).tolist() == [False, True, False, False]
    assert seen.add([]).tolist() == []
