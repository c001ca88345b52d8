"""What operations on columns are as expressions: arithmetic, comparisons, choices, casts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr, Key
from morosidad.compiler.nodes.computed import Binary, Choice, PartialFunction
from morosidad.compiler.nodes.expressions import Arith, Clip, Constant, Fill, Missing
from morosidad.compiler.nodes.functions import FUNCTIONS
from morosidad.compiler.nodes.lookups import Bins, Edges, Lookup, SparseColumn, Table
from morosidad.compiler.nodes.text import (
    FilledText,
    Joined,
    SameText,
    TextChoice,
    TextConstant,
)
from morosidad.compiler.readers.tracing.rules.trace import Trace, narrowed

UNARY = {name: name for name in FUNCTIONS if isinstance(getattr(np, name, None), np.ufunc)} | {
    "isfinite": "finite",
    "isinf": "infinite",
    "abs": "absolute",
}
"""The numpy functions of one number, and the name of each node."""
BINARY = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "true_divide": "/",
    "floor_divide": "//",
    "mod": "%",
    "remainder": "%",
    "power": "**",
    "float_power": "**",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
    "maximum": "maximum",
    "minimum": "minimum",
    "fmax": "fmax",
    "fmin": "fmin",
    "hypot": "hypot",
}
"""The numpy functions of two numbers, and the operator of each node."""
_BITS = {"&": "and", "|": "or", "^": "xor"}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def binary(trace: Trace, operator: str, first: Expr, second: Expr, real: Any) -> Expr:
    """Give two columns, or a column and a constant, as one.

    Parameters
    ----------
    trace : Trace
        The run.
    operator : str
        As in `Binary`.
    first, second : Expr
        The operands.
    real : Series or ndarray
        The result for the sample, whose data type decides what an operator means.

    Returns
    -------
    Expr
    """
    if trace.is_text(first) or trace.is_text(second):
        return _of_texts(trace, operator, first, second)
    kind = getattr(real.dtype, "kind", "O")
    if operator in _BITS:
        operator = _BITS[operator]
        there(trace, first, second)
    if kind == "b" and operator in ("+", "*"):
        operator = "or" if operator == "+" else "and"
    elif operator in ("and", "or", "xor") and kind != "b":
        trace.end("combines bits of whole numbers, or conditions that may be missing")
    elif operator in ("//", "%") and kind in "iu" and not hasattr(real, "index"):
        operator = f"whole {operator}"
    if operator in ("and", "or", "xor"):
        first, second = truth(first), truth(second)
    expr = narrowed(_number(operator, first, second), real)
    if kind in "iu" and operator in ("+", "-", "*", "**"):
        _within_type(trace, expr, real.dtype, operator)
    return expr


def there(trace: Trace, *operands: Expr) -> None:
    """Demand conditions that may be missing: pandas combines the bits of no others."""
    anything = frozenset(range(len(trace.schema)))
    for operand in operands:
        if operand.may_be_missing(anything):
            trace.demand(operand)


def _number(operator: Any, first: Expr, second: Expr) -> Expr:
    if isinstance(first, Constant) and operator in _TURNED and not isinstance(second, Constant):
        operator, first, second = _TURNED[operator], second, first
    if isinstance(first, Constant) and operator in "+*" and not isinstance(second, Constant):
        first, second = second, first
    if isinstance(second, Constant) and math.isfinite(second.value):
        value = second.value
        if operator in ("+", "-", "*") or (operator == "/" and value != 0.0):
            return Arith(first, operator, value)
        if operator in _TURNED:
            return compared(operator, first, value)
    return Binary(operator, first, second)


def compared(operator: str, of: Expr, value: float) -> Expr:
    """Compare a column with a finite number: a table of what lies on either side of it."""
    if operator in ("==", "!="):
        equal = operator == "=="
        key = value + 0.0
        return Lookup(
            of, SparseColumn((key,), float(not equal), np.array([0], np.int32), np.array([float(equal)]))
        )
    edge = math.nextafter(value, math.inf) if operator in ("<=", ">") else value
    above = operator in (">", ">=")
    rows = np.array([[float(not above)], [float(above)], [0.0]])
    return Lookup(of, Bins(Edges(np.array([edge])), rows))


def truth(expr: Expr) -> Expr:
    """Give 1 where a number is not 0, else 0."""
    if isinstance(expr, Constant):
        return Constant(float(expr.value != 0.0))
    known = isinstance(expr, Missing) or (isinstance(expr, Binary) and not expr.may_be_missing(frozenset()))
    if known or (isinstance(expr, Lookup) and np.isin(expr.numbers, (0.0, 1.0)).all()):
        return expr
    return Binary("!=", expr, Constant(0.0))


def _within_type(trace: Trace, expr: Expr, dtype: Any, operator: str) -> None:
    """Demand that whole numbers stay below where their type would wrap around."""
    limits = np.iinfo(dtype.name.lower())
    if limits.bits == 64 and limits.min < 0 and operator in ("+", "-"):
        return
    low, high = float(limits.min), float(limits.max)
    inside = Lookup(expr, Bins(Edges(np.array([low, math.nextafter(high, math.inf)])), _ONLY_INSIDE))
    trace.demand(inside)


_ONLY_INSIDE = np.array([[np.nan], [0.0], [np.nan], [0.0]])


def _of_texts(trace: Trace, operator: str, first: Expr, second: Expr) -> Expr:
    if trace.is_text(first) and trace.is_text(second):
        if operator == "+":
            return Joined(first, second)
        if operator in ("==", "!="):
            if isinstance(first, TextConstant):
                first, second = second, first
            if isinstance(second, TextConstant) and second.value is not None:
                equal = float(operator == "==")
                return one_of(first, [second.value], equal, 1.0 - equal)
            found = SameText(first, second)
            return found if operator == "==" else compared("==", found, 0.0)
    trace.end("reckons with text")


def one_of(
    of: Expr, keys: Sequence[Key], inside: float, outside: float, missing: float | None = None
) -> Expr:
    """Give one number where a column holds one of some values, and another where it does not."""
    last = outside if missing is None else missing
    rows = np.array([*[inside] * len(keys), outside, last])[:, None]
    return Lookup(of, Table(tuple(keys), rows))


def unary(trace: Trace, name: str, of: Expr, real: Any) -> Expr:
    """Give a numpy function of one column.

    Parameters
    ----------
    trace : Trace
        The run.
    name : str
        Of the function.
    of : Expr
        The column.
    real : Series or ndarray
        The result for the sample.

    Returns
    -------
    Expr
    """
    kind = getattr(real.dtype, "kind", "O")
    if name in ("isnan", "isnat", "isna"):
        return Missing(of)
    if trace.is_text(of):
        trace.end("reckons with text")
    if name in ("logical_not", "invert"):
        if kind != "b":
            trace.end("turns the bits of whole numbers, or of conditions that may be missing")
        if name == "invert":
            there(trace, of)
        return compared("==", truth(of), 0.0)
    if name in ("positive", "deg2rad", "rad2deg"):
        if name != "positive":
            trace.end(f"uses {name}, which is not recorded")
        return of
    if name == "reciprocal":
        if kind in "iu":
            trace.end("takes the reciprocal of whole numbers")
        return narrowed(Binary("/", Constant(1.0), of), real)
    known = UNARY.get(name)
    if known is None:
        trace.end(f"uses {name}, which is not recorded")
    expr = narrowed(PartialFunction(of, known), real)
    if kind in "iu" and name in ("square", "negative", "absolute", "abs"):
        _within_type(trace, expr, real.dtype, "*")
    return expr


def choice(trace: Trace, condition: Expr, first: Expr, second: Expr) -> Expr:
    """Choose between two numbers, or between two texts."""
    condition = truth(condition)
    if trace.is_text(first) or trace.is_text(second):
        return TextChoice(condition, _as_text(trace, first), _as_text(trace, second))
    return Choice(condition, first, second)


def _as_text(trace: Trace, expr: Expr) -> Expr:
    if trace.is_text(expr):
        return expr
    if isinstance(expr, Constant) and math.isnan(expr.value):
        return TextConstant(None)
    trace.end("puts numbers and text into one column")


def filled(trace: Trace, of: Expr, value: Expr) -> Expr:
    """Fill a column where it is missing, with a constant or another column."""
    if isinstance(value, Constant) and math.isnan(value.value):
        return of
    if trace.is_text(of):
        if isinstance(value, TextConstant) and value.value is not None:
            return FilledText(of, value.value)
    elif isinstance(value, Constant):
        return Fill(of, value.value)
    return choice(trace, Missing(of), value, of)


def rounded(of: Expr, decimals: int) -> Expr:
    """Round a number to some decimals, halves to the even one."""
    return PartialFunction(of, "round", (10.0**decimals,)) if decimals else PartialFunction(of, "rint")


def clipped(of: Expr, low: Expr | None, high: Expr | None) -> Expr:
    """Hold a column between two numbers or columns; a bound that is missing is none."""
    if isinstance(low, Constant | None) and isinstance(high, Constant | None):
        least = -math.inf if low is None or math.isnan(low.value) else low.value
        most = math.inf if high is None or math.isnan(high.value) else high.value
        return of if (least, most) == (-math.inf, math.inf) else Clip(of, least, most)
    if high is not None:
        of = Choice(Binary(">", of, high), high, of)
    return of if low is None else Choice(Binary("<", of, low), low, of)


def totalled(parts: Sequence[Expr], combine: Callable[[Expr, Expr], Expr]) -> Expr:
    """Combine columns from left to right."""
    total = parts[0]
    for part in parts[1:]:
        total = combine(total, part)
    return total
