"""Pictures for notebooks and reports: why, how spread, how good, how far drifted.

Each function gives a plotly figure. `KPITracker.plot` draws the service itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad.errors import MissingExtra, UnsupportedModel
from morosidad.monitoring.drift import DriftReport
from morosidad.policy.decision import COLOURS
from morosidad.schema.schema import Record
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["calibration", "drift", "roc", "scores", "waterfall"]

INK, MAIN, FAINT = "#33404d", "#2f6f9f", "#9aa7b3"
GOOD, WARN, BAD = COLOURS["aprobar"], COLOURS["revisar"], COLOURS["rechazar"]
_STATES = {"estable": GOOD, "moderado": WARN, "fuerte": BAD, "sin datos": FAINT}


def waterfall(scorer: Scorer, record: Record, *, top: int = 10) -> Any:
    """Draw how one applicant's values lead from the usual score to this one.

    Parameters
    ----------
    scorer : Scorer
        Who decides, with a compiled model that knows its reference.
    record : mapping, JSON as bytes or text, or object with attributes
        As in `Scorer.score_one`. Its values stand in the picture.
    top : int
        So many fields, those that weigh most; the others are drawn as one.

    Returns
    -------
    plotly.graph_objects.Figure
        Contributions on the model's own scale.

    Raises
    ------
    InvalidRecord
        With every wrong field at once.
    UnsupportedModel
        The model gives no contributions: it is not compiled, or has no reference.
    MissingExtra
        plotly is not installed.
    """
    go = _plotly("waterfall")
    explain, form = scorer._model.compiled.explain_one, scorer._model.compiled.form
    if explain is None or form is None:
        raise UnsupportedModel(f"{scorer.model} gives no contributions")
    values = scorer.schema.read(record)[0]
    probability, shares = explain(values)
    total = float(sum(shares))
    end = {"probability": probability, "log-odds": _log_odds(probability)}.get(form.scale, total)
    order = sorted(range(len(shares)), key=lambda i: -abs(shares[i]))
    shown, rest = order[:top], [i for i in order[top:] if shares[i]]
    named = list(scorer.schema.named(values).values())
    fields = scorer.schema.fields
    rows = [("lo usual", end - total), *((_cell(fields[i], named[i]), shares[i]) for i in shown if shares[i])]
    rows += [(f"otros {len(rest)} campos", float(sum(shares[i] for i in rest)))] if rest else []
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=[*(name for name, _ in rows), "este solicitante"],
            x=[*(share for _, share in rows), end],
            measure=["absolute", *["relative"] * (len(rows) - 1), "total"],
            text=[f"{share:+.2f}" if place else f"{share:.2f}" for place, (_, share) in enumerate(rows)]
            + [f"{end:.2f}"],
            increasing={"marker": {"color": BAD}},
            decreasing={"marker": {"color": GOOD}},
            totals={"marker": {"color": FAINT}},
            connector={"line": {"color": FAINT, "width": 1}},
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    scale = {"probability": "probabilidad de mora", "log-odds": "log-odds de mora"}.get(form.scale, "puntaje")
    return _styled(
        figure, f"Probabilidad de mora: {probability:.1%}", scale, height=160 + 30 * (len(rows) + 1)
    )


def scores(scorer: Scorer, frame: pd.DataFrame, y: Any = None, *, bins: int = 50) -> Any:
    """Draw how applicants' probabilities are spread, against the policy's cut-offs.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants.
    y : array-like of shape (n_rows,), optional
        Who fell into arrears: they are drawn apart.
    bins : int
        Bars from 0 to 1.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidFrame
        If columns are missing or the schema refuses rows.
    MissingExtra
        plotly is not installed.
    """
    go = _plotly("scores")
    probability = scorer.predict_proba(frame)[:, 1]
    edges = np.linspace(0.0, 1.0, bins + 1)
    groups = [("solicitantes", MAIN, np.ones(len(probability), dtype=bool))]
    if y is not None:
        late = _late(scorer, y)
        groups = [("al día", MAIN, ~late), ("en mora", BAD, late)]
    figure = go.Figure()
    for name, colour, rows in groups:
        share = np.histogram(probability[rows], edges)[0] / len(probability)
        middle = (edges[1:] + edges[:-1]) / 2
        figure.add_bar(
            x=middle, y=share, width=1 / bins, name=name, marker={"color": colour, "line_width": 0}
        )
    policy = scorer.policy
    limits = [("aprobar", 0.0), ("revisar", policy.review_at), ("rechazar", policy.decline_at), ("", 1.0)]
    outcomes: list[str] = [policy.outcome(p) for p in probability.tolist()]
    for (name, low), (_, high) in pairwise(limits):
        if low < high:
            text = f"<b>{name}</b><br>{outcomes.count(name) / max(len(outcomes), 1):.0%}"
            figure.add_vrect(low, high, fillcolor=COLOURS[name], opacity=0.08, line_width=0, layer="below")
            figure.add_annotation(
                x=(low + high) / 2, y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False,
                font={"color": COLOURS[name]},
            )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0, showlegend=y is not None)
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title_text="de los solicitantes")
    return _styled(figure, "Puntajes y cortes", "probabilidad de mora")


def roc(scorer: Scorer, frame: pd.DataFrame, y: Any) -> Any:
    """Draw what share of defaulters a cut-off catches against what share of the others it refuses.

    Parameters
    ----------
    scorer : Scorer
        Who decides; its cut-offs are marked on the curve.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        Who fell into arrears: both must occur.

    Returns
    -------
    plotly.graph_objects.Figure
        With the area under the curve and the Kolmogorov-Smirnov distance in its title.

    Raises
    ------
    InvalidFrame
        If columns are missing or the schema refuses rows.
    ValueError
        If `y` holds one class only.
    MissingExtra
        plotly is not installed.
    """
    go = _plotly("roc")
    probability, late = scorer.predict_proba(frame)[:, 1], _late(scorer, y)
    if late.all() or not late.any():
        raise ValueError("y holds one class only")
    caught, refused = _passed(probability, late)
    area = float(np.sum(np.diff(refused) * (caught[1:] + caught[:-1]) / 2))
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(x=refused, y=caught, mode="lines", line={"color": MAIN, "width": 3}, name="ROC")
    for name, cut in (("revisar", scorer.policy.review_at), ("rechazar", scorer.policy.decline_at)):
        x, height = (float((probability[rows] >= cut).mean()) for rows in (~late, late))
        figure.add_scatter(
            x=[x], y=[height], mode="markers+text", text=[f"{name} ≥ {cut:.0%}"], textposition="bottom right",
            marker={"color": COLOURS[name], "size": 11}, textfont={"color": COLOURS[name]}, name=name,
        )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[-0.01, 1.01], tickformat=".0%", constrain="domain")
    figure.update_yaxes(
        range=[-0.01, 1.01],
        tickformat=".0%",
        scaleanchor="x",
        title_text="alcanzados, de los que caen en mora",
    )
    distance = float(np.max(caught - refused))
    title = f"Curva ROC: área {area:.3f}, KS {distance:.3f}"
    return _styled(figure, title, "alcanzados, de los que pagan al día", height=480)


def calibration(scorer: Scorer, frame: pd.DataFrame, y: Any, *, bins: int = 10) -> Any:
    """Draw how many fell into arrears of those to whom a probability was given.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        Who fell into arrears.
    bins : int
        Groups of as many applicants each.

    Returns
    -------
    plotly.graph_objects.Figure
        Each point with Wilson's interval of 95 %; the Brier score in the title.

    Raises
    ------
    InvalidFrame
        If columns are missing or the schema refuses rows.
    MissingExtra
        plotly is not installed.
    """
    go = _plotly("calibration")
    probability, late = scorer.predict_proba(frame)[:, 1], _late(scorer, y)
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    given = np.array([probability[part].mean() for part in parts])
    shares = np.array([late[part].mean() for part in parts])
    low, high = _wilson(shares, np.array([len(part) for part in parts]))
    brier = float(np.mean((probability - late) ** 2))
    top = float(max(given.max(), high.max())) * 1.05
    figure = go.Figure()
    figure.add_scatter(
        x=[0, top], y=[0, top], mode="lines", line={"color": FAINT, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=given, y=shares, mode="lines+markers", line={"color": MAIN, "width": 2}, marker={"size": 9},
        error_y={"type": "data", "symmetric": False, "array": high - shares, "arrayminus": shares - low,
                 "color": MAIN, "thickness": 1.2, "width": 4},
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, top], tickformat=".0%", constrain="domain")
    figure.update_yaxes(range=[0, top], tickformat=".0%", scaleanchor="x", title_text="cayeron en mora")
    return _styled(figure, f"Calibración: Brier {brier:.4f}", "probabilidad dada", height=480)


def drift(report: DriftReport, *, top: int = 20) -> Any:
    """Draw how far the score and each field have moved, and how far chance alone might move them.

    Parameters
    ----------
    report : DriftReport
        What `DriftMonitor.report` gave.
    top : int
        So many fields, those that moved most; the score is always there.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar for the population stability index, coloured by its state; a tick for the noise.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    go = _plotly("drift")
    moved = [report.score, *sorted(report.fields, key=lambda field: -field.psi)[:top]]
    names = [each.field for each in moved]
    figure = go.Figure()
    figure.add_bar(
        y=names, x=[each.psi for each in moved], orientation="h", showlegend=False,
        marker={"color": [_STATES[each.state] for each in moved]},
        hovertext=[each.state for each in moved],
    )  # fmt: skip
    figure.add_scatter(
        y=names, x=[each.noise for each in moved], mode="markers", name="azar: rara vez lo supera",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 2, "color": INK}},
    )  # fmt: skip
    figure.update_layout(
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"}
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    title = f"Estabilidad de la población, {report.records} registros"
    return _styled(figure, title, "índice de estabilidad (PSI)", height=160 + 26 * len(moved))


def _plotly(feature: str) -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise MissingExtra(f"plots.{feature}", "plots") from error
    return go


def _styled(figure: Any, title: str, x: str, *, height: int = 400) -> Any:
    figure.update_layout(
        title={"text": title, "x": 0, "xref": "paper"},
        plot_bgcolor="white",
        font={"color": INK},
        height=height,
        margin={"l": 70, "r": 30, "t": 90, "b": 60},
    )
    figure.update_xaxes(title_text=x)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(gridcolor="#e8ecf0", zeroline=False)
    return figure


def _cell(field: Any, value: object) -> str:
    shown = str(value)
    if value is None or isinstance(value, bool):
        shown = {None: "sin dato", True: "sí", False: "no"}[value]
    elif isinstance(value, (int, float)):
        shown = f"{value:,.2f}".removesuffix(".00")
    return f"{field.label or field.name} = {shown}"


def _log_odds(probability: float) -> float:
    p = min(max(probability, 1e-300), 1 - 1e-16)
    return float(np.log(p / (1.0 - p)))


def _late(scorer: Scorer, y: Any) -> NDArray[np.bool_]:
    late: NDArray[np.bool_] = np.asarray(y) == scorer._model.labels[1]
    return late


def _passed(
    probability: NDArray[np.float64], late: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the shares of both classes at or above each distinct probability, from the highest down."""
    order = np.argsort(-probability, kind="stable")
    last = np.flatnonzero(np.diff(probability[order], append=-1.0))
    caught, refused = np.cumsum(late[order])[last], np.cumsum(~late[order])[last]
    return np.r_[0.0, caught / late.sum()], np.r_[0.0, refused / (~late).sum()]


def _wilson(
    shares: NDArray[np.float64], sizes: NDArray[np.int_], z: float = 1.96
) -> Sequence[NDArray[np.float64]]:
    """Give the interval in which a share lies (Wilson, *JASA* 22, 1927)."""
    middle = (shares + z**2 / (2 * sizes)) / (1 + z**2 / sizes)
    half = z / (1 + z**2 / sizes) * np.sqrt(shares * (1 - shares) / sizes + z**2 / (4 * sizes**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
