"""Cut-offs: bands of probability, for one applicant and for many."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morosidad.errors import SettingsError
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import OUTCOMES


def test_outcome_bands_include_their_cut_off() -> None:
    policy = Policy(review_at=0.2, decline_at=0.5)
    assert [policy.outcome(p) for p in (0.0, 0.19999, 0.2, 0.49999, 0.5, 1.0)] == [
        "aprobar",
        "aprobar",
        "revisar",
        "revisar",
        "rechazar",
        "rechazar",
    ]


def test_equal_cut_offs_leave_nothing_to_review() -> None:
    policy = Policy(review_at=0.3, decline_at=0.3)
    assert {policy.outcome(p / 100) for p in range(101)} == {"aprobar", "rechazar"}


def test_a_policy_names_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(SettingsError) as caught:
        Policy(review_at=0.6, decline_at=0.5, max_reasons=-1)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "wrong", [{"review_at": "0.2"}, {"decline_at": None}, {"max_reasons": 1.5}, {"max_reasons": "4"}]
)
def test_a_policy_says_what_it_expected(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Policy(**wrong)
    assert next(iter(wrong)) in caught.value.problems[0]


def test_numbers_of_numpy_make_a_policy() -> None:
    policy = Policy(np.float32(0.25), np.float64(0.5), np.int64(3))
    assert msgspec.json.encode(policy) == msgspec.json.encode(Policy(0.25, 0.5, 3))


@pytest.mark.parametrize("cut_offs", [(-0.1, 0.5), (0.2, 1.1), (float("nan"), 0.5)])
def test_cut_offs_are_probabilities(cut_offs: tuple[float, float]) -> None:
    with pytest.raises(SettingsError):
        Policy(*cut_offs)


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
    st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.5, 1.0])), max_size=20),
)
def test_many_probabilities_fall_into_the_bands_of_each(
    cutoffs: list[float], probabilities: list[float]
) -> None:
    policy = Policy(*cutoffs)
    probabilities += cutoffs
    codes = policy.outcome_codes(np.array(probabilities))
    assert codes.dtype == np.int8
    assert [OUTCOMES[code] for code in codes] == [policy.outcome(p) for p in probabilities]
