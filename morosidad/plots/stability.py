"""Figure of population stability: the drift of the score and of each field."""

from __future__ import annotations

from typing import Any

from morosidad.languages import Language, check_language, say
from morosidad.monitoring.drift import DriftReport
from morosidad.plots.style import BAD, FAINT, GOOD, INK, WARN, plotly_for, styled

_STATES = {"estable": GOOD, "moderado": WARN, "fuerte": BAD, "sin datos": FAINT}


def drift(report: DriftReport, *, top: int = 20, language: Language | None = None) -> Any:
    """Draw how far the score and each field have moved, and how far chance alone might move them.

    Parameters
    ----------
    report : DriftReport
        What `DriftMonitor.report` gave.
    top : int, default=20
        So many fields, those that moved most; the score is always there.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the report's when not given.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar for the population stability index, coloured by its state; a tick for the noise.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    go = plotly_for("drift")
    language = report.language if language is None else check_language(language)
    moved = [report.score, *sorted(report.fields, key=lambda field: -field.psi)[:top]]
    names = [each.field for each in moved]
    figure = go.Figure()
    figure.add_bar(
        y=names, x=[each.psi for each in moved], orientation="h", showlegend=False,
        marker={"color": [_STATES[each.state] for each in moved]},
        hovertext=[say(language, f"figures.{each.state}") for each in moved],
    )  # fmt: skip
    figure.add_scatter(
        y=names, x=[each.noise for each in moved], mode="markers", name=say(language, "figures.chance"),
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 2, "color": INK}},
    )  # fmt: skip
    figure.update_layout(
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"}
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    title = say(language, "figures.drift_title", records=report.records)
    index = say(language, "figures.stability_index")
    return styled(figure, title, index, language, height=160 + 26 * len(moved))
