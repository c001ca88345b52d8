"""Counts of rules by code: in one process, in several, merged, and where there is no more room."""

from __future__ import annotations

from pathlib import Path

from morosidad import KPITracker
from morosidad.kpis.counting.process_counts import OTHER_RULES, RULE_SLOTS


def test_rules_are_counted_by_code() -> None:
    tracker = KPITracker()
    assert tracker.rules() == {}
    tracker.record_rules({"P01": 1, "x" * 40: 2})
    tracker.record_rules({"P01": 4})
    assert tracker.rules() == {"P01": 5, "x" * 40: 2}
    other = KPITracker()
    other.record_rules({"P02": 3, "P01": 1})
    tracker.merge(other)
    assert tracker.rules() == {"P01": 6, "P02": 3, "x" * 40: 2}


def test_rules_beyond_the_room_are_counted_together() -> None:
    tracker = KPITracker()
    tracker.record_rules({f"R{place}": 1 for place in range(RULE_SLOTS + 5)})
    found = tracker.rules()
    assert len(found) == RULE_SLOTS
    assert found[OTHER_RULES] == 6
    tracker.record_rules({"R80": 1, "R0": 1})
    assert (tracker.rules()[OTHER_RULES], tracker.rules()["R0"]) == (7, 2)


def test_processes_that_share_a_file_add_up(tmp_path: Path) -> None:
    one, other = (KPITracker(shared=tmp_path / "counts") for _ in range(2))
    one.record_rules({"P01": 1})
    other.record_rules({"P02": 5, "P01": 1})
    assert one.rules() == other.rules() == {"P01": 2, "P02": 5}
