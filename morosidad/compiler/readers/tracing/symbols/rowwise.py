"""Sums, means and extremes over the columns of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Binary, Choice, PartialFunction
from morosidad.compiler.nodes.expressions import Arith, Constant, Fill, Missing
from morosidad.compiler.readers.tracing.rules import numbers as rules
from morosidad.compiler.readers.tracing.rules.trace import OTHER_ROWS, narrowed
from morosidad.compiler.readers.tracing.symbols.conditions import OverRows
from morosidad.compiler.readers.tracing.symbols.values import Traced, wrap

ROWWISE = ("sum", "mean", "min", "max", "prod", "any", "all", "count", "std", "var", "median")


def reduced(of: Traced, name: str, real: Any, *, skipna: bool, ddof: int = 1) -> Any:
    """Give a figure over the columns of each row.

    Parameters
    ----------
    of : Traced
        The columns.
    name : str
        One of `ROWWISE`.
    real : Series or ndarray
        The figure for the sample.
    skipna : bool
        Whether missing numbers are left out.
    ddof : int
        What the number of columns is lessened by in a variance.

    Returns
    -------
    Traced
    """
    trace = of._trace
    if any(trace.is_text(expr) for expr in of._exprs) and name != "count":
        trace.end("reckons with text")
    if not of._exprs:
        trace.end("takes a figure over no columns")
    expr = narrowed(_FIGURES[name](of, skipna, ddof), real)
    kept = len(getattr(real, "shape", ())) == 2
    return wrap(trace, real, [expr] * (real.shape[1] if kept else 1))


def _sum(of: Traced, skipna: bool, ddof: int) -> Expr:
    return _added([Fill(expr, 0.0) for expr in of._exprs] if skipna else of._exprs)


def _prod(of: Traced, skipna: bool, ddof: int) -> Expr:
    parts = [Fill(expr, 1.0) for expr in of._exprs] if skipna else of._exprs
    return rules.totalled(parts, lambda a, b: Binary("*", a, b))


def _added(parts: Sequence[Expr]) -> Expr:
    """Add up in halves, so that many columns are not nested deeply."""
    if len(parts) > 16:
        half = len(parts) // 2
        return Binary("+", _added(parts[:half]), _added(parts[half:]))
    return rules.totalled(parts, lambda a, b: Binary("+", a, b))


def _number(of: Traced, skipna: bool) -> Expr:
    if not skipna:
        return Constant(float(len(of._exprs)))
    return _added([rules.compared("==", Missing(expr), 0.0) for expr in of._exprs])


def _mean(of: Traced, skipna: bool, ddof: int) -> Expr:
    total, number = _sum(of, skipna, ddof), _number(of, skipna)
    if isinstance(number, Constant):
        return Arith(total, "/", number.value)
    return Binary("/", total, number)


def _var(of: Traced, skipna: bool, ddof: int) -> Expr:
    mean = _mean(of, skipna, ddof)
    squares: list[Expr] = []
    for expr in of._exprs:
        square = PartialFunction(Binary("-", expr, mean), "square")
        squares.append(Choice(Missing(expr), Constant(0.0), square) if skipna else square)
    left = Arith(_number(of, skipna), "-", float(ddof))
    return Binary("/", _added(squares), Choice(rules.compared("<", left, 0.0), Constant(0.0), left))


def _std(of: Traced, skipna: bool, ddof: int) -> Expr:
    return PartialFunction(_var(of, skipna, ddof), "sqrt")


def _extreme(skipping: Any, plain: Any) -> Callable[[Traced, bool, int], Expr]:
    def figure(of: Traced, skipna: bool, ddof: int) -> Expr:
        operator = skipping if skipna else plain
        return rules.totalled(of._exprs, lambda a, b: Binary(operator, a, b))

    return figure


def _truths(operator: Any) -> Callable[[Traced, bool, int], Expr]:
    def figure(of: Traced, skipna: bool, ddof: int) -> Expr:
        parts = [rules.truth(expr) for expr in of._exprs]
        return rules.totalled(parts, lambda a, b: Binary(operator, a, b))

    return figure


def _count(of: Traced, skipna: bool, ddof: int) -> Expr:
    return _number(of, True)


def _median(of: Traced, skipna: bool, ddof: int) -> Expr:
    """Sort three columns at most."""
    if skipna and any(expr.may_be_missing(frozenset(range(len(of._trace.schema)))) for expr in of._exprs):
        of._end("takes the median of columns that may be missing")
    if len(of._exprs) > 3:
        of._end("takes the median of more than three columns")
    if len(of._exprs) < 3:
        return _mean(of, False, ddof)
    a, b, c = of._exprs
    return Binary("fmax", Binary("fmin", a, b), Binary("fmin", Binary("fmax", a, b), c))


_FIGURES: dict[str, Callable[[Traced, bool, int], Expr]] = {
    "sum": _sum,
    "mean": _mean,
    "min": _extreme("fmin", "minimum"),
    "max": _extreme("fmax", "maximum"),
    "prod": _prod,
    "any": _truths("or"),
    "all": _truths("and"),
    "count": _count,
    "std": _std,
    "var": _var,
    "median": _median,
}


def of_frame(self: Traced, name: str, *arguments: Any, **more: Any) -> Any:
    """Give a figure over the columns of each row of a frame, as its method is called.

    Parameters
    ----------
    self : Traced
        A symbolic frame.
    name : str
        One of `ROWWISE`.
    *arguments, **more : object
        Of the method.

    Returns
    -------
    Traced
    """
    axis = more.get("axis", arguments[0] if arguments else 0)
    if axis not in (1, "columns") and name in ("any", "all"):
        return OverRows(self, name, whole=axis is None)
    if axis not in (1, "columns"):
        self._end(OTHER_ROWS)
    if more.get("min_count", 0) > 0:
        self._end("takes a sum of at least some columns")
    more = {key: value for key, value in more.items() if key != "axis"}
    real = getattr(self._real, name)(axis=1, **more)
    if name in ("any", "all") and any(kind.kind != "b" for kind in self._real.dtypes):
        self._end("takes numbers for conditions")
    return reduced(self, name, real, skipna=bool(more.get("skipna", True)), ddof=more.get("ddof", 1))
