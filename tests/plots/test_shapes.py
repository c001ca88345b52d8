"""The picture of a model's shapes: that it shows the contributions and the observed rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from morosidad import Policy, Scorer, plots
from support import small_frame

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def known(trained: tuple[Any, pd.DataFrame]) -> tuple[Scorer, pd.DataFrame, Any]:
    frame, y = small_frame(400, seed=7)
    return Scorer(trained[0], reference=trained[1], policy=Policy(0.3, 0.6)), frame, y


def test_each_field_has_its_effect_and_its_observed_rate(known: tuple[Scorer, pd.DataFrame, Any]) -> None:
    scorer, frame, y = known
    figure = plots.shapes(scorer, frame, y, bins=6)
    order = scorer.importance(frame).index.tolist()
    explained = scorer.explain_frame(frame)
    for place, name in enumerate(order):
        effect, sizes, rate = figure.data[3 * place : 3 * place + 3]
        assert sum(sizes.y) == len(frame)
        counts = np.array(sizes.y)
        assert (np.array(effect.y) * counts).sum() == pytest.approx(explained[name].sum())
        assert (np.array(rate.y) * counts).sum() == pytest.approx(y.sum())
    modes = {name: figure.data[3 * place + 2].mode for place, name in enumerate(order)}
    assert modes == {"ingresos": "lines+markers", "moras": "lines+markers", "empleo": "markers"}
    jobs = figure.data[3 * order.index("empleo") + 2]
    assert all(np.isnan(figure.data[3 * order.index("empleo")].error_y.array))  # one effect for each level
    shown = dict(zip(jobs.customdata, jobs.y, strict=True))
    assert shown["libre"] == pytest.approx(y[frame["empleo"] == "libre"].mean())
    assert shown["sin dato"] == pytest.approx(y[frame["empleo"].isna()].mean())


def test_it_is_drawn_for_dark_pages_few_fields_and_other_languages(
    known: tuple[Scorer, pd.DataFrame, Any],
) -> None:
    scorer, frame, y = known
    light = plots.shapes(scorer, frame, y, top=1)
    dark = plots.shapes(scorer, frame, y, top=1, dark=True, language="en", scale="probability")
    assert len(light.data) == len(dark.data) == 3
    assert light.layout.paper_bgcolor != dark.layout.paper_bgcolor
    texts = [note.text for note in dark.layout.annotations]
    assert "effect on the probability of default" in texts


def test_booleans_large_numbers_and_many_categories_have_short_names() -> None:
    rng = np.random.default_rng(0)
    n = 600
    frame = pd.DataFrame(
        {
            "titular": rng.random(n) < 0.5,
            "renta": rng.lognormal(17, 1, n),
            "ciudad": rng.choice([f"una ciudad llamada {i}" for i in range(20)], n),
        }
    )
    y = (rng.random(n) < 0.3).astype(int)
    figure = plots.shapes(Scorer.train(frame, y, model="logistic"), frame, y)
    ticks = {text for axis in ("xaxis", "xaxis3", "xaxis5") for text in figure.layout[axis].ticktext}
    assert {"sí", "no", "otras 8"} <= ticks
    assert max(map(len, ticks)) <= 14


def test_answers_for_other_applicants_are_refused(known: tuple[Scorer, pd.DataFrame, Any]) -> None:
    scorer, frame, y = known
    with pytest.raises(ValueError, match="one answer for each applicant"):
        plots.shapes(scorer, frame, y[:-1])
