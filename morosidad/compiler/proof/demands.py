"""What a step demands of computed numbers, found by asking it about one that is missing or infinite."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Text
from morosidad.compiler.nodes.computed import Guaranteed, finite
from morosidad.compiler.nodes.expressions import Fill, Raw

if TYPE_CHECKING:
    from morosidad.compiler.proof.inputs import Inputs

_TRIED = 20


def demanded(compiler: Any, estimator: Any, columns: Sequence[Expr]) -> list[Expr]:
    """Demand of computed columns what a step can't do without.

    A field that must be there is required of the record beforehand. A computed number, such as a ratio,
    is missing or infinite whatever is required, and the original then refuses the record.

    Parameters
    ----------
    compiler : Compiler
        Takes the demands.
    estimator : object
        A fitted step.
    columns : sequence of Expr
        What it is given.

    Returns
    -------
    list of Expr
        The columns, those that are demanded marked as there.
    """
    odd = [place for place, column in enumerate(columns) if _may_be_odd(column)]
    if not odd or compiler.inputs is None:
        return list(columns)
    absent = [place for place in odd if columns[place].may_be_missing(frozenset())]
    infinite = [place for place in odd if not finite(columns[place])]
    out = list(columns)
    if infinite and _refuses(estimator, compiler.inputs, infinite, np.inf):
        for place in infinite:
            compiler.demands[Fill(columns[place], 0.0)] = None
    if absent and _refuses(estimator, compiler.inputs, absent, np.nan):
        for place in absent:
            compiler.demands[columns[place]] = None
            out[place] = Guaranteed(columns[place])
    return out


def _may_be_odd(column: Expr) -> bool:
    text = isinstance(column, Text) or (isinstance(column, Fill) and isinstance(column.value, str))
    return (
        not text
        and not isinstance(column, Raw)
        and (column.may_be_missing(frozenset()) or not finite(column))
    )


def _refuses(estimator: Any, inputs: Inputs, places: Sequence[int], value: float) -> bool:
    """Ask whether a step has no answer where some of its columns hold a value."""
    ask = getattr(estimator, "transform", None) or getattr(estimator, "predict_proba", None)
    ask = ask or getattr(estimator, "decision_function", None)
    if ask is None:
        return True
    for row in inputs.rows[:_TRIED]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = inputs.of([row])
                ask(data)
                odd = _with(data, places, value)
        except Exception:  # noqa: S112 - it refuses this row as it is
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ask(odd)
        except Exception:
            return True
        return False
    return True


def _with(data: Any, places: Sequence[int], value: float) -> Any:
    if hasattr(data, "iloc"):
        changed = data.copy()
        for place in places:
            name = changed.columns[place]
            changed[name] = np.array([value])
        return changed
    changed = np.array(data) if data.dtype.kind in "fO" else data.astype(float)
    changed[:, list(places)] = value
    return changed
