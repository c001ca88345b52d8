from __future__ import annotations

import sys

import pytest

from morosidad.errors import MissingExtra
from morosidad.kpis import KPITracker
from morosidad.plots import kpis


def test_the_plot_shows_rates_and_response_times_over_the_window(clock):
    pytest.importorskip("plotly")
    tracker = KPITracker(clock=clock)
    for second in range(10):
        tracker.record(0.02)
        tracker.record(0.01, outcome="ok" if second < 8 else "error")
        clock.advance(1)
    figure = kpis(tracker)
    traces = {trace.name: trace for trace in figure.data}
    assert list(traces) == ["correctas", "fallidas", "p50", "p95", "p99"]
    assert list(traces["correctas"].x) == [float(x) for x in range(-9, 1)]
    assert list(traces["correctas"].y) == [2] * 8 + [1, 1]
    assert list(traces["fallidas"].y) == [0] * 8 + [1, 1]
    assert list(traces["p50"].y) == pytest.approx([15] * 8 + [20, 20], rel=0.01)
    assert figure.layout.title.text == "Últimos 5 minutos"


def test_one_second_among_quiet_ones_shows(clock):
    pytest.importorskip("plotly")
    tracker = KPITracker(clock=clock)
    clock.advance(3)
    tracker.record(0.02)
    clock.advance(3)
    assert {trace.mode for trace in kpis(tracker).data if trace.type == "scatter"} == {"lines+markers"}


def test_a_plot_of_nothing_is_empty(clock):
    pytest.importorskip("plotly")
    figure = kpis(KPITracker(clock=clock))
    assert all(len(trace.x) == 0 for trace in figure.data)


def test_without_plotly_the_extra_is_named(clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtra, match=r"morosidad\[plots\]"):
        kpis(KPITracker(clock=clock))
