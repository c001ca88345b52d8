from __future__ import annotations

import numpy as np

from morosidad.kpis.counting.process_counts import BEGAN, ProcessCounts, WindowShape

SHAPE = WindowShape(window=10.0, subwindows=10, stage_subwindows=1)


def test_who_takes_a_lane_over_goes_on_where_the_dead_owner_was_stopped():
    memory = np.zeros(SHAPE.cells)
    first = ProcessCounts(memory, SHAPE)
    first.begin(5.0)
    first.main.open(5)[:] = 1
    first.main._version += 1  # killed in the middle of a turn
    second = ProcessCounts(memory, SHAPE)
    second.begin(8.0)
    assert second.main._version[0] % 2 == 0
    assert second.head[BEGAN] == 5.0
    assert second.main.lifetime()[0] == 1
    assert second.connections(0.0) is None


def test_a_lane_that_begins_at_time_zero_is_in_use():
    segment = ProcessCounts(np.zeros(SHAPE.cells), SHAPE)
    segment.begin(0.0)
    segment.begin(3.0)
    assert segment.head[BEGAN] == 0.0
