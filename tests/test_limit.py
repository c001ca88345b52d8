from __future__ import annotations

import pytest

from morosidad.alerts import Limit


def test_a_limit_is_passed_beyond_its_threshold_and_not_at_it():
    limit = Limit(3.0)
    assert not limit.check(3.0)
    assert limit.check(3.0001)


@pytest.mark.parametrize(
    ("above", "figures", "passed"),
    [
        (True, [2.9, 3.1, 2.9, 2.71, 2.7, 2.9, 3.1], [False, True, True, True, False, False, True]),
        (False, [1.0, 0.9, 1.05, 1.1, 1.05, 0.9], [False, True, True, False, False, True]),
    ],
)
def test_a_figure_that_wavers_about_the_threshold_does_not_switch_to_and_fro(above, figures, passed):
    limit = Limit(3.0 if above else 1.0, 0.1, above=above)
    assert [limit.check(figure) for figure in figures] == passed


def test_a_limit_is_not_passed_while_there_is_no_figure():
    limit = Limit(3.0)
    assert limit.check(5.0)
    assert not limit.check(None)
    assert not limit.passed
    assert not limit.check(2.9)
