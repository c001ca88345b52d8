"""Waterfall figure of one applicant: the contribution of each field to the score."""

from __future__ import annotations

from typing import Any

import numpy as np

from morosidad.languages import Language, check_language, say, write_number
from morosidad.plots.style import BAD, FAINT, GOOD, plotly_for, styled
from morosidad.schema.field import Field
from morosidad.schema.schema import Record
from morosidad.scoring.scorer import Scorer

_SCALES = {"probability": "figures.probability", "log-odds": "figures.log_odds"}


def waterfall(scorer: Scorer, record: Record, *, top: int = 10, language: Language | None = None) -> Any:
    """Draw how one applicant's values lead from the usual score to this one.

    Parameters
    ----------
    scorer : Scorer
        Who decides, with a compiled model that knows its reference.
    record : mapping, JSON as bytes or text, or object with attributes
        As in `Scorer.score_one`. Its values stand in the picture.
    top : int, default=10
        So many fields, those that weigh most; the others are drawn as one.
    language : {'es', 'en', 'pt'}, optional
        Of the texts; the scorer's when not given.

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
    go = plotly_for("waterfall")
    language = scorer.language if language is None else check_language(language)
    found = scorer.contributions(record)
    shares = list(found.contributions.values())
    total, probability = float(sum(shares)), found.probability
    end = {"probability": probability, "log-odds": _log_odds(probability)}.get(found.scale, total)
    order = sorted(range(len(shares)), key=lambda i: -abs(shares[i]))
    shown, rest = order[:top], [i for i in order[top:] if shares[i]]
    named = list(found.values.values())
    fields = scorer.schema.fields
    usual = say(language, "figures.usual")
    rows = [(usual, end - total)]
    rows += [(_cell(fields[i], named[i], language), shares[i]) for i in shown if shares[i]]
    if rest:
        rows.append((say(language, "figures.others", number=len(rest)), float(sum(shares[i] for i in rest))))
    figure = go.Figure(_bars(go, rows, end, language))
    figure.update_yaxes(autorange="reversed", automargin=True)
    title = say(language, "figures.probability_title", probability=probability)
    scale = say(language, _SCALES.get(found.scale, "figures.score"))
    return styled(figure, title, scale, language, height=160 + 30 * (len(rows) + 1))


def _bars(go: Any, rows: list[tuple[str, float]], end: float, language: Language) -> Any:
    """Draw the usual score, each share that leads away from it, and where they end."""
    texts = [
        write_number(language, share, "+.2f" if place else ".2f") for place, (_, share) in enumerate(rows)
    ]
    return go.Waterfall(
        orientation="h",
        y=[*(name for name, _ in rows), say(language, "figures.this_applicant")],
        x=[*(share for _, share in rows), end],
        measure=["absolute", *["relative"] * (len(rows) - 1), "total"],
        text=[*texts, write_number(language, end, ".2f")],
        increasing={"marker": {"color": BAD}},
        decreasing={"marker": {"color": GOOD}},
        totals={"marker": {"color": FAINT}},
        connector={"line": {"color": FAINT, "width": 1}},
    )


def _cell(field: Field, value: object, language: Language) -> str:
    shown = str(value)
    if value is None or isinstance(value, bool):
        shown = say(language, "figures." + {None: "no_value", True: "yes", False: "no"}[value])
    elif isinstance(value, (int, float)):
        shown = write_number(language, value, ",.2f" if value % 1 else ",.0f")
    return f"{field.words_in(language).label} = {shown}"


def _log_odds(probability: float) -> float:
    p = min(max(probability, 1e-300), 1 - 1e-16)
    return float(np.log(p / (1.0 - p)))
