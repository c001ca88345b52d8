"""Common style of the figures: colours, fonts, axes, and the import of plotly."""

from __future__ import annotations

from typing import Any

from morosidad.errors import MissingExtra
from morosidad.languages import Language, separators
from morosidad.policy.decision import COLOURS

INK, MAIN, FAINT = "#33404d", "#2f6f9f", "#9aa7b3"
GOOD, WARN, BAD = COLOURS["aprobar"], COLOURS["revisar"], COLOURS["rechazar"]


LIGHT = {
    "paper": "white", "ink": INK, "grid": "#e8ecf0", "effect": MAIN, "rate": BAD, "bar": "#e3e8ee",
}  # fmt: skip
DARK = {
    "paper": "#14181d", "ink": "#d6dde4", "grid": "#2a323b", "effect": "#6fb3e0", "rate": "#ef8a80",
    "bar": "#28313a",
}  # fmt: skip


def plotly_for(feature: str) -> Any:
    """Import plotly's graph objects.

    Parameters
    ----------
    feature : str
        The function of `morosidad.plots` that needs them, for the error.

    Returns
    -------
    module

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise MissingExtra(f"plots.{feature}", "plots") from error
    return go


def styled(figure: Any, title: str, x: str, language: Language, *, height: int = 400) -> Any:
    """Give a figure its title, the title of its x axis, its height and the common style.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        It is changed.
    title, x : str
        Titles of the figure and of its x axis.
    language : {'es', 'en', 'pt'}
        In which the axes write numbers.
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    figure.update_layout(
        title={"text": title, "x": 0, "xref": "paper"},
        plot_bgcolor="white",
        font={"color": INK},
        separators=separators(language),
        height=height,
        margin={"l": 70, "r": 30, "t": 90, "b": 60},
    )
    figure.update_xaxes(title_text=x)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(gridcolor="#e8ecf0", zeroline=False)
    return figure
