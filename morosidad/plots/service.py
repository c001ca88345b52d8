"""Figure of the service's key figures: throughput, failures and response times over the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from morosidad.kpis.counts import ages
from morosidad.languages import Language, check_language, say, separators
from morosidad.plots.style import plotly_for

if TYPE_CHECKING:
    from morosidad.kpis import KPITracker


def kpis(tracker: KPITracker, *, language: Language | None = None) -> Any:
    """Draw predictions per second above and response times below, over the window.

    Parameters
    ----------
    tracker : KPITracker
        Whose window to draw.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the tracker's when not given.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    go = plotly_for("kpis")
    language = tracker.language if language is None else check_language(language)
    told = partial(_told, language)
    from plotly.subplots import make_subplots

    parts = tracker.timeline()
    ago = [-seconds for seconds in ages(parts)]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for name, color, rates in (
        (told("correct"), "#1f77b4", [part.ok / part.seconds for part in parts]),
        (told("failed"), "#d62728", [part.failures / part.seconds for part in parts]),
    ):
        figure.add_trace(go.Bar(x=ago, y=rates, name=name, marker_color=color), row=1, col=1)
    times = [part.latency.quantiles((0.5, 0.95, 0.99)) for part in parts]
    for place, name in enumerate(("p50", "p95", "p99")):
        y = [1000 * quantiles[place] for quantiles in times]
        figure.add_trace(go.Scatter(x=ago, y=y, name=name, mode="lines+markers"), row=2, col=1)
    figure.update_layout(
        title=told("last_minutes", minutes=tracker.window / 60),
        barmode="stack",
        template="plotly_white",
        separators=separators(language),
        height=480,
    )
    figure.update_xaxes(title_text=told("seconds_ago"), row=2, col=1)
    figure.update_yaxes(title_text=told("per_second"), row=1, col=1)
    figure.update_yaxes(title_text=told("answer_ms"), type="log", row=2, col=1)
    return figure


def _told(language: Language, name: str, **values: object) -> str:
    return say(language, f"figures.{name}", **values)
