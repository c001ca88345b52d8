"""The scale of points: Siddiqi's formula, its limits, and one answer for one probability and for many."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad import Points, Policy
from morosidad.errors import SettingsError
from morosidad.policy.decision import Decision

SCALES = st.builds(
    Points,
    base=st.floats(-1e4, 1e4),
    odds=st.floats(1e-3, 1e3),
    pdo=st.floats(0.1, 1e3),
    higher_is_better=st.booleans(),
    round=st.booleans(),
)


@given(SCALES, st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=100, deadline=None)
def test_the_base_stands_for_the_odds_and_pdo_points_double_them(scale: Points, p: float) -> None:
    exact = Points(scale.base, scale.odds, scale.pdo, scale.higher_is_better, round=False)
    at_base = 1.0 / (1.0 + scale.odds)
    assert exact.of(at_base) == pytest.approx(scale.base, rel=1e-9, abs=1e-6)
    odds = (1.0 - p) / p
    doubled = 1.0 / (1.0 + 2.0 * odds)
    step = scale.pdo if scale.higher_is_better else -scale.pdo
    assert exact.of(doubled) - exact.of(p) == pytest.approx(step, rel=1e-4, abs=1e-4)
    assert scale.of(p) == (round(exact.of(p)) if scale.round else exact.of(p))
    assert type(scale.of(p)) is (int if scale.round else float)


@given(SCALES, st.lists(st.floats(0, 1), max_size=20))
@settings(max_examples=100, deadline=None)
def test_many_probabilities_have_the_points_of_each(scale: Points, chances: list[float]) -> None:
    found = scale.of_many(np.array(chances, dtype=np.float64))
    assert found.tolist() == [float(scale.of(p)) for p in chances]
    assert np.isfinite(found).all()
    assert np.isnan(scale.of_many(np.array([math.nan]))).all()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"pdo": 0}, "pdo"),
        ({"odds": -1.0}, "odds"),
        ({"base": math.inf}, "base"),
        ({"base": "600"}, "base"),
        ({"pdo": True}, "pdo"),
        ({"round": 1}, "round"),
        ({"higher_is_better": None, "odds": math.nan}, "higher_is_better"),
    ],
)
def test_a_scale_that_is_none_is_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Points(**given)


def test_a_policy_holds_its_scale_in_files_and_in_its_digest(tmp_path: Path) -> None:
    policy = Policy(points=Points(base=500, odds=19, pdo=50, higher_is_better=False))
    policy.save(tmp_path / "politica.json")
    assert Policy.load(tmp_path / "politica.json") == policy
    (tmp_path / "p.yaml").write_text("points: {base: 500, odds: 19, pdo: 50, higher_is_better: false}\n")
    assert Policy.load(tmp_path / "p.yaml").digest == policy.digest
    assert len({policy.digest, Policy().digest, Policy(points=Points()).digest}) == 3
    assert "points" not in Policy().to_dict()
    (tmp_path / "bad.json").write_text('{"points": {"pdo": -1}}')
    with pytest.raises(SettingsError, match="pdo"):
        Policy.load(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text('{"points": {"pod": 1}}')
    with pytest.raises(SettingsError, match="pod"):
        Policy.load(tmp_path / "bad.json")
    with pytest.raises(SettingsError, match="points"):
        Policy(points=600)  # type: ignore[arg-type]


def test_a_notebook_shows_the_points() -> None:
    decision = Decision(0, (0.9, 0.1), 0.9, "aprobar", points=612)
    assert "puntos <b>612</b>" in decision._repr_html_()
    assert "puntos" not in Decision(0, (0.9, 0.1), 0.9, "aprobar")._repr_html_()
