"""Cells that are missing in one way or another, and which of them a model tells apart."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from morosidad.frames.absent import way_of, ways_of
from morosidad.frames.compatibility import arrow_text
from morosidad.frames.layout import ColumnLayout, FrameLayout
from morosidad.frames.unusual_missing import unusual_cells
from support import needed


def test_the_ways_of_being_missing() -> None:
    assert [way_of(value) for value in (None, float("nan"), pd.NA, pd.NaT)] == ["none", "nan", "na", "nan"]


@pytest.mark.parametrize(
    ("cells", "usual", "several"),
    [
        (["a"], "nan", False),
        (["a", None, None, np.nan], "none", True),
        (["a", None, np.nan], "nan", True),
        ([pd.NA, pd.NA, "a"], "na", False),
    ],
)
def test_the_usual_way_of_a_column(cells: list[object], usual: str, several: bool) -> None:
    assert ways_of(pd.Series(cells, dtype=object)) == (usual, several)


def layout(absent: str, distinguishes: bool) -> FrameLayout:
    column = ColumnLayout("t", "t", "object", absent=absent, distinguishes=distinguishes)  # type: ignore[arg-type]
    return FrameLayout((column, ColumnLayout("n", "n", "float64")))


@pytest.mark.parametrize(
    ("absent", "told", "expected"),
    [
        ("nan", True, [False, True, False, True]),
        ("none", True, [False, False, True, True]),
        ("nan", False, [False, False, False, True]),  # of pandas' NA few steps know
        ("na", False, [False, False, False, False]),
    ],
)
def test_cells_that_are_missing_otherwise(absent: str, told: bool, expected: list[bool]) -> None:
    cells = pd.Series(["a", None, float("nan"), pd.NA], dtype=object)
    for name in ("t", "otro"):
        frame = pd.DataFrame({name: cells, "n": [1.0, None, 2.0, 3.0]})
        found = unusual_cells(frame, layout(absent, told), {"t": ("otro",)})
        assert found.get("t", np.zeros(4, bool)).tolist() == expected


@pytest.mark.parametrize("kind", ["category", "text"])
def test_a_column_of_another_type_has_no_none(kind: str) -> None:
    needed(kind == "category" or find_spec("pyarrow") is not None, "pyarrow")
    frame = pd.DataFrame({"t": pd.Series(["a", None]).astype(arrow_text() if kind == "text" else kind)})
    assert unusual_cells(frame, layout("none", True), {})["t"].tolist() == [False, True]
    assert unusual_cells(frame, layout("nan", True), {}) == {}
    assert unusual_cells(frame, layout("none", False), {}) == {}
    assert unusual_cells(pd.DataFrame({"n": [1.0]}), layout("none", True), {}) == {}
