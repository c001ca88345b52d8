"""Cut-offs chosen from labelled rows, against a plain search over every cut-off and pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from morosidad import Policy, Rule, Scorer
from morosidad.errors import InvalidFrame, SettingsError
from morosidad.policy.choosing.groups import ScoreGroups
from morosidad.policy.choosing.labelled import LabelledRows, labelled_probabilities

RNG = np.random.default_rng(7)
P = np.round(RNG.random(400) ** 2, 3)
Y = RNG.random(400) < P


def replace(policy: Policy, **changes: Any) -> Policy:
    """Make a policy anew: msgspec's own replacement checks nothing before version 0.19."""
    return Policy(**{**asdict(policy), **changes})


def curve(p: Any, y: Any, w: Any) -> pd.DataFrame:
    """Reckon each cut-off between distinct probabilities with pandas: those below it are approved."""
    frame = pd.DataFrame({"p": p, "w": w, "bad": w * y})
    by = frame.groupby("p").sum().cumsum()
    by["bad_rate"], by["approval"] = by["bad"] / by["w"], by["w"] / np.sum(w)
    by["profit"] = (by["w"] - by["bad"]) * 1.0 - by["bad"] * 4.0
    return by[(by.index < 1.0) & (by["w"] > 0)]


ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.30000001, 0.7, 1.0]), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=25,
).filter(lambda rows: any(w for _, _, w in rows))


@settings(max_examples=80)
@given(ROWS, st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_the_most_are_approved_that_the_bad_rate_allows(rows: list[Any], rate: float) -> None:
    p, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    good = curve(p, y, w).query("bad_rate <= @rate + 1e-9")
    if good.empty:
        with pytest.raises(SettingsError, match=r"can't be reached|nobody can be approved"):
            Policy.for_bad_rate(rate, p=p, y=y, sample_weight=w, resamples=0)
        return
    policy = Policy.for_bad_rate(rate, p=p, y=y, sample_weight=w, resamples=0)
    chosen = policy.chosen
    assert chosen is not None
    assert chosen.approval == pytest.approx(good["approval"].max())
    approved = p < policy.review_at
    assert w[approved].sum() / w.sum() == pytest.approx(chosen.approval)
    assert (w * y)[approved].sum() / w[approved].sum() == pytest.approx(chosen.bad_rate)
    assert chosen.bad_rate is not None
    assert chosen.bad_rate <= rate + 1e-9


@settings(max_examples=60)
@given(ROWS, st.sampled_from([0.2, 0.5, 0.9, 1.0]))
def test_no_more_than_the_approval_are_approved(rows: list[Any], share: float) -> None:
    p, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    good = curve(p, y, w).query("approval <= @share + 1e-9")
    if good.empty:
        with pytest.raises(SettingsError, match=r"can't be reached|nobody can be approved"):
            Policy.for_approval(share, p=p, y=y, sample_weight=w, tolerance=1.0, resamples=0)
        return
    policy = Policy.for_approval(share, p=p, y=y, sample_weight=w, tolerance=1.0, resamples=0)
    assert policy.chosen is not None
    assert policy.chosen.approval == pytest.approx(good["approval"].max())
    assert w[p < policy.review_at].sum() / w.sum() == pytest.approx(policy.chosen.approval)


@settings(max_examples=60)
@given(ROWS)
def test_the_profit_is_the_greatest(rows: list[Any]) -> None:
    p, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = curve(p, y, w)["profit"]
    if found.empty or found.max() <= 0:
        with pytest.raises(SettingsError, match="no cut-off has a profit"):
            Policy.for_profit(p=p, y=y, gain=1.0, loss=4.0, sample_weight=w, resamples=0)
        return
    policy = Policy.for_profit(p=p, y=y, gain=1.0, loss=4.0, sample_weight=w, resamples=0)
    assert policy.chosen is not None
    assert policy.chosen.profit == pytest.approx(found.max())
    below = p < policy.review_at
    assert (w * np.where(y > 0, -4.0, 1.0))[below].sum() == pytest.approx(found.max())


def test_amounts_of_each_row_count() -> None:
    gain, loss = RNG.random(400), 3 * RNG.random(400)
    policy = Policy.for_profit(p=P, y=Y, gain=gain, loss=loss, resamples=0)
    value = np.where(Y, -loss, gain)
    best = max(value[cut > P].sum() for cut in np.append(np.unique(P), 1.0))
    assert policy.chosen is not None
    assert policy.chosen.profit == pytest.approx(best)


def test_a_share_goes_to_review() -> None:
    policy = Policy.for_approval(0.5, p=P, y=Y, review=0.2)
    reviewed = (policy.review_at <= P) & (policy.decline_at > P)
    assert reviewed.mean() == pytest.approx(0.2, abs=0.01)
    assert policy.chosen is not None
    assert policy.chosen.approval == (policy.review_at > P).mean()
    everybody = Policy.for_approval(0.5, p=P, y=Y, review=1.0, resamples=3)
    assert everybody.decline_at == 1.0


def test_intervals_come_of_the_seed_and_hold_the_choice() -> None:
    one, other = (Policy.for_bad_rate(0.1, p=P, y=Y, seed=seed) for seed in (1, 2))
    assert one == Policy.for_bad_rate(0.1, p=P, y=Y, seed=1)
    a, b = one.chosen, other.chosen
    assert a is not None
    assert b is not None
    assert a.review_at_interval != b.review_at_interval
    for low_high, value in (
        (a.review_at_interval, a.review_at),
        (a.approval_interval, a.approval),
        (a.bad_rate_interval, a.bad_rate),
    ):
        assert low_high is not None
        assert value is not None
        assert low_high[0] < value < low_high[1]
    assert (a.resamples, a.unreached, a.profit_interval) == (200, 0, None)
    assert Policy.for_profit(p=P, y=Y, gain=1, loss=4, resamples=20).chosen.profit_interval  # type: ignore[union-attr]


def test_the_interval_of_a_share_is_as_wide_as_scipy_s() -> None:
    from scipy.stats import bootstrap

    policy = Policy.for_approval(0.5, p=P, y=Y, resamples=2000)
    below = (policy.review_at > P).astype(float)
    drawn = {"rng" if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else "random_state": 0}
    judge = bootstrap((below,), np.mean, n_resamples=2000, method="percentile", **drawn).confidence_interval
    assert policy.chosen is not None
    assert policy.chosen.approval_interval == pytest.approx((judge.low, judge.high), abs=0.01)


def test_samples_that_can_t_reach_it_are_counted() -> None:
    p, y = np.array([0.1, 0.1, 0.2, 0.9]), np.array([0, 1, 1, 0])
    chosen = Policy.for_bad_rate(0.5, p=p, y=y, resamples=100).chosen
    assert chosen is not None
    assert 0 < chosen.unreached < 100
    none = Policy.for_bad_rate(0.5, p=p, y=y, resamples=0).chosen
    assert none is not None
    assert (none.review_at_interval, none.approval_interval, none.unreached) == (None, None, 0)


def test_samples_without_weight_are_left_out() -> None:
    weights = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    p, y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 1, 1, 0, 0, 1]
    chosen = Policy.for_bad_rate(0.5, p=p, y=y, sample_weight=weights, resamples=50).chosen
    assert chosen is not None
    assert 0 < chosen.unreached < 50
    assert chosen.approval_interval == (1.0, 1.0)


def test_an_approval_between_ties_is_refused_with_the_nearest() -> None:
    p, y = np.array([0.1] * 2 + [0.2] * 7 + [0.9]), np.zeros(10)
    with pytest.raises(SettingsError, match=r"of 0\.6 can't be reached: the nearest is 0\.2 and 0\.9"):
        Policy.for_approval(0.6, p=p, y=y)
    assert Policy.for_approval(0.6, p=p, y=y, tolerance=0.4).chosen.approval == 0.2  # type: ignore[union-attr]
    with pytest.raises(SettingsError, match=r"an approval of 0\.1 can't be reached: the least is 0\.2"):
        Policy.for_approval(0.1, p=p, y=y)
    with pytest.raises(SettingsError, match=r"the nearest is 0\.9, the most"):
        Policy.for_approval(1.0, p=np.append(p[:-1], 1.0), y=y)


def test_what_can_t_be_reached_names_what_can() -> None:
    with pytest.raises(SettingsError, match=r"rate of 0\.01 can't be reached: the lowest is 0\.5, with 1 of"):
        Policy.for_bad_rate(0.01, p=[0.2, 0.2], y=[0, 1])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6, unique=True))
@settings(max_examples=80)
def test_a_cutoff_parts_two_probabilities(levels: list[float]) -> None:
    rows = labelled_probabilities(levels, np.zeros(len(levels)))
    groups = ScoreGroups(rows)
    for place in range(groups.last + 1):
        cut = groups.cutoff(place)
        assert (rows.probability < cut).sum() == place


# -- a scorer and its rules ------------------------------------------------------------------------

RULES = (
    Rule("moras > 3", "rechazar", "K1", stage="before"),
    Rule("outcome == 'rechazar' and empleo == 'fijo'", "revisar", "A1", final=True),
    Rule("outcome == 'revisar' and ingresos > 1500", "aprobar", "A2", final=True),
    Rule("outcome == 'aprobar' and ingresos < 600", "revisar", "P1", on_missing="revisar"),
)


@pytest.fixture(scope="module")
def ruled(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return Scorer(trained[0], reference=trained[1], policy=Policy(rules=RULES, version="9", max_reasons=2))


@pytest.fixture(scope="module")
def plain(trained: tuple[Any, pd.DataFrame]) -> Scorer:
    return Scorer(trained[0], reference=trained[1])


@pytest.mark.parametrize("review", [0.0, 0.15])
@pytest.mark.parametrize("goal", ["bad_rate", "approval", "profit"])
def test_rules_stay_in_and_outcomes_are_the_real_ones(
    ruled: Scorer, trained: tuple[Any, pd.DataFrame], labels: Any, goal: str, review: float
) -> None:
    X, options = trained[1], {"review": review, "resamples": 10}
    if goal == "bad_rate":
        policy = Policy.for_bad_rate(0.3, ruled, X, labels, **options)
    elif goal == "approval":
        policy = Policy.for_approval(0.4, ruled, X, labels, **options)
    else:
        policy = Policy.for_profit(ruled, X, labels, gain=1, loss=2, **options)
    assert (policy.rules, policy.version, policy.max_reasons) == (RULES, "9", 2)
    approved = (ruled.score_frame(X, policy=policy)["outcome"] == "aprobar").to_numpy()
    chosen = policy.chosen
    assert chosen is not None
    assert chosen.approval == pytest.approx(approved.mean())
    assert chosen.bad_rate == pytest.approx(labels[approved].mean())
    if goal == "profit":
        assert chosen.profit == pytest.approx(np.where(labels, -2, 1)[approved].sum())


@pytest.fixture(scope="module")
def labels() -> Any:
    from support import small_frame

    return small_frame()[1]


def test_the_best_is_best_among_policies_that_are_tried(
    ruled: Scorer, trained: tuple[Any, pd.DataFrame], labels: Any
) -> None:
    X = trained[1].head(60)
    policy = Policy.for_profit(ruled, X, labels[:60], gain=1, loss=2, resamples=0)
    profits = []
    for cut in np.unique(ruled.predict_proba(X)[:, 1]):
        tried = replace(ruled.policy, review_at=cut, decline_at=cut)
        approved = (ruled.score_frame(X, policy=tried)["outcome"] == "aprobar").to_numpy()
        profits.append(np.where(labels[:60], -2, 1)[approved].sum())
    assert policy.chosen is not None
    assert policy.chosen.profit == max(profits)


def test_rules_that_approve_nobody_are_told(
    plain: Scorer, trained: tuple[Any, pd.DataFrame], labels: Any
) -> None:
    policy = Policy(rules=(Rule("moras >= 0", "rechazar", "K", stage="before"),))
    with pytest.raises(SettingsError, match="nobody can be approved"):
        Policy.for_bad_rate(0.5, plain, trained[1], labels, policy=policy)
    with pytest.raises(SettingsError, match="its rules ask for applicants"):
        Policy.for_bad_rate(0.5, p=P, y=Y, policy=policy)


def test_the_labels_are_the_scorer_s_own() -> None:
    from sklearn.linear_model import LogisticRegression

    rows = pd.DataFrame({"a": RNG.normal(size=100)})
    words = np.where(RNG.random(100) < 0.3, "mora", "al día")
    scorer = Scorer(LogisticRegression().fit(rows, words), reference=rows, positive="mora")
    assert (
        Policy.for_bad_rate(0.4, scorer, rows, words, resamples=0).chosen.defaults == (words == "mora").sum()
    )  # type: ignore[union-attr]
    with pytest.raises(InvalidFrame, match="'al día' and 'mora', the second means default; not 1"):
        Policy.for_bad_rate(0.4, scorer, rows, [1] * 100)
    with pytest.raises(InvalidFrame, match="100 labels, one for each row"):
        Policy.for_bad_rate(0.4, scorer, rows, words[:-1])
    with pytest.raises(InvalidFrame, match="X: rows were expected"):
        Policy.for_bad_rate(0.4, scorer, rows.head(0), [])


# -- what is kept, and what is refused -------------------------------------------------------------


def test_a_file_keeps_how_cutoffs_were_chosen_and_the_digest_does_not_ask(tmp_path: Path) -> None:
    policy = Policy.for_bad_rate(0.1, p=P, y=Y, resamples=20)
    policy.save(tmp_path / "p.json")
    assert Policy.load(tmp_path / "p.json") == policy
    plain = Policy(review_at=policy.review_at, decline_at=policy.decline_at)
    assert plain.digest == policy.digest
    assert replace(policy, chosen=None) == plain
    with pytest.raises(SettingsError, match="chosen: it tells of other cut-offs"):
        replace(policy, review_at=0.001)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a scorer with X and y, or p and y"),
        ({"p": P}, "a scorer with X and y, or p and y"),
        ({"p": P, "y": Y, "X": pd.DataFrame()}, "a scorer with X and y, or p and y"),
        ({"p": P, "y": Y, "review": 2}, "review: a number from 0 to 1"),
        ({"p": P, "y": Y, "resamples": 10_001}, "resamples: a whole number from 0 to 10000"),
        ({"p": P, "y": Y, "resamples": 1.5}, "resamples: a whole number"),
        ({"p": P, "y": Y, "seed": True}, "seed: a whole number"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Policy.for_bad_rate(0.1, **arguments)


def test_a_rate_is_one_and_a_policy_a_policy() -> None:
    with pytest.raises(SettingsError, match="rate: a number from 0 to 1"):
        Policy.for_bad_rate(5, p=P, y=Y)
    with pytest.raises(TypeError, match="a Policy was expected, not int"):
        Policy.for_bad_rate(0.1, p=P, y=Y, policy=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("p", "y", "options", "message"),
    [
        ([0.1, 1.2], [0, 1], {}, "p: 1 of 2 are no probabilities"),
        ([0.1, np.nan], [0, 1], {}, "p: 1 of 2 are no probabilities"),
        ([], [], {}, "p: one probability for each row"),
        (["a"], [0], {}, "p: numbers were expected"),
        ([0.1, 0.2], [0], {}, "y: 2 labels, one for each row"),
        ([0.1, 0.2], [[0, 1], [0, 1]], {}, "y: one label for each row"),
        ([0.1, 0.2], np.zeros((2, 1)), {}, "y: 2 labels, one for each row"),
        ([0.1, 0.2], pd.Series([0, pd.NA]), {}, "y: 1 of 2 labels are missing"),
        ([0.1, 0.2], [None, np.nan], {}, "y: 2 of 2 labels are missing"),
        ([0.1, 0.2], [np.int64(1), np.float64("nan")], {}, "y: 1 of 2 labels are missing"),
        ([0.1, 0.2], [np.zeros(2), 1], {}, "y: one label for each row"),
        ([0.1] * 8, list("abcdefg0"), {}, r"not 'a' \(1 rows\).* and 3 more"),
        ([0.1, 0.2], [0, 1], {"sample_weight": [1, -1]}, "sample_weight: finite numbers from 0 on.*; 1 are"),
        ([0.1, 0.2], [0, 1], {"sample_weight": [0, 0]}, "sample_weight: finite numbers"),
        ([0.1, 0.2], [0, 1], {"sample_weight": [1]}, "sample_weight: one number, or one for each of 2"),
        ([0.1, 0.2], [0, 1], {"sample_weight": "x"}, "sample_weight: numbers were expected"),
    ],
)
def test_rows_are_checked(p: Any, y: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        Policy.for_bad_rate(0.1, p=p, y=y, **options)


def test_amounts_are_checked() -> None:
    with pytest.raises(InvalidFrame, match="loss: finite numbers from 0 on"):
        Policy.for_profit(p=P, y=Y, gain=1, loss=np.inf)


def test_rows_that_rules_decline_have_no_probability() -> None:
    outcomes = np.array([[2, 2, 2], [0, 1, 2]], dtype=np.int8)
    rows = LabelledRows(np.array([np.nan, 0.1]), np.array([True, False]), np.ones(2), outcomes)
    assert rows.approved(0.5, 0.5).tolist() == [False, True]
