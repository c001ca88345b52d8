"""The figure of a table of cut-offs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad import Policy, Scorer, cutoff_table, plots
from morosidad.languages import words
from morosidad.scoring.cutoffs.table import CutoffTable
from support import small_frame

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def table(trained: tuple[Any, pd.DataFrame]) -> CutoffTable:
    frame, y = small_frame(400, seed=7)
    scorer = Scorer(trained[0], reference=trained[1], policy=Policy(0.3, 0.6))
    return cutoff_table(scorer, frame, y, gain=1.0, loss=3.0, bands=6)


def close(drawn: Any, held: Any) -> bool:
    """Compare numbers that plotly may hold as objects."""
    return np.allclose(np.asarray(drawn, dtype=float), np.asarray(held, dtype=float), equal_nan=True)


def test_it_shows_what_the_table_holds(table: CutoffTable) -> None:
    figure, frame = plots.cutoffs(table), table.frame
    drawn = [trace for trace in figure.data if trace.type == "scatter"]
    lines = [trace for trace in drawn if trace.mode == "lines+markers"]
    for trace, name in zip(lines, ("approval", "bad_rate", "profit"), strict=True):
        assert close(trace.y, frame[name])
    band, *swaps = [trace for trace in figure.data if trace.type == "bar"]
    assert close(band.y, frame["default_rate"])
    defaults_in, others_in, defaults_out, others_out = swaps
    assert close(defaults_in.y + others_in.y, frame["swap_in"])
    assert close(defaults_out.y + others_out.y, -frame["swap_out"])
    assert close(defaults_out.y, -frame["swap_out_defaults"])
    assert close(others_out.base, defaults_out.y)
    best = next(trace for trace in drawn if trace.marker.symbol == "diamond")
    assert best.y == (frame["profit"].max(),)
    present = [trace.y[0] for trace in drawn if trace.mode == "markers"]
    assert present[1:] == [table.present.approval, table.present.bad_rate, table.present.profit]
    assert figure.layout.separators == ",\u202f"


def test_it_speaks_each_language_and_knows_a_dark_page(table: CutoffTable) -> None:
    light, dark = (plots.cutoffs(table, dark=one) for one in (False, True))
    assert light.layout.paper_bgcolor != dark.layout.paper_bgcolor
    for language in ("es", "en", "pt"):
        told = {each.text for each in plots.cutoffs(table, language=language).layout.annotations}
        assert f"<b>{words(language, 'figures')['cutoffs_swaps']}</b>" in told
    with pytest.raises(ValueError, match="language"):
        plots.cutoffs(table, language="fr")  # type: ignore[arg-type]


def test_without_a_profit_there_are_three_pictures(trained: tuple[Any, pd.DataFrame]) -> None:
    frame, y = small_frame(100, seed=7)
    scorer = Scorer(trained[0], reference=trained[1])
    figure = plots.cutoffs(cutoff_table(scorer, frame, y, bands=60))
    assert figure.layout.yaxis3 is not None
    assert "yaxis4" not in figure.to_dict()["layout"]
    assert len(figure.layout.xaxis.tickvals) <= 30
