"""Figure of a model's shapes: the effect of each field, and the observed default rate beside it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler.forms.scales import Scale
from morosidad.frames.reading import Coded, Column, read_frame
from morosidad.languages import Language, check_language, say, separators, write_number
from morosidad.plots.quality import is_late, wilson
from morosidad.plots.style import DARK, LIGHT, plotly_for
from morosidad.schema.field import Field
from morosidad.scoring.frame_path import by_field
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

LEVELS = 12
"""So many categories of a field are drawn apart at most, the most frequent ones."""

_NOMINAL = ("boolean", "category")
_ROW = 210
_LONGEST = 14


class _Bins(NamedTuple):
    """Where the applicants lie in one field.

    Attributes
    ----------
    names : list of str
        What each bin is called, in order.
    ticks : list of str
        The same in fewer characters: where a number's bin begins.
    of : ndarray of intp, shape (n_rows,)
        Each applicant's bin.
    ordered : bool
        Whether the bins follow one another, as those of a number do.
    """

    names: list[str]
    ticks: list[str]
    of: NDArray[np.intp]
    ordered: bool = True


def shapes(
    scorer: Scorer,
    frame: pd.DataFrame,
    y: Any,
    *,
    top: int = 8,
    bins: int = 10,
    scale: Scale | None = None,
    dark: bool = False,
    language: Language | None = None,
) -> Any:
    """Draw what each field does to the score, and beside it how many fell into arrears.

    Parameters
    ----------
    scorer : Scorer
        Who decides, with a model that gives contributions.
    frame : DataFrame of shape (n_rows, n_columns)
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        Who fell into arrears.
    top : int, default=8
        So many fields, those that weigh most.
    bins : int, default=10
        Groups of about as many applicants that a number's values are divided into, at most.
    scale : {'log-odds', 'probability'}, optional
        Of the effects; the model's own when not given.
    dark : bool, default=False
        For a dark page.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the scorer's when not given.

    Returns
    -------
    plotly.graph_objects.Figure
        Two pictures for each field. On the left, the mean contribution in each bin, with the 10th and 90th
        percentiles where it depends on other fields; on the right the observed default rate with Wilson's
        interval of 95 %, over bars for how many applicants there are.

    Raises
    ------
    InvalidFrame
        If columns are missing, the schema refuses rows, or there are none.
    UnsupportedModel
        If the model gives no contributions.
    MissingExtra
        plotly is not installed.
    """
    plotly_for("shapes")
    language = scorer.language if language is None else check_language(language)
    explained = scorer.explain_frame(frame, scale=scale).iloc[:, :-1]
    order = explained.abs().mean().sort_values(ascending=False, kind="stable").index[:top]
    late, schema = is_late(scorer, y), scorer.schema
    if len(late) != len(explained) or not len(late):
        raise ValueError("one answer for each applicant was expected, and some applicants")
    columns = read_frame(schema, by_field(scorer._model, frame))[0]
    labels = [schema[name].words_in(language).label for name in order]
    figure = _empty(labels)
    colours = DARK if dark else LIGHT
    for row, name in enumerate(order, 1):
        place = schema.names.index(name)
        found = _bins(schema.fields[place], columns[place], bins, language)
        _draw(figure, row, found, explained[name].to_numpy(), late, colours)
    own = scorer.plan.reasons
    on = scale or ("log-odds" if "log-odds" in own else "probability")
    effect = say(language, "figures.effect_on", scale=say(language, _SCALES[on]))
    _style(figure, len(order), colours, effect, say(language, "figures.fell_late"))
    return figure.update_layout(separators=separators(language))


_SCALES = {"probability": "figures.probability", "log-odds": "figures.log_odds"}


def _empty(labels: list[str]) -> Any:
    """Lay out a row of two pictures for each field."""
    from plotly.subplots import make_subplots

    n = len(labels)
    return make_subplots(
        n, 2, horizontal_spacing=0.11, vertical_spacing=0.38 / n,
        subplot_titles=[text for label in labels for text in (f"<b>{label}</b>", "")],
        specs=[[{}, {"secondary_y": True}] for _ in range(n)],
    )  # fmt: skip


def _draw(figure: Any, row: int, bins: _Bins, effect: Floats, late: NDArray[np.bool_], colours: Any) -> None:
    import plotly.graph_objects as go

    filled = [place for place in range(len(bins.names)) if (bins.of == place).any()]
    parts = [bins.of == place for place in filled]
    names, at = [bins.names[place] for place in filled], list(range(len(filled)))
    mean = np.array([effect[part].mean() for part in parts])
    low, high = (np.array([np.quantile(effect[part], q) for part in parts]) for q in (0.1, 0.9))
    sizes = np.array([part.sum() for part in parts])
    rate = np.array([late[part].mean() for part in parts])
    least, most = wilson(rate, sizes)
    figure.add_trace(
        go.Bar(
            x=at, y=mean, customdata=names, width=0.72,
            marker={"color": colours["effect"], "line_width": 0},
            error_y={"type": "data", "symmetric": False, "array": _spread(high - mean),
                     "arrayminus": _spread(mean - low), "color": colours["ink"], "thickness": 1, "width": 3},
            hovertemplate="%{customdata}: %{y:+.3f}<extra></extra>",
        ), row, 1,
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=at, y=sizes, marker={"color": colours["bar"], "line_width": 0}, width=0.9,
            hovertemplate="n = %{y}<extra></extra>",
        ),
        row, 2, secondary_y=False,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=at, y=rate, customdata=names, mode="lines+markers" if bins.ordered else "markers",
            line={"color": colours["rate"], "width": 2}, marker={"size": 7},
            error_y={"type": "data", "symmetric": False, "array": most - rate, "arrayminus": rate - least,
                     "color": colours["rate"], "thickness": 1.2, "width": 3},
            hovertemplate="%{customdata}: %{y:.1%}<extra></extra>",
        ), row, 2, secondary_y=True,
    )  # fmt: skip
    ticks = [bins.ticks[place] for place in filled]
    figure.update_xaxes(tickvals=at, ticktext=ticks, range=[-0.6, len(at) - 0.4], row=row)
    figure.update_yaxes(range=[0, 3.2 * float(sizes.max())], row=row, col=2, secondary_y=False)
    top = 1.08 * float(most.max())
    figure.update_yaxes(range=[0, top], row=row, col=2, secondary_y=True)


def _spread(distance: Floats) -> Floats:
    """Give the reach of an error bar, and none where all applicants of a bin have one effect."""
    return np.where(distance > 1e-9, distance, np.nan)


def _style(figure: Any, n: int, colours: Any, effect: str, rate: str) -> None:
    ink, grid = colours["ink"], colours["grid"]
    figure.update_layout(
        height=_ROW * n + 70, showlegend=False, paper_bgcolor=colours["paper"],
        plot_bgcolor=colours["paper"], font={"color": ink, "size": 12},
        margin={"l": 60, "r": 20, "t": 76, "b": 50}, bargap=0,
    )  # fmt: skip
    figure.update_annotations(xanchor="left", x=0, font={"size": 14, "color": ink})
    for x, text in ((0.0, effect), (0.555, rate)):
        figure.add_annotation(
            x=x, y=1, yref="paper", xref="paper", yanchor="bottom", xanchor="left", yshift=34, text=text,
            showarrow=False, font={"size": 13, "color": ink},
        )  # fmt: skip
    figure.update_xaxes(showgrid=False, tickfont={"size": 11}, autotickangles=[0, 35, 90], automargin=True)
    figure.update_xaxes(linecolor=grid, zeroline=False)
    figure.update_yaxes(gridcolor=grid, zeroline=False, nticks=5)
    for row in range(1, n + 1):
        figure.update_yaxes(zeroline=True, zerolinecolor=colours["ink"], zerolinewidth=1, row=row, col=1)
        figure.update_yaxes(visible=False, row=row, col=2, secondary_y=False)
        figure.update_yaxes(tickformat=".0%", tickmode="auto", side="left", row=row, col=2, secondary_y=True)


def _bins(field: Field, column: Column, bins: int, language: Language) -> _Bins:
    """Divide the applicants by one field, those without a value apart."""
    absent = say(language, "figures.no_value")
    if isinstance(column, Coded):
        names = [str(level) for level in column.levels]
        return _frequent(names, column.codes, absent, language)._replace(ordered=False)
    missing = np.isnan(column)
    levels = np.unique(column[~missing])
    if field.kind in _NOMINAL or len(levels) <= bins:
        words = {0.0: "figures.no", 1.0: "figures.yes"}
        names = [
            say(language, words[level]) if field.kind == "boolean" else write_number(language, level, ".6g")
            for level in levels.tolist()
        ]
        codes = np.where(missing, -1, np.searchsorted(levels, column))
        return _frequent(names, codes, absent, language)._replace(ordered=field.kind not in _NOMINAL)
    edges = np.unique(np.quantile(column[~missing], np.linspace(0, 1, bins + 1)[1:-1]))
    codes = np.searchsorted(edges, column, side="right")
    ends = [_short(edge, language) for edge in edges.tolist()]
    names = [f"< {ends[0]}", *(f"{a}–{b}" for a, b in pairwise(ends)), f"≥ {ends[-1]}"]
    ticks = [f"< {ends[0]}", *ends]
    return _Bins([*names, absent], [*ticks, absent], np.where(missing, len(names), codes))


def _frequent(names: list[str], codes: Any, absent: str, language: Language) -> _Bins:
    """Draw the most frequent categories apart, and the others as one."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = (
        np.sort(np.argsort(-counts, kind="stable")[:LEVELS]) if len(names) > LEVELS else np.arange(len(names))
    )
    place = np.full(len(names) + 1, len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    place[-1] = len(kept) + 1
    rest = say(language, "figures.other_categories", number=len(names) - len(kept))
    words = [*(names[k] for k in kept.tolist()), rest, absent]
    ticks = [word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…" for word in words]
    return _Bins(words, ticks, place[codes])


def _short(number: float, language: Language) -> str:
    """Write a number in few characters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= 10 * size or (letter != "k" and abs(number) >= size):
            return write_number(language, number / size, ".3g") + letter
    return write_number(language, number, ".4g")
