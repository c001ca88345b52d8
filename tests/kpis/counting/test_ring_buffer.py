from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from morosidad.kpis.counting.ring_buffer import RingBuffer

SLOTS, COLUMNS = 4, 2


def ring() -> RingBuffer:
    return RingBuffer(np.zeros(RingBuffer.cells(SLOTS, COLUMNS)), SLOTS, 1.0, COLUMNS)


def count(target: RingBuffer, subwindow: int, column: int = 0) -> None:
    target.open(subwindow)[column] += 1


steps = st.lists(st.tuples(st.integers(0, 6), st.integers(0, COLUMNS - 1)), max_size=40)


def follow(target: RingBuffer, steps: list[tuple[int, int]]) -> tuple[int, Counter[tuple[int, int]]]:
    """Count in a ring and in a plain table; return the last sub-window and the table."""
    now, table = 0, Counter()
    for pause, column in steps:
        now += pause
        count(target, now, column)
        table[now, column] += 1
    return now, table


def expected(table: Counter[tuple[int, int]], first: int, last: int) -> list[int]:
    return [
        sum(n for (s, c), n in table.items() if c == column and first <= s <= last) for column in range(2)
    ]


@settings(max_examples=80, deadline=None)
@given(steps, st.integers(1, SLOTS), st.integers(0, 8))
def test_a_sum_covers_the_sub_windows_asked_for_and_no_others(steps, width, pause):
    target = ring()
    now, table = follow(target, steps)
    last = now + pause
    first = last - width + 1
    assert target.sum(first, last).tolist() == expected(table, first, last)
    by_subwindow = target.by_subwindow(first, last)
    assert by_subwindow.tolist() == [
        expected(table, subwindow, subwindow) for subwindow in range(first, last + 1)
    ]


@settings(max_examples=80, deadline=None)
@given(steps)
def test_nothing_that_left_the_window_is_lost_from_the_lifetime(steps):
    target = ring()
    now, table = follow(target, steps)
    assert target.lifetime().tolist() == expected(table, 0, now)


@settings(max_examples=80, deadline=None)
@given(steps, steps)
def test_a_merged_ring_counts_what_both_have_counted(one, other):
    target, source = ring(), ring()
    now, table = follow(target, one)
    later, more = follow(source, other)
    target.merge(source)
    last = max(now, later)
    first = last - SLOTS + 1
    assert target.sum(first, last).tolist() == expected(table + more, first, last)
    assert target.lifetime().tolist() == expected(table + more, 0, last)
    assert source.lifetime().tolist() == expected(more, 0, last)


def test_sub_window_zero_is_told_from_a_row_never_used():
    target = ring()
    assert target.sum(0, 0).tolist() == [0, 0]
    count(target, 0)
    assert target.sum(0, 0).tolist() == [1, 0]


def test_a_turn_that_was_cut_short_does_not_hold_up_readers():
    memory = np.zeros(RingBuffer.cells(SLOTS, COLUMNS))
    target = RingBuffer(memory, SLOTS, 1.0, COLUMNS)
    count(target, 1)
    memory[0] += 1  # as a killed writer leaves it
    assert target.lifetime().tolist() == [1, 0]
    target.repair()
    assert memory[0] % 2 == 0
    target.repair()
    assert memory[0] % 2 == 0


def test_a_turn_in_the_middle_of_reading_does_not_count_a_row_twice():
    target = ring()
    for subwindow in range(SLOTS):
        count(target, subwindow)
    rows = target.rows

    class TurnedMeanwhile:
        def sum(self, axis: int) -> np.ndarray:
            total = rows.sum(axis=axis)
            target.rows = rows
            target.open(SLOTS)
            return total

    target.rows = TurnedMeanwhile()
    assert target.lifetime().tolist() == [SLOTS, 0]
