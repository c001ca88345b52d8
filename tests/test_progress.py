"""Bars of progress: shown where that was asked for, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from morosidad import Scorer
from morosidad.progress import watched
from support import small_frame, small_pipeline


def made(shown: bool) -> Scorer:
    X, y = small_frame(60)
    return Scorer(small_pipeline(X, y), reference=X, progress=shown)


def many(shown: bool) -> Any:
    return Scorer.default().score_many([{"edad": 41}] * 3, progress=shown)


def frame(shown: bool) -> Any:
    X, y = small_frame(60)
    return Scorer(small_pipeline(X, y), reference=X).score_frame(X, progress=shown)


@pytest.mark.parametrize("work", [made, many, frame])
def test_a_bar_is_shown_where_it_was_asked_for(
    work: Callable[[bool], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    work(False)
    assert capsys.readouterr().err == ""
    work(True)
    assert "100%" in capsys.readouterr().err


def test_items_are_the_same_with_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    items = [3, 1, 2]
    assert watched(items, False) is items
    assert list(watched(items, True, "filas")) == items
    assert "filas" in capsys.readouterr().err
