"""Readers of quantile and spline transformers, as polynomials between knots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Floats
from morosidad.compiler.nodes.expressions import Arith, Fill
from morosidad.compiler.nodes.float_order import first_true
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import Curve, Edges, Piecewise, fold_constants
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


def curve(edges: Floats, anchors: Floats, rows: Floats) -> Curve:
    """Make a curve of its pieces, with one more for a missing number.

    Parameters
    ----------
    edges : ndarray of shape (n,)
        Where the pieces after the first begin.
    anchors : ndarray of shape (n + 1,)
        What is taken from the number in each piece.
    rows : ndarray of shape (n + 1, degree + 1, n_columns)
        The coefficients of each piece, the constant first.

    Returns
    -------
    Curve
    """
    missing = np.full((1, *rows.shape[1:]), np.nan)
    return Curve(Edges(edges), np.append(anchors, 0.0), np.concatenate([rows, missing]))


def through_points(x: Floats, y: Floats) -> Curve:
    """Make the line through points, level before the first and after the last."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    slopes = np.diff(y) / np.diff(x)
    lines = np.column_stack([y, np.append(slopes, 0.0)])
    rows = np.concatenate([[[y[0], 0.0]], lines])
    return curve(x, np.concatenate([[x[0]], x]), rows[:, :, None])


# -- quantiles -------------------------------------------------------------------------------------

_NEAR_BOUND = 1e-7  # scikit-learn's BOUNDS_THRESHOLD


@compiles("sklearn.QuantileTransformer")
def quantile_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each number's rank among the quantiles, as it is or as a normal quantile."""
    if not np.isfinite(estimator.quantiles_).all():
        raise NotCompilable("QuantileTransformer fitted on a column without values has no compiled form")
    normal = estimator.output_distribution == "normal"
    out: list[Expr] = []
    for column, quantiles in zip(columns, estimator.quantiles_.T, strict=True):
        rank = fold_constants(Piecewise(column, _ranks(quantiles, estimator.references_, normal)))
        out.append(_normal(rank) if normal else rank)
    return out


def _normal(rank: Expr) -> Expr:
    from scipy.special import ndtri

    low = float(ndtri(_NEAR_BOUND - np.spacing(1)))
    high = float(ndtri(1 - (_NEAR_BOUND - np.spacing(1))))
    return fold_constants(Function(rank, "normal_quantile", (low, high)))


def _ranks(quantiles: Floats, references: Floats, normal: bool) -> Curve:
    """Interpolate from both sides and take the mean, which differs where quantiles are equal."""
    knots, first, count = np.unique(quantiles, return_index=True, return_counts=True)
    before, after = references[first], references[first + count - 1]
    with np.errstate(over="ignore"):
        slopes = np.append((before[1:] - after[:-1]) / np.diff(knots), 0.0)
    if not np.isfinite(slopes).all():
        raise NotCompilable("QuantileTransformer of quantiles that all but meet has no compiled form")
    on_knots = np.column_stack([(before + after) / 2.0, np.where(before == after, slopes, 0.0)])
    off_knots = np.column_stack([after, slopes])
    tied = before < after
    edges = np.concatenate([np.nextafter(knots[tied], np.inf), knots])
    lines = np.concatenate([off_knots[tied], on_knots])
    anchors = np.concatenate([knots[tied], knots])
    order = np.argsort(edges, kind="stable")  # of two pieces with one beginning, the knot's own holds
    top = 1.0 if normal else float(references[-1])
    return _bounded(edges[order], anchors[order], lines[order], *_bounds(knots, normal), top)


def _bounds(knots: Floats, normal: bool) -> tuple[float, float]:
    """Give where the ranks stop being 0, and where they begin to be 1."""
    low, high = float(knots[0]), float(knots[-1])
    if not normal:
        return float(np.nextafter(low, np.inf)), high
    start = first_true(lambda x: x - _NEAR_BOUND >= low, 1)
    end = first_true(lambda x: x + _NEAR_BOUND > high, 1)
    return float(start[0]), float(end[0])


def _bounded(edges: Floats, anchors: Floats, lines: Floats, start: float, end: float, top: float) -> Curve:
    """Make the curve: 0 before `start`, `top` from `end` on, the lines between."""
    end = max(start, end)
    last_before = max(int(np.searchsorted(edges, start, side="right")) - 1, 0)
    inner = (edges > start) & (edges < end)
    level = np.array([[0.0, 0.0], [top, 0.0]])
    return curve(
        np.concatenate([[start], edges[inner], [end]]),
        np.concatenate([[0.0], anchors[[last_before]], anchors[inner], [0.0]]),
        np.concatenate([level[:1], lines[[last_before]], lines[inner], level[1:]])[:, :, None],
    )


# -- splines ---------------------------------------------------------------------------------------


@compiles("sklearn.SplineTransformer")
def spline_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the B-splines of each number as the polynomials that they are between knots."""
    first = 2 if estimator.extrapolation == "linear" else 1
    if estimator.extrapolation == "error" or estimator.degree < first:
        raise NotCompilable(
            f"SplineTransformer(extrapolation={estimator.extrapolation!r}, degree={estimator.degree}) "
            f"has no compiled form"
        )
    compiler.sparse = bool(estimator.sparse_output)
    out: list[Expr] = []
    made: list[Expr] = []
    for column, spline in zip(columns, estimator.bsplines_, strict=True):
        zeros = getattr(estimator, "handle_missing", "error") == "zeros"
        if not zeros:
            compiler.require(column)
        made = _splines(column, spline, estimator.extrapolation)
        out += [Fill(part, 0.0) for part in made] if zeros else made
    return out if estimator.include_bias else [c for i, c in enumerate(out, 1) if i % len(made)]


def _splines(column: Expr, spline: Any, extrapolation: str) -> list[Expr]:
    degree, n = spline.k, len(spline.t) - spline.k - 1
    low, high = float(spline.t[degree]), float(spline.t[n])
    starts = np.array(spline.t[degree:n])
    powers = range(degree + 1)
    polynomials = np.stack([spline(starts, nu=power) / math.factorial(power) for power in powers], axis=1)
    if extrapolation == "periodic":
        period = Function(Arith(column, "-", low), "remainder", (high - low,))
        column, extrapolation = Arith(period, "+", low), "continue"
    if extrapolation == "continue":
        made = curve(starts[1:], starts, polynomials)
    else:
        level = np.zeros((2, degree + 1, spline.c.shape[1]))
        level[:, 0] = spline([low, high])
        if extrapolation == "linear":
            level[:, 1] = spline([low, high], nu=1)
        made = curve(
            np.concatenate([starts, [np.nextafter(high, np.inf)]]),
            np.concatenate([[low], starts, [high]]),
            np.concatenate([level[:1], polynomials, level[1:]]),
        )
    return [fold_constants(Piecewise(column, made, j)) for j in range(spline.c.shape[1])]


# -- ramps -----------------------------------------------------------------------------------------


@compiles("morosidad.Ramps")
def ramps(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the ramps of each number between its knots; a missing number is the median."""
    out: list[Expr] = []
    for column, knots, usual in zip(columns, estimator.knots_, estimator.usual_.tolist(), strict=True):
        filled = fold_constants(Fill(column, usual))
        made = curve(knots, np.concatenate([knots[:1], knots]), _ramp_rows(knots))
        out += [fold_constants(Piecewise(filled, made, j)) for j in range(len(knots) - 1)]
    return out


def _ramp_rows(knots: Floats) -> Floats:
    """Give the line of each ramp in each interval: 0 before it, 1 behind it."""
    n = len(knots) - 1
    rows = np.zeros((n + 2, 2, n))
    rows[:, 0] = np.arange(n + 2)[:, None] > np.arange(1, n + 1)
    rows[np.arange(1, n + 1), 1, np.arange(n)] = 1.0 / np.diff(knots)
    return rows
