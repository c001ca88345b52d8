"""Casts, exchanges and intervals of columns as expressions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Key
from morosidad.compiler.nodes.computed import Choice, PartialFunction
from morosidad.compiler.nodes.expressions import Constant, Missing
from morosidad.compiler.nodes.lookups import Bins, CategoryPosition, Edges, IntervalPosition, Lookup, Table
from morosidad.compiler.nodes.text import Changed, NumberOf, TextOf
from morosidad.compiler.readers.tracing.rules.numbers import choice, one_of, truth
from morosidad.compiler.readers.tracing.rules.trace import Trace, narrowed


def cast(trace: Trace, of: Expr, before: Any, real: Any) -> Expr:
    """Give a column as another data type.

    Parameters
    ----------
    trace : Trace
        The run.
    of : Expr
        The column.
    before, real : Series or ndarray
        The column of the sample, before and after.

    Returns
    -------
    Expr
    """
    import pandas as pd

    kind = getattr(real.dtype, "kind", "O")
    if isinstance(real.dtype, (pd.CategoricalDtype, pd.StringDtype)) or kind in "OU":
        if trace.is_text(of) or (
            kind == "O"
            and not isinstance(real.dtype, (pd.CategoricalDtype, pd.StringDtype))
            and getattr(before.dtype, "kind", "O") in "biuf"
        ):
            return of
        trace.end("turns numbers into text or categories")
    if trace.is_text(of):
        if kind not in "f":
            trace.end("turns text into whole numbers or conditions")
        return number_of_text(trace, of, coerce=False)
    if kind == "b":
        return truth(of)
    if kind in "iu":
        return whole(trace, of, real.dtype, str(real.dtype)[0].isupper())
    if kind == "f":
        return narrowed(of, real)
    trace.end(f"makes a column of {real.dtype}")


def whole(trace: Trace, of: Expr, dtype: Any, nullable: bool = False) -> Expr:
    """Give a number without its fraction; the original refuses a missing one, or one beyond its type."""
    expr = PartialFunction(of, "trunc")
    limits = np.iinfo(dtype.name.lower())
    edges = Edges(
        np.array(
            [
                float(limits.min),
                math.nextafter(float(limits.max), -math.inf if limits.bits == 64 else math.inf),
            ]
        )
    )
    rows = np.array([[np.nan], [0.0], [np.nan], [0.0 if nullable else np.nan]])
    trace.demand(Lookup(expr, Bins(edges, rows)))
    return expr


def number_of_text(trace: Trace, of: Expr, *, coerce: bool) -> Expr:
    """Read a number from text; one that holds none is refused, or missing if it is coerced."""
    found = NumberOf(of, "number")
    if not coerce:
        trace.demand(Choice(Missing(of), Constant(0.0), found))
    return found


def exchanged(trace: Trace, of: Expr, pairs: dict[Any, Any], *, others: bool) -> Expr:
    """Exchange values: those that are not named stay as they are, or become missing.

    Parameters
    ----------
    trace : Trace
        The run.
    of : Expr
        The column.
    pairs : dict
        What each value becomes.
    others : bool
        Whether other values stay as they are.

    Returns
    -------
    Expr
    """
    keys, made, none = _pairs(trace, of, pairs)
    into_text = any(isinstance(value, str) for value in [*made, none])
    if into_text and not all(isinstance(value, str) or is_none(value) for value in [*made, none]):
        trace.end("puts numbers and text into one column")
    if into_text or (others and trace.is_text(of)):
        texts = [value if isinstance(value, str) else None for value in made]
        found: Expr = TextOf(
            CategoryPosition(of, keys), (*texts, None, none if isinstance(none, str) else None)
        )
    else:
        numbers = [math.nan if is_none(value) else float(value) for value in [*made, math.nan, none]]
        found = Lookup(of, Table(keys, np.array(numbers)[:, None]))
    if not others:
        return found
    if all(isinstance(value, str) for value in [*keys, *made]) and is_none(none) and keys:
        flat = tuple(item for pair in zip(keys, made, strict=True) for item in pair)
        return Changed(of, "exchange", flat)
    return choice(trace, one_of(of, keys, 1.0, 0.0, 0.0 if is_none(none) else 1.0), found, of)


def _pairs(trace: Trace, of: Expr, pairs: dict[Any, Any]) -> tuple[tuple[Key, ...], list[Any], Any]:
    keys: list[Key] = []
    made: list[Any] = []
    none: Any = None
    text = trace.is_text(of)
    for key, value in pairs.items():
        if not isinstance(value, (str, bool, int, float, np.number, np.bool_)) and not is_none(value):
            trace.end(f"makes a column of {type(value).__name__}")
        value = value.item() if isinstance(value, np.generic) else value
        if is_none(key):
            none = value
        elif isinstance(key, str) == text and isinstance(key, (str, bool, int, float, np.number, np.bool_)):
            keys.append(key.item() if isinstance(key, np.generic) else key)
            made.append(value)
    return tuple(keys), made, none


def is_none(value: Any) -> bool:
    """Tell whether a value means that there is none."""
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and value != value)
    )


def intervals(
    of: Expr, edges: Sequence[float], rows: Sequence[Any], missing: Any, *, right: bool, lowest: bool = False
) -> Expr:
    """Give what each interval of a number becomes: numbers, or texts.

    Parameters
    ----------
    of : Expr
        The number.
    edges : sequence of float
        Ascending.
    rows : sequence of (float, str or None)
        What is given below the first edge, between each two, and above the last.
    missing : float, str or None
        What is given for no number.
    right : bool
        Whether an interval holds its end, and not its beginning.
    lowest : bool
        Whether the first one that holds its end holds its beginning as well.

    Returns
    -------
    Expr
    """
    begins = [math.nextafter(edge, math.inf) if right and edge != math.inf else float(edge) for edge in edges]
    if right and lowest:
        begins[0] = float(edges[0])
    kept = list(rows)
    if right and begins and begins[-1] == math.inf:  # infinity itself lies in the last one
        begins, kept = begins[:-1], kept[:-1]
    if any(isinstance(row, str) for row in kept):
        texts = tuple(row if isinstance(row, str) else None for row in [*kept, missing])
        return TextOf(IntervalPosition(of, Edges(np.array(begins, dtype=float))), texts)
    numbers = np.array([*map(float, kept), float(missing)])[:, None]
    return Lookup(of, Bins(Edges(np.array(begins, dtype=float)), numbers))
