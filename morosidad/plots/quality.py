"""Figures of a model's quality: score distribution, ROC curve, calibration curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.languages import Language, check_language, say
from morosidad.plots.style import BAD, FAINT, MAIN, plotly_for, styled
from morosidad.policy.decision import COLOURS, OUTCOMES
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd


def scores(
    scorer: Scorer, frame: pd.DataFrame, y: Any = None, *, bins: int = 50, language: Language | None = None
) -> Any:
    """Draw how applicants' probabilities are spread, against the policy's cut-offs.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants.
    y : array-like of shape (n_rows,), optional
        Who fell into arrears: they are drawn apart.
    bins : int, default=50
        Bars from 0 to 1.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the scorer's when not given.

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
    go = plotly_for("scores")
    told = _teller(scorer, language)
    probability = scorer.predict_proba(frame)[:, 1]
    edges = np.linspace(0.0, 1.0, bins + 1)
    groups = [(told("applicants"), MAIN, np.ones(len(probability), dtype=bool))]
    if y is not None:
        late = is_late(scorer, y)
        groups = [(told("paid"), MAIN, ~late), (told("late"), BAD, late)]
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
            text = f"<b>{told(name)}</b><br>{outcomes.count(name) / max(len(outcomes), 1):.0%}"
            figure.add_vrect(low, high, fillcolor=COLOURS[name], opacity=0.08, line_width=0, layer="below")
            figure.add_annotation(
                x=(low + high) / 2, y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False,
                font={"color": COLOURS[name]},
            )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0, showlegend=y is not None)
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title_text=told("share_of_applicants"))
    return styled(figure, told("scores_title"), told("probability"), language or scorer.language)


def roc(scorer: Scorer, frame: pd.DataFrame, y: Any, *, language: Language | None = None) -> Any:
    """Draw what share of defaulters a cut-off catches against what share of the others it refuses.

    Parameters
    ----------
    scorer : Scorer
        Who decides; its cut-offs are marked on the curve.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        Who fell into arrears: both must occur.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the scorer's when not given.

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
    go = plotly_for("roc")
    told = _teller(scorer, language)
    probability, late = scorer.predict_proba(frame)[:, 1], is_late(scorer, y)
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
            x=[x], y=[height], mode="markers+text", text=[f"{told(name)} ≥ {cut:.0%}"],
            textposition="bottom right", marker={"color": COLOURS[name], "size": 11},
            textfont={"color": COLOURS[name]}, name=told(name),
        )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[-0.01, 1.01], tickformat=".0%", constrain="domain")
    figure.update_yaxes(
        range=[-0.01, 1.01],
        tickformat=".0%",
        scaleanchor="x",
        title_text=told("caught"),
    )
    distance = float(np.max(caught - refused))
    title = told("roc_title", area=area, distance=distance)
    return styled(figure, title, told("caught_in_vain"), language or scorer.language, height=480)


def calibration(
    scorer: Scorer, frame: pd.DataFrame, y: Any, *, bins: int = 10, language: Language | None = None
) -> Any:
    """Draw how many fell into arrears of those to whom a probability was given.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        Who fell into arrears.
    bins : int, default=10
        Groups of as many applicants each.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the scorer's when not given.

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
    go = plotly_for("calibration")
    told = _teller(scorer, language)
    probability, late = scorer.predict_proba(frame)[:, 1], is_late(scorer, y)
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    given = np.array([probability[part].mean() for part in parts])
    shares = np.array([late[part].mean() for part in parts])
    low, high = wilson(shares, np.array([len(part) for part in parts]))
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
    figure.update_yaxes(range=[0, top], tickformat=".0%", scaleanchor="x", title_text=told("fell_late"))
    title = told("calibration_title", brier=brier)
    return styled(figure, title, told("given"), language or scorer.language, height=480)


def _teller(scorer: Scorer, language: Language | None) -> Callable[..., str]:
    """Give what finds a text by its name, in the language asked for or else the scorer's."""
    spoken = scorer.language if language is None else check_language(language)

    def tell(name: str, **values: object) -> str:
        part = "records" if name in OUTCOMES else "figures"
        return say(spoken, f"{part}.{name}", **values)

    return tell


def is_late(scorer: Scorer, y: Any) -> NDArray[np.bool_]:
    """Tell who fell into arrears, by the scorer's label of default.

    Parameters
    ----------
    scorer : Scorer
        Who decides.
    y : array-like of shape (n_rows,)
        The original's labels.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    late: NDArray[np.bool_] = np.asarray(y) == scorer.classes[1]
    return late


def _passed(probability: Floats, late: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Give the shares of both classes at or above each distinct probability, from the highest down."""
    order = np.argsort(-probability, kind="stable")
    last = np.flatnonzero(np.diff(probability[order], append=-1.0))
    caught, refused = np.cumsum(late[order])[last], np.cumsum(~late[order])[last]
    return np.r_[0.0, caught / late.sum()], np.r_[0.0, refused / (~late).sum()]


def wilson(shares: Floats, sizes: NDArray[np.int_], z: float = 1.96) -> Sequence[Floats]:
    """Compute Wilson's interval of a share (*JASA* 22, 1927, doi:10.1080/01621459.1927.10502953).

    Parameters
    ----------
    shares : ndarray of float64, shape (n,)
        Observed shares.
    sizes : ndarray of int, shape (n,)
        Of how many.
    z : float
        So many standard errors.

    Returns
    -------
    low, high : ndarray of float64, shape (n,)
    """
    middle = (shares + z**2 / (2 * sizes)) / (1 + z**2 / sizes)
    half = z / (1 + z**2 / sizes) * np.sqrt(shares * (1 - shares) / sizes + z**2 / (4 * sizes**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
