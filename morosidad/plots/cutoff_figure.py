"""Figure of a table of cut-offs: approval, default rates, swaps against the present policy, profit."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from morosidad._typing import Floats
from morosidad.languages import Language, check_language, say, separators, write_number
from morosidad.plots.style import DARK, GOOD, LIGHT, plotly_for
from morosidad.scoring.cutoffs.table import CutoffTable

_ROW = 190
_SWAPS = (("swap_in", "cutoffs_swap_in", 1.0, "good"), ("swap_out", "cutoffs_swap_out", -1.0, "effect"))


def cutoffs(table: CutoffTable, *, dark: bool = False, language: Language | None = None) -> Any:
    """Draw what each cut-off would do.

    Parameters
    ----------
    table : CutoffTable
        What `cutoff_table` gave.
    dark : bool, default=False
        For a dark page.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; that of the table when not given.

    Returns
    -------
    plotly.graph_objects.Figure
        One picture below the other over the cut-offs, evenly spaced: the share approved; the default rate
        of each band as bars, and that of all approved as a line; those who are swapped in (upwards) and out
        (downwards) against the present policy, defaults among them darker; and the profit, where the table
        has one, with the best marked. A dotted line marks the first cut-off of the present policy.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    plotly_for("cutoffs")
    from plotly.subplots import make_subplots

    language = table.language if language is None else check_language(language)
    told = partial(_told, language)
    frame, colours = table.frame, _colours(dark)
    names = ["cutoffs_approval", "cutoffs_default_rates", "cutoffs_swaps"]
    names += ["cutoffs_profit"] if "profit" in frame else []
    titles = [f"<b>{told(name)}</b>" for name in names]
    figure = make_subplots(len(names), 1, shared_xaxes=True, vertical_spacing=0.3 / len(names) ** 1.5,
                           subplot_titles=titles)  # fmt: skip
    at = np.arange(len(frame), dtype=np.float64)
    line = {"color": colours["effect"], "width": 2.5}
    _draw_line(figure, 1, at, frame["approval"], told("cutoffs_approval"), line, ".1%")
    _draw_rates(figure, at, table, colours, told)
    _draw_swaps(figure, at, table, colours, told)
    if "profit" in frame:
        _draw_line(figure, 4, at, frame["profit"], told("cutoffs_profit"), line, ",.6g")
        best = int(frame["profit"].to_numpy().argmax())
        figure.add_scatter(
            x=[at[best]], y=[frame["profit"].iloc[best]], mode="markers", showlegend=False,
            marker={"size": 13, "color": colours["good"], "symbol": "diamond"},
            name=told("cutoffs_best"), hovertemplate="%{fullData.name}: %{y:,.6g}<extra></extra>",
            row=4, col=1,
        )  # fmt: skip
    _mark_present(figure, len(names), at, table, colours, told("cutoffs_present"))
    return _style(figure, names, at, table, colours, language)


def _told(language: Language, name: str) -> str:
    return say(language, f"figures.{name}")


def _colours(dark: bool) -> dict[str, str]:
    own = {"good": "#6cc79a", "bar": "#3b4754"} if dark else {"good": GOOD, "bar": "#cfd8e1"}
    return {**(DARK if dark else LIGHT), **own}


def _draw_line(
    figure: Any, row: int, at: Floats, values: Any, name: str, line: dict[str, Any], shown: str
) -> None:
    figure.add_scatter(
        x=at, y=values, mode="lines+markers", line=line, marker={"size": 7}, name=name, showlegend=False,
        hovertemplate=f"{name}: %{{y:{shown}}}<extra></extra>", row=row, col=1,
    )  # fmt: skip


def _draw_rates(figure: Any, at: Floats, table: CutoffTable, colours: dict[str, str], told: Any) -> None:
    frame = table.frame
    figure.add_bar(
        x=at - 0.5, y=frame["default_rate"], width=0.92, name=told("cutoffs_band"),
        customdata=frame["number"],
        marker={"color": colours["bar"], "line_width": 0}, legendgroup="rates",
        hovertemplate="%{fullData.name}: %{y:.1%} (n = %{customdata:,.6g})<extra></extra>", row=2, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=at, y=frame["bad_rate"], mode="lines+markers", line={"color": colours["rate"], "width": 2.5},
        marker={"size": 7}, name=told("cutoffs_approved"), legendgroup="rates",
        hovertemplate="%{fullData.name}: %{y:.1%}<extra></extra>", row=2, col=1,
    )  # fmt: skip


def _draw_swaps(figure: Any, at: Floats, table: CutoffTable, colours: dict[str, str], told: Any) -> None:
    frame = table.frame
    for way, text, sign, colour in _SWAPS:
        bad = frame[f"{way}_defaults"]
        for part, name, fill in ((bad, "cutoffs_defaults", "rate"), (frame[way] - bad, text, colour)):
            figure.add_bar(
                x=at, y=sign * part, customdata=part, width=0.62, name=told(name),
                base=sign * bad if part is not bad else None, legendgroup=name,
                showlegend=name != "cutoffs_defaults" or sign > 0,
                marker={"color": colours[fill], "line_width": 0},
                hovertemplate="%{fullData.name}: %{customdata:,.6g}<extra></extra>", row=3, col=1,
            )  # fmt: skip


def _mark_present(
    figure: Any, rows: int, at: Floats, table: CutoffTable, colours: dict[str, str], name: str
) -> None:
    """Mark the present policy where its cut-off lies among those of the table."""
    edges = np.append(0.0, table.frame["cutoff"])
    place = float(np.interp(table.present.review_at, edges, np.append(-1.0, at)))
    for row in range(1, rows + 1):
        figure.add_vline(x=place, line={"color": colours["ink"], "width": 1, "dash": "dot"}, row=row, col=1)
    figure.add_annotation(
        x=place, y=1.0, xref="x", yref="y domain", text=name, showarrow=False, yanchor="bottom",
        font={"size": 11, "color": colours["ink"]},
    )  # fmt: skip
    for row, value in ((1, table.present.approval), (2, table.present.bad_rate), (4, table.present.profit)):
        if row <= rows and value is not None:
            figure.add_scatter(
                x=[place], y=[value], mode="markers", name=name, showlegend=False,
                marker={"size": 10, "color": colours["paper"], "line": {"color": colours["ink"], "width": 2}},
                hovertemplate="%{fullData.name}: %{y:.4g}<extra></extra>", row=row, col=1,
            )  # fmt: skip


def _style(
    figure: Any, names: list[str], at: Floats, table: CutoffTable, colours: dict[str, str], language: Language
) -> Any:
    ink, grid, rows = colours["ink"], colours["grid"], len(names)
    figure.update_layout(
        height=_ROW * rows + 130, barmode="overlay", paper_bgcolor=colours["paper"],
        plot_bgcolor=colours["paper"], font={"color": ink, "size": 12}, separators=separators(language),
        margin={"l": 70, "r": 30, "t": 70, "b": 90},
        legend={"orientation": "h", "x": 0, "y": -50.0 / (_ROW * rows), "yanchor": "top"},
    )  # fmt: skip
    titles = {"x": 0, "xanchor": "left", "font": {"size": 13, "color": ink}}
    figure.update_annotations(titles, selector={"xref": "paper"})
    edges = [write_number(language, edge, ".3g") for edge in table.frame["cutoff"]]
    every = max(1, len(edges) // 24)
    figure.update_xaxes(showgrid=False, linecolor=grid, zeroline=False, range=[-1.1, len(at) - 0.4])
    figure.update_xaxes(tickvals=at[::every], ticktext=edges[::every], tickangle=0)
    figure.update_xaxes(title_text=_told(language, "cutoffs_axis"), title_standoff=6, row=rows, col=1)
    figure.update_yaxes(gridcolor=grid, zeroline=True, zerolinecolor=grid, nticks=5, rangemode="tozero")
    for row in (1, 2):
        figure.update_yaxes(tickformat=".0%", row=row, col=1)
    return figure
