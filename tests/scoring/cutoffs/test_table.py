"""`cutoff_table`: against pandas' groups, scikit-learn's counts and the outcomes of real policies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from sklearn.metrics import confusion_matrix, roc_curve

from morosidad import Policy, Rule, Scorer, cutoff_table
from morosidad.errors import InvalidFrame, SettingsError
from support import small_frame

X, Y = small_frame()
WEIGHTS = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
RULES = (
    Rule("moras > 2", "rechazar", "K1", stage="before"),
    Rule("outcome == 'rechazar' and ingresos > 2000", "aprobar", "A1", final=True),
    Rule("outcome == 'aprobar' and ingresos < 600", "revisar", "P1"),
)


@pytest.fixture(scope="module")
def ruled(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return Scorer(trained[0], reference=trained[1], policy=Policy(0.3, 0.6, rules=RULES))


def test_bands_are_those_of_pandas(scorer: Scorer) -> None:
    table = cutoff_table(scorer, X, Y, sample_weight=WEIGHTS, bands=7)
    frame, p = table.frame, scorer.predict_proba(X)[:, 1]
    edges = [*frame["low"], 1.0 + 1e-9]
    groups = pd.DataFrame({"w": WEIGHTS, "bad": WEIGHTS * Y}).groupby(
        pd.cut(p, edges, right=False), observed=False
    )
    judged = groups.sum()
    assert frame["number"].tolist() == judged["w"].tolist()
    assert frame["defaults"].tolist() == judged["bad"].tolist()
    assert np.allclose(frame["default_rate"], judged["bad"] / judged["w"])
    assert np.allclose(frame["approval"], judged["w"].cumsum() / WEIGHTS.sum())
    assert np.allclose(frame["bad_rate"], judged["bad"].cumsum() / judged["w"].cumsum())
    assert len(frame) == 7
    assert (table.number, table.unscored) == (WEIGHTS.sum(), 0.0)
    assert frame["number"].min() > WEIGHTS.sum() / 10
    assert (frame.dtypes == np.float64).all()
    assert frame["cutoff"].tolist() == [*frame["low"][1:], 1.0]


def test_every_cutoff_counts_as_scikit_learn_does(scorer: Scorer) -> None:
    p = scorer.predict_proba(X)[:, 1]
    caught_in_vain, caught, cuts = roc_curve(Y, p, drop_intermediate=False)
    inside = (cuts < 1.0) & (cuts > 0.0)
    frame = cutoff_table(scorer, X, Y, cutoffs=cuts[inside][::5]).frame.iloc[:-1]
    good, bad = (Y == 0).sum(), Y.sum()
    expected = (1 - caught_in_vain[inside][::5]) * good + (1 - caught[inside][::5]) * bad
    assert np.allclose(frame["approved"], expected[::-1])
    for cut, row in zip(frame["cutoff"], frame.itertuples(), strict=True):
        negative, _, missed, _ = confusion_matrix(Y, p >= cut).ravel()
        assert row.approved == negative + missed
        assert row.bad_rate == pytest.approx(missed / (negative + missed))


@pytest.mark.parametrize("against", [None, Policy(0.2, 0.4), Policy(0.5, 0.5, rules=RULES[2:])])
def test_rules_count_and_swaps_are_those_of_real_outcomes(ruled: Scorer, against: Policy | None) -> None:
    table = cutoff_table(ruled, X, Y, against=against, bands=5, gain=1.0, loss=3.0, sample_weight=WEIGHTS)
    now = approved_by(ruled, ruled.policy if against is None else against)
    value = WEIGHTS * np.where(Y, -3.0, 1.0)
    for row in table.frame.itertuples():
        then = approved_by(ruled, replace(ruled.policy, review_at=row.cutoff, decline_at=row.cutoff))
        judged = [
            WEIGHTS[then].sum(),
            WEIGHTS[then].sum() / WEIGHTS.sum(),
            (WEIGHTS * Y)[then].sum() / WEIGHTS[then].sum(),
            WEIGHTS[then & ~now].sum(),
            (WEIGHTS * Y)[then & ~now].sum(),
            WEIGHTS[now & ~then].sum(),
            (WEIGHTS * Y)[now & ~then].sum(),
            value[then].sum(),
        ]
        names = ["approved", "approval", "bad_rate", "swap_in", "swap_in_defaults", "swap_out"]
        found = [getattr(row, name) for name in (*names, "swap_out_defaults", "profit")]
        assert np.allclose(found, judged)
    present = table.present
    assert present.approved == WEIGHTS[now].sum()
    assert present.bad_rate == pytest.approx((WEIGHTS * Y)[now].sum() / WEIGHTS[now].sum())
    assert present.profit == pytest.approx(value[now].sum())
    assert table.unscored == WEIGHTS[X["moras"] > 2].sum() > 0
    assert table.frame["number"].sum() + table.unscored == table.number


def approved_by(scorer: Scorer, policy: Policy) -> Any:
    return (scorer.score_frame(X, policy=policy)["outcome"] == "aprobar").to_numpy()


def test_a_present_policy_that_approves_nobody_has_no_bad_rate(scorer: Scorer) -> None:
    table = cutoff_table(scorer, X, Y, against=Policy(0.0, 0.0), bands=1)
    assert (table.present.approved, table.present.profit) == (0.0, None)
    assert np.isnan(table.present.bad_rate)
    assert table.frame["swap_in"].tolist() == [len(X)]
    assert "profit" not in table.frame


def test_applicants_with_one_probability_stay_together(scorer: Scorer) -> None:
    same = X.iloc[[0] * 20 + [1] * 3]
    frame = cutoff_table(scorer, same, Y[[0] * 20 + [1] * 3], bands=10).frame
    assert frame["number"].tolist() in ([20.0, 3.0], [3.0, 20.0])


def test_a_band_without_applicants_has_no_rate(scorer: Scorer) -> None:
    frame = cutoff_table(scorer, X, Y, cutoffs=[0.0, 1e-9, 0.5, 1.0]).frame
    assert frame["cutoff"].tolist() == [1e-9, 0.5, 1.0]
    assert frame["number"].iloc[0] == 0
    assert frame[["default_rate", "bad_rate"]].iloc[0].isna().all()


def test_it_is_shown_as_text_and_html(scorer: Scorer) -> None:
    table = cutoff_table(scorer, X, Y, bands=2)
    assert "swap_out" in str(table)
    assert table._repr_html_().startswith("<table")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": 0}, "bands: a whole number from 1"),
        ({"bands": 2.5}, "bands: a whole number from 1"),
        ({"cutoffs": [1.5]}, "cutoffs: from 1 to 10000 numbers"),
        ({"cutoffs": []}, "cutoffs: from 1 to 10000 numbers"),
        ({"cutoffs": ["a"]}, "cutoffs: from 1 to 10000 numbers"),
        ({"gain": 1.0}, "gain and loss: both, or neither"),
    ],
)
def test_what_is_asked_is_checked(scorer: Scorer, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        cutoff_table(scorer, X, Y, **options)


def test_labels_and_rows_are_checked(scorer: Scorer) -> None:
    with pytest.raises(InvalidFrame, match="1 of 300 labels are missing"):
        cutoff_table(scorer, X, [np.nan, *Y[1:]])
    with pytest.raises(InvalidFrame, match="of 300 rows do not fit the schema"):
        cutoff_table(scorer, X.assign(moras="x"), Y)
