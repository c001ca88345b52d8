"""Folds, figures and the choice: judged by scikit-learn and by counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from morosidad import Schema
from morosidad.errors import InvalidFrame, SettingsError
from morosidad.training.candidates.table import FitTask, candidates
from morosidad.training.search.choice import calibrated, choose, options
from morosidad.training.search.figures import measure, sigmoid
from morosidad.training.search.folds import Folds, make_folds
from morosidad.training.search.racing import Data, Run, race
from support import FakeClock, small_frame


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(-1, 1.5, 2000)
    truth = rng.random(2000) < sigmoid(z)
    weights = rng.uniform(0.5, 2, 2000)
    for share in (None, weights):
        found, p = measure(truth, z, share), sigmoid(z)
        assert found.auc == pytest.approx(roc_auc_score(truth, p, sample_weight=share), abs=1e-12)
        assert found.brier == pytest.approx(brier_score_loss(truth, p, sample_weight=share), abs=1e-12)
        assert found.log_loss == pytest.approx(log_loss(truth, p, sample_weight=share), abs=1e-12)
        assert found.gini == 2 * found.auc - 1
        assert found.auc_low < found.auc < found.auc_high
    plain = measure(truth, z)
    assert (plain.slope, plain.intercept) == pytest.approx((1, 0), abs=0.2)
    assert measure(truth, 3 * z).slope == pytest.approx(plain.slope / 3, abs=1e-3)
    assert measure(truth, z + 2).ece > 0.1 > plain.ece


def test_time_goes_forward_and_the_latest_are_a_test() -> None:
    dates = np.repeat(np.arange(50), 6)
    truth = np.arange(300) % 3 == 0
    folds = make_folds(truth, dates=dates)
    assert folds.how == "time"
    assert dates[folds.development].max() < dates[folds.test].min()
    for kept, held in folds.pairs:
        assert dates[kept].max() < dates[held].min()
        assert not set(held) & set(folds.test)


def test_a_group_is_on_one_side() -> None:
    groups = np.repeat([f"g{i}" for i in range(60)], 5)
    truth = np.arange(300) % 3 == 0
    for kept, held in make_folds(truth, groups=groups).pairs:
        assert not set(groups[kept]) & set(groups[held])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"groups": [1] * 60}, "groups: at least 5"),
        ({"groups": [1, 2]}, "60 rows, and 2 values"),
        ({"dates": [1] * 60}, "too few different dates"),
        ({"dates": [None] * 60}, "values are missing"),
        ({"dates": list(range(60)), "groups": [1] * 60}, "can't both"),
    ],
)
def test_rows_that_cannot_be_divided_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidFrame, SettingsError), match=message):
        make_folds(np.arange(60) % 2 == 0, **given)


def made_runs(truth: Any, *log_odds: Any) -> list[Run]:
    return [Run(one, z) for one, z in zip(candidates(), log_odds, strict=False)]


def test_the_best_is_chosen_or_the_simplest_near_it_and_calibrated_where_that_helps() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1.5, 3000)
    truth = rng.random(3000) < sigmoid(z)
    data = Data(pd.DataFrame(index=range(3000)), truth.astype(int), truth)
    folds = make_folds(truth)
    near = z + rng.normal(0, 0.25, 3000)
    found = options(made_runs(truth, near, z))
    assert [len(one.runs) for one in found] == [1, 1, 2]
    assert choose(found, data, "simple").log_odds is near
    assert choose(found, data).log_odds is not near
    assert not calibrated(found[0], data, folds).calibrated
    steep = calibrated(options(made_runs(truth, 3 * z))[0], data, folds)
    assert steep.slope == pytest.approx(1 / 3, abs=0.05)


def raced(**options_: Any) -> list[Run]:
    X, y = small_frame(200)
    data = Data(X, y, y == 1)
    task = FitTask(Schema.infer(X), 200)
    chosen = [one for one in candidates() if one.name in ("splines", "boosting-4")]
    return race(chosen, data, make_folds(y == 1), task, **options_)


def test_a_race_is_the_same_each_time_with_any_number_of_threads() -> None:
    first, second = raced(), raced(n_jobs=2)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.log_odds, other.log_odds)


def test_the_dearest_are_left_when_time_is_short() -> None:
    clock = FakeClock()
    done: list[int] = []

    def advance(number: int) -> None:
        done.append(number)
        clock.advance(1.0)

    runs = raced(time_limit=3.0, clock=clock, advance=advance)
    assert [run.left for run in runs].count("time") == 1
    assert sum(done) == 10


def test_what_is_worse_beyond_doubt_drops_out() -> None:
    from morosidad.training.search.racing import _hopeless

    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 2000)
    truth = rng.random(2000) < sigmoid(z)
    data = Data(pd.DataFrame(index=range(2000)), truth.astype(int), truth)
    runs = made_runs(truth, z, -z)
    assert _hopeless(runs, data, False) == [runs[1]]
    assert isinstance(make_folds(truth), Folds)
