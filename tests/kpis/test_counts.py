from __future__ import annotations

import numpy as np

from morosidad.kpis.counts import BEGAN, Lane, Shape

SHAPE = Shape(window=10.0, subwindows=10, stage_subwindows=1)


def test_who_takes_a_lane_over_goes_on_where_the_dead_owner_was_stopped():
    memory = np.zeros(SHAPE.cells)
    first = Lane(memory, SHAPE)
    first.begin(5.0)
    first.main.open(5)[:] = 1
    first.main._turns += 1  # killed in the middle of a turn
    second = Lane(memory, SHAPE)
    second.begin(8.0)
    assert second.main._turns[0] % 2 == 0
    assert second.head[BEGAN] == 5.0
    assert second.main.lifetime()[0] == 1
    assert second.connections(0.0) is None


def test_a_lane_that_begins_at_time_zero_is_in_use():
    lane = Lane(np.zeros(SHAPE.cells), SHAPE)
    lane.begin(0.0)
    lane.begin(3.0)
    assert lane.head[BEGAN] == 0.0
